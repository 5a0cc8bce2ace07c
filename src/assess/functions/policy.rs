//! IAM and resource policies, read out of decoded JSON into types that questions can be asked of.
//!
//! Follows the policy grammar of the IAM User Guide (`reference_policies_grammar`). What the grammar does not
//! allow is an error, never a guess: the callers turn it into an indeterminate finding.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::wildcards;

/// AWS refuses policies far smaller than this; more is not a policy but an attack on the reader.
const MOST_STATEMENTS: usize = 2_000;

/// Why a question about a policy has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PolicyError {
    /// The document does not follow the policy grammar.
    #[error("the policy is malformed: {0}")]
    Malformed(String),
    /// The document is well-formed, but deciding it needs more than it says.
    #[error("the policy cannot be decided: {0}")]
    Undecidable(String),
}

/// A policy document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Policy {
    /// Its statements, in order.
    pub(crate) statements: Vec<Statement>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Statement {
    /// Allow or deny.
    pub(crate) effect: Effect,
    /// Who; `None` in identity policies.
    pub(crate) principal: Option<Principal>,
    /// Which actions, in lower case.
    pub(crate) actions: Selection,
    /// Which resources; `None` where the policy's kind implies the resource (trust policies).
    pub(crate) resources: Option<Selection>,
    /// Conditions, all of which must hold.
    pub(crate) conditions: Vec<Condition>,
}

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It grants.
    Allow,
    /// It refuses, whatever else grants.
    Deny,
}

/// Whom a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Principal {
    /// `"*"` or `{"AWS": "*"}`: everyone, anonymous callers included.
    Everyone,
    /// Only these.
    These(Vec<NamedPrincipal>),
    /// Everyone but these.
    AllBut(Vec<NamedPrincipal>),
}

/// One principal: its type (`AWS`, `Service`, `Federated`, `CanonicalUser`) and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedPrincipal {
    /// Type.
    pub(crate) kind: String,
    /// Name: an ARN, an account id, a service, a provider.
    pub(crate) name: String,
}

/// Patterns that select actions or resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selection {
    /// What matches one of these.
    Matching(Vec<String>),
    /// What matches none of these (`NotAction`, `NotResource`).
    AllBut(Vec<String>),
}

/// One condition: an operator, a key (lower case: keys are not case-sensitive) and the values, of which one must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    /// Operator as written: `StringEquals`, `ForAnyValue:StringLike`, `BoolIfExists`.
    pub(crate) operator: String,
    /// Key in lower case: `aws:securetransport`.
    pub(crate) key: String,
    /// Values as text.
    pub(crate) values: Vec<String>,
}

impl Policy {
    /// Reads a decoded policy; `null` is the policy that says nothing.
    ///
    /// # Errors
    /// When the document does not follow the policy grammar.
    pub(crate) fn read(document: &Value) -> Result<Self, PolicyError> {
        let members = match document {
            Value::Null => return Ok(Self { statements: Vec::new() }),
            Value::Object(members) => members,
            Value::String(_) => return Err(malformed("it is text that was not decoded")),
            _ => return Err(malformed("it is not an object")),
        };
        known_members(members, &["Version", "Id", "Statement"], "the document")?;
        let statements = match members.get("Statement") {
            Some(Value::Array(items)) => items.iter().collect(),
            Some(statement @ Value::Object(_)) => vec![statement],
            Some(_) => return Err(malformed("Statement is neither an object nor a list")),
            None => return Err(malformed("it has no Statement")),
        };
        if statements.len() > MOST_STATEMENTS {
            return Err(malformed("it has more statements than any service accepts"));
        }
        let statements = statements.into_iter().map(Statement::read).collect::<Result<_, _>>()?;
        Ok(Self { statements })
    }
}

impl Statement {
    fn read(document: &Value) -> Result<Self, PolicyError> {
        let Value::Object(members) = document else {
            return Err(malformed("a statement is not an object"));
        };
        let known = [
            "Sid",
            "Effect",
            "Principal",
            "NotPrincipal",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Condition",
        ];
        known_members(members, &known, "a statement")?;
        let effect = match members.get("Effect").and_then(Value::as_str) {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            _ => return Err(malformed("a statement's Effect is neither Allow nor Deny")),
        };
        let principal = match (members.get("Principal"), members.get("NotPrincipal")) {
            (Some(_), Some(_)) => return Err(malformed("a statement has both Principal and NotPrincipal")),
            (Some(value), None) => Some(read_principal(value)?),
            (None, Some(value)) => match read_principal(value)? {
                Principal::These(named) => Some(Principal::AllBut(named)),
                _ => return Err(malformed("a NotPrincipal of everyone leaves no one")),
            },
            (None, None) => None,
        };
        let actions = selection(members, "Action", "NotAction")?
            .ok_or_else(|| malformed("a statement has neither Action nor NotAction"))?
            .in_lower_case();
        let resources = selection(members, "Resource", "NotResource")?;
        let conditions = match members.get("Condition") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Object(blocks)) => read_conditions(blocks)?,
            Some(_) => return Err(malformed("a Condition is not an object")),
        };
        Ok(Self { effect, principal, actions, resources, conditions })
    }

    /// Whether the statement speaks of everyone, anonymous callers included.
    pub(crate) fn is_about_everyone(&self) -> bool {
        self.principal == Some(Principal::Everyone)
    }
}

