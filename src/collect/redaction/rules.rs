//! Values that are taken out because of where they stand.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::RedactionError;
use super::pass::Pass;
use super::pointer::{Step, parse};
use crate::catalog::{RedactionRule, Redactions, Sibling};

/// The rules, by service and operation.
#[derive(Debug)]
pub(super) struct Rules {
    rules: Vec<RedactionRule>,
    /// By `service:Operation` or `service:*`: number of the rule and where it looks.
    patterns: BTreeMap<String, Vec<(usize, Vec<Step>)>>,
}

impl Rules {
    pub(super) fn new(redactions: &Redactions) -> Result<Self, RedactionError> {
        let mut patterns: BTreeMap<String, Vec<(usize, Vec<Step>)>> = BTreeMap::new();
        for (number, rule) in redactions.rules.iter().enumerate() {
            for (call, pointers) in &rule.pointers {
                for pointer in pointers {
                    let steps = parse(pointer).ok_or_else(|| RedactionError::Pointer {
                        id: rule.id.clone(),
                        pointer: pointer.clone(),
                    })?;
                    patterns.entry(call.clone()).or_default().push((number, steps));
                }
            }
        }
        Ok(Self { rules: redactions.rules.clone(), patterns })
    }

    /// Takes out what the rules for this call select.
    pub(super) fn apply(&self, service: &str, operation: &str, value: &mut Value, pass: &mut Pass<'_>) {
        for call in [format!("{service}:{operation}"), format!("{service}:*")] {
            for (number, steps) in self.patterns.get(&call).into_iter().flatten() {
                if let Some(rule) = self.rules.get(*number) {
                    select(rule, steps, value, None, pass);
                }
            }
        }
    }
}

/// Follows the steps from `value`, which is called `name`, and takes out what is at their end.
fn select(rule: &RedactionRule, steps: &[Step], value: &mut Value, name: Option<&str>, pass: &mut Pass<'_>) {
    let Some((step, rest)) = steps.split_first() else {
        pass.take_whole(value, name, &rule.id);
        return;
    };
    match (step, value) {
        (Step::Deep, value) => {
            select(rule, rest, value, name, pass);
            match value {
                Value::Array(items) => {
                    each_element(items, pass, |item, pass| select(rule, steps, item, None, pass));
                }
                Value::Object(members) => {
                    for (member, value) in members.iter_mut() {
                        let before = pass.place.enter(member);
                        select(rule, steps, value, Some(member), pass);
                        pass.place.back(before);
                    }
                }
                _ => {}
            }
        }
        (Step::Json, Value::String(text)) => inside_string(rule, rest, text, name, pass),
        (Step::Json, value) => select(rule, rest, value, name, pass),
        (Step::Any, Value::Array(items)) => {
            each_element(items, pass, |item, pass| select(rule, rest, item, name, pass));
        }
        (Step::Named(number), Value::Array(items)) => {
            if let Some(item) = number.parse().ok().and_then(|number: usize| items.get_mut(number)) {
                let before = pass.place.enter(number);
                select(rule, rest, item, name, pass);
                pass.place.back(before);
            }
        }
        (Step::Any | Step::Named(_), Value::Object(members)) => {
            select_members(rule, step, rest, members, pass)
        }
        (Step::Any | Step::Named(_), _) => {}
    }
}

fn select_members(
    rule: &RedactionRule,
    step: &Step,
    rest: &[Step],
    members: &mut Map<String, Value>,
    pass: &mut Pass<'_>,
) {
    let last = rest.is_empty();
    if last && !applies(rule, members) {
        return;
    }
    let named = pass.names(members);
    for (member, value) in members.iter_mut() {
        let fits = matches!(step, Step::Any) || matches!(step, Step::Named(name) if name == member);
        if !fits || last && rule.keep.contains(member) {
            continue;
        }
        let name = named.iter().find(|(of, _)| of == member).map_or(member.as_str(), |(_, name)| name);
        let before = pass.place.enter(member);
        select(rule, rest, value, Some(name), pass);
        pass.place.back(before);
    }
}

/// Whether the rule is about values in this object.
fn applies(rule: &RedactionRule, around: &Map<String, Value>) -> bool {
    let has = |sibling: &Sibling| {
        let value = around.get(&sibling.member).and_then(Value::as_str);
        value.is_some_and(|value| sibling.values.iter().any(|one| one == value))
    };
    rule.only.as_ref().is_none_or(has) && !rule.unless.as_ref().is_some_and(has)
}

/// Follows the steps into the JSON document that a string is. A string that is none cannot be looked into: it is
/// taken out whole.
fn inside_string(
    rule: &RedactionRule,
    rest: &[Step],
    text: &mut String,
    name: Option<&str>,
    pass: &mut Pass<'_>,
) {
    match serde_json::from_str::<Value>(text) {
        Ok(mut document) if document.is_object() || document.is_array() => {
            let taken = pass.redactions.len();
            let before = text.len();
            pass.place.enter_string();
            select(rule, rest, &mut document, name, pass);
            pass.place.leave_string();
            // Equal values at one place are recorded once: the text may change where no redaction was added.
            let new = document.to_string();
            if pass.redactions.len() > taken || new.len() != before && new.contains("[redacted:") {
                *text = new;
            }
        }
        _ => {
            let mut whole = Value::String(std::mem::take(text));
            pass.take_whole(&mut whole, name, &rule.id);
            if let Value::String(new) = whole {
                *text = new;
            }
        }
    }
}

fn each_element(items: &mut [Value], pass: &mut Pass<'_>, mut then: impl FnMut(&mut Value, &mut Pass<'_>)) {
    for (number, item) in items.iter_mut().enumerate() {
        let before = pass.place.enter(&number.to_string());
        then(item, pass);
        pass.place.back(before);
    }
}
