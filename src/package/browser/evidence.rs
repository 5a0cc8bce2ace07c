//! The records: an index of what each is, and their very lines in files that are loaded on demand.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};

use chrono::{DateTime, Utc};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{BrowserError, Output, numbered};
use crate::bundle::LONGEST_LINE;
use crate::bundle::files::Files;
use crate::model::{ApiError, ErrorMeaning, Manifest, RecordId, RecordKind, Source, aws_cli};

/// A file of records is closed when its lines have this many bytes.
const FILE_BYTES: usize = 256 * 1024;
/// Longest line that the page is given, in bytes: a longer one would only make it stand still.
const LONGEST_SHOWN: usize = 4 * 1024 * 1024;
/// Lines of the index in one file.
const INDEX_LINES: usize = 4000;
/// Longest summary of a call's parameters, in characters.
const LONGEST_ABOUT: usize = 160;

/// What was written.
pub(super) struct Written {
    /// Number of every record, in the order of the index.
    pub(super) places: BTreeMap<RecordId, usize>,
    /// The files of the index.
    pub(super) index: Vec<String>,
    /// How many files of records there are.
    pub(super) files: usize,
}

/// One record in the index; members are short because there are many.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    id: RecordId,
    kind: RecordKind,
    account: &'a str,
    region: &'a str,
    service: &'a str,
    operation: &'a str,
    at: DateTime<Utc>,
    /// The call's parameters, cut.
    about: String,
    error: Option<&'a str>,
    gap: bool,
    path: &'a str,
    line: u64,
    /// Number of the file of records, and place in it; `None` where the line is too long to show.
    place: Option<(usize, usize)>,
    bytes: usize,
}

/// A record as its file has it.
#[derive(Debug, Serialize)]
struct Line {
    /// The line without its line feed: its SHA-256 is the record's id.
    line: String,
    /// The AWS CLI command that makes the call again.
    command: Option<String>,
}

/// What the index says of a record; its response is skipped, not kept.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Head {
    kind: RecordKind,
    source: Source,
    collected_at: DateTime<Utc>,
    outcome: Outcome,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Response(IgnoredAny),
    Error(ApiError),
}

/// Writes index and records of the bundle in `bag`, in the manifest's order.
pub(super) fn write(
    bag: &dyn Files,
    manifest: &Manifest,
    output: &mut Output<'_, '_>,
) -> Result<Written, BrowserError> {
    let mut writer = Writer::default();
    let mut places = BTreeMap::new();
    for file in &manifest.files {
        let mut reader = BufReader::new(bag.open(&file.path)?);
        for (line, id) in (1..).zip(&file.records) {
            let text = read_line(&mut reader).map_err(|source| BrowserError::Line {
                path: file.path.clone(),
                line,
                source,
            })?;
            places.insert(*id, places.len());
            let place = (file.path.as_str(), line);
            writer.add(*id, place, text, output)?;
        }
    }
    writer.close_records(output)?;
    writer.close_index(output)?;
    Ok(Written { places, index: writer.index_files, files: writer.files })
}

#[derive(Default)]
struct Writer {
    records: Vec<Line>,
    bytes: usize,
    files: usize,
    index: Vec<Value>,
    index_files: Vec<String>,
}

impl Writer {
    fn add(
        &mut self,
        id: RecordId,
        (path, line): (&str, u64),
        text: String,
        output: &mut Output<'_, '_>,
    ) -> Result<(), BrowserError> {
        let head: Head = serde_json::from_str(&text).map_err(|source| BrowserError::Record {
            path: path.to_owned(),
            line,
            source,
        })?;
        let Head { kind, source, collected_at, outcome } = head;
        let error = match &outcome {
            Outcome::Error(error) => Some(error),
            Outcome::Response(IgnoredAny) => None,
        };
        let bytes = text.len();
        let shown = bytes <= LONGEST_SHOWN;
        let entry = Entry {
            id,
            kind,
            account: &source.account,
            region: &source.region,
            service: &source.service,
            operation: &source.operation,
            at: collected_at,
            about: about(&source.parameters),
            error: error.map(|error| error.code.as_str()),
            gap: error.is_some_and(|error| error.meaning == ErrorMeaning::Gap),
            path,
            line,
            place: shown.then_some((self.files, self.records.len())),
            bytes,
        };
        self.index.push(serde_json::to_value(entry)?);
        if self.index.len() == INDEX_LINES {
            self.close_index(output)?;
        }
        if shown {
            let again = || aws_cli(&source.service, &source.operation, &source.parameters, &source.region);
            let command = (kind == RecordKind::ApiCall).then(again);
            self.records.push(Line { line: text, command });
            self.bytes += bytes;
        }
        if self.bytes >= FILE_BYTES { self.close_records(output) } else { Ok(()) }
    }

    fn close_records(&mut self, output: &mut Output<'_, '_>) -> Result<(), BrowserError> {
        if self.records.is_empty() {
            return Ok(());
        }
        output.data(&numbered("records", self.files), &self.records)?;
        self.records.clear();
        self.bytes = 0;
        self.files += 1;
        Ok(())
    }

    fn close_index(&mut self, output: &mut Output<'_, '_>) -> Result<(), BrowserError> {
        if self.index.is_empty() {
            return Ok(());
        }
        let name = numbered("evidence", self.index_files.len());
        output.data(&name, &self.index)?;
        self.index.clear();
        self.index_files.push(name);
        Ok(())
    }
}

/// The next line, without its line feed.
fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut text = String::new();
    reader.take(LONGEST_LINE).read_line(&mut text)?;
    if text.pop() == Some('\n') {
        return Ok(text);
    }
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file ends before the line does"))
}

/// `Bucket=records, MaxItems=5`.
fn about(parameters: &Value) -> String {
    let shown = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let members = parameters.as_object().into_iter().flatten();
    let text = members.map(|(name, value)| format!("{name}={}", shown(value))).collect::<Vec<_>>().join(", ");
    match text.char_indices().nth(LONGEST_ABOUT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parameters_are_told_in_a_line() {
        assert_eq!(about(&json!({"Bucket": "records", "Max": 5})), "Bucket=records, Max=5");
        assert_eq!(about(&Value::Null), "");
        let long = about(&json!({"Name": "ä".repeat(500)}));
        assert_eq!(long.chars().count(), LONGEST_ABOUT + 1);
    }

    #[test]
    fn a_file_that_ends_early_is_an_error() {
        let mut reader = &b"{}\n{}"[..];
        assert_eq!(read_line(&mut reader).unwrap(), "{}");
        assert!(read_line(&mut reader).is_err());
        assert!(read_line(&mut reader).is_err());
    }
}
