//! A folder to run the program in, and what a run of it said.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::proofpack;

/// Credentials that no output may show.
pub(crate) const KEY_ID: &str = "AKIANEVERPRINTEDXXXX";
pub(crate) const SECRET: &str = "never/printed/secret+access+key";
pub(crate) const PASSWORD: &str = "never-printed-password";

/// An empty folder with a home of its own.
pub(crate) struct Place {
    directory: tempfile::TempDir,
}

/// How a run of the program ended.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, contents).unwrap();
        path
    }

    /// Writes a configuration of one region with more sections after it.
    pub(crate) fn configure(&self, regions: &str, more: &str) {
        let text = format!("organization = \"Tests\"\n[scope]\nregions = [{regions}]\n{more}\n");
        self.write("proofpack.toml", text);
    }

    /// A test certificate and key, and the section that names them.
    pub(crate) fn keygen(&self) -> &'static str {
        self.run(&["keygen"]).ended(0);
        "[signing]\ncertificate = \"signer.pem\"\nkey = \"signer-key.pem\"\n"
    }

    /// The program in this folder, with credentials that must stay secret.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = proofpack();
        command.current_dir(self.root()).args(arguments);
        command.env("AWS_ACCESS_KEY_ID", KEY_ID).env("AWS_SECRET_ACCESS_KEY", SECRET);
        command.env("RUST_BACKTRACE", "0");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Answer {
        Answer::of(&mut self.command(arguments))
    }
}

impl Answer {
    /// Runs a command; whatever it does, it must not panic and must not tell secrets.
    #[track_caller]
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("output is text");
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        let code = output.status.code().expect("it was not killed");
        for said in [&stdout, &stderr] {
            assert!(!said.contains("panicked"), "{said}");
            for secret in [KEY_ID, SECRET, PASSWORD] {
                assert!(!said.contains(secret), "tells {secret}: {said}");
            }
        }
        Self { code, stdout, stderr }
    }

    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }

    /// It failed with `code` and one error message that holds each of `parts`.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, code, "\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        assert_eq!(self.stdout, "", "a failure is told on standard error alone");
        assert!(self.stderr.starts_with("error: "), "{}", self.stderr);
        assert!(self.stderr.len() < 2_000, "too long to be read: {}", self.stderr);
        for part in parts {
            assert!(self.stderr.contains(part), "{part:?} is not in: {}", self.stderr);
        }
    }
}

/// The outcomes of an assessment as a ground truth has them: check, ARN, outcome.
pub(crate) fn outcomes(assessment: &Value) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut outcomes: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for finding in assessment["findings"].as_array().unwrap() {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let arn = text(&finding["subject"]["arn"]);
        let before = outcomes
            .entry(text(&finding["check"]))
            .or_default()
            .insert(arn.clone(), text(&finding["outcome"]));
        assert!(before.is_none(), "two findings of {} for {arn}", finding["check"]);
    }
    outcomes
}

/// Holds an assessment against a ground truth, in both directions, and names each difference.
#[track_caller]
pub(crate) fn assert_is_truth(assessment: &Value, truth: &Value) {
    let found = outcomes(assessment);
    let truth: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_value(truth["findings"].clone()).unwrap();
    // Where there is no such resource there is no truth about one, and the only finding says so.
    let mut found = found;
    found.retain(|check, rows| {
        let none = rows.len() == 1 && rows.get("*").is_some_and(|outcome| outcome == "not-applicable");
        !none || truth.contains_key(check)
    });
    let rows = |of: &BTreeMap<String, BTreeMap<String, String>>| -> BTreeSet<String> {
        of.iter()
            .flat_map(|(check, arns)| {
                arns.iter().map(move |(arn, outcome)| format!("{check} {arn} {outcome}"))
            })
            .collect()
    };
    let (found, truth) = (rows(&found), rows(&truth));
    let untrue: Vec<_> = found.difference(&truth).collect();
    let missing: Vec<_> = truth.difference(&found).collect();
    assert!(untrue.is_empty() && missing.is_empty(), "untrue: {untrue:#?}\nmissing: {missing:#?}");
}

/// Reads a JSON file.
#[track_caller]
pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        .unwrap()
}

/// The one package in a folder.
#[track_caller]
pub(crate) fn package_in(folder: &Path) -> PathBuf {
    let mut zips: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "zip"))
        .collect();
    assert_eq!(zips.len(), 1, "{zips:?}");
    zips.remove(0)
}

/// Copies a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
