//! Going on where an earlier run of the same collection ended, or beginning anew.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::exit::CommandError;
use crate::bundle::{Begun, JournalReader, Writer};
use crate::collect::{Known, Learning, Recorded};
use crate::model::Record;

/// What an earlier run left, as far as it matters before the first call.
#[derive(Debug)]
pub(super) struct Earlier {
    begun: Option<Begun>,
    unfinished: bool,
    /// The oldest instant that a record may be of.
    not_before: DateTime<Utc>,
}

/// A bundle that is begun, or gone on with.
pub(super) struct Opened {
    pub(super) writer: Writer,
    /// What need not be asked again.
    pub(super) known: Known,
}

impl Earlier {
    /// Looks for what an earlier run left of the bundle at `target`; with `fresh` it is removed.
    ///
    /// # Errors
    /// When it cannot be read or removed, or another run is at work on it.
    pub(super) fn look(
        target: &Path,
        fresh: bool,
        freshness: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Self, CommandError> {
        if fresh {
            Writer::remove_unfinished(target).map_err(CommandError::output)?;
        }
        let unfinished = Writer::is_unfinished(target);
        let begun = if unfinished { Writer::begun(target).map_err(CommandError::output)? } else { None };
        Ok(Self { begun, unfinished, not_before: now - freshness })
    }

    /// The instant as of which an open audit period ends: that of the run that is gone on with, so that all
    /// excerpts are of the same period; `now` where nothing of that run is fresh enough to be kept.
    pub(super) fn as_of(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        match &self.begun {
            Some(begun) if begun.started >= self.not_before && begun.started <= now => begun.started,
            _ => now,
        }
    }

    /// Begins the bundle, or goes on with it. `run` is this run; what was left must be of the same scope, made by
    /// the same program with the same catalog.
    ///
    /// # Errors
    /// When what was left is of another run, or cannot be used.
    pub(super) fn open(&self, target: &Path, run: &Begun) -> Result<Opened, CommandError> {
        if !self.unfinished {
            let writer = Writer::create(target).map_err(CommandError::output)?;
            writer.begin(run).map_err(CommandError::output)?;
            return Ok(Opened { writer, known: Known::nothing() });
        }
        let mut learning = Learning::new(self.not_before);
        let mut problem = None;
        let mut writer = Writer::resume_with(target, |record, position| {
            if let Err(error) = learning.learn(record, position) {
                problem.get_or_insert(error);
            }
        })
        .map_err(CommandError::output)?;
        if let Some(problem) = problem {
            return Err(CommandError::internal(problem));
        }
        let differences = match &self.begun {
            Some(begun) => differences(begun, run),
            // It ended before it wrote down what it is; then it should not have recorded anything either.
            None if writer.ids().next().is_none() => Vec::new(),
            None => vec!["it does not say what it was"],
        };
        if !differences.is_empty() {
            return Err(CommandError::input(format!(
                "{} was left by a run that did not finish, but it cannot be gone on with: {}. Finish it with what it was begun with, or add --fresh to remove it and begin anew",
                writer.partial().display(),
                differences.join(", ")
            )));
        }
        writer.begin(run).map_err(CommandError::output)?;
        writer.set_aside();
        let known = learning.done(Arc::new(Journal(writer.journal_reader())));
        Ok(Opened { writer, known })
    }
}

/// In what a run that was left differs from this one.
fn differences(begun: &Begun, run: &Begun) -> Vec<&'static str> {
    let mut differences = Vec::new();
    let mut compare = |equal: bool, what| {
        if !equal {
            differences.push(what);
        }
    };
    compare(begun.tool == run.tool, "it was made by another version of proofpack");
    compare(begun.catalog_sha256 == run.catalog_sha256, "its catalog was another");
    compare(begun.scope.partition == run.scope.partition, "its partition was another");
    compare(begun.scope.accounts == run.scope.accounts, "its accounts were others");
    compare(begun.scope.regions == run.scope.regions, "its regions were others");
    differences
}

struct Journal(JournalReader);

impl Recorded for Journal {
    fn read(&self, position: u64) -> Result<Record, String> {
        self.0.read(position).map_err(|error| error.to_string())
    }
}
