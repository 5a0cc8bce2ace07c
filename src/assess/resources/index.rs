//! Finding records: by account, service and operation, and by the parameters they were made with.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::rules::CallRule;
use crate::bundle::StoredRecord;
use crate::model::{Record, RecordId, RecordKind};

/// The latest record of every call of a bundle.
pub(super) struct Index<'a> {
    /// By service, then by operation.
    by_call: BTreeMap<&'a str, BTreeMap<&'a str, Vec<&'a StoredRecord>>>,
}

impl<'a> Index<'a> {
    /// Of calls that were made more than once (same account, region, operation and parameters) only the
    /// latest record counts, whether it is a response or a gap.
    pub(super) fn new(records: &'a [StoredRecord]) -> Self {
        let mut latest: BTreeMap<(&str, &str, &str, &str, String), &StoredRecord> = BTreeMap::new();
        for stored in records.iter().filter(|stored| stored.record.kind == RecordKind::ApiCall) {
            let source = &stored.record.source;
            let parameters = sorted_text(&source.parameters);
            let call = (
                source.service.as_str(),
                source.operation.as_str(),
                source.account.as_str(),
                source.region.as_str(),
                parameters,
            );
            latest
                .entry(call)
                .and_modify(|known| {
                    if age(stored) > age(known) {
                        *known = stored;
                    }
                })
                .or_insert(stored);
        }
        let mut by_call: BTreeMap<_, BTreeMap<_, Vec<_>>> = BTreeMap::new();
        for ((service, operation, ..), stored) in latest {
            by_call.entry(service).or_default().entry(operation).or_default().push(stored);
        }
        Self { by_call }
    }

    /// All records of a call, in order of account, region and parameters.
    pub(super) fn records(&self, call: &CallRule<'_>) -> &[&'a StoredRecord] {
        self.of(call.service, call.operation)
    }

    /// As [`Index::records`], by name.
    pub(super) fn of(&self, service: &str, operation: &str) -> &[&'a StoredRecord] {
        let records = self.by_call.get(service).and_then(|operations| operations.get(operation));
        records.map(Vec::as_slice).unwrap_or_default()
    }
}

/// The records of one call by account and by some of their parameters.
pub(super) struct Lookup<'a> {
    /// By account, then by the parameters' values.
    by_values: BTreeMap<&'a str, BTreeMap<Vec<String>, Vec<&'a StoredRecord>>>,
}

impl<'a> Lookup<'a> {
    pub(super) fn new<'n>(
        records: &[&'a StoredRecord],
        names: impl Iterator<Item = &'n str> + Clone,
    ) -> Self {
        let mut by_values: BTreeMap<_, BTreeMap<_, Vec<_>>> = BTreeMap::new();
        for &stored in records {
            let account = stored.record.source.account.as_str();
            for values in combinations(&stored.record, names.clone()) {
                by_values.entry(account).or_default().entry(values).or_default().push(stored);
            }
        }
        Self { by_values }
    }

    pub(super) fn find(&self, account: &str, values: &[String]) -> &[&'a StoredRecord] {
        let records = self.by_values.get(account).and_then(|values_of| values_of.get(values));
        records.map(Vec::as_slice).unwrap_or_default()
    }
}

/// The values of the parameters `names` by which a record is found: one each, or, where one of them is a list
/// (a batch), one for every element. None where a parameter is missing, an object, or a second list.
fn combinations<'n>(record: &Record, names: impl Iterator<Item = &'n str>) -> Vec<Vec<String>> {
    let mut found = vec![Vec::new()];
    for name in names {
        let values = parameter(record, name);
        if found.len() > 1 && values.len() > 1 {
            return Vec::new();
        }
        let with = |value: &String| {
            found.iter().map(|before| before.iter().chain([value]).cloned().collect()).collect::<Vec<_>>()
        };
        found = values.iter().flat_map(with).collect();
    }
    found
}

/// A parameter of a record as templates write it; of a list every element. Empty where it is missing or an object.
pub(super) fn parameter(record: &Record, name: &str) -> Vec<String> {
    match record.source.parameters.get(name) {
        Some(Value::Array(elements)) => elements.iter().filter_map(text).collect(),
        Some(value) => text(value).into_iter().collect(),
        None => Vec::new(),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// By what the latest of several records is found.
pub(super) fn age(stored: &StoredRecord) -> (DateTime<Utc>, RecordId) {
    (stored.record.collected_at, stored.id)
}

/// A text that is equal for equal JSON values, whatever the order of their members.
fn sorted_text(value: &Value) -> String {
    let mut sorted = value.clone();
    sorted.sort_all_objects();
    sorted.to_string()
}
