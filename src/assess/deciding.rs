//! The lines of the records that decided a failure: what AWS said of the properties that the check reads, and where.
//!
//! Values in between (an age, a count, a policy taken apart) are made by the checks; what stands here is what AWS answered.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::text;
use crate::bundle::Bundle;
use crate::model::{
    AssessedCheck, DecidingLine, Finding, Outcome, PropertySource, Record, RecordId, RecordOutcome, Subject,
};

/// The most lines that one finding holds.
const MOST_LINES: usize = 6;
/// The most characters of one value.
const LONGEST_VALUE: usize = 160;
/// The most rows of a table that are looked at.
const MOST_ROWS: usize = 100_000;
/// The most places that a path is followed to.
const MOST_PLACES: usize = 1_000;

/// Adds to every failure the lines that decided it.
pub(super) fn add(findings: &mut [Finding], checks: &[AssessedCheck], bundle: &Bundle) {
    let checks: BTreeMap<&str, &AssessedCheck> =
        checks.iter().map(|check| (check.id.as_str(), check)).collect();
    let records: BTreeMap<RecordId, &Record> =
        bundle.records.iter().map(|stored| (stored.id, &stored.record)).collect();
    for finding in findings.iter_mut().filter(|finding| finding.outcome == Outcome::Fail) {
        let Some(check) = checks.get(finding.check.as_str()) else { continue };
        let proof = finding.proof.ids().iter().filter_map(|id| Some((*id, *records.get(id)?)));
        let lines = proof.flat_map(|(id, record)| lines(id, record, check, &finding.subject));
        finding.decided_by = lines.take(MOST_LINES).collect();
    }
}

/// What one record says of what the check reads, each place once.
fn lines(id: RecordId, record: &Record, check: &AssessedCheck, subject: &Subject) -> Vec<DecidingLine> {
    let mut lines: Vec<DecidingLine> = Vec::new();
    let mut add = |at: &[String], property: &str, value: Option<&Value>| {
        let at = pointer(at);
        if lines.iter().all(|line| line.at != at) {
            let value = value.map(|value| text::safe(&value.to_string(), LONGEST_VALUE));
            lines.push(DecidingLine { record: id, at, property: property.to_owned(), value });
        }
    };
    let response = match &record.outcome {
        RecordOutcome::Response(response) => response,
        RecordOutcome::Error(error) => {
            add(&["outcome", "error", "code"].map(str::to_owned), "error", Some(&error.code.as_str().into()));
            return lines;
        }
    };
    let top = Place { at: ["outcome", "response"].map(str::to_owned).to_vec(), value: response };
    let is_of_record = |read: &&PropertySource| {
        read.service == record.source.service && read.operation == record.source.operation
    };
    for read in check.reads.iter().filter(is_of_record) {
        let (starts, base) = match &read.items {
            None => (vec![top.clone()], ""),
            Some(items) => {
                let own = elements(reach(vec![top.clone()], items, subject), subject);
                for (place, line) in
                    own.iter().filter_map(|place| Some((place, row_of(place.value, subject)?)))
                {
                    add(&place.at, &read.property, Some(&line.into()));
                }
                (own.into_iter().filter(|place| is_about(place.value, subject)).collect(), items.as_str())
            }
        };
        for member in &read.members {
            let path = member.strip_prefix(base).unwrap_or(member);
            let places = reach(starts.clone(), path, subject);
            for place in &places {
                add(&place.at, &read.property, Some(place.value));
            }
            if places.is_empty() {
                for start in &starts {
                    let missing: Vec<String> = start.at.iter().cloned().chain(segments(path)).collect();
                    add(&missing, &read.property, None);
                }
            }
        }
    }
    lines
}

/// A value in a record, and the way there.
#[derive(Clone)]
struct Place<'r> {
    at: Vec<String>,
    value: &'r Value,
}

/// The places that a path leads to from some; lists on the way are passed through.
fn reach<'r>(starts: Vec<Place<'r>>, path: &str, subject: &Subject) -> Vec<Place<'r>> {
    segments(path).fold(starts, |places, name| {
        let members = elements(places, subject).into_iter().flat_map(|place| match place.value {
            Value::Object(members) if name == "*" => {
                members.iter().map(|(name, value)| place.below(name, value)).collect()
            }
            Value::Object(members) => {
                members.get(&name).map(|value| place.below(&name, value)).into_iter().collect()
            }
            _ => Vec::new(),
        });
        members.take(MOST_PLACES).collect()
    })
}

/// Places that are no lists: the elements of those that are; where some name the resource, those alone.
fn elements<'r>(places: Vec<Place<'r>>, subject: &Subject) -> Vec<Place<'r>> {
    let mut found = Vec::new();
    for place in places {
        match place.value {
            Value::Array(items) => {
                let names_it = items.iter().any(|item| is_about(item, subject));
                let items = items.iter().enumerate().filter(|(_, item)| !names_it || is_about(item, subject));
                let below = items.take(MOST_PLACES).map(|(at, item)| place.below(&at.to_string(), item));
                found.extend(elements(below.collect(), subject));
            }
            _ => found.push(place),
        }
    }
    found
}

