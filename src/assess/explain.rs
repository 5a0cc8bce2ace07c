//! Why a check came out as it did for a resource: every part of its predicate, with its value.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::checks::{self, CompiledCheck};
use super::engine::{BUILT_IN, Engine, Program};
use super::functions::related::World;
use super::judge::{Court, Verdict};
use super::{AssessError, coverage, error_codes, fallback, findings, parameters, resources, text};
use crate::bundle::Bundle;
use crate::catalog::Catalog;
use crate::model::{Finding, Outcome, Property, RecordId, Resource, Subject, nearest};

/// What is to be explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explained {
    /// What rests on the record whose id begins with these hexadecimal digits.
    Record(String),
    /// The resource with this ARN, or this name within its kind.
    Resource(String),
}

impl Explained {
    /// `E-3f2a…`, the beginning of a record's id, is a record; anything else names a resource.
    pub fn parse(text: &str) -> Self {
        match text.strip_prefix("E-").or_else(|| text.strip_prefix("e-")) {
            Some(digits) if digits.len() >= 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                Self::Record(digits.to_ascii_lowercase())
            }
            _ => Self::Resource(text.to_owned()),
        }
    }

    fn is_about(&self, resource: &Resource, verdict: &Verdict) -> bool {
        match self {
            Self::Record(_) => self.rests_on(&verdict.records),
            Self::Resource(name) => resource.arn == *name || resource.id == *name,
        }
    }

    fn rests_on(&self, records: &[RecordId]) -> bool {
        match self {
            Self::Record(digits) => records.iter().any(|record| record.to_string().starts_with(digits)),
            Self::Resource(_) => false,
        }
    }
}

/// Why nothing was explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// There is no such check.
    #[error("there is no check {check:?}; {}", nearest.as_ref().map_or_else(
        || "`proofpack checks list` shows all".to_owned(), |near| format!("is {near} meant?")))]
    UnknownCheck {
        /// What was asked for.
        check: String,
        /// What was perhaps meant.
        nearest: Option<String>,
    },
    /// The check has nothing to do with it.
    #[error("no finding of {check} {what}; its findings are listed in the report and in assessment.json")]
    Nothing {
        /// The check.
        check: String,
        /// What was asked for, in words.
        what: String,
    },
    /// There is no assessment to explain.
    #[error(transparent)]
    Assess(#[from] AssessError),
}

/// Why a check came out as it did for one resource.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Explanation {
    /// The check.
    pub check: String,
    /// What it was put to.
    pub subject: Subject,
    /// How it came out; `not-applicable` where the check is not about this resource.
    pub outcome: Outcome,
    /// What the finding says.
    pub message: String,
    /// The properties that it reads.
    pub properties: Vec<ReadProperty>,
    /// The parameters that it reads.
    pub parameters: BTreeMap<String, Value>,
    /// Whether it is about this resource, part by part; empty where it is about all of the kind.
    pub applies: Vec<Part>,
    /// Its predicate, part by part; empty where no single resource was judged.
    pub predicate: Vec<Part>,
    /// The records that it rests on, sorted.
    pub proof: Vec<RecordId>,
}

/// A property that a check reads.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReadProperty {
    /// Its name.
    pub name: String,
    /// Its value; `None` where it is not known.
    pub value: Option<Value>,
    /// Why it is not known.
    pub unknown: Option<String>,
    /// The record that gives the value, or hides it.
    pub record: Option<RecordId>,
}

/// A part of an expression, and what it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// How deep it stands in the expression, from 0.
    pub depth: usize,
    /// The part as text.
    pub part: String,
    /// What it evaluates to; `None` where it cannot be evaluated.
    pub value: Option<Value>,
    /// Why it cannot be evaluated.
    pub error: Option<String>,
}

/// Explains what came of the checks of one bundle.
pub struct Explainer<'a> {
    bundle: &'a Bundle,
    catalog: &'a Catalog,
    engine: Engine,
    compiled: BTreeMap<&'a str, CompiledCheck<'a>>,
    world: Arc<World>,
    parameters: BTreeMap<String, Value>,
    as_of: DateTime<Utc>,
}

impl<'a> Explainer<'a> {
    /// Derives the bundle's resources, to be judged with `given` parameters as of an instant.
    ///
    /// # Errors
    /// When the catalog or the parameters are such that there would be no assessment.
    pub fn new(
        bundle: &'a Bundle,
        catalog: &'a Catalog,
        given: &BTreeMap<String, Value>,
        as_of: DateTime<Utc>,
    ) -> Result<Self, AssessError> {
        let engine = Engine::default();
        let compiled = checks::compile(catalog, &engine).map_err(AssessError::Checks)?;
        let parameters =
            parameters::values(catalog.checks.values(), given).map_err(AssessError::Parameters)?;
        let set = resources::derive(catalog, bundle)?;
        let coverage = coverage::coverage(catalog, bundle, &set);
        let world = Arc::new(World::new(set.resources, coverage, error_codes(bundle)));
        Ok(Self { bundle, catalog, engine, compiled, world, parameters, as_of })
    }

