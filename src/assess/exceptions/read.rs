//! Reading `exceptions.toml`: every mistake in it, each with its line.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use chrono::NaiveDate;
use serde::Serialize;
use toml::de::{DeTable, DeValue};

use crate::assess::text;
use crate::catalog::Catalog;
use crate::model::Exception;

/// Bounds on the file and its texts; far above what people write.
const LARGEST_FILE: usize = 4 << 20;
const MOST_EXCEPTIONS: usize = 10_000;
const LONGEST_TEXT: usize = 4_096;
/// Mistakes that an error message lists.
const MOST_SHOWN: usize = 10;

const REQUIRED: [&str; 7] = ["check", "resource", "reason", "owner", "approver", "approved-on", "expires"];
const OPTIONAL: [&str; 2] = ["compensating-control", "reference"];

/// Why an exceptions file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ExceptionsError {
    /// It is longer than it can sensibly be.
    #[error("{file} has more than {limit}: split the work or remove what has expired")]
    TooLarge {
        /// The file.
        file: String,
        /// The limit that it exceeds.
        limit: String,
    },
    /// Mistakes, all of them.
    #[error("{}", in_words(file, mistakes))]
    Mistakes {
        /// The file.
        file: String,
        /// In the order of the file.
        mistakes: Vec<Mistake>,
    },
}

/// One thing that is wrong with an exceptions file, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Number of the `[[exception]]`, from 1; `None` where it is about the file.
    pub exception: Option<usize>,
    /// What sort of mistake.
    pub problem: MistakeKind,
    /// What is wrong and what to do.
    pub message: String,
}

/// The sort of a mistake, as a stable id that scripts may rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MistakeKind {
    /// It is not TOML.
    Syntax,
    /// A member that exceptions do not have.
    UnknownField,
    /// A member that every exception needs is not there.
    Missing,
    /// A value of another type.
    WrongType,
    /// The catalog has no such check.
    UnknownCheck,
    /// A text with nothing in it.
    Empty,
    /// A text that is longer than people write.
    TooLong,
    /// A text that a draft left for a person to fill in.
    Placeholder,
    /// It expires before it was approved.
    EndsBeforeApproval,
    /// An earlier exception says the same of the same resource.
    Repeated,
    /// Its last day has passed.
    Expired,
    /// It was approved after today.
    NotYetApproved,
    /// Owner and approver are the same person.
    SelfApproved,
    /// The pattern matches every resource.
    TooBroad,
    /// No failure of the assessment matches it.
    MatchesNothing,
}

impl MistakeKind {
    /// Whether the file is refused for it: nothing is assessed with such a file. The other mistakes leave single
    /// exceptions without force, and the assessment says so.
    pub fn refuses(self) -> bool {
        self <= Self::EndsBeforeApproval
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}, column {}: ", self.line, self.column)?;
        if let Some(number) = self.exception {
            write!(formatter, "[[exception]] number {number}: ")?;
        }
        formatter.write_str(&self.message)
    }
}

fn in_words(file: &str, mistakes: &[Mistake]) -> String {
    let plural = if mistakes.len() == 1 { "" } else { "s" };
    let mut text = format!("{file} cannot be used as exceptions: {} mistake{plural}", mistakes.len());
    for mistake in mistakes.iter().take(MOST_SHOWN) {
        text.push_str(&format!("\n{file}, {mistake}"));
    }
    if mistakes.len() > MOST_SHOWN {
        text.push_str("\n`proofpack exceptions lint` lists all of them");
    }
    text
}

/// Reads `exceptions.toml`; `file` is its name for messages.
///
/// # Errors
/// When it cannot be read, or any entry names an unknown check, leaves a text empty or as a draft has it, or ends
/// before it begins.
pub fn read_exceptions(
    toml_text: &str,
    file: &str,
    catalog: &Catalog,
) -> Result<Vec<Exception>, ExceptionsError> {
    let read = read(toml_text, file, catalog)?;
    if read.mistakes.is_empty() {
        Ok(read.exceptions.into_iter().map(|placed| placed.exception).collect())
    } else {
        Err(ExceptionsError::Mistakes { file: file.to_owned(), mistakes: read.mistakes })
    }
}

/// A file as it was read.
pub(super) struct Read<'a> {
    /// The exceptions that could be read.
    pub(super) exceptions: Vec<Placed>,
    /// How many there are, readable or not.
    pub(super) count: usize,
    /// What refuses the file, in its order.
    pub(super) mistakes: Vec<Mistake>,
    /// Where its lines begin.
    pub(super) lines: Lines<'a>,
}

/// An exception and where it stands.
pub(super) struct Placed {
    /// Its number, from 1.
    pub(super) number: usize,
    pub(super) exception: Exception,
    /// Bytes before it.
    start: usize,
    /// Bytes before the value of each of its members.
    members: BTreeMap<&'static str, usize>,
}

