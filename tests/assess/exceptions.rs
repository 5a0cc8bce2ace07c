//! Exceptions: reading the file, covering failures, and what keeps one from covering anything.

use proofpack::assess::{assess, read_exceptions};
use proofpack::model::{Assessment, ControlStatus, ExceptionProblem, Outcome, RecordOutcome};
use serde_json::json;

use super::fixture::{bundle, catalog, inputs, records, with};

const GOOD: &str = r#"
[[exception]]
check = "bucket-versioning"
resource = "arn:aws:s3:::logs"
reason = "Rebuilt every day."
owner = "Ada"
approver = "Grace"
approved-on = 2026-01-01
expires = 2026-07-01
compensating-control = "Copies elsewhere."
"#;

/// An assessment of an account whose two buckets keep no versions.
fn assessed(toml_text: &str) -> Assessment {
    let mut all = records();
    for bucket in ["records", "logs"] {
        let response = RecordOutcome::Response(json!({"Status": "Suspended"}));
        all = with(all, "GetBucketVersioning", &json!({ "Bucket": bucket }), response);
    }
    let mut inputs = inputs();
    inputs.exceptions = read_exceptions(toml_text, "exceptions.toml", &catalog()).unwrap();
    assess(&bundle(all), &catalog(), &inputs).unwrap()
}

fn problems(toml_text: &str) -> (Vec<ExceptionProblem>, u64) {
    let report = assessed(toml_text).exceptions.remove(0);
    (report.problems, report.covers)
}

#[test]
fn an_exception_annotates_the_failure_and_never_removes_it() {
    let assessment = assessed(GOOD);
    let failed: Vec<(&str, Option<u32>)> = assessment
        .findings
        .iter()
        .filter(|finding| finding.outcome == Outcome::Fail)
        .map(|finding| (finding.subject.id.as_str(), finding.exception))
        .collect();
    assert_eq!(failed, [("logs", Some(0)), ("records", None)]);
    let status = |assessment: &Assessment| assessment.controls().find(|c| c.id == "1(b)").unwrap().status;
    assert_eq!(status(&assessment), ControlStatus::NotSatisfied);
    let both = format!("{GOOD}{}", GOOD.replace(":logs", ":rec*"));
    let assessment = assessed(&both);
    assert_eq!(status(&assessment), ControlStatus::SatisfiedWithExceptions);
    assert_eq!(assessment.exceptions.iter().map(|report| report.covers).collect::<Vec<_>>(), [1, 1]);
    assert!(assessment.exceptions.iter().all(|report| report.problems.is_empty()));
}

#[test]
fn an_exception_with_a_problem_covers_nothing() {
    for (from, to, problem) in [
        ("2026-07-01", "2026-06-30", ExceptionProblem::Expired),
        (
            "approved-on = 2026-01-01\nexpires = 2026-07-01",
            "approved-on = 2026-07-02\nexpires = 2026-08-01",
            ExceptionProblem::NotYetApproved,
        ),
        ("Grace", "ada ", ExceptionProblem::SelfApproved),
        ("arn:aws:s3:::logs", "arn:aws:s3:::*", ExceptionProblem::TooBroad),
        ("arn:aws:s3:::logs", "*", ExceptionProblem::TooBroad),
        ("arn:aws:s3:::logs", "arn:*", ExceptionProblem::TooBroad),
        ("arn:aws:s3:::logs", "**:*", ExceptionProblem::TooBroad),
        ("arn:aws:s3:::logs", "arn:aws:s3:::other", ExceptionProblem::MatchesNothing),
        ("arn:aws:s3:::logs", "arn:aws:s3:::log?", ExceptionProblem::MatchesNothing),
        ("bucket-versioning", "bucket-customer-key", ExceptionProblem::MatchesNothing),
    ] {
        assert_eq!(problems(&GOOD.replace(from, to)), (vec![problem], 0), "{to}");
    }
    assert_eq!(problems(&GOOD.replace("arn:aws:s3:::logs", "arn:aws:s3:::*ogs")), (vec![], 1));
}

#[test]
fn a_file_that_cannot_hold_is_refused_with_its_place() {
    let refused =
        |text: &str| read_exceptions(text, "audit/exceptions.toml", &catalog()).unwrap_err().to_string();
    let unknown = refused(&format!("{GOOD}{}", GOOD.replace("bucket-versioning", "bucket-versionning")));
    assert!(unknown.contains("audit/exceptions.toml") && unknown.contains("number 2"), "{unknown}");
    assert!(unknown.contains("is bucket-versioning meant?"), "{unknown}");
    for (from, to, problem) in [
        ("reason", "because", "unknown field"),
        ("owner = \"Ada\"\n", "", "owner"),
        ("\"Ada\"", "\" \"", "owner is empty"),
        ("2026-07-01", "\"next year\"", "not a date"),
        ("2026-07-01", "2026-07-01T00:00:00Z", "not a date"),
        ("2026-07-01", "2025-07-01", "before its approval"),
        ("[[exception]]", "[[exceptions]]", "unknown field"),
        ("check =", "check", "line 3"),
    ] {
        let message = refused(&GOOD.replacen(from, to, 1));
        assert!(message.contains(problem) && message.contains("audit/exceptions.toml"), "{to}: {message}");
    }
    let text_dates = GOOD.replace("2026-07-01", "\"2026-07-01\"");
    assert_eq!(read_exceptions(&text_dates, "exceptions.toml", &catalog()).unwrap().len(), 1);
    assert!(read_exceptions("", "exceptions.toml", &catalog()).unwrap().is_empty());
}
