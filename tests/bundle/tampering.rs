use std::fs;
use std::path::Path;

use proofpack::bundle::{self, ReadError};
use proofpack::model::ProblemCode;

use crate::support::bundles::{files_below, sample_records, seal};

const VERSIONING: &str = "data/aws/123456789012/us-east-1/s3/GetBucketVersioning.ndjson";
const POLICY: &str = "data/aws/123456789012/us-east-1/s3/GetBucketPolicy.ndjson";

/// What reading says after `tamper` was at the bundle.
fn found_after(tamper: impl FnOnce(&Path)) -> Vec<(ProblemCode, String)> {
    let home = tempfile::tempdir().unwrap();
    let bag = seal(home.path(), "bag", &sample_records());
    bundle::read(&bag).unwrap();
    tamper(&bag);
    match bundle::read(&bag) {
        Ok(_) => vec![],
        Err(ReadError::Unsound { problems }) => {
            problems.into_iter().map(|problem| (problem.code, problem.place)).collect()
        }
        Err(ReadError::Files(error)) => vec![(ProblemCode::Unreadable, error.path().to_owned())],
    }
}

fn edit(bag: &Path, file: &str, change: impl FnOnce(String) -> String) {
    let text = fs::read_to_string(bag.join(file)).unwrap();
    let changed = change(text.clone());
    assert_ne!(text, changed, "the test does not tamper");
    fs::write(bag.join(file), changed).unwrap();
}

#[track_caller]
fn expect(found: &[(ProblemCode, String)], code: ProblemCode, place: &str) {
    assert!(
        found.iter().any(|(c, p)| *c == code && p.contains(place)),
        "{} at {place} is not among {found:?}",
        code.id()
    );
}

