//! Exceptions: reading the file, covering failures, and what keeps one from covering anything.

use proofpack::assess::{ExceptionsError, MistakeKind, assess, draft, lint, propose, read_exceptions};
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
fn a_failure_tells_of_the_exception_that_names_it_and_has_no_effect() {
    let expired = GOOD.replace("2026-07-01", "2026-06-30");
    let of_logs = |text: &str| {
        let assessment = assessed(text);
        let mut failures = assessment.findings.iter().filter(|finding| finding.outcome == Outcome::Fail);
        let finding = failures.find(|finding| finding.subject.id == "logs").unwrap();
        (finding.exception, finding.exception_without_effect)
    };
    assert_eq!(of_logs(&expired), (None, Some(0)));
    assert_eq!(of_logs(GOOD), (Some(0), None));
    assert_eq!(of_logs(&format!("{expired}{GOOD}")), (Some(1), None), "another one covers it");
}

#[test]
fn a_file_that_cannot_hold_is_refused_with_its_place() {
    let refused =
        |text: &str| read_exceptions(text, "audit/exceptions.toml", &catalog()).unwrap_err().to_string();
    let unknown = refused(&format!("{GOOD}{}", GOOD.replace("bucket-versioning", "bucket-versionning")));
    assert!(
        unknown.contains("audit/exceptions.toml, line 13, column 9: [[exception]] number 2"),
        "{unknown}"
    );
    assert!(unknown.contains("is bucket-versioning meant?"), "{unknown}");
    for (from, to, place, problem) in [
        ("reason", "because", "line 5, column 1", "unknown field `because`"),
        ("reason", "because", "line 2, column 1", "missing field `reason`"),
        ("owner = \"Ada\"\n", "", "line 2, column 1", "missing field `owner`"),
        ("owner", "ownr", "line 6, column 1", "is `owner` meant?"),
        ("\"Ada\"", "\" \"", "line 6, column 9", "owner is empty"),
        ("\"Ada\"", "3", "line 6, column 9", "owner is no text"),
        ("\"Ada\"", "\"<who answers>\"", "line 6, column 9", "owner is still \"<who answers>\""),
        ("2026-07-01", "\"next year\"", "line 9, column 11", "not a date"),
        ("2026-07-01", "\"<last day>\"", "line 9, column 11", "expires is still \"<last day>\""),
        ("2026-07-01", "2026-07-01T00:00:00Z", "line 9, column 11", "not a date"),
        ("2026-07-01", "7", "line 9, column 11", "not a date"),
        ("2026-07-01", "2025-07-01", "line 9, column 11", "before its approval"),
        ("[[exception]]", "[[exceptions]]", "line 2", "unknown field `exceptions`"),
        ("[[exception]]", "[exception]", "line 2", "begin each with [[exception]]"),
        ("check =", "check", "line 3", "not TOML"),
    ] {
        let message = refused(&GOOD.replacen(from, to, 1));
        let line = message.lines().find(|line| line.contains(problem));
        let line = line.unwrap_or_else(|| panic!("{problem:?} is not in: {message}"));
        assert!(line.starts_with(&format!("audit/exceptions.toml, {place}")), "{to}: {message}");
    }
    let text_dates = GOOD.replace("2026-07-01", "\"2026-07-01\"");
    assert_eq!(read_exceptions(&text_dates, "exceptions.toml", &catalog()).unwrap().len(), 1);
    assert!(read_exceptions("", "exceptions.toml", &catalog()).unwrap().is_empty());
}

#[test]
fn all_mistakes_are_told_and_no_more_than_can_be_read() {
    let wrong =
        GOOD.replace("\"Ada\"", "\"\"").replace("2026-07-01", "\"soon\"").replace("reason", "reasons");
    let found = |text: &str| match read_exceptions(text, "exceptions.toml", &catalog()) {
        Err(ExceptionsError::Mistakes { mistakes, .. }) => mistakes,
        other => panic!("{other:?}"),
    };
    let kinds: Vec<MistakeKind> = found(&wrong).iter().map(|mistake| mistake.problem).collect();
    use MistakeKind as Kind;
    assert_eq!(kinds, [Kind::Missing, Kind::UnknownField, Kind::Empty, Kind::WrongType]);
    let many = wrong.repeat(100);
    assert_eq!(found(&many).len(), 400);
    let message = read_exceptions(&many, "exceptions.toml", &catalog()).unwrap_err().to_string();
    assert!(message.contains("400 mistakes") && message.len() < 2_000, "{message}");
    assert!(message.contains("`proofpack exceptions lint` lists all"), "{message}");
}