    /// How `check` came out for what `explained` names: one explanation for each resource that it fits.
    ///
    /// # Errors
    /// When there is no such check, or it has nothing to do with what was named.
    pub fn explain(&self, check: &str, explained: &Explained) -> Result<Vec<Explanation>, ExplainError> {
        let Some(compiled) = self.compiled.get(check) else {
            let near = nearest(check, self.catalog.checks.keys().map(String::as_str));
            return Err(ExplainError::UnknownCheck {
                check: text::safe(check, 80),
                nearest: near.map(str::to_owned),
            });
        };
        let court = Court {
            engine: self.engine.clone(),
            world: Arc::clone(&self.world),
            parameters: &self.parameters,
            as_of: self.as_of,
        };
        let mut explanations = Vec::new();
        for resource in self.world.resources_of(&compiled.check.resource) {
            let verdict = court.judge(compiled, resource);
            if explained.is_about(resource, &verdict) {
                explanations.push(of_resource(&court, compiled, resource, verdict));
            }
        }
        if explanations.is_empty() {
            // Perhaps it is a gap that hides resources, and no single one of them.
            let findings = findings::of_check(&court, compiled, &fallback(self.bundle)?);
            let findings = findings.map_err(AssessError::Proof)?.into_iter();
            explanations.extend(
                findings.filter(|finding| explained.rests_on(finding.proof.ids())).map(of_whole_kind),
            );
        }
        if explanations.is_empty() {
            let what = match explained {
                Explained::Record(digits) => format!("rests on a record E-{digits}…"),
                Explained::Resource(name) => format!("is about {}", text::safe(name, 200)),
            };
            return Err(ExplainError::Nothing { check: check.to_owned(), what });
        }
        Ok(explanations)
    }
}

/// A finding that is about no single resource: there is no predicate to show.
fn of_whole_kind(finding: Finding) -> Explanation {
    Explanation {
        check: finding.check,
        subject: finding.subject,
        outcome: finding.outcome,
        message: finding.message,
        properties: Vec::new(),
        parameters: BTreeMap::new(),
        applies: Vec::new(),
        predicate: Vec::new(),
        proof: finding.proof.ids().to_vec(),
    }
}

fn of_resource(
    court: &Court<'_>,
    compiled: &CompiledCheck<'_>,
    resource: &Resource,
    verdict: Verdict,
) -> Explanation {
    let scope = court.scope(compiled, resource);
    let parts = |program: &Program| -> Vec<Part> {
        let steps = court.engine.trace(program, &scope).into_iter();
        let part = |step: super::engine::TraceStep| {
            let (value, error) = match step.value {
                Ok(value) => (Some(value), None),
                Err(reason) => (None, Some(reason)),
            };
            Part { depth: step.depth, part: step.part, value, error }
        };
        steps.map(part).collect()
    };
    let programs = [compiled.applies.as_ref(), Some(&compiled.expression)];
    let read = || programs.into_iter().flatten().map(Program::references);
    let mut names: Vec<&str> = read().flat_map(|names| &names.properties).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let is_read = |name: &String| read().any(|names| names.parameters.contains(name));
    let mut proof = verdict.records;
    proof.sort_unstable();
    proof.dedup();
    Explanation {
        check: compiled.check.id.clone(),
        subject: findings::subject(resource),
        outcome: verdict.outcome,
        message: verdict.message,
        properties: names.into_iter().filter_map(|name| property(resource, name)).collect(),
        parameters: court
            .parameters
            .iter()
            .filter(|(name, _)| is_read(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        applies: compiled.applies.as_ref().map(parts).unwrap_or_default(),
        predicate: parts(&compiled.expression),
        proof,
    }
}

/// A property as it was read; `None` for a built-in member, which the subject shows.
fn property(resource: &Resource, name: &str) -> Option<ReadProperty> {
    let (value, unknown, record) = match resource.properties.get(name) {
        Some(Property::Known { value, record }) => (Some(value.clone()), None, Some(*record)),
        Some(Property::Unknown { reason, record }) => (None, Some(reason.clone()), *record),
        None if name == "tags" => {
            let tags = resource.tags.iter().map(|(key, tag)| (key.clone(), Value::from(tag.as_str())));
            (Some(Value::Object(tags.collect())), None, Some(resource.record))
        }
        None if BUILT_IN.contains(&name) => return None,
        None => (None, Some("it was not collected".to_owned()), None),
    };
    Some(ReadProperty { name: name.to_owned(), value, unknown, record })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_told_from_a_resource() {
        assert_eq!(Explained::parse("E-3F2a90bb01cd"), Explained::Record("3f2a90bb01cd".into()));
        for name in ["E-", "E-xyz1", "arn:aws:s3:::records", "E-Mail"] {
            assert_eq!(Explained::parse(name), Explained::Resource(name.into()));
        }
    }
}
