//! The signature of a digest file.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use super::file::ReadDigest;
use super::keys::PublicKey;

/// The one algorithm that CloudTrail signs with, as the object's metadata names it.
pub(super) const ALGORITHM: &str = "SHA256withRSA";

/// Hexadecimal digits of a signature, at most: an RSA key of 8192 bits.
const LONGEST: usize = 2048;

/// What CloudTrail signed. Where no digest file came before, the word `null` stands for its signature.
fn signed_text(digest: &ReadDigest) -> String {
    let file = &digest.file;
    format!(
        "{}\n{}/{}\n{}\n{}",
        file.digest_end_time,
        file.digest_s3_bucket,
        file.digest_s3_object,
        digest.text_sha256,
        file.previous_digest_signature.as_deref().unwrap_or("null")
    )
}

/// Whether `signature` (hexadecimal) is that of `key` over the digest file.
pub(super) fn verifies(digest: &ReadDigest, signature: &str, key: &PublicKey) -> bool {
    let Some(signature) = unhex(signature) else { return false };
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.der())
        .verify(signed_text(digest).as_bytes(), &signature)
        .is_ok()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || text.len() > LONGEST || !text.is_ascii() {
        return None;
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let pair = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(high)? << 4 | digit(low)?).ok(),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}
