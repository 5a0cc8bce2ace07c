//! The manifest of a sealed bundle: `data/manifest.json`. Its bytes are what gets signed.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{GapReason, RecordId, Scope, Sha256Digest};

/// What a bundle says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// Version of the manifest format; 1.
    pub version: u32,
    /// The program that made the bundle.
    pub tool: Tool,
    /// Digest of the catalog (collectors, checks, frameworks, excerpt rules) that it was made with.
    pub catalog_sha256: Sha256Digest,
    /// What the bundle covers.
    pub scope: Scope,
    /// When the first record was obtained.
    pub collection_started: DateTime<Utc>,
    /// When the bundle was sealed.
    pub sealed_at: DateTime<Utc>,
    /// Number of records, gaps included.
    pub records: u64,
    /// The gaps, by reason and error code.
    pub gaps: Vec<GapSummary>,
    /// The files that hold records, in order of their paths; the Merkle tree's leaves are their records in this order.
    pub files: Vec<ManifestFile>,
    /// Root of the RFC 9162 Merkle tree over all record ids in order.
    pub merkle_root: Sha256Digest,
    /// SHA-256 of the manifest of the bundle before it, so that periods form a chain.
    pub previous_manifest_sha256: Option<Sha256Digest>,
}

/// A program and its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Name: `proofpack`.
    pub name: String,
    /// Version.
    pub version: String,
}

/// How many gaps of one kind a bundle has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GapSummary {
    /// Why it could not be seen.
    pub reason: GapReason,
    /// Error code.
    pub code: String,
    /// How many records carry it.
    pub count: u64,
}

/// One file of records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ManifestFile {
    /// Path inside the bag, e.g. `data/aws/123456789012/us-east-1/s3/ListBuckets.ndjson`.
    pub path: String,
    /// Ids of the records in the file, in order of lines.
    pub records: Vec<RecordId>,
}

impl Manifest {
    /// The version that this program writes.
    pub const VERSION: u32 = 1;
}

impl Tool {
    /// This program.
    pub fn this() -> Self {
        Self { name: env!("CARGO_PKG_NAME").into(), version: env!("CARGO_PKG_VERSION").into() }
    }
}
