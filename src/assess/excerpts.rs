//! The excerpts of CloudTrail that a control asks for: how many events there are, and the first of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::rollup::records_of;
use super::text::{of_value, safe};
use super::trail;
use crate::bundle::{Bundle, StoredRecord};
use crate::catalog::Catalog;
use crate::model::{ControlStatus, ExcerptEvent, ExcerptResult, RecordId, RecordKind};

/// Events of a rule that an assessment holds; the records hold all that were kept.
const MOST_EVENTS: usize = 25;

/// Characters of a value that is shown of an event.
const LONGEST: usize = 300;

/// Time, id and place in its record: by these, events that several sources tell of are one, and come in order.
type Key = (String, String, usize);

/// What the bundle holds of the rule `rule`.
pub(super) fn result(catalog: &Catalog, bundle: &Bundle, rule: &str) -> ExcerptResult {
    let found = catalog.excerpts.get(rule);
    let show = found.map(|found| found.show.as_slice()).unwrap_or_default();
    let records: Vec<&StoredRecord> = records_of(bundle, RecordKind::TrailExcerpt, "rule", rule).collect();
    let without_events = |stored: &&&StoredRecord| stored.record.response().is_none_or(shows_nothing);
    let asked: BTreeSet<&String> = records.iter().map(|stored| &stored.record.source.account).collect();
    let accounts = bundle.manifest.scope.accounts.iter();
    let events = distinct(&records);
    ExcerptResult {
        rule: rule.to_owned(),
        title: found.map_or_else(|| rule.to_owned(), |found| found.title.clone()),
        reason: found.map(|found| found.reason.clone()).unwrap_or_default(),
        about_the_trail: found.is_some_and(|found| found.about_the_trail),
        parameters: parameters(&records),
        events: events.len() as u64,
        not_kept: records.iter().filter_map(|stored| not_kept(stored.record.response()?)).sum(),
        first: events.values().take(MOST_EVENTS).map(|(event, ids)| shown(event, show, ids)).collect(),
        gaps: records.iter().filter(without_events).map(|stored| stored.id).collect(),
        records: records.iter().map(|stored| stored.id).collect(),
        accounts_without: accounts.filter(|account| !asked.contains(account)).cloned().collect(),
        not_covered: trail::not_covered(bundle, &records),
    }
}

/// The status that an excerpt gives to its control: it is there, or nobody knows what is missing.
pub(super) fn status(result: &ExcerptResult) -> ControlStatus {
    let unseen =
        !result.gaps.is_empty() || !result.accounts_without.is_empty() || !result.not_covered.is_empty();
    if result.records.is_empty() || unseen { ControlStatus::Indeterminate } else { ControlStatus::Satisfied }
}

/// The values that the rule's filter was read with when the records were made.
fn parameters(records: &[&StoredRecord]) -> BTreeMap<String, Vec<Value>> {
    let mut parameters: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let of_record =
        |stored: &&StoredRecord| stored.record.source.parameters.get("parameters")?.as_object().cloned();
    for (name, value) in records.iter().filter_map(of_record).flatten() {
        let values = parameters.entry(name).or_default();
        if !values.contains(&value) {
            values.push(value);
        }
    }
    parameters
}

/// Every event once, with the records that hold it: LookupEvents and the log files tell of the same events.
fn distinct<'a>(records: &[&'a StoredRecord]) -> BTreeMap<Key, (&'a Value, Vec<RecordId>)> {
    let mut events: BTreeMap<Key, (&Value, Vec<RecordId>)> = BTreeMap::new();
    for stored in records {
        let kept = stored.record.response().and_then(kept).unwrap_or_default();
        for (index, event) in kept.iter().enumerate() {
            let member = |name| event.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let id = member("eventID");
            // Without an id nobody can tell that it is the same: its record and place make it one of its own.
            let key = match id.is_empty() {
                true => (member("eventTime"), stored.id.to_string(), index),
                false => (member("eventTime"), id, 0),
            };
            events.entry(key).or_insert((event, Vec::new())).1.push(stored.id);
        }
    }
    events
}

fn shown(event: &Value, show: &[String], records: &[RecordId]) -> ExcerptEvent {
    let text = |path: &str| {
        let value = path.split('.').try_fold(event, |value, name| value.get(name))?;
        (!value.is_null()).then(|| of_value(value, LONGEST))
    };
    let identity = ["arn", "invokedBy", "principalId", "accountId", "type"];
    ExcerptEvent {
        time: text("eventTime").unwrap_or_default(),
        source: text("eventSource").unwrap_or_default(),
        name: text("eventName").unwrap_or_default(),
        region: text("awsRegion").unwrap_or_default(),
        principal: identity.iter().find_map(|name| text(&format!("userIdentity.{name}"))),
        source_address: text("sourceIPAddress"),
        error: text("errorCode"),
        shown: show
            .iter()
            .filter(|path| *path != "errorCode")
            .filter_map(|path| Some((safe(path, LONGEST), text(path)?)))
            .collect(),
        records: records.to_vec(),
    }
}

/// The events that an excerpt holds; `None` where it has no list of events.
fn kept(response: &Value) -> Option<&[Value]> {
    response.get("events")?.as_array().map(Vec::as_slice)
}

/// How many matches more than events it holds.
fn not_kept(response: &Value) -> Option<u64> {
    let matched = response.get("matched").and_then(Value::as_u64)?;
    Some(matched.saturating_sub(kept(response)?.len() as u64))
}

/// Whether an excerpt is no evidence that there are no other events: it lists none, or no log file was read for it.
fn shows_nothing(response: &Value) -> bool {
    kept(response).is_none() || response.get("objects-scanned").and_then(Value::as_u64) == Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_shown_of_an_event_is_what_its_rule_says_and_harmless() {
        let event = json!({
            "eventTime": "2026-07-03T09:00:00Z", "eventSource": "iam.amazonaws.com", "eventName": "CreateUser",
            "awsRegion": "us-east-1", "sourceIPAddress": "203.0.113.7", "errorCode": "AccessDenied",
            "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/carol"},
            "requestParameters": {"userName": "mal\u{202e}lory", "tags": null},
        });
        let show =
            ["requestParameters.userName", "requestParameters.tags", "requestParameters.a.b", "errorCode"]
                .map(str::to_owned);
        let shown = shown(&event, &show, &[]);
        assert_eq!(shown.principal.as_deref(), Some("arn:aws:iam::123456789012:user/carol"));
        assert_eq!(shown.error.as_deref(), Some("AccessDenied"));
        let expected = [("requestParameters.userName".to_owned(), "mal\\u{202e}lory".to_owned())];
        assert_eq!(shown.shown.into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn more_matches_than_events_are_told_and_a_list_that_is_missing_is_nothing() {
        assert_eq!(not_kept(&json!({"events": [{}], "matched": 5})), Some(4));
        assert_eq!(not_kept(&json!({"matched": 5})), None);
        assert!(shows_nothing(&json!({"matched": 5})));
        assert!(shows_nothing(&json!({"events": [], "objects-scanned": 0})));
        assert!(!shows_nothing(&json!({"events": [], "objects-scanned": 3})));
    }
}
