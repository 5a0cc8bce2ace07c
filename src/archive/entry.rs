//! The index: a small object for each package, which says what is in it and which one came before.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ArchiveError, INDEX, Parcel};
use crate::model::{Manifest, Scope, Sha256Digest};

/// What the archive's index says of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct IndexEntry {
    /// Version of this format; 1.
    pub version: u32,
    /// Name of the package.
    pub package: String,
    /// SHA-256 of the package.
    pub sha256: Sha256Digest,
    /// Its length in bytes.
    pub bytes: u64,
    /// SHA-256 of the manifest of the bundle in it.
    pub manifest_sha256: Sha256Digest,
    /// Merkle root of its records.
    pub merkle_root: Sha256Digest,
    /// What it covers.
    pub scope: Scope,
    /// When it was sealed.
    pub sealed_at: DateTime<Utc>,
    /// SHA-256 of the manifest of the bundle before it.
    pub previous_manifest_sha256: Option<Sha256Digest>,
    /// SHA-256 of the manifest of the bundle that it amends.
    pub amends_sha256: Option<Sha256Digest>,
}

impl IndexEntry {
    /// The version that this program writes.
    pub const VERSION: u32 = 1;

    /// The entry of a package with this manifest.
    pub fn new(parcel: &Parcel<'_>, manifest: &Manifest, manifest_sha256: Sha256Digest) -> Self {
        Self {
            version: Self::VERSION,
            package: parcel.name.to_owned(),
            sha256: parcel.sha256,
            bytes: parcel.bytes,
            manifest_sha256,
            merkle_root: manifest.merkle_root,
            scope: manifest.scope.clone(),
            sealed_at: manifest.sealed_at,
            previous_manifest_sha256: manifest.previous_manifest_sha256,
            amends_sha256: manifest.amends_sha256,
        }
    }

    /// The name of the object that holds the entry of a package.
    pub(super) fn name_of(package: &str) -> String {
        format!("{INDEX}{package}.json")
    }

    /// The name of the object that holds it.
    pub fn name(&self) -> String {
        Self::name_of(&self.package)
    }

    /// Reads the index object `name`.
    pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Self, ArchiveError> {
        let wrong = |message: String| ArchiveError::Entry { name: name.to_owned(), message };
        let entry: Self = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        if entry.version != Self::VERSION {
            return Err(wrong(format!(
                "its format has version {}, this program reads {}",
                entry.version,
                Self::VERSION
            )));
        }
        if entry.name() != name {
            return Err(wrong(format!("it is of the package {:?}", entry.package)));
        }
        Ok(entry)
    }
}
