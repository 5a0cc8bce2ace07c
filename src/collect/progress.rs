//! What a run says while it goes and when it ends.

use std::collections::BTreeMap;

use crate::model::{Record, RecordOutcome};

/// Hears how a run goes. Every method may do nothing.
pub trait Progress: Send + Sync {
    /// The run begins with this many calls; more follow from their answers.
    fn started(&self, calls: u64) {
        let _ = calls;
    }

    /// This many more calls turned out to be needed.
    fn planned(&self, more: u64) {
        let _ = more;
    }

    /// A call was made; `gap` says whether its answer is missing.
    fn call_done(&self, service: &str, operation: &str, gap: bool) {
        let _ = (service, operation, gap);
    }
}

/// Says nothing.
impl Progress for () {}

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Records sent, gaps among them.
    pub records: u64,
    /// Calls made; a call that was asked again counts each time, its pages and the client's retries do not.
    pub calls: u64,
    /// Records by which AWS says that a thing does not exist.
    pub absent: u64,
    /// Gaps by error code.
    pub gaps: BTreeMap<String, u64>,
    /// Bytes of all response bodies.
    pub bytes: u64,
}

impl Summary {
    /// How many records are gaps.
    pub fn gap_count(&self) -> u64 {
        self.gaps.values().sum()
    }

    pub(super) fn count(&mut self, record: &Record) {
        self.records += 1;
        self.bytes += record.exchanges.iter().map(|exchange| exchange.body_bytes).sum::<u64>();
        match (&record.outcome, record.gap()) {
            (_, Some(error)) => *self.gaps.entry(error.code.clone()).or_default() += 1,
            (RecordOutcome::Error(_), None) => self.absent += 1,
            (RecordOutcome::Response(_), None) => (),
        }
    }
}
