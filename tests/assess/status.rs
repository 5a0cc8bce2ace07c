//! The status of controls: precedence, roll-up, excerpts, attestations, parameters; and that all of it is stable.

use proofpack::assess::{AssessError, Inputs, assess};
use proofpack::canonical::to_file_bytes;
use proofpack::model::{Assessment, AttestationState, ControlStatus, ErrorMeaning, Record, RecordOutcome};
use serde_json::json;

use super::fixture::{attestation, attested, bundle, catalog, error, excerpt, inputs, records, with};

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
    // What is no statement is none, and what is stated later is not stated yet.
    assert_eq!(with_attestations(vec![attestation("soon")]), ControlStatus::AttestationMissing);
    let of = |date, until| attested("risk-analysis", date, until);
    assert_eq!(with_attestations(vec![of("2026-07-02", None)]), ControlStatus::AttestationMissing);
    // The framework's limit counts where it is the earlier, and the statement of the last day where there are several.
    assert_eq!(with_attestations(vec![of("2025-07-01", Some("2030-01-01"))]), ControlStatus::Satisfied);
    assert_eq!(
        with_attestations(vec![of("2025-06-30", Some("2030-01-01"))]),
        ControlStatus::AttestationExpired
    );
    let renewed = vec![of("2026-05-01", None), of("2025-01-01", None)];
    assert_eq!(with_attestations(renewed), ControlStatus::Satisfied);
    let limited = vec![of("2026-05-01", Some("2026-06-01")), of("2026-01-01", None)];
    assert_eq!(with_attestations(limited), ControlStatus::AttestationExpired);
}

#[test]
fn the_register_tells_of_every_attestation_what_became_of_it() {
    let mut all = without("Attest");
    all.push(attested("risk-analysis", "2025-01-01", None));
    all.push(attested("risk-analysis", "2026-02-01", Some("2026-12-31")));
    all.push(attested("something-else", "2026-02-01", None));
    let assessment = assessed(all);
    use AttestationState as State;
    let register: Vec<(&str, State)> =
        assessment.attestations.iter().map(|entry| (entry.id.as_str(), entry.state)).collect();
    let expected = [
        ("risk-analysis", State::Superseded),
        ("risk-analysis", State::Holds),
        ("something-else", State::NotAskedFor),
    ];
    assert_eq!(register, expected);
    let asked = &assessment.controls().find(|control| control.id == "3").unwrap().attestations[0];
    assert_eq!(asked.record, Some(assessment.attestations[1].record));
    assert_eq!(asked.superseded, [assessment.attestations[0].record]);
    assert_eq!(asked.holds_until.map(|until| until.to_string()).as_deref(), Some("2026-12-31"));
    assert_eq!(assessment.attestations[1].statement.as_ref().unwrap().author, "Ada");
}

#[test]
fn a_documented_decision_accepts_what_is_not_done_and_hides_nothing() {
    let unencrypted = || {
        let parameters = json!({"Bucket": "records"});
        let absent = error("ServerSideEncryptionConfigurationNotFoundError", ErrorMeaning::Absent);
        with(records(), "GetBucketEncryption", &parameters, absent)
    };
    let decided = |records: Vec<Record>, date: &str| {
        let mut all = records;
        all.push(attested("no-encryption", date, None));
        assessed(all)
    };
    let control =
        |assessment: &Assessment| assessment.controls().find(|control| control.id == "1(a)").unwrap().clone();
    // Nobody is asked for the decision: without it all is as without the member.
    let open = assessed(unencrypted());
    assert_eq!(control(&open).status, ControlStatus::NotSatisfied);
    assert!(!control(&open).rests_on_alternative && !control(&open).alternative.unwrap().holds);
    assert_eq!(status(&assessed(records()), "1(a)"), ControlStatus::Satisfied);

    let accepted = decided(unencrypted(), "2026-05-01");
    assert_eq!(control(&accepted).status, ControlStatus::SatisfiedWithExceptions);
    assert!(control(&accepted).rests_on_alternative && control(&accepted).alternative.unwrap().holds);
    assert_eq!(accepted.findings, open.findings, "the failures stay");
    // One that has expired accepts nothing; one that is not needed changes nothing.
    assert_eq!(status(&decided(unencrypted(), "2025-05-01"), "1(a)"), ControlStatus::NotSatisfied);
    let needless = decided(records(), "2026-05-01");
    assert_eq!(control(&needless).status, ControlStatus::Satisfied);
    assert!(!control(&needless).rests_on_alternative);
    // What could not be seen stays open, beside a failure too.
    let gap = denied(records(), "GetBucketEncryption");
    assert_eq!(status(&decided(gap, "2026-05-01"), "1(a)"), ControlStatus::Indeterminate);
    let half_seen = {
        let parameters = json!({"Bucket": "logs"});
        with(unencrypted(), "GetBucketEncryption", &parameters, error("AccessDenied", ErrorMeaning::Gap))
    };
    assert_eq!(status(&assessed(half_seen.clone()), "1(a)"), ControlStatus::NotSatisfied);
    assert_eq!(status(&decided(half_seen, "2026-05-01"), "1(a)"), ControlStatus::Indeterminate);
    // Where there is nothing of it in scope, the decision says why.
    let mut none = records();
    none.retain(|record| !record.source.operation.starts_with("GetBucket"));
    let none: Vec<Record> = none
        .into_iter()
        .map(|mut record| {
            if record.source.operation == "ListBuckets" {
                record.outcome = RecordOutcome::Response(json!({"Buckets": []}));
            }
            record
        })
        .collect();
    assert_eq!(status(&assessed(none.clone()), "1(a)"), ControlStatus::NotApplicable);
    assert_eq!(status(&decided(none, "2026-05-01"), "1(a)"), ControlStatus::SatisfiedWithExceptions);
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
