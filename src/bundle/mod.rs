//! Bundles: sealed sets of records, as BagIt bags (RFC 8493) with a Merkle root (RFC 9162).

use crate::model::{Manifest, Record, RecordId, Sha256Digest};

/// A sealed bundle, read into memory.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// Its manifest.
    pub manifest: Manifest,
    /// SHA-256 of `data/manifest.json` as it stands on disk.
    pub manifest_sha256: Sha256Digest,
    /// Its records, in the manifest's order.
    pub records: Vec<StoredRecord>,
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
