//! Attestations as people keep them: a folder with one folder per statement, each holding `attestation.toml` and the
//! files that came with it, under their SHA-256.
//!
//! ```text
//! attestations/
//!   risk-analysis-2026-05-01/
//!     attestation.toml
//!     9f86d081884c7d65...
//! ```
//!
//! The files are hashed, bounded and copied, and never opened: what is in them is for the auditor, not for a parser. What
//! they were called is text in `attestation.toml` and never the name of a file.

mod add;
mod entry;
mod folder;

use std::path::PathBuf;

pub use add::{Draft, add};
pub use entry::Entry;
pub use folder::read;

/// Longest file, in bytes.
pub const LARGEST_FILE: u64 = 64 * 1024 * 1024;
/// Longest all files of the folder together, in bytes; equal files count once.
pub const LARGEST_TOTAL: u64 = 1024 * 1024 * 1024;
/// Most files of one attestation.
pub const MOST_FILES: usize = 100;
/// Most attestations of a folder.
pub const MOST_ENTRIES: usize = 2_000;
/// Longest statement, in bytes.
pub const LONGEST_STATEMENT: usize = 16 * 1024;
/// Longest author, role or name of a file, in bytes.
pub const LONGEST_NAME: usize = 255;

/// The file that says what a folder states.
const FILE: &str = "attestation.toml";
/// Longest such file, in bytes.
const LONGEST_FILE: u64 = 256 * 1024;

/// Why an attestation was not added, or the folder not read.
#[derive(Debug, thiserror::Error)]
pub enum AttestError {
    /// Something about the attestation cannot be so.
    #[error("{what}; nothing was added")]
    Refused {
        /// What is wrong and what to do.
        what: String,
    },
    /// The operating system said no.
    #[error("{path} cannot be {action}: {source}", path = path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What is in the folder cannot be used: all of it.
    #[error("the attestations in {} cannot be used:\n{}", folder.display(), problems.join("\n"))]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// `file: what is wrong`.
        problems: Vec<String>,
    },
}
