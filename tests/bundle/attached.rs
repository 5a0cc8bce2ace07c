//! Files that come with records: payload of the bag under their digests, held against the records that name them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proofpack::bundle::{self, ReadError, WriteError, Writer, paths};
use proofpack::canonical::sha256;
use proofpack::model::{ProblemCode, Record, RecordKind};
use serde_json::json;

use crate::support::bundles::{answered, attach, attested, files_below, sample_records, seal_info};
use crate::support::{python_tool, succeed};

const REPORT: &[u8] = b"%PDF-1.7\nwhatever it holds, nobody here looks";

/// The sample with two attestations; the second comes with the first one's file and another.
fn sealed(home: &Path) -> PathBuf {
    let target = home.join("bag");
    let mut writer = Writer::create(&target).unwrap();
    attach(&mut writer, &attested("risk-analysis", "2026-05-01", &[("analysis.pdf", REPORT)]));
    let files: [(&str, &[u8]); 2] = [("../../etc/\u{202e}fdp.exe", REPORT), ("b", b"two")];
    attach(&mut writer, &attested("contingency-test", "2026-06-01", &files));
    for record in sample_records() {
        writer.append(&record).unwrap();
    }
    writer.seal(seal_info()).unwrap();
    target
}

fn place(bytes: &[u8]) -> String {
    paths::attached(RecordKind::Attestation, &sha256(bytes)).unwrap()
}

#[test]
fn they_lie_in_the_bag_under_their_digests_and_outside_tools_accept_it() {
    let home = tempfile::tempdir().unwrap();
    let bag = sealed(home.path());
    let files = files_below(&bag);
    let attached: Vec<&String> = files.keys().filter(|path| path.starts_with("data/manual/files/")).collect();
    let mut expected = [place(REPORT), place(b"two")];
    expected.sort_unstable();
    assert_eq!(attached, expected.iter().collect::<Vec<_>>(), "each once, whatever it was called");
    assert_eq!(files[&place(REPORT)], REPORT);
    let sums = String::from_utf8(files["manifest-sha256.txt"].clone()).unwrap();
    assert!(sums.contains(&format!("{}  {}\n", sha256(REPORT), place(REPORT))), "{sums}");
    let octets: usize =
        files.iter().filter(|(path, _)| path.starts_with("data/")).map(|(_, b)| b.len()).sum();
    let count = files.keys().filter(|path| path.starts_with("data/")).count();
    let info = String::from_utf8(files["bag-info.txt"].clone()).unwrap();
    assert!(info.contains(&format!("Payload-Oxum: {octets}.{count}\n")), "{info}");
    succeed(Command::new("sha256sum").args(["--check", "--strict", "manifest-sha256.txt"]).current_dir(&bag));
    succeed(python_tool("bagit.py").arg("--validate").arg(&bag));

    let bundle = bundle::read(&bag).unwrap();
    assert_eq!(bundle.records.len(), sample_records().len() + 2);
    assert!(bundle.imports.is_empty(), "files of attestations are not even held in memory");
    let hostile = bundle.records.iter().find(|stored| stored.path.contains("contingency-test")).unwrap();
    assert_eq!(hostile.record.attached().unwrap()[0].name, "../../etc/\u{202e}fdp.exe");
}

#[test]
fn a_file_of_an_import_is_read_as_it_has_to_be_understood() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("bag");
    let mut writer = Writer::create(&target).unwrap();
    let response = json!({"files": [{"name": "nag.csv", "sha256": sha256(b"a,b"), "bytes": 3}]});
    let mut record = answered("cdk-nag", "Import", json!({}), response);
    record.kind = RecordKind::Import;
    let place = paths::attached(RecordKind::Import, &sha256(b"a,b")).unwrap();
    assert!(place.starts_with("data/imports/files/"));
    writer.add_file(&place, b"a,b").unwrap();
    writer.append(&record).unwrap();
    writer.seal(seal_info()).unwrap();
    let bundle = bundle::read(&target).unwrap();
    assert_eq!(bundle.imports, [(sha256(b"a,b"), b"a,b".to_vec())].into());
}

