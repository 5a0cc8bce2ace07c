//! One check, one resource: the verdict and the records that it rests on.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::checks::CompiledCheck;
use super::engine::{Engine, Program, Scope};
use super::functions::related::World;
use super::text;
use crate::model::{Outcome, Property, RecordId, Resource};

const LONGEST_REASON: usize = 400;

/// What all verdicts of an assessment have in common.
pub(super) struct Court<'a> {
    /// The CEL environment.
    pub(super) engine: Engine,
    /// All resources.
    pub(super) world: Arc<World>,
    /// Values of the parameters, by name.
    pub(super) parameters: &'a BTreeMap<String, Value>,
    /// The instant at which ages are judged.
    pub(super) as_of: DateTime<Utc>,
}

/// How a check came out for one resource.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The outcome; `NotApplicable` where the check is not about this resource.
    pub(super) outcome: Outcome,
    /// What was found.
    pub(super) message: String,
    /// The records that it rests on, the resource's own first; never empty.
    pub(super) records: Vec<RecordId>,
}

impl Court<'_> {
    /// Judges `resource` by `check`.
    pub(super) fn judge(&self, check: &CompiledCheck<'_>, resource: &Resource) -> Verdict {
        let mut records = vec![resource.record];
        if let Some(applies) = &check.applies {
            let read = applies.references().properties.iter().map(String::as_str);
            let unknown = self.read(resource, read, &mut records);
            match self.evaluate(applies, check, resource, &mut records) {
                Ok(true) => {}
                Ok(false) => {
                    return Verdict { outcome: Outcome::NotApplicable, message: String::new(), records };
                }
                Err(reason) => {
                    let reason = unknown
                        .unwrap_or_else(|| format!("whether it applies cannot be evaluated: {reason}"));
                    return Verdict { outcome: Outcome::Indeterminate, message: reason, records };
                }
            }
        }
        // Tags need no mention among the needs, but they can be as unknown as anything else.
        let members = check.expression.references().properties.iter();
        let tags = members.map(String::as_str).filter(|name| *name == "tags");
        let needs = check.check.needs.iter().map(String::as_str).chain(tags);
        if let Some(reason) = self.read(resource, needs, &mut records) {
            return Verdict { outcome: Outcome::Indeterminate, message: reason, records };
        }
        let (outcome, message) = match self.evaluate(&check.expression, check, resource, &mut records) {
            Ok(true) => (Outcome::Pass, check.check.title.clone()),
            Ok(false) => (Outcome::Fail, check.message.fill(resource, self.parameters)),
            Err(reason) => (Outcome::Indeterminate, format!("It cannot be evaluated: {reason}.")),
        };
        Verdict { outcome, message, records }
    }

    /// What a check's expressions are evaluated against.
    pub(super) fn scope<'a>(&'a self, check: &CompiledCheck<'a>, resource: &'a Resource) -> Scope<'a> {
        Scope {
            resource,
            world: &self.world,
            parameters: self.parameters,
            events: &check.check.events,
            as_of: self.as_of,
        }
    }

    fn evaluate(
        &self,
        program: &Program,
        check: &CompiledCheck<'_>,
        resource: &Resource,
        records: &mut Vec<RecordId>,
    ) -> Result<bool, String> {
        let evaluation = self.engine.evaluate(program, &self.scope(check, resource));
        records.extend(evaluation.used);
        evaluation.result
    }

    /// Takes the records behind `properties`; the first that is unknown gives the reason why.
    fn read<'p>(
        &self,
        resource: &Resource,
        properties: impl Iterator<Item = &'p str>,
        records: &mut Vec<RecordId>,
    ) -> Option<String> {
        let mut unknown = Vec::new();
        for name in properties {
            if super::engine::BUILT_IN.contains(&name) && !resource.properties.contains_key(name) {
                continue;
            }
            match resource.properties.get(name) {
                Some(Property::Known { record, .. }) => records.push(*record),
                Some(Property::Unknown { reason, record }) => {
                    records.extend(record);
                    let code = record.as_ref().and_then(|id| self.world.error_code(id));
                    unknown.push(match code {
                        Some(code) if !reason.contains(code) => {
                            format!("{name} is not known ({code}): {reason}")
                        }
                        _ => format!("{name} is not known: {reason}"),
                    });
                }
                None => unknown.push(format!("{name} is not known: it was not collected")),
            }
        }
        if unknown.is_empty() { None } else { Some(text::safe(&unknown.join("; "), LONGEST_REASON)) }
    }
}
