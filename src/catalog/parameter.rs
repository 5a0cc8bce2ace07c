//! Parameters of checks: thresholds that an organization may set to its own.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A threshold's default: `days = 90`, or `days = { default = 90, unit = "days", source = "..." }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// The value where `proofpack.toml` sets no other.
    pub default: Value,
    /// What it counts: `days`, `seconds`, `characters`; `None` where its name says it.
    pub unit: Option<String>,
    /// Where the default comes from: a benchmark, a recommendation of AWS, a decision of this catalog.
    pub source: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    default: Value,
    unit: Option<String>,
    source: Option<String>,
}

impl From<Value> for Parameter {
    fn from(default: Value) -> Self {
        Self { default, unit: None, source: None }
    }
}

impl<'de> Deserialize<'de> for Parameter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if !value.is_object() {
            return Ok(value.into());
        }
        let table: Table = serde_json::from_value(value).map_err(serde::de::Error::custom)?;
        Ok(Self { default: table.default, unit: table.unit, source: table.source })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_parameter_is_a_value_or_a_table_around_one() {
        let read = |text: &str| toml::from_str::<BTreeMap<String, Parameter>>(text);
        let read = |text: &str| read(text).map(|mut all| all.remove("days").unwrap());
        assert_eq!(read("days = 90").unwrap(), json!(90).into());
        assert_eq!(read("days = [1, 2]").unwrap(), json!([1, 2]).into());
        let whole = read("days = { default = 90, unit = \"days\", source = \"Why\" }").unwrap();
        assert_eq!(whole.default, json!(90));
        assert_eq!((whole.unit.as_deref(), whole.source.as_deref()), (Some("days"), Some("Why")));
        for wrong in ["days = { unit = \"days\" }", "days = { default = 1, units = \"days\" }"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
