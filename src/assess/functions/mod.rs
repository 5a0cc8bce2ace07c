//! The functions that expressions may call, and their bridge to CEL. The logic is pure Rust in the modules
//! below; a value that they cannot decide becomes an evaluation error, and that an indeterminate finding.
//!
//! What each function says is written where its logic is: policies in `policy_questions` and `policy_grants`,
//! address ranges in `cidr`, ports in `ports` and `open_ports`, other resources in `related` and `gathering`,
//! filter patterns of logs in `log_pattern`.

pub(crate) mod age;
mod arguments;
pub(crate) mod cidr;
pub(crate) mod gathering;
pub(crate) mod log_pattern;
mod log_pattern_syntax;
#[cfg(test)]
mod log_pattern_tests;
pub(crate) mod open_ports;
pub(crate) mod policy;
pub(crate) mod policy_conditions;
#[cfg(test)]
mod policy_examples;
pub(crate) mod policy_grants;
pub(crate) mod policy_questions;
#[cfg(test)]
mod policy_tests;
pub(crate) mod ports;
pub(crate) mod related;
pub(crate) mod wildcards;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use cel::{Context, DeclarationError, ExecutionError, Value as CelValue};
use chrono::{DateTime, Utc};
use serde_json::Value;

use self::arguments::{failed, json, list, number, numbers, text};
use self::cidr::{Cidr, CidrError};
use self::gathering::{Reach, UnknownMember};
use self::policy::PolicyError;
use self::related::{Viewpoint, World};
use super::engine;
use crate::model::RecordId;

/// Our functions and how many arguments each takes.
pub(super) const FUNCTIONS: [(&str, usize); 25] = [
    ("age_days", 1),
    ("all", 1),
    ("all_in_account", 1),
    ("cidr_contains", 2),
    ("cidr_overlaps", 2),
    ("exists", 2),
    ("json", 1),
    ("log_pattern_matches", 2),
    ("lookup", 2),
    ("notifies", 1),
    ("policy_allows", 2),
    ("policy_allows_action", 3),
    ("policy_allows_admin", 1),
    ("policy_allows_blocked_kms", 1),
    ("policy_allows_full_service", 1),
    ("policy_allows_public", 1),
    ("policy_cross_account_principals", 2),
    ("policy_denies_everyone", 2),
    ("policy_denies_insecure_transport", 1),
    ("policy_denies_unencrypted_uploads", 1),
    ("ports_beyond", 2),
    ("ports_open", 3),
    ("ports_open_to_world", 2),
    ("public_cidr", 1),
    ("wildcard_matches", 2),
];

/// What the functions of one evaluation work on.
pub(super) struct Host {
    /// All resources.
    pub(super) world: Arc<World>,
    /// Who asks.
    pub(super) viewpoint: Viewpoint,
    /// Members that the expression reads of resources that it looks up, by kind.
    pub(super) looked_up: BTreeMap<String, BTreeSet<String>>,
    /// Members that the expression reads of all resources of a kind, by kind.
    pub(super) listed: BTreeMap<String, BTreeSet<String>>,
    /// The instant at which ages are judged.
    pub(super) as_of: DateTime<Utc>,
    /// Where records go that an answer rests on.
    pub(super) used: Arc<Mutex<Vec<RecordId>>>,
    /// Where members go that are not known of one of all resources of a kind.
    pub(super) unknown: Arc<Mutex<Vec<UnknownMember>>>,
}

/// What `notifies` looks up.
pub(super) const NOTIFIES_READS: (&str, &str) = ("sns-topic", "confirmed_subscriptions");

/// The most values that what one call gives may hold.
const MOST_NODES: usize = 100_000;

type Outcome = Result<CelValue, ExecutionError>;

/// Makes the functions known to an evaluation.
pub(super) fn register(context: &mut Context<'_, '_>, host: Host) -> Result<(), DeclarationError> {
    register_policies(context)?;
    register_networks(context)?;
    register_texts(context)?;
    let as_of = host.as_of;
    context.add_function("age_days", move |timestamp: CelValue| -> Outcome {
        let text = text("age_days", &timestamp)?;
        age::age_days(text, as_of).map(CelValue::Int).map_err(|error| failed("age_days", error))
    })?;
    let host = Arc::new(host);
    let looking = Arc::clone(&host);
    context.add_function("lookup", move |kind: CelValue, id: CelValue| -> Outcome {
        looking.lookup(text("lookup", &kind)?, text("lookup", &id)?).map_err(|error| failed("lookup", error))
    })?;
    for (name, reach) in [("all", Reach::Place), ("all_in_account", Reach::Account)] {
        let gathering = Arc::clone(&host);
        context.add_function(name, move |kind: CelValue| -> Outcome {
            gathering.all(text(name, &kind)?, reach).map_err(|error| failed(name, error))
        })?;
    }
    let notifying = Arc::clone(&host);
    context.add_function("notifies", move |actions: CelValue| -> Outcome {
        notifying.notifies(&actions).map_err(|error| failed("notifies", error))
    })?;
    context.add_function("exists", move |kind: CelValue, id: CelValue| -> Outcome {
        host.exists(text("exists", &kind)?, text("exists", &id)?).map_err(|error| failed("exists", error))
    })
}

