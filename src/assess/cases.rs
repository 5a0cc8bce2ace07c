//! The checks' own cases: what `checks test` runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::DateTime;
use serde_json::Value;

use super::checks;
use super::coverage::Coverage;
use super::engine::Engine;
use super::functions::related::World;
use super::judge::Court;
use crate::canonical;
use crate::catalog::{Case, Catalog, Check, Defect, RelatedResource};
use crate::model::{Outcome, Property, RecordId, Resource};

const ACCOUNT: &str = "123456789012";
const REGION: &str = "us-east-1";
/// Instant of cases that give none: 2026-01-01T00:00:00Z.
const DEFAULT_INSTANT: i64 = 1_767_225_600;

/// What came of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseResult {
    /// Check id.
    pub check: String,
    /// Name of the case.
    pub case: String,
    /// How it must come out.
    pub expected: Outcome,
    /// How it came out; `None` where the check does not compile.
    pub actual: Option<Outcome>,
    /// What the finding would say, or why the check does not compile.
    pub message: String,
}

impl CaseResult {
    /// Whether it came out as it must.
    pub fn is_as_stated(&self) -> bool {
        self.actual == Some(self.expected)
    }
}

impl std::fmt::Display for CaseResult {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}, {:?}: expected {:?}, got ", self.check, self.case, self.expected)?;
        match self.actual {
            Some(actual) => write!(formatter, "{actual:?}: {}", self.message),
            None => write!(formatter, "no outcome: {}", self.message),
        }
    }
}

/// Runs every case of every check, each with exactly its own properties; in order of the checks' ids.
///
/// A resource of a case is in account 123456789012, region us-east-1; a related one is found by its id, or by
/// an ARN that ends with it.
pub fn run_cases(catalog: &Catalog) -> Vec<CaseResult> {
    let engine = Engine::default();
    let compiled = match checks::compile(catalog, &engine) {
        Ok(compiled) => compiled,
        Err(defects) => return not_compiled(catalog, &defects),
    };
    let mut results = Vec::new();
    for check in compiled.values() {
        let parameters = check.check.defaults();
        for case in &check.check.cases {
            let subject = resource(check.check, case);
            let related = case.related.iter().map(related_resource).chain([subject.clone()]).collect();
            // A case shows all there is of every kind, but for those that it hides.
            let seen = |kind: &String| match case.hidden.contains(kind) {
                true => {
                    Coverage { unseen: vec![(ACCOUNT.to_owned(), "*".to_owned())], ..Coverage::default() }
                }
                false => Coverage::default(),
            };
            let coverage = catalog
                .collectors
                .values()
                .flat_map(|collector| &collector.resources)
                .map(|rule| (rule.kind.clone(), seen(&rule.kind)))
                .collect();
            let court = Court {
                engine: engine.clone(),
                world: Arc::new(World::of_case(related, coverage)),
                parameters: &parameters,
                as_of: case
                    .as_of
                    .or_else(|| DateTime::from_timestamp(DEFAULT_INSTANT, 0))
                    .unwrap_or_default(),
            };
            let verdict = court.judge(check, &subject);
            results.push(CaseResult {
                check: check.check.id.clone(),
                case: case.name.clone(),
                expected: case.outcome,
                actual: Some(verdict.outcome),
                message: verdict.message,
            });
        }
    }
    results
}

fn not_compiled(catalog: &Catalog, defects: &[Defect]) -> Vec<CaseResult> {
    let result = |check: &Check, case: &Case| CaseResult {
        check: check.id.clone(),
        case: case.name.clone(),
        expected: case.outcome,
        actual: None,
        message: defects.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    };
    catalog
        .checks
        .values()
        .flat_map(|check| check.cases.iter().map(move |case| result(check, case)))
        .collect()
}

fn resource(check: &Check, case: &Case) -> Resource {
    Resource { tags: case.tags.clone(), ..made_up(&check.resource, "example", &case.properties) }
}

fn related_resource(related: &RelatedResource) -> Resource {
    made_up(&related.kind, &related.id, &related.properties)
}

fn made_up(kind: &str, id: &str, properties: &BTreeMap<String, Value>) -> Resource {
    // No record stands behind a case; an id has to stand for one.
    let record = RecordId(canonical::sha256(kind.as_bytes()));
    let known =
        |(name, value): (&String, &Value)| (name.clone(), Property::Known { value: value.clone(), record });
    let arn = match properties.get("arn").and_then(Value::as_str) {
        Some(arn) => arn.to_owned(),
        None if id.starts_with("arn:") => id.to_owned(),
        None => format!("arn:aws:{kind}:{REGION}:{ACCOUNT}:{id}"),
    };
    Resource {
        kind: kind.to_owned(),
        id: id.to_owned(),
        arn,
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        tags: BTreeMap::new(),
        properties: properties.iter().map(known).collect(),
        record,
    }
}