#[test]
fn lint_tells_what_leaves_an_exception_without_force() {
    let assessment = assessed("");
    let on = "2026-07-01".parse().unwrap();
    let found = |text: &str| {
        let lint = lint(text, "exceptions.toml", &catalog(), on, Some(&assessment)).unwrap();
        assert!(!lint.refused() || !lint.problems.is_empty());
        lint.problems.into_iter().map(|m| (m.line, m.problem, m.message)).collect::<Vec<_>>()
    };
    assert_eq!(found(GOOD), []);
    use MistakeKind as Kind;
    for (from, to, line, kind, words) in [
        ("2026-07-01", "2026-06-30", 9, Kind::Expired, "expired on 2026-06-30"),
        (
            "approved-on = 2026-01-01\nexpires = 2026-07-01",
            "approved-on = 2026-07-02\nexpires = 2026-08-01",
            8,
            Kind::NotYetApproved,
            "from 2026-07-02 on",
        ),
        ("Grace", "ada ", 7, Kind::SelfApproved, "somebody else has to approve"),
        ("arn:aws:s3:::logs", "arn:aws:s3:::*", 4, Kind::TooBroad, "any name"),
        ("arn:aws:s3:::logs", "*", 4, Kind::TooBroad, "any name"),
        ("arn:aws:s3:::logs", "arn:aws:s3:::other", 4, Kind::MatchesNothing, "no resource of the assessment"),
        ("bucket-versioning", "bucket-customer-key", 4, Kind::MatchesNothing, "1 that match it pass"),
    ] {
        let problems = found(&GOOD.replace(from, to));
        assert_eq!(problems.len(), 1, "{to}: {problems:?}");
        assert_eq!((problems[0].0, problems[0].1), (line, kind), "{to}");
        assert!(problems[0].2.contains(words), "{to}: {}", problems[0].2);
    }
    let twice = found(&GOOD.repeat(2));
    assert_eq!(
        twice.iter().map(|(line, kind, _)| (*line, *kind)).collect::<Vec<_>>(),
        [(14, Kind::Repeated)]
    );
    // Without an assessment nobody knows what fails; a pattern over everything is too broad all the same.
    let alone = |text: &str| lint(text, "exceptions.toml", &catalog(), on, None).unwrap().problems;
    assert!(alone(&GOOD.replace("arn:aws:s3:::logs", "arn:aws:s3:::other")).is_empty());
    assert_eq!(alone(&GOOD.replace("arn:aws:s3:::logs", "*"))[0].problem, Kind::TooBroad);
}

#[test]
fn what_is_proposed_are_the_failures_that_nothing_covers() {
    let expired = GOOD.replace("2026-07-01", "2026-06-30");
    let proposals = |text: &str, only: &[String]| propose(&assessed(text), only);
    let all = proposals("", &[]);
    let resources: Vec<&str> = all.iter().map(|proposal| proposal.resource.as_str()).collect();
    assert_eq!(resources, ["arn:aws:s3:::logs", "arn:aws:s3:::records"]);
    assert_eq!(proposals(GOOD, &[]).len(), 1);
    assert!(proposals("", &["account-password-length".to_owned()]).is_empty());
    let again = proposals(&expired, &[]);
    assert_eq!(again.len(), 2);
    assert!(again[0].notes.iter().any(|note| note.contains("Number 1") && note.contains("has expired")));

    let text = draft(&all, &catalog());
    assert!(text.contains("# ==== bucket-versioning: Buckets keep versions"), "{text}");
    assert!(text.contains("# To repair it instead: Turn versioning on."), "{text}");
    assert!(text.contains("# logs is Suspended."), "{text}");
    let Err(ExceptionsError::Mistakes { mistakes, .. }) = read_exceptions(&text, "draft.toml", &catalog())
    else {
        panic!("the draft is accepted as it is:\n{text}");
    };
    assert!(mistakes.iter().all(|mistake| mistake.problem == MistakeKind::Placeholder), "{mistakes:?}");
    let filled = text
        .replace("<why the failure is accepted>", "Rebuilt every day.")
        .replace("<who answers for the risk>", "Ada")
        .replace("<who approved it; not the owner>", "Grace")
        .replace("<date of the approval, such as 2026-12-31>", "2026-01-01")
        .replace("<last day on which it holds>", "2026-07-01")
        .replace("<what reduces the risk instead; or remove this line>", "Copies elsewhere.");
    let reports = assessed(&filled).exceptions;
    assert_eq!(
        reports.iter().map(|report| (report.covers, report.problems.len())).collect::<Vec<_>>(),
        [(1, 0); 2]
    );
}