#[test]
fn each_tamper_is_named_with_file_and_line() {
    let found = found_after(|bag| edit(bag, VERSIONING, |text| text.replace("Enabled", "Enabler")));
    expect(&found, ProblemCode::RecordId, &format!("{VERSIONING}, line 1"));
    expect(&found, ProblemCode::MerkleRoot, "data/manifest.json");
    expect(&found, ProblemCode::BagDigest, VERSIONING);

    let found = found_after(|bag| edit(bag, VERSIONING, |text| text.replacen("{\"collected-at\"", "{", 1)));
    expect(&found, ProblemCode::RecordMalformed, &format!("{VERSIONING}, line 1"));
    expect(&found, ProblemCode::RecordCount, "data/manifest.json");

    let found = found_after(|bag| edit(bag, VERSIONING, |text| text.replacen(":", ": ", 1)));
    expect(&found, ProblemCode::RecordNotCanonical, &format!("{VERSIONING}, line 1"));

    let found =
        found_after(|bag| edit(bag, VERSIONING, |text| text.replacen("\"version\":1", "\"version\":2", 1)));
    expect(&found, ProblemCode::RecordMalformed, &format!("{VERSIONING}, line 1"));

    let found = found_after(|bag| {
        edit(bag, VERSIONING, |text| text.lines().rev().map(|line| format!("{line}\n")).collect())
    });
    expect(&found, ProblemCode::RecordOrder, &format!("{VERSIONING}, line 2"));

    let found = found_after(|bag| {
        edit(bag, VERSIONING, |text| format!("{}{text}", text.lines().next().unwrap().to_owned() + "\n"))
    });
    expect(&found, ProblemCode::RecordRepeated, &format!("{VERSIONING}, line 2"));

    let found = found_after(|bag| {
        edit(bag, VERSIONING, |text| text.lines().take(2).map(|line| format!("{line}\n")).collect())
    });
    expect(&found, ProblemCode::RecordId, &format!("{VERSIONING}, line 3"));

    let found = found_after(|bag| {
        let moved = fs::read_to_string(bag.join(POLICY)).unwrap();
        edit(bag, VERSIONING, |text| text + &moved);
    });
    expect(&found, ProblemCode::RecordMisplaced, &format!("{VERSIONING}, line 4"));
    expect(&found, ProblemCode::RecordId, &format!("{VERSIONING}, line 4"));

    let found = found_after(|bag| edit(bag, VERSIONING, |text| text.trim_end().to_owned()));
    expect(&found, ProblemCode::RecordMalformed, &format!("{VERSIONING}, line 3"));

    let found = found_after(|bag| edit(bag, POLICY, |text| text.replace("\"gap\"", "\"absent\"")));
    expect(&found, ProblemCode::GapSummary, "data/manifest.json");

    let found = found_after(|bag| fs::remove_file(bag.join(POLICY)).unwrap());
    expect(&found, ProblemCode::BagFileMissing, POLICY);
    expect(&found, ProblemCode::ManifestFiles, POLICY);

    let found = found_after(|bag| {
        fs::copy(bag.join(POLICY), bag.join("data/aws/123456789012/us-east-1/s3/GetBucketAcl.ndjson"))
            .unwrap();
    });
    expect(&found, ProblemCode::BagFileUnlisted, "GetBucketAcl");
    expect(&found, ProblemCode::ManifestFiles, "GetBucketAcl");
    expect(&found, ProblemCode::RecordMisplaced, "GetBucketAcl");

    let found = found_after(|bag| fs::write(bag.join("notes.txt"), "hello").unwrap());
    expect(&found, ProblemCode::BagFileUnlisted, "notes.txt");

    let found = found_after(|bag| edit(bag, "bag-info.txt", |text| text.replace("2026-09-30", "2026-09-29")));
    expect(&found, ProblemCode::BagDeclaration, "bag-info.txt");
    expect(&found, ProblemCode::BagDigest, "bag-info.txt");

    let found = found_after(|bag| fs::remove_file(bag.join("tagmanifest-sha256.txt")).unwrap());
    expect(&found, ProblemCode::BagFileMissing, "tagmanifest-sha256.txt");

    let found = found_after(|bag| edit(bag, "manifest-sha256.txt", |text| text.to_uppercase()));
    expect(&found, ProblemCode::BagManifest, "manifest-sha256.txt, line 1");

    let found = found_after(|bag| {
        edit(bag, "data/manifest.json", |text| text.replace("\"merkle-root\":\"", "\"merkle-root\":\"x"))
    });
    expect(&found, ProblemCode::ManifestMalformed, "data/manifest.json");

    let found = found_after(|bag| {
        edit(bag, "data/manifest.json", |text| text.replace("\"records\":8", "\"records\":9"))
    });
    expect(&found, ProblemCode::RecordCount, "data/manifest.json");

    let found = found_after(|bag| fs::remove_file(bag.join("data/manifest.json")).unwrap());
    expect(&found, ProblemCode::BagFileMissing, "data/manifest.json");
}

#[test]
fn every_flipped_byte_of_every_file_is_found() {
    let home = tempfile::tempdir().unwrap();
    let bag = seal(home.path(), "bag", &sample_records());
    for (name, bytes) in files_below(&bag) {
        for position in (0..bytes.len()).step_by(bytes.len() / 40 + 1).chain([bytes.len() - 1]) {
            let mut altered = bytes.clone();
            altered[position] ^= 1 << (position % 8);
            fs::write(bag.join(&name), &altered).unwrap();
            assert!(bundle::read(&bag).is_err(), "{name}, byte {position}");
        }
        fs::write(bag.join(&name), &bytes).unwrap();
    }
    bundle::read(&bag).unwrap();
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_in_a_bag_is_refused() {
    let found = found_after(|bag| {
        fs::rename(bag.join("bagit.txt"), bag.with_extension("outside")).unwrap();
        std::os::unix::fs::symlink(bag.with_extension("outside"), bag.join("bagit.txt")).unwrap();
    });
    expect(&found, ProblemCode::Unreadable, "bagit.txt");
}
