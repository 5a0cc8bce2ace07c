//! The receipt: what was stored, where, and until when it is locked.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Stored;
use crate::model::Sha256Digest;

/// What was stored, as the archive told it when it was read back.
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
    /// SHA-256 of the manifest of the bundle in it.
    pub manifest_sha256: Sha256Digest,
    /// Where it is: `s3://bucket/key`, or a path.
    pub location: String,
    /// When the archive was asked to store it.
    pub stored_at: DateTime<Utc>,
    /// The checksum that the archive has of it: in S3 the Base64 of its SHA-256, or of that of the digests of its parts (16 MiB
    /// each), with their number behind a hyphen.
    pub checksum: Option<String>,
    /// S3's version id.
    pub version_id: Option<String>,
    /// S3's request id.
    pub request_id: Option<String>,
    /// Object Lock mode.
    pub lock_mode: Option<String>,
    /// Until when Object Lock keeps it.
    pub retain_until: Option<DateTime<Utc>>,
    /// Whether a legal hold is on it.
    pub legal_hold: bool,
    /// The KMS key that it is encrypted with, where it is with one.
    pub kms_key: Option<String>,
}

impl Receipt {
    /// The version that this program writes.
    pub const VERSION: u32 = 1;

    /// The receipt of a package with these digests that was stored so.
    pub fn new(
        package: &str,
        (sha256, manifest_sha256): (Sha256Digest, Sha256Digest),
        stored: Stored,
        stored_at: DateTime<Utc>,
    ) -> Self {
        Self {
            version: Self::VERSION,
            package: package.to_owned(),
            sha256,
            bytes: stored.bytes,
            manifest_sha256,
            location: stored.location,
            stored_at,
            checksum: stored.checksum,
            version_id: stored.version_id,
            request_id: stored.request_id,
            lock_mode: stored.lock_mode,
            retain_until: stored.retain_until,
            legal_hold: stored.legal_hold,
            kms_key: stored.kms_key,
        }
    }
}
