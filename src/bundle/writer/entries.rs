//! What is remembered of the records that the journal holds: little, as there may be very many.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::super::attached;
use super::super::gaps::gap_of;
use super::super::journal::Span;
use super::super::paths;
use crate::model::{GapReason, Record, RecordId, Sha256Digest};

/// The records of a journal that count.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) by_id: BTreeMap<RecordId, Entry>,
    /// The records of API calls by what they answer: a later answer to the same question replaces the earlier.
    questions: BTreeMap<Sha256Digest, RecordId>,
    /// The files that the records belong into: each is one for many.
    paths: BTreeSet<Arc<str>>,
}

/// One record.
#[derive(Debug)]
pub(super) struct Entry {
    /// The file of the bag that it belongs into.
    pub(super) path: Arc<str>,
    /// Reason and code, where it is a gap.
    pub(super) gap: Option<Box<(GapReason, String)>>,
    pub(super) collected_at: DateTime<Utc>,
    pub(super) span: Span,
    /// Where in the bag the files lie that it names.
    pub(super) attached: Box<[String]>,
    /// Left by an earlier run and not appended again since: not sealed.
    pub(super) set_aside: bool,
}

impl Entries {
    /// Remembers a record that stands in the journal at `span`.
    ///
    /// # Errors
    /// Says what about it keeps it from being sealed.
    pub(super) fn insert(
        &mut self,
        record: &Record,
        id: RecordId,
        question: Option<Sha256Digest>,
        span: Span,
    ) -> Result<(), String> {
        let path = self.path(&paths::of(record).map_err(|error| error.to_string())?);
        let entry = Entry {
            path,
            gap: gap_of(record).map(|(reason, code)| Box::new((reason, code.to_owned()))),
            collected_at: record.collected_at,
            span,
            attached: attached::named(record)?.into_iter().map(|(path, _)| path).collect(),
            set_aside: false,
        };
        if let Some(question) = question
            && let Some(replaced) = self.questions.insert(question, id)
        {
            self.by_id.remove(&replaced);
        }
        self.by_id.insert(id, entry);
        Ok(())
    }

    fn path(&mut self, path: &str) -> Arc<str> {
        if let Some(known) = self.paths.get(path) {
            return Arc::clone(known);
        }
        let path: Arc<str> = path.into();
        self.paths.insert(Arc::clone(&path));
        path
    }
}
