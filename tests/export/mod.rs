//! The exports of the demonstration and of a small account, read by those who define the formats.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proofpack::export::{Format, export};
use proofpack::model::{Assessment, ControlStatus, Outcome};
use serde_json::{Value, json};

use crate::cli::demo::Demo;
use crate::report::synthetic::Synthetic;
use crate::support::{python_tool, root, succeed};

const FORMATS: [(Format, &str); 4] =
    [(Format::Oscal, "oscal"), (Format::Ocsf, "ocsf"), (Format::Csv, "csv"), (Format::Json, "json")];

fn demonstration() -> Assessment {
    serde_json::from_value(Demo::shared().assessment()).unwrap()
}

/// Every status and outcome, with a text that would act wherever it is not taken for text.
fn hostile(text: &str) -> Assessment {
    Synthetic { buckets: 7, filler: 3, text: text.into() }.assessment()
}

/// Writes an export where Python reads it.
fn written(assessment: &Assessment, format: Format, name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("export-{name}"));
    fs::write(&path, export(assessment, format).unwrap()).unwrap();
    path
}

#[track_caller]
fn validated(kind: &str, path: &Path) -> String {
    let script = root().join("tests/export/validate.py");
    let output = succeed(python_tool("python").arg(script).arg(kind).arg(path));
    String::from_utf8(output.stdout).unwrap()
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    let text = str::from_utf8(bytes).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn property<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    let props = value["props"].as_array()?;
    props.iter().find(|prop| prop["name"] == name)?["value"].as_str()
}

/// Check, resource and outcome of each finding, and how often it is there.
type Counted = BTreeMap<(String, String, String), usize>;

fn counted<'a>(findings: impl Iterator<Item = (&'a str, &'a str, &'a str)>) -> Counted {
    let mut counted = Counted::new();
    for (check, arn, outcome) in findings {
        *counted.entry((check.into(), arn.into(), outcome.into())).or_default() += 1;
    }
    counted
}

