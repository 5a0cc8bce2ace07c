//! `proofpack trail validate`: log files against the digest files that CloudTrail signs.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::keys::{Keys, KeysArguments};
use super::place::Delivery;
use super::sources::SourcesArguments;
use crate::aws::Session;
use crate::cli::config::Config;
use crate::cli::exit::{CommandError, Exit};
use crate::cli::progress::ReadingDisplay;
use crate::cli::{CommandResult, collect, runtime};
use crate::clock::Clock;
use crate::model::{FileCount, Period};
use crate::trail::Watched;
use crate::trail::digest::{DigestStore, DirectoryStore, Question, S3Store, Validation};
use crate::trail::digest::{accounts, regions, validate};

/// Problems that the text lists for one account and region; `--json` lists all of them.
const SHOWN: usize = 50;

#[derive(Debug, clap::Args)]
pub(super) struct ValidateArguments {
    #[command(flatten)]
    sources: SourcesArguments,
    /// Only the digest files of this trail.
    #[arg(long, value_name = "NAME")]
    trail: Option<String>,
    #[command(flatten)]
    keys: KeysArguments,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What is to be validated of a place.
struct Wanted {
    accounts: BTreeSet<String>,
    regions: BTreeSet<String>,
    period: Period,
    trail: Option<String>,
}

pub(super) fn run(arguments: &ValidateArguments) -> CommandResult {
    let config = arguments.sources.configuration()?;
    let now = Clock::System.now();
    let period = arguments.sources.period(&config, now)?;
    let accounts = arguments.sources.accounts(&config);
    let mut regions = arguments.sources.regions();
    if regions.is_empty() {
        regions = config.scope.regions.listed().iter().cloned().collect();
    }
    let deliveries = Delivery::parse_all(arguments.sources.places(&config)?, &config, &accounts)?;
    let wanted = Wanted { accounts, regions, period, trail: arguments.trail.clone() };
    let display = ReadingDisplay::new();
    let asking = Asking { config: &config, arguments, wanted: &wanted, now, reading: &display };
    let validations = runtime()?.block_on(asking.validations(&deliveries));
    display.finish();
    let validations = validations?;
    if arguments.json {
        println!("{:#}", json!({ "validations": validations }));
    } else {
        validations.iter().for_each(|validation| print!("{}", in_words(validation)));
        println!("{}", last_line(&validations));
    }
    Ok(if validations.iter().any(Validation::is_alarming) {
        Exit::ProblemsFound
    } else if validations.iter().all(Validation::is_complete) {
        Exit::Success
    } else {
        Exit::Incomplete
    })
}

/// What validating takes, whatever the place.
struct Asking<'a> {
    config: &'a Config,
    arguments: &'a ValidateArguments,
    wanted: &'a Wanted,
    now: DateTime<Utc>,
    reading: &'a ReadingDisplay,
}

impl Asking<'_> {
    async fn validations(&self, deliveries: &[Delivery]) -> Result<Vec<Validation>, CommandError> {
        let needs_aws =
            !self.arguments.keys.are_in_a_file() || deliveries.iter().any(|one| one.directory.is_none());
        let session = if needs_aws { Some(collect::session(self.config, None).await?) } else { None };
        // Digest files that are delivered afterwards are signed with the key of their own time.
        let of_keys = Period { start: self.wanted.period.start, end: self.wanted.period.end.max(self.now) };
        let mut keys = self.arguments.keys.open(session.as_ref(), of_keys)?;
        let mut all = Vec::new();
        for delivery in deliveries {
            let done = match (&delivery.directory, &session) {
                (Some(path), _) => {
                    let store = DirectoryStore::open(path)
                        .map_err(|error| CommandError::input(format!("{}: {error}", path.display())))?;
                    self.validate_place(store, delivery, &mut keys).await?
                }
                (None, Some(session)) => self.validate_place(s3_store(session), delivery, &mut keys).await?,
                (None, None) => return Err(CommandError::internal("a bucket without a session")),
            };
            all.extend(done);
        }
        self.arguments.keys.save(&keys)?;
        Ok(all)
    }

    async fn validate_place<S: DigestStore>(
        &self,
        store: S,
        delivery: &Delivery,
        keys: &mut Keys<'_>,
    ) -> Result<Vec<Validation>, CommandError> {
        let store = Watched { store, reading: self.reading };
        let refused =
            |error| CommandError::aws(format!("{} could not be listed: {error}", delivery.describe()));
        let mut done = Vec::new();
        for (organization, account) in accounts(&store, &delivery.place).await.map_err(refused)? {
            let named = delivery.account.as_ref().is_none_or(|named| *named == account);
            if !named || !self.wanted.accounts.is_empty() && !self.wanted.accounts.contains(&account) {
                continue;
            }
            let (found, _) =
                regions(&store, &delivery.place, organization.as_deref(), &account).await.map_err(refused)?;
            for region in found {
                let named = delivery.region.as_ref().is_none_or(|named| *named == region);
                if !named || !self.wanted.regions.is_empty() && !self.wanted.regions.contains(&region) {
                    continue;
                }
                let known = keys.of(&region).await.map_err(|error| {
                    CommandError::aws(format!(
                        "CloudTrail's public keys could not be had in {region} (ListPublicKeys): {error}; or give them with --keys FILE"
                    ))
                })?;
                let question = Question {
                    place: delivery.place.clone(),
                    organization: organization.clone(),
                    account: account.clone(),
                    region,
                    period: self.wanted.period,
                    trail: self.wanted.trail.clone(),
                };
                done.push(validate(&store, &question, &known).await.validation);
            }
        }
        if done.is_empty() {
            return Err(CommandError::input(format!(
                "there are no log files of such an account and region under {}: they lie in AWSLogs/ACCOUNT/CloudTrail/REGION/ of the trail's bucket and prefix",
                delivery.describe()
            )));
        }
        Ok(done)
    }
}

