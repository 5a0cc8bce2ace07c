//! The names in a package, and the limits of its zip.

use chrono::TimeDelta;

use crate::model::{Manifest, Sha256Digest};

/// How to check the package.
pub const INSTRUCTIONS: &str = "VERIFY.md";
/// Checksums of every other file but its own signature.
pub const SUMS: &str = "SHA256SUMS";
/// Detached CMS signature over [`SUMS`].
pub const SUMS_SIGNATURE: &str = "SHA256SUMS.p7s";
/// The signer's certificate chain.
pub const SIGNER: &str = "signer.pem";
/// Folder with the bag, as sealed.
pub const BUNDLE: &str = "bundle";
/// The manifest inside the package.
pub const MANIFEST: &str = "bundle/data/manifest.json";
/// Detached CMS signature over [`MANIFEST`].
pub const MANIFEST_SIGNATURE: &str = "manifest.json.p7s";
/// The assessment.
pub const ASSESSMENT: &str = "assessment.json";
/// The files of the catalog that the assessment was made with.
pub const CATALOG: &str = "catalog.json";
/// The signed report.
pub const REPORT: &str = "report.pdf";

/// The evidence browser: a page that needs no network.
pub const BROWSER: &str = "index.html";
/// Folder with the data of [`BROWSER`].
pub const BROWSER_DATA: &str = "browser";

/// The files that stand beside the bundle.
pub const BESIDE_BUNDLE: [&str; 9] =
    [ASSESSMENT, BROWSER, CATALOG, MANIFEST_SIGNATURE, REPORT, SIGNER, SUMS, SUMS_SIGNATURE, INSTRUCTIONS];

/// What CloudTrail's signed log files say of the bundle's requests; only where somebody asked them.
pub const CORROBORATION: &str = "corroboration.json";
/// Detached CMS signature over [`CORROBORATION`].
pub const CORROBORATION_SIGNATURE: &str = "corroboration.json.p7s";
/// Timestamp over the bundle's manifest (RFC 3161, DER); only where an authority was asked.
pub const MANIFEST_TIMESTAMP: &str = "manifest.json.tst";
/// The files that a package may have beside the others.
pub const OPTIONAL: [&str; 3] = [CORROBORATION, CORROBORATION_SIGNATURE, MANIFEST_TIMESTAMP];

/// What a sample holds, and the proofs of it; what makes a package one.
pub const SAMPLE: &str = "sample.json";
/// The files that stand beside the bundle's in a sample, which has neither report nor assessment. Its checksums are not signed:
/// everything in it follows from the manifest, so that whoever has the package can draw one.
pub const BESIDE_SAMPLE: [&str; 5] = [MANIFEST_SIGNATURE, SAMPLE, SIGNER, SUMS, INSTRUCTIONS];
/// The files that a sample may have beside the others.
pub const OPTIONAL_IN_SAMPLE: [&str; 1] = [MANIFEST_TIMESTAMP];

/// What the archive comment begins with; 64 digits follow.
pub const COMMENT_PREFIX: &str = "proofpack-sha256:";
/// Length of the archive comment.
pub const COMMENT_LENGTH: usize = COMMENT_PREFIX.len() + 64;

/// Longest member, in bytes, before compression.
pub const LARGEST_MEMBER: u64 = 2 * 1024 * 1024 * 1024;
/// All members together, in bytes, before compression.
pub const LARGEST_TOTAL: u64 = 64 * 1024 * 1024 * 1024;
/// Longest archive, in bytes.
pub const LARGEST_ARCHIVE: u64 = 64 * 1024 * 1024 * 1024;
/// Most members: one for each operation, region and account.
pub const MOST_MEMBERS: usize = 500_000;
/// Longest name of a member, its folder included.
pub const LONGEST_NAME: usize = 512;
/// A member of more than [`RATIO_FREE`] bytes that would shrink more than this is stored as it is, so that
/// what expands more is a bomb.
pub const LARGEST_RATIO: u64 = 200;
/// Members up to this size, in bytes, may shrink as much as they like.
pub const RATIO_FREE: u64 = 1024 * 1024;

/// Whether a member of `size` bytes may be packed into `compressed` bytes.
pub fn ratio_allowed(size: u64, compressed: u64) -> bool {
    size <= RATIO_FREE || size <= compressed.saturating_mul(LARGEST_RATIO)
}

/// The one folder that everything in the package lies in: `proofpack-123456789012-2026-07-01-2026-09-30`; of an amended
/// bundle it ends in `-amended-` and the first digits of the Merkle root, as the package before may be kept beside it.
pub fn folder(manifest: &Manifest) -> String {
    let scope = &manifest.scope;
    let accounts = match scope.accounts.as_slice() {
        [only] if !only.is_empty() && only.bytes().all(|byte| byte.is_ascii_digit()) => only.clone(),
        several => format!("{}-accounts", several.len()),
    };
    // The period ends before its end: the last day is that of the second before.
    let last = scope.period.end.checked_sub_signed(TimeDelta::seconds(1)).unwrap_or(scope.period.end);
    let amended = match manifest.amends_sha256 {
        Some(_) => format!("-amended-{}", manifest.merkle_root.to_string().get(..8).unwrap_or_default()),
        None => String::new(),
    };
    let (start, last) = (scope.period.start.format("%Y-%m-%d"), last.format("%Y-%m-%d"));
    format!("proofpack-{accounts}-{start}-{last}{amended}")
}

/// The folder of a sample: that of the package, and the first digits of the SHA-256 of [`SAMPLE`].
pub fn sample_folder(manifest: &Manifest, sample_sha256: &Sha256Digest) -> String {
    format!("{}-sample-{}", folder(manifest), sample_sha256.to_string().get(..8).unwrap_or_default())
}
