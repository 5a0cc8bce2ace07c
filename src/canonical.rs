//! Canonical JSON (RFC 8785) and SHA-256: the one implementation of both.
//!
//! Everything that is hashed, compared or written for good goes through here, so that equal values
//! are equal bytes on every machine.

mod name;
mod serializer;

use serde::Serialize;
use sha2::{Digest, Sha256};

use self::serializer::Text;
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

impl serde::ser::Error for CanonicalError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::Serialize(serde_json::Error::custom(message))
    }
}

/// The canonical JSON text of `value`, without a line end.
///
/// # Errors
/// When the value cannot be represented as JSON, or holds an integer that canonical JSON would alter.
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, CanonicalError> {
    let mut text = Text::default();
    value.serialize(text.writer())?;
    String::from_utf8(text.into_bytes()).map_err(serde::ser::Error::custom)
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    /// Any JSON value: nested, with names that UTF-16 orders otherwise than UTF-8.
    fn any_value() -> impl Strategy<Value = Value> {
        let text = || {
            prop_oneof!["[ -~]{0,6}", "\\PC{0,4}", "[\u{0}-\u{20}\"\\\\\u{7f}\u{e000}\u{ffff}\u{10000}]{0,4}"]
        };
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            (-(1_i64 << 53)..=1 << 53).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            text().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            let members = prop::collection::vec((text(), inner.clone()), 0..6);
            prop_oneof![
                prop::collection::vec(inner, 0..6).prop_map(Value::from),
                members.prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_is_what_the_library_for_rfc_8785_writes(value in any_value()) {
            prop_assert_eq!(to_string(&value).unwrap(), serde_json_canonicalizer::to_string(&value).unwrap());
        }
    }

    #[derive(Serialize)]
    #[serde(rename_all = "kebab-case")]
    enum Sort {
        Zeal,
        One(u8),
        Two(u8, Option<bool>),
        Named { zeta: (), alpha: char },
    }

    #[derive(Serialize)]
    struct Whole<'a> {
        zeta: Vec<Sort>,
        names: BTreeMap<u32, f32>,
        #[serde(flatten)]
        more: BTreeMap<&'a str, i64>,
        bytes: (u8, &'a str),
        nothing: Option<u8>,
    }

    #[test]
    fn types_are_written_as_values_would_be() {
        let sorts = vec![Sort::Zeal, Sort::One(1), Sort::Two(2, None), Sort::Named { zeta: (), alpha: 'ä' }];
        let whole = Whole {
            zeta: sorts,
            names: BTreeMap::from([(9, 0.5), (10, f32::NAN)]),
            more: BTreeMap::from([("alpha", -1), ("zz", 0), ("zeta", 7)]),
            bytes: (1, "\u{1}"),
            nothing: None,
        };
        let value = serde_json::to_value(&whole).unwrap();
        assert_eq!(value["zeta"], 7, "of two members with the same name the later counts");
        assert_eq!(to_string(&whole).unwrap(), serde_json_canonicalizer::to_string(&value).unwrap());
        let no_name = BTreeMap::from([(Some(1), 1)]);
        assert!(matches!(to_string(&no_name), Err(CanonicalError::Serialize(_))));
    }

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
