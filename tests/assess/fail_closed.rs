//! Absence of evidence is never a pass, whichever evidence it is that is absent.

use std::collections::BTreeSet;

use proofpack::assess::{AssessError, assess};
use proofpack::model::{Assessment, ControlStatus, ErrorMeaning, Finding, Outcome, RecordOutcome};
use serde_json::json;

use super::fixture::{bundle, catalog, error, inputs, records, with};

fn assessed(records: Vec<proofpack::model::Record>) -> Assessment {
    assess(&bundle(records), &catalog(), &inputs()).unwrap()
}

fn of<'a>(assessment: &'a Assessment, check: &str) -> Vec<&'a Finding> {
    assessment.findings.iter().filter(|finding| finding.check == check).collect()
}

#[test]
fn the_account_in_which_all_is_well_passes() {
    let assessment = assessed(records());
    let outcomes: Vec<(&str, &str, Outcome)> = assessment
        .findings
        .iter()
        .map(|finding| (finding.check.as_str(), finding.subject.id.as_str(), finding.outcome))
        .collect();
    let expected = [
        ("account-password-length", "123456789012", Outcome::Pass),
        ("bucket-customer-key", "logs", Outcome::Pass),
        ("bucket-customer-key", "records", Outcome::Pass),
        ("bucket-key-is-ours", "logs", Outcome::Pass),
        ("bucket-key-is-ours", "records", Outcome::Pass),
        ("bucket-versioning", "logs", Outcome::Pass),
        ("bucket-versioning", "records", Outcome::Pass),
        ("key-of-partner", "*", Outcome::NotApplicable),
    ];
    assert_eq!(outcomes, expected);
    let ids: BTreeSet<_> = assessment.evidence.iter().map(|entry| entry.id).collect();
    assert!(assessment.findings.iter().all(|finding| finding.proof.ids().iter().all(|id| ids.contains(id))));
    assert!(assessment.findings[0].message.contains("Passwords are long"));
}

#[test]
fn no_finding_passes_without_a_record_that_it_rested_on() {
    let all = records();
    let whole = assessed(all.clone());
    for index in 0..all.len() {
        let (_, id) = all[index].to_line().unwrap();
        let rested: Vec<&Finding> =
            whole.findings.iter().filter(|finding| finding.proof.ids().contains(&id)).collect();
        let mut denied = all.clone();
        denied[index].outcome = error("AccessDenied", ErrorMeaning::Gap);
        let mut removed = all.clone();
        removed.remove(index);
        for (how, changed) in [("denied", denied), ("removed", removed)] {
            let what = &all[index].source;
            let place = format!("{} {} in {} was {how}", what.operation, what.parameters, what.region);
            let assessment = assessed(changed);
            for finding in &rested {
                let now = of(&assessment, &finding.check);
                let same = now.iter().find(|other| other.subject == finding.subject);
                match same {
                    Some(other) => {
                        assert_eq!(other.outcome, Outcome::Indeterminate, "{place}: {}", finding.check);
                    }
                    None => assert!(
                        now.iter().any(|other| other.outcome == Outcome::Indeterminate),
                        "{place}: {} says nothing of it",
                        finding.check
                    ),
                }
            }
            let not_better = assessment.controls().zip(whole.controls());
            for (now, before) in not_better {
                assert!(now.status <= before.status, "{place}: {} became {:?}", now.id, now.status);
            }
        }
    }
}

#[test]
fn every_record_of_the_account_is_needed_by_something() {
    let all = records();
    let whole = assessed(all.clone());
    let proofs: BTreeSet<_> =
        whole.findings.iter().flat_map(|finding| finding.proof.ids()).copied().collect();
    for record in &all {
        let (_, id) = record.to_line().unwrap();
        let listing_of_nothing =
            record.source.region == "eu-west-1" && record.source.operation == "ListBuckets";
        let of_a_control = ["LookupEvents", "Attest"].contains(&record.source.operation.as_str());
        assert!(proofs.contains(&id) || listing_of_nothing || of_a_control, "{}", record.source.operation);
    }
}