impl Placed {
    /// Bytes before the value of a member; before the exception where it has none of that name.
    pub(super) fn place(&self, member: &str) -> usize {
        self.members.get(member).copied().unwrap_or(self.start)
    }
}

/// Reads the file as far as it can be read.
pub(super) fn read<'a>(
    toml_text: &'a str,
    file: &str,
    catalog: &Catalog,
) -> Result<Read<'a>, ExceptionsError> {
    let too_large = |limit: String| ExceptionsError::TooLarge { file: file.to_owned(), limit };
    if toml_text.len() > LARGEST_FILE {
        return Err(too_large(format!("{LARGEST_FILE} bytes")));
    }
    let mut reader = Reader { catalog, lines: Lines::new(toml_text), number: None, mistakes: Vec::new() };
    let (document, errors) = DeTable::parse_recoverable(toml_text);
    for error in &errors {
        let start = error.span().map_or(0, |span| span.start);
        reader.add(start, MistakeKind::Syntax, format!("this is not TOML: {}", error.message()));
    }
    let mut entries: Vec<(Range<usize>, &DeTable<'_>)> = Vec::new();
    // What follows from a mistake in the syntax is no second mistake.
    if errors.is_empty() {
        for (name, value) in document.get_ref() {
            if name.get_ref() != "exception" {
                reader.add(
                    name.span().start,
                    MistakeKind::UnknownField,
                    format!(
                        "unknown field `{}`; every exception is an [[exception]]",
                        text::safe(name.get_ref(), 80)
                    ),
                );
                continue;
            }
            let Some(array) = value.get_ref().as_array() else {
                reader.add(
                    value.span().start,
                    MistakeKind::WrongType,
                    "`exception` is no list of tables: begin each with [[exception]]".to_owned(),
                );
                continue;
            };
            for entry in array.iter() {
                match entry.get_ref().as_table() {
                    Some(table) => entries.push((entry.span(), table)),
                    None => reader.add(
                        entry.span().start,
                        MistakeKind::WrongType,
                        "this is no table: begin each exception with [[exception]]".to_owned(),
                    ),
                }
            }
        }
    }
    if entries.len() > MOST_EXCEPTIONS {
        return Err(too_large(format!("{MOST_EXCEPTIONS} exceptions")));
    }
    let mut exceptions = Vec::new();
    for (index, (span, table)) in entries.iter().enumerate() {
        exceptions.extend(reader.entry(index + 1, span.start, table));
    }
    let Reader { lines, mut mistakes, .. } = reader;
    mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
    Ok(Read { exceptions, count: entries.len(), mistakes, lines })
}

struct Reader<'a, 'c> {
    catalog: &'c Catalog,
    lines: Lines<'a>,
    /// The exception that is being read.
    number: Option<usize>,
    mistakes: Vec<Mistake>,
}

impl Reader<'_, '_> {
    fn add(&mut self, place: usize, problem: MistakeKind, message: String) {
        self.mistakes.push(self.lines.mistake(place, self.number, problem, message));
    }

    fn entry(&mut self, number: usize, start: usize, table: &DeTable<'_>) -> Option<Placed> {
        self.number = Some(number);
        let before = self.mistakes.len();
        let known = || REQUIRED.into_iter().chain(OPTIONAL);
        let mut members = BTreeMap::new();
        for (name, value) in table {
            match known().find(|known| known == name.get_ref()) {
                Some(known) => {
                    members.insert(known, value.span().start);
                }
                None => {
                    let hint = text::nearest(name.get_ref(), known())
                        .map_or_else(String::new, |known| format!("; is `{known}` meant?"));
                    let message = format!("unknown field `{}`{hint}", text::safe(name.get_ref(), 80));
                    self.add(name.span().start, MistakeKind::UnknownField, message);
                }
            }
        }
        for name in REQUIRED.into_iter().filter(|name| !members.contains_key(name)) {
            self.add(start, MistakeKind::Missing, format!("missing field `{name}`"));
        }
        let [check, resource, reason, owner, approver, compensating_control, reference] =
            ["check", "resource", "reason", "owner", "approver", "compensating-control", "reference"]
                .map(|name| self.text(table, name));
        let [approved_on, expires] = ["approved-on", "expires"].map(|name| self.date(table, name));
        let place = |name: &str| members.get(name).copied().unwrap_or(start);
        if let Some(check) = &check {
            self.known_check(check, place("check"));
        }
        if let (Some(approved_on), Some(expires)) = (approved_on, expires)
            && expires < approved_on
        {
            let message = format!("it expires on {expires}, before its approval on {approved_on}");
            self.add(place("expires"), MistakeKind::EndsBeforeApproval, message);
        }
        self.number = None;
        if self.mistakes.len() > before {
            return None;
        }
        let exception = Exception {
            check: check?,
            resource: resource?,
            reason: reason?,
            owner: owner?,
            approver: approver?,
            approved_on: approved_on?,
            expires: expires?,
            compensating_control,
            reference,
        };
        Some(Placed { number, exception, start, members })
    }