fn s3_store(session: &Session) -> S3Store {
    S3Store::new(collect::s3_client(session))
}

fn in_words(validation: &Validation) -> String {
    let Validation { account, region, period, trails, .. } = validation;
    let trails = if trails.is_empty() { String::new() } else { format!(" (trail {})", trails.join(", ")) };
    let mut text = format!("account {account}, {region}{trails}\n");
    let mut line = |name: &str, count: FileCount, more: &str| {
        if count == FileCount::default() && name != "digest files" {
            return;
        }
        let total = count.valid + count.invalid + count.unknown;
        text.push_str(&format!("  {name:<22} {} of {total} valid", count.valid));
        if count.invalid > 0 {
            text.push_str(&format!(", {} WRONG", count.invalid));
        }
        if count.unknown > 0 {
            text.push_str(&format!(", {} not known", count.unknown));
        }
        text.push_str(&format!("{more}\n"));
    };
    line("digest files", validation.digests, "");
    line("backfill digest files", validation.backfill_digests, "");
    let bytes =
        format!(" ({} MB, {} MB of text)", validation.stored_bytes >> 20, validation.text_bytes >> 20);
    line("log files", validation.logs, &bytes);
    if validation.logs_not_in_a_digest > 0 {
        text.push_str(&format!("  {:<22} {} WRONG\n", "in no digest file", validation.logs_not_in_a_digest));
    }
    let hours = |spans: &[Period]| {
        spans.iter().map(|span| (span.end - span.start).num_minutes()).sum::<i64>() as f64 / 60.0
    };
    let whole = hours(std::slice::from_ref(period));
    text.push_str(&format!("  {:<22} {:.1} of {whole:.1} hours\n", "covered", hours(&validation.covered)));
    let shown = |instant: DateTime<Utc>| instant.format("%Y-%m-%d %H:%M:%S");
    for hole in &validation.holes {
        text.push_str(&format!("  {:<22} {} to {}\n", "not covered", shown(hole.start), shown(hole.end)));
    }
    for problem in validation.problems.iter().take(SHOWN) {
        let word = if problem.kind.is_alarming() { "WRONG" } else { "open " };
        text.push_str(&format!("  {word} {problem}\n"));
    }
    let more = (validation.problems.len().saturating_sub(SHOWN)) as u64 + validation.problems_dropped;
    if more > 0 {
        text.push_str(&format!("  ... and {more} more; --json lists them\n"));
    }
    text
}

fn last_line(validations: &[Validation]) -> &'static str {
    if validations.iter().any(Validation::is_alarming) {
        "WRONG: files were altered, removed or added, or are not CloudTrail's: see above."
    } else if validations.iter().all(Validation::is_complete) {
        "Everything that CloudTrail delivered in the period is there, unaltered and signed."
    } else {
        "Nothing is altered; but hours of the period are not covered."
    }
}
