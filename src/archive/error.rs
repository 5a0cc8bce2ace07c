//! What can go wrong with an archive.

use std::io;

/// Why something was not archived, or not had from an archive.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Something is there already, and an archive never overwrites.
    #[error(
        "{location} exists already with other bytes and is left as it is: an archive never overwrites; archive under another name or prefix"
    )]
    Exists {
        /// Where.
        location: String,
    },
    /// The destination is not `s3://bucket/prefix`.
    #[error("{0:?} is no S3 destination: write s3://BUCKET or s3://BUCKET/PREFIX")]
    Destination(String),
    /// The destination is not what an archive has to be.
    #[error("{location} is not fit for an archive, and nothing was stored:\n{}", problems.join("\n"))]
    Unfit {
        /// Where.
        location: String,
        /// What is wrong, and what to do about it.
        problems: Vec<String>,
    },
    /// Not a name that an object of an archive has.
    #[error("{0:?} is not the name of a package in an archive; `proofpack archive list` shows the names")]
    Name(String),
    /// There is no such object.
    #[error("there is no {location}; `proofpack archive list` shows what there is")]
    Missing {
        /// Where.
        location: String,
    },
    /// The package cannot be read.
    #[error("cannot read {path}: {source}")]
    Package {
        /// Which file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The package was changed while it was archived.
    #[error(
        "{path} was changed while it was archived: archive it again when nothing writes to it; {location} may hold what it was on the way"
    )]
    Changed {
        /// Which file.
        path: String,
        /// Where it goes.
        location: String,
    },
    /// The file system refused.
    #[error("cannot read or write {location}: {source}")]
    File {
        /// Where.
        location: String,
        /// What it said.
        source: io::Error,
    },
    /// S3 refused.
    #[error("S3 refused {operation} for {location}: {code}: {message}; {advice}")]
    S3 {
        /// What was asked for.
        operation: &'static str,
        /// Where.
        location: String,
        /// S3's error code.
        code: String,
        /// Its message.
        message: String,
        /// What to do next.
        advice: &'static str,
    },
    /// What the archive tells of the object is not what was asked for.
    #[error("{location} was stored, but not as asked: {}; do not rely on this copy", differences.join("; "))]
    NotAsAsked {
        /// Where.
        location: String,
        /// What differs.
        differences: Vec<String>,
    },
    /// An index object cannot be read.
    #[error("the index object {name} is not one as proofpack writes it: {message}")]
    Entry {
        /// Which.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// The index could not be written as JSON.
    #[error("the index object cannot be written as JSON: {0}")]
    Data(#[from] crate::canonical::CanonicalError),
    /// Object Lock takes 1 day to 100 years.
    #[error(
        "a retention of {0} days is not possible: Object Lock takes 1 to 36500 days; set archive.retention-days in proofpack.toml"
    )]
    Retention(u32),
    /// The retention is over already.
    #[error(
        "the retention would end on {0}, which is past: the period ended too long ago; set archive.retention-days in proofpack.toml"
    )]
    RetentionOver(chrono::NaiveDate),
}
