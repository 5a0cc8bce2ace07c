//! Why a bundle could not be written.

use std::io;
use std::path::PathBuf;

use crate::bundle::paths::PathError;
use crate::canonical::CanonicalError;

/// Why a bundle could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The operating system said no.
    #[error("{path} cannot be {action}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is something under the bundle's name.
    #[error("{0} exists already; a sealed bundle is never overwritten: choose another name")]
    Exists(PathBuf),
    /// A run that died left its journal.
    #[error(
        "{0} was left by a run that did not finish: resume that run, or remove the directory to begin again"
    )]
    Unfinished(PathBuf),
    /// The directory's name cannot be extended by `.partial`.
    #[error("{0} is not a name for a directory")]
    BadTarget(PathBuf),
    /// A line of the journal is not a record.
    #[error("{path}, line {line}: not a record ({reason}); remove the directory and collect again")]
    BadJournal {
        /// The journal.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A record cannot be written in canonical form.
    #[error("the record of {operation} cannot be written: {source}")]
    Canonical {
        /// Service and operation.
        operation: String,
        /// Why.
        source: CanonicalError,
    },
    /// A record could be written, but no reader would take it back.
    #[error("the record of {operation} cannot be stored: {reason}")]
    Unstorable {
        /// Service and operation.
        operation: String,
        /// Why.
        reason: String,
    },
    /// A file that comes with a record cannot be put into the bag.
    #[error("the file {path} cannot come with a record: {reason}")]
    Unattachable {
        /// The file, or where in the bag it should lie.
        path: String,
        /// Why.
        reason: String,
    },
    /// A record's source does not lead to a file name.
    #[error(transparent)]
    Path(#[from] PathError),
}
