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

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::{Arc, Mutex};

use cel::common::types::{CelBool, CelInt, CelList, CelString};
use cel::common::value::{CowVal, Val};
use cel::{Context, DeclarationError, ExecutionError, FunctionContext};
use chrono::{DateTime, Utc};
use serde_json::Value;

use self::arguments::{failed, json, list, number, numbers, text};
use self::cidr::{Cidr, CidrError};
use self::gathering::{Reach, UnknownMember};
use self::policy::PolicyError;
use self::related::{Viewpoint, World};
use super::engine::values;
use super::references::References;
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
    /// What the expression reads of other resources, among others.
    pub(super) references: Arc<References>,
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

type Outcome = Result<Box<dyn Val>, ExecutionError>;

/// A function in the form that CEL keeps it in.
type Stored = Box<
    dyn for<'context, 'call> Fn(
            &mut FunctionContext<'context, 'call>,
        ) -> Result<CowVal<'context, 'call>, ExecutionError>
        + Send
        + Sync,
>;

/// Makes the functions known to an evaluation that it calls.
pub(super) fn register(
    context: &mut Context<'_, '_>,
    called: &[&'static str],
    host: Host,
) -> Result<(), DeclarationError> {
    let host = Arc::new(host);
    for name in called {
        let function = of_policies(name)
            .or_else(|| of_networks(name))
            .or_else(|| of_texts(name))
            .or_else(|| of_host(name, &host));
        if let Some(function) = function {
            context.add_function::<Stored, Stored>(name, function)?;
        }
    }
    Ok(())
}

/// A function of one argument.
fn one(function: impl Fn(&dyn Val) -> Outcome + Send + Sync + 'static) -> Option<Stored> {
    several(move |[value]| function(value))
}

/// A function of so many arguments.
fn several<const COUNT: usize>(
    function: impl Fn([&dyn Val; COUNT]) -> Outcome + Send + Sync + 'static,
) -> Option<Stored> {
    Some(Box::new(move |call| {
        let arguments: Vec<&dyn Val> = call.args.iter().map(AsRef::as_ref).collect();
        let count = arguments.len();
        let arguments: [&dyn Val; COUNT] =
            arguments.try_into().map_err(|_| ExecutionError::invalid_argument_count(COUNT, count))?;
        function(arguments).map(CowVal::Owned)
    }))
}

fn answer<E: Display>(name: &str, answer: Result<bool, E>) -> Outcome {
    match answer {
        Ok(flag) => Ok(Box::new(CelBool::from(flag))),
        Err(error) => Err(failed(name, error)),
    }
}

fn of_policies(name: &'static str) -> Option<Stored> {
    type Question = fn(&Value) -> Result<bool, PolicyError>;
    type ActionQuestion = fn(&Value, &str) -> Result<bool, PolicyError>;
    let question = |question: Question| one(move |policy| answer(name, question(&json(name, policy)?)));
    let of_action = |question: ActionQuestion| {
        several(move |[policy, action]| answer(name, question(&json(name, policy)?, text(name, action)?)))
    };
    match name {
        "policy_allows_admin" => question(policy_questions::allows_admin),
        "policy_allows_blocked_kms" => question(policy_grants::allows_blocked_kms),
        "policy_allows_full_service" => question(policy_grants::allows_full_service),
        "policy_allows_public" => question(policy_questions::allows_public),
        "policy_denies_insecure_transport" => question(policy_questions::denies_insecure_transport),
        "policy_denies_unencrypted_uploads" => question(policy_questions::denies_unencrypted_uploads),
        "policy_allows" => of_action(policy_grants::allows),
        "policy_denies_everyone" => of_action(policy_grants::denies_everyone),
        "policy_allows_action" => several(move |[policy, action, resource]| {
            let (action, resource) = (text(name, action)?, text(name, resource)?);
            answer(name, policy_grants::allows_action(&json(name, policy)?, action, resource))
        }),
        "policy_cross_account_principals" => several(move |[policy, account]| {
            let found = policy_grants::cross_account_principals(&json(name, policy)?, text(name, account)?);
            found.map(list).map_err(|error| failed(name, error))
        }),
        _ => None,
    }
}

fn of_networks(name: &'static str) -> Option<Stored> {
    let range = move |value: &dyn Val| -> Result<Cidr, ExecutionError> {
        Cidr::parse(text(name, value)?).map_err(|error: CidrError| failed(name, error))
    };
    let flag = |flag: bool| -> Outcome { Ok(Box::new(CelBool::from(flag))) };
    match name {
        "public_cidr" => one(move |value| flag(range(value)?.is_world())),
        "cidr_contains" => several(move |[outer, inner]| flag(range(outer)?.contains(&range(inner)?))),
        "cidr_overlaps" => several(move |[one, other]| {
            let (one, other) = (range(one)?, range(other)?);
            flag(one.contains(&other) || other.contains(&one))
        }),
        "ports_open_to_world" => several(move |[permissions, ports]| {
            let permissions = json(name, permissions)?;
            answer(name, ports::open_to_world(&permissions, &numbers(name, ports)?))
        }),
        "ports_open" => several(move |[permissions, first, last]| {
            let (first, last) = (number(name, first)?, number(name, last)?);
            answer(name, open_ports::any_open(&json(name, permissions)?, first, last))
        }),
        "ports_beyond" => several(move |[permissions, allowed]| {
            let beyond = open_ports::beyond(&json(name, permissions)?, &json(name, allowed)?);
            beyond.map(list).map_err(|error| failed(name, error))
        }),
        _ => None,
    }
}

fn of_texts(name: &'static str) -> Option<Stored> {
    match name {
        "json" => one(move |document| {
            let value: Value = serde_json::from_str(text(name, document)?)
                .map_err(|_| failed(name, "a text that should be JSON is not"))?;
            let mut budget = MOST_NODES;
            values::owned(&value, &mut budget).map_err(|error| failed(name, error))
        }),
        "wildcard_matches" => several(move |[pattern, subject]| {
            let (pattern, subject) = (text(name, pattern)?, text(name, subject)?);
            Ok(Box::new(CelBool::from(wildcards::matches_wildcards(pattern, subject))))
        }),
        "log_pattern_matches" => several(move |[pattern, event]| {
            answer(name, log_pattern::matches(text(name, pattern)?, &json(name, event)?))
        }),
        _ => None,
    }
}

fn of_host(name: &'static str, host: &Arc<Host>) -> Option<Stored> {
    let host = Arc::clone(host);
    let told = move |answer: Result<Box<dyn Val>, String>| answer.map_err(|error| failed(name, error));
    match name {
        "age_days" => one(move |timestamp| match age::age_days(text(name, timestamp)?, host.as_of) {
            Ok(days) => Ok(Box::new(CelInt::from(days))),
            Err(error) => Err(failed(name, error)),
        }),
        "lookup" => several(move |[kind, id]| told(host.lookup(text(name, kind)?, text(name, id)?))),
        "exists" => several(move |[kind, id]| answer(name, host.exists(text(name, kind)?, text(name, id)?))),
        "notifies" => one(move |actions| answer(name, host.notifies(actions))),
        "all" => one(move |kind| told(host.all(text(name, kind)?, Reach::Place))),
        "all_in_account" => one(move |kind| told(host.all(text(name, kind)?, Reach::Account))),
        _ => None,
    }
}

impl Host {
    fn lookup(&self, kind: &str, id: &str) -> Result<Box<dyn Val>, String> {
        let none = BTreeSet::new();
        let wanted = self.references.looked_up.get(kind).unwrap_or(&none);
        let mut used = Vec::new();
        let found = self.world.lookup(&self.viewpoint, kind, id, wanted, &mut used);
        self.record(used);
        let (resource, members) = found.map_err(|error| error.to_string())?;
        let mut budget = MOST_NODES;
        values::owned_resource(resource, members, &mut budget)
    }

    fn exists(&self, kind: &str, id: &str) -> Result<bool, String> {
        let mut used = Vec::new();
        let found = self.world.exists(&self.viewpoint, kind, id, &mut used);
        self.record(used);
        found.map_err(|error| error.to_string())
    }

    /// Whether one of the actions of an alarm is a topic that somebody reads.
    fn notifies(&self, actions: &dyn Val) -> Result<bool, String> {
        let wrong = || "notifies wants a list of ARNs".to_owned();
        let actions = actions.downcast_ref::<CelList<'_>>().ok_or_else(wrong)?;
        let (kind, property) = NOTIFIES_READS;
        let wanted = BTreeSet::from([property.to_owned()]);
        let mut outcome = Ok(false);
        for action in actions.iter() {
            let arn = action.downcast_ref::<CelString<'_>>().ok_or_else(wrong)?.inner();
            if !arn.contains(":sns:") {
                continue;
            }
            let mut used = Vec::new();
            let found = self.world.lookup(&self.viewpoint, kind, arn, &wanted, &mut used);
            self.record(used);
            // A topic that could not be seen does not matter where another tells somebody.
            let count = |value: Option<&&Value>| value.and_then(|value| value.as_array()).map(Vec::len);
            match found.map(|(_, members)| count(members.get(&property.to_owned()))) {
                Ok(Some(0)) => {}
                Ok(Some(_)) => return Ok(true),
                Ok(None) => outcome = outcome.and(Err(format!("{property} of {kind} {arn:?} is not known"))),
                Err(error) => outcome = outcome.and(Err(error.to_string())),
            }
        }
        outcome
    }

    fn all(&self, kind: &str, reach: Reach) -> Result<Box<dyn Val>, String> {
        let none = BTreeSet::new();
        let wanted = self.references.listed.get(kind).unwrap_or(&none);
        let mut used = Vec::new();
        let found = self.world.all(&self.viewpoint, kind, reach, wanted, &mut used);
        self.record(used);
        let gathered = found.map_err(|error| error.to_string())?;
        if let Ok(mut unknown) = self.unknown.lock() {
            unknown.extend(gathered.unknown.iter().cloned());
        }
        Ok(gathered.list.clone_as_boxed())
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
    fn every_function_is_explained_to_who_writes_checks_and_to_who_reads_the_report() {
        let guide = include_str!("../../../CONTRIBUTING.md");
        let report = include_str!("../../../report-templates/audit/functions.toml");
        for (name, _) in FUNCTIONS {
            assert!(guide.contains(&format!("`{name}(")), "{name} is not in CONTRIBUTING.md");
            assert!(report.contains(&format!("\"{name}(")), "{name} is not in functions.toml");
        }
        assert!(FUNCTIONS.is_sorted());
    }
}
