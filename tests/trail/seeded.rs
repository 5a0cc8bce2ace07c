//! The seeded world's events: every source must give exactly those of the ground truth.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proofpack::canonical;
use proofpack::model::Record;
use proofpack::trail::LogSource;
use serde_json::Value;

use super::{Asker, expected, found, gaps, gzip, instant, quarter, rule_of, s3_source};
use crate::support::world::World;

/// The log objects of the seeded world's bucket, by key.
fn log_objects(asker: &Asker, bucket: &str, prefix: &str) -> BTreeMap<String, Vec<u8>> {
    asker.runtime.block_on(async {
        let mut keys = Vec::new();
        let mut pages = asker.s3.list_objects_v2().bucket(bucket).prefix(prefix).into_paginator().send();
        while let Some(page) = pages.next().await {
            keys.extend(page.unwrap().contents().iter().map(|object| object.key().unwrap().to_owned()));
        }
        let mut objects = BTreeMap::new();
        for key in keys {
            let object = asker.s3.get_object().bucket(bucket).key(&key).send().await.unwrap();
            objects.insert(key, object.body.collect().await.unwrap().to_vec());
        }
        objects
    })
}

/// The bucket and prefix that the ground truth names.
fn bucket(world: &World) -> (String, String) {
    let excerpts = &world.truth()["excerpts"];
    let text = |name: &str| excerpts[name].as_str().unwrap().to_owned();
    assert_eq!(text("start").parse(), Ok(quarter().start));
    assert_eq!(text("end").parse(), Ok(quarter().end));
    (text("bucket"), text("prefix"))
}

fn inventory(records: &[Record]) -> &Value {
    let mut inventories = records.iter().filter(|record| rule_of(record) == "log-objects");
    let inventory = inventories.next().unwrap().response().unwrap();
    assert!(inventories.next().is_none());
    inventory
}

#[test]
fn log_objects_in_a_bucket_give_exactly_the_events_of_the_ground_truth() {
    let world = World::shared();
    let asker = Asker::new(world).with_all_rules();
    let (bucket, prefix) = bucket(world);
    let records = asker.logs(&s3_source(&bucket, &prefix));
    assert_eq!(found(&records), expected(world));
    assert_eq!(gaps(&records), [""; 0]);

    let objects = log_objects(&asker, &bucket, &prefix);
    assert!(objects.len() > 180, "{} log objects are too few for this world", objects.len());
    let inventory = inventory(&records);
    let listed = inventory["objects"].as_array().unwrap();
    for object in listed {
        let bytes = &objects[object["location"].as_str().unwrap()];
        assert_eq!(object["sha256"], canonical::sha256(bytes).to_string());
        assert_eq!(object["bytes"], bytes.len());
    }
    // What was delivered before the period began is not even listed.
    let before = |key: &&String| key.contains("/2026/06/");
    assert!(objects.keys().any(|key| before(&key)));
    let locations: Vec<&str> = listed.iter().map(|object| object["location"].as_str().unwrap()).collect();
    let inside: Vec<&String> = objects.keys().filter(|key| !before(key)).collect();
    assert_eq!(locations, inside);

    for record in records.iter().filter(|record| rule_of(record) != "log-objects") {
        let response = record.response().unwrap();
        assert_eq!(response["objects-scanned"], listed.len());
        assert_eq!(response["objects-outside-period"], 0);
        let scanned: u64 = listed.iter().map(|object| object["events"].as_u64().unwrap()).sum();
        assert_eq!(response["events-scanned"], scanned);
        for object in response["objects"].as_array().unwrap() {
            assert!(listed.contains(object), "{object}");
        }
        let held = !response["events"].as_array().unwrap().is_empty();
        assert_eq!(!response["objects"].as_array().unwrap().is_empty(), held, "{}", rule_of(record));
        assert_eq!(record.source.operation, "GetObject");
        assert_eq!(record.source.endpoint, world.endpoint());
    }
}

#[test]
fn the_same_objects_as_files_give_the_same_events() {
    let world = World::shared();
    let asker = Asker::new(world).with_all_rules();
    let (bucket, prefix) = bucket(world);
    let objects = log_objects(&asker, &bucket, &prefix);
    let folder = tempfile::tempdir().unwrap();
    // As they are, unpacked, and packed again in members of odd lengths.
    let text = |bytes: &[u8]| {
        let mut text = Vec::new();
        std::io::copy(&mut flate2::read::GzDecoder::new(bytes), &mut text).unwrap();
        text
    };
    let members = |bytes: &[u8]| text(bytes).chunks(777).flat_map(gzip).collect::<Vec<u8>>();
    let write = |path: &Path, bytes: &[u8]| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    for (key, bytes) in &objects {
        write(&folder.path().join("as-delivered").join(key), bytes);
        write(&folder.path().join("plain").join(key.strip_suffix(".gz").unwrap()), &text(bytes));
        write(&folder.path().join("members").join(key.rsplit('/').next().unwrap()), &members(bytes));
    }
    write(&folder.path().join("plain/README.txt"), b"not a log file, and not named like one");
    for kind in ["as-delivered", "plain", "members"] {
        let root = folder.path().join(kind);
        let records = asker.logs(&LogSource::Directory(root.clone()));
        assert_eq!(found(&records), expected(world), "{kind}");
        assert_eq!(gaps(&records), [""; 0], "{kind}");
        for object in inventory(&records)["objects"].as_array().unwrap() {
            let bytes = fs::read(root.join(object["location"].as_str().unwrap())).unwrap();
            assert_eq!(object["sha256"], canonical::sha256(&bytes).to_string());
        }
        assert!(records.iter().all(|record| record.source.endpoint == "file"));
    }
    // All three together: an event that is delivered three times is one event.
    let records = asker.logs(&LogSource::Directory(folder.path().to_owned()));
    assert_eq!(found(&records), expected(world));
}

#[test]
fn lookup_events_of_all_regions_gives_the_management_events_of_the_ground_truth() {
    let world = World::shared();
    let mut asker = Asker::new(world).with_all_rules();
    asker.now = instant("2026-09-28T00:00:00Z"); // the event history reaches back to the quarter's start
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for region in ["us-east-1", "us-west-2"] {
        let records = asker.lookup(region, true);
        assert_eq!(records.len(), asker.rules.len());
        assert_eq!(gaps(&records), ["log-objects-deleted: DataEventsNotInHistory"]);
        for record in &records {
            assert_eq!(
                (record.source.region.as_str(), record.source.operation.as_str()),
                (region, "LookupEvents")
            );
            let response = record.response();
            for event in response.into_iter().flat_map(|response| response["events"].as_array().unwrap()) {
                assert_eq!(event["awsRegion"], region);
            }
        }
        for (rule, ids) in found(&records) {
            all.entry(rule).or_default().extend(ids);
        }
        // Where log files are read as well, they have the data events: the event history says nothing of them.
        let beside = asker.lookup(region, false);
        assert_eq!((beside.len(), gaps(&beside).len()), (asker.rules.len() - 1, 0));
    }
    let mut expected = expected(world);
    let data_events = expected.remove("log-objects-deleted").unwrap();
    assert_eq!(serde_json::to_value(data_events).unwrap(), world.truth()["excerpts"]["data-events"]);
    assert_eq!(all, expected);
}
