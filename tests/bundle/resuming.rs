//! Bundles that are gone on with: what counts of what an earlier run recorded.

use std::fs;

use proofpack::bundle::{self, Begun, Writer};
use proofpack::canonical::sha256;
use proofpack::model::{ErrorMeaning, Record};
use serde_json::json;

use crate::support::bundles::{answered, refused, sample_records, seal_info};

fn list(names: &[&str]) -> Record {
    answered("s3", "ListBuckets", json!({}), json!({ "Buckets": names }))
}

#[test]
fn a_later_answer_to_the_same_question_replaces_the_earlier_one() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("bag");
    let mut writer = Writer::create(&target).unwrap();
    let throttled = refused("s3", "ListBuckets", json!({}), "SlowDown", ErrorMeaning::Gap);
    let other = answered("s3", "GetBucketAcl", json!({ "Bucket": "a" }), json!({ "Grants": [] }));
    writer.append(&throttled).unwrap();
    writer.append(&other).unwrap();
    drop(writer);
    let mut positions = Vec::new();
    let mut writer =
        Writer::resume_with(&target, |record, position| positions.push((record.clone(), position))).unwrap();
    assert_eq!(positions.iter().map(|(record, _)| record).collect::<Vec<_>>(), [&throttled, &other]);
    let reader = writer.journal_reader();
    for (record, position) in &positions {
        assert_eq!(reader.read(*position).unwrap(), *record);
    }
    assert!(reader.read(positions[1].1 + 1).is_err(), "no record begins there");
    assert!(reader.read(1 << 40).is_err());
    let answer = list(&["a"]);
    writer.append(&answer).unwrap();
    assert_eq!((writer.ids().count(), writer.recorded()), (2, 2));
    drop(writer);
    // The journal has all three lines; the later one counts after the next death too.
    let writer = Writer::resume(&target).unwrap();
    let manifest = writer.seal(seal_info()).unwrap();
    assert_eq!((manifest.records, manifest.gaps.len()), (2, 0));
    let bundle = bundle::read(&target).unwrap();
    assert!(bundle.records.iter().any(|stored| stored.record == answer));
}

#[test]
fn what_is_set_aside_is_sealed_only_if_it_comes_again() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("bag");
    let mut writer = Writer::create(&target).unwrap();
    for record in sample_records() {
        writer.append(&record).unwrap();
    }
    let all = writer.ids().count();
    drop(writer);
    let mut writer = Writer::resume(&target).unwrap();
    writer.set_aside();
    assert_eq!((writer.ids().count(), writer.recorded(), writer.first_collected_at()), (0, all, None));
    let kept = sample_records().swap_remove(1);
    let journal = target.with_file_name("bag.partial").join("journal.ndjson");
    let before = fs::metadata(&journal).unwrap().len();
    writer.append(&kept).unwrap();
    assert_eq!(fs::metadata(&journal).unwrap().len(), before, "it is there already");
    assert_eq!(writer.first_collected_at(), Some(kept.collected_at));
    let manifest = writer.seal(seal_info()).unwrap();
    assert_eq!(manifest.records, 1);
    assert_eq!(bundle::read(&target).unwrap().records[0].record, kept);
}

#[test]
fn a_run_says_what_it_is_and_can_be_removed() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("bag");
    let info = seal_info();
    let begun = Begun {
        tool: info.tool,
        catalog_sha256: sha256(b"catalog"),
        scope: info.scope,
        started: info.collection_started,
    };
    let writer = Writer::create(&target).unwrap();
    assert_eq!(Writer::begun(&target).unwrap(), None);
    writer.begin(&begun).unwrap();
    assert_eq!(Writer::begun(&target).unwrap().as_ref(), Some(&begun));
    assert!(Writer::remove_unfinished(&target).is_err(), "somebody writes to it");
    drop(writer);
    assert!(Writer::remove_unfinished(&target).unwrap());
    assert!(!Writer::remove_unfinished(&target).unwrap());
    assert!(!target.with_file_name("bag.partial").exists());
    // A run that died before its journal was made leaves nothing that is in the way.
    let writer = Writer::create(&target).unwrap();
    writer.begin(&begun).unwrap();
    drop(writer);
    fs::remove_file(target.with_file_name("bag.partial").join("journal.ndjson")).unwrap();
    assert!(!Writer::is_unfinished(&target));
    let writer = Writer::create(&target).unwrap();
    fs::write(target.with_file_name("bag.partial").join("run.json"), "{").unwrap();
    assert!(Writer::begun(&target).is_err());
    drop(writer);
}
