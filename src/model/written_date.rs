//! Dates in the files that people write: TOML's own dates, or text.

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Date(toml::value::Datetime),
    Text(String),
}

impl Written {
    fn read<E: serde::de::Error>(self) -> Result<NaiveDate, E> {
        let text = match self {
            Self::Date(date) => date.to_string(),
            Self::Text(text) => text,
        };
        NaiveDate::parse_from_str(&text, "%Y-%m-%d")
            .map_err(|_| E::custom(format!("{text:?} is not a date such as 2026-12-31")))
    }
}

/// For `deserialize_with`: a date that must be there.
///
/// # Errors
/// When it is no date.
pub fn required<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
    Written::deserialize(deserializer)?.read()
}

/// For `deserialize_with` beside `default`: a date that may be left out.
///
/// # Errors
/// When it is there and no date.
pub fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    Option::<Written>::deserialize(deserializer)?.map(Written::read).transpose()
}
