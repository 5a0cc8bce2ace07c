//! Findings: which came out otherwise, and what that means.

use std::collections::BTreeSet;

use super::{Side, by_subject, checks, keys};
use crate::model::{
    Change, Drift, Finding, FindingChange, FindingState, Outcome, ResourceChanges, Severity, Subject,
};

pub(super) fn changes(before: Side<'_>, after: Side<'_>, resources: &ResourceChanges) -> Vec<FindingChange> {
    let (asked_before, asked_after) = (checks(before.assessment), checks(after.assessment));
    let (there, here) = (by_subject(before.assessment), by_subject(after.assessment));
    let removed: BTreeSet<&Subject> = resources.removed.iter().collect();
    // Kinds share ARNs: one of them says nothing of the others.
    let present: BTreeSet<(&str, &str)> =
        after.resources.resources.iter().map(|one| (one.kind.as_str(), one.arn.as_str())).collect();
    let fate = |subject: &Subject| match subject {
        subject if removed.contains(subject) => Fate::Removed,
        subject if present.contains(&(subject.kind.as_str(), subject.arn.as_str())) => Fate::Stayed,
        _ => Fate::Unknown,
    };
    let mut changes = Vec::new();
    for key in keys(&there, &here) {
        let (earlier, later) = (there.get(key).copied(), here.get(key).copied());
        let state = Change { before: earlier.map(state), after: later.map(state) };
        let Some(finding) = later.or(earlier).filter(|_| state.before != state.after) else { continue };
        let (check, subject) = *key;
        let asked = asked_after.get(check).or_else(|| asked_before.get(check));
        let compared = asked_before.contains_key(check) && asked_after.contains_key(check);
        changes.push(FindingChange {
            check: check.to_owned(),
            severity: asked.map_or(Severity::Low, |check| check.severity),
            subject: subject.clone(),
            drift: if compared { drift(state, fate(subject)) } else { Drift::NotCompared },
            state,
            message: finding.message.clone(),
        });
    }
    changes
}

fn state(finding: &Finding) -> FindingState {
    FindingState { outcome: finding.outcome, excepted: finding.exception.is_some() }
}

/// What became of a finding's resource.
#[derive(PartialEq)]
enum Fate {
    Removed,
    Stayed,
    Unknown,
}

/// What a change means.
fn drift(state: Change<FindingState>, resource: Fate) -> Drift {
    let failed = state.before.is_some_and(FindingState::is_open_failure);
    match state.after {
        Some(after) if after.is_open_failure() => Drift::NewFailure,
        Some(FindingState { outcome: Outcome::Indeterminate, .. }) => Drift::NoLongerDecided,
        Some(FindingState { outcome: Outcome::Fail, .. }) if failed => Drift::Accepted,
        Some(FindingState { outcome: Outcome::Pass | Outcome::NotApplicable, .. }) if failed => {
            Drift::Resolved
        }
        None if failed && resource == Fate::Removed => Drift::Gone,
        // The check has nothing to say about it any more.
        None if failed && resource == Fate::Stayed => Drift::Resolved,
        None if failed => Drift::NoLongerDecided,
        _ => Drift::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_to_be_gone_or_mended_is_called_so() {
        let state = |outcome, excepted| Some(FindingState { outcome, excepted });
        let (fail, accepted) = (state(Outcome::Fail, false), state(Outcome::Fail, true));
        let (pass, undecided) = (state(Outcome::Pass, false), state(Outcome::Indeterminate, false));
        let of = |before, after, fate| drift(Change { before, after }, fate);
        assert_eq!(of(pass, fail, Fate::Stayed), Drift::NewFailure);
        assert_eq!(of(accepted, fail, Fate::Stayed), Drift::NewFailure);
        assert_eq!(of(None, fail, Fate::Stayed), Drift::NewFailure);
        assert_eq!(of(fail, accepted, Fate::Stayed), Drift::Accepted);
        assert_eq!(of(pass, accepted, Fate::Stayed), Drift::Other);
        assert_eq!(of(fail, pass, Fate::Stayed), Drift::Resolved);
        assert_eq!(of(fail, undecided, Fate::Stayed), Drift::NoLongerDecided);
        assert_eq!(of(pass, undecided, Fate::Stayed), Drift::NoLongerDecided);
        assert_eq!(of(fail, None, Fate::Removed), Drift::Gone);
        assert_eq!(of(fail, None, Fate::Stayed), Drift::Resolved);
        assert_eq!(of(fail, None, Fate::Unknown), Drift::NoLongerDecided);
        assert_eq!(of(undecided, pass, Fate::Stayed), Drift::Other);
        assert_eq!(of(pass, None, Fate::Removed), Drift::Other);
    }
}
