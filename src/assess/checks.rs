//! The catalog's checks, compiled, and everything about them that can be wrong before there is evidence.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::engine::{BUILT_IN, Engine, Program};
use super::message::Message;
use crate::catalog::{Catalog, Check};

/// A check whose expressions are compiled.
pub(super) struct CompiledCheck<'a> {
    /// The check.
    pub(super) check: &'a Check,
    /// Which resources it is about.
    pub(super) applies: Option<Program>,
    /// Its predicate.
    pub(super) expression: Program,
    /// What a failure says.
    pub(super) message: Message,
}

/// Compiles all checks of the catalog.
///
/// # Errors
/// Every problem found, each with its file.
pub(super) fn compile<'a>(
    catalog: &'a Catalog,
    engine: &Engine,
) -> Result<BTreeMap<&'a str, CompiledCheck<'a>>, Vec<String>> {
    let mut problems = Vec::new();
    let mut compiled = BTreeMap::new();
    for check in catalog.checks.values() {
        match compile_one(catalog, engine, check) {
            Ok(ready) => {
                compiled.insert(check.id.as_str(), ready);
            }
            Err(found) => {
                problems
                    .extend(found.into_iter().map(|problem| format!("checks/{}.toml: {problem}", check.id)));
            }
        }
    }
    problems.extend(conflicting_defaults(catalog));
    if problems.is_empty() { Ok(compiled) } else { Err(problems) }
}

fn compile_one<'a>(
    catalog: &Catalog,
    engine: &Engine,
    check: &'a Check,
) -> Result<CompiledCheck<'a>, Vec<String>> {
    let mut problems = Vec::new();
    let of_the_kind = properties_of(catalog, &check.resource);
    let needed: BTreeSet<&str> = check.needs.iter().map(String::as_str).collect();
    let mut program =
        |member: &str, text: &str, readable: &BTreeSet<&str>, source: &str| match engine.compile(text) {
            Ok(program) => {
                let found = unknown_names(catalog, check, &program, readable, source);
                problems.extend(found.into_iter().map(|problem| format!("{member}: {problem}")));
                Some(program)
            }
            Err(found) => {
                problems.extend(found.into_iter().map(|problem| format!("{member}: {problem}")));
                None
            }
        };
    let expression = program("expression", &check.expression, &needed, "needs");
    let kind = check.resource.as_str();
    let applies = check.applies.as_deref().map(|text| program("applies", text, &of_the_kind, kind));
    let message = match Message::parse(&check.message) {
        Ok(message) => {
            let found = unreadable(&of_the_kind, kind, message.properties());
            problems.extend(
                found.chain(undeclared(check, message.parameters())).map(|p| format!("message: {p}")),
            );
            Some(message)
        }
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    match (expression, applies, message) {
        (Some(expression), None, Some(message)) if problems.is_empty() => {
            Ok(CompiledCheck { check, applies: None, expression, message })
        }
        (Some(expression), Some(Some(applies)), Some(message)) if problems.is_empty() => {
            Ok(CompiledCheck { check, applies: Some(applies), expression, message })
        }
        _ => Err(problems),
    }
}

fn unknown_names(
    catalog: &Catalog,
    check: &Check,
    program: &Program,
    readable: &BTreeSet<&str>,
    source: &str,
) -> Vec<String> {
    let references = program.references();
    let mut problems: Vec<String> =
        unreadable(readable, source, references.properties.iter().map(String::as_str)).collect();
    problems.extend(undeclared(check, references.parameters.iter().map(String::as_str)));
    for (kind, members) in references.looked_up.iter().chain(&references.listed) {
        let Some((_, rule)) = catalog.resource_rule(kind) else {
            problems.push(format!("no collector makes resources of kind {kind}, which is looked up"));
            continue;
        };
        let known = |name: &&String| rule.properties.contains_key(*name) || BUILT_IN.contains(&name.as_str());
        problems.extend(
            members
                .iter()
                .filter(|name| !known(name))
                .map(|name| format!("{kind}, which is looked up, has no property {name}")),
        );
    }
    problems
}

fn properties_of<'a>(catalog: &'a Catalog, kind: &str) -> BTreeSet<&'a str> {
    let rule = catalog.resource_rule(kind);
    rule.into_iter().flat_map(|(_, rule)| rule.properties.keys()).map(String::as_str).collect()
}

fn unreadable<'a>(
    readable: &'a BTreeSet<&str>,
    source: &'a str,
    names: impl Iterator<Item = &'a str>,
) -> impl Iterator<Item = String> {
    names
        .filter(|name| !BUILT_IN.contains(name) && !readable.contains(name))
        .map(move |name| format!("it reads resource.{name}, which {source} does not have"))
}

fn undeclared<'a>(check: &'a Check, names: impl Iterator<Item = &'a str>) -> impl Iterator<Item = String> {
    names
        .filter(|name| !check.parameters.contains_key(*name))
        .map(|name| format!("it reads parameters.{name}, which has no default in the check"))
}

/// A parameter has one value for all checks, so that all checks must agree on its default.
fn conflicting_defaults(catalog: &Catalog) -> Vec<String> {
    let mut first: BTreeMap<&str, (&str, &Value)> = BTreeMap::new();
    let mut problems = Vec::new();
    for check in catalog.checks.values() {
        for (name, value) in &check.parameters {
            let (other, default) = *first.entry(name).or_insert((&check.id, value));
            if default != value {
                problems.push(format!(
                    "checks/{}.toml: the default of the parameter {name} differs from that in checks/{other}.toml",
                    check.id
                ));
            }
        }
    }
    problems
}
