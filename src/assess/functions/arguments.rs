//! The arguments of our functions: CEL's values as plain ones, or an evaluation error that says what was wanted.

use std::fmt::Display;

use cel::common::types::{CelBool, CelInt, CelList, CelMap, CelMapKey, CelString};
use cel::common::value::Val;
use cel::{ExecutionError, Value as CelValue};
use serde_json::{Map, Value};

/// An evaluation error of the function.
pub(super) fn failed(function: &str, error: impl Display) -> ExecutionError {
    ExecutionError::function_error(function, error)
}

/// What sort of value one is.
fn sort(value: &dyn Val) -> String {
    CelValue::try_from(value).map_or_else(|_| "value".to_owned(), |value| value.type_of().to_string())
}

/// A text.
pub(super) fn text<'a>(function: &str, value: &'a dyn Val) -> Result<&'a str, ExecutionError> {
    match value.downcast_ref::<CelString<'_>>() {
        Some(text) => Ok(text.inner()),
        None => Err(failed(function, format!("{function} wants a text and got a {}", sort(value)))),
    }
}

/// A whole number.
pub(super) fn number(function: &str, value: &dyn Val) -> Result<i64, ExecutionError> {
    match value.downcast_ref::<CelInt>() {
        Some(number) => Ok(*number.inner()),
        None => Err(failed(function, format!("{function} wants a whole number and got a {}", sort(value)))),
    }
}

/// A list of whole numbers.
pub(super) fn numbers(function: &str, value: &dyn Val) -> Result<Vec<i64>, ExecutionError> {
    let wrong = || failed(function, format!("{function} wants a list of whole numbers"));
    let items = value.downcast_ref::<CelList<'_>>().ok_or_else(wrong)?;
    items
        .iter()
        .map(|item| item.downcast_ref::<CelInt>().map(|number| *number.inner()).ok_or_else(wrong))
        .collect()
}

/// Any value, as JSON.
pub(super) fn json(function: &str, value: &dyn Val) -> Result<Value, ExecutionError> {
    if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        return Ok(Value::from(text.inner()));
    }
    if let Some(flag) = value.downcast_ref::<CelBool>() {
        return Ok(Value::from(*flag.inner()));
    }
    if let Some(number) = value.downcast_ref::<CelInt>() {
        return Ok(Value::from(*number.inner()));
    }
    if let Some(list) = value.downcast_ref::<CelList<'_>>() {
        return list.iter().map(|item| json(function, &**item)).collect();
    }
    if let Some(members) = value.downcast_ref::<CelMap<'_>>()
        && members.keys().all(|name| matches!(name, CelMapKey::String(_)))
    {
        let mut object = Map::new();
        for (name, member) in named(members) {
            object.insert(name.to_owned(), json(function, member)?);
        }
        return Ok(Value::Object(object));
    }
    let value = CelValue::try_from(value).ok().and_then(|value| value.json().ok());
    value.ok_or_else(|| failed(function, "a value has no JSON form"))
}

/// The members of a map by their names, in order: CEL's maps have none.
fn named<'a>(members: &'a CelMap<'_>) -> Vec<(&'a str, &'a dyn Val)> {
    let texts = members.iter().filter_map(|(name, member)| match name {
        CelMapKey::String(name) => Some((name.inner(), &**member)),
        _ => None,
    });
    let mut named: Vec<(&str, &dyn Val)> = texts.collect();
    named.sort_unstable_by_key(|(name, _)| *name);
    named
}

/// A list of texts as CEL sees it.
pub(super) fn list(texts: Vec<String>) -> Box<dyn Val> {
    let texts = texts.into_iter().map(|text| Box::new(CelString::from(text)) as Box<dyn Val>);
    Box::new(CelList::from(texts.collect::<Vec<_>>()))
}
