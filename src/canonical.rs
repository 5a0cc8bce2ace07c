//! Canonical JSON (RFC 8785) and SHA-256: the one implementation of both.
//!
//! Everything that is hashed, compared or written for good goes through here, so that equal values
//! are equal bytes on every machine.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::model::Sha256Digest;

/// Integers beyond this are not exact in the IEEE double that RFC 8785 prescribes for numbers.
const LARGEST_EXACT_INTEGER: u64 = 1 << 53;

/// Why a value has no canonical form.
#[derive(Debug, thiserror::Error)]
pub enum CanonicalError {
    /// RFC 8785 numbers are IEEE doubles; this integer would be altered by becoming one.
    #[error("the integer {0} has no exact canonical form (RFC 8785 numbers are IEEE doubles)")]
    InexactInteger(String),
    /// The value could not be turned into JSON at all.
    #[error("not representable as JSON: {0}")]
    Serialize(#[from] serde_json::Error),
}

/// The canonical JSON text of `value`, without a line end.
///
/// # Errors
/// When the value cannot be represented as JSON, or holds an integer that canonical JSON would alter.
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, CanonicalError> {
    let value = serde_json::to_value(value)?;
    refuse_inexact(&value)?;
    Ok(serde_json_canonicalizer::to_string(&value)?)
}

/// The canonical JSON bytes of `value` followed by a line feed: how single-document files are written.
///
/// # Errors
/// As [`to_string`].
pub fn to_file_bytes<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    let mut text = to_string(value)?;
    text.push('\n');
    Ok(text.into_bytes())
}

/// SHA-256 of `bytes` (FIPS 180-4).
pub fn sha256(bytes: &[u8]) -> Sha256Digest {
    Sha256Digest::from_bytes(Sha256::digest(bytes).into())
}

/// SHA-256 over everything that `reader` yields, and how many bytes that was.
///
/// # Errors
/// Those of the reader.
pub fn sha256_reader(reader: &mut dyn std::io::Read) -> std::io::Result<(Sha256Digest, u64)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0_u8; 64 * 1024];
    let mut total = 0_u64;
    loop {
        let read = reader.read(&mut buffer)?;
        if read == 0 {
            return Ok((Sha256Digest::from_bytes(hasher.finalize().into()), total));
        }
        hasher.update(&buffer[..read]);
        total += read as u64;
    }
}

fn refuse_inexact(value: &Value) -> Result<(), CanonicalError> {
    match value {
        Value::Number(number) => {
            let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            match magnitude {
                Some(m) if m > LARGEST_EXACT_INTEGER => {
                    Err(CanonicalError::InexactInteger(number.to_string()))
                }
                _ => Ok(()),
            }
        }
        Value::Array(items) => items.iter().try_for_each(refuse_inexact),
        Value::Object(members) => members.values().try_for_each(refuse_inexact),
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_are_sorted_and_spacing_is_gone() {
        let text = to_string(&json!({"b": [1, 2.5, "\u{20ac}"], "a": null})).unwrap();
        assert_eq!(text, r#"{"a":null,"b":[1,2.5,"€"]}"#);
    }

    #[test]
    fn an_integer_that_a_double_cannot_hold_is_refused_not_rounded() {
        assert!(to_string(&json!([9_007_199_254_740_992_u64])).is_ok());
        for value in [json!({"a": [9_007_199_254_740_993_u64]}), json!(-9_007_199_254_740_993_i64)] {
            assert!(matches!(to_string(&value), Err(CanonicalError::InexactInteger(_))));
        }
    }

    #[test]
    fn sha256_of_the_fips_180_example() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc").to_string(), expected);
        let (digest, length) = sha256_reader(&mut &b"abc"[..]).unwrap();
        assert_eq!((digest.to_string().as_str(), length), (expected, 3));
    }
}