impl Selection {
    /// Whether all that the pattern `subject` matches is selected. An action has to be in lower case.
    pub(crate) fn covers(&self, subject: &str) -> bool {
        match self {
            Self::Matching(patterns) => patterns.iter().any(|pattern| wildcards::covers(pattern, subject)),
            Self::AllBut(patterns) => {
                !patterns.iter().any(|pattern| wildcards::overlaps(&loose(pattern), subject))
            }
        }
    }

    /// Whether something that the pattern `subject` matches is selected, or may be, as far as policy variables go.
    /// An action has to be in lower case.
    pub(crate) fn overlaps(&self, subject: &str) -> bool {
        match self {
            Self::Matching(patterns) => {
                patterns.iter().any(|pattern| wildcards::overlaps(&loose(pattern), subject))
            }
            Self::AllBut(patterns) => !patterns.iter().any(|pattern| wildcards::covers(pattern, subject)),
        }
    }

    /// Whether all that `other` selects is selected.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Matching(patterns)) => patterns.iter().all(|pattern| self.covers(pattern)),
            (Self::Matching(patterns), Self::AllBut(_)) => {
                patterns.iter().any(|pattern| wildcards::covers(pattern, "*"))
            }
            (Self::AllBut(mine), Self::AllBut(theirs)) => {
                let theirs = Self::Matching(theirs.clone());
                mine.iter().all(|pattern| theirs.covers(pattern))
            }
        }
    }

    /// The selection in lower case: letters of actions count as equal whatever their case.
    fn in_lower_case(self) -> Self {
        let lower = |patterns: Vec<String>| patterns.iter().map(|pattern| pattern.to_lowercase()).collect();
        match self {
            Self::Matching(patterns) => Self::Matching(lower(patterns)),
            Self::AllBut(patterns) => Self::AllBut(lower(patterns)),
        }
    }
}

/// A pattern with `*` in place of its policy variables: they take their values from the request.
fn loose(pattern: &str) -> Cow<'_, str> {
    if !pattern.contains("${") {
        return Cow::Borrowed(pattern);
    }
    let mut out = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((_, after)) = after.split_once('}') else { break };
        out.push_str(before);
        out.push('*');
        rest = after;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn malformed(what: impl Into<String>) -> PolicyError {
    PolicyError::Malformed(what.into())
}

fn known_members(members: &Map<String, Value>, known: &[&str], place: &str) -> Result<(), PolicyError> {
    let unknown: BTreeSet<&str> =
        members.keys().map(String::as_str).filter(|name| !known.contains(name)).collect();
    match unknown.first() {
        // The service would have refused a member that it does not know; whatever this is, it is not understood here.
        Some(name) => Err(malformed(format!("{place} has the unknown member {}", quoted(name)))),
        None => Ok(()),
    }
}

fn read_principal(value: &Value) -> Result<Principal, PolicyError> {
    match value {
        Value::String(text) if text == "*" => Ok(Principal::Everyone),
        Value::Object(types) => {
            let mut named = Vec::new();
            for (kind, names) in types.iter().collect::<BTreeMap<_, _>>() {
                for name in texts(names, "a Principal")? {
                    if name == "*" && kind == "AWS" {
                        return Ok(Principal::Everyone);
                    }
                    named.push(NamedPrincipal { kind: kind.clone(), name });
                }
            }
            if named.is_empty() {
                return Err(malformed("a Principal names no one"));
            }
            Ok(Principal::These(named))
        }
        _ => Err(malformed("a Principal is neither \"*\" nor an object")),
    }
}

fn selection(
    members: &Map<String, Value>,
    positive: &str,
    negative: &str,
) -> Result<Option<Selection>, PolicyError> {
    let read = |value: &Value| -> Result<Vec<String>, PolicyError> {
        let patterns = texts(value, positive)?;
        if patterns.is_empty() { Err(malformed(format!("an empty {positive}"))) } else { Ok(patterns) }
    };
    match (members.get(positive), members.get(negative)) {
        (Some(_), Some(_)) => Err(malformed(format!("a statement has both {positive} and {negative}"))),
        (Some(value), None) => Ok(Some(Selection::Matching(read(value)?))),
        (None, Some(value)) => Ok(Some(Selection::AllBut(read(value)?))),
        (None, None) => Ok(None),
    }
}

fn read_conditions(blocks: &Map<String, Value>) -> Result<Vec<Condition>, PolicyError> {
    let mut conditions = Vec::new();
    for (operator, keys) in blocks.iter().collect::<BTreeMap<_, _>>() {
        let Value::Object(keys) = keys else {
            return Err(malformed(format!("the condition {} is not an object", quoted(operator))));
        };
        for (key, values) in keys.iter().collect::<BTreeMap<_, _>>() {
            let values = condition_values(values)?;
            conditions.push(Condition { operator: operator.clone(), key: key.to_lowercase(), values });
        }
    }
    Ok(conditions)
}

fn condition_values(values: &Value) -> Result<Vec<String>, PolicyError> {
    let one = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(malformed("a condition's value is neither text, a number nor a boolean")),
    };
    match values {
        Value::Array(items) => items.iter().map(one).collect(),
        value => Ok(vec![one(value)?]),
    }
}

fn texts(value: &Value, place: &str) -> Result<Vec<String>, PolicyError> {
    let wrong = || malformed(format!("{place} is neither text nor a list of texts"));
    match value {
        Value::String(text) => Ok(vec![text.clone()]),
        Value::Array(items) => {
            items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        _ => Err(wrong()),
    }
}

/// A name out of a policy, short enough for a message.
pub(super) fn quoted(name: &str) -> String {
    let short: String = name.chars().take(60).collect();
    format!("{short:?}")
}
