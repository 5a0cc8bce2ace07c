//! Validation of CloudTrail log files by the digest files that CloudTrail delivers beside them.
//!
//! Every hour CloudTrail delivers, per trail, account and region, a *digest file*: the SHA-256 of each log file that it
//! delivered in that hour, and the signature of the digest file before it. The digest file itself is signed with a key of
//! CloudTrail in that region; the signature is in the metadata of its S3 object. So the chain is walked from the newest
//! digest file backwards (AWS CloudTrail User Guide, "Custom implementations of CloudTrail log file integrity
//! validation"):
//!
//! - what is hashed, of digest and log files alike, is the text inside the gzip file, not the object;
//! - what is signed is `digestEndTime`, `bucket/key`, the hexadecimal SHA-256 of the digest file and
//!   `previousDigestSignature`, each on its line: RSA PKCS#1 v1.5 with SHA-256;
//! - a digest file whose predecessor is not named, though there are older ones, begins a new chain: nothing was
//!   delivered, or validated, in between.
//!
//! All of it is hostile until its signature verifies: sizes, numbers and steps are bounded, and nothing that an unverified
//! digest file names is followed.

mod chain;
mod directory;
mod file;
mod keys;
mod logs;
mod name;
mod problem;
mod s3;
mod signature;
mod store;
#[cfg(test)]
mod tests;
mod validate;
mod walk;

pub use chain::{Chain, Digest, ExpectedLog, LogVerdict};
pub use directory::DirectoryStore;
pub use file::{DigestFile, LogEntry};
pub use keys::{KeySet, KeySetError, PublicKey};
pub use logs::{LogText, ReadLogTexts, hash_log};
pub use name::{DigestName, Place};
pub use problem::{Problem, ProblemKind};
pub use s3::S3Store;
pub use store::{DigestStore, StoreError, StoredObject};
pub use validate::{
    Question, Validated, Validation, accounts, chain_of, regions, validate, validate_and, validate_read,
};

/// A digest file as stored, at most, in bytes.
const LARGEST_DIGEST: usize = 16 << 20;
/// A digest file's text, at most, in bytes: some 400,000 log files in an hour.
const LARGEST_DIGEST_TEXT: u64 = 128 << 20;
/// A log file as stored, at most, in bytes; CloudTrail delivers a few MB.
const LARGEST_LOG: usize = 64 << 20;
/// A log file's text, at most, in bytes.
const LARGEST_LOG_TEXT: u64 = 2 << 30;
/// A log file's text that is kept in memory, at most, in bytes: several are at a time.
const LARGEST_TEXT_IN_MEMORY: u64 = 128 << 20;
/// Digest files of an account and region that are looked at, at most: eleven years of one trail.
const MOST_DIGESTS: usize = 100_000;
/// Log files that all of them may name.
const MOST_LOGS: usize = 5_000_000;
/// Problems that are listed one by one; what is beyond is counted.
const MOST_PROBLEMS: usize = 10_000;
