//! A whole collection of the seeded world: every call, every record, every resource.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use proofpack::assess::resources::derive;
use proofpack::aws::SessionOptions;
use proofpack::bundle::{Bundle, SealInfo, Writer, read};
use proofpack::catalog::Catalog;
use proofpack::collect::{Bounds, Summary};
use proofpack::model::{Period, Property, Record, RecordOutcome, Scope, Tool};
use serde_json::Value;

use crate::support::collecting::{ACCOUNT, client, collect_with, options};
use crate::support::world::World;

const REGIONS: [&str; 2] = ["us-east-1", "us-west-2"];

/// What one collection of the seeded world gave.
struct Collected {
    catalog: Catalog,
    summary: Summary,
    records: Vec<Record>,
    /// What the server was asked meanwhile: `service:Operation:region:status` to count.
    journal: BTreeMap<String, u64>,
    truth: Value,
}

/// The seeded world is collected once for all tests.
fn collected() -> &'static Collected {
    static COLLECTED: OnceLock<Collected> = OnceLock::new();
    COLLECTED.get_or_init(|| {
        let world = World::seeded();
        let catalog = Catalog::embedded().unwrap();
        world.clear_journal();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let (summary, records) = runtime.block_on(collect_from(&world, &catalog));
        let journal = serde_json::from_value(world.journal()).unwrap();
        Collected { catalog, summary, records, journal, truth: world.truth() }
    })
}

/// Collects the world as it answers, without redaction.
pub(super) async fn collect_from(world: &World, catalog: &Catalog) -> (Summary, Vec<Record>) {
    collect_as(("testing", "testing"), world, catalog).await
}

/// As [`collect_from`], with these credentials.
pub(super) async fn collect_as(
    credentials: (&str, &str),
    world: &World,
    catalog: &Catalog,
) -> (Summary, Vec<Record>) {
    let options = SessionOptions {
        static_credentials: Some((credentials.0.into(), credentials.1.into())),
        max_attempts: SessionOptions::default().max_attempts,
        ..options(&world.endpoint())
    };
    collect_with(catalog, client(options).await, &REGIONS, Bounds::default()).await
}

fn question(record: &Record) -> String {
    let source = &record.source;
    format!("{} {} {} {}", source.service, source.operation, source.region, source.parameters)
}

#[test]
fn no_call_is_made_twice_and_every_exchange_is_in_a_record() {
    let Collected { catalog, summary, records, journal, .. } = collected();
    assert!(records.len() > 200, "{} records are too few for this world", records.len());
    assert_eq!(summary.records, records.len() as u64);
    let mut questions = BTreeSet::new();
    for record in records {
        assert!(questions.insert(question(record)), "asked twice: {}", question(record));
        assert_eq!(record.source.account, ACCOUNT);
        assert!(record.source.endpoint.starts_with("http://127.0.0.1:"), "{}", question(record));
        assert!(!record.exchanges.is_empty(), "{}", question(record));
    }
    let mut told: BTreeMap<String, u64> = BTreeMap::new();
    for record in records {
        let source = &record.source;
        for exchange in &record.exchanges {
            let key =
                format!("{}:{}:{}:{}", source.service, source.operation, source.region, exchange.status);
            *told.entry(key).or_default() += 1;
        }
    }
    let patient: BTreeSet<String> = catalog
        .collectors
        .values()
        .flat_map(|collector| {
            let calls = collector.calls.iter().filter(|call| !call.again.is_empty());
            calls.map(|call| format!("{}:{}:", collector.service, call.operation))
        })
        .collect();
    // What was asked again until it was ready leaves only the last answer.
    let once = |counts: &BTreeMap<String, u64>| -> BTreeMap<String, u64> {
        let kept = counts.iter().filter(|(key, _)| !patient.iter().any(|patient| key.starts_with(patient)));
        kept.map(|(key, count)| (key.clone(), *count)).collect()
    };
    assert_eq!(once(&told), once(journal));
}

