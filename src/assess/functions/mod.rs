//! The functions that expressions may call, and their bridge to CEL. The logic is pure Rust in the modules
//! below; a value that they cannot decide becomes an evaluation error, and that an indeterminate finding.

pub(crate) mod age;
pub(crate) mod cidr;
pub(crate) mod policy;
pub(crate) mod policy_questions;
#[cfg(test)]
mod policy_tests;
pub(crate) mod ports;
pub(crate) mod related;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Display;
use std::sync::{Arc, Mutex};

use cel::objects::Key;
use cel::{Context, DeclarationError, ExecutionError, Value as CelValue};
use chrono::{DateTime, Utc};
use serde_json::Value;

use self::policy::PolicyError;
use self::related::{Viewpoint, World};
use super::engine;
use crate::model::RecordId;

/// Our functions and how many arguments each takes.
pub(super) const FUNCTIONS: [(&str, usize); 9] = [
    ("age_days", 1),
    ("exists", 2),
    ("lookup", 2),
    ("policy_allows_admin", 1),
    ("policy_allows_public", 1),
    ("policy_denies_insecure_transport", 1),
    ("policy_denies_unencrypted_uploads", 1),
    ("ports_open_to_world", 2),
    ("public_cidr", 1),
];

/// What the functions of one evaluation work on.
pub(super) struct Host {
    /// All resources.
    pub(super) world: Arc<World>,
    /// Who asks.
    pub(super) viewpoint: Viewpoint,
    /// Members that the expression reads of other resources, by kind.
    pub(super) wanted: BTreeMap<String, BTreeSet<String>>,
    /// The instant at which ages are judged.
    pub(super) as_of: DateTime<Utc>,
    /// Where records go that an answer rests on.
    pub(super) used: Arc<Mutex<Vec<RecordId>>>,
}

type Outcome = Result<CelValue, ExecutionError>;

/// Makes the functions known to an evaluation.
pub(super) fn register(context: &mut Context<'_, '_>, host: Host) -> Result<(), DeclarationError> {
    policy_function(context, "policy_allows_admin", policy_questions::allows_admin)?;
    policy_function(context, "policy_allows_public", policy_questions::allows_public)?;
    policy_function(
        context,
        "policy_denies_insecure_transport",
        policy_questions::denies_insecure_transport,
    )?;
    policy_function(
        context,
        "policy_denies_unencrypted_uploads",
        policy_questions::denies_unencrypted_uploads,
    )?;
    let as_of = host.as_of;
    context.add_function("age_days", move |timestamp: CelValue| -> Outcome {
        let text = text("age_days", &timestamp)?;
        age::age_days(text, as_of).map(CelValue::Int).map_err(|error| failed("age_days", error))
    })?;
    context.add_function("public_cidr", |range: CelValue| -> Outcome {
        let range =
            cidr::Cidr::parse(text("public_cidr", &range)?).map_err(|error| failed("public_cidr", error))?;
        Ok(CelValue::Bool(range.is_world()))
    })?;
    context.add_function("ports_open_to_world", |permissions: CelValue, ports: CelValue| -> Outcome {
        let name = "ports_open_to_world";
        let permissions = json(name, &permissions)?;
        let ports = numbers(name, &ports)?;
        ports::open_to_world(&permissions, &ports).map(CelValue::Bool).map_err(|error| failed(name, error))
    })?;
    let host = Arc::new(host);
    let looking = Arc::clone(&host);
    context.add_function("lookup", move |kind: CelValue, id: CelValue| -> Outcome {
        looking.lookup(text("lookup", &kind)?, text("lookup", &id)?).map_err(|error| failed("lookup", error))
    })?;
    context.add_function("exists", move |kind: CelValue, id: CelValue| -> Outcome {
        host.exists(text("exists", &kind)?, text("exists", &id)?).map_err(|error| failed("exists", error))
    })
}

impl Host {
    fn lookup(&self, kind: &str, id: &str) -> Result<CelValue, String> {
        let none = BTreeSet::new();
        let wanted = self.wanted.get(kind).unwrap_or(&none);
        let mut used = Vec::new();
        let found = self.world.lookup(&self.viewpoint, kind, id, wanted, &mut used);
        self.record(used);
        let (resource, members) = found.map_err(|error| error.to_string())?;
        let mut budget = 100_000;
        let mut map: HashMap<Key, CelValue> = HashMap::new();
        for (name, value) in &members {
            map.insert(Key::from(name.clone()), engine::to_cel(value, 0, &mut budget)?);
        }
        for (name, value) in engine::built_in(resource) {
            map.insert(Key::from(name), engine::to_cel(&value, 0, &mut budget)?);
        }
        Ok(CelValue::from(map))
    }

    fn exists(&self, kind: &str, id: &str) -> Result<CelValue, String> {
        let mut used = Vec::new();
        let found = self.world.exists(&self.viewpoint, kind, id, &mut used);
        self.record(used);
        found.map(CelValue::Bool).map_err(|error| error.to_string())
    }

    fn record(&self, used: Vec<RecordId>) {
        // A poisoned lock means that another function panicked, and then there is no result to prove.
        if let Ok(mut all) = self.used.lock() {
            all.extend(used);
        }
    }
}

fn policy_function(
    context: &mut Context<'_, '_>,
    name: &'static str,
    question: fn(&Value) -> Result<bool, PolicyError>,
) -> Result<(), DeclarationError> {
    context.add_function(name, move |policy: CelValue| -> Outcome {
        question(&json(name, &policy)?).map(CelValue::Bool).map_err(|error| failed(name, error))
    })
}

fn text<'a>(function: &str, value: &'a CelValue) -> Result<&'a str, ExecutionError> {
    match value {
        CelValue::String(text) => Ok(text.as_str()),
        other => Err(failed(function, format!("{function} wants a text and got a {}", other.type_of()))),
    }
}

fn numbers(function: &str, value: &CelValue) -> Result<Vec<i64>, ExecutionError> {
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

fn json(function: &str, value: &CelValue) -> Result<Value, ExecutionError> {
    value.json().map_err(|_| failed(function, "a value has no JSON form"))
}

fn failed(function: &str, error: impl Display) -> ExecutionError {
    ExecutionError::function_error(function, error)
}
