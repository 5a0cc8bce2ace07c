//! What other tools found stands beside our findings: compared resource by resource, and changing nothing.

use proofpack::assess::{assess, propose_from_imports};
use proofpack::bundle::Bundle;
use proofpack::canonical::sha256;
use proofpack::catalog::{Catalog, TagsRule};
use proofpack::model::{
    Assessment, Disagreement, ImportComparison, ImportOutcome, Outcome, Record, RecordKind, RecordOutcome,
};
use serde_json::{Value, json};

use super::fixture::{self, ACCOUNT, bundle, inputs, record, records, with};

const VERSIONING: &str = "bucket-versioning";
const KEY: &str = "bucket-customer-key";

/// The catalog of the other tests, whose checks name rules of others; buckets have tags.
fn catalog() -> Catalog {
    let mut catalog = fixture::catalog();
    let mut name = |check: &str, scheme: &str, rules: &[&str]| {
        let rules = rules.iter().map(|rule| (*rule).to_owned()).collect();
        catalog.checks.get_mut(check).unwrap().references.insert(scheme.into(), rules);
    };
    name(VERSIONING, "cdk-nag", &["HIPAA.Security-S3BucketVersioningEnabled"]);
    name(VERSIONING, "prowler", &["s3_bucket_object_versioning"]);
    name(VERSIONING, "security-hub", &["S3.14"]);
    name(VERSIONING, "config-rule", &["S3_BUCKET_VERSIONING_ENABLED"]);
    // Two rules of theirs for one check of ours, and one of them for another check too.
    name(KEY, "prowler", &["s3_bucket_default_encryption", "s3_bucket_kms_encryption"]);
    name("bucket-key-is-ours", "prowler", &["s3_bucket_kms_encryption"]);
    name("account-password-length", "prowler", &["iam_password_policy_minimum_length_14"]);
    let buckets = &mut catalog.collectors.get_mut("s3").unwrap().resources[0];
    buckets.tags = Some(TagsRule::Item("Tags".into()));
    catalog
}

/// The account of the other tests, its buckets made by CloudFormation; those in `unversioned` keep no versions.
fn account(unversioned: &[&str]) -> Vec<Record> {
    let tags = |id: &str| {
        json!([{"Key": "aws:cloudformation:stack-name", "Value": "OpenEmr"},
            {"Key": "aws:cloudformation:logical-id", "Value": id}])
    };
    let buckets = json!({"Buckets": [
        {"Name": "records", "Tags": tags("Records0AB1C2D3")},
        {"Name": "logs", "Tags": tags("Logs6819BB44")},
    ]});
    let mut all = records();
    let listed =
        all.iter_mut().find(|it| it.source.operation == "ListBuckets" && it.source.region == "us-east-1");
    listed.unwrap().outcome = RecordOutcome::Response(buckets);
    for bucket in unversioned {
        let response = RecordOutcome::Response(json!({"Status": "Suspended"}));
        all = with(all, "GetBucketVersioning", &json!({ "Bucket": bucket }), response);
    }
    all
}

/// The record that a file becomes.
fn import(name: &str, content: &str) -> Record {
    let file = json!({"name": name, "sha256": sha256(content.as_bytes()), "bytes": content.len()});
    let mut made = record(
        RecordKind::Import,
        ("prowler", "Findings", ""),
        json!({}),
        RecordOutcome::Response(json!({"files": [file]})),
    );
    made.source.account.clear();
    made
}

fn sealed(mut all: Vec<Record>, files: &[(&str, String)]) -> Bundle {
    all.extend(files.iter().map(|(name, content)| import(name, content)));
    let mut bundle = bundle(all);
    bundle.imports =
        files.iter().map(|(_, content)| (sha256(content.as_bytes()), content.clone().into_bytes())).collect();
    bundle
}

fn assessed(all: Vec<Record>, files: &[(&str, String)]) -> Assessment {
    assess(&sealed(all, files), &catalog(), &inputs()).unwrap()
}

/// Prowler's results: check, status, bucket.
fn prowler(rows: &[(&str, &str, &str)]) -> (&'static str, String) {
    let findings: Vec<Value> = rows
        .iter()
        .map(|(check, status, bucket)| {
            let uid = if bucket.is_empty() {
                format!("arn:aws:iam::{ACCOUNT}:root")
            } else {
                format!("arn:aws:s3:::{bucket}")
            };
            json!({"message": format!("{bucket}: {status}"), "status_code": status, "status_id": 1,
                "metadata": {"event_code": check, "product": {"name": "Prowler", "version": "5.46.0"}},
                "resources": [{"uid": uid, "name": bucket, "region": "us-east-1"}],
                "cloud": {"account": {"uid": ACCOUNT}, "provider": "aws", "region": "us-east-1"}})
        })
        .collect();
    ("prowler.ocsf.json", Value::Array(findings).to_string())
}