impl<'r> Place<'r> {
    fn below(&self, name: &str, value: &'r Value) -> Self {
        Self { at: self.at.iter().map(String::as_str).chain([name]).map(str::to_owned).collect(), value }
    }
}

/// Whether an element of a list is the resource of a finding: it, or a member of it, is the resource's name or ARN.
fn is_about(value: &Value, subject: &Subject) -> bool {
    let names = |value: &Value| {
        value.as_str().is_some_and(|text| !text.is_empty() && (text == subject.id || text == subject.arn))
    };
    match value {
        Value::Object(members) => members.values().any(names),
        value => names(value),
    }
}

/// The row of a table that names the resource, where the value is one: IAM gives its credential report as CSV in base64.
fn row_of(value: &Value, subject: &Subject) -> Option<String> {
    let table = STANDARD.decode(value.as_str()?).ok()?;
    let rows = str::from_utf8(&table).ok()?.lines();
    let names = |row: &&str| row.split(',').any(|field| field == subject.id || field == subject.arn);
    rows.take(MOST_ROWS).find(names).map(str::to_owned)
}

fn segments(path: &str) -> impl Iterator<Item = String> {
    path.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~"))
}

fn pointer(at: &[String]) -> String {
    at.iter().map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1"))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::canonical::sha256;
    use crate::model::{Severity, Subject};

    fn check(reads: Vec<PropertySource>) -> AssessedCheck {
        AssessedCheck {
            id: "c".into(),
            title: String::new(),
            resource: "s3-bucket".into(),
            severity: Severity::High,
            rationale: String::new(),
            applies: None,
            expression: String::new(),
            events: Vec::new(),
            remediation: String::new(),
            references: BTreeMap::new(),
            reads,
        }
    }

    fn read(items: Option<&str>, members: &[&str]) -> PropertySource {
        PropertySource {
            kind: "s3-bucket".into(),
            property: "it".into(),
            service: "s3".into(),
            operation: "Op".into(),
            items: items.map(str::to_owned),
            members: members.iter().map(|member| (*member).to_owned()).collect(),
        }
    }

    fn told(response: Value, read: PropertySource) -> Vec<(String, Option<String>)> {
        let mut record = crate::bundle::testing::api_record("s3", "Op", json!({}));
        record.outcome = RecordOutcome::Response(response);
        let subject = Subject {
            kind: "s3-bucket".into(),
            account: "1".into(),
            region: "r".into(),
            arn: "arn:aws:s3:::a/b".into(),
            id: "a/b".into(),
        };
        let lines = lines(RecordId(sha256(b"x")), &record, &check(vec![read]), &subject);
        lines.into_iter().map(|line| (line.at, line.value)).collect()
    }

    fn line(at: &str, value: &str) -> (String, Option<String>) {
        (format!("/outcome/response{at}"), (!value.is_empty()).then(|| value.to_owned()))
    }

    #[test]
    fn members_are_found_through_lists_and_what_is_missing_is_told() {
        let response =
            json!({ "Rules": [{ "By": { "Alg": "AES" } }, { "By": {} }, { "By": { "Alg": null } }] });
        assert_eq!(
            told(response.clone(), read(None, &["/Rules/By/Alg"])),
            [line("/Rules/0/By/Alg", "\"AES\""), line("/Rules/2/By/Alg", "null")]
        );
        assert_eq!(told(response, read(None, &["/Status"])), [line("/Status", "")]);
        assert_eq!(told(json!({ "a": 1, "b": 2 }), read(None, &["/*"])), [line("/a", "1"), line("/b", "2")]);
        assert_eq!(told(json!({ "x/y~z": 1 }), read(None, &["/x~1y~0z"])), [line("/x~1y~0z", "1")]);
    }

    #[test]
    fn of_a_list_the_element_that_is_the_resource_counts() {
        let response =
            json!({ "Buckets": [{ "Name": "c", "X": 1 }, { "Name": "a/b", "X": { "y": [1, 2] } }] });
        assert_eq!(
            told(response.clone(), read(Some("/Buckets"), &["/Buckets/X"])),
            [line("/Buckets/1/X", "{\"y\":[1,2]}")]
        );
        assert_eq!(told(response, read(Some("/Buckets"), &["/Buckets/Z"])), [line("/Buckets/1/Z", "")]);
        assert_eq!(
            told(json!({ "Names": ["x", "a/b"] }), read(Some("/Names"), &["/Names"])),
            [line("/Names/1", "\"a/b\"")]
        );
    }

    #[test]
    fn of_a_table_the_row_of_the_resource_counts() {
        let table = STANDARD.encode("user,mfa\nc,true\na/b,false\n");
        assert_eq!(
            told(json!({ "Content": table }), read(Some("/Content"), &["/Content"])),
            [line("/Content", "\"a/b,false\"")]
        );
        assert_eq!(told(json!({ "Content": "no table" }), read(Some("/Content"), &["/Content"])), []);
    }

    #[test]
    fn values_that_are_long_or_deceive_are_cut_and_shown() {
        let told =
            told(json!({ "Policy": format!("\u{202e}{}", "x".repeat(500)) }), read(None, &["/Policy"]));
        let value = told[0].1.clone().unwrap();
        assert!(value.starts_with("\"\\u{202e}x") && value.ends_with('…'), "{value}");
        assert!(value.chars().count() < 180);
    }
}
