//! Packages and reports that somebody has changed: `verify` ends with 1, says what is wrong, and never panics.

use std::fs;
use std::path::Path;

use super::demo::Demo;
use super::place::{Place, copy};
use crate::support::packages::{RawMember, RawZip};

/// Writes `bytes` and verifies them, in words and as JSON; each of `parts` must be said.
#[track_caller]
fn refused(name: &str, bytes: &[u8], parts: &[&str]) {
    let place = Place::new();
    place.write(name, bytes);
    let answer = place.run(&["verify", name]).ended(1);
    assert_eq!(answer.stderr, "");
    let last = answer.stdout.lines().last().unwrap();
    assert!(!last.starts_with("VERIFIED"), "{}", answer.stdout);
    assert!(answer.stdout.contains("PROBLEM "), "{}", answer.stdout);
    for part in parts {
        assert!(answer.stdout.contains(part), "{part:?} is not in:\n{}", answer.stdout);
    }
    let as_json = place.run(&["verify", "--json", name]).ended(1);
    let verdict: serde_json::Value = serde_json::from_str(&as_json.stdout).unwrap();
    assert!(!verdict["problems"].as_array().unwrap().is_empty());
    let names: Vec<_> = fs::read_dir(place.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [name], "verifying leaves nothing behind");
}

fn package() -> Vec<u8> {
    fs::read(Demo::shared().package()).unwrap()
}

#[test]
fn the_package_as_it_was_made_verifies() {
    let demo = Demo::shared();
    let place = Place::new();
    let package = demo.package();
    let answer = place.run(&["verify", package.to_str().unwrap()]).ended(0);
    assert!(answer.stdout.lines().last().unwrap().starts_with("VERIFIED, SIGNER NOT TRUSTED"));
    for path in [demo.path("report.pdf"), demo.path("bundle")] {
        place.run(&["verify", path.to_str().unwrap()]).ended(0);
    }
    let trust = demo.path("signer.pem");
    let arguments = ["verify", "--trust", trust.to_str().unwrap(), package.to_str().unwrap()];
    let answer = place.run(&arguments).ended(0);
    assert!(answer.stdout.lines().last().unwrap().starts_with("VERIFIED"), "{}", answer.stdout);
    assert!(!answer.stdout.contains("NOT TRUSTED"), "{}", answer.stdout);
    // Trust in somebody else is no trust.
    let other = Place::new();
    other.run(&["keygen"]).ended(0);
    let stranger = other.path("signer.pem");
    let answer = place.run(&["verify", "--trust", stranger.to_str().unwrap(), package.to_str().unwrap()]);
    assert!(!answer.stdout.lines().last().unwrap().starts_with("VERIFIED:"), "{}", answer.stdout);
    place.run(&["verify", "--trust", "none.pem", package.to_str().unwrap()]).failed(3, &["none.pem"]);
}

#[test]
fn a_truncated_package() {
    let bytes = package();
    for length in [0, 1, 100, bytes.len() / 2, bytes.len() - 1] {
        refused("cut.zip", &bytes[..length], &[]);
    }
}

#[test]
fn a_package_with_a_way_out() {
    let mut zip = RawZip::parse(&package());
    zip.members.push(RawMember::stored("../../outside.txt", b"gotcha"));
    refused("way-out.zip", &zip.bytes(), &["../../outside.txt"]);
    zip.members.pop();
    zip.members.push(RawMember::stored("/tmp/outside.txt", b"gotcha"));
    refused("absolute.zip", &zip.bytes(), &["/tmp/outside.txt"]);
}

#[test]
fn a_package_with_a_name_twice() {
    let mut zip = RawZip::parse(&package());
    let twice = zip.members[0].clone();
    zip.members.push(twice);
    refused("twice.zip", &zip.bytes(), &[]);
}

#[test]
fn names_that_would_act_on_a_terminal_do_not() {
    let mut zip = RawZip::parse(&package());
    zip.members.push(RawMember::stored("x/\u{1b}[2J\u{202e}evil", b""));
    let place = Place::new();
    place.write("terminal.zip", zip.bytes());
    let said = place.run(&["verify", "terminal.zip"]).ended(1).stdout;
    assert!(!said.contains('\u{1b}') && !said.contains('\u{202e}'), "{said:?}");
}

#[test]
fn a_report_that_was_appended_to() {
    let mut report = fs::read(Demo::shared().path("report.pdf")).unwrap();
    report.extend(b"\n% one more line\n%%EOF\n");
    refused("report.pdf", &report, &["report.pdf"]);
    let mut flipped = fs::read(Demo::shared().path("report.pdf")).unwrap();
    let middle = flipped.len() / 3;
    flipped[middle] ^= 1;
    refused("report.pdf", &flipped, &[]);
}

#[test]
fn what_is_no_package_at_all() {
    refused("notes.txt", b"just notes", &[]);
    let place = Place::new();
    fs::create_dir(place.path("empty")).unwrap();
    place.run(&["verify", "empty"]).ended(1);
}

/// A run's folder with everything but the package.
pub(super) fn finished(place: &Place) {
    let demo = Demo::shared();
    copy(&demo.path(""), place.root());
    fs::remove_file(place.root().join(demo.package().file_name().unwrap())).unwrap();
    fs::remove_dir_all(place.path("archive")).unwrap();
    let config = fs::read_to_string(place.path("proofpack.toml")).unwrap();
    let signing = "[signing]\ncertificate = \"signer.pem\"\nkey = \"signer-key.pem\"\n";
    place.write("proofpack.toml", format!("{config}\n{signing}"));
}

#[test]
fn nothing_that_is_packaged_or_archived_is_overwritten() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new();
    finished(&place);
    place.run(&["package"]).ended(0);
    place.run(&["package"]).failed(6, &["exists already", "never overwritten"]);
    let first = place.run(&["archive"]).ended(0);
    assert_eq!(place.run(&["archive"]).ended(0).stdout, first.stdout, "the same bytes are there already");
    let stored = place.path("archive").join(Demo::shared().package().file_name().unwrap());
    fs::set_permissions(&stored, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&stored, "something else").unwrap();
    place.run(&["archive"]).failed(6, &["archive", "exists already with other bytes", "never overwrites"]);
    assert_eq!(fs::read_to_string(&stored).unwrap(), "something else");
    place.write("file", "");
    place.run(&["archive", "file"]).failed(3, &["file is a file", "name a directory"]);
    place.run(&["archive", "s3://"]).failed(3, &["s3://", "s3://BUCKET"]);
}

#[test]
fn an_altered_bundle_is_not_assessed() {
    let place = Place::new();
    finished(&place);
    let mut records = vec![];
    find(&place.path("bundle/data/aws"), &mut records);
    let file = &records[0];
    let text = fs::read_to_string(file).unwrap();
    fs::write(file, text.replacen("\"version\":1", "\"version\":2", 1).replacen("us-east-1", "us-east-2", 1))
        .unwrap();
    place.run(&["assess"]).failed(3, &["bundle"]);
    place.write("assessment.json", "{}");
    place.run(&["report"]).failed(3, &["assessment.json is not an assessment", "proofpack assess"]);
}

fn find(folder: &Path, into: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { find(&path, into) } else { into.push(path) }
    }
    into.sort();
}