#[test]
fn a_gap_is_named_with_its_property_and_code_and_is_part_of_the_proof() {
    let parameters = json!({"Bucket": "records"});
    let changed =
        with(records(), "GetBucketVersioning", &parameters, error("AccessDenied", ErrorMeaning::Gap));
    let gap = changed.iter().find(|record| record.gap().is_some()).unwrap().to_line().unwrap().1;
    let assessment = assessed(changed);
    let findings = of(&assessment, "bucket-versioning");
    let finding = findings.iter().find(|finding| finding.subject.id == "records").unwrap();
    assert_eq!(finding.outcome, Outcome::Indeterminate);
    assert!(
        finding.message.contains("versioning") && finding.message.contains("AccessDenied"),
        "{}",
        finding.message
    );
    assert!(finding.proof.ids().contains(&gap));
    assert_eq!(of(&assessment, "bucket-versioning").len(), 2);
}

#[test]
fn a_region_that_could_not_be_listed_is_said_beside_what_could() {
    let mut changed = records();
    let denied = changed
        .iter_mut()
        .find(|record| record.source.operation == "ListBuckets" && record.source.region == "eu-west-1")
        .unwrap();
    denied.outcome = error("Throttling", ErrorMeaning::Gap);
    let assessment = assessed(changed);
    let findings = of(&assessment, "bucket-versioning");
    assert_eq!(findings.len(), 3);
    let hidden = findings.iter().find(|finding| finding.subject.arn == "*").unwrap();
    assert_eq!((hidden.outcome, hidden.subject.region.as_str()), (Outcome::Indeterminate, "eu-west-1"));
    assert!(hidden.message.contains("Throttling"), "{}", hidden.message);
}

#[test]
fn absence_that_aws_states_is_evidence() {
    let parameters = json!({"Bucket": "records"});
    let code = "ServerSideEncryptionConfigurationNotFoundError";
    let changed = with(records(), "GetBucketEncryption", &parameters, error(code, ErrorMeaning::Absent));
    let assessment = assessed(changed);
    let findings = of(&assessment, "bucket-customer-key");
    let finding = findings.iter().find(|finding| finding.subject.id == "records").unwrap();
    assert_eq!(finding.outcome, Outcome::Fail);
    assert_eq!(finding.message, "records is encrypted with .");
}

#[test]
fn a_look_up_adds_its_record_and_what_is_not_there_is_not_guessed() {
    let keys = |records: &[proofpack::model::Record]| {
        let listing = |r: &&proofpack::model::Record| {
            r.source.operation == "ListKeys" && r.source.region == "us-east-1"
        };
        records.iter().find(listing).unwrap().to_line().unwrap().1
    };
    let assessment = assessed(records());
    assert!(of(&assessment, "bucket-customer-key").iter().all(|f| f.proof.ids().contains(&keys(&records()))));
    let response = RecordOutcome::Response(json!({"Key": "elsewhere"}));
    let changed = with(records(), "GetBucketEncryption", &json!({"Bucket": "records"}), response);
    let assessment = assessed(changed);
    let outcome = |check: &str| {
        of(&assessment, check).iter().find(|finding| finding.subject.id == "records").unwrap().outcome
    };
    assert_eq!(outcome("bucket-customer-key"), Outcome::Indeterminate);
    assert_eq!(outcome("bucket-key-is-ours"), Outcome::Fail);
}

#[test]
fn a_bundle_without_records_is_not_assessed() {
    assert!(matches!(assess(&bundle(Vec::new()), &catalog(), &inputs()), Err(AssessError::NoRecords)));
}

#[test]
fn with_one_record_of_who_collected_nothing_passes() {
    let assessment = assessed(records().into_iter().take(1).collect());
    assert!(assessment.findings.iter().all(|finding| finding.outcome == Outcome::Indeterminate));
    let checks: BTreeSet<&str> = assessment.findings.iter().map(|finding| finding.check.as_str()).collect();
    assert_eq!(checks.len(), catalog().checks.len());
    assert!(assessment.controls().all(|control| {
        [ControlStatus::Indeterminate, ControlStatus::AttestationMissing].contains(&control.status)
    }));
}
