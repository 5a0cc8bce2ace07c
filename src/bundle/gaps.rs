//! The gaps among records, summed up.

use std::collections::BTreeMap;

use crate::model::{GapReason, GapSummary, Record};

/// How often each reason and code occurs, in their order.
pub(super) fn gap_summary<'a>(gaps: impl Iterator<Item = (GapReason, &'a str)>) -> Vec<GapSummary> {
    let mut counts: BTreeMap<(GapReason, &str), u64> = BTreeMap::new();
    for gap in gaps {
        *counts.entry(gap).or_default() += 1;
    }
    let summary = |((reason, code), count): ((GapReason, &str), u64)| GapSummary {
        reason,
        code: code.to_owned(),
        count,
    };
    counts.into_iter().map(summary).collect()
}

/// Reason and code of a gap.
pub(super) fn gap_of(record: &Record) -> Option<(GapReason, &str)> {
    record.gap().map(|error| (error.reason.unwrap_or(GapReason::Other), error.code.as_str()))
}
