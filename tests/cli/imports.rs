//! Files of other tools on the command line: checked, sealed, assessed, and proposed as exceptions.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use proofpack::model::{Assessment, RecordKind};
use serde_json::Value;

use crate::support::bundles::{sample_records, seal};
use crate::support::{proofpack, python_tool, root, succeed};

const CONFIGURATION: &str = "organization = \"Example\"\n[scope]\nregions = [\"us-east-1\"]\n";

fn fixture(name: &str) -> PathBuf {
    root().join("tests/fixtures/imports").join(name)
}

fn check(files: &[PathBuf]) -> Output {
    proofpack().args(["imports", "check"]).args(files).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn check_says_what_every_file_would_be_imported_as() {
    let names = [
        "HIPAA.Security--OpenEmr-NagReport.csv",
        "HIPAA.Security--OpenEmr-NagReport.json",
        "OpenEmr.template.json",
        "validation-report.json",
        "policy-validation-report.json",
        "prowler.csv",
        "prowler.ocsf.json",
        "prowler-5.46.csv",
        "prowler-5.46.ocsf.json",
    ];
    let files = names.map(fixture);
    let output = succeed(proofpack().args(["imports", "check", "--json"]).args(&files));
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let formats: Vec<&str> = rows.iter().map(|row| row["format"].as_str().unwrap()).collect();
    let expected = [
        "cdk-nag-csv",
        "cdk-nag-json",
        "cloudformation-template",
        "cdk-validation-report",
        "cdk-validation-report",
        "prowler-csv",
        "prowler-ocsf",
        "prowler-csv",
        "prowler-ocsf",
    ];
    assert_eq!(formats, expected);
    assert_eq!(rows[0]["counts"], rows[1]["counts"], "the two forms of one report");
    for forms in [5, 7] {
        assert_eq!(rows[forms]["counts"], rows[forms + 1]["counts"], "the two forms of one run");
    }
    let words = text(&succeed(proofpack().args(["imports", "check"]).args(&files)).stdout);
    assert!(
        words.contains("cdk-nag report (CSV)") && words.contains("Prowler findings (OCSF), Prowler 5."),
        "{words}"
    );
}

#[test]
fn what_is_wrong_is_said_for_every_file_and_nothing_is_imported() {
    let home = tempfile::tempdir().unwrap();
    let report = fs::read_to_string(fixture("HIPAA.Security--OpenEmr-NagReport.csv")).unwrap();
    let cut = home.path().join("cut-NagReport.csv");
    fs::write(&cut, &report[..report.len() - 9]).unwrap();
    let secret = home.path().join("secret-NagReport.csv");
    let token = format!("ghp_{}", "a1B2".repeat(9));
    fs::write(&secret, report.replacen("The S3", &format!("{token} The S3"), 1)).unwrap();
    let output = check(&[cut.clone(), fixture("prowler.csv"), secret.clone(), home.path().join("none.csv")]);
    let problems = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3));
    assert!(problems.contains("cut-NagReport.csv, line ") && problems.contains("never closed"), "{problems}");
    assert!(problems.contains("looks like a secret") && !problems.contains(&token), "{problems}");
    assert!(problems.contains("none.csv cannot be read"), "{problems}");
    assert!(text(&output.stdout).contains("prowler.csv"));
    let configuration = home.path().join("proofpack.toml");
    fs::write(&configuration, format!("{CONFIGURATION}[imports]\nfiles = [\"*-NagReport.csv\"]\n")).unwrap();
    let output = proofpack().args(["bundle", "amend", "--config"]).arg(&configuration).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
}

/// A workspace with a sealed bundle, amended with `files`.
fn amended(home: &Path, files: &[&str]) -> PathBuf {
    let out = home.join("proofpack-out");
    fs::create_dir(&out).unwrap();
    seal(&out, "bundle", &sample_records());
    for name in files {
        fs::copy(fixture(name), home.join(name)).unwrap();
    }
    let configuration = home.join("proofpack.toml");
    let names: Vec<String> = files.iter().map(|name| format!("{name:?}")).collect();
    fs::write(&configuration, format!("{CONFIGURATION}[imports]\nfiles = [{}]\n", names.join(", "))).unwrap();
    // There are gaps in the sample.
    let output = proofpack().args(["bundle", "amend", "--config"]).arg(&configuration).output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
    configuration
}

