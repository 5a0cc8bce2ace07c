//! The archive: where a package is kept for years. Never overwrites, never deletes.
//!
//! Two kinds: a directory, and S3 with Object Lock. Each put leaves a [`Receipt`] that says what was
//! stored where, so that it can be found and compared later.

mod directory;
mod s3;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Sha256Digest;

pub use directory::put_directory;
pub use s3::{LockMode, S3Target, put_s3};

/// What was stored, where, and until when it is locked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Receipt {
    /// Version of the receipt format; 1.
    pub version: u32,
    /// Name of the package.
    pub package: String,
    /// SHA-256 of the package.
    pub sha256: Sha256Digest,
    /// Its length in bytes.
    pub bytes: u64,
    /// Where it is: `s3://bucket/key`, or a path.
    pub location: String,
    /// When it was stored.
    pub stored_at: DateTime<Utc>,
    /// S3's version id.
    pub version_id: Option<String>,
    /// S3's request id.
    pub request_id: Option<String>,
    /// Object Lock mode.
    pub lock_mode: Option<String>,
    /// Until when Object Lock keeps it.
    pub retain_until: Option<DateTime<Utc>>,
}

impl Receipt {
    /// The version that this program writes.
    pub const VERSION: u32 = 1;
}

/// Why a package was not archived.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Something is there already, and an archive never overwrites.
    #[error(
        "{location} exists already and is left as it is: an archive never overwrites; archive under another name or prefix"
    )]
    Exists {
        /// Where.
        location: String,
    },
    /// The destination is not `s3://bucket/prefix`.
    #[error("{0:?} is no S3 destination: write s3://BUCKET or s3://BUCKET/PREFIX")]
    Destination(String),
    /// The file system refused.
    #[error("cannot write {location}: {source}")]
    File {
        /// Where.
        location: String,
        /// What it said.
        source: std::io::Error,
    },
    /// S3 refused.
    #[error("S3 did not store {location}: {code}: {message}; {advice}")]
    S3 {
        /// Where.
        location: String,
        /// S3's error code.
        code: String,
        /// Its message.
        message: String,
        /// What to do next.
        advice: &'static str,
    },
    /// S3 says that it stored something else than what was sent.
    #[error(
        "S3 stored {location} with the SHA-256 checksum {stored:?} where {sent:?} was sent; do not rely on this copy"
    )]
    Checksum {
        /// Where.
        location: String,
        /// What S3 says.
        stored: Option<String>,
        /// What was sent.
        sent: String,
    },
    /// A single put takes 5 GiB at most.
    #[error(
        "the package has {0} bytes; S3 takes 5 GiB in one piece. Collect fewer accounts or a shorter period per package"
    )]
    TooLarge(u64),
    /// Object Lock takes 1 day to 100 years.
    #[error(
        "a retention of {0} days is not possible: Object Lock takes 1 to 36500 days; set archive.retention-days in proofpack.toml"
    )]
    Retention(u32),
}
