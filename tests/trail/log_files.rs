//! Log objects and files that are missing, broken, hostile or out of place: each is a gap with its code.

use std::fs;

use proofpack::assess::{Inputs, assess};
use proofpack::bundle::{SealInfo, Writer, read};
use proofpack::model::{ControlStatus, Manifest, Record, Scope, Tool};
use proofpack::trail::LogSource;
use serde_json::json;

use super::{
    ACCOUNT, Asker, RULES, everywhere, found, gaps, gzip, ids, instant, log_file, quarter, root_event,
    root_ids, rule_of, s3_source, scratch,
};
use crate::support::world::World;

const BUCKET: &str = "trail-logs";

/// A world of one's own with a bucket for log objects, to plant faults in.
fn world_with_bucket() -> (World, Asker) {
    let world = World::start();
    let asker = Asker::new(&world);
    asker.make_bucket(BUCKET);
    (world, asker)
}

/// A bucket in the world that the tests share.
fn scratch_bucket(bucket: &str) -> Asker {
    let asker = Asker::new(scratch());
    asker.make_bucket(bucket);
    asker
}

fn good(id: &str) -> Vec<u8> {
    gzip(&log_file(&[root_event(id, "2026-08-01T00:00:00Z")]))
}

#[test]
fn what_is_broken_is_a_gap_and_the_rest_is_read() {
    let bucket = "broken-logs";
    let asker = scratch_bucket(bucket);
    let whole = good("lost");
    let spaces = vec![b' '; 1 << 20];
    let cases = [
        ("truncated-gzip", whole[..whole.len() - 12].to_vec(), "LogObjectBrokenGzip"),
        ("no-gzip", b"\x1f\x8bnothing of the kind".to_vec(), "LogObjectBrokenGzip"),
        ("ciphertext", b"\x01\x02\x03".to_vec(), "LogObjectNotJson"),
        ("packed-text", gzip(b"GET / HTTP/1.1"), "LogObjectNotJson"),
        ("empty", Vec::new(), "LogObjectNotJson"),
        ("no-records", gzip(br#"{"digestEndTime": "x"}"#), "LogObjectWithoutEvents"),
        ("bomb", gzip(&spaces).repeat(257), "LogObjectTooLarge"),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes, code) in cases {
        let directory = folder.path().join(name);
        fs::create_dir(&directory).unwrap();
        for (file, content) in [("a.json.gz", bytes), ("b.json.gz", good("kept"))] {
            asker.put(bucket, &format!("{name}/{file}"), content.clone());
            fs::write(directory.join(file), content).unwrap();
        }
        for source in [s3_source(bucket, &format!("{name}/")), LogSource::Directory(directory)] {
            let records = asker.logs(&source);
            assert_eq!(root_ids(&records), ids(&["kept"]), "{source:?}");
            assert_eq!(gaps(&records), everywhere(code), "{source:?}");
            let gap = records.iter().find_map(Record::gap).unwrap();
            assert!(
                gap.message.contains("1 of the log files") && gap.message.contains("a.json.gz"),
                "{gap:?}"
            );
            let inventory = records.last().unwrap().response().unwrap();
            assert_eq!(inventory["objects"].as_array().unwrap().len(), 2, "broken ones are hashed as well");
            assert_eq!(inventory["unreadable"].as_array().unwrap().len(), 1);
        }
    }
}

#[test]
fn a_source_that_is_empty_missing_or_denied_is_a_gap_of_every_rule() {
    let (world, asker) = world_with_bucket();
    asker.put(BUCKET, "logs/a.json.gz", good("a"));
    asker.put(BUCKET, "logs/b.json.gz", good("b"));
    asker.put(BUCKET, "other/CloudTrail-Digest/us-east-1/c.json.gz", good("c"));
    asker.put(BUCKET, "old/1_CloudTrail_us-east-1_20250101T0000Z_x.json.gz", good("d"));
    let folder = tempfile::tempdir().unwrap();
    for (source, code) in [
        (s3_source(BUCKET, "nothing/here/"), "NoLogObjects"),
        (s3_source(BUCKET, "other/"), "NoLogObjects"),
        (s3_source(BUCKET, "old/"), "NoLogObjects"),
        (s3_source("no-such-bucket", ""), "NoSuchBucket"),
        (LogSource::Directory(folder.path().to_owned()), "NoLogObjects"),
        (LogSource::Directory(folder.path().join("gone")), "Unreadable"),
    ] {
        let records = asker.logs(&source);
        assert_eq!(gaps(&records), everywhere(code), "{source:?}");
        assert_eq!(records.len(), RULES.len(), "{source:?}");
    }
    let logs = s3_source(BUCKET, "logs/");
    assert_eq!(root_ids(&asker.logs(&logs)), ids(&["a", "b"]));
    for (kind, code) in [("deny", "AccessDenied"), ("throttle", "SlowDown"), ("close", "Unreachable")] {
        world.plant(json!({"kind": kind, "service": "s3", "operation": "ListObjectsV2"}));
        let records = asker.logs(&logs);
        assert_eq!(gaps(&records), everywhere(code));
        assert!(found(&records).is_empty());
        world.clear_faults();

        world.plant(json!({"kind": kind, "service": "s3", "operation": "GetObject", "contains": "logs/b"}));
        let records = asker.logs(&logs);
        assert_eq!(gaps(&records), everywhere(code));
        assert_eq!(root_ids(&records), ids(&["a"]));
        world.clear_faults();
    }
    // Different causes are different gaps.
    world.plant(json!({"kind": "deny", "operation": "GetObject", "contains": "logs/b"}));
    world.plant(json!({"kind": "throttle", "operation": "GetObject", "contains": "logs/a"}));
    let records = asker.logs(&logs);
    let mut both = [everywhere("AccessDenied"), everywhere("SlowDown")].concat();
    both.sort();
    assert_eq!(gaps(&records), both);
    let inventory = records.last().unwrap().response().unwrap();
    assert_eq!(inventory["objects"], json!([]));
    assert_eq!(
        inventory["unreadable"],
        json!([{"location": "logs/a.json.gz", "code": "SlowDown"}, {"location": "logs/b.json.gz", "code": "AccessDenied"}])
    );
}

fn sealed(folder: &std::path::Path, asker: &Asker, records: &[Record]) -> Manifest {
    let mut writer = Writer::create(folder).unwrap();
    for record in records {
        writer.append(record).unwrap();
    }
    let info = SealInfo {
        tool: Tool::this(),
        catalog_sha256: asker.catalog.digest,
        scope: Scope::new("aws", [ACCOUNT], ["us-east-1"], quarter()),
        collection_started: asker.now,
        sealed_at: asker.now,
        previous_manifest_sha256: None,
        shard: None,
        merged_from_sha256: Vec::new(),
        redaction_key_commitment: None,
        amends_sha256: None,
    };
    writer.seal(info).unwrap()
}

#[test]
fn a_gap_makes_the_excerpts_controls_indeterminate() {
    let (world, asker) = world_with_bucket();
    asker.put(BUCKET, "a.json.gz", good("a"));
    asker.put(BUCKET, "b.json.gz", good("b"));
    let folder = tempfile::tempdir().unwrap();
    let gaps_of = |name: &str| -> Vec<(usize, u64, ControlStatus)> {
        let records = asker.logs(&s3_source(BUCKET, ""));
        let manifest = sealed(&folder.path().join(name), &asker, &records);
        assert_eq!(manifest.records, records.len() as u64);
        let bundle = read(&folder.path().join(name)).unwrap();
        let inputs = Inputs {
            frameworks: vec!["hipaa-security-rule".into()],
            as_of: asker.now,
            parameters: Default::default(),
            exceptions: Vec::new(),
        };
        let assessment = assess(&bundle, &asker.catalog, &inputs).unwrap();
        let controls = assessment.controls();
        let excerpts =
            controls.flat_map(|control| control.excerpts.iter().map(|excerpt| (excerpt, control.status)));
        excerpts
            .filter(|(excerpt, _)| excerpt.rule == super::ROOT_USE)
            .map(|(excerpt, status)| (excerpt.gaps.len(), excerpt.events, status))
            .collect()
    };
    let whole = gaps_of("whole");
    assert!(whole.len() > 1);
    assert!(whole.iter().all(|(gaps, events, _)| (*gaps, *events) == (0, 2)), "{whole:?}");
    world.plant(json!({"kind": "deny", "operation": "GetObject", "contains": "b.json.gz"}));
    let partial = gaps_of("partial");
    assert!(
        partial.iter().all(|(gaps, events, status)| {
            (*gaps, *events) == (1, 1) && *status == ControlStatus::Indeterminate
        }),
        "{partial:?}"
    );
}

#[test]
fn the_period_and_the_account_decide_and_not_the_place() {
    let bucket = "period-logs";
    let asker = scratch_bucket(bucket);
    let mut foreign = root_event("foreign", "2026-08-01T00:00:00Z");
    foreign["recipientAccountId"] = json!("999999999999");
    let events = [
        root_event("before", "2026-06-30T23:59:59Z"),
        root_event("first", "2026-07-01T00:00:00Z"),
        root_event("last", "2026-09-30T23:59:59Z"),
        root_event("after", "2026-10-01T00:00:00Z"),
        root_event("unplaced", "some day"),
        foreign,
    ];
    // Delivered late, under a day that is not in the period.
    let key = "AWSLogs/123456789012/CloudTrail/us-east-1/2026/10/03/123456789012_CloudTrail_us-east-1_20261003T0000Z_x.json.gz";
    asker.put(bucket, key, gzip(&log_file(&events)));
    let records = asker.logs(&s3_source(bucket, ""));
    assert_eq!(root_ids(&records), ids(&["first", "last", "unplaced"]));
    assert_eq!(gaps(&records), [""; 0]);
}

#[test]
fn hostile_events_are_kept_as_data_or_counted_and_can_be_read_back() {
    let bucket = "hostile-logs";
    let asker = scratch_bucket(bucket);
    let mut odd = root_event("odd", "2026-08-01T00:00:00Z");
    odd["userAgent"] = json!("#set page(width: 1pt)\u{0}\u{7}\u{202e}\u{1f600}");
    odd["unknownMember"] = json!({"kept": [1, 2.5, null, true]});
    let mut deep = root_event("deep", "2026-08-01T00:00:00Z");
    deep["requestParameters"] = (0..100).fold(json!({}), |inner, _| json!({ "in": inner }));
    let mut inexact = root_event("inexact", "2026-08-01T00:00:00Z");
    inexact["requestParameters"] = json!({ "number": u64::MAX });
    asker.put(bucket, "a.json", log_file(&[odd.clone(), deep, inexact]));
    let records = asker.logs(&s3_source(bucket, ""));
    assert_eq!(root_ids(&records), ids(&["odd"]));
    assert_eq!(gaps(&records), ["root-use: ExcerptTruncated"]);
    assert!(
        records
            .iter()
            .any(|record| record.gap().is_some_and(|gap| gap.message.starts_with("2 matching events")))
    );

    let folder = tempfile::tempdir().unwrap();
    sealed(&folder.path().join("bundle"), &asker, &records);
    let bundle = read(&folder.path().join("bundle")).unwrap();
    let excerpt = bundle
        .records
        .iter()
        .find(|stored| rule_of(&stored.record) == "root-use" && stored.record.gap().is_none());
    assert_eq!(excerpt.unwrap().record.response().unwrap()["events"][0], odd);
}

#[test]
fn a_rules_limit_keeps_the_first_events_and_counts_all() {
    let folder = tempfile::tempdir().unwrap();
    let asker = Asker::new(scratch());
    let events: Vec<_> = (0..1_005)
        .map(|number| root_event(&format!("{number:05}"), &format!("2026-08-01T00:{:02}:00Z", number / 20)))
        .collect();
    fs::write(folder.path().join("a.json"), log_file(&events)).unwrap();
    let records = asker.logs(&LogSource::Directory(folder.path().to_owned()));
    assert_eq!(root_ids(&records).len(), 1_000);
    assert!(root_ids(&records).contains("00999") && !root_ids(&records).contains("01000"));
    assert_eq!(gaps(&records), [""; 0]);
    let excerpt = records.iter().find(|record| rule_of(record) == super::ROOT_USE).unwrap();
    let response = excerpt.response().unwrap();
    assert_eq!(response["matched"], 1_005);
    assert_eq!(response["places"][999], json!({ "object": 0, "index": 999 }));
    assert_eq!(response["objects"][0]["events"], 1_005);
}

#[cfg(unix)]
#[test]
fn links_are_refused_by_name_and_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    fs::create_dir_all(folder.path().join("elsewhere")).unwrap();
    fs::create_dir(&logs).unwrap();
    fs::write(
        folder.path().join("elsewhere/secret.json"),
        log_file(&[root_event("x", "2026-08-01T00:00:00Z")]),
    )
    .unwrap();
    fs::write(logs.join("own.json"), log_file(&[root_event("own", "2026-08-01T00:00:00Z")])).unwrap();
    std::os::unix::fs::symlink(folder.path().join("elsewhere/secret.json"), logs.join("link.json")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), logs.join("folder")).unwrap();
    std::os::unix::fs::symlink(&logs, logs.join("loop")).unwrap();
    let asker = Asker::new(scratch());
    let records = asker.logs(&LogSource::Directory(logs));
    assert_eq!(root_ids(&records), ids(&["own"]));
    assert_eq!(gaps(&records), everywhere("Unreadable"));
    let inventory = records.last().unwrap().response().unwrap();
    assert_eq!(inventory["unreadable"].as_array().unwrap().len(), 3);
    assert_eq!(instant("2026-10-02T00:00:00Z"), records[0].collected_at);
}
