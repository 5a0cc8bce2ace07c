//! One CloudTrail event: reading it and holding a rule against it.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::catalog::{Condition, ExcerptRule};
use crate::model::Period;

/// A string member of an event, or nothing.
pub(super) fn text<'a>(event: &'a Value, member: &str) -> &'a str {
    event.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// Whether the event lies in the period and is the account's own. One without a time or an
/// account cannot be placed and counts as inside: it is shown rather than lost.
pub(super) fn in_scope(event: &Value, period: Period, account: &str) -> bool {
    let time = text(event, "eventTime").parse::<DateTime<Utc>>();
    let inside = time.map_or(true, |time| period.start <= time && time < period.end);
    let recipient = text(event, "recipientAccountId");
    inside && (recipient.is_empty() || recipient == account)
}

/// Whether the event meets every condition of the rule.
pub(super) fn matches(event: &Value, rule: &ExcerptRule) -> bool {
    rule.conditions.iter().all(|condition| meets(event, condition))
}

fn meets(event: &Value, condition: &Condition) -> bool {
    let member = condition.field.split('.').try_fold(event, |value, name| value.get(name));
    let one_of = |values: &Vec<Value>| member.is_some_and(|member| values.contains(member));
    condition.any_of.as_ref().is_none_or(one_of) && !condition.none_of.as_ref().is_some_and(one_of)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use serde_json::json;

    fn selects(rule: &str, event: &Value) -> bool {
        matches(event, &Catalog::embedded_excerpts()[rule])
    }

    #[test]
    fn root_use_is_a_person_as_root_not_a_service_for_the_account() {
        let event = json!({"eventType": "AwsApiCall", "userIdentity": {"type": "Root"}});
        assert!(selects("root-use", &event));
        assert!(!selects("root-use", &json!({"userIdentity": {"type": "IAMUser"}})));
        let service = json!({"userIdentity": {"type": "Root", "invokedBy": "AWS Internal"}});
        assert!(!selects("root-use", &service));
        assert!(!selects(
            "root-use",
            &json!({"eventType": "AwsServiceEvent", "userIdentity": {"type": "Root"}})
        ));
    }

    #[test]
    fn a_log_in_counts_unless_its_second_factor_is_stated() {
        let login = |mfa: Value, result: &str| json!({"eventName": "ConsoleLogin", "responseElements": {"ConsoleLogin": result}, "additionalEventData": mfa});
        assert!(selects("console-login-without-mfa", &login(json!({"MFAUsed": "No"}), "Success")));
        assert!(selects("console-login-without-mfa", &login(Value::Null, "Success")));
        assert!(!selects("console-login-without-mfa", &login(json!({"MFAUsed": "Yes"}), "Success")));
        assert!(!selects("console-login-without-mfa", &login(json!({"MFAUsed": "No"}), "Failure")));
    }

    #[test]
    fn only_kms_itself_disables_keys() {
        let event = |source: &str, name: &str| json!({"eventSource": source, "eventName": name});
        let rule = "kms-key-disabled-or-scheduled-for-deletion";
        assert!(selects(rule, &event("kms.amazonaws.com", "ScheduleKeyDeletion")));
        assert!(selects(rule, &event("kms.amazonaws.com", "DisableKey")));
        assert!(!selects(rule, &event("kms.amazonaws.com", "EnableKey")));
        assert!(!selects(rule, &event("other.amazonaws.com", "DisableKey")));
    }
}
