//! What other tools found, beside our own findings: by tool, and where the two say the opposite.

use serde::Serialize;

use super::{RecordLink, Records, prose};
use crate::model::{
    Assessment, Disagreement, ImportComparison, ImportCounts, ImportOrigin, ImportOutcome, ImportReport,
    Outcome,
};

/// Disagreements that are printed in full.
const MOST_DISAGREEMENTS: usize = 200;
/// Suppressions of one import that are printed.
const MOST_SUPPRESSIONS: usize = 300;
/// Rules of one import that are printed.
const MOST_RULES: usize = 200;
/// Resources of a rule that are printed where none of ours is known to be meant.
const MOST_NOT_FOUND: usize = 5;
/// Records of either side that are printed.
const MOST_RECORDS: usize = 4;

/// The section.
#[derive(Debug, Serialize)]
pub(super) struct ImportSection {
    tools: Vec<Tool>,
    disagreements: Vec<DisagreementView>,
    more_disagreements: usize,
}

#[derive(Debug, Serialize)]
struct Tool {
    tool: String,
    version: Option<String>,
    file: Option<File>,
    records: Vec<RecordLink>,
    more_records: usize,
    counts: ImportCounts,
    repeated: u64,
    compared: Compared,
    /// Rules that checks of ours name as their equivalents.
    rules: Vec<Rule>,
    more_rules: usize,
    /// Rules that none does, by name.
    unmapped: Vec<Unmapped>,
    more_unmapped: usize,
    suppressions: Vec<Suppression>,
    more_suppressions: usize,
    problem: Option<String>,
}

#[derive(Debug, Serialize)]
struct File {
    name: String,
    format: &'static str,
    sha256: String,
    bytes: u64,
    made_at: Option<String>,
}

#[derive(Debug, Serialize)]
struct Compared {
    agree: u64,
    disagree: u64,
    undecided: u64,
    no_such_resource: u64,
    no_such_check: u64,
}

#[derive(Debug, Serialize)]
struct Rule {
    name: String,
    checks: Vec<String>,
    counts: ImportCounts,
    not_found: Vec<String>,
    more_not_found: u64,
}

#[derive(Debug, Serialize)]
struct Unmapped {
    name: String,
    violations: u64,
}

#[derive(Debug, Serialize)]
struct Suppression {
    rule: String,
    resource: String,
    arn: Option<String>,
    reason: Option<String>,
    ours: Option<Outcome>,
}

#[derive(Debug, Serialize)]
struct DisagreementView {
    arn: String,
    kind: String,
    checks: Vec<String>,
    ours: Outcome,
    message: String,
    proof: Vec<RecordLink>,
    more_proof: usize,
    tool: String,
    rule: String,
    theirs: ImportOutcome,
    resource: String,
    their_message: String,
    place: Option<String>,
    their_proof: Vec<RecordLink>,
    more_their_proof: usize,
}

impl ImportSection {
    pub(super) fn new(assessment: &Assessment, records: &mut Records<'_>) -> Self {
        let shown = assessment.disagreements.iter().take(MOST_DISAGREEMENTS);
        Self {
            tools: assessment.imports.iter().map(|report| tool(report, records)).collect(),
            disagreements: shown.map(|disagreement| view(disagreement, records)).collect(),
            more_disagreements: assessment.disagreements.len().saturating_sub(MOST_DISAGREEMENTS),
        }
    }
}

fn tool(report: &ImportReport, records: &mut Records<'_>) -> Tool {
    let file = match &report.origin {
        ImportOrigin::Collected => None,
        ImportOrigin::File(file) => Some(File {
            name: file.name.clone(),
            format: file.format.map_or("cannot be read", |format| format.title()),
            sha256: file.sha256.to_string(),
            bytes: file.bytes,
            made_at: file.made_at.clone(),
        }),
    };
    let (mapped, unmapped): (Vec<_>, Vec<_>) = report.rules.iter().partition(|rule| !rule.checks.is_empty());
    let rules = mapped.iter().take(MOST_RULES).map(|rule| Rule {
        name: rule.name.clone(),
        checks: rule.checks.clone(),
        counts: rule.counts,
        not_found: rule.not_found.iter().take(MOST_NOT_FOUND).cloned().collect(),
        more_not_found: rule.more_not_found + rule.not_found.len().saturating_sub(MOST_NOT_FOUND) as u64,
    });
    let names = unmapped.iter().take(MOST_RULES).map(|rule| Unmapped {
        name: rule.name.clone(),
        violations: rule.counts.fail + rule.counts.suppressed,
    });
    let suppressions = report.suppressions.iter().take(MOST_SUPPRESSIONS).map(|it| Suppression {
        rule: it.detail.as_ref().map_or_else(|| it.rule.clone(), |detail| format!("{} [{detail}]", it.rule)),
        resource: it.resource.clone(),
        arn: it.subject.as_ref().map(|subject| subject.arn.clone()),
        reason: it.reason.as_deref().map(prose),
        ours: it.ours,
    });
    let (shown, more_records) = links(report.records.ids(), records);
    Tool {
        tool: report.tool.clone(),
        version: report.tool_version.clone(),
        file,
        records: shown,
        more_records,
        counts: report.counts,
        repeated: report.repeated,
        compared: compared(report.compared),
        rules: rules.collect(),
        more_rules: mapped.len().saturating_sub(MOST_RULES),
        unmapped: names.collect(),
        more_unmapped: unmapped.len().saturating_sub(MOST_RULES),
        suppressions: suppressions.collect(),
        more_suppressions: report.suppressions.len().saturating_sub(MOST_SUPPRESSIONS),
        problem: report.problem.clone(),
    }
}

fn compared(compared: ImportComparison) -> Compared {
    let ImportComparison { agree, disagree, undecided, no_such_resource, no_such_check } = compared;
    Compared { agree, disagree, undecided, no_such_resource, no_such_check }
}

fn view(disagreement: &Disagreement, records: &mut Records<'_>) -> DisagreementView {
    let theirs = &disagreement.theirs;
    let (proof, more_proof) = links(disagreement.proof.ids(), records);
    let (their_proof, more_their_proof) = links(theirs.proof.ids(), records);
    DisagreementView {
        arn: disagreement.subject.arn.clone(),
        kind: disagreement.subject.kind.clone(),
        checks: disagreement.checks.clone(),
        ours: disagreement.ours,
        message: prose(&disagreement.message),
        proof,
        more_proof,
        tool: theirs.tool.clone(),
        rule: theirs.rule.clone(),
        theirs: theirs.outcome,
        resource: theirs.resource.clone(),
        their_message: prose(&theirs.message),
        place: theirs.place.clone(),
        their_proof,
        more_their_proof,
    }
}

fn links(ids: &[crate::model::RecordId], records: &mut Records<'_>) -> (Vec<RecordLink>, usize) {
    let shown = ids.iter().take(MOST_RECORDS).map(|id| records.link(*id)).collect();
    (shown, ids.len().saturating_sub(MOST_RECORDS))
}
