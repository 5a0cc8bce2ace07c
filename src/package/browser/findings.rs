//! The findings, some thousands a file.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{BrowserError, Output, numbered};
use crate::model::{Assessment, Finding, Outcome, RecordId};

/// Findings in one file.
const PER_FILE: usize = 2000;

/// One finding; its kind of resource and severity are those of its check.
#[derive(Debug, Serialize)]
struct Row<'a> {
    /// Place of the check in the assessment; its id where it is not there.
    check: Reference<'a>,
    outcome: Outcome,
    account: &'a str,
    region: &'a str,
    id: &'a str,
    arn: &'a str,
    message: &'a str,
    /// Numbers of the records in the index; the id of one that the bundle lacks.
    proof: Vec<Reference<'a>>,
    exception: Option<u32>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Reference<'a> {
    Number(usize),
    Record(RecordId),
    Check(&'a str),
}

/// Writes the findings of `assessment`; gives the names of the files.
pub(super) fn write(
    assessment: &Assessment,
    records: &BTreeMap<RecordId, usize>,
    output: &mut Output<'_, '_>,
) -> Result<Vec<String>, BrowserError> {
    let checks: BTreeMap<&str, usize> =
        assessment.checks.iter().enumerate().map(|(number, check)| (check.id.as_str(), number)).collect();
    let mut names = Vec::new();
    for part in assessment.findings.chunks(PER_FILE) {
        let name = numbered("findings", names.len());
        let rows: Vec<Row<'_>> = part.iter().map(|finding| Row::new(finding, &checks, records)).collect();
        output.data(&name, &rows)?;
        names.push(name);
    }
    Ok(names)
}

impl<'a> Row<'a> {
    fn new(
        finding: &'a Finding,
        checks: &BTreeMap<&str, usize>,
        records: &BTreeMap<RecordId, usize>,
    ) -> Self {
        let Finding {
            check,
            subject,
            outcome,
            message,
            proof,
            exception,
            exception_without_effect: _,
            decided_by: _,
        } = finding;
        let proof = proof.ids().iter();
        Self {
            check: checks.get(check.as_str()).map_or(Reference::Check(check), |at| Reference::Number(*at)),
            outcome: *outcome,
            account: &subject.account,
            region: &subject.region,
            id: &subject.id,
            arn: &subject.arn,
            message,
            proof: proof
                .map(|id| records.get(id).map_or(Reference::Record(*id), |at| Reference::Number(*at)))
                .collect(),
            exception: *exception,
        }
    }
}
