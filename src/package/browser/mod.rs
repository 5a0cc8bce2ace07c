//! The evidence browser: `index.html` and its data, out of an assessment and its bundle.
//!
//! ```text
//! index.html                   the page, the same in every package that one version writes
//! browser/overview.js          scope, frameworks, controls, checks, exceptions; which other files there are
//! browser/findings-00000.js    findings, some thousands a file
//! browser/evidence-00000.js    what each record is and where it stands, some thousands a file
//! browser/records-00000.js     the records' very lines, loaded when somebody opens one
//! ```
//!
//! A page that was opened from a disk may read no other file but scripts, so the data come as scripts: each hands one
//! JSON text to the page. Memory is bounded by one file of records and by the assessment that is given.

mod evidence;
mod findings;
mod overview;
mod page;
mod script;

use std::io;

use super::layout;
use crate::bundle::files::{Files, FilesError};
use crate::canonical;
use crate::model::{Assessment, Manifest};

/// Why the browser's files were not made.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// A file of the bundle could not be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A line of the bundle is no record.
    #[error("{path}, line {line}, is not a record ({source}): the bundle was altered since it was sealed")]
    Record {
        /// File in the bag.
        path: String,
        /// Line, from 1.
        line: u64,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A line of the bundle could not be read.
    #[error("{path}, line {line}, cannot be read: {source}")]
    Line {
        /// File in the bag.
        path: String,
        /// Line, from 1.
        line: u64,
        /// What the system said, or how the line is wrong.
        source: io::Error,
    },
    /// The data could not be written as JSON.
    #[error("the data of the evidence browser cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A part of the page is missing in this program.
    #[error("this program was built without {path} of its evidence browser: build it again")]
    Embedded {
        /// File in `report-templates/browser`.
        path: &'static str,
    },
    /// What takes the files refused one.
    #[error("{name} of the evidence browser cannot be written: {source}")]
    Sink {
        /// The file.
        name: String,
        /// What the system said.
        source: io::Error,
    },
}

/// Takes the files: name in the package, bytes.
pub type Sink<'a> = dyn FnMut(&str, &[u8]) -> io::Result<()> + 'a;

/// Makes the browser's files for `assessment` of the bundle in `bag` and hands them to `sink`, one by one: always the
/// same ones for the same input.
///
/// # Errors
/// When the bundle cannot be read, or `sink` refuses a file.
pub fn make(
    bag: &dyn Files,
    manifest: &Manifest,
    assessment: &Assessment,
    sink: &mut Sink<'_>,
) -> Result<(), BrowserError> {
    let mut files = Output { sink };
    let records = evidence::write(bag, manifest, &mut files)?;
    let findings = findings::write(assessment, &records.places, &mut files)?;
    let overview = overview::Overview::new(assessment, manifest, findings, &records);
    files.data("overview", &overview)?;
    let page = page::assemble()?;
    files.put(layout::BROWSER.to_owned(), page.as_bytes())
}

/// Where the files go.
struct Output<'a, 'b> {
    sink: &'a mut Sink<'b>,
}

impl Output<'_, '_> {
    /// Writes `value` as the data file `name`.
    fn data(&mut self, name: &str, value: &impl serde::Serialize) -> Result<(), BrowserError> {
        let text = script::of(name, &serde_json::to_string(value)?);
        self.put(format!("{}/{name}.js", layout::BROWSER_DATA), text.as_bytes())
    }

    fn put(&mut self, name: String, bytes: &[u8]) -> Result<(), BrowserError> {
        (self.sink)(&name, bytes).map_err(|source| BrowserError::Sink { name, source })
    }
}

/// The name of one of several files of a sort; in order of the numbers as text too.
fn numbered(sort: &str, number: usize) -> String {
    format!("{sort}-{number:05}")
}

/// SHA-256 as a Content-Security-Policy writes it.
fn policy_hash(text: &str) -> String {
    use base64::Engine;
    let digest = canonical::sha256(text.as_bytes());
    format!("'sha256-{}'", base64::engine::general_purpose::STANDARD.encode(digest.as_bytes()))
}