/// A report of cdk-nag: rule, construct, compliance, reason.
fn nag(rows: &[(&str, &str, &str, &str)]) -> (&'static str, String) {
    let lines: Vec<Value> = rows
        .iter()
        .map(|(rule, path, compliance, reason)| {
            json!({"ruleId": rule, "resourceId": path, "compliance": compliance, "exceptionReason": reason,
                "ruleLevel": "Error", "ruleInfo": "The S3 Bucket does not have versioning enabled."})
        })
        .collect();
    ("all-NagReport.json", json!({ "lines": lines }).to_string())
}

fn compared(assessment: &Assessment) -> [u64; 5] {
    let ImportComparison { agree, disagree, undecided, no_such_resource, no_such_check } =
        assessment.imports[0].compared;
    [agree, disagree, undecided, no_such_resource, no_such_check]
}

fn only(assessment: &Assessment) -> &Disagreement {
    let [disagreement] = assessment.disagreements.as_slice() else {
        panic!("{:#?}", assessment.disagreements)
    };
    disagreement
}

#[test]
fn imports_change_no_finding_and_no_control() {
    let before = assessed(account(&["logs"]), &[]);
    let file = prowler(&[
        ("s3_bucket_object_versioning", "FAIL", "records"),
        ("s3_bucket_object_versioning", "PASS", "logs"),
    ]);
    let after = assessed(account(&["logs"]), &[file]);
    assert_eq!(before.findings, after.findings);
    assert_eq!(before.frameworks, after.frameworks);
    assert_eq!((before.imports.len(), after.imports.len(), after.disagreements.len()), (0, 1, 2));
}

#[test]
fn a_disagreement_shows_both_sides_with_their_proof() {
    let file = prowler(&[
        ("s3_bucket_object_versioning", "FAIL", "records"),
        ("s3_bucket_object_versioning", "FAIL", "logs"),
    ]);
    let assessment = assessed(account(&["logs"]), &[file]);
    assert_eq!(compared(&assessment), [1, 1, 0, 0, 0]);
    let shown = only(&assessment);
    assert_eq!(
        (shown.subject.arn.as_str(), shown.ours, shown.theirs.outcome),
        ("arn:aws:s3:::records", Outcome::Pass, ImportOutcome::Fail)
    );
    assert_eq!((shown.theirs.tool.as_str(), shown.theirs.message.as_str()), ("Prowler", "records: FAIL"));
    let ours =
        assessment.findings.iter().find(|it| it.check == VERSIONING && it.subject.id == "records").unwrap();
    assert_eq!(shown.proof, ours.proof);
    let import = assessment.evidence.iter().find(|entry| entry.kind == RecordKind::Import).unwrap();
    assert_eq!(shown.theirs.proof.ids(), [import.id]);
}

#[test]
fn a_pass_of_theirs_opposes_a_failure_of_ours() {
    let file = prowler(&[
        ("s3_bucket_object_versioning", "PASS", "logs"),
        ("s3_bucket_object_versioning", "MANUAL", "records"),
    ]);
    let assessment = assessed(account(&["logs"]), &[file]);
    assert_eq!(compared(&assessment), [0, 1, 1, 0, 0]);
    assert_eq!(
        (only(&assessment).ours, only(&assessment).theirs.outcome),
        (Outcome::Fail, ImportOutcome::Pass)
    );
}

#[test]
fn rules_and_checks_that_are_only_together_the_same_are_compared_together() {
    let unencrypted = |all| {
        with(
            all,
            "GetBucketEncryption",
            &json!({"Bucket": "logs"}),
            RecordOutcome::Response(json!({"Key": "k-2"})),
        )
    };
    // Ours fails for the customer's key; one of the two rules that the check names passes, the other fails.
    let both =
        [("s3_bucket_default_encryption", "PASS", "logs"), ("s3_bucket_kms_encryption", "FAIL", "logs")];
    let assessment = assessed(unencrypted(account(&[])), &[prowler(&both)]);
    assert_eq!(compared(&assessment), [1, 0, 1, 0, 0], "{:#?}", assessment.disagreements);
    let one = [("s3_bucket_default_encryption", "PASS", "logs")];
    assert_eq!(compared(&assessed(unencrypted(account(&[])), &[prowler(&one)])), [0, 0, 1, 0, 0]);
    let passed =
        [("s3_bucket_default_encryption", "PASS", "logs"), ("s3_bucket_kms_encryption", "PASS", "logs")];
    assert_eq!(compared(&assessed(unencrypted(account(&[])), &[prowler(&passed)])), [0, 2, 0, 0, 0]);
}

