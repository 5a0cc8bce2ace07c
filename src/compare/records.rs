//! Records: calls and imports that one side has and the other has not, or that were answered otherwise.
//!
//! Excerpts and attestations are compared by what they say; the ids of all records differ from bundle to bundle, as they
//! hold the time.

use std::collections::BTreeMap;

use super::keys;
use crate::canonical;
use crate::model::{Assessment, Change, EvidenceEntry, RecordChange, RecordKind, RecordState};

/// What makes two records records of the same call.
type Key<'a> = (&'a str, &'a str, &'a str, &'a str, String);

pub(super) fn changes(before: &Assessment, after: &Assessment) -> Vec<RecordChange> {
    let (there, here) = (calls(before), calls(after));
    let mut changes = Vec::new();
    for key in keys(&there, &here) {
        let (earlier, later) = (there.get(key).copied(), here.get(key).copied());
        let answer = |entry: &EvidenceEntry| (entry.error.clone(), entry.gap);
        let Some(entry) = later.or(earlier).filter(|_| earlier.map(answer) != later.map(answer)) else {
            continue;
        };
        changes.push(RecordChange {
            account: entry.account.clone(),
            region: entry.region.clone(),
            service: entry.service.clone(),
            operation: entry.operation.clone(),
            parameters: entry.parameters.clone(),
            record: Change { before: earlier.map(state), after: later.map(state) },
        });
    }
    changes
}

/// The records of each call; of several, the last that is no gap.
fn calls(side: &Assessment) -> BTreeMap<Key<'_>, &EvidenceEntry> {
    let mut calls: BTreeMap<Key<'_>, &EvidenceEntry> = BTreeMap::new();
    let compared =
        side.evidence.iter().filter(|entry| matches!(entry.kind, RecordKind::ApiCall | RecordKind::Import));
    for entry in compared {
        let parameters = canonical::to_string(&entry.parameters).unwrap_or_default();
        let key = (&*entry.account, &*entry.region, &*entry.service, &*entry.operation, parameters);
        if !entry.gap || !calls.contains_key(&key) {
            calls.insert(key, entry);
        }
    }
    calls
}

fn state(entry: &EvidenceEntry) -> RecordState {
    RecordState { id: entry.id, error: entry.error.clone(), gap: entry.gap }
}
