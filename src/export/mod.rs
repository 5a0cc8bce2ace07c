//! The assessment in forms that other programs read. Each is a function of the assessment alone, byte for byte: times are
//! its own, and identifiers are derived from what they stand for (UUID version 5).
//!
//! Absence of evidence stays visible in every form, though none has a word for it:
//!
//! | here | OSCAL, of a control | OCSF, of a finding |
//! |---|---|---|
//! | satisfied, pass | `satisfied`, reason `pass` | `Pass` |
//! | not satisfied, fail | `not-satisfied`, reason `fail` | `Fail` |
//! | indeterminate | `not-satisfied`, reason `other` | `Warning` (OCSF: "did not yield a result due to missing information") |
//! | attestation missing or expired | `not-satisfied`, reason `other` | |
//! | satisfied with exceptions | `not-satisfied`, reason `other`, with its risks as `deviation-approved` | `Fail`, finding status `Accepted` |
//! | not applicable | `not-satisfied`, reason `other`, implementation status `not-applicable` | `Other`: `Not Applicable` |
//!
//! OSCAL calls `satisfied` what is "completely satisfied": nothing else becomes that. The status in our words is always
//! beside it, as the property `status` and in the remarks.

mod csv;
mod index;
mod json_lines;
mod markup;
mod ocsf;
mod oscal;
mod uuid;

use crate::canonical::CanonicalError;
use crate::model::Assessment;

pub use ocsf::VERSION as OCSF_VERSION;
pub use oscal::VERSION as OSCAL_VERSION;

/// A form of export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// OSCAL assessment results, JSON: one `result` for each framework.
    Oscal,
    /// OCSF compliance findings (class 2003), one JSON object on each line.
    Ocsf,
    /// CSV (RFC 4180), one row for each finding.
    Csv,
    /// One JSON object on each line, for each finding.
    Json,
}

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Something in it has no canonical JSON form.
    #[error("the assessment cannot be exported: {0}; assess the bundle again")]
    Canonical(#[from] CanonicalError),
    /// The rows could not be written.
    #[error("the assessment cannot be written as CSV: {0}")]
    Csv(String),
}

/// Writes `assessment` in `format`.
///
/// # Errors
/// When it cannot be written; nothing in an assessment that proofpack made is a reason for that.
pub fn export(assessment: &Assessment, format: Format) -> Result<Vec<u8>, ExportError> {
    match format {
        Format::Oscal => oscal::export(assessment),
        Format::Ocsf => ocsf::export(assessment),
        Format::Csv => csv::export(assessment),
        Format::Json => json_lines::export(assessment),
    }
}
