//! From findings, excerpts and attestations to the status of each control.

use std::collections::BTreeMap;

use serde_json::Value;

use super::attestations::Attestations;
use super::excerpts;
use crate::bundle::{Bundle, StoredRecord};
use crate::catalog::{Catalog, Control, Framework};
use crate::model::{
    AttestationResult, ControlResult, ControlStatus, Finding, FrameworkAssessment, FrameworkReference,
    Outcome, RecordKind, StatusCount,
};

/// What the findings say about a framework.
pub(super) fn framework(
    catalog: &Catalog,
    framework: &Framework,
    bundle: &Bundle,
    findings: &[Finding],
    attestations: &Attestations,
) -> FrameworkAssessment {
    let controls = controls(catalog, framework, bundle, findings, attestations);
    FrameworkAssessment {
        reference: FrameworkReference {
            id: framework.id.clone(),
            title: framework.title.clone(),
            edition: framework.edition.clone(),
        },
        summary: summary(&controls),
        controls,
    }
}

/// The result of every control, in the framework's order.
fn controls(
    catalog: &Catalog,
    framework: &Framework,
    bundle: &Bundle,
    findings: &[Finding],
    made: &Attestations,
) -> Vec<ControlResult> {
    let statuses = statuses_of_checks(findings, |status| status);
    let statuses_with_decision = statuses_of_checks(findings, with_decision);
    let mut results: Vec<ControlResult> = Vec::new();
    let mut own: BTreeMap<&str, ControlStatus> = BTreeMap::new();
    for control in &framework.controls {
        let mut checks = control.checks.clone();
        checks.sort_unstable();
        checks.dedup();
        let excerpts: Vec<_> =
            control.excerpts.iter().map(|rule| excerpts::result(catalog, bundle, rule)).collect();
        let need = |id: &String| framework.attestations.iter().find(|need| need.id == *id);
        let attestations: Vec<AttestationResult> =
            control.attestations.iter().filter_map(need).map(|need| made.result(need)).collect();
        let alternative = control.alternative.as_ref().and_then(need).map(|need| made.result(need));

        let of_checks = |statuses: &BTreeMap<&str, ControlStatus>| -> Vec<ControlStatus> {
            let of = |check: &String| statuses.get(check.as_str()).copied();
            checks.iter().map(|check| of(check).unwrap_or(ControlStatus::Indeterminate)).collect()
        };
        let of_the_rest = || {
            let of_attestations = attestations.iter().map(status_of_attestation);
            excerpts.iter().map(excerpts::status).chain(of_attestations)
        };
        let without = worst(of_checks(&statuses).into_iter().chain(of_the_rest()));
        let decided = alternative.as_ref().is_some_and(|decision| decision.holds);
        let status = if decided {
            let checks = of_checks(&statuses_with_decision).into_iter();
            let evidence = checks.chain(of_the_rest().map(with_decision));
            Some(match worst(evidence) {
                // The decision says why there is nothing of it.
                None | Some(ControlStatus::NotApplicable) => ControlStatus::SatisfiedWithExceptions,
                Some(status) => status,
            })
        } else {
            without
        };
        if let Some(status) = status {
            own.insert(&control.id, status);
        }
        results.push(ControlResult {
            id: control.id.clone(),
            title: control.title.clone(),
            parent: control.parent.clone(),
            group: control.group.clone(),
            obligation: control.obligation,
            requirement: control.requirement.clone(),
            guidance: control.guidance.clone(),
            // Nothing proves it unless something below says so.
            status: ControlStatus::Indeterminate,
            checks,
            excerpts,
            attestations,
            alternative,
            rests_on_alternative: decided && status != without,
        });
    }
    for (index, status) in rolled_up(&framework.controls, &own).into_iter().enumerate() {
        if let Some(result) = results.get_mut(index) {
            result.status = status;
        }
    }
    results
}

/// How many controls have each status; every status is listed.
fn summary(controls: &[ControlResult]) -> Vec<StatusCount> {
    ControlStatus::ALL
        .iter()
        .map(|status| {
            let count = controls.iter().filter(|control| control.status == *status).count();
            StatusCount { status: *status, count: count as u64 }
        })
        .collect()
}

/// The status that prevails: that of the highest precedence; `None` where there is no evidence at all.
pub(super) fn worst(statuses: impl Iterator<Item = ControlStatus>) -> Option<ControlStatus> {
    statuses.min()
}

/// What one finding says about a control that asks for its check.
pub(super) fn status_of_finding(finding: &Finding) -> ControlStatus {
    match (finding.outcome, finding.exception) {
        (Outcome::Fail, None) => ControlStatus::NotSatisfied,
        (Outcome::Fail, Some(_)) => ControlStatus::SatisfiedWithExceptions,
        (Outcome::Indeterminate, _) => ControlStatus::Indeterminate,
        (Outcome::Pass, _) => ControlStatus::Satisfied,
        (Outcome::NotApplicable, _) => ControlStatus::NotApplicable,
    }
}

/// What a status becomes where the documented decision not to implement the specification holds (45 CFR 164.306(d)(3)):
/// what is not done is accepted. What could not be seen stays open.
fn with_decision(status: ControlStatus) -> ControlStatus {
    match status {
        ControlStatus::NotSatisfied
        | ControlStatus::AttestationMissing
        | ControlStatus::AttestationExpired => ControlStatus::SatisfiedWithExceptions,
        other => other,
    }
}

fn statuses_of_checks(
    findings: &[Finding],
    changed: impl Fn(ControlStatus) -> ControlStatus,
) -> BTreeMap<&str, ControlStatus> {
    let mut statuses: BTreeMap<&str, ControlStatus> = BTreeMap::new();
    for finding in findings {
        let status = changed(status_of_finding(finding));
        let prevailing = statuses.entry(&finding.check).or_insert(status);
        *prevailing = status.min(*prevailing);
    }
    statuses
}

/// A standard's status includes that of its specifications. A control that asks for nothing, and has no
/// specification that does, is indeterminate: nothing was looked at.
fn rolled_up(controls: &[Control], own: &BTreeMap<&str, ControlStatus>) -> Vec<ControlStatus> {
    let mut statuses: BTreeMap<&str, ControlStatus> = own.clone();
    // Parents come before their children, so that going backwards sees every child before its parent.
    for control in controls.iter().rev() {
        let status = *statuses.entry(&control.id).or_insert(ControlStatus::Indeterminate);
        let Some(parent) = control.parent.as_deref() else { continue };
        let prevailing = statuses.entry(parent).or_insert(status);
        *prevailing = status.min(*prevailing);
    }
    controls
        .iter()
        .map(|control| statuses.get(control.id.as_str()).copied().unwrap_or(ControlStatus::Indeterminate))
        .collect()
}

pub(super) fn records_of<'a>(
    bundle: &'a Bundle,
    kind: RecordKind,
    parameter: &'a str,
    value: &'a str,
) -> impl Iterator<Item = &'a StoredRecord> {
    bundle.records.iter().filter(move |stored| {
        stored.record.kind == kind
            && stored.record.source.parameters.get(parameter).and_then(Value::as_str) == Some(value)
    })
}

fn status_of_attestation(result: &AttestationResult) -> ControlStatus {
    match (result.record, result.holds) {
        (None, _) => ControlStatus::AttestationMissing,
        (Some(_), false) => ControlStatus::AttestationExpired,
        (Some(_), true) => ControlStatus::Satisfied,
    }
}