#[test]
fn files_are_sealed_read_again_and_shown_and_their_suppressions_proposed() {
    let home = tempfile::tempdir().unwrap();
    let files = ["HIPAA.Security--OpenEmr-NagReport.csv", "prowler.csv"];
    let configuration = amended(home.path(), &files);
    let run = |arguments: &[&str]| succeed(proofpack().args(arguments).arg("--config").arg(&configuration));
    run(&["assess"]);
    let assessment: Assessment =
        serde_json::from_slice(&fs::read(home.path().join("proofpack-out/assessment.json")).unwrap())
            .unwrap();
    assert_eq!(assessment.imports.len(), 2);
    assert!(assessment.imports.iter().all(|report| report.problem.is_none() && report.counts.total() > 10));
    let sealed: Vec<&str> = assessment
        .evidence
        .iter()
        .filter(|it| it.kind == RecordKind::Import)
        .map(|it| it.path.as_str())
        .collect();
    assert_eq!(
        sealed,
        ["data/imports/records/cdk-nag/NagReport.ndjson", "data/imports/records/prowler/Findings.ndjson"]
    );
    run(&["report"]);
    let draft = home.path().join("draft.toml");
    let said = text(&run(&["exceptions", "propose", "--from-imports", draft.to_str().unwrap()]).stdout);
    let written = fs::read_to_string(&draft).unwrap();
    assert!(
        written.contains("check = \"s3-bucket-replication\"") && written.contains("vault-copy"),
        "{said}{written}"
    );
    let again = text(&run(&["bundle", "amend"]).stdout);
    assert!(again.contains("Nothing to amend"), "the same files give the same records: {again}");
}

#[test]
fn a_signed_package_holds_what_others_found_and_verifies() {
    let home = tempfile::tempdir().unwrap();
    let configuration =
        amended(home.path(), &["prowler-5.46.ocsf.json", "HIPAA.Security--OpenEmr-NagReport.json"]);
    succeed(proofpack().current_dir(&home).arg("keygen"));
    let signing = "[signing]\ncertificate = \"signer.pem\"\nkey = \"signer-key.pem\"\n";
    fs::write(&configuration, fs::read_to_string(&configuration).unwrap() + signing).unwrap();
    for step in ["assess", "report", "sign", "package"] {
        succeed(proofpack().current_dir(&home).arg(step));
    }
    let mut packages =
        fs::read_dir(home.path().join("proofpack-out")).unwrap().map(|entry| entry.unwrap().path());
    let package = packages.find(|path| path.extension().is_some_and(|it| it == "zip")).unwrap();
    let output =
        succeed(proofpack().current_dir(&home).args(["verify", "--trust", "signer.pem"]).arg(&package));
    assert!(text(&output.stdout).contains("VERIFIED"), "{}", text(&output.stdout));
    let listed = succeed(python_tool("python").args(["-m", "zipfile", "-l"]).arg(&package));
    assert_eq!(text(&listed.stdout).matches("data/imports/files/").count(), 2, "{}", text(&listed.stdout));
}

#[test]
fn a_sealed_file_that_is_altered_is_found() {
    let home = tempfile::tempdir().unwrap();
    amended(home.path(), &["prowler.csv"]);
    let bundle = home.path().join("proofpack-out/bundle");
    let file = fs::read_dir(bundle.join("data/imports/files")).unwrap().next().unwrap().unwrap().path();
    let content = fs::read_to_string(&file).unwrap();
    fs::write(&file, content.replacen(";FAIL;", ";PASS;", 1)).unwrap();
    let output = proofpack().arg("verify").arg(&bundle).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("attached-differs"), "{}", text(&output.stdout));
}
