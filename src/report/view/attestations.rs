//! Attestations: what is asked for, and the register of those that were made.

use std::collections::BTreeMap;

use serde::Serialize;

use super::controls::ControlLink;
use super::{RecordLink, Records, prose};
use crate::model::{
    Assessment, AttachedFile, AttestationEntry, AttestationResult, AttestationState, ControlResult,
};

/// An attestation as something that a control asks for.
#[derive(Debug, Clone, Serialize)]
pub(super) struct AttestationView {
    id: String,
    statement: String,
    valid_days: u32,
    state: NeedState,
    /// Who stated the one in force, in which role and when.
    by: Option<Author>,
    holds_until: Option<String>,
    record: Option<RecordLink>,
    /// Earlier ones.
    superseded: Vec<RecordLink>,
}

/// What became of an attestation that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum NeedState {
    Holds,
    Expired,
    Missing,
}

#[derive(Debug, Clone, Serialize)]
struct Author {
    name: String,
    role: String,
    date: String,
}

/// The section on attestations.
#[derive(Debug, Serialize)]
pub(super) struct AttestationSection {
    /// What is asked for, once each.
    asked: Vec<AskedRow>,
    /// What was made, by id and in the order in which it was made.
    register: Vec<RegisterRow>,
}

/// One attestation and the controls that ask for it.
#[derive(Debug, Serialize)]
struct AskedRow {
    #[serde(flatten)]
    attestation: AttestationView,
    controls: Vec<ControlLink>,
    /// Whether it is asked for only where a control is decided against.
    alternative: bool,
}

/// One attestation that was made.
#[derive(Debug, Serialize)]
struct RegisterRow {
    /// Its number in the report, from 1.
    number: usize,
    id: String,
    state: AttestationState,
    /// The state in words.
    meaning: &'static str,
    statement: Vec<String>,
    by: Option<Author>,
    valid_until: Option<String>,
    holds_until: Option<String>,
    files: Vec<FileRow>,
    more_files: usize,
    record: RecordLink,
    sha256: String,
}

#[derive(Debug, Serialize)]
struct FileRow {
    name: String,
    bytes: u64,
    sha256: String,
}

/// The most files that one attestation lists; the record holds all of them.
const MOST_FILES: usize = 40;

impl NeedState {
    /// What became of it.
    pub(super) fn of(result: &AttestationResult) -> Self {
        match (result.record, result.holds) {
            (None, _) => Self::Missing,
            (Some(_), true) => Self::Holds,
            (Some(_), false) => Self::Expired,
        }
    }
}

impl AttestationView {
    /// What became of something that is asked for.
    pub(super) fn new(
        result: &AttestationResult,
        assessment: &Assessment,
        records: &mut Records<'_>,
    ) -> Self {
        let entry = |entry: &&AttestationEntry| Some(entry.record) == result.record;
        Self {
            id: result.need.id.clone(),
            statement: prose(&result.need.statement),
            valid_days: result.need.valid_days,
            state: NeedState::of(result),
            by: assessment.attestations.iter().find(entry).and_then(author),
            holds_until: result.holds_until.map(|until| until.to_string()),
            record: result.record.map(|id| records.link(id)),
            superseded: result.superseded.iter().map(|id| records.link(*id)).collect(),
        }
    }
}

fn author(entry: &AttestationEntry) -> Option<Author> {
    let statement = entry.statement.as_ref()?;
    Some(Author {
        name: statement.author.clone(),
        role: statement.role.clone(),
        date: statement.date.to_string(),
    })
}

impl AttestationSection {
    /// The section of an assessment.
    pub(super) fn new(assessment: &Assessment, records: &mut Records<'_>) -> Self {
        let register = assessment.attestations.iter().enumerate();
        Self {
            asked: asked(assessment, records),
            register: register.map(|(index, entry)| row(index + 1, entry, records)).collect(),
        }
    }
}

/// What is asked for, once each, by id; frameworks that ask for the same in other words have a row each.
fn asked(assessment: &Assessment, records: &mut Records<'_>) -> Vec<AskedRow> {
    let mut rows: BTreeMap<(&str, &str, u32), AskedRow> = BTreeMap::new();
    for (place, control) in assessment.controls().enumerate() {
        for (attestation, alternative) in of_control(control) {
            let need = &attestation.need;
            let row = rows.entry((&need.id, &need.statement, need.valid_days)).or_insert_with(|| AskedRow {
                attestation: AttestationView::new(attestation, assessment, records),
                controls: Vec::new(),
                alternative: true,
            });
            row.alternative &= alternative;
            row.controls.push(ControlLink { place: Some(place), id: control.id.clone() });
        }
    }
    rows.into_values().collect()
}

/// What a control asks for, and the decision that it accepts instead.
fn of_control(control: &ControlResult) -> impl Iterator<Item = (&AttestationResult, bool)> {
    let asked = control.attestations.iter().map(|attestation| (attestation, false));
    asked.chain(control.alternative.iter().map(|decision| (decision, true)))
}

fn row(number: usize, entry: &AttestationEntry, records: &mut Records<'_>) -> RegisterRow {
    let statement = entry.statement.as_ref();
    let files: &[AttachedFile] = statement.map(|statement| statement.files.as_slice()).unwrap_or_default();
    let lines = |text: &str| text.lines().map(prose).filter(|line| !line.is_empty()).collect();
    RegisterRow {
        number,
        id: entry.id.clone(),
        state: entry.state,
        meaning: meaning(entry.state),
        statement: statement.map(|statement| lines(&statement.statement)).unwrap_or_default(),
        by: author(entry),
        valid_until: statement.and_then(|statement| statement.valid_until).map(|until| until.to_string()),
        holds_until: entry.holds_until.map(|until| until.to_string()),
        files: files.iter().take(MOST_FILES).map(file).collect(),
        more_files: files.len().saturating_sub(MOST_FILES),
        record: records.link(entry.record),
        sha256: entry.record.to_string(),
    }
}

fn file(file: &AttachedFile) -> FileRow {
    FileRow { name: file.name.clone(), bytes: file.bytes, sha256: file.sha256.to_string() }
}

fn meaning(state: AttestationState) -> &'static str {
    match state {
        AttestationState::Holds => "It holds.",
        AttestationState::Expired => "It no longer holds.",
        AttestationState::NotYetMade => {
            "It is dated after the date of this assessment and counts for nothing in it."
        }
        AttestationState::Superseded => "A later one has taken its place.",
        AttestationState::NotAskedFor => "No framework of this assessment asks for it.",
        AttestationState::Unreadable => "Its record does not hold a statement; it counts for nothing.",
    }
}
