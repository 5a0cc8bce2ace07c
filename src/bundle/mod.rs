//! Bundles: sealed sets of records, as BagIt bags (RFC 8493) with a Merkle root (RFC 9162).
//!
//! ```text
//! <bundle>/
//!   bagit.txt  bag-info.txt  manifest-sha256.txt  tagmanifest-sha256.txt
//!   data/manifest.json                                              the manifest: what gets signed
//!   data/aws/<account>/<region>/<service>/<Operation>.ndjson        one record per line
//!   data/trail/<account>/<region>/<rule>.ndjson
//!   data/manual/attestations/<id>.ndjson                            what people stated
//!   data/manual/files/<sha256>                                      the files that came with it
//!   data/imports/records/<tool>/<Operation>.ndjson                  what other tools found
//!   data/imports/files/<sha256>                                     their files
//! ```

mod amend;
pub mod attached;
pub mod bagit;
mod begun;
pub mod checksums;
pub(crate) mod document;
mod examine;
pub mod files;
mod gaps;
mod journal;
mod merge;
pub mod merkle;
pub mod paths;
mod reader;
#[cfg(test)]
pub(crate) mod testing;
mod writer;

pub use amend::{AmendError, Amended, amend};
pub use attached::{Addition, Attachment};
pub use begun::Begun;
pub use examine::{Examination, check, examine, examine_part};
pub use journal::JournalReader;
pub use merge::{Difference, MergeError, merge};
pub use reader::{ReadError, check_files, read, read_files};
pub use writer::{SealInfo, WriteError, Writer};

use std::collections::BTreeMap;

use crate::model::{Manifest, Record, RecordId, Sha256Digest};

/// Longest line, in bytes, that a bundle may hold; a writer refuses what a reader would.
pub const LONGEST_LINE: u64 = 256 * 1024 * 1024;
/// Longest `data/manifest.json`, in bytes.
pub const LONGEST_MANIFEST: u64 = 1024 * 1024 * 1024;

/// A sealed bundle, read into memory.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// Its manifest.
    pub manifest: Manifest,
    /// SHA-256 of `data/manifest.json` as it stands on disk.
    pub manifest_sha256: Sha256Digest,
    /// Its records, in the manifest's order.
    pub records: Vec<StoredRecord>,
    /// The files of imports, by their digests. Those of attestations are hashed and never opened.
    pub imports: BTreeMap<Sha256Digest, Vec<u8>>,
}

/// A sealed bundle that was checked in full, without its records.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// Its manifest.
    pub manifest: Manifest,
    /// SHA-256 of `data/manifest.json` as it stands on disk.
    pub manifest_sha256: Sha256Digest,
}

/// A record and where it stands in the bag.
#[derive(Debug, Clone)]
pub struct StoredRecord {
    /// SHA-256 of its line.
    pub id: RecordId,
    /// File in the bag: `data/aws/123456789012/us-east-1/s3/ListBuckets.ndjson`.
    pub path: String,
    /// Line in that file, from 1.
    pub line: u64,
    /// The record.
    pub record: Record,
}
