//! One row for each finding (RFC 4180: CRLF, every cell in quotes).

use super::ExportError;
use super::index::{self, Index};
use crate::model::{Assessment, Exception, Finding, spreadsheet_cell};

/// The columns, in order.
const COLUMNS: [&str; 21] = [
    "as of",
    "outcome",
    "severity",
    "check",
    "title",
    "message",
    "account",
    "region",
    "kind",
    "resource",
    "arn",
    "controls",
    "exception",
    "exception owner",
    "exception approver",
    "exception expires",
    "compensating control",
    "remediation",
    "records",
    "files",
    "bundle manifest",
];

/// A cell holds at most 32,767 characters; a record id has 64.
const MOST_LISTED: usize = 200;

/// Writes the findings, in the assessment's order.
///
/// Names and reasons are text that strangers may choose: a cell that a spreadsheet program would take for a formula begins
/// with an apostrophe.
pub(super) fn export(assessment: &Assessment) -> Result<Vec<u8>, ExportError> {
    let failed = |error: csv::Error| ExportError::Csv(error.to_string());
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .quote_style(csv::QuoteStyle::Always)
        .from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(failed)?;
    let index = Index::new(assessment);
    for finding in &assessment.findings {
        writer.write_record(row(&index, finding).map(|cell| spreadsheet_cell(&cell))).map_err(failed)?;
    }
    writer.into_inner().map_err(|error| ExportError::Csv(error.to_string()))
}

fn row(index: &Index<'_>, finding: &Finding) -> [String; COLUMNS.len()] {
    let check = index.check(finding);
    let exception = index.exception(finding);
    let of = |member: fn(&Exception) -> String| exception.map(member).unwrap_or_default();
    let controls = index.controls(&finding.check).iter();
    let entries = finding.proof.ids().iter().filter_map(|id| index.entry(id));
    let subject = &finding.subject;
    [
        index.assessment.as_of.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
        index::outcome(finding.outcome).to_owned(),
        check.map(|check| index::severity(check.severity).to_owned()).unwrap_or_default(),
        finding.check.clone(),
        check.map(|check| check.title.clone()).unwrap_or_default(),
        finding.message.clone(),
        subject.account.clone(),
        subject.region.clone(),
        subject.kind.clone(),
        subject.id.clone(),
        subject.arn.clone(),
        joined(controls.map(|(framework, control)| format!("{} {}", framework.reference.id, control.id))),
        of(|exception| exception.reason.clone()),
        of(|exception| exception.owner.clone()),
        of(|exception| exception.approver.clone()),
        of(|exception| exception.expires.to_string()),
        of(|exception| exception.compensating_control.clone().unwrap_or_default()),
        check.map(|check| check.remediation.clone()).unwrap_or_default(),
        joined(finding.proof.ids().iter().map(ToString::to_string)),
        joined(entries.map(|entry| format!("{} line {}", entry.path, entry.line))),
        index.assessment.bundle.manifest_sha256.to_string(),
    ]
}

/// The parts in one cell; what does not fit into one is counted.
fn joined(parts: impl Iterator<Item = String>) -> String {
    let mut parts: Vec<String> = parts.collect();
    let more = parts.len().saturating_sub(MOST_LISTED);
    parts.truncate(MOST_LISTED);
    if more > 0 {
        parts.push(format!("and {more} more, in assessment.json"));
    }
    parts.join("; ")
}
