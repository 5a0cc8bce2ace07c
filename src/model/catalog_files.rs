//! The files of a catalog in one document: `catalog.json` of a package, so that the evidence can be assessed again as it was,
//! whatever later versions of the program come with.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Sha256Digest;
use crate::canonical::{self, CanonicalError};

/// A catalog's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogFiles {
    /// Version of this format; 1.
    pub version: u32,
    /// The text of each file (TOML), by its path in the catalog: `checks/s3-bucket-versioning.toml`.
    pub files: BTreeMap<String, String>,
}

impl CatalogFiles {
    /// The version that this program writes.
    pub const VERSION: u32 = 1;

    /// The catalog's digest, which manifests and assessments name.
    ///
    /// # Errors
    /// When the list cannot be written as JSON.
    pub fn digest(&self) -> Result<Sha256Digest, CanonicalError> {
        Self::digest_of(self.files.iter().map(|(path, text)| (path.as_str(), text.as_bytes())))
    }

    /// The digest of a catalog with these files: SHA-256 over the canonical list of their paths and SHA-256 digests.
    ///
    /// # Errors
    /// When the list cannot be written as JSON.
    pub fn digest_of<'a>(
        files: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Sha256Digest, CanonicalError> {
        let digests: BTreeMap<&str, Sha256Digest> =
            files.map(|(path, bytes)| (path, canonical::sha256(bytes))).collect();
        Ok(canonical::sha256(canonical::to_string(&digests)?.as_bytes()))
    }
}