#[test]
fn only_the_bytes_that_the_path_names_are_taken_and_only_there() {
    let home = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(&home.path().join("bag")).unwrap();
    let good = place(b"x");
    for path in [
        "data/manifest.json",
        "data/aws/x.ndjson",
        "bagit.txt",
        "../outside",
        "data/manual/files/../../../outside",
        "data/manual/files/x",
        &good.replace("manual", "aws"),
        &format!("{good}.pdf"),
        &format!("/{good}"),
        "",
    ] {
        let refused = writer.add_file(path, b"x");
        assert!(matches!(refused, Err(WriteError::Unattachable { .. })), "{path:?}");
    }
    let other = writer.add_file(&good, b"y").unwrap_err();
    assert!(other.to_string().contains("it was altered since"), "{other}");
    writer.add_file(&good, b"x").unwrap();
    writer.add_file(&good, b"x").unwrap();
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}

#[test]
fn a_record_is_not_sealed_without_its_file_and_no_file_without_its_record() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("bag");
    let (record, files) = attested("risk-analysis", "2026-05-01", &[("a.pdf", REPORT)]);
    let mut writer = Writer::create(&target).unwrap();
    writer.append(&record).unwrap();
    let error = writer.seal(seal_info()).unwrap_err();
    assert!(error.to_string().contains("names it, but it was not added"), "{error}");
    assert!(!target.exists());

    // The run is resumed with the file; one that nothing names any more is left out.
    let mut writer = Writer::resume(&target).unwrap();
    writer.add_file(&place(b"of no record"), b"of no record").unwrap();
    drop(writer);
    let mut writer = Writer::resume(&target).unwrap();
    writer.set_aside();
    attach(&mut writer, &(record, files));
    writer.seal(seal_info()).unwrap();
    let bag = files_below(&target);
    assert!(bag.contains_key(&place(REPORT)) && !bag.contains_key(&place(b"of no record")));
    assert!(!home.path().join("bag.partial").exists());
    bundle::read(&target).unwrap();
}

/// A bag in which every checksum is right, but which files and records do not fit.
fn found_after(tamper: impl FnOnce(&Path)) -> Vec<(ProblemCode, String)> {
    let home = tempfile::tempdir().unwrap();
    let bag = sealed(home.path());
    tamper(&bag);
    match bundle::read(&bag) {
        Err(ReadError::Unsound { problems }) => {
            problems.into_iter().map(|problem| (problem.code, problem.place)).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_changed_a_removed_and_an_added_file_are_found() {
    let file = place(REPORT);
    let found = found_after(|bag| fs::write(bag.join(place(REPORT)), b"%PDF-1.7 another").unwrap());
    assert!(found.contains(&(ProblemCode::AttachedDiffers, file.clone())), "{found:?}");
    assert!(found.contains(&(ProblemCode::BagDigest, file.clone())), "{found:?}");
    let found = found_after(|bag| fs::remove_file(bag.join(place(REPORT))).unwrap());
    assert!(found.contains(&(ProblemCode::AttachedMissing, file.clone())), "{found:?}");
    assert!(found.contains(&(ProblemCode::BagFileMissing, file)), "{found:?}");
    for name in [&place(b"more")["data/manual/files/".len()..], "notes.txt", "sub/notes.txt"] {
        let path = format!("data/manual/files/{name}");
        let found = found_after(|bag| {
            fs::create_dir_all(bag.join(&path).parent().unwrap()).unwrap();
            fs::write(bag.join(&path), b"more").unwrap();
        });
        assert!(found.contains(&(ProblemCode::AttachedUnnamed, path.clone())), "{found:?}");
        assert!(found.contains(&(ProblemCode::BagFileUnlisted, path)), "{found:?}");
    }
}

#[test]
fn a_record_whose_list_of_files_is_none_is_not_taken() {
    let home = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(&home.path().join("bag")).unwrap();
    let good = json!({"name": "a", "sha256": sha256(b"x"), "bytes": 1});
    for files in
        [json!("a"), json!([1]), json!([{"name": "a"}]), json!([{"sha256": "../x", "name": "a", "bytes": 1}])]
    {
        let mut record: Record = attested("risk-analysis", "2026-05-01", &[]).0;
        record.outcome = proofpack::model::RecordOutcome::Response(json!({ "files": files }));
        assert!(matches!(writer.append(&record), Err(WriteError::Unstorable { .. })), "{files}");
        // In an answer of AWS, a member of that name means nothing.
        writer
            .append(&answered("s3", "ListBuckets", json!({ "x": files }), json!({ "files": files })))
            .unwrap();
    }
    let mut record: Record = attested("risk-analysis", "2026-05-01", &[]).0;
    record.outcome = proofpack::model::RecordOutcome::Response(json!({ "files": [good] }));
    writer.append(&record).unwrap();
}
