//! What stands beside the findings: parameters, controls, exceptions, attestations, excerpts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{differing, keys};
use crate::model::{
    Assessment, AttestationChange, AttestationState, AttestedState, Change, ControlChange, ControlResult,
    Drift, ExceptionChange, ExceptionProblem, ExceptionState, ExcerptChange, ExcerptResult, FindingChange,
    FrameworkChange,
};

pub(super) fn parameters(before: &Assessment, after: &Assessment) -> BTreeMap<String, Change<Value>> {
    let values = |side: &Assessment| -> BTreeMap<String, Value> {
        side.parameters.iter().map(|(name, used)| (name.clone(), used.value.clone())).collect()
    };
    differing(values(before), values(after))
}

pub(super) fn frameworks(before: &Assessment, after: &Assessment) -> Vec<FrameworkChange> {
    let change = |now: &crate::model::FrameworkAssessment| {
        let then = before.frameworks.iter().find(|then| then.reference.id == now.reference.id)?;
        Some(FrameworkChange {
            framework: now.reference.id.clone(),
            title: now.reference.title.clone(),
            before: then.summary.clone(),
            after: now.summary.clone(),
        })
    };
    after.frameworks.iter().filter_map(change).collect()
}

/// The controls of the frameworks that both sides have, and whose status is another.
pub(super) fn controls(
    before: &Assessment,
    after: &Assessment,
    findings: &[FindingChange],
) -> Vec<ControlChange> {
    let matters = |finding: &&FindingChange| !matches!(finding.drift, Drift::Other | Drift::NotCompared);
    let moved: BTreeSet<&str> = findings.iter().filter(matters).map(|change| change.check.as_str()).collect();
    let mut changes = Vec::new();
    for now in &after.frameworks {
        let Some(then) = before.frameworks.iter().find(|then| then.reference.id == now.reference.id) else {
            continue;
        };
        let mut gone: BTreeMap<&str, &ControlResult> =
            then.controls.iter().map(|control| (control.id.as_str(), control)).collect();
        let mut add = |control: &ControlResult, status| {
            let checks = control.checks.iter().filter(|check| moved.contains(check.as_str()));
            changes.push(ControlChange {
                framework: now.reference.id.clone(),
                control: control.id.clone(),
                title: control.title.clone(),
                status,
                checks: checks.cloned().collect(),
            });
        };
        for control in &now.controls {
            let before = gone.remove(control.id.as_str()).map(|control| control.status);
            if before != Some(control.status) {
                add(control, Change { before, after: Some(control.status) });
            }
        }
        for control in then.controls.iter().filter(|control| gone.contains_key(control.id.as_str())) {
            add(control, Change { before: Some(control.status), after: None });
        }
    }
    changes
}

pub(super) fn exceptions(before: &Assessment, after: &Assessment) -> Vec<ExceptionChange> {
    // A file may name a check and a resource twice: then the second is compared with the second.
    type Key = (String, String, usize);
    let states = |side: &Assessment| -> BTreeMap<Key, ExceptionState> {
        let mut states = BTreeMap::new();
        for report in &side.exceptions {
            let written = &report.exception;
            let mut key = (written.check.clone(), written.resource.clone(), 0);
            while states.contains_key(&key) {
                key.2 += 1;
            }
            let (covers, problems) = (report.covers, report.problems.clone());
            states.insert(key, ExceptionState { expires: written.expires, covers, problems });
        }
        states
    };
    let change = |((check, resource, _), state): (Key, Change<ExceptionState>)| {
        let lapsed = has_lapsed(&state);
        ExceptionChange { check, resource, lapsed, state }
    };
    differing(states(before), states(after)).into_iter().map(change).collect()
}

fn has_lapsed(state: &Change<ExceptionState>) -> bool {
    let is_expired = |state: &ExceptionState| state.problems.contains(&ExceptionProblem::Expired);
    match (&state.before, &state.after) {
        (Some(before), Some(after)) => !is_expired(before) && is_expired(after),
        (Some(before), None) => before.covers > 0,
        (None, _) => false,
    }
}

pub(super) fn attestations(before: &Assessment, after: &Assessment) -> Vec<AttestationChange> {
    // Of several with the same id, the register says which counts: the one that no other has taken the place of.
    let states = |side: &Assessment| -> BTreeMap<String, AttestedState> {
        let counting = side.attestations.iter().filter(|entry| entry.state != AttestationState::Superseded);
        counting
            .map(|entry| {
                (entry.id.clone(), AttestedState { state: entry.state, holds_until: entry.holds_until })
            })
            .collect()
    };
    let changes = differing(states(before), states(after)).into_iter();
    changes.map(|(id, state)| AttestationChange { id, state }).collect()
}

pub(super) fn excerpts(before: &Assessment, after: &Assessment) -> Vec<ExcerptChange> {
    let (there, here) = (events(before), events(after));
    let mut changes = Vec::new();
    for rule in keys(&there, &here) {
        let count = |side: &BTreeMap<String, &ExcerptResult>| {
            let excerpt = side.get(rule)?;
            // With nothing but gaps, nobody knows whether there were events.
            (excerpt.gaps.len() < excerpt.records.len()).then_some(excerpt.events)
        };
        let events = Change { before: count(&there), after: count(&here) };
        let title = here.get(rule).or_else(|| there.get(rule)).map(|excerpt| excerpt.title.clone());
        if events.before != events.after {
            changes.push(ExcerptChange { rule: rule.clone(), title: title.unwrap_or_default(), events });
        }
    }
    changes
}

fn events(side: &Assessment) -> BTreeMap<String, &ExcerptResult> {
    let excerpts = side.controls().flat_map(|control| &control.excerpts);
    excerpts.map(|excerpt| (excerpt.rule.clone(), excerpt)).collect()
}
