//! The CloudTrail excerpts of one account, out of every source that is configured.

use std::collections::BTreeSet;

use crate::aws::Session;
use crate::cli::config::{Config, Engine};
use crate::cli::exit::CommandError;
use crate::cli::trail::{AthenaEngine, Keys, table};
use crate::model::{Period, Record};
use crate::trail::coverage::{Chains, Delivered, annotate, chains, coverage};
use crate::trail::digest::{DirectoryStore, Place, S3Store};
use crate::trail::{self, LogSource, Request};

/// What stands for the account's id in the place of log objects.
const ACCOUNT: &str = "${account}";

/// Where the demonstration's recording is replayed (see `session.rs`).
const RECORDING: &str = "http://recording.invalid";

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
    if config.trail.engine == Engine::Athena {
        table(config)?;
    }
    let fixed = config.trail.logs.iter().filter(|text| !text.contains(ACCOUNT));
    fixed.map(|text| source(config, text)).collect::<Result<Vec<_>, _>>().map(|_| ())
}

fn source(config: &Config, text: &str) -> Result<LogSource, CommandError> {
    LogSource::parse(text, &config.folder)
        .map_err(|error| CommandError::input(format!("[trail] logs: {error}")))
}

/// The records of every rule: from LookupEvents in `regions`, where the configuration asks for it, and from
/// the log objects in `logs`, which `athena` searches where there is one.
///
/// # Errors
/// When `athena` cannot search what `logs` names.
pub(super) async fn excerpts(
    config: &Config,
    session: &Session,
    athena: Option<&AthenaEngine>,
    request: Request<'_>,
    regions: &BTreeSet<&str>,
    logs: &[LogSource],
) -> Result<Vec<Record>, CommandError> {
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
        let regions: BTreeSet<String> = regions.iter().map(|region| (*region).to_owned()).collect();
        for source in logs {
            let search = async |chains| {
                trail::from_logs(&client, source, &regions, session.region(), endpoint, request, chains).await
            };
            let from_athena = match athena {
                Some(athena) => {
                    let regions: Vec<String> = regions.iter().cloned().collect();
                    Some(athena.search(config, source, &regions, request).await?)
                }
                None => None,
            };
            // What Athena found is validated already. What of the period is covered, only reading all log files tells.
            if let Some(found) = from_athena.as_ref().filter(|_| !config.trail.require_validation) {
                records.extend_from_slice(found);
                continue;
            }
            // The demonstration's recording was made of the log files alone.
            if endpoint == RECORDING {
                records.extend(search(Chains::default()).await.0);
                continue;
            }
            let (place, directory) = match source {
                LogSource::S3 { bucket, prefix } => (Place::of(bucket, prefix), None),
                LogSource::Directory(path) => (Place::of("", ""), Some(path)),
            };
            let described = source.describe();
            let delivered = Delivered {
                place: &place,
                source: &described,
                regions: &regions,
                region: session.region(),
                endpoint: if directory.is_some() { "file" } else { endpoint },
                required: config.trail.require_validation,
            };
            // Digest files that are delivered afterwards are signed with the key of their own time.
            let end = request.clock.now().max(request.period.end);
            let mut keys = Keys::asked_with(session, Period { end, ..request.period });
            let keys = async |region: &str| keys.of(region).await;
            // The digest files first: they say which log files' texts are to be hashed while they are searched.
            let (mut found, covered, validated) = match directory.map(|path| DirectoryStore::open(path)) {
                None => {
                    let store = S3Store::new(client.clone());
                    let (found, chains, texts) = search(chains(&store, delivered, request, keys).await).await;
                    let (covered, validated) = coverage(&store, delivered, request, chains, &texts).await;
                    (found, covered, validated)
                }
                Some(Ok(store)) => {
                    let (found, chains, texts) = search(chains(&store, delivered, request, keys).await).await;
                    let (covered, validated) = coverage(&store, delivered, request, chains, &texts).await;
                    (found, covered, validated)
                }
                // That it cannot be read is among the gaps already.
                Some(Err(_)) => (search(Chains::default()).await.0, Vec::new(), Vec::new()),
            };
            annotate(&mut found, &validated);
            records.extend(from_athena.unwrap_or(found));
            records.extend(covered);
        }
    }
    Ok(records)
}
