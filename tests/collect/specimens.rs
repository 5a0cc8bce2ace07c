//! Every collector against specimens: a server that answers every operation with everything its model has.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::OnceLock;

use proofpack::assess::resources::derive;
use proofpack::catalog::Catalog;
use proofpack::model::{Property, Record, RecordOutcome};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::collecting::{Question, asked_twice, bundle, collected, options, question};
use crate::support::root;
use crate::support::world::World;

const REGIONS: [&str; 2] = ["us-east-1", "us-west-2"];

/// A collection of specimens.
struct Specimens {
    catalog: Catalog,
    records: Vec<Record>,
    /// What the server was asked: `service:Operation:region:status` to count.
    journal: BTreeMap<String, u64>,
    asked_twice: Vec<String>,
}

/// Lists of `elements` elements, in one page or in several.
fn specimens(elements: u32, paged: bool) -> Specimens {
    let world = World::start();
    world.control("POST", "specimens", &json!({"elements": elements, "paged": paged}));
    let catalog = Catalog::embedded().unwrap();
    let (_, records) = collected(&catalog, options(&world.endpoint()), &REGIONS);
    let journal = serde_json::from_value(world.journal()).unwrap();
    let asked_twice = asked_twice(&world, &catalog);
    Specimens { catalog, records, journal, asked_twice }
}

/// The specimens with one element in each list, collected once for all tests.
fn single() -> &'static Specimens {
    static SINGLE: OnceLock<Specimens> = OnceLock::new();
    SINGLE.get_or_init(|| specimens(1, false))
}

#[test]
fn every_call_of_every_collector_is_made_and_answered() {
    let Specimens { catalog, records, .. } = single();
    let made: BTreeSet<(&str, &str)> = records
        .iter()
        .map(|record| (record.source.service.as_str(), record.source.operation.as_str()))
        .collect();
    let mut problems = Vec::new();
    for collector in catalog.collectors.values() {
        for call in &collector.calls {
            if !made.contains(&(collector.service.as_str(), call.operation.as_str())) {
                let items = call.each.as_ref().map(|each| format!("{each:?}"));
                problems.push(format!("{} {} was never made: {items:?}", collector.service, call.operation));
            }
        }
    }
    for record in records {
        if let RecordOutcome::Error(error) = &record.outcome {
            problems.push(format!("{:?}: {}: {}", question(record), error.code, error.message));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn no_question_is_asked_twice_and_every_exchange_is_in_a_record() {
    let Specimens { records, journal, asked_twice, .. } = single();
    assert!(asked_twice.is_empty(), "{}", asked_twice.join("\n"));
    let questions: BTreeSet<Question> = records.iter().map(question).collect();
    assert_eq!(questions.len(), records.len());
    let mut told: BTreeMap<String, u64> = BTreeMap::new();
    for record in records {
        let source = &record.source;
        for exchange in &record.exchanges {
            let key =
                format!("{}:{}:{}:{}", source.service, source.operation, source.region, exchange.status);
            *told.entry(key).or_default() += 1;
        }
    }
    assert_eq!(&told, journal);
}

/// `unseen-properties.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unseen {
    #[serde(default)]
    property: Vec<UnseenProperty>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnseenProperty {
    kind: String,
    name: String,
    reason: String,
}

/// A property that takes nothing from an answer in which every member is there names a member that does not exist, or
/// compares it with what it never is.
#[test]
fn every_property_of_every_resource_takes_something_from_the_answers() {
    let Specimens { catalog, records, .. } = single();
    let mut strict = catalog.clone();
    for rule in strict.collectors.values_mut().flat_map(|collector| &mut collector.resources) {
        rule.properties.values_mut().for_each(|property| property.default = None);
    }
    let set = derive(&strict, &bundle(&strict, &REGIONS, records)).unwrap();
    let unseen = fs::read_to_string(root().join("tests/collect/unseen-properties.toml")).unwrap();
    let unseen: Unseen = toml::from_str(&unseen).unwrap();
    let mut expected: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    for property in &unseen.property {
        assert!(!property.reason.is_empty());
        expected.insert((&property.kind, &property.name), false);
    }
    let mut problems = Vec::new();
    let kinds: BTreeSet<&str> = set.resources.iter().map(|resource| resource.kind.as_str()).collect();
    for rule in catalog.collectors.values().flat_map(|collector| &collector.resources) {
        if !kinds.contains(rule.kind.as_str()) {
            problems.push(format!("{}: no specimen became a resource of this kind", rule.kind));
        }
    }
    let mut seen = BTreeSet::new();
    for resource in set.resources.iter() {
        for (name, property) in &resource.properties {
            let problem = match property {
                Property::Unknown { reason, .. } => reason.clone(),
                Property::Known { value, .. } if is_empty(value) => format!("it is {value}"),
                Property::Known { .. } => continue,
            };
            match expected.get_mut(&(resource.kind.as_str(), name.as_str())) {
                Some(met) => *met = true,
                None if seen.insert((resource.kind.clone(), name.clone())) => {
                    problems.push(format!("{}.{name} of {}: {problem}", resource.kind, resource.arn));
                }
                None => {}
            }
        }
    }
    let stale = expected.into_iter().filter(|(_, met)| !met);
    problems
        .extend(stale.map(|((kind, name), _)| {
            format!("{kind}.{name} is seen: take it out of unseen-properties.toml")
        }));
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[test]
fn answers_in_pages_give_the_same_records_as_whole_ones() {
    let (whole, paged) = (specimens(2, false), specimens(2, true));
    let outcomes = |records: &[Record]| -> BTreeMap<Question, Value> {
        records
            .iter()
            .map(|record| (question(record), serde_json::to_value(&record.outcome).unwrap()))
            .collect()
    };
    let (one, other) = (outcomes(&whole.records), outcomes(&paged.records));
    let only_whole: Vec<&Question> = one.keys().filter(|key| !other.contains_key(key)).collect();
    let only_paged: Vec<&Question> = other.keys().filter(|key| !one.contains_key(key)).collect();
    assert!(only_whole.is_empty() && only_paged.is_empty(), "{only_whole:#?} {only_paged:#?}");
    let parts: Vec<&Question> = one.keys().filter(|key| one[key] != other[key]).collect();
    assert!(parts.is_empty(), "{parts:#?}");
    let pages = paged.records.iter().filter(|record| record.exchanges.len() > 1).count();
    assert!(pages > 20, "only {pages} records came in pages");
    assert!(whole.records.iter().all(|record| record.exchanges.len() == 1));
    assert!(paged.asked_twice.is_empty(), "{}", paged.asked_twice.join("\n"));
}
