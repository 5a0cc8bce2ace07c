//! The tag files of a BagIt bag (RFC 8493). All of them follow from the payload and the manifest, so
//! that they can be made again and compared.

use std::collections::BTreeMap;

use super::checksums;
use crate::canonical::sha256;
use crate::model::{Manifest, Sha256Digest};

/// The checksum file over the payload.
pub const PAYLOAD_CHECKSUMS: &str = "manifest-sha256.txt";
/// The checksum file over the other tag files.
pub const TAG_CHECKSUMS: &str = "tagmanifest-sha256.txt";
/// The declaration.
pub const DECLARATION: &str = "bagit.txt";
/// What the bag says of itself.
pub const INFO: &str = "bag-info.txt";

/// All tag files of a bag.
pub const TAG_FILES: [&str; 4] = [DECLARATION, INFO, PAYLOAD_CHECKSUMS, TAG_CHECKSUMS];

/// A file of the payload: its digest and its length in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadFile {
    /// SHA-256.
    pub sha256: Sha256Digest,
    /// Length in bytes.
    pub bytes: u64,
}

/// The tag files, by name, for a payload (`data/manifest.json` included, by path) under `manifest`.
pub fn tag_files(manifest: &Manifest, payload: &BTreeMap<String, PayloadFile>) -> BTreeMap<String, Vec<u8>> {
    let octets: u64 = payload.values().fold(0, |sum, file| sum.saturating_add(file.bytes));
    let digests = payload.iter().map(|(path, file)| (path.clone(), file.sha256)).collect();
    let info = format!(
        "Bag-Software-Agent: {} {}\nBagging-Date: {}\nPayload-Oxum: {octets}.{}\n",
        manifest.tool.name,
        manifest.tool.version,
        manifest.sealed_at.format("%Y-%m-%d"),
        payload.len()
    );
    let declaration = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
    let mut tags: BTreeMap<String, Vec<u8>> = BTreeMap::from([
        (DECLARATION.to_owned(), declaration.into()),
        (INFO.to_owned(), info.into_bytes()),
        (PAYLOAD_CHECKSUMS.to_owned(), checksums::to_text(&digests).into_bytes()),
    ]);
    let over_tags = tags.iter().map(|(name, bytes)| (name.clone(), sha256(bytes))).collect();
    tags.insert(TAG_CHECKSUMS.to_owned(), checksums::to_text(&over_tags).into_bytes());
    tags
}
