//! Small pieces that every part of the document uses.

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::super::index;
use super::super::markup::{line, markdown};
use super::super::uuid::Uuid;
use super::Source;
use crate::model::RecordId;

/// The namespace of the properties that are ours.
const NAMESPACE: &str = "urn:proofpack:oscal";

/// A property of ours.
pub(super) fn property(name: &str, value: &str) -> Value {
    json!({ "name": name, "ns": NAMESPACE, "value": line(value) })
}

/// A property that OSCAL itself defines.
pub(super) fn standard_property(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": line(value) })
}

/// An instant as OSCAL writes it.
pub(super) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// The beginning of a day.
pub(super) fn day(date: NaiveDate) -> String {
    time(date.and_time(NaiveTime::MIN).and_utc())
}

/// This program as the origin of a statement.
pub(super) fn origins(source: &Source<'_>) -> Value {
    json!([origin(source)])
}

/// This program as the origin of a statement that has one origin only.
pub(super) fn origin(source: &Source<'_>) -> Value {
    json!({ "actors": [{ "type": "tool", "actor-uuid": source.tool.to_string() }] })
}

/// The identifier of a record's resource in the back matter.
pub(super) fn resource_uuid(id: &RecordId) -> Uuid {
    Uuid::LASTING.of(&["record", &id.to_string()])
}

/// What a statement rests on: a reference to the record's resource.
pub(super) fn relevant_evidence(source: &Source<'_>, id: &RecordId) -> Value {
    json!({ "href": format!("#{}", resource_uuid(id)), "description": markdown(&summary(source, id)) })
}

/// A record as a resource of the back matter, with the line of the bag that it is.
pub(super) fn resource_of(source: &Source<'_>, id: &RecordId) -> Value {
    let mut props = vec![property("record-sha256", &id.to_string())];
    let mut links = Vec::new();
    if let Some(entry) = source.index.entry(id) {
        let told = [
            ("account", &entry.account),
            ("region", &entry.region),
            ("service", &entry.service),
            ("operation", &entry.operation),
            ("caller", &entry.caller),
        ];
        props.extend(told.map(|(name, value)| property(name, value)));
        props.push(property("collected-at", &time(entry.collected_at)));
        props.extend(entry.request_ids.iter().map(|request| property("request-id", request)));
        props.extend(entry.error.iter().map(|error| property("error", error)));
        if entry.gap {
            props.push(property("gap", entry.reason.map_or("other", |reason| reason.title())));
        }
        links.push(json!({ "href": href(&index::reference(entry)), "media-type": "application/x-ndjson" }));
    }
    json!({
        "uuid": resource_uuid(id).to_string(),
        "title": id.short(),
        "description": markdown(&summary(source, id)),
        "props": props,
        "rlinks": links,
    })
}

/// A record in a line.
fn summary(source: &Source<'_>, id: &RecordId) -> String {
    let Some(entry) = source.index.entry(id) else { return id.short() };
    let gap = if entry.gap { ", a gap: it could not be seen" } else { "" };
    format!(
        "{}: {} {} in {} {}, {}{gap}",
        id.short(),
        entry.service,
        entry.operation,
        entry.account,
        entry.region,
        time(entry.collected_at)
    )
}

/// A path with its fragment as a relative reference: what is neither unreserved nor a separator is percent-encoded.
fn href(path: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~')
        .remove(b'/')
        .remove(b'#')
        .remove(b'=')
        .remove(b',');
    utf8_percent_encode(path, PLAIN).to_string()
}
