//! What a run says while it goes and when it ends.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{GapReason, Record, RecordOutcome};

/// Hears how a run goes. Every method may do nothing, and none may take long.
pub trait Progress: Send + Sync {
    /// This many more calls turned out to be needed of a service, for an account.
    fn planned(&self, account: &str, service: &str, calls: u64) {
        let _ = (account, service, calls);
    }

    /// A call was answered, given up, or known from an earlier run; `gap` says why its answer is missing.
    fn done(&self, account: &str, service: &str, operation: &str, gap: Option<GapReason>) {
        let _ = (account, service, operation, gap);
    }

    /// AWS refuses calls of a service for their rate; they are held back for a while.
    fn held_back(&self, account: &str, service: &str, region: &str, pause: Duration) {
        let _ = (account, service, region, pause);
    }
}

/// Says nothing.
impl Progress for () {}

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Records sent, gaps among them.
    pub records: u64,
    /// Of them, records that an earlier run had made.
    pub kept: u64,
    /// Calls made; a call that was asked again counts each time, its pages and the client's retries do not.
    pub calls: u64,
    /// Records by which AWS says that a thing does not exist.
    pub absent: u64,
    /// Gaps by reason and error code.
    pub gaps: BTreeMap<(GapReason, String), u64>,
    /// Bytes of all response bodies that were received in this run.
    pub bytes: u64,
}

impl Summary {
    /// How many records are gaps.
    pub fn gap_count(&self) -> u64 {
        self.gaps.values().sum()
    }

    /// Adds what another account's run came to.
    pub fn add(&mut self, other: Self) {
        let Self { records, kept, calls, absent, gaps, bytes } = other;
        self.records += records;
        self.kept += kept;
        self.calls += calls;
        self.absent += absent;
        self.bytes += bytes;
        for (gap, count) in gaps {
            *self.gaps.entry(gap).or_default() += count;
        }
    }

    /// Counts a record that was made in this run.
    pub(super) fn count(&mut self, record: &Record) {
        self.count_outcome(record);
        self.bytes += record.exchanges.iter().map(|exchange| exchange.body_bytes).sum::<u64>();
    }

    /// Counts a record that an earlier run had made.
    pub(super) fn count_kept(&mut self, record: &Record) {
        self.count_outcome(record);
        self.kept += 1;
    }

    fn count_outcome(&mut self, record: &Record) {
        self.records += 1;
        match (&record.outcome, record.gap()) {
            (_, Some(error)) => {
                let gap = (error.reason.unwrap_or(GapReason::Other), error.code.clone());
                *self.gaps.entry(gap).or_default() += 1;
            }
            (RecordOutcome::Error(_), None) => self.absent += 1,
            (RecordOutcome::Response(_), None) => (),
        }
    }
}