#[test]
fn parameters_are_those_of_the_catalog() {
    let Collected { catalog, records, .. } = collected();
    for record in records {
        let source = &record.source;
        let calls = &catalog.collectors[&source.service].calls;
        let call = calls.iter().find(|call| call.operation == source.operation).unwrap();
        let given: BTreeSet<&String> = source.parameters.as_object().unwrap().keys().collect();
        assert_eq!(given, call.parameters.keys().collect(), "{}", question(record));
        assert!(!source.parameters.to_string().contains("${"), "{}", question(record));
    }
    let made: BTreeSet<(&str, &str)> = records
        .iter()
        .map(|record| (record.source.service.as_str(), record.source.operation.as_str()))
        .collect();
    for collector in catalog.collectors.values() {
        // What depends on another call's answer is made where the world has something to ask about.
        for call in collector.calls.iter().filter(|call| call.parent().is_none()) {
            let name = (collector.service.as_str(), call.operation.as_str());
            assert!(made.contains(&name), "{name:?} was never called");
        }
    }
}

#[test]
fn every_gap_is_a_record_and_says_what_the_server_said() {
    let Collected { records, journal, summary, .. } = collected();
    let gaps: Vec<String> = records
        .iter()
        .filter_map(|record| {
            let gap = record.gap()?;
            Some(format!("{}: {}: {}", question(record), gap.code, gap.message))
        })
        .collect();
    assert_eq!(summary.gap_count(), gaps.len() as u64);
    // Macie refuses where it is off, and says so: that is no gap.
    let refused = journal.iter().filter(|(key, _)| key.ends_with(":403") && !key.starts_with("macie2:"));
    let denied = refused.map(|(_, count)| count).sum::<u64>();
    assert!(denied > 0, "the seeded world denies something");
    assert_eq!(gaps.iter().filter(|gap| gap.contains(": AccessDenied")).count() as u64, denied, "{gaps:#?}");
    assert_eq!(gaps.len() as u64, denied, "gaps that the world does not intend: {gaps:#?}");
}

pub(super) fn sealed(records: &[Record]) -> Bundle {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bundle");
    let mut writer = Writer::create(&path).unwrap();
    for record in records {
        writer.append(record).unwrap();
    }
    let instant = "2026-01-01T00:00:00Z".parse().unwrap();
    let info = SealInfo {
        tool: Tool::this(),
        catalog_sha256: Catalog::embedded().unwrap().digest,
        scope: Scope::new("aws", [ACCOUNT], REGIONS, Period { start: instant, end: instant }),
        collection_started: instant,
        sealed_at: instant,
        previous_manifest_sha256: None,
        shard: None,
        merged_from_sha256: Vec::new(),
        redaction_key_commitment: None,
        amends_sha256: None,
    };
    writer.seal(info).unwrap();
    read(&path).unwrap()
}

#[test]
fn the_records_become_the_resources_of_the_world() {
    let Collected { catalog, records, truth, .. } = collected();
    let bundle = sealed(records);
    let set = derive(catalog, &bundle).unwrap();
    let there: BTreeSet<(&str, &str)> =
        set.resources.iter().map(|resource| (resource.kind.as_str(), resource.arn.as_str())).collect();
    let mut lacking = BTreeSet::new();
    for (check, findings) in truth["findings"].as_object().unwrap() {
        let kind = catalog.checks[check].resource.as_str();
        for arn in findings.as_object().unwrap().keys() {
            if arn != "*" && !there.contains(&(kind, arn.as_str())) {
                lacking.insert(format!("{kind} {arn}"));
            }
        }
    }
    assert!(lacking.is_empty(), "{lacking:#?}");
    for (kind, sources) in &set.sources {
        assert!(sources.missing.is_empty() && !sources.listed.is_empty(), "{kind}: {sources:?}");
    }
    // What is unknown rests on a gap, on a member that AWS left out, or on a call that is not made for it.
    let gaps: BTreeSet<_> =
        bundle.records.iter().filter(|s| s.record.gap().is_some()).map(|s| s.id).collect();
    for resource in set.resources.iter() {
        for (name, property) in &resource.properties {
            if let Property::Known { record, .. } = property {
                assert!(!gaps.contains(record), "{} {name}", resource.arn);
            }
        }
    }
}

#[test]
fn responses_and_absence_are_told_apart() {
    let Collected { records, summary, .. } = collected();
    let responses =
        records.iter().filter(|record| matches!(record.outcome, RecordOutcome::Response(_))).count() as u64;
    assert_eq!(responses + summary.absent + summary.gap_count(), summary.records);
    let absent: BTreeSet<&str> = records
        .iter()
        .filter(|record| record.is_absent())
        .map(|record| record.source.operation.as_str())
        .collect();
    assert!(absent.contains("GetBucketPolicy"), "{absent:?}");
}
