//! Parameters: the checks' defaults, and what `proofpack.toml` puts in their place.

use std::collections::BTreeMap;

use serde_json::Value;

use super::text;
use crate::catalog::{Catalog, Check, Parameter};
use crate::model::UsedParameter;

/// A parameter that no check and no excerpt rule reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownParameter {
    /// Its name.
    pub name: String,
    /// The parameter that was perhaps meant.
    pub nearest: Option<String>,
}

/// The parameters among `given` that no check and no excerpt rule of the catalog reads, sorted by name.
pub fn unknown_parameters(catalog: &Catalog, given: &BTreeMap<String, Value>) -> Vec<UnknownParameter> {
    let mut known: BTreeMap<&str, &Parameter> = declared(catalog.checks.values());
    let of_rules = catalog.excerpts.values().flat_map(|rule| &rule.parameters);
    known.extend(of_rules.map(|(name, parameter)| (name.as_str(), parameter)));
    given
        .keys()
        .filter(|name| !known.contains_key(name.as_str()))
        .map(|name| UnknownParameter {
            name: name.clone(),
            nearest: text::nearest(name, known.keys().copied()).map(str::to_owned),
        })
        .collect()
}

impl std::fmt::Display for UnknownParameter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "there is no parameter {}", text::safe(&self.name, 80))?;
        match &self.nearest {
            Some(nearest) => write!(formatter, "; is {nearest} meant?"),
            None => write!(formatter, "; `proofpack checks parameters` lists all"),
        }
    }
}

/// All that is wrong with `given`, one line each: parameters that no check reads, and values of another type than
/// their defaults. What is empty here is accepted by an assessment.
pub fn parameter_problems(catalog: &Catalog, given: &BTreeMap<String, Value>) -> Vec<String> {
    let unknown = unknown_parameters(catalog, given);
    let mut problems: Vec<String> = unknown.iter().map(ToString::to_string).collect();
    problems.extend(values(catalog.checks.values(), given).err().into_iter().flatten());
    for rule in catalog.excerpts.values() {
        let faults = rule.filter(given).err().into_iter().flatten();
        problems.extend(faults.map(|fault| format!("the excerpt rule {}: {fault}", rule.id)));
    }
    problems
}

/// The values that `checks` are run with.
///
/// # Errors
/// Every given value that is not of its default's type.
pub(super) fn values<'a>(
    checks: impl Iterator<Item = &'a Check>,
    given: &BTreeMap<String, Value>,
) -> Result<BTreeMap<String, Value>, Vec<String>> {
    let mut problems = Vec::new();
    let mut values = BTreeMap::new();
    for (name, parameter) in declared(checks) {
        let default = &parameter.default;
        let value = match given.get(name) {
            None => default,
            Some(value) if same_type(value, default) => value,
            Some(value) => {
                problems.push(format!(
                    "the parameter {name} is {}, but its default {default} is of another type",
                    text::of_value(value, 80)
                ));
                continue;
            }
        };
        values.insert(name.to_owned(), value.clone());
    }
    if problems.is_empty() { Ok(values) } else { Err(problems) }
}

/// Every parameter of the catalog's checks, with its default as its value.
pub fn default_parameters(catalog: &Catalog) -> BTreeMap<String, UsedParameter> {
    used(catalog.checks.values(), &BTreeMap::new())
}

/// The values of `checks`' parameters with what is known of each.
pub(super) fn used<'a>(
    checks: impl Iterator<Item = &'a Check>,
    values: &BTreeMap<String, Value>,
) -> BTreeMap<String, UsedParameter> {
    let one = |(name, parameter): (&str, &Parameter)| {
        let used = UsedParameter {
            value: values.get(name).unwrap_or(&parameter.default).clone(),
            default: parameter.default.clone(),
            unit: parameter.unit.clone(),
            source: parameter.source.clone(),
        };
        (name.to_owned(), used)
    };
    declared(checks).into_iter().map(one).collect()
}

/// Every parameter once. Of several checks that declare it (with one default: the catalog is held to that), the
/// first that says where its default comes from.
fn declared<'a>(checks: impl Iterator<Item = &'a Check>) -> BTreeMap<&'a str, &'a Parameter> {
    let mut declared: BTreeMap<&str, &Parameter> = BTreeMap::new();
    for (name, parameter) in checks.flat_map(|check| &check.parameters) {
        let known = declared.entry(name).or_insert(parameter);
        if known.source.is_none() && parameter.source.is_some() {
            *known = parameter;
        }
    }
    declared
}

fn same_type(value: &Value, default: &Value) -> bool {
    match (value, default) {
        // A predicate that compares with a list's elements would be quietly false for those of another type.
        (Value::Array(items), Value::Array(defaults)) => match defaults.first() {
            Some(default) => items.iter().all(|item| same_type(item, default)),
            None => true,
        },
        (Value::Number(value), Value::Number(default)) => value.is_f64() == default.is_f64(),
        _ => std::mem::discriminant(value) == std::mem::discriminant(default),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_has_the_type_of_its_default() {
        assert!(same_type(&json!(7), &json!(14)));
        assert!(same_type(&json!(["a"]), &json!(["b", "c"])));
        for (value, default) in [
            (json!("7"), json!(14)),
            (json!([1]), json!(["a"])),
            (json!(1.5), json!(1)),
            (json!(null), json!(true)),
        ] {
            assert!(!same_type(&value, &default), "{value} {default}");
        }
    }
}
