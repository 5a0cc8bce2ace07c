//! Parameters of calls: the catalog's values with their templates compiled, ready to be filled in.

use std::collections::BTreeMap;

use jmespath::Rcvar;
use serde_json::Value;

use crate::catalog::{Template, TemplateError};

/// A parameter's value.
#[derive(Debug)]
enum Parameter {
    Text(Template, String),
    List(Vec<Parameter>),
    Object(BTreeMap<String, Parameter>),
    Fixed(Value),
}

/// The parameters of a call, by name.
#[derive(Debug)]
pub(super) struct Parameters(BTreeMap<String, Parameter>);

impl Parameters {
    pub(super) fn compile(members: &BTreeMap<String, Value>) -> Result<Self, TemplateError> {
        compile(members.iter()).map(Self)
    }

    /// The parameters, filled in. What cannot be filled in stays as the catalog has it and sets `problem`.
    pub(super) fn fill(&self, around: &Rcvar, problem: &mut Option<String>) -> Value {
        fill(&self.0, around, problem)
    }

    /// The parameters as the catalog has them.
    pub(super) fn unfilled(&self) -> Value {
        unfilled(&self.0)
    }
}

impl Parameter {
    fn compile(value: &Value) -> Result<Self, TemplateError> {
        Ok(match value {
            Value::String(text) => Self::Text(Template::parse(text)?, text.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::compile).collect::<Result<_, _>>()?),
            Value::Object(members) => Self::Object(compile(members.iter())?),
            fixed @ (Value::Null | Value::Bool(_) | Value::Number(_)) => Self::Fixed(fixed.clone()),
        })
    }

    fn fill(&self, around: &Rcvar, problem: &mut Option<String>) -> Value {
        match self {
            Self::Text(template, written) => template.value_from(around).unwrap_or_else(|error| {
                problem.get_or_insert(error.to_string());
                Value::String(written.clone())
            }),
            Self::List(items) => items.iter().map(|item| item.fill(around, problem)).collect(),
            Self::Object(members) => fill(members, around, problem),
            Self::Fixed(value) => value.clone(),
        }
    }

    fn unfilled(&self) -> Value {
        match self {
            Self::Text(_, written) => Value::String(written.clone()),
            Self::List(items) => items.iter().map(Self::unfilled).collect(),
            Self::Object(members) => unfilled(members),
            Self::Fixed(value) => value.clone(),
        }
    }
}

fn compile<'a>(
    members: impl Iterator<Item = (&'a String, &'a Value)>,
) -> Result<BTreeMap<String, Parameter>, TemplateError> {
    members.map(|(name, value)| Ok((name.clone(), Parameter::compile(value)?))).collect()
}

fn fill(members: &BTreeMap<String, Parameter>, around: &Rcvar, problem: &mut Option<String>) -> Value {
    Value::Object(members.iter().map(|(name, value)| (name.clone(), value.fill(around, problem))).collect())
}

fn unfilled(members: &BTreeMap<String, Parameter>) -> Value {
    Value::Object(members.iter().map(|(name, value)| (name.clone(), value.unfilled())).collect())
}
