//! Excerpt rules that are ready to be held against events.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::catalog::{ExcerptRule, Filter};

/// A rule with its filter, read with the parameters of a run.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The rule.
    pub rule: ExcerptRule,
    /// Which events it selects.
    pub filter: Filter,
    /// The values of its parameters.
    pub parameters: BTreeMap<String, Value>,
}

/// A parameter's value that does not fit where a rule's filter reads it.
#[derive(Debug, thiserror::Error)]
#[error(
    "the excerpt rule {rule} cannot be used: {problem}; correct [parameters] in proofpack.toml, or the rule"
)]
pub struct RuleError {
    rule: String,
    problem: String,
}

impl Rule {
    /// All `rules`, by id, with the values that `given` sets in the place of their parameters' defaults.
    ///
    /// # Errors
    /// When a value does not fit where a filter reads it.
    pub fn all(
        rules: &BTreeMap<String, ExcerptRule>,
        given: &BTreeMap<String, Value>,
    ) -> Result<BTreeMap<String, Self>, RuleError> {
        let ready = |(id, rule): (&String, &ExcerptRule)| {
            let problem = |faults: Vec<crate::catalog::Fault>| {
                let all: Vec<String> = faults.iter().map(ToString::to_string).collect();
                RuleError { rule: id.clone(), problem: all.join("; ") }
            };
            let filter = rule.filter(given).map_err(problem)?;
            Ok((id.clone(), Self { rule: rule.clone(), filter, parameters: rule.values(given) }))
        };
        rules.iter().map(ready).collect()
    }
}
