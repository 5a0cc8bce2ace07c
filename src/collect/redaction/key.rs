//! The key of a run's owner, and the commitments made with it.

use std::fmt;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::{constant_time, hmac};
use serde_json::Value;

use crate::canonical;
use crate::model::Sha256Digest;

/// What a commitment is made over begins with this, so that it cannot be mistaken for any other use of the key.
const DOMAIN: &str = "proofpack redaction commitment 1\n";

/// Length of a key in bytes: as long as what HMAC-SHA-256 gives (RFC 2104, section 3).
const LENGTH: usize = 32;

/// The key under which redacted values are committed to. Whoever has it can show that a value is equal to a
/// redacted one, in this bundle and in all others that were made with it; without it the commitments say nothing.
#[derive(Clone)]
pub struct RedactionKey(hmac::Key);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum RedactionKeyError {
    /// Not what [`RedactionKey::generate`] writes.
    #[error(
        "not a redaction key: one line of 64 lower-case hexadecimal digits is expected; restore the file from where it is kept safe, or remove it and a new key is made (values are then no longer comparable with earlier bundles)"
    )]
    Malformed,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes for a new redaction key")]
    NoRandomness,
}

impl RedactionKey {
    /// A new key as it is kept: 64 hexadecimal digits and a line end.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn generate() -> Result<String, RedactionKeyError> {
        let mut bytes = [0_u8; LENGTH];
        SystemRandom::new().fill(&mut bytes).map_err(|_| RedactionKeyError::NoRandomness)?;
        Ok(format!("{}\n", Sha256Digest::from_bytes(bytes)))
    }

    /// Reads a key as it is kept.
    ///
    /// # Errors
    /// When it is anything but 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, RedactionKeyError> {
        // The digits are those of a digest; what is wrong with them must not be repeated in a message.
        let bytes: Sha256Digest = text.trim_end().parse().map_err(|_| RedactionKeyError::Malformed)?;
        Ok(Self::from_bytes(bytes.as_bytes()))
    }

    /// The key that these bytes are.
    pub fn from_bytes(bytes: &[u8; LENGTH]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// HMAC-SHA-256 (FIPS 198-1) over the domain and the value's canonical JSON.
    pub fn commitment(&self, value: &Value) -> Sha256Digest {
        // An integer without a canonical form is committed to by its digits.
        let text = canonical::to_string(value).unwrap_or_else(|_| value.to_string());
        let mut context = hmac::Context::with_key(&self.0);
        context.update(DOMAIN.as_bytes());
        context.update(text.as_bytes());
        let mut bytes = [0_u8; LENGTH];
        bytes.copy_from_slice(context.sign().as_ref());
        Sha256Digest::from_bytes(bytes)
    }

    /// Whether `commitment` was made over `value` with this key.
    pub fn is_of(&self, commitment: &Sha256Digest, value: &Value) -> bool {
        constant_time::verify_slices_are_equal(self.commitment(value).as_bytes(), commitment.as_bytes())
            .is_ok()
    }
}

impl fmt::Debug for RedactionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RedactionKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_commitment_is_hmac_sha_256_over_the_domain_and_the_canonical_value() {
        // printf 'proofpack redaction commitment 1\n{"a":"x","b":1}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0707…07
        let key = RedactionKey::from_bytes(&[7; 32]);
        let expected = "83e9bb130b753faf34a84885e6f7c73809517f774fb940846b5ec8e5c686d3c6";
        assert_eq!(key.commitment(&json!({"b": 1, "a": "x"})).to_string(), expected);
    }

    #[test]
    fn equal_values_have_equal_commitments_under_one_key_and_no_other() {
        let keys = [RedactionKey::from_bytes(&[1; 32]), RedactionKey::from_bytes(&[2; 32])];
        let made = keys[0].commitment(&json!("hunter2"));
        assert!(keys[0].is_of(&made, &json!("hunter2")));
        for (key, value) in
            [(&keys[0], json!("hunter3")), (&keys[0], json!(["hunter2"])), (&keys[1], json!("hunter2"))]
        {
            assert!(!key.is_of(&made, &value), "{value}");
        }
    }

    #[test]
    fn a_key_is_read_as_it_was_written_and_nothing_else_is_a_key() {
        let text = RedactionKey::generate().unwrap();
        assert_eq!(text.len(), 65);
        assert_ne!(text, RedactionKey::generate().unwrap());
        let value = json!("x");
        let (one, two) = (RedactionKey::parse(&text).unwrap(), RedactionKey::parse(text.trim()).unwrap());
        assert_eq!(one.commitment(&value), two.commitment(&value));
        for wrong in ["", "\n", &text[1..], &text.to_uppercase(), &format!("{text}{text}")] {
            let error = RedactionKey::parse(wrong).unwrap_err().to_string();
            assert!(!error.contains(text.trim()), "{error}");
        }
        assert_eq!(format!("{one:?}"), "RedactionKey(..)");
    }
}
