//! Controls: their objectives, which of them were reviewed, and what was found of each.

use serde_json::{Value, json};

use super::super::markup::markdown;
use super::observations::Observations;
use super::parts::{origins, property};
use super::risks::Risks;
use super::{Part, Source};
use crate::model::{ControlResult, ControlStatus, Obligation};

/// Each control's objective, as what an auditor examines in our words: the regulation's text is not in the assessment.
pub(super) fn objectives(source: &Source<'_>) -> Vec<Value> {
    let mut objectives = Vec::new();
    for (number, framework) in source.index.assessment.frameworks.iter().enumerate() {
        for (place, control) in framework.controls.iter().enumerate() {
            objectives.push(json!({
                "control-id": source.ids.control(number, place),
                "description": markdown(&format!("{} {}: {}", framework.reference.title, control.id, control.title)),
                "props": [property("framework", &framework.reference.id), property("control", &control.id)],
                "parts": [{
                    "id": source.ids.objective(number, place),
                    "name": "assessment-objective",
                    "title": markdown(&control.title),
                    "prose": markdown(&control.guidance),
                }],
            }));
        }
    }
    objectives
}

/// The controls and objectives that the result speaks of: all of the framework's.
pub(super) fn reviewed(source: &Source<'_>, part: &Part<'_>) -> Value {
    let places = 0..part.framework.controls.len();
    let controls =
        places.clone().map(|place| json!({ "control-id": source.ids.control(part.number, place) }));
    let objectives = places.map(|place| json!({ "objective-id": source.ids.objective(part.number, place) }));
    let (controls, objectives): (Vec<Value>, Vec<Value>) = (controls.collect(), objectives.collect());
    if controls.is_empty() {
        return json!({ "control-selections": [{ "description": "The framework has no controls." }] });
    }
    json!({
        "control-selections": [{ "include-controls": controls }],
        "control-objective-selections": [{ "include-objectives": objectives }],
    })
}

/// One finding for each control.
pub(super) fn findings(
    source: &Source<'_>,
    part: &Part<'_>,
    observations: &Observations,
    risks: &Risks,
) -> Vec<Value> {
    let controls = part.framework.controls.iter().enumerate();
    controls
        .map(|(place, control)| {
            let mut props = vec![property("control", &control.id), property("status", kebab(control.status))];
            props.extend(control.obligation.map(|obligation| {
                let word = match obligation {
                    Obligation::Required => "required",
                    Obligation::Addressable => "addressable",
                };
                property("obligation", word)
            }));
            if control.rests_on_alternative {
                props.push(property("rests-on-alternative", "true"));
            }
            json!({
                "uuid": part.uuid.of(&["finding", &place.to_string(), &control.id]).to_string(),
                "title": markdown(&format!("{} {}", control.id, control.title)),
                "description": markdown(&format!("{} {}: {}.", control.id, control.title, control.status.words())),
                "props": props,
                "origins": origins(source),
                "target": target(source.ids.objective(part.number, place), control),
                "related-observations": observations.of_control(control),
                "related-risks": risks.of_checks(&control.checks),
            })
        })
        .collect()
}

fn target(objective: String, control: &ControlResult) -> Value {
    let (state, reason, remarks) = state(control.status);
    let implementation =
        (control.status == ControlStatus::NotApplicable).then(|| json!({ "state": "not-applicable" }));
    json!({
        "type": "objective-id",
        "target-id": objective,
        "title": markdown(&control.title),
        "status": { "state": state, "reason": reason, "remarks": remarks },
        "implementation-status": implementation,
    })
}

/// A status in the two states that OSCAL has, the reason, and the rest in words.
fn state(status: ControlStatus) -> (&'static str, &'static str, &'static str) {
    match status {
        ControlStatus::Satisfied => ("satisfied", "pass", "Satisfied: all evidence supports it."),
        ControlStatus::NotSatisfied => {
            ("not-satisfied", "fail", "Not satisfied: a check failed, and no exception covers the failure.")
        }
        ControlStatus::Indeterminate => (
            "not-satisfied",
            "other",
            "Indeterminate, neither satisfied nor found wanting: evidence that the control needs could not be seen. OSCAL has no state for this.",
        ),
        ControlStatus::AttestationMissing => (
            "not-satisfied",
            "other",
            "Attestation missing: nothing failed, but a statement that the control asks for was not made.",
        ),
        ControlStatus::AttestationExpired => (
            "not-satisfied",
            "other",
            "Attestation expired: nothing failed, but a statement that the control asks for no longer holds.",
        ),
        ControlStatus::SatisfiedWithExceptions => (
            "not-satisfied",
            "other",
            "Satisfied with exceptions: what failed was accepted, or the decision not to implement it is documented. OSCAL calls satisfied only what is completely so.",
        ),
        ControlStatus::NotApplicable => (
            "not-satisfied",
            "other",
            "Not applicable: there is nothing in scope that the control could apply to. OSCAL has no state for this.",
        ),
    }
}

/// A status as the assessment writes it.
fn kebab(status: ControlStatus) -> &'static str {
    match status {
        ControlStatus::NotSatisfied => "not-satisfied",
        ControlStatus::Indeterminate => "indeterminate",
        ControlStatus::AttestationMissing => "attestation-missing",
        ControlStatus::AttestationExpired => "attestation-expired",
        ControlStatus::SatisfiedWithExceptions => "satisfied-with-exceptions",
        ControlStatus::Satisfied => "satisfied",
        ControlStatus::NotApplicable => "not-applicable",
    }
}