    /// A text that is there; `None` otherwise, with the mistake if it is there and cannot be used.
    fn text(&mut self, table: &DeTable<'_>, name: &str) -> Option<String> {
        let value = table.get(name)?;
        let place = value.span().start;
        let Some(found) = value.get_ref().as_str() else {
            self.add(place, MistakeKind::WrongType, format!("{name} is no text: put it between quotes"));
            return None;
        };
        let mistake = if found.trim().is_empty() {
            Some((MistakeKind::Empty, format!("{name} is empty")))
        } else if found.len() > LONGEST_TEXT {
            Some((MistakeKind::TooLong, format!("{name} is longer than {LONGEST_TEXT} bytes")))
        } else if name != "resource" && is_placeholder(found) {
            Some((MistakeKind::Placeholder, not_filled_in(name, found)))
        } else {
            None
        };
        if let Some((problem, message)) = mistake {
            self.add(place, problem, message);
            return None;
        }
        Some(found.to_owned())
    }

    fn date(&mut self, table: &DeTable<'_>, name: &str) -> Option<NaiveDate> {
        let value = table.get(name)?;
        let written = match value.get_ref() {
            DeValue::Datetime(date) => date.to_string(),
            DeValue::String(text) => text.to_string(),
            other => other.type_str().to_owned(),
        };
        let date = NaiveDate::parse_from_str(&written, "%Y-%m-%d");
        if date.is_err() {
            let (problem, message) = if is_placeholder(&written) {
                (MistakeKind::Placeholder, not_filled_in(name, &written))
            } else {
                let shown = text::safe(&written, 80);
                (MistakeKind::WrongType, format!("{name}: {shown:?} is not a date such as 2026-12-31"))
            };
            self.add(value.span().start, problem, message);
        }
        date.ok()
    }

    fn known_check(&mut self, check: &str, place: usize) {
        if self.catalog.checks.contains_key(check) {
            return;
        }
        let nearest = text::nearest(check, self.catalog.checks.keys().map(String::as_str));
        let hint =
            nearest.map_or("`proofpack checks list` shows all".to_owned(), |id| format!("is {id} meant?"));
        let message = format!("there is no check {}; {hint}", text::safe(check, 80));
        self.add(place, MistakeKind::UnknownCheck, message);
    }
}

/// Whether a text is one that a draft left for a person to fill in.
fn is_placeholder(text: &str) -> bool {
    let text = text.trim();
    text.starts_with('<') && text.ends_with('>')
}

fn not_filled_in(name: &str, placeholder: &str) -> String {
    format!("{name} is still {:?}, as a draft has it: fill it in", text::safe(placeholder.trim(), 80))
}

/// A text's lines.
pub(super) struct Lines<'a> {
    text: &'a str,
    /// Bytes before each line.
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let after = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(place, _)| place + 1);
        Self { text, starts: std::iter::once(0).chain(after).collect() }
    }

    /// A mistake at the byte `place`.
    pub(super) fn mistake(
        &self,
        place: usize,
        exception: Option<usize>,
        problem: MistakeKind,
        message: String,
    ) -> Mistake {
        let line = self.starts.partition_point(|start| *start <= place).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let column = self.text.get(start..place).map_or(0, |before| before.chars().count()) + 1;
        Mistake { line, column, exception, problem, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::OnceLock;

    #[test]
    fn places_are_lines_and_characters() {
        let lines = Lines::new("ab\né=1\n");
        let place = |byte| {
            let mistake = lines.mistake(byte, None, MistakeKind::Syntax, String::new());
            (mistake.line, mistake.column)
        };
        assert_eq!([0, 1, 3, 5, 8, 99].map(place), [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 1)]);
    }

    #[test]
    fn only_what_stands_between_angle_brackets_is_a_placeholder() {
        assert!(is_placeholder("<who answers for the risk>") && is_placeholder(" <> "));
        assert!(!is_placeholder("a < b") && !is_placeholder("<b>bold</b> claims, all of them"));
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in ".{0,200}|(\\[\\[exception\\]\\]\n(check|owner|expires|x) = (\"<x>\"|1|2026-01-01|\\[\\])\n){0,3}") {
            static CATALOG: OnceLock<Catalog> = OnceLock::new();
            let catalog = CATALOG.get_or_init(|| Catalog::embedded().unwrap());
            if let Ok(read) = read(&text, "exceptions.toml", catalog) {
                prop_assert!(read.mistakes.iter().all(|mistake| mistake.line >= 1 && mistake.problem.refuses()));
            }
        }
    }
}
