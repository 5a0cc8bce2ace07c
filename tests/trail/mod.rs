//! CloudTrail excerpts against the test world: log objects in S3, log files in a directory, LookupEvents.

mod athena;
mod corroborate;
mod coverage;
mod digest;
mod listing;
mod log_files;
mod lookup_events;
mod program;
mod seeded;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::OnceLock;

use aws_sdk_s3::primitives::ByteStream;
use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use proofpack::aws::{Session, SessionOptions};
use proofpack::catalog::Catalog;
use proofpack::clock::Clock;
use proofpack::model::{Period, Record, RecordKind};
use proofpack::trail::coverage::Chains;
use proofpack::trail::{LogSource, QuietFiles, Request, Rule, from_logs, from_lookup_events};
use serde_json::{Value, json};

use crate::support::world::World;

const ACCOUNT: &str = "123456789012";
const CALLER: &str = "arn:aws:iam::123456789012:user/auditor";
const ROOT_USE: &str = "root-use";
/// The rules that the tests of mechanics ask for; those of the seeded world ask for all.
const RULES: [&str; 3] =
    ["console-login-without-mfa", "kms-key-disabled-or-scheduled-for-deletion", ROOT_USE];

/// An empty world that these tests share, for buckets and event histories of regions that only one test uses.
/// Nobody plants faults in it.
fn scratch() -> &'static World {
    static SCRATCH: OnceLock<World> = OnceLock::new();
    SCRATCH.get_or_init(World::start)
}

/// Somebody who asks a world for excerpts.
struct Asker {
    runtime: tokio::runtime::Runtime,
    session: Session,
    endpoint: String,
    s3: aws_sdk_s3::Client,
    catalog: Catalog,
    rules: BTreeMap<String, Rule>,
    period: Period,
    now: DateTime<Utc>,
    quiet: QuietFiles,
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The third quarter of 2026, which the seeded world's events are about.
fn quarter() -> Period {
    Period { start: instant("2026-07-01T00:00:00Z"), end: instant("2026-10-01T00:00:00Z") }
}

impl Asker {
    /// Asks a world with a single attempt a call; it is the day after the quarter.
    fn new(world: &World) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let endpoint = world.endpoint();
        let session = runtime
            .block_on(Session::load(SessionOptions {
                region: Some("us-east-1".into()),
                endpoint_url: Some(endpoint.clone()),
                static_credentials: Some(("testing".into(), "testing".into())),
                max_attempts: 1,
                ..SessionOptions::default()
            }))
            .unwrap();
        let settings = aws_sdk_s3::config::Builder::from(session.sdk_config()).force_path_style(true).build();
        let s3 = aws_sdk_s3::Client::from_conf(settings);
        let catalog = Catalog::embedded().unwrap();
        let mut rules = Rule::all(&catalog.excerpts, &BTreeMap::new()).unwrap();
        rules.retain(|id, _| RULES.contains(&id.as_str()));
        Self {
            runtime,
            session,
            endpoint,
            s3,
            catalog,
            rules,
            period: quarter(),
            now: instant("2026-10-02T00:00:00Z"),
            quiet: QuietFiles::default(),
        }
    }

    /// Asks for all rules of the catalog.
    fn with_all_rules(mut self) -> Self {
        self.rules = Rule::all(&self.catalog.excerpts, &BTreeMap::new()).unwrap();
        self
    }

