use std::fs;
use std::process::Command;

use proofpack::bundle::{self, WriteError, Writer, merkle, paths};
use proofpack::canonical;
use proofpack::model::{GapReason, GapSummary, RecordId};
use serde_json::json;

use crate::support::bundles::{answered, files_below, sample_records, seal, seal_info};
use crate::support::{python_tool, succeed};

#[test]
fn outside_tools_accept_a_sealed_bundle() {
    let home = tempfile::tempdir().unwrap();
    let bag = seal(home.path(), "bag", &sample_records());
    for sums in ["manifest-sha256.txt", "tagmanifest-sha256.txt"] {
        succeed(Command::new("sha256sum").args(["--check", "--strict", sums]).current_dir(&bag));
    }
    succeed(python_tool("bagit.py").arg("--validate").arg(&bag));

    // And they are not just polite: one byte is enough.
    let file = bag.join("data/aws/123456789012/us-east-1/kms/ListKeys.ndjson");
    let text = fs::read_to_string(&file).unwrap().replace("us-east-1", "us-east-2");
    fs::write(&file, text).unwrap();
    assert!(!python_tool("bagit.py").arg("--validate").arg(&bag).output().unwrap().status.success());
}

#[test]
fn the_order_of_arrival_leaves_no_trace() {
    let home = tempfile::tempdir().unwrap();
    let mut records = sample_records();
    let one = seal(home.path(), "one", &records);
    records.reverse();
    records.rotate_left(3);
    let twice: Vec<_> = records.iter().chain(&records).cloned().collect();
    let two = seal(home.path(), "two", &twice);
    assert_eq!(files_below(&one), files_below(&two));
}

#[test]
fn what_was_sealed_reads_back() {
    let home = tempfile::tempdir().unwrap();
    let records = sample_records();
    let bag = seal(home.path(), "bag", &records);
    let bundle = bundle::read(&bag).unwrap();
    assert_eq!(bundle.records.len(), records.len());
    assert!(records.iter().all(|record| bundle.records.iter().any(|stored| stored.record == *record)));
    assert_eq!(
        bundle.manifest.gaps,
        [GapSummary { reason: GapReason::AccessDenied, code: "AccessDenied".into(), count: 2 }]
    );
    let manifest = fs::read(bag.join("data/manifest.json")).unwrap();
    assert_eq!(bundle.manifest_sha256, canonical::sha256(&manifest));

    let ids: Vec<RecordId> = bundle.records.iter().map(|record| record.id).collect();
    assert_eq!(merkle::root(&ids), bundle.manifest.merkle_root);
    for (index, stored) in bundle.records.iter().enumerate() {
        let text = fs::read_to_string(bag.join(&stored.path)).unwrap();
        let line = text.lines().nth(stored.line as usize - 1).unwrap();
        assert_eq!(canonical::sha256(line.as_bytes()), stored.id.0);
        assert_eq!(paths::of(&stored.record).unwrap(), stored.path);
        let proof = merkle::prove(&ids, index).unwrap();
        merkle::verify_inclusion(&bundle.manifest.merkle_root, &stored.id, &proof).unwrap();
    }
}

#[test]
fn a_bundle_without_records_can_be_sealed() {
    let home = tempfile::tempdir().unwrap();
    let bag = seal(home.path(), "bag", &[]);
    let bundle = bundle::read(&bag).unwrap();
    assert_eq!((bundle.records.len(), bundle.manifest.merkle_root), (0, canonical::sha256(b"")));
    succeed(python_tool("bagit.py").arg("--validate").arg(&bag));
}

#[test]
fn a_run_that_dies_leaves_no_bundle_and_can_be_resumed() {
    let home = tempfile::tempdir().unwrap();
    let (target, partial) = (home.path().join("bag"), home.path().join("bag.partial"));
    let records = sample_records();
    let mut writer = Writer::create(&target).unwrap();
    for record in &records[..5] {
        writer.append(record).unwrap();
    }
    drop(writer); // as a kill would: no seal
    assert!(!target.exists() && Writer::is_unfinished(&target));
    assert!(matches!(Writer::create(&target), Err(WriteError::Unfinished(_))));

    // The kill came in the middle of a line, and during an earlier sealing.
    let journal = partial.join("journal.ndjson");
    let whole = fs::read(&journal).unwrap();
    fs::write(&journal, &whole[..whole.len() - 10]).unwrap();
    fs::create_dir_all(partial.join("bag/data")).unwrap();
    fs::write(partial.join("bag/data/left-over"), "x").unwrap();

    let mut writer = Writer::resume(&target).unwrap();
    assert_eq!(writer.ids().count(), 4);
    assert!(matches!(Writer::resume(&target), Err(WriteError::Io { .. })), "the journal is locked");
    for record in &records {
        writer.append(record).unwrap();
    }
    writer.seal(seal_info()).unwrap();
    assert!(target.exists() && !partial.exists());
    assert_eq!(files_below(&target), files_below(&seal(home.path(), "other", &records)));
}

#[test]
fn a_journal_that_was_altered_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("bag");
    let mut writer = Writer::create(&target).unwrap();
    writer.append(&sample_records()[0]).unwrap();
    drop(writer);
    let journal = home.path().join("bag.partial/journal.ndjson");
    let text = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, text.replace("{\"", "{ \"")).unwrap();
    match Writer::resume(&target) {
        Err(WriteError::BadJournal { line: 1, .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_is_overwritten() {
    let home = tempfile::tempdir().unwrap();
    let bag = seal(home.path(), "bag", &sample_records());
    let before = files_below(&bag);
    assert!(matches!(Writer::create(&bag), Err(WriteError::Exists(_))));

    let late = home.path().join("late");
    let writer = Writer::create(&late).unwrap();
    fs::write(&late, "somebody else's").unwrap();
    assert!(matches!(writer.seal(seal_info()), Err(WriteError::Exists(_))));
    assert_eq!(fs::read_to_string(&late).unwrap(), "somebody else's");
    assert_eq!(files_below(&bag), before);
}

#[test]
fn what_no_reader_would_take_back_is_not_taken() {
    let home = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(&home.path().join("bag")).unwrap();
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    let refused = [
        answered("s3", "../../etc/passwd", json!({}), json!({})),
        answered("..", "ListBuckets", json!({}), json!({})),
        answered("s3", "ListBuckets", json!({}), json!({"Size": u64::MAX})),
        answered("s3", "ListBuckets", json!({}), deep),
    ];
    for record in &refused {
        let error = writer.append(record).unwrap_err();
        assert!(!error.to_string().is_empty(), "{error:?}");
    }
    assert_eq!(writer.ids().count(), 0);
    assert_eq!(fs::read(home.path().join("bag.partial/journal.ndjson")).unwrap(), b"");
}
