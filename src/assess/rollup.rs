//! From findings, excerpts and attestations to the status of each control.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde_json::Value;

use crate::bundle::{Bundle, StoredRecord};
use crate::catalog::{Catalog, Control, Framework};
use crate::model::{
    AttestationNeed, AttestationResult, ControlResult, ControlStatus, ExcerptResult, Finding,
    FrameworkAssessment, FrameworkReference, Outcome, RecordKind, StatusCount,
};

/// What the findings say about a framework.
pub(super) fn framework(
    catalog: &Catalog,
    framework: &Framework,
    bundle: &Bundle,
    findings: &[Finding],
    as_of: DateTime<Utc>,
) -> FrameworkAssessment {
    let controls = controls(catalog, framework, bundle, findings, as_of);
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
    as_of: DateTime<Utc>,
) -> Vec<ControlResult> {
    let statuses = statuses_of_checks(findings);
    let mut results: Vec<ControlResult> = Vec::new();
    let mut own: BTreeMap<&str, ControlStatus> = BTreeMap::new();
    for control in &framework.controls {
        let mut checks = control.checks.clone();
        checks.sort_unstable();
        checks.dedup();
        let excerpts: Vec<ExcerptResult> =
            control.excerpts.iter().map(|rule| excerpt(catalog, bundle, rule)).collect();
        let attestations: Vec<AttestationResult> = control
            .attestations
            .iter()
            .filter_map(|id| framework.attestations.iter().find(|need| need.id == *id))
            .map(|need| attestation(bundle, need, as_of))
            .collect();
        let evidence = checks
            .iter()
            .map(|check| statuses.get(check.as_str()).copied().unwrap_or(ControlStatus::Indeterminate))
            .chain(excerpts.iter().map(status_of_excerpt))
            .chain(attestations.iter().map(status_of_attestation));
        if let Some(status) = worst(evidence) {
            own.insert(&control.id, status);
        }
        results.push(ControlResult {
            id: control.id.clone(),
            title: control.title.clone(),
            parent: control.parent.clone(),
            group: control.group.clone(),
            obligation: control.obligation,
            guidance: control.guidance.clone(),
            // Nothing proves it unless something below says so.
            status: ControlStatus::Indeterminate,
            checks,
            excerpts,
            attestations,
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

fn statuses_of_checks(findings: &[Finding]) -> BTreeMap<&str, ControlStatus> {
    let mut statuses: BTreeMap<&str, ControlStatus> = BTreeMap::new();
    for finding in findings {
        let status = status_of_finding(finding);
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

fn records_of<'a>(
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

fn excerpt(catalog: &Catalog, bundle: &Bundle, rule: &str) -> ExcerptResult {
    let (title, reason) = match catalog.excerpts.get(rule) {
        Some(found) => (found.title.clone(), found.reason.clone()),
        None => (rule.to_owned(), String::new()),
    };
    let records: Vec<&StoredRecord> = records_of(bundle, RecordKind::TrailExcerpt, "rule", rule).collect();
    let events = records.iter().filter_map(|stored| events_in(stored.record.response()?)).sum();
    let without_events = |stored: &&&StoredRecord| stored.record.response().is_none_or(shows_nothing);
    let asked: BTreeSet<&String> = records.iter().map(|stored| &stored.record.source.account).collect();
    let accounts = bundle.manifest.scope.accounts.iter();
    ExcerptResult {
        rule: rule.to_owned(),
        title,
        reason,
        events,
        gaps: records.iter().filter(without_events).map(|stored| stored.id).collect(),
        records: records.iter().map(|stored| stored.id).collect(),
        accounts_without: accounts.filter(|account| !asked.contains(account)).cloned().collect(),
    }
}

/// How many events an excerpt holds; `None` where it has no list of events.
fn events_in(response: &Value) -> Option<u64> {
    response.get("events")?.as_array().map(|events| events.len() as u64)
}

/// Whether an excerpt is no evidence that there are no other events: it lists none, or no log file was read for it.
fn shows_nothing(response: &Value) -> bool {
    events_in(response).is_none() || response.get("objects-scanned").and_then(Value::as_u64) == Some(0)
}

fn status_of_excerpt(result: &ExcerptResult) -> ControlStatus {
    if result.records.is_empty() || !result.gaps.is_empty() || !result.accounts_without.is_empty() {
        ControlStatus::Indeterminate
    } else {
        ControlStatus::Satisfied
    }
}

/// The attestation that holds longest, and whether it holds at `as_of`.
fn attestation(bundle: &Bundle, need: &AttestationNeed, as_of: DateTime<Utc>) -> AttestationResult {
    let made = records_of(bundle, RecordKind::Attestation, "id", &need.id)
        .filter_map(|stored| Some((valid_until(stored, need)?, stored.id)));
    let longest = made.max();
    AttestationResult {
        need: need.clone(),
        record: longest.map(|(_, record)| record),
        holds: longest.is_some_and(|(until, _)| until >= as_of),
    }
}

/// The last instant at which an attestation holds: the one that it states itself, or else as long as the need allows.
fn valid_until(stored: &StoredRecord, need: &AttestationNeed) -> Option<DateTime<Utc>> {
    let response = stored.record.response()?;
    let stated = response.get("valid-until").or_else(|| stored.record.source.parameters.get("valid-until"));
    let Some(stated) = stated else {
        return stored.record.collected_at.checked_add_days(Days::new(u64::from(need.valid_days)));
    };
    let stated = stated.as_str()?;
    if let Ok(instant) = DateTime::parse_from_rfc3339(stated) {
        return Some(instant.to_utc());
    }
    // A date holds until its last second.
    let date = NaiveDate::parse_from_str(stated, "%Y-%m-%d").ok()?;
    Some(date.and_hms_opt(23, 59, 59)?.and_utc())
}

fn status_of_attestation(result: &AttestationResult) -> ControlStatus {
    match (result.record, result.holds) {
        (None, _) => ControlStatus::AttestationMissing,
        (Some(_), false) => ControlStatus::AttestationExpired,
        (Some(_), true) => ControlStatus::Satisfied,
    }
}