#[test]
fn those_who_define_the_formats_accept_the_demonstration_and_hostile_text() {
    let texts = [
        "phi",
        "=cmd|' /C calc'!A1",
        "<script>*_[x](http://a.b)\n# {{ y }}\r\n\u{202e}\u{0}\"',;",
        " ",
        "é\u{10ffff}",
    ];
    let mut assessments = vec![("demonstration".to_owned(), demonstration())];
    assessments.extend(texts.iter().enumerate().map(|(number, text)| (format!("{number}"), hostile(text))));
    for (name, assessment) in &assessments {
        validated("oscal", &written(assessment, Format::Oscal, &format!("{name}.oscal.json")));
        validated("ocsf", &written(assessment, Format::Ocsf, &format!("{name}.ocsf.jsonl")));
        let rows = validated("csv", &written(assessment, Format::Csv, &format!("{name}.csv")));
        let rows: Vec<Value> = serde_json::from_str(&rows).unwrap();
        assert_eq!(rows.len(), assessment.findings.len());
        for cell in rows.iter().flat_map(|row| row.as_object().unwrap().values()) {
            let cell = cell.as_str().unwrap();
            assert!(!cell.trim_start().starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
        }
    }
}

#[test]
fn the_validation_itself_sees_what_is_wrong() {
    let assessment = demonstration();
    let text = String::from_utf8(export(&assessment, Format::Oscal).unwrap()).unwrap();
    let text = text.replacen("\"collected\":", "\"gathered\":", 1);
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("export-wrong.oscal.json");
    fs::write(&path, text).unwrap();
    let script = root().join("tests/export/validate.py");
    assert!(!python_tool("python").arg(&script).arg("oscal").arg(&path).output().unwrap().status.success());
    let text = String::from_utf8(export(&assessment, Format::Ocsf).unwrap()).unwrap();
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("export-wrong.ocsf.jsonl");
    fs::write(&path, text.replacen("\"finding_info\":", "\"findings\":", 1)).unwrap();
    assert!(!python_tool("python").arg(&script).arg("ocsf").arg(&path).output().unwrap().status.success());
}

#[test]
fn every_finding_is_there_once_in_every_form() {
    let assessment = demonstration();
    let word = |outcome: Outcome| serde_json::to_value(outcome).unwrap().as_str().unwrap().to_owned();
    let words: Vec<String> = assessment.findings.iter().map(|finding| word(finding.outcome)).collect();
    let findings = assessment.findings.iter().zip(&words);
    let expected =
        counted(findings.map(|(finding, outcome)| {
            (finding.check.as_str(), finding.subject.arn.as_str(), outcome.as_str())
        }));
    assert!(expected.len() > 100 && expected.values().all(|count| *count == 1));
    let text = |value: &Value| value.as_str().unwrap_or("*").to_owned();

    let json = lines(&export(&assessment, Format::Json).unwrap());
    let told: Vec<_> = json
        .iter()
        .map(|line| (text(&line["check"]), text(&line["subject"]["arn"]), text(&line["outcome"])))
        .collect();
    assert_eq!(counted(told.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str()))), expected);

    let ocsf = lines(&export(&assessment, Format::Ocsf).unwrap());
    let told: Vec<_> = ocsf
        .iter()
        .map(|event| {
            let compliance = &event["compliance"];
            (
                text(&compliance["control"]),
                text(&event["resources"][0]["uid"]),
                text(&compliance["status_code"]),
            )
        })
        .collect();
    assert_eq!(counted(told.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str()))), expected);
    let mut ids: Vec<&str> =
        ocsf.iter().map(|event| event["finding_info"]["uid"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), assessment.findings.len());

    let rows = validated("csv", &written(&assessment, Format::Csv, "counted.csv"));
    let rows: Vec<Value> = serde_json::from_str(&rows).unwrap();
    let told: Vec<_> =
        rows.iter().map(|row| (text(&row["check"]), text(&row["arn"]), text(&row["outcome"]))).collect();
    assert_eq!(counted(told.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str()))), expected);

    let oscal: Value = serde_json::from_slice(&export(&assessment, Format::Oscal).unwrap()).unwrap();
    for result in oscal["assessment-results"]["results"].as_array().unwrap() {
        let items = result["local-definitions"]["inventory-items"].as_array().unwrap();
        let arns: BTreeMap<&str, &str> = items
            .iter()
            .map(|item| (item["uuid"].as_str().unwrap(), property(item, "asset-id").unwrap()))
            .collect();
        let observations = result["observations"].as_array().unwrap().iter();
        let told = observations.filter_map(|observation| {
            let subject = observation["subjects"][0]["subject-uuid"].as_str().unwrap_or_default();
            let arn = arns.get(subject).copied().unwrap_or("*");
            Some((property(observation, "check")?, arn, property(observation, "outcome")?))
        });
        assert_eq!(counted(told), expected, "the demonstration has one framework");
    }
}

#[test]
fn only_what_is_satisfied_or_passes_is_exported_as_that() {
    for assessment in [demonstration(), hostile("phi")] {
        let oscal: Value = serde_json::from_slice(&export(&assessment, Format::Oscal).unwrap()).unwrap();
        for (result, framework) in
            oscal["assessment-results"]["results"].as_array().unwrap().iter().zip(&assessment.frameworks)
        {
            let findings = result["findings"].as_array().unwrap();
            assert_eq!(findings.len(), framework.controls.len());
            for (finding, control) in findings.iter().zip(&framework.controls) {
                let status = &finding["target"]["status"];
                let (state, reason) = match control.status {
                    ControlStatus::Satisfied => ("satisfied", "pass"),
                    ControlStatus::NotSatisfied => ("not-satisfied", "fail"),
                    _ => ("not-satisfied", "other"),
                };
                assert_eq!((&status["state"], &status["reason"]), (&json!(state), &json!(reason)));
                assert!(status["remarks"].as_str().unwrap().len() > 20);
                assert_eq!(property(finding, "control"), Some(control.id.as_str()));
                assert_eq!(
                    property(finding, "status"),
                    serde_json::to_value(control.status).unwrap().as_str()
                );
            }
        }
        let events = lines(&export(&assessment, Format::Ocsf).unwrap());
        for (event, finding) in events.iter().zip(&assessment.findings) {
            let status = match finding.outcome {
                Outcome::Pass => 1,
                Outcome::Indeterminate => 2,
                Outcome::Fail => 3,
                Outcome::NotApplicable => 99,
            };
            assert_eq!(event["compliance"]["status_id"], status);
        }
    }
}

