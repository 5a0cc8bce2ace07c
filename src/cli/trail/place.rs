//! Where a trail delivers to, as the command line or the configuration names it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::cli::config::{Config, is_account};
use crate::cli::exit::CommandError;
use crate::trail::LogSource;
use crate::trail::digest::Place;

/// What stands for the account's id in the place of log objects.
const ACCOUNT: &str = "${account}";

/// A place that trails deliver to, and what of it was named.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Delivery {
    /// The place.
    pub(in crate::cli) place: Place,
    /// The directory, where it is none of S3.
    pub(in crate::cli) directory: Option<PathBuf>,
    /// The account, where the prefix goes as far.
    pub(in crate::cli) account: Option<String>,
    /// The region, where the prefix goes as far.
    pub(in crate::cli) region: Option<String>,
}

impl Delivery {
    /// The places that `texts` name, each `s3://bucket/prefix` or a directory. `accounts` stand for `${account}`.
    ///
    /// # Errors
    /// When one is neither, or needs an account and there is none.
    pub(in crate::cli) fn parse_all(
        texts: &[String],
        config: &Config,
        accounts: &BTreeSet<String>,
    ) -> Result<Vec<Self>, CommandError> {
        let mut all: Vec<Self> = Vec::new();
        for text in texts {
            if text.contains(ACCOUNT) && accounts.is_empty() {
                return Err(CommandError::input(format!(
                    "{text} needs an account: give --account, or set scope.accounts in the configuration"
                )));
            }
            if text.contains(ACCOUNT) {
                for account in accounts {
                    all.push(Self::parse(&text.replace(ACCOUNT, account), config)?);
                }
            } else {
                all.push(Self::parse(text, config)?);
            }
        }
        Ok(all)
    }

    fn parse(text: &str, config: &Config) -> Result<Self, CommandError> {
        let source = LogSource::parse(text, &config.folder).map_err(CommandError::input)?;
        let (path, place, directory) = match source {
            LogSource::S3 { bucket, prefix } => (prefix.clone(), Place::of(&bucket, &prefix), None),
            LogSource::Directory(path) => (path.display().to_string(), Place::of("", ""), Some(path)),
        };
        let parts: Vec<&str> = path.split(['/', '\\']).collect();
        let below = parts.iter().rposition(|part| *part == "AWSLogs").map_or(parts.len(), |at| at + 1);
        let below = parts.get(below..).unwrap_or_default();
        let account = below.iter().find(|part| is_account(part)).map(|part| (*part).to_owned());
        let sort = below.iter().position(|part| matches!(*part, "CloudTrail" | "CloudTrail-Digest"));
        let region = sort.and_then(|at| below.get(at + 1)).filter(|part| !part.is_empty());
        Ok(Self { place, directory, account, region: region.map(|part| (*part).to_owned()) })
    }

    /// The place in a line.
    pub(in crate::cli) fn describe(&self) -> String {
        match &self.directory {
            Some(path) => path.display().to_string(),
            None => format!("s3://{}/{}", self.place.bucket, self.place.prefix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_may_name_an_account_and_a_region() {
        let config = Config::without_file().unwrap();
        let parse = |text: &str| Delivery::parse(text, &config).unwrap();
        let all = parse("s3://bucket/ours");
        assert_eq!((all.place.prefix.as_str(), all.account, all.region), ("ours/", None, None));
        let one = parse("s3://bucket/AWSLogs/o-abc/123456789012/CloudTrail/us-east-1/");
        assert_eq!(one.place, Place::of("bucket", ""));
        assert_eq!(
            (one.account.as_deref(), one.region.as_deref()),
            (Some("123456789012"), Some("us-east-1"))
        );
        let accounts = BTreeSet::from(["111122223333".to_owned(), "444455556666".to_owned()]);
        let several = ["s3://bucket/AWSLogs/${account}/CloudTrail/".to_owned()];
        let found = Delivery::parse_all(&several, &config, &accounts).unwrap();
        assert_eq!(found.iter().filter_map(|one| one.account.clone()).collect::<BTreeSet<_>>(), accounts);
        assert!(Delivery::parse_all(&several, &config, &BTreeSet::new()).is_err());
    }
}
