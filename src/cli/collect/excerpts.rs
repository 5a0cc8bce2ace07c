//! The CloudTrail excerpts of one account, out of every source that is configured.

use std::collections::BTreeSet;

use crate::aws::Session;
use crate::cli::config::Config;
use crate::cli::exit::CommandError;
use crate::model::Record;
use crate::trail::{self, LogSource, Request};

/// What stands for the account's id in the place of log objects.
const ACCOUNT: &str = "${account}";

/// Where the log objects of `account` are.
///
/// # Errors
/// When a place is neither a prefix of a bucket nor a directory.
pub(super) fn log_sources(config: &Config, account: &str) -> Result<Vec<LogSource>, CommandError> {
    config.trail.logs.iter().map(|text| source(config, &text.replace(ACCOUNT, account))).collect()
}

/// Finds wrong places of log objects before the first call, as far as they do not depend on the account.
///
/// # Errors
/// As [`log_sources`].
pub(super) fn require_log_sources(config: &Config) -> Result<(), CommandError> {
    let fixed = config.trail.logs.iter().filter(|text| !text.contains(ACCOUNT));
    fixed.map(|text| source(config, text)).collect::<Result<Vec<_>, _>>().map(|_| ())
}

fn source(config: &Config, text: &str) -> Result<LogSource, CommandError> {
    LogSource::parse(text, &config.folder)
        .map_err(|error| CommandError::input(format!("[trail] logs: {error}")))
}

/// The records of every rule: from LookupEvents in `regions`, where the configuration asks for it, and from
/// the log objects in `logs`.
pub(super) async fn excerpts(
    config: &Config,
    session: &Session,
    request: Request<'_>,
    regions: &BTreeSet<&str>,
    logs: &[LogSource],
) -> Vec<Record> {
    let endpoint = session.endpoint_url().unwrap_or("aws");
    let mut records = Vec::new();
    if config.trail.lookup_events {
        for region in regions {
            let settings = aws_sdk_cloudtrail::config::Builder::from(session.sdk_config())
                .region(aws_sdk_cloudtrail::config::Region::new((*region).to_owned()))
                .build();
            let client = aws_sdk_cloudtrail::Client::from_conf(settings);
            records
                .extend(trail::from_lookup_events(&client, region, endpoint, request, logs.is_empty()).await);
        }
    }
    if !logs.is_empty() {
        let client = super::s3_client(session);
        for source in logs {
            records.extend(trail::from_logs(&client, source, session.region(), endpoint, request).await);
        }
    }
    records
}
