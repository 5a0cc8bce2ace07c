//! What an earlier run of the same collection recorded, so that it is not asked for again.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::canonical::CanonicalError;
use crate::catalog::GapReasons;
use crate::model::{Record, Sha256Digest};

/// Gives records back that an earlier run left behind, one at a time.
pub trait Recorded: Send + Sync {
    /// The record at `position`, as it was given to [`Known::learn`].
    ///
    /// # Errors
    /// Says why it cannot be read; the call is then made again.
    fn read(&self, position: u64) -> Result<Record, String>;
}

/// The questions that an earlier run has answers to. Of the answers themselves it holds only where they are.
/// Cheap to clone; one serves all accounts of a run.
#[derive(Clone, Default)]
pub struct Known {
    positions: Arc<BTreeMap<Sha256Digest, u64>>,
    records: Option<Arc<dyn Recorded>>,
}

/// Learns what an earlier run recorded, record by record in the order of recording.
#[derive(Debug, Clone)]
pub struct Learning {
    positions: BTreeMap<Sha256Digest, u64>,
    not_before: DateTime<Utc>,
}

impl Learning {
    /// Takes records for known that were obtained at `not_before` or later.
    pub fn new(not_before: DateTime<Utc>) -> Self {
        Self { positions: BTreeMap::new(), not_before }
    }

    /// Learns of one record. Of several that answer the same question the last counts. Not learned, so that the
    /// question is put again: what is too old, and gaps whose reason may be over (throttled, timed out,
    /// expired, ...).
    ///
    /// # Errors
    /// When the record has no canonical form.
    pub fn learn(&mut self, record: &Record, position: u64) -> Result<(), CanonicalError> {
        let Some(question) = record.question()? else { return Ok(()) };
        let again = record.gap().is_some_and(|gap| GapReasons::embedded().asks_again(gap));
        if record.collected_at < self.not_before || again {
            self.positions.remove(&question);
        } else {
            self.positions.insert(question, position);
        }
        Ok(())
    }

    /// How many questions need not be put again.
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// Whether everything is to be asked.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// What was learned; `records` gives the records back.
    pub fn done(self, records: Arc<dyn Recorded>) -> Known {
        Known { positions: Arc::new(self.positions), records: Some(records) }
    }
}

impl Known {
    /// Nothing: everything is asked.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Where the answer to a question is, if there is one.
    pub(super) fn position(&self, question: &Sha256Digest) -> Option<u64> {
        self.positions.get(question).copied()
    }

    /// The record at a position.
    pub(super) fn read(&self, position: u64) -> Result<Record, String> {
        match &self.records {
            Some(records) => records.read(position),
            None => Err("nothing was recorded".to_owned()),
        }
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Known").field("questions", &self.positions.len()).finish_non_exhaustive()
    }
}
