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
    /// Commitment to a text that is known, under the key that redacted values are committed to with: bundles in which it is
    /// the same were made with the same key, and equal values can be told in them. `None` where no key was in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redaction_key_commitment: Option<Sha256Digest>,
    /// SHA-256 of the manifest of the bundle before it, so that periods form a chain.
    pub previous_manifest_sha256: Option<Sha256Digest>,
    /// Which part of a run over several machines the bundle is, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// SHA-256 of the manifests of the bundles that it was merged from, sorted; their signatures were not taken over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged_from_sha256: Vec<Sha256Digest>,
    /// SHA-256 of the manifest of the bundle that it amends: its API and log records are that bundle's, its attestations and
    /// imports were taken up again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amends_sha256: Option<Sha256Digest>,
}

/// One part of a run whose accounts are spread over several machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// Which part, from 1.
    pub number: u32,
    /// How many parts the run has.
    pub of: u32,
    /// The accounts of all parts, sorted: the same in each.
    pub accounts: Vec<String>,
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

    /// Whether there is any record of an account: its id is the third part of its files' paths.
    pub fn has_records_of(&self, account: &str) -> bool {
        self.files.iter().any(|file| file.path.split('/').nth(2) == Some(account))
    }
}

impl Shard {
    /// The accounts of this part: of all accounts, every `of`-th, so that the parts are equally large.
    pub fn own_accounts(&self) -> Vec<String> {
        let turns = (1..=self.of.max(1)).cycle();
        let own = self.accounts.iter().zip(turns).filter(|(_, turn)| *turn == self.number);
        own.map(|(account, _)| account.clone()).collect()
    }
}

impl Tool {
    /// This program.
    pub fn this() -> Self {
        Self { name: env!("CARGO_PKG_NAME").into(), version: env!("CARGO_PKG_VERSION").into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_account_belongs_to_one_part_and_the_parts_are_equally_large() {
        let accounts: Vec<String> = (1..=10).map(|number| format!("{number:012}")).collect();
        for of in 1..=12 {
            let parts: Vec<Vec<String>> = (1..=of)
                .map(|number| Shard { number, of, accounts: accounts.clone() }.own_accounts())
                .collect();
            let mut all: Vec<&String> = parts.iter().flatten().collect();
            all.sort_unstable();
            assert_eq!(all, accounts.iter().collect::<Vec<_>>());
            let sizes: Vec<usize> = parts.iter().map(Vec::len).collect();
            assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
        }
        assert!(Shard { number: 1, of: 0, accounts }.own_accounts().len() == 10, "whatever a manifest says");
    }
}