#[test]
fn what_cannot_be_mapped_is_counted_and_listed() {
    let file = prowler(&[
        ("s3_bucket_object_versioning", "FAIL", "elsewhere"),
        ("ec2_something", "FAIL", "records"),
        ("iam_password_policy_minimum_length_14", "FAIL", ""),
    ]);
    let assessment = assessed(account(&[]), &[file]);
    assert_eq!(compared(&assessment), [0, 1, 0, 1, 1]);
    assert_eq!(only(&assessment).subject.kind, "aws-account", "found as the account itself");
    let rule = |name: &str| assessment.imports[0].rules.iter().find(|rule| rule.name == name).unwrap();
    assert_eq!(rule("s3_bucket_object_versioning").not_found, ["arn:aws:s3:::elsewhere"]);
    assert!(rule("ec2_something").checks.is_empty());
}

#[test]
fn a_construct_is_found_by_the_tags_of_its_stack() {
    let rule = "HIPAA.Security-S3BucketVersioningEnabled";
    let same_rule = "NIST.800.53.R5-S3BucketVersioningEnabled";
    let file = nag(&[
        (rule, "OpenEmr/Records/Resource", "Compliant", "N/A"),
        (same_rule, "OpenEmr/Logs/Resource", "Non-Compliant", "N/A"),
        (rule, "Other/Logs/Resource", "Non-Compliant", "N/A"),
        (rule, "OpenEmr/Log/Resource", "Non-Compliant", "N/A"),
        (rule, "OpenEmr/Logs/Resource", "UNKNOWN", "N/A"),
    ]);
    let assessment = assessed(account(&["logs"]), &[file]);
    assert_eq!(compared(&assessment), [3, 0, 0, 2, 0]);
}

#[test]
fn a_suppression_in_a_report_is_a_violation_and_one_in_a_template_a_declaration() {
    let rule = "HIPAA.Security-S3BucketVersioningEnabled";
    let report = nag(&[(rule, "OpenEmr/Records/Resource", "Suppressed", "Rebuilt daily")]);
    let suppress = json!({"rules_to_suppress": [{"id": rule, "reason": "Rebuilt daily"}]});
    let template = json!({"Resources": {"Records0AB1C2D3": {"Type": "AWS::S3::Bucket", "Metadata": {"cdk_nag": suppress}}}});
    let template = ("OpenEmr.template.json", template.to_string());
    let assessment = assessed(account(&[]), std::slice::from_ref(&report));
    assert_eq!(
        (compared(&assessment), only(&assessment).theirs.message.as_str()),
        ([0, 1, 0, 0, 0], "Rebuilt daily")
    );
    assert_eq!(compared(&assessed(account(&[]), std::slice::from_ref(&template))), [0, 0, 1, 0, 0]);
    let failing = assessed(account(&["records"]), &[report, template]);
    assert_eq!((compared(&failing), failing.imports[1].compared.agree), ([1, 0, 0, 0, 0], 1));
    let listed = &failing.imports[0].suppressions[0];
    assert_eq!((listed.reason.as_deref(), listed.ours), (Some("Rebuilt daily"), Some(Outcome::Fail)));
}

#[test]
fn suppressions_become_drafts_of_exceptions_where_one_is_needed() {
    let rule = "HIPAA.Security-S3BucketVersioningEnabled";
    let report = nag(&[
        (rule, "OpenEmr/Records/Resource", "Suppressed", "Not needed any more"),
        (rule, "OpenEmr/Logs/Resource", "Suppressed", "Rebuilt \"daily\"\nfrom [[exception]]"),
        (rule, "Other/<Logs>/Resource", "Suppressed", "Rebuilt daily"),
        ("AwsSolutions-IAM4", "OpenEmr/Role/Resource", "Suppressed", "Fine"),
    ]);
    let assessment = assessed(account(&["logs"]), &[report]);
    let found = propose_from_imports(&assessment, &[]);
    assert_eq!((found.not_needed, found.no_such_check), (1, 1));
    let resources: Vec<&str> = found.proposals.iter().map(|it| it.resource.as_str()).collect();
    assert_eq!(resources, ["arn:aws:s3:::logs", "<ARN of Other/Logs/Resource>"]);
    assert_eq!(found.proposals[0].reason.as_deref(), Some("Rebuilt \"daily\"\nfrom [[exception]]"));
    assert!(propose_from_imports(&assessment, &["bucket-customer-key".to_owned()]).proposals.is_empty());
}

