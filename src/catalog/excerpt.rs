//! Excerpt rules: which CloudTrail events a control asks for.

use serde::Deserialize;
use serde_json::Value;

/// One file of `excerpts/`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExcerptRule {
    /// Id: the file's stem.
    pub id: String,
    /// What the events show.
    pub title: String,
    /// Why an auditor wants to see them.
    pub reason: String,
    /// The event must meet all of these.
    #[serde(rename = "when")]
    pub conditions: Vec<Condition>,
    /// `LookupEvents` takes one attribute; this one narrows the look-up where the rule allows it:
    /// an attribute key (`EventName`) and the values to look up one after the other.
    pub lookup: Option<Lookup>,
}

/// How a rule narrows `LookupEvents`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// `EventName`, `EventSource`, `Username`, ...
    pub attribute: String,
    /// Values, each a look-up of its own.
    pub values: Vec<String>,
}

/// One condition on a member of the event.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Path of the member, dotted: `userIdentity.type`.
    pub field: String,
    /// The member's value is one of these.
    pub any_of: Option<Vec<Value>>,
    /// The member's value is none of these (a missing member is none of them).
    pub none_of: Option<Vec<Value>>,
}
