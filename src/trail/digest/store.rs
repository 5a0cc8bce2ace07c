//! What validation needs of the place that digest and log files lie in.

use std::fmt;
use std::future::Future;

use super::super::body::Body;

/// Where digest and log files lie. Keys are those of the bucket; a directory maps them onto its files.
pub trait DigestStore: Sync {
    /// The keys of a folder from `from` on and before `until`, sorted.
    fn list(
        &self,
        bucket: &str,
        folder: &str,
        from: &str,
        until: &str,
    ) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;

    /// The names of the folders in a folder, sorted.
    fn folders(
        &self,
        bucket: &str,
        folder: &str,
    ) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;

    /// An object of at most `largest` bytes.
    fn get(
        &self,
        bucket: &str,
        key: &str,
        largest: usize,
    ) -> impl Future<Output = Result<StoredObject, StoreError>> + Send;

    /// How many objects to ask for at a time.
    fn at_once(&self) -> usize;

    /// Whether what lies under `key` in the list of `bucket` lies where CloudTrail delivered it, if it says that that was
    /// `digest_key` in `digest_bucket`.
    fn is_at(&self, bucket: &str, key: &str, digest_bucket: &str, digest_key: &str) -> bool;

    /// Whether objects still have the metadata that CloudTrail gave them. Where they do not, a digest file's signature is
    /// taken out of its successor.
    fn keeps_metadata(&self) -> bool;

    /// An object's location for people.
    fn location(&self, bucket: &str, key: &str) -> String;
}

/// An object, with the metadata that CloudTrail gives digest files.
#[derive(Debug, Clone, Default)]
pub struct StoredObject {
    /// The bytes as stored.
    pub bytes: Body,
    /// Its metadata `signature`.
    pub signature: Option<String>,
    /// Its metadata `signature-algorithm`.
    pub signature_algorithm: Option<String>,
    /// Whether it has the metadata `backfill-generation-timestamp`.
    pub has_backfill_time: bool,
}

/// Why an object or a list could not be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError {
    /// AWS's error code, or one of our own.
    pub code: String,
    /// What happened.
    pub message: String,
}

impl StoreError {
    /// The code that says that there is no such object.
    pub const MISSING: &'static str = "NoSuchKey";

    pub(super) fn new(code: &str, message: impl fmt::Display) -> Self {
        Self { code: code.to_owned(), message: message.to_string() }
    }

    /// An object that is not there.
    pub(super) fn missing() -> Self {
        Self::new(Self::MISSING, "there is no such file")
    }

    /// An object of more bytes than are read.
    pub(super) fn too_large(largest: usize) -> Self {
        Self::new("TooLarge", format!("more than {largest} bytes"))
    }

    /// Whether the object is not there.
    pub fn is_missing(&self) -> bool {
        self.code == Self::MISSING
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}
