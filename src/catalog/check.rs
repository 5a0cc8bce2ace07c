//! Checks: one predicate over one kind of resource, with its own cases.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::Parameter;
use crate::model::{Outcome, Severity};

/// One file of `checks/`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Id: the file's stem.
    pub id: String,
    /// What holds when it passes, as a sentence.
    pub title: String,
    /// Kind of resource.
    pub resource: String,
    /// Severity of a failure.
    pub severity: Severity,
    /// Why it matters.
    pub rationale: String,
    /// Properties of the resource that the expression reads; a check whose property is unknown is indeterminate.
    pub needs: Vec<String>,
    /// CEL predicate over the same variables that says which resources of the kind the check is about: false
    /// gives no finding for that resource, an error is indeterminate. Without it: all of them.
    pub applies: Option<String>,
    /// Sample events that the expression can put to filters of logs, with CloudTrail's members.
    #[serde(default)]
    pub events: Vec<BTreeMap<String, Value>>,
    /// CEL predicate over `resource`, `parameters`, `events` and `as_of`: true is a pass.
    pub expression: String,
    /// What a failure says; `${resource.name}` is filled in.
    pub message: String,
    /// What to do about a failure.
    pub remediation: String,
    /// Names of equivalent rules elsewhere: `cdk-nag`, `config-rule`, `prowler`, `security-hub`.
    #[serde(default)]
    pub references: BTreeMap<String, Vec<String>>,
    /// Default values of the parameters that the expression reads; `proofpack.toml` overrides them.
    #[serde(default)]
    pub parameters: BTreeMap<String, Parameter>,
    /// Its cases: at least one that passes and one that fails.
    #[serde(rename = "case")]
    pub cases: Vec<Case>,
}

impl Check {
    /// The values of its parameters where nothing else is set.
    pub fn defaults(&self) -> BTreeMap<String, Value> {
        self.parameters.iter().map(|(name, parameter)| (name.clone(), parameter.default.clone())).collect()
    }
}

/// One example that a check must decide as stated.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What the example shows.
    pub name: String,
    /// How the check must come out.
    pub outcome: Outcome,
    /// Known properties of the resource; those left out are unknown.
    #[serde(default)]
    pub properties: BTreeMap<String, Value>,
    /// Tags of the resource.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Other resources that the expression may look up.
    #[serde(default)]
    pub related: Vec<RelatedResource>,
    /// Kinds of which not all resources could be seen.
    #[serde(default)]
    pub hidden: Vec<String>,
    /// The instant of the assessment; 2026-01-01T00:00:00Z where not given.
    pub as_of: Option<DateTime<Utc>>,
}

/// Another resource of a case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelatedResource {
    /// Kind.
    pub kind: String,
    /// Name within the kind.
    pub id: String,
    /// Known properties.
    #[serde(default)]
    pub properties: BTreeMap<String, Value>,
}
