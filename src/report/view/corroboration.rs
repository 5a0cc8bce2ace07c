//! What CloudTrail's own signed log files say of the requests of the collection.

use serde::Serialize;

use super::{RecordLink, Records, call, time};
use crate::model::{Corroboration, Difference, Mismatch, NotConfirmed};

/// The most requests that are told of which CloudTrail logged otherwise.
const MOST_MISMATCHES: usize = 40;

/// What `corroborate` found.
#[derive(Debug, Serialize)]
pub(super) struct CorroborationSection {
    made_at: String,
    sources: Vec<String>,
    /// Accounts and regions whose log files were read.
    logs: usize,
    /// Records of API calls, and how many of them are confirmed.
    calls: u64,
    confirmed: u64,
    open: Vec<OpenRow>,
    mismatches: Vec<MismatchRow>,
    more_mismatches: usize,
}

/// Records that are not confirmed, for one and the same reason.
#[derive(Debug, Serialize)]
struct OpenRow {
    words: &'static str,
    records: u64,
    /// Whether it needs an explanation.
    alarming: bool,
}

/// A request that CloudTrail logged otherwise than the record says.
#[derive(Debug, Serialize)]
struct MismatchRow {
    proof: RecordLink,
    call: String,
    event_id: String,
    log: String,
    /// `time: 2026-… in the record, 2026-… in the log file`
    differences: Vec<String>,
}

impl CorroborationSection {
    /// The section.
    pub(super) fn new(corroboration: &Corroboration, records: &mut Records<'_>) -> Self {
        let open = corroboration.not_confirmed.iter().map(|(reason, records)| OpenRow {
            words: reason.words(),
            records: *records,
            alarming: *reason == NotConfirmed::Mismatch,
        });
        let mismatches = &corroboration.mismatches;
        Self {
            made_at: time(corroboration.made_at),
            sources: corroboration.sources.clone(),
            logs: corroboration.logs.len(),
            calls: corroboration.records,
            confirmed: corroboration.confirmed,
            open: open.collect(),
            mismatches: mismatches.iter().take(MOST_MISMATCHES).map(|one| mismatch(one, records)).collect(),
            more_mismatches: mismatches.len().saturating_sub(MOST_MISMATCHES),
        }
    }
}

fn mismatch(one: &Mismatch, records: &mut Records<'_>) -> MismatchRow {
    let difference = |difference: &Difference| {
        let (what, record, event) = (&difference.what, &difference.record, &difference.event);
        format!("{what}: {record} in the record, {event} in the log file")
    };
    MismatchRow {
        proof: records.link(one.record),
        call: records.entries.get(&one.record).map(|(_, entry)| call(entry)).unwrap_or_default(),
        event_id: one.event_id.clone(),
        log: one.log.clone(),
        differences: one.differences.iter().map(difference).collect(),
    }
}
