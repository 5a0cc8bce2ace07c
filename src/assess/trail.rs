//! How much of the period CloudTrail's validated log files cover, and what the excerpts out of them are worth.

use serde::Deserialize;

use super::rollup::records_of;
use crate::bundle::{Bundle, StoredRecord};
use crate::model::{CoverageEntry, RecordId, RecordKind, TrailCoverage};

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
