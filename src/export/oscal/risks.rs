//! Risks: the exceptions that are in force, and the checks with failures that nobody has accepted.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::index;
use super::super::markup::markdown;
use super::super::uuid::Uuid;
use super::observations::uuid;
use super::parts::{day, origin, origins, property, standard_property};
use super::subjects::Subjects;
use super::{Part, Source};
use crate::model::{AssessedCheck, Exception, Finding, Outcome};

/// What a risk is about, so that the controls find it again.
type Key = (String, Option<u32>);

/// The risks of one result.
pub(super) struct Risks {
    pub(super) list: Vec<Value>,
    by_check: BTreeMap<String, Vec<Uuid>>,
}

impl Risks {
    /// References to the risks of a control's checks.
    pub(super) fn of_checks(&self, checks: &[String]) -> Vec<Value> {
        let risks = checks.iter().filter_map(|check| self.by_check.get(check)).flatten();
        risks.map(|uuid| json!({ "risk-uuid": uuid.to_string() })).collect()
    }
}

/// One risk for each check with open failures, and one for each exception and check that it accepts failures of.
pub(super) fn risks(source: &Source<'_>, part: &Part<'_>, subjects: &Subjects<'_, '_>) -> Risks {
    let mut failures: BTreeMap<Key, Vec<(usize, &Finding)>> = BTreeMap::new();
    for (place, finding) in part.findings.iter().filter(|(_, finding)| finding.outcome == Outcome::Fail) {
        failures.entry((finding.check.clone(), finding.exception)).or_default().push((*place, finding));
    }
    let mut risks = Risks { list: Vec::new(), by_check: BTreeMap::new() };
    for ((check_id, exception), failures) in failures {
        let number = exception.map_or_else(|| "open".to_owned(), |number| number.to_string());
        let uuid_of_risk = part.uuid.of(&["risk", &check_id, &number]);
        let Some((_, first)) = failures.first() else { continue };
        let check = source.index.check(first);
        let observed: Vec<Value> = failures
            .iter()
            .map(|(place, _)| json!({ "observation-uuid": uuid(part, *place).to_string() }))
            .collect();
        let mut risk = json!({
            "uuid": uuid_of_risk.to_string(),
            "title": markdown(check.map_or(check_id.as_str(), |check| &check.title)),
            "description": markdown(&format!("{} resources do not meet the check {check_id}.", failures.len())),
            "statement": markdown(check.map_or("", |check| &check.rationale)),
            "props": [property("check", &check_id)],
            "status": "open",
            "origins": origins(source),
            "characterizations": check.map(|check| characterization(source, check)),
            "remediations": check.map(|check| remediation(source, &uuid_of_risk, check)),
            "related-observations": observed,
        });
        if let (Some(exception), Value::Object(members)) = (source.index.exception(first), &mut risk) {
            let accepted = accepted(&uuid_of_risk, &check_id, exception, &failures, subjects);
            members.extend(accepted);
        }
        risks.list.push(risk);
        risks.by_check.entry(check_id).or_default().push(uuid_of_risk);
    }
    risks
}

fn characterization(source: &Source<'_>, check: &AssessedCheck) -> Value {
    let facet = json!({
        "name": "severity",
        "system": "http://csrc.nist.gov/ns/oscal",
        "value": index::severity(check.severity),
    });
    json!([{ "origin": origin(source), "facets": [facet] }])
}

fn remediation(source: &Source<'_>, risk: &Uuid, check: &AssessedCheck) -> Value {
    json!([{
        "uuid": risk.of(&["remediation"]).to_string(),
        "lifecycle": "recommendation",
        "title": "What to do about it",
        "description": markdown(&check.remediation),
        "origins": origins(source),
    }])
}

/// What an exception makes of a risk: who accepted it, until when, and what reduces it instead.
fn accepted(
    risk: &Uuid,
    check: &str,
    exception: &Exception,
    failures: &[(usize, &Finding)],
    subjects: &Subjects<'_, '_>,
) -> serde_json::Map<String, Value> {
    let mut props = vec![
        standard_property("accepted", "true"),
        property("check", check),
        property("resource-pattern", &exception.resource),
        property("owner", &exception.owner),
        property("approver", &exception.approver),
        property("approved-on", &exception.approved_on.to_string()),
        property("expires", &exception.expires.to_string()),
    ];
    props.extend(exception.reference.iter().map(|reference| property("reference", reference)));
    let mitigating: Vec<Value> = exception
        .compensating_control
        .iter()
        .map(|control| {
            json!({
                "uuid": risk.of(&["mitigating-factor"]).to_string(),
                "description": markdown(control),
                "subjects": failures.iter().map(|(_, finding)| subjects.reference(&finding.subject)).collect::<Vec<_>>(),
            })
        })
        .collect();
    // The exception holds on its last day; the deadline is when it ends.
    let deadline = exception.expires.succ_opt().map(day);
    let log = json!({ "entries": [{
        "uuid": risk.of(&["approval"]).to_string(),
        "title": "Exception approved",
        "description": markdown(&format!("Approved by {}; {} answers for it.", exception.approver, exception.owner)),
        "start": day(exception.approved_on),
        "status-change": "deviation-approved",
    }]});
    let members = [
        ("status", json!("deviation-approved")),
        (
            "description",
            json!(markdown(&format!("{} failures are accepted: {}", failures.len(), exception.reason))),
        ),
        ("props", Value::Array(props)),
        ("mitigating-factors", Value::Array(mitigating)),
        ("deadline", json!(deadline)),
        ("risk-log", log),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
