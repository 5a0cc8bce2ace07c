//! The evaluator of `endpoint-rule-set-1.json`: the rules language that every AWS SDK resolves endpoints by.
//! <https://smithy.io/2.0/additional-specs/rules-engine/specification.html>

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::functions::{Function, attribute};
use super::partitions::Partitions;

/// The rules of one service.
#[derive(Debug, Deserialize)]
pub(crate) struct RuleSet {
    parameters: BTreeMap<String, Parameter>,
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameter {
    built_in: Option<String>,
    default: Option<Value>,
    #[serde(default)]
    required: bool,
}

#[derive(Debug, Deserialize)]
struct Rule {
    #[serde(default)]
    conditions: Vec<Condition>,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Outcome {
    Tree { rules: Vec<Rule> },
    Error { error: Expression },
    Endpoint { endpoint: EndpointTemplate },
}

#[derive(Debug, Deserialize)]
struct Condition {
    #[serde(flatten)]
    call: Call,
    /// Name that the value is given for the rest of the rule.
    assign: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Call {
    #[serde(rename = "fn")]
    function: Function,
    argv: Vec<Expression>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Expression {
    Reference {
        #[serde(rename = "ref")]
        name: String,
    },
    Call(Call),
    Literal(Value),
}

#[derive(Debug, Deserialize)]
struct EndpointTemplate {
    url: Expression,
    #[serde(default)]
    properties: Map<String, Value>,
}

/// What the rules say.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) url: String,
    pub(super) signing_region: Option<String>,
    pub(super) signing_name: Option<String>,
}

impl RuleSet {
    pub(crate) fn read(text: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(text).map_err(|error| error.to_string())
    }

    /// Parameters that the client gives, and what they are.
    pub(super) fn built_ins(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters
            .iter()
            .filter_map(|(name, parameter)| Some((name.as_str(), parameter.built_in.as_deref()?)))
    }

    pub(super) fn resolve(
        &self,
        arguments: &Map<String, Value>,
        partitions: &Partitions,
    ) -> Result<Resolved, String> {
        let mut scope = Scope { names: Vec::new(), partitions };
        for (name, parameter) in &self.parameters {
            match arguments.get(name).or(parameter.default.as_ref()) {
                Some(value) => scope.names.push((name, value.clone())),
                None if parameter.required => return Err(format!("the parameter {name} is missing")),
                None => {}
            }
        }
        scope.first_match(&self.rules)?.ok_or_else(|| "no rule matches".to_owned())
    }
}

/// The names that are known where a rule is evaluated.
struct Scope<'a> {
    names: Vec<(&'a str, Value)>,
    partitions: &'a Partitions,
}

impl<'a> Scope<'a> {
    fn first_match(&mut self, rules: &'a [Rule]) -> Result<Option<Resolved>, String> {
        for rule in rules {
            let outer = self.names.len();
            if self.all_hold(&rule.conditions)? {
                return self.outcome(&rule.outcome).map(Some);
            }
            self.names.truncate(outer);
        }
        Ok(None)
    }

    fn all_hold(&mut self, conditions: &'a [Condition]) -> Result<bool, String> {
        for condition in conditions {
            let value = self.call(&condition.call)?;
            if matches!(value, Value::Null | Value::Bool(false)) {
                return Ok(false);
            }
            if let Some(name) = &condition.assign {
                self.names.push((name, value));
            }
        }
        Ok(true)
    }

    fn outcome(&mut self, outcome: &'a Outcome) -> Result<Resolved, String> {
        match outcome {
            Outcome::Tree { rules } => {
                self.first_match(rules)?.ok_or_else(|| "no rule of the tree matches".to_owned())
            }
            Outcome::Error { error } => Err(text(&self.evaluate(error)?).to_owned()),
            Outcome::Endpoint { endpoint } => {
                let url = text(&self.evaluate(&endpoint.url)?).to_owned();
                let signing = |name: &str| {
                    let schemes = endpoint.properties.get("authSchemes").and_then(Value::as_array);
                    let v4 = schemes?.iter().find(|scheme| {
                        matches!(
                            scheme.get("name").and_then(Value::as_str),
                            Some("sigv4" | "sigv4-s3express")
                        )
                    })?;
                    Some(self.fill(v4.get(name)?.as_str()?))
                };
                Ok(Resolved {
                    signing_region: signing("signingRegion"),
                    signing_name: signing("signingName"),
                    url,
                })
            }
        }
    }

    fn evaluate(&self, expression: &Expression) -> Result<Value, String> {
        Ok(match expression {
            Expression::Reference { name } => self.get(name).cloned().unwrap_or(Value::Null),
            Expression::Call(call) => self.call(call)?,
            Expression::Literal(Value::String(template)) => Value::String(self.fill(template)),
            Expression::Literal(value) => value.clone(),
        })
    }

    fn call(&self, call: &Call) -> Result<Value, String> {
        let arguments: Vec<Value> =
            call.argv.iter().map(|argument| self.evaluate(argument)).collect::<Result<_, _>>()?;
        Ok(call.function.apply(&arguments, self.partitions))
    }

    /// Fills `{name}` and `{name#attribute}` in.
    fn fill(&self, template: &str) -> String {
        let mut filled = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let Some((inside, after)) = after.split_once('}') else { break };
            let (name, path) = inside.split_once('#').unwrap_or((inside, ""));
            let value = self.get(name).cloned().unwrap_or(Value::Null);
            filled.push_str(text(&if path.is_empty() { value } else { attribute(&value, path) }));
            rest = after;
        }
        filled + rest
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.names.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
