//! One attestation: `attestation.toml`, and the record that it becomes.

use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{LARGEST_FILE, LONGEST_NAME, LONGEST_STATEMENT, MOST_FILES};
use crate::bundle::{Addition, Attachment, paths};
use crate::model::{
    AttachedFile, Record, RecordKind, RecordOutcome, Source, Statement, harmless, written_date,
};

/// One attestation of the folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What it is for: `risk-analysis`.
    pub id: String,
    /// When it was added to the folder.
    pub recorded_at: DateTime<Utc>,
    /// What was stated, with which files.
    pub statement: Statement,
    /// Its folder.
    pub place: PathBuf,
}

/// `attestation.toml`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Written {
    id: String,
    statement: String,
    author: String,
    role: String,
    #[serde(deserialize_with = "written_date::required")]
    date: NaiveDate,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "written_date::optional")]
    valid_until: Option<NaiveDate>,
    recorded_at: DateTime<Utc>,
    #[serde(default, rename = "file", skip_serializing_if = "Vec::is_empty")]
    files: Vec<AttachedFile>,
}

impl Written {
    pub(super) fn of(entry: &Entry) -> Self {
        let Statement { statement, author, role, date, valid_until, files } = entry.statement.clone();
        let (id, recorded_at) = (entry.id.clone(), entry.recorded_at);
        Self { id, statement, author, role, date, valid_until, recorded_at, files }
    }

    pub(super) fn into_entry(self, place: &Path) -> Entry {
        let Self { id, statement, author, role, date, valid_until, recorded_at, files } = self;
        let statement = Statement { statement, author, role, date, valid_until, files };
        Entry { id, recorded_at, statement, place: place.to_owned() }
    }
}

impl Entry {
    /// The record that it becomes in every bundle: the same entry gives the same record.
    pub fn record(&self) -> Record {
        Record {
            kind: RecordKind::Attestation,
            version: Record::VERSION,
            source: Source {
                partition: String::new(),
                account: String::new(),
                region: String::new(),
                service: "attestation".into(),
                operation: "Attest".into(),
                parameters: json!({ "id": self.id }),
                caller: String::new(),
                endpoint: String::new(),
            },
            collected_at: self.recorded_at,
            exchanges: Vec::new(),
            outcome: RecordOutcome::Response(self.response()),
            redactions: Vec::new(),
        }
    }

    fn response(&self) -> serde_json::Value {
        let Statement { statement, author, role, date, valid_until, files } = &self.statement;
        let mut response = json!({
            "statement": statement, "author": author, "role": role, "date": date, "files": files,
        });
        if let Some(until) = valid_until {
            response["valid-until"] = json!(until);
        }
        response
    }

    /// The record with its files.
    pub fn addition(&self) -> Addition {
        let place = |file: &AttachedFile| Attachment::File(self.place.join(file.sha256.to_string()));
        Addition { record: self.record(), files: self.statement.files.iter().map(place).collect() }
    }

    /// What about it cannot be so, each as a sentence without full stop.
    pub(super) fn problems(&self) -> Vec<String> {
        let Statement { statement, author, role, date, valid_until, files } = &self.statement;
        let mut problems = Vec::new();
        let record = self.record();
        if let Err(error) = paths::of(&record) {
            problems.push(error.to_string());
        }
        if let Err(error) = record.to_line() {
            problems.push(error.to_string());
        }
        for (name, text, longest) in [
            ("the statement", statement, LONGEST_STATEMENT),
            ("the author", author, LONGEST_NAME),
            ("the role", role, LONGEST_NAME),
        ] {
            if text.trim().is_empty() {
                problems.push(format!("{name} is empty"));
            }
            if text.len() > longest {
                problems.push(format!("{name} is longer than {longest} bytes"));
            }
            let of_one_line = name != "the statement";
            if text.chars().any(|one| one.is_control() && (of_one_line || !matches!(one, '\n' | '\r'))) {
                problems.push(format!("{name} holds control characters: {}", harmless(text, 80)));
            }
        }
        if let Some(until) = valid_until.filter(|until| until < date) {
            problems.push(format!("it is valid until {until}, before its date, {date}"));
        }
        if *date > self.recorded_at.date_naive() {
            problems.push(format!(
                "its date, {date}, is after the day on which it was recorded, {} (UTC)",
                self.recorded_at.date_naive()
            ));
        }
        if files.len() > MOST_FILES {
            problems.push(format!("it has {} files, at most {MOST_FILES} are taken", files.len()));
        }
        for file in files {
            let name = harmless(&file.name, 80);
            if file.name.is_empty() || file.name.len() > LONGEST_NAME {
                problems.push(format!("the file name {name:?} is empty or longer than {LONGEST_NAME} bytes"));
            }
            if file.bytes == 0 || file.bytes > LARGEST_FILE {
                problems.push(format!(
                    "the file {name:?} has {} bytes: files of 1 to {LARGEST_FILE} bytes are taken",
                    file.bytes
                ));
            }
        }
        problems
    }
}
