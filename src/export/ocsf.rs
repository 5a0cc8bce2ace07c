//! OCSF compliance findings (category Findings, class 2003), one event on each line.
//!
//! An event is one finding: one check of one resource. `compliance.control` is the check; the controls of the frameworks
//! that it proves something for are in `requirements`, the frameworks in `standards`.

use serde_json::{Map, Value, json};

use super::ExportError;
use super::index::{self, Index};
use super::json_lines::evidence;
use super::uuid::Uuid;
use crate::canonical;
use crate::model::{AssessedCheck, Assessment, Finding, Outcome, RecordId, RecordKind, Severity};

/// The version of the schema that the events follow.
pub const VERSION: &str = "1.8.0";

/// Compliance Finding.
const CLASS: u32 = 2003;
/// Activity: a finding was created.
const CREATE: u32 = 1;

/// Number and caption of an enumerated value.
type Enumerated = (u32, &'static str);

const NEW: Enumerated = (1, "New");
const ACCEPTED: Enumerated = (99, "Accepted");
const SEVERITY_UNKNOWN: Enumerated = (0, "Unknown");
const INFORMATIONAL: Enumerated = (1, "Informational");
const AWS_ACCOUNT: Enumerated = (10, "AWS Account");
const RULE: Enumerated = (1, "Rule");
const RESOURCE_UID: Enumerated = (10, "Resource UID");

/// Writes the findings, in the assessment's order.
pub(super) fn export(assessment: &Assessment) -> Result<Vec<u8>, ExportError> {
    let index = Index::new(assessment);
    let assessed = canonical::sha256(canonical::to_string(assessment)?.as_bytes()).to_string();
    let mut lines = Vec::new();
    for finding in &assessment.findings {
        lines.extend(canonical::to_file_bytes(&event(&index, finding, &assessed))?);
    }
    Ok(lines)
}

fn event(index: &Index<'_>, finding: &Finding, assessed: &str) -> Value {
    let assessment = index.assessment;
    let check = index.check(finding);
    let time = assessment.as_of.timestamp_millis();
    let subject = &finding.subject;
    // The same finding of a later assessment has the same identifier; the event has one of its own.
    let parts = [&finding.check, &subject.kind, &subject.account, &subject.region, &subject.arn, &subject.id]
        .map(String::as_str);
    let lasting = Uuid::LASTING.of(&[&["finding"], &parts[..]].concat());
    let this = Uuid::LASTING.of(&[&["ocsf", assessed], &parts[..]].concat());
    let severity = severity_of(finding, check);
    let exception = index.exception(finding);
    let state = if exception.is_some() { ACCEPTED } else { NEW };

    let mut event = json!({
        "activity_id": CREATE,
        "activity_name": "Create",
        "category_name": "Findings",
        "category_uid": CLASS / 1000,
        "class_name": "Compliance Finding",
        "class_uid": CLASS,
        "type_name": "Compliance Finding: Create",
        "type_uid": CLASS * 100 + CREATE,
        "time": time,
        "timezone_offset": 0,
        "message": finding.message,
        "severity_id": severity.0,
        "severity": severity.1,
        "status_id": state.0,
        "status": state.1,
        "metadata": {
            "version": VERSION,
            "uid": this.to_string(),
            "correlation_uid": assessment.bundle.manifest_sha256,
            "profiles": ["cloud"],
            "product": {
                "name": assessment.tool.name,
                "vendor_name": assessment.tool.name,
                "version": assessment.tool.version,
            },
        },
        "cloud": cloud(index, finding),
        "finding_info": {
            "uid": lasting.to_string(),
            "title": check.map_or(finding.check.as_str(), |check| &check.title),
            "created_time": time,
            "analytic": {
                "uid": finding.check,
                "name": check.map_or(finding.check.as_str(), |check| &check.title),
                "type_id": RULE.0,
                "type": RULE.1,
            },
        },
        "compliance": compliance(index, finding, check),
        "resources": [resource(index, finding)],
        "evidences": finding.proof.ids().iter().map(|id| artifact(index, id)).collect::<Vec<_>>(),
        "unmapped": {
            "bundle_merkle_root": assessment.bundle.merkle_root,
            "catalog_sha256": assessment.catalog_sha256,
            "exception": exception,
            "outcome": finding.outcome,
        },
    });
    if let Value::Object(members) = &mut event {
        complete(members, finding, check);
        if let Some(exception) = exception {
            let text = format!(
                "Accepted until {} ({}), approved by {} on {}",
                exception.expires, exception.reason, exception.approver, exception.approved_on
            );
            members.insert("comment".to_owned(), text.into());
        }
    }
    event
}

/// What an event has only where there is something to say.
fn complete(members: &mut Map<String, Value>, finding: &Finding, check: Option<&AssessedCheck>) {
    if let Some(check) = check {
        if let Some(Value::Object(info)) = members.get_mut("finding_info") {
            info.insert("desc".to_owned(), check.rationale.as_str().into());
        }
        if finding.outcome == Outcome::Fail {
            members.insert("remediation".to_owned(), json!({ "desc": check.remediation }));
        }
    }
    if finding.subject.arn != "*" {
        let observable = json!({
            "name": "resources[].uid",
            "type_id": RESOURCE_UID.0,
            "type": RESOURCE_UID.1,
            "value": finding.subject.arn,
        });
        members.insert("observables".to_owned(), json!([observable]));
    }
}

fn cloud(index: &Index<'_>, finding: &Finding) -> Value {
    let mut cloud = Map::new();
    cloud.insert("provider".to_owned(), "AWS".into());
    cloud.insert("cloud_partition".to_owned(), index.assessment.bundle.scope.partition.as_str().into());
    let subject = &finding.subject;
    if subject.account != "*" {
        let account = json!({
            "uid": subject.account,
            "name": subject.account,
            "type_id": AWS_ACCOUNT.0,
            "type": AWS_ACCOUNT.1,
        });
        cloud.insert("account".to_owned(), account);
    }
    if subject.region != "*" && subject.region != "global" {
        cloud.insert("region".to_owned(), subject.region.as_str().into());
    }
    Value::Object(cloud)
}

fn compliance(index: &Index<'_>, finding: &Finding, check: Option<&AssessedCheck>) -> Value {
    let controls = index.controls(&finding.check);
    let mut standards: Vec<&str> = Vec::new();
    for (framework, _) in controls {
        let title = framework.reference.title.as_str();
        if !standards.contains(&title) {
            standards.push(title);
        }
    }
    let requirements: Vec<String> = controls
        .iter()
        .map(|(framework, control)| format!("{} {}", framework.reference.id, control.id))
        .collect();
    let (status_id, status) = status_of(finding.outcome);
    let mut compliance = json!({
        "control": finding.check,
        "standards": standards,
        "requirements": requirements,
        "status_id": status_id,
        "status": status,
        "status_code": index::outcome(finding.outcome),
        "status_details": [finding.message],
    });
    if let (Some(check), Value::Object(members)) = (check, &mut compliance) {
        let severity = severity(check.severity);
        let run = json!({
            "uid": check.id,
            "name": check.title,
            "desc": check.expression,
            "severity_id": severity.0,
            "severity": severity.1,
            "standards": standards,
            "status_id": status_id,
            "status": status,
        });
        members.insert("checks".to_owned(), json!([run]));
        members.insert("desc".to_owned(), check.title.as_str().into());
    }
    compliance
}

fn resource(index: &Index<'_>, finding: &Finding) -> Value {
    let subject = &finding.subject;
    let mut resource = Map::new();
    let mut set = |name: &str, value: &str| resource.insert(name.to_owned(), value.into());
    set("type", &subject.kind);
    set("cloud_partition", &index.assessment.bundle.scope.partition);
    set("name", &subject.id);
    set("region", &subject.region);
    if subject.arn != "*" {
        set("uid", &subject.arn);
    }
    Value::Object(resource)
}

fn artifact(index: &Index<'_>, id: &RecordId) -> Value {
    let mut artifact = json!({ "name": id.short(), "uid": id, "data": evidence(index, id) });
    let entry = index.entry(id).filter(|entry| entry.kind == RecordKind::ApiCall);
    if let (Some(entry), Value::Object(members)) = (entry, &mut artifact) {
        members.insert("api".to_owned(), json!({ "operation": entry.operation }));
    }
    artifact
}

/// OCSF 1.8.0 says of `Warning`: "The compliance check did not yield a result due to missing information".
fn status_of(outcome: Outcome) -> Enumerated {
    match outcome {
        Outcome::Pass => (1, "Pass"),
        Outcome::Indeterminate => (2, "Warning"),
        Outcome::Fail => (3, "Fail"),
        Outcome::NotApplicable => (99, "Not Applicable"),
    }
}

/// How severe the event is: of a failure, as its check says; what could not be seen may be anything.
fn severity_of(finding: &Finding, check: Option<&AssessedCheck>) -> Enumerated {
    match (finding.outcome, check) {
        (Outcome::Pass | Outcome::NotApplicable, _) => INFORMATIONAL,
        (Outcome::Fail, Some(check)) => severity(check.severity),
        (Outcome::Indeterminate, _) | (Outcome::Fail, None) => SEVERITY_UNKNOWN,
    }
}

fn severity(severity: Severity) -> Enumerated {
    match severity {
        Severity::Critical => (5, "Critical"),
        Severity::High => (4, "High"),
        Severity::Medium => (3, "Medium"),
        Severity::Low => (2, "Low"),
    }
}
