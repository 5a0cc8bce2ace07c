//! What other tools found, held against our own findings: side by side, never merged.
//!
//! Imported files are read again out of the sealed bundle; the findings of AWS Security Hub and AWS Config come from the
//! records that were collected. Neither changes a finding or a control.

mod collected;
mod compare;
mod equivalents;
mod places;
mod proposed;

pub use proposed::{FromImports, propose_from_imports};

use self::compare::Comparing;
use self::equivalents::Equivalents;
use self::places::{Places, Singles};
use super::text;
use crate::bundle::{Bundle, StoredRecord};
use crate::catalog::Catalog;
use crate::imports::{self, ImportedResult};
use crate::model::{
    AssessedCheck, AttachedFile, Disagreement, Finding, FindingError, ImportFormat, ImportOrigin,
    ImportReport, ImportedFile, Proof, RecordId, RecordKind, ResourceSet,
};

/// The results of one tool, from one place.
struct Source<'a> {
    tool: String,
    tool_version: Option<String>,
    origin: ImportOrigin,
    /// Under which name checks have its rules as equivalents.
    scheme: &'a str,
    /// Whether a suppression says that there is a violation.
    suppression_is_violation: bool,
    /// The results, each with the records that hold it.
    results: Vec<(ImportedResult, Vec<RecordId>)>,
    repeated: u64,
    /// All records.
    records: Vec<RecordId>,
    problem: Option<String>,
}

/// What the imports of a bundle, Security Hub and Config say, and where they say the opposite of `findings`.
///
/// # Errors
/// When something has no record to point at.
pub(super) fn hold(
    bundle: &Bundle,
    catalog: &Catalog,
    set: &ResourceSet,
    checks: &[AssessedCheck],
    findings: &[Finding],
) -> Result<(Vec<ImportReport>, Vec<Disagreement>), FindingError> {
    let equivalents = Equivalents::new(checks);
    let places = Places::new(&bundle.manifest.scope.partition, singles(catalog), set, findings);
    let mut sources: Vec<Source<'_>> = bundle
        .records
        .iter()
        .filter(|stored| stored.record.kind == RecordKind::Import)
        .map(|stored| of_file(bundle, stored))
        .collect();
    sources.extend(collected::security_hub(&bundle.manifest.scope.partition, set));
    sources.extend(collected::config(set, &equivalents, &places));
    let mut reports = Vec::new();
    let mut disagreements = Vec::new();
    for source in sources {
        let mut comparing = Comparing::new(&equivalents, &places, &source);
        comparing.run()?;
        disagreements.append(&mut comparing.disagreements);
        reports.push(comparing.report()?);
    }
    disagreements.sort_by(|one, other| {
        let key = |it: &Disagreement| (it.subject.clone(), it.theirs.tool.clone(), it.theirs.rule.clone());
        key(one).cmp(&key(other))
    });
    Ok((reports, disagreements))
}

/// A sealed file, read again. What can no longer be read is said, and nothing is taken from it.
fn of_file<'a>(bundle: &Bundle, stored: &StoredRecord) -> Source<'a> {
    let file = stored.record.attached().ok().and_then(|files| files.into_iter().next());
    let bytes = file.as_ref().and_then(|file| bundle.imports.get(&file.sha256));
    let read = match (&file, bytes) {
        (Some(file), Some(bytes)) => imports::read(&file.name, bytes).map_err(|error| error.to_string()),
        _ => Err("the bundle does not hold the file that the record names".to_owned()),
    };
    let file = file.unwrap_or_else(|| AttachedFile {
        name: String::new(),
        sha256: crate::canonical::sha256(b""),
        bytes: 0,
    });
    let (imported, problem) = match read {
        Ok(imported) => (Some(imported), None),
        Err(problem) => (None, Some(text::safe(&problem, 400))),
    };
    let format = imported.as_ref().map(|imported| imported.format);
    let origin = ImportOrigin::File(ImportedFile {
        name: text::safe(&file.name, 200),
        format,
        sha256: file.sha256,
        bytes: file.bytes,
        made_at: imported.as_ref().and_then(|imported| imported.made_at.clone()),
    });
    let (tool, tool_version, results, repeated) = match imported {
        Some(imported) => (imported.tool, imported.tool_version, imported.results, imported.repeated),
        None => (stored.record.source.service.clone(), None, Vec::new(), 0),
    };
    Source {
        tool,
        tool_version,
        origin,
        scheme: format.map_or("", ImportFormat::scheme),
        suppression_is_violation: format.is_some_and(ImportFormat::suppression_is_violation),
        results: results.into_iter().map(|result| (result, vec![stored.id])).collect(),
        repeated,
        records: vec![stored.id],
        problem,
    }
}

/// The kinds of which an account, or an account and region, has one.
fn singles(catalog: &Catalog) -> Singles {
    let mut singles = Singles::default();
    for rule in catalog.collectors.values().flat_map(|collector| &collector.resources) {
        match rule.from.as_str() {
            "@account" => singles.of_account.insert(rule.kind.clone()),
            "@region" => singles.of_region.insert(rule.kind.clone()),
            _ => continue,
        };
    }
    singles
}

/// The records of a report or of one side of a disagreement.
fn proof(records: &[RecordId]) -> Result<Proof, FindingError> {
    Proof::new(records.iter().copied())
}
