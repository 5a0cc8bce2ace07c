//! Collections in this process, from a test server, and bundles of what they gave.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use proofpack::aws::{Client, Models, Session, SessionOptions};
use proofpack::bundle::{Bundle, StoredRecord};
use proofpack::catalog::Catalog;
use proofpack::clock::Clock;
use proofpack::collect::{Bounds, Collection, Gate, Known, Summary, collect};
use proofpack::model::{Manifest, Period, Record, Scope, Tool};
use serde_json::Value;
use tokio::sync::mpsc;

use super::world::World;

/// The test server's account.
pub const ACCOUNT: &str = "123456789012";

/// The service, the operation and what it was asked with, in order: what a record is about.
pub type Question = (String, String, String, String);

/// What a record asked.
pub fn question(record: &Record) -> Question {
    let source = &record.source;
    (source.service.clone(), source.operation.clone(), source.region.clone(), source.parameters.to_string())
}

/// Options that reach nothing but `endpoint`, with one attempt per call.
pub fn options(endpoint: &str) -> SessionOptions {
    SessionOptions {
        region: Some("us-east-1".into()),
        endpoint_url: Some(endpoint.into()),
        static_credentials: Some(("testing".into(), "testing".into())),
        max_attempts: 1,
        ..SessionOptions::default()
    }
}

/// A client with the embedded models, which are read once for all tests.
pub async fn client(options: SessionOptions) -> Client {
    static MODELS: OnceLock<Arc<Models>> = OnceLock::new();
    let models = MODELS.get_or_init(|| Arc::new(Models::embedded().unwrap()));
    Client::new(models.clone(), Arc::new(Session::load(options).await.unwrap()))
}

/// The usual bounds, but for pauses that no test has the time for.
pub fn impatient() -> Bounds {
    let (first_pause, longest_pause) = (Duration::from_millis(5), Duration::from_millis(20));
    Bounds { throttled_again: 1, first_pause, longest_pause, ..Bounds::default() }
}

/// Everything that the catalog asks for in `regions`; records in the order of their questions.
pub fn collected(catalog: &Catalog, options: SessionOptions, regions: &[&str]) -> (Summary, Vec<Record>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (summary, mut records) =
        runtime.block_on(async { collect_with(catalog, client(options).await, regions, impatient()).await });
    records.sort_by_cached_key(question);
    (summary, records)
}

/// Everything that the catalog asks for in `regions`, as the server answers, without redaction; records as they came.
pub async fn collect_with(
    catalog: &Catalog,
    client: Client,
    regions: &[&str],
    bounds: Bounds,
) -> (Summary, Vec<Record>) {
    let (sender, mut receiver) = mpsc::channel(16);
    let run = Collection {
        catalog,
        home_region: client.home_region("aws"),
        client,
        partition: "aws".into(),
        account: ACCOUNT.into(),
        regions: regions.iter().map(|&region| region.into()).collect(),
        caller: format!("arn:aws:iam::{ACCOUNT}:user/auditor"),
        clock: Clock::System,
        gate: Gate::new(bounds, None),
        known: Known::nothing(),
        redactor: Arc::new(()),
        progress: &(),
    };
    let take = async {
        let mut records = Vec::new();
        while let Some(record) = receiver.recv().await {
            records.push(record);
        }
        records
    };
    let (summary, records) = tokio::join!(collect(run, sender), take);
    (summary.unwrap(), records)
}

/// The records as an assessment sees them, without going over the disk.
pub fn bundle(catalog: &Catalog, regions: &[&str], records: &[Record]) -> Bundle {
    let instant = "2026-10-01T00:00:00Z".parse().unwrap();
    let manifest = Manifest {
        version: Manifest::VERSION,
        tool: Tool::this(),
        catalog_sha256: catalog.digest,
        scope: Scope::new("aws", [ACCOUNT], regions.iter().copied(), Period { start: instant, end: instant }),
        collection_started: instant,
        sealed_at: instant,
        records: records.len() as u64,
        merkle_root: catalog.digest,
        files: Vec::new(),
        gaps: Vec::new(),
        previous_manifest_sha256: None,
        shard: None,
        merged_from_sha256: Vec::new(),
        redaction_key_commitment: None,
        amends_sha256: None,
    };
    let stored = |(place, record): (usize, &Record)| {
        let (_, id) = record.to_line().unwrap();
        StoredRecord { id, path: "data/aws".into(), line: place as u64 + 1, record: record.clone() }
    };
    Bundle {
        manifest,
        manifest_sha256: catalog.digest,
        records: records.iter().enumerate().map(stored).collect(),
        imports: BTreeMap::new(),
    }
}

/// Questions that the server was asked more than once, but for those whose earlier answers ask for patience.
pub fn asked_twice(world: &World, catalog: &Catalog) -> Vec<String> {
    let patient: BTreeSet<(&str, &str)> = catalog
        .collectors
        .values()
        .flat_map(|collector| {
            let calls = collector.calls.iter().filter(|call| !call.again.is_empty());
            calls.map(|call| (collector.service.as_str(), call.operation.as_str()))
        })
        .collect();
    let questions: Vec<BTreeMap<String, Value>> =
        serde_json::from_value(world.control("GET", "questions", &Value::Null)).unwrap();
    assert!(!questions.is_empty(), "the server was asked nothing");
    let twice = questions.iter().filter(|asked| {
        let statuses: Vec<u64> = serde_json::from_value(asked["statuses"].clone()).unwrap();
        let is_patient =
            patient.contains(&(asked["service"].as_str().unwrap(), asked["operation"].as_str().unwrap()));
        // Only the last answer to a patient question may be a good one.
        let waited = is_patient && statuses.iter().rev().skip(1).all(|status| *status >= 400);
        statuses.len() > 1 && !waited
    });
    twice.map(|asked| format!("{asked:?}")).collect()
}
