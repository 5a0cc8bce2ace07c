//! What was read of CloudTrail, how much of the period its validated log files cover, and what the excerpts out of them
//! are worth.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::rollup::records_of;
use crate::bundle::{Bundle, StoredRecord};
use crate::model::{CoverageEntry, RecordId, RecordKind, TrailCoverage, TrailSource};

fn records(bundle: &Bundle) -> impl Iterator<Item = &StoredRecord> {
    records_of(bundle, RecordKind::TrailExcerpt, "rule", TrailCoverage::RULE)
}

fn read(stored: &StoredRecord) -> Option<TrailCoverage> {
    TrailCoverage::deserialize(stored.record.response()?).ok()
}

/// What the records say, by account and region.
pub(super) fn coverage(bundle: &Bundle) -> Vec<CoverageEntry> {
    let mut entries: Vec<CoverageEntry> = records(bundle)
        .filter_map(|stored| Some(CoverageEntry { record: stored.id, coverage: read(stored)? }))
        .collect();
    entries.sort_by(|one, other| {
        let key = |entry: &CoverageEntry| {
            (entry.coverage.account.clone(), entry.coverage.region.clone(), entry.coverage.source.clone())
        };
        key(one).cmp(&key(other))
    });
    entries
}

/// The records that say that the log files behind some of `excerpts` do not cover the whole period, hold what CloudTrail
/// did not deliver, or could not be validated. (LookupEvents is answered by CloudTrail itself.)
pub(super) fn not_covered(bundle: &Bundle, excerpts: &[&StoredRecord]) -> Vec<RecordId> {
    let rests_on = |stored: &&StoredRecord| {
        excerpts.iter().any(|excerpt| {
            excerpt.record.source.operation == "GetObject"
                && excerpt.record.source.account == stored.record.source.account
        })
    };
    let whole = |stored: &&StoredRecord| read(stored).is_some_and(|coverage| coverage.is_whole());
    records(bundle).filter(rests_on).filter(|stored| !whole(stored)).map(|stored| stored.id).collect()
}

/// What was read for the excerpts, by account, region and source.
pub(super) fn sources(bundle: &Bundle) -> Vec<TrailSource> {
    let mut sources: BTreeMap<[&str; 4], TrailSource> = BTreeMap::new();
    let excerpts = bundle.records.iter().filter(|stored| stored.record.kind == RecordKind::TrailExcerpt);
    for stored in excerpts {
        let source = &stored.record.source;
        let parameter = |name| source.parameters.get(name).and_then(Value::as_str);
        if parameter("rule") == Some(TrailCoverage::RULE) {
            continue;
        }
        let place = parameter("source").unwrap_or(&source.operation);
        let key = [source.account.as_str(), &source.region, place, &source.operation];
        let entry = sources.entry(key).or_insert_with(|| TrailSource {
            account: source.account.clone(),
            region: source.region.clone(),
            source: place.to_owned(),
            operation: source.operation.clone(),
            rules: 0,
            objects: 0,
            events: 0,
            gaps: 0,
        });
        match stored.record.response() {
            Some(response) => {
                let count = |name| response.get(name).and_then(Value::as_u64).unwrap_or(0);
                entry.rules += 1;
                entry.objects = entry.objects.max(count("objects-scanned"));
                entry.events = entry.events.max(count("events-scanned"));
            }
            None => entry.gaps += 1,
        }
    }
    sources.into_values().collect()
}