fn register_policies(context: &mut Context<'_, '_>) -> Result<(), DeclarationError> {
    type Question = fn(&Value) -> Result<bool, PolicyError>;
    let questions: [(&'static str, Question); 6] = [
        ("policy_allows_admin", policy_questions::allows_admin),
        ("policy_allows_blocked_kms", policy_grants::allows_blocked_kms),
        ("policy_allows_full_service", policy_grants::allows_full_service),
        ("policy_allows_public", policy_questions::allows_public),
        ("policy_denies_insecure_transport", policy_questions::denies_insecure_transport),
        ("policy_denies_unencrypted_uploads", policy_questions::denies_unencrypted_uploads),
    ];
    for (name, question) in questions {
        context.add_function(name, move |policy: CelValue| -> Outcome {
            question(&json(name, &policy)?).map(CelValue::Bool).map_err(|error| failed(name, error))
        })?;
    }
    type ActionQuestion = fn(&Value, &str) -> Result<bool, PolicyError>;
    let of_actions: [(&'static str, ActionQuestion); 2] = [
        ("policy_allows", policy_grants::allows),
        ("policy_denies_everyone", policy_grants::denies_everyone),
    ];
    for (name, question) in of_actions {
        context.add_function(name, move |policy: CelValue, action: CelValue| -> Outcome {
            let answer = question(&json(name, &policy)?, text(name, &action)?);
            answer.map(CelValue::Bool).map_err(|error| failed(name, error))
        })?;
    }
    context.add_function(
        "policy_allows_action",
        |policy: CelValue, action: CelValue, resource: CelValue| -> Outcome {
            let name = "policy_allows_action";
            let (action, resource) = (text(name, &action)?, text(name, &resource)?);
            let allowed = policy_grants::allows_action(&json(name, &policy)?, action, resource);
            allowed.map(CelValue::Bool).map_err(|error| failed(name, error))
        },
    )?;
    context.add_function(
        "policy_cross_account_principals",
        |policy: CelValue, account: CelValue| -> Outcome {
            let name = "policy_cross_account_principals";
            let found = policy_grants::cross_account_principals(&json(name, &policy)?, text(name, &account)?);
            found.map(list).map_err(|error| failed(name, error))
        },
    )
}

fn register_networks(context: &mut Context<'_, '_>) -> Result<(), DeclarationError> {
    let range = |name: &'static str, value: &CelValue| -> Result<Cidr, ExecutionError> {
        Cidr::parse(text(name, value)?).map_err(|error: CidrError| failed(name, error))
    };
    context.add_function("public_cidr", move |one: CelValue| -> Outcome {
        Ok(CelValue::Bool(range("public_cidr", &one)?.is_world()))
    })?;
    context.add_function("cidr_contains", move |outer: CelValue, inner: CelValue| -> Outcome {
        let (outer, inner) = (range("cidr_contains", &outer)?, range("cidr_contains", &inner)?);
        Ok(CelValue::Bool(outer.contains(&inner)))
    })?;
    context.add_function("cidr_overlaps", move |one: CelValue, other: CelValue| -> Outcome {
        let (one, other) = (range("cidr_overlaps", &one)?, range("cidr_overlaps", &other)?);
        Ok(CelValue::Bool(one.contains(&other) || other.contains(&one)))
    })?;
    context.add_function("ports_open_to_world", |permissions: CelValue, ports: CelValue| -> Outcome {
        let name = "ports_open_to_world";
        let permissions = json(name, &permissions)?;
        let ports = numbers(name, &ports)?;
        ports::open_to_world(&permissions, &ports).map(CelValue::Bool).map_err(|error| failed(name, error))
    })?;
    context.add_function(
        "ports_open",
        |permissions: CelValue, first: CelValue, last: CelValue| -> Outcome {
            let name = "ports_open";
            let (first, last) = (number(name, &first)?, number(name, &last)?);
            let open = open_ports::any_open(&json(name, &permissions)?, first, last);
            open.map(CelValue::Bool).map_err(|error| failed(name, error))
        },
    )?;
    context.add_function("ports_beyond", |permissions: CelValue, allowed: CelValue| -> Outcome {
        let name = "ports_beyond";
        let beyond = open_ports::beyond(&json(name, &permissions)?, &json(name, &allowed)?);
        beyond.map(list).map_err(|error| failed(name, error))
    })
}

fn register_texts(context: &mut Context<'_, '_>) -> Result<(), DeclarationError> {
    context.add_function("json", |document: CelValue| -> Outcome {
        let value: Value = serde_json::from_str(text("json", &document)?)
            .map_err(|_| failed("json", "a text that should be JSON is not"))?;
        {
            let mut budget = MOST_NODES;
            engine::to_cel(&value, 0, &mut budget)
        }
        .map_err(|error| failed("json", error))
    })?;
    context.add_function("wildcard_matches", |pattern: CelValue, subject: CelValue| -> Outcome {
        let name = "wildcard_matches";
        let (pattern, subject) = (text(name, &pattern)?, text(name, &subject)?);
        Ok(CelValue::Bool(wildcards::matches_wildcards(pattern, subject)))
    })?;
    context.add_function("log_pattern_matches", |pattern: CelValue, event: CelValue| -> Outcome {
        let name = "log_pattern_matches";
        let matched = log_pattern::matches(text(name, &pattern)?, &json(name, &event)?);
        matched.map(CelValue::Bool).map_err(|error| failed(name, error))
    })
}

impl Host {
    fn lookup(&self, kind: &str, id: &str) -> Result<CelValue, String> {
        let none = BTreeSet::new();
        let wanted = self.looked_up.get(kind).unwrap_or(&none);
        let mut used = Vec::new();
        let found = self.world.lookup(&self.viewpoint, kind, id, wanted, &mut used);
        self.record(used);
        let (resource, members) = found.map_err(|error| error.to_string())?;
        let mut budget = MOST_NODES;
        engine::members_of(resource, &members, &mut budget)
    }

    fn exists(&self, kind: &str, id: &str) -> Result<CelValue, String> {
        let mut used = Vec::new();
        let found = self.world.exists(&self.viewpoint, kind, id, &mut used);
        self.record(used);
        found.map(CelValue::Bool).map_err(|error| error.to_string())
    }

    /// Whether one of the actions of an alarm is a topic that somebody reads.
    fn notifies(&self, actions: &CelValue) -> Result<CelValue, String> {
        let wrong = || "notifies wants a list of ARNs".to_owned();
        let CelValue::List(actions) = actions else { return Err(wrong()) };
        let (kind, property) = NOTIFIES_READS;
        let wanted = BTreeSet::from([property.to_owned()]);
        let mut outcome = Ok(CelValue::Bool(false));
        for action in actions.iter() {
            let CelValue::String(arn) = action else { return Err(wrong()) };
            if !arn.contains(":sns:") {
                continue;
            }
            let mut used = Vec::new();
            let found = self.world.lookup(&self.viewpoint, kind, arn, &wanted, &mut used);
            self.record(used);
            // A topic that could not be seen does not matter where another tells somebody.
            match found.map(|(_, members)| members.get(property).and_then(Value::as_array).map(Vec::len)) {
                Ok(Some(0)) => {}
                Ok(Some(_)) => return Ok(CelValue::Bool(true)),
                Ok(None) => outcome = outcome.and(Err(format!("{property} of {kind} {arn:?} is not known"))),
                Err(error) => outcome = outcome.and(Err(error.to_string())),
            }
        }
        outcome
    }

    fn all(&self, kind: &str, reach: Reach) -> Result<CelValue, String> {
        let none = BTreeSet::new();
        let wanted = self.listed.get(kind).unwrap_or(&none);
        let mut used = Vec::new();
        let found = self.world.all(&self.viewpoint, kind, reach, wanted, &mut used);
        self.record(used);
        let gathered = found.map_err(|error| error.to_string())?;
        if let Ok(mut unknown) = self.unknown.lock() {
            unknown.extend(gathered.unknown.iter().cloned());
        }
        Ok(gathered.list.clone())
    }

    fn record(&self, used: Vec<RecordId>) {
        // A poisoned lock means that another function panicked, and then there is no result to prove.
        if let Ok(mut all) = self.used.lock() {
            all.extend(used);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FUNCTIONS;

    #[test]
    fn every_function_is_explained_to_who_writes_checks() {
        let text = include_str!("../../../CONTRIBUTING.md");
        for (name, _) in FUNCTIONS {
            assert!(text.contains(&format!("`{name}(")), "{name} is not in CONTRIBUTING.md");
        }
        assert!(FUNCTIONS.is_sorted());
    }
}
