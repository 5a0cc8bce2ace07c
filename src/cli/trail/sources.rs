//! Which log files a command looks at, as the command line or the configuration says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

use crate::cli::config::{Config, is_account};
use crate::cli::exit::{CommandError, Exit};
use crate::model::Period;

/// The configuration that is read where it is there and the command line names all that is needed.
const CONFIGURATION: &str = "proofpack.toml";

/// Which log files.
#[derive(Debug, clap::Args)]
pub(super) struct SourcesArguments {
    /// Where trails deliver to: `s3://BUCKET/PREFIX`, or a directory that a bucket was copied into; the configuration's
    /// `[trail] logs` where none is named.
    sources: Vec<String>,
    /// Configuration file; not needed where a source is named.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only this account; may be given several times. Without it: scope.accounts, or all that files were delivered for.
    #[arg(long, value_name = "ID", value_parser = account)]
    account: Vec<String>,
    /// Only this region; may be given several times. Without it: scope.regions, or all that files were delivered for.
    #[arg(long, value_name = "REGION")]
    region: Vec<String>,
    /// First day, or first instant (2026-07-01T00:00:00Z); without it: the audit period's.
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// Last day, or first instant after it; without it: the audit period's.
    #[arg(long, value_name = "TIME")]
    end: Option<String>,
}

fn account(text: &str) -> Result<String, String> {
    if is_account(text) { Ok(text.to_owned()) } else { Err("an account id has 12 digits".to_owned()) }
}

impl SourcesArguments {
    /// The configuration: the one that is named, the one that is there, or none.
    ///
    /// # Errors
    /// When it cannot be read, or there is none and no source is named.
    pub(super) fn configuration(&self) -> Result<Config, CommandError> {
        match &self.config {
            Some(path) => Config::read(path),
            None if self.sources.is_empty() || Path::new(CONFIGURATION).exists() => {
                Config::read(Path::new(CONFIGURATION)).map(|mut config| {
                    if !self.sources.is_empty() {
                        // What is named on the command line is seen from where the program runs.
                        config.folder = PathBuf::new();
                    }
                    config
                })
            }
            None => Config::without_file(),
        }
    }

    /// The places as they are written.
    ///
    /// # Errors
    /// When there are none.
    pub(super) fn places<'a>(&'a self, config: &'a Config) -> Result<&'a [String], CommandError> {
        let places = if self.sources.is_empty() { &config.trail.logs } else { &self.sources };
        if places.is_empty() {
            return Err(CommandError::input(
                "there are no log files to look at: name s3://BUCKET/PREFIX or a directory, or set logs under [trail] in the configuration",
            ));
        }
        Ok(places)
    }

    /// The accounts that are named; none: all that files were delivered for.
    pub(super) fn accounts(&self, config: &Config) -> BTreeSet<String> {
        if self.account.is_empty() {
            return config.scope.named_accounts();
        }
        self.account.iter().cloned().collect()
    }

    /// The regions that the command line names.
    pub(super) fn regions(&self) -> BTreeSet<String> {
        self.region.iter().cloned().collect()
    }

    /// The period: what the command line says, and the audit period for what it leaves out.
    ///
    /// # Errors
    /// When a time cannot be read, or the period ends before it starts.
    pub(super) fn period(&self, config: &Config, now: DateTime<Utc>) -> Result<Period, CommandError> {
        let wrong = |option: &str, text: &str| {
            let message = format!(
                "{option} {text}: write a day such as 2026-07-01, or an instant such as 2026-07-01T00:00:00Z"
            );
            CommandError::new(Exit::Usage, message)
        };
        let read = |option: &str, text: &str, days: u64| {
            match text.parse::<NaiveDate>() {
                Ok(day) => {
                    day.checked_add_days(Days::new(days)).map(|day| day.and_time(NaiveTime::MIN).and_utc())
                }
                Err(_) => text.parse::<DateTime<Utc>>().ok(),
            }
            .ok_or_else(|| wrong(option, text))
        };
        let start = self.start.as_deref().map(|text| read("--start", text, 0)).transpose()?;
        let end = self.end.as_deref().map(|text| read("--end", text, 1)).transpose()?;
        let period = match (start, end) {
            (Some(start), Some(end)) => Period { start, end },
            (start, end) => {
                let configured = config.scope.period(now)?;
                let end = end.unwrap_or(configured.end);
                Period { start: start.unwrap_or(configured.start), end }
            }
        };
        if period.start >= period.end {
            return Err(CommandError::new(Exit::Usage, "--start is not before --end"));
        }
        Ok(Period { end: period.end.min(now.max(period.start + TimeDelta::hours(1))), ..period })
    }
}
