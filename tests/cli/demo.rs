//! `proofpack demo`: offline, replaceable, and honest about what the recorded account holds.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::Value;

use super::place::{Answer, Place, assert_is_truth, json, package_in};
use crate::support::{proofpack, python_tool, root, succeed};

/// A demonstration that all tests share and nobody changes.
pub(crate) struct Demo {
    place: Place,
    answer: Answer,
}

impl Demo {
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Demo> = OnceLock::new();
        SHARED.get_or_init(|| {
            let place = Place::new();
            let answer = demo_in(&place);
            Self { place, answer }
        })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.place.path("proofpack-demo").join(name)
    }

    pub(crate) fn package(&self) -> PathBuf {
        package_in(&self.path(""))
    }

    pub(crate) fn assessment(&self) -> Value {
        json(&self.path("assessment.json"))
    }
}

/// Runs the demonstration where nothing of AWS, not even a home, is to be found.
fn demo_in(place: &Place) -> Answer {
    let home = place.path("home");
    fs::create_dir_all(&home).unwrap();
    let mut command = proofpack();
    command.arg("demo").current_dir(place.root()).env_clear().env("HOME", &home).env("RUST_BACKTRACE", "0");
    // A proxy that is not there: whatever wanted to leave the machine would fail.
    command.env("HTTPS_PROXY", "http://127.0.0.1:9").env("HTTP_PROXY", "http://127.0.0.1:9");
    let answer = Answer::of(&mut command).ended(0);
    assert_eq!(fs::read_dir(home).unwrap().count(), 0, "something was written to the home folder");
    answer
}

#[test]
fn it_leaves_what_the_readme_says_and_says_where_to_look() {
    let demo = Demo::shared();
    assert_eq!(demo.answer.stderr, "");
    for told in
        ["report.pdf", ".zip", "proofpack-demo/bundle", "proofpack verify", "test signature", "2 gaps:"]
    {
        assert!(demo.answer.stdout.contains(told), "{told:?} is not in:\n{}", demo.answer.stdout);
    }
    assert!(fs::read(demo.path("report.pdf")).unwrap().starts_with(b"%PDF-"));
    for file in
        ["bundle/bagit.txt", "assessment.json", "manifest.json.p7s", "signer.pem", "DEMONSTRATION.txt"]
    {
        assert!(demo.path(file).exists(), "{file}");
    }
    let package = demo.package();
    assert_eq!(fs::read(&package).unwrap(), fs::read(package_in(&demo.path("archive"))).unwrap());
    // The members that the README lists are in the package, under one folder.
    let listing = succeed(python_tool("python").args(["-m", "zipfile", "-l"]).arg(&package)).stdout;
    let listing = String::from_utf8(listing).unwrap();
    let members = "report.pdf bundle/bagit.txt manifest.json.p7s assessment.json SHA256SUMS SHA256SUMS.p7s signer.pem VERIFY.md";
    for member in members.split(' ') {
        assert!(listing.contains(&format!("/{member} ")), "{member} is not in:\n{listing}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(demo.path("signer-key.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "others can read the key");
    }
}

#[test]
fn its_findings_are_the_truth_of_the_recorded_account() {
    let demo = Demo::shared();
    let truth = json(&root().join("examples/demo-account/ground-truth.json"));
    assert_is_truth(&demo.assessment(), &truth);
}

#[test]
fn it_has_something_of_everything_to_show() {
    let assessment = Demo::shared().assessment();
    let findings = assessment["findings"].as_array().unwrap();
    let outcomes: BTreeSet<&str> =
        findings.iter().map(|finding| finding["outcome"].as_str().unwrap()).collect();
    for outcome in ["pass", "fail", "indeterminate"] {
        assert!(outcomes.contains(outcome), "{outcomes:?}");
    }
    assert!(findings.iter().any(|finding| !finding["exception"].is_null()));
    let statuses: BTreeSet<&str> = assessment["frameworks"][0]["controls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|control| control["status"].as_str().unwrap())
        .collect();
    for status in ["not-satisfied", "attestation-missing", "satisfied-with-exceptions"] {
        assert!(statuses.contains(status), "{statuses:?}");
    }
    let register = assessment["attestations"].as_array().unwrap();
    let states: Vec<&str> = register.iter().map(|entry| entry["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["superseded", "holds", "expired", "holds"]);
    let exceptions = assessment["exceptions"].as_array().unwrap();
    let with_problems =
        exceptions.iter().filter(|report| !report["problems"].as_array().unwrap().is_empty()).count();
    assert_eq!(with_problems, 1, "one exception has expired");
}

#[test]
fn the_report_shows_the_bucket_with_the_hostile_tag_and_nothing_of_it_acts() {
    let demo = Demo::shared();
    let truth = json(&root().join("examples/demo-account/ground-truth.json"));
    let hostile = &truth["hostile-tag"];
    let mut grep = std::process::Command::new("grep");
    let value = serde_json::to_string(&hostile["value"]).unwrap();
    let start = value.trim_matches('"').split(' ').next().unwrap();
    succeed(grep.args(["-r", "-q", "-F", start]).arg(demo.path("bundle/data/aws")));
    let extractor = root().join("tests/report/extract_text.py");
    let text = succeed(python_tool("python").arg(extractor).arg(demo.path("report.pdf"))).stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains(hostile["bucket"].as_str().unwrap()), "the bucket is not in the report");
    for visible in ["*bold*", "⟨U+202E⟩gnp.exe", "⟨U+1F469⟩"] {
        assert!(text.contains(visible), "{visible} of the tag is not in the report");
    }
    assert!(
        !text.contains(['\u{202e}', '\u{202c}', '\u{200d}', '\u{fffd}']),
        "a character that acts is on a page"
    );
}

#[test]
fn it_replaces_its_own_folder_and_no_other() {
    let place = Place::new();
    demo_in(&place);
    let folder = place.path("proofpack-demo");
    fs::write(folder.join("left-over.txt"), "").unwrap();
    demo_in(&place);
    assert!(!folder.join("left-over.txt").exists());

    let foreign = place.path("mine");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("thesis.txt"), "precious").unwrap();
    let parts = ["mine exists and is not an earlier demonstration's", "--out"];
    place.run(&["demo", "--out", "mine"]).failed(6, &parts);
    assert_eq!(fs::read_to_string(foreign.join("thesis.txt")).unwrap(), "precious");
    assert_eq!(fs::read_dir(&foreign).unwrap().count(), 1);
}

#[test]
fn two_demonstrations_find_the_same() {
    let again = Place::new();
    demo_in(&again);
    let demo = Demo::shared();
    let other = again.path("proofpack-demo");
    for file in ["assessment.json", "report-unsigned.pdf", "bundle/data/manifest.json"] {
        assert!(fs::read(demo.path(file)).unwrap() == fs::read(other.join(file)).unwrap(), "{file} differs");
    }
}