#[test]
fn an_exception_is_a_risk_that_was_accepted_and_what_is_open_is_one_that_is_not() {
    let assessment = demonstration();
    let oscal: Value = serde_json::from_slice(&export(&assessment, Format::Oscal).unwrap()).unwrap();
    let risks = oscal["assessment-results"]["results"][0]["risks"].as_array().unwrap();
    let observed = |status: &str| -> usize {
        let risks = risks.iter().filter(|risk| risk["status"] == status);
        risks.map(|risk| risk["related-observations"].as_array().unwrap().len()).sum()
    };
    let failures = assessment.findings.iter().filter(|finding| finding.outcome == Outcome::Fail);
    let (accepted, open): (Vec<_>, Vec<_>) = failures.partition(|finding| finding.exception.is_some());
    assert!(!accepted.is_empty() && !open.is_empty());
    assert_eq!((observed("deviation-approved"), observed("open")), (accepted.len(), open.len()));
    let one = risks.iter().find(|risk| risk["status"] == "deviation-approved").unwrap();
    for name in ["owner", "approver", "expires", "accepted"] {
        assert!(property(one, name).is_some(), "{name}");
    }
    assert!(one["deadline"].is_string() && one["remediations"][0]["lifecycle"] == "recommendation");
}

#[test]
fn equal_assessments_give_equal_bytes_and_others_other_identifiers() {
    let assessment = demonstration();
    let mut later = assessment.clone();
    later.as_of += chrono::TimeDelta::days(1);
    for (format, name) in FORMATS {
        let bytes = export(&assessment, format).unwrap();
        assert!(bytes == export(&demonstration(), format).unwrap(), "{name}");
        assert!(bytes != export(&later, format).unwrap(), "{name}");
    }
    let id = |assessment: &Assessment| {
        let event = lines(&export(assessment, Format::Ocsf).unwrap()).remove(0);
        (event["finding_info"]["uid"].clone(), event["metadata"]["uid"].clone())
    };
    let ((finding, event), (later_finding, later_event)) = (id(&assessment), id(&later));
    assert_eq!(finding, later_finding, "the same finding of a later assessment");
    assert_ne!(event, later_event);
}

#[test]
fn several_frameworks_are_several_results() {
    let mut assessment = hostile("phi");
    let mut second = assessment.frameworks[0].clone();
    second.reference.id = "second".into();
    second.controls.truncate(3);
    second.controls[0].id = "AC-2(1)".into();
    assessment.frameworks.push(second);
    validated("oscal", &written(&assessment, Format::Oscal, "frameworks.oscal.json"));
    let oscal: Value = serde_json::from_slice(&export(&assessment, Format::Oscal).unwrap()).unwrap();
    let results = oscal["assessment-results"]["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    assert_eq!(results[1]["findings"][0]["target"]["target-id"], "ac-2.1_obj");
}

#[test]
fn a_small_export_of_every_form() {
    let mut assessment = hostile("phi");
    assessment.findings.truncate(2);
    assessment.frameworks[0].controls.truncate(2);
    for (format, name) in FORMATS {
        let bytes = export(&assessment, format).unwrap();
        let shown = match format {
            Format::Csv => String::from_utf8(bytes).unwrap().replace("\r\n", "\n"),
            _ => {
                lines(&bytes).iter().map(|line| serde_json::to_string_pretty(line).unwrap() + "\n").collect()
            }
        };
        insta::assert_snapshot!(format!("small_{name}"), shown);
    }
}

#[test]
fn the_program_writes_what_the_library_makes() {
    let demo = Demo::shared();
    let assessment = demonstration();
    let place = tempfile::tempdir().unwrap();
    for (format, name) in FORMATS {
        let out = place.path().join(name);
        let mut command = crate::support::proofpack();
        command.arg("export").arg(demo.path("assessment.json")).args(["--format", name]);
        let printed = succeed(&mut command).stdout;
        succeed(command.arg("--out").arg(&out));
        let expected = export(&assessment, format).unwrap();
        assert!(printed == expected && fs::read(&out).unwrap() == expected, "{name}");
    }
    let wrong = crate::support::proofpack()
        .args(["export", "--format", "csv"])
        .arg(demo.path("bundle/bagit.txt"))
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(3));
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("is not an assessment"));
}