    fn request(&self) -> Request<'_> {
        Request {
            rules: &self.rules,
            period: self.period,
            partition: "aws",
            account: ACCOUNT,
            caller: CALLER,
            clock: Clock::Fixed(self.now),
            reading: &(),
            quiet: &self.quiet,
        }
    }

    fn logs(&self, source: &LogSource) -> Vec<Record> {
        self.logs_of(source, &["us-east-1", "us-west-2"])
    }

    fn logs_of(&self, source: &LogSource, regions: &[&str]) -> Vec<Record> {
        let regions = ids(regions);
        let asking = from_logs(
            &self.s3,
            source,
            &regions,
            "us-east-1",
            &self.endpoint,
            self.request(),
            Chains::default(),
        );
        self.runtime.block_on(asking).0
    }

    fn lookup(&self, region: &str, only_source: bool) -> Vec<Record> {
        let settings = aws_sdk_cloudtrail::config::Builder::from(self.session.sdk_config())
            .region(aws_sdk_cloudtrail::config::Region::new(region.to_owned()))
            .build();
        let client = aws_sdk_cloudtrail::Client::from_conf(settings);
        let asking = from_lookup_events(&client, region, &self.endpoint, self.request(), only_source);
        self.runtime.block_on(asking)
    }

    fn make_bucket(&self, bucket: &str) {
        self.runtime.block_on(self.s3.create_bucket().bucket(bucket).send()).unwrap();
    }

    fn put(&self, bucket: &str, key: &str, content: Vec<u8>) {
        let put = self.s3.put_object().bucket(bucket).key(key).body(ByteStream::from(content));
        self.runtime.block_on(put.send()).unwrap();
    }
}

fn s3_source(bucket: &str, prefix: &str) -> LogSource {
    LogSource::S3 { bucket: bucket.into(), prefix: prefix.into() }
}

fn rule_of(record: &Record) -> &str {
    record.source.parameters["rule"].as_str().unwrap()
}

/// The ids of the events that were found, by rule.
fn found(records: &[Record]) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for record in records {
        assert_eq!(record.kind, RecordKind::TrailExcerpt);
        assert_eq!((record.source.account.as_str(), record.source.caller.as_str()), (ACCOUNT, CALLER));
        assert!(record.to_line().is_ok(), "{record:?}");
        let Some(events) = record.response().and_then(|response| response["events"].as_array()) else {
            continue;
        };
        let ids = found.entry(rule_of(record).to_owned()).or_default();
        for event in events {
            assert!(ids.insert(event["eventID"].as_str().unwrap().to_owned()), "twice: {event}");
        }
    }
    found
}

/// What the ground truth says that must be found, by rule; nothing for the rules that it does not name.
fn expected(world: &World) -> BTreeMap<String, BTreeSet<String>> {
    let told: BTreeMap<String, BTreeSet<String>> =
        serde_json::from_value(world.truth()["excerpts"]["events"].clone()).unwrap();
    let all = Catalog::embedded().unwrap().excerpts;
    assert!(told.keys().all(|rule| all.contains_key(rule)), "{:?}", told.keys());
    assert!(told.len() > 60, "{} rules have events", told.len());
    all.into_keys().map(|rule| (rule.clone(), told.get(&rule).cloned().unwrap_or_default())).collect()
}

/// The ids that the rule `root-use` found.
fn root_ids(records: &[Record]) -> BTreeSet<String> {
    found(records).remove(ROOT_USE).unwrap_or_default()
}

/// The gaps as `rule: code`.
fn gaps(records: &[Record]) -> Vec<String> {
    let mut gaps: Vec<String> = records
        .iter()
        .filter_map(|record| Some(format!("{}: {}", rule_of(record), record.gap()?.code)))
        .collect();
    gaps.sort();
    gaps
}

/// A gap of this code for every rule.
fn everywhere(code: &str) -> Vec<String> {
    RULES.iter().map(|rule| format!("{rule}: {code}")).collect()
}

/// An event of the root user, as CloudTrail writes it.
fn root_event(id: &str, time: &str) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": "Root", "principalId": ACCOUNT, "accountId": ACCOUNT},
        "eventTime": time,
        "eventSource": "iam.amazonaws.com",
        "eventName": "CreateAccessKey",
        "awsRegion": "us-east-1",
        "eventID": id,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    })
}

fn log_file(events: &[Value]) -> Vec<u8> {
    json!({ "Records": events }).to_string().into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn ids(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}
