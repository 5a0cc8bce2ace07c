//! The status of controls: precedence, roll-up, excerpts, attestations, parameters; and that all of it is stable.

use proofpack::assess::{AssessError, Inputs, assess};
use proofpack::canonical::to_file_bytes;
use proofpack::model::{Assessment, ControlStatus, ErrorMeaning, Record, RecordOutcome};
use serde_json::json;

use super::fixture::{attestation, bundle, catalog, error, excerpt, inputs, records, with};

fn assessed(records: Vec<Record>) -> Assessment {
    assess(&bundle(records), &catalog(), &inputs()).unwrap()
}

fn status(assessment: &Assessment, control: &str) -> ControlStatus {
    assessment.controls().find(|result| result.id == control).unwrap().status
}

fn without(operation: &str) -> Vec<Record> {
    records().into_iter().filter(|record| record.source.operation != operation).collect()
}

fn denied(records: Vec<Record>, operation: &str) -> Vec<Record> {
    let mut records = records;
    for record in records.iter_mut().filter(|record| record.source.operation == operation) {
        record.outcome = error("AccessDenied", ErrorMeaning::Gap);
    }
    records
}

fn suspended(records: Vec<Record>, bucket: &str) -> Vec<Record> {
    let response = RecordOutcome::Response(json!({"Status": "Suspended"}));
    with(records, "GetBucketVersioning", &json!({ "Bucket": bucket }), response)
}

#[test]
fn when_all_is_well_only_what_nothing_proves_is_open() {
    let assessment = assessed(records());
    let statuses: Vec<(&str, ControlStatus)> =
        assessment.controls().map(|control| (control.id.as_str(), control.status)).collect();
    let expected = [
        ("1", ControlStatus::Satisfied),
        ("1(a)", ControlStatus::Satisfied),
        ("1(b)", ControlStatus::Satisfied),
        ("1(c)", ControlStatus::NotApplicable),
        ("2", ControlStatus::Satisfied),
        ("3", ControlStatus::Satisfied),
        ("4", ControlStatus::Indeterminate),
    ];
    assert_eq!(statuses, expected);
    assert_eq!(assessment.frameworks[0].controls[1].checks, ["bucket-customer-key", "bucket-key-is-ours"]);
    let counts: Vec<u64> = assessment.frameworks[0].summary.iter().map(|count| count.count).collect();
    assert_eq!(counts, [0, 1, 0, 0, 0, 5, 1]);
}

#[test]
fn a_failure_prevails_over_a_gap_and_both_reach_the_standard() {
    let failed = suspended(records(), "logs");
    assert_eq!(status(&assessed(failed.clone()), "1(b)"), ControlStatus::NotSatisfied);
    assert_eq!(status(&assessed(failed.clone()), "1(a)"), ControlStatus::Satisfied);
    assert_eq!(status(&assessed(failed.clone()), "1"), ControlStatus::NotSatisfied);
    let both = denied(failed, "GetAccountPasswordPolicy");
    assert_eq!(status(&assessed(both), "1(b)"), ControlStatus::NotSatisfied);
    let gap = denied(records(), "GetAccountPasswordPolicy");
    assert_eq!(status(&assessed(gap.clone()), "1(b)"), ControlStatus::Indeterminate);
    assert_eq!(status(&assessed(gap), "1"), ControlStatus::Indeterminate);
}

#[test]
fn an_excerpt_counts_only_where_logs_were_read_to_the_end() {
    let with_excerpts = |excerpts: Vec<Record>| {
        let mut all = without("LookupEvents");
        all.extend(excerpts);
        assessed(all)
    };
    let two = json!({"events": [{"eventID": "1"}, {"eventID": "2"}]});
    let assessment = with_excerpts(vec![excerpt(two.clone())]);
    let control = assessment.controls().find(|control| control.id == "2").unwrap();
    assert_eq!((control.status, control.excerpts[0].events), (ControlStatus::Satisfied, 2));
    assert_eq!(control.excerpts[0].reason, "Root needs no permission.");
    let gap = denied(vec![excerpt(two)], "LookupEvents").remove(0);
    for excerpts in [
        vec![],
        vec![gap.clone()],
        vec![excerpt(json!({"events": []})), gap],
        vec![excerpt(json!({}))],
        vec![excerpt(json!({"events": [], "objects-scanned": 0}))],
    ] {
        assert_eq!(status(&with_excerpts(excerpts), "2"), ControlStatus::Indeterminate);
    }
}

#[test]
fn attestations_are_missing_expired_or_hold() {
    let with_attestations = |attestations: Vec<Record>| {
        let mut all = without("Attest");
        all.extend(attestations);
        status(&assessed(all), "3")
    };
    assert_eq!(with_attestations(vec![]), ControlStatus::AttestationMissing);
    assert_eq!(with_attestations(vec![attestation("2026-06-30")]), ControlStatus::AttestationExpired);
    assert_eq!(with_attestations(vec![attestation("2026-07-01")]), ControlStatus::Satisfied);
    assert_eq!(with_attestations(vec![attestation("2026-07-01T00:00:00Z")]), ControlStatus::Satisfied);
    assert_eq!(
        with_attestations(vec![attestation("2026-06-30T23:59:59Z")]),
        ControlStatus::AttestationExpired
    );
    assert_eq!(with_attestations(vec![attestation("soon")]), ControlStatus::AttestationMissing);
    let renewed = vec![attestation("2027-06-30"), attestation("2026-01-01")];
    assert_eq!(with_attestations(renewed), ControlStatus::Satisfied);
}