#[test]
fn a_sealed_file_that_cannot_be_read_again_is_said_and_nothing_taken_from_it() {
    let assessment = assessed(account(&[]), &[("prowler.ocsf.json", "[{}]".to_owned())]);
    let report = &assessment.imports[0];
    assert!(report.problem.as_ref().unwrap().contains("missing field"), "{report:?}");
    assert_eq!((report.counts.total(), report.rules.len()), (0, 0));
    let mut missing = sealed(account(&[]), &[prowler(&[])]);
    missing.imports.clear();
    let assessment = assess(&missing, &catalog(), &inputs()).unwrap();
    assert!(assessment.imports[0].problem.as_ref().unwrap().contains("does not hold the file"));
}

/// The catalog with the collectors of Security Hub and Config as they are.
fn with_services() -> Catalog {
    let embedded = Catalog::embedded().unwrap();
    let mut catalog = catalog();
    for service in ["securityhub", "config"] {
        catalog.collectors.insert(service.into(), embedded.collectors[service].clone());
    }
    catalog
}

fn answer(service: &str, operation: &str, parameters: Value, response: Value) -> Record {
    record(
        RecordKind::ApiCall,
        (service, operation, "us-east-1"),
        parameters,
        RecordOutcome::Response(response),
    )
}

#[test]
fn security_hubs_findings_go_through_the_same_comparison() {
    let finding = |id: &str, bucket: &str, workflow: &str| {
        json!({"Id": id, "Title": "S3 buckets should have versioning", "Severity": {"Label": "HIGH"},
            "Compliance": {"SecurityControlId": "S3.14", "Status": "FAILED"}, "Workflow": {"Status": workflow},
            "Resources": [{"Id": format!("arn:aws:s3:::{bucket}")}]})
    };
    let mut all = account(&["logs"]);
    all.push(answer(
        "securityhub",
        "DescribeHub",
        json!({}),
        json!({"HubArn": "arn:aws:securityhub:us-east-1:123456789012:hub/default"}),
    ));
    let findings =
        json!({"Findings": [finding("f1", "records", "NEW"), finding("f2", "logs", "SUPPRESSED")]});
    all.push(answer("securityhub", "GetFindings", json!({}), findings));
    let assessment = assess(&bundle(all), &with_services(), &inputs()).unwrap();
    assert_eq!(assessment.imports[0].tool, "AWS Security Hub");
    assert_eq!(compared(&assessment), [1, 1, 0, 0, 0]);
    let shown = only(&assessment);
    let record = assessment.evidence.iter().find(|entry| entry.operation == "GetFindings").unwrap();
    assert_eq!((shown.theirs.rule.as_str(), shown.theirs.proof.ids()), ("S3.14", &[record.id][..]));
}

#[test]
fn configs_compliance_goes_through_the_same_comparison() {
    let rule = json!({"ConfigRuleName": "versioning", "ConfigRuleArn": "arn:aws:config:us-east-1:123456789012:config-rule/r",
        "Source": {"Owner": "AWS", "SourceIdentifier": "S3_BUCKET_VERSIONING_ENABLED"}, "ConfigRuleState": "ACTIVE"});
    let compliance = |status: &str| json!({"ComplianceByConfigRules": [{"ConfigRuleName": "versioning", "Compliance": {"ComplianceType": status}}]});
    let with_config = |status: &str, unversioned: &[&str], non_compliant: &[&str]| {
        let mut all = account(unversioned);
        all.push(answer("config", "DescribeConfigRules", json!({}), json!({"ConfigRules": [rule]})));
        all.push(answer("config", "DescribeComplianceByConfigRule", json!({}), compliance(status)));
        let results: Vec<Value> = non_compliant
            .iter()
            .map(|bucket| {
                json!({"EvaluationResultIdentifier": {"EvaluationResultQualifier": {"ConfigRuleName": "versioning",
                    "ResourceType": "AWS::S3::Bucket", "ResourceId": bucket}}, "ResultRecordedTime": "2026-06-01T00:00:00Z"})
            })
            .collect();
        let parameters =
            json!({"ConfigRuleName": "versioning", "ComplianceTypes": ["NON_COMPLIANT"], "Limit": 100});
        all.push(answer(
            "config",
            "GetComplianceDetailsByConfigRule",
            parameters,
            json!({"EvaluationResults": results}),
        ));
        assess(&bundle(all), &with_services(), &inputs()).unwrap()
    };
    let failing = with_config("NON_COMPLIANT", &["logs"], &["logs", "records"]);
    assert_eq!(compared(&failing), [1, 1, 0, 0, 0]);
    assert_eq!((only(&failing).subject.id.as_str(), only(&failing).ours), ("records", Outcome::Pass));
    let compliant = with_config("COMPLIANT", &["logs"], &[]);
    assert_eq!(compared(&compliant), [1, 1, 0, 0, 0]);
    assert_eq!((only(&compliant).subject.id.as_str(), only(&compliant).ours), ("logs", Outcome::Fail));
}
