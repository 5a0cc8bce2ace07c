//! The arguments of our functions: CEL's values as plain ones, or an evaluation error that says what was wanted.

use std::fmt::Display;

use cel::{ExecutionError, Value as CelValue};
use serde_json::Value;

/// An evaluation error of the function.
pub(super) fn failed(function: &str, error: impl Display) -> ExecutionError {
    ExecutionError::function_error(function, error)
}

/// A text.
pub(super) fn text<'a>(function: &str, value: &'a CelValue) -> Result<&'a str, ExecutionError> {
    match value {
        CelValue::String(text) => Ok(text.as_str()),
        other => Err(failed(function, format!("{function} wants a text and got a {}", other.type_of()))),
    }
}

/// A whole number.
pub(super) fn number(function: &str, value: &CelValue) -> Result<i64, ExecutionError> {
    match value {
        CelValue::Int(number) => Ok(*number),
        other => {
            Err(failed(function, format!("{function} wants a whole number and got a {}", other.type_of())))
        }
    }
}

/// A list of whole numbers.
pub(super) fn numbers(function: &str, value: &CelValue) -> Result<Vec<i64>, ExecutionError> {
    let wrong = || failed(function, format!("{function} wants a list of whole numbers"));
    let CelValue::List(items) = value else { return Err(wrong()) };
    items
        .iter()
        .map(|item| match item {
            CelValue::Int(number) => Ok(*number),
            _ => Err(wrong()),
        })
        .collect()
}

/// Any value, as JSON.
pub(super) fn json(function: &str, value: &CelValue) -> Result<Value, ExecutionError> {
    value.json().map_err(|_| failed(function, "a value has no JSON form"))
}

/// A list of texts as CEL sees it.
pub(super) fn list(texts: Vec<String>) -> CelValue {
    CelValue::List(std::sync::Arc::new(texts.into_iter().map(CelValue::from).collect()))
}