#[test]
fn parameters_change_the_outcome_and_are_told() {
    let mut stricter = inputs();
    stricter.parameters.insert("minimum_length".into(), json!(20));
    let assessment = assess(&bundle(records()), &catalog(), &stricter).unwrap();
    assert_eq!(status(&assessment, "1(b)"), ControlStatus::NotSatisfied);
    let used = &assessment.parameters["minimum_length"];
    assert_eq!((&used.value, &used.default), (&json!(20), &json!(14)));
    assert_eq!(assessment.findings[0].message, "Passwords may have 16 characters.");
    for (name, value, hint) in [
        ("minimum_lenght", json!(20), "is minimum_length meant?"),
        ("minimum_length", json!("20"), "another type"),
    ] {
        let mut wrong = inputs();
        wrong.parameters.insert(name.into(), value);
        let error = assess(&bundle(records()), &catalog(), &wrong).unwrap_err();
        assert!(matches!(error, AssessError::Parameters(_)) && error.to_string().contains(hint), "{error}");
    }
}

#[test]
fn the_same_inputs_give_the_same_bytes_in_any_order_of_findings() {
    let first = to_file_bytes(&assessed(suspended(records(), "records"))).unwrap();
    let second = to_file_bytes(&assessed(suspended(records(), "records"))).unwrap();
    assert_eq!(first, second);
    // The order of the records shows in the evidence index and nowhere else.
    let mut reversed = suspended(records(), "records");
    reversed.reverse();
    let (one, other) = (assessed(suspended(records(), "records")), assessed(reversed));
    assert_eq!((one.findings, one.frameworks), (other.findings, other.frameworks));
    let read: Assessment = serde_json::from_slice(&first).unwrap();
    assert_eq!(to_file_bytes(&read).unwrap(), first);
}

#[test]
fn several_frameworks_share_the_findings_and_each_has_its_own_controls() {
    let mut catalog = catalog();
    let mut second = catalog.frameworks["test"].clone();
    second.id = "second".into();
    second.title = "Another one".into();
    second.controls.retain(|control| ["1", "1(b)"].contains(&control.id.as_str()));
    catalog.frameworks.insert("second".into(), second);
    let assess_for = |frameworks: &[&str]| {
        let frameworks = frameworks.iter().map(|id| (*id).to_owned()).collect();
        let inputs = Inputs { frameworks, ..inputs() };
        assess(&bundle(suspended(records(), "logs")), &catalog, &inputs)
    };
    let both = assess_for(&["second", "test"]).unwrap();
    let ids: Vec<&str> = both.frameworks.iter().map(|one| one.reference.id.as_str()).collect();
    assert_eq!(ids, ["second", "test"], "in the order asked for");
    for (index, id) in ids.iter().enumerate() {
        let alone = assess_for(&[id]).unwrap();
        assert_eq!(both.frameworks[index], alone.frameworks[0], "{id} does not depend on the other");
        assert!(alone.findings.iter().all(|finding| both.findings.contains(finding)), "{id}");
    }
    let alone = assess_for(&["second"]).unwrap();
    let of_both: Vec<&str> = alone.checks.iter().map(|check| check.id.as_str()).collect();
    assert_eq!(of_both, ["account-password-length", "bucket-versioning"], "only what its controls name");
    assert_eq!(
        both.findings,
        assess_for(&["test"]).unwrap().findings,
        "the second names no check of its own"
    );
    assert!(matches!(assess_for(&[]), Err(AssessError::NoFramework)));
    assert!(matches!(assess_for(&["test", "test"]), Err(AssessError::FrameworkTwice(id)) if id == "test"));
}

#[test]
fn an_unknown_framework_and_a_broken_check_are_refused() {
    let mut unknown = inputs();
    unknown.frameworks = vec!["hippa".into()];
    let error = assess(&bundle(records()), &catalog(), &unknown).unwrap_err();
    assert!(error.to_string().contains("the catalog has test"), "{error}");
    for (expression, problem) in [
        ("resource.key ==", "expression"),
        ("resource.name == ''", "needs"),
        ("resource.key == parameters.key", "no default"),
        ("lookup('planet', resource.key).name == ''", "planet"),
        ("lookup('key', resource.key).name == ''", "no property name"),
    ] {
        let mut broken = catalog();
        broken.checks.get_mut("bucket-customer-key").unwrap().expression = expression.into();
        let error = assess(&bundle(records()), &broken, &inputs()).unwrap_err().to_string();
        assert!(error.contains("checks/bucket-customer-key.toml") && error.contains(problem), "{error}");
    }
}
