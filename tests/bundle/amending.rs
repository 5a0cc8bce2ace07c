//! Amending: AWS's answers stay, what people stated is taken up again, and the manifests form a chain.

use std::fs;
use std::path::{Path, PathBuf};

use proofpack::bundle::{Addition, AmendError, Amended, Attachment, Writer, amend, merge, read};
use proofpack::canonical::sha256;
use proofpack::model::{Manifest, Record};

use crate::support::bundles::{attach, attested, files_below, sample_records, seal, seal_info};

fn addition(id: &str, date: &str, files: &[(&str, &[u8])]) -> Addition {
    let (record, files) = attested(id, date, files);
    Addition { record, files: files.into_iter().map(|(_, bytes)| Attachment::Bytes(bytes)).collect() }
}

fn amended(bag: &Path, target: &Path, additions: &[Addition]) -> Amended {
    amend(bag, target, additions, "2026-10-05T08:00:00Z".parse().unwrap()).unwrap()
}

fn manifest_of(amended: Amended) -> Manifest {
    match amended {
        Amended::Sealed { manifest, .. } => *manifest,
        Amended::Unchanged => panic!("nothing was amended"),
    }
}

#[test]
fn what_aws_answered_stays_byte_for_byte_and_the_new_manifest_names_the_old() {
    let home = tempfile::tempdir().unwrap();
    let bag = seal(home.path(), "bag", &sample_records());
    let before = files_below(&bag);
    let target = home.path().join("amended");
    let additions = [addition("risk-analysis", "2026-05-01", &[("a.pdf", b"pdf")])];
    let manifest = manifest_of(amended(&bag, &target, &additions));
    assert_eq!(files_below(&bag), before, "the bundle before is left as it is");
    let old = read(&bag).unwrap();
    assert_eq!(manifest.amends_sha256, Some(old.manifest_sha256));
    assert_eq!(manifest.sealed_at.to_rfc3339(), "2026-10-05T08:00:00+00:00");
    assert_eq!(
        (&manifest.scope, manifest.collection_started, manifest.catalog_sha256),
        (&old.manifest.scope, old.manifest.collection_started, old.manifest.catalog_sha256)
    );
    let after = files_below(&target);
    let of_aws = |path: &&String| path.starts_with("data/aws/") || path.starts_with("data/trail/");
    assert!(before.keys().filter(of_aws).all(|path| before[path] == after[path]));
    assert_eq!(before.keys().filter(of_aws).count(), after.keys().filter(of_aws).count());
    assert_eq!(after.keys().filter(|path| path.starts_with("data/manual/")).count(), 2);
    assert_eq!(read(&target).unwrap().records.len(), sample_records().len() + 1);

    // Again with the same: nothing to do. With another: the chain goes on, and what is no longer there is gone.
    let third = home.path().join("third");
    assert_eq!(amended(&target, &third, &additions), Amended::Unchanged);
    assert!(!third.exists() && !home.path().join("third.partial").exists());
    let other = [addition("contingency-test", "2026-06-01", &[])];
    let Amended::Sealed { manifest, amends, added, removed } = amended(&target, &third, &other) else {
        panic!("nothing was amended");
    };
    assert_eq!((added, removed), (1, 1));
    assert_eq!(manifest.amends_sha256, Some(amends));
    assert_eq!(amends, sha256(&after["data/manifest.json"]));
    let names: Vec<String> =
        files_below(&third).into_keys().filter(|path| path.starts_with("data/manual/")).collect();
    assert_eq!(names, ["data/manual/attestations/contingency-test.ndjson"]);
    // And back to none.
    let none = manifest_of(amended(&third, &home.path().join("none"), &[]));
    assert_eq!(none.records, sample_records().len() as u64);
}

#[test]
fn files_are_read_when_they_are_added_and_refused_if_they_were_altered() {
    let home = tempfile::tempdir().unwrap();
    let bag = seal(home.path(), "bag", &sample_records());
    let file = home.path().join("analysis.pdf");
    fs::write(&file, b"pdf").unwrap();
    let record = attested("risk-analysis", "2026-05-01", &[("analysis.pdf", b"pdf")]).0;
    let with = |record: Record, files: &[PathBuf]| {
        let files = files.iter().cloned().map(Attachment::File).collect();
        amend(&bag, &home.path().join("amended"), &[Addition { record, files }], seal_info().sealed_at)
    };
    let nothing_left = || {
        assert!(!home.path().join("amended").exists() && !home.path().join("amended.partial").exists());
    };
    fs::write(&file, b"another").unwrap();
    let error = with(record.clone(), std::slice::from_ref(&file)).unwrap_err().to_string();
    assert!(error.contains("analysis.pdf") && error.contains("it was altered since"), "{error}");
    nothing_left();
    for files in [vec![], vec![home.path().join("none.pdf")], vec![file.clone(), file.clone()]] {
        assert!(matches!(with(record.clone(), &files), Err(AmendError::Write(_))), "{files:?}");
        nothing_left();
    }
    fs::write(&file, b"pdf").unwrap();
    with(record, &[file]).unwrap();
    read(&home.path().join("amended")).unwrap();
}

#[test]
fn a_bundle_that_was_altered_is_not_amended() {
    let home = tempfile::tempdir().unwrap();
    let bag = seal(home.path(), "bag", &sample_records());
    fs::write(bag.join("notes.txt"), "x").unwrap();
    let target = home.path().join("amended");
    let refused = amend(&bag, &target, &[], seal_info().sealed_at);
    assert!(matches!(refused, Err(AmendError::Unsound { .. })));
    assert!(!target.exists());
}

#[test]
fn merging_takes_over_what_people_stated_with_its_files_once() {
    let home = tempfile::tempdir().unwrap();
    type Files = Vec<(String, Vec<u8>)>;
    let part = |name: &str, account: &str, attestations: &[(Record, Files)]| {
        let target = home.path().join(name);
        let mut writer = Writer::create(&target).unwrap();
        let mut record = sample_records().remove(0);
        record.source.account = account.into();
        writer.append(&record).unwrap();
        attestations.iter().for_each(|attestation| attach(&mut writer, attestation));
        let mut info = seal_info();
        info.scope.accounts = vec![account.into()];
        writer.seal(info).unwrap();
        target
    };
    let common = attested("risk-analysis", "2026-05-01", &[("a.pdf", b"pdf")]);
    let own = attested("contingency-test", "2026-06-01", &[("b.pdf", b"other")]);
    let inputs = [
        part("one", "111111111111", std::slice::from_ref(&common)),
        part("two", "222222222222", &[common, own]),
    ];
    let target = home.path().join("merged");
    merge(&target, &inputs, false).unwrap();
    assert_eq!(read(&target).unwrap().records.len(), 4);
    let files = files_below(&target);
    assert_eq!(files.keys().filter(|path| path.starts_with("data/manual/files/")).count(), 2);
}
