//! One CloudTrail event: reading it and holding a rule against it.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::model::Period;

/// A string member of an event, or nothing.
pub(super) fn text<'a>(event: &'a Value, member: &str) -> &'a str {
    event.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// Whether the event lies in the period and is the account's own. One without a time or an
/// account cannot be placed and counts as inside: it is shown rather than lost.
pub(super) fn in_scope(event: &Value, period: Period, account: &str) -> bool {
    is_in_scope(text(event, "eventTime"), text(event, "recipientAccountId"), period, account)
}

/// The same for the time and the account that an event states.
pub(super) fn is_in_scope(time: &str, recipient: &str, period: Period, account: &str) -> bool {
    let time = time.parse::<DateTime<Utc>>();
    let inside = time.map_or(true, |time| period.start <= time && time < period.end);
    inside && (recipient.is_empty() || recipient == account)
}

/// Whether the event is nested deeper than `levels`.
pub(super) fn is_deeper_than(value: &Value, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else { return true };
    match value {
        Value::Array(items) => items.iter().any(|item| is_deeper_than(item, below)),
        Value::Object(members) => members.values().any(|member| is_deeper_than(member, below)),
        _ => false,
    }
}
