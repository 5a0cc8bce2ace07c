//! Checks under their controls: the predicate, the resources it was put to, and the proof.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::controls::ControlLink;
use super::summary::OutcomeCounts;
use super::{ProofRow, RecordLink, Records, lines, prose};
use crate::model::{AssessedCheck, Assessment, Finding, Outcome, RecordId, Severity, Subject};

/// The checks of one control. Where resources were judged, and nowhere before, a check is shown in full; a few words are
/// enough for the others, or an auditor would never get to what counts.
#[derive(Debug, Default, Serialize)]
pub(super) struct ControlChecks {
    full: Vec<ControlCheck>,
    /// Those that everything in scope passed.
    passed: Vec<ControlCheck>,
    elsewhere: Vec<Elsewhere>,
    nothing: Vec<Nothing>,
    /// How many there are of all sorts.
    count: usize,
}

/// A check in full.
#[derive(Debug, Serialize)]
struct ControlCheck {
    id: String,
    title: String,
    severity: Option<Severity>,
    counts: OutcomeCounts,
    /// Predicate, resources and proof; `None` where the assessment does not hold the check.
    detail: Option<CheckDetail>,
}

/// Checks that an earlier control shows in full.
#[derive(Debug, Serialize)]
struct Elsewhere {
    control: ControlLink,
    checks: Vec<Brief>,
}

/// A check in a word.
#[derive(Debug, Serialize)]
struct Brief {
    id: String,
    counts: OutcomeCounts,
}

/// Checks for which there is nothing in scope, for one and the same reason.
#[derive(Debug, Serialize)]
struct Nothing {
    message: String,
    proof: Vec<RecordLink>,
    more_proof: usize,
    checks: Vec<String>,
}

/// Predicate, resources and proof.
#[derive(Debug, Serialize)]
struct CheckDetail {
    resource: String,
    rationale: String,
    remediation: String,
    /// Which resources of the kind it is about; empty: all of them.
    applies: Vec<String>,
    expression: Vec<String>,
    references: Vec<String>,
    /// Resources for which it did not pass, what is read first coming first.
    findings: Vec<FindingRow>,
    /// Resources for which it passed.
    passes: Vec<FindingRow>,
    /// Findings that are not listed, by outcome.
    more: OutcomeCounts,
    any_more: bool,
    proof: Vec<ProofRow>,
}

/// One resource.
#[derive(Debug, Serialize)]
struct FindingRow {
    /// `fail`, `indeterminate`, `excepted`, `pass` or `not-applicable`.
    outcome: &'static str,
    name: String,
    arn: Option<String>,
    account: String,
    region: String,
    message: String,
    /// Number of the exception that covers it, from 1.
    exception: Option<u32>,
    proof: Vec<RecordLink>,
    more_proof: usize,
}

/// How many findings of each outcome a check lists. Failures are what an auditor follows up one by one;
/// passes are samples, and the whole list is in `assessment.json`.
const MOST: OutcomeCounts =
    OutcomeCounts { fail: 100, indeterminate: 40, excepted: 40, pass: 4, not_applicable: 5 };

/// The most records that one finding lists.
const MOST_PROOF: usize = 6;

/// The assessment's checks and findings by id.
pub(super) struct Checks<'a> {
    checks: BTreeMap<&'a str, &'a AssessedCheck>,
    findings: BTreeMap<&'a str, Vec<&'a Finding>>,
    /// The control under which each check was shown.
    shown: BTreeMap<String, ControlLink>,
}

impl<'a> Checks<'a> {
    /// Sorts an assessment's findings by check.
    pub(super) fn new(assessment: &'a Assessment) -> Self {
        let mut findings: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for finding in &assessment.findings {
            findings.entry(&finding.check).or_default().push(finding);
        }
        let checks = assessment.checks.iter().map(|check| (check.id.as_str(), check)).collect();
        Self { checks, findings, shown: BTreeMap::new() }
    }

    /// The checks `ids` of the control `here`: each in full the first time, then as a reference to there.
    pub(super) fn under(
        &mut self,
        here: &ControlLink,
        ids: &[String],
        records: &mut Records<'_>,
    ) -> ControlChecks {
        let mut shown = ControlChecks { count: ids.len(), ..ControlChecks::default() };
        for id in ids {
            let findings = self.findings.get(id.as_str()).map(Vec::as_slice).unwrap_or_default();
            let counts = OutcomeCounts::of(findings.iter().copied());
            if let Some(earlier) = self.shown.get(id) {
                shown.elsewhere(earlier, Brief { id: id.clone(), counts });
                continue;
            }
            let check = self.checks.get(id.as_str()).copied();
            if let (true, Some(check), [finding, ..]) = (counts.are_about_nothing(), check, findings) {
                shown.nothing(check, finding, records);
                continue;
            }
            self.shown.insert(id.clone(), here.clone());
            let sort = if counts.are_passes() { &mut shown.passed } else { &mut shown.full };
            sort.push(ControlCheck {
                id: id.clone(),
                title: check.map_or_else(|| id.clone(), |check| prose(&check.title)),
                severity: check.map(|check| check.severity),
                counts,
                detail: check.map(|check| CheckDetail::new(check, findings, records)),
            });
        }
        shown
    }
}

impl ControlChecks {
    fn elsewhere(&mut self, control: &ControlLink, check: Brief) {
        match self.elsewhere.iter_mut().find(|group| group.control.place == control.place) {
            Some(group) => group.checks.push(check),
            None => self.elsewhere.push(Elsewhere { control: control.clone(), checks: vec![check] }),
        }
    }

    fn nothing(&mut self, check: &AssessedCheck, finding: &Finding, records: &mut Records<'_>) {
        let message = prose(&finding.message);
        let proof = finding.proof.ids();
        let links: Vec<RecordLink> = proof.iter().take(MOST_PROOF).map(|id| records.link(*id)).collect();
        let same = |group: &&mut Nothing| {
            group.message == message
                && group.proof.iter().map(|link| &link.short).eq(links.iter().map(|link| &link.short))
        };
        match self.nothing.iter_mut().find(same) {
            Some(group) => group.checks.push(check.id.clone()),
            None => self.nothing.push(Nothing {
                message,
                proof: links,
                more_proof: proof.len().saturating_sub(MOST_PROOF),
                checks: vec![check.id.clone()],
            }),
        }
    }
}

impl CheckDetail {
    fn new(check: &AssessedCheck, findings: &[&Finding], records: &mut Records<'_>) -> Self {
        let mut ordered: Vec<&Finding> = findings.to_vec();
        ordered.sort_by_key(|finding| rank(finding)); // stable: the assessment's order within a rank
        let mut left = MOST;
        let mut more = OutcomeCounts::default();
        let (mut rows, mut passes, mut proof) = (Vec::new(), Vec::new(), BTreeSet::<RecordId>::new());
        for finding in ordered {
            let room = bucket(&mut left, finding);
            if *room == 0 {
                *bucket(&mut more, finding) += 1;
                continue;
            }
            *room -= 1;
            // What passed leads to the evidence index, where each record stands with call, time and hash.
            if finding.outcome != Outcome::Pass {
                proof.extend(finding.proof.ids().iter().take(MOST_PROOF));
            }
            let row = FindingRow::new(finding, records);
            if finding.outcome == Outcome::Pass { passes.push(row) } else { rows.push(row) }
        }
        Self {
            resource: check.resource.clone(),
            rationale: prose(&check.rationale),
            remediation: prose(&check.remediation),
            applies: check.applies.as_deref().map(lines).unwrap_or_default(),
            expression: lines(&check.expression),
            references: check.references.iter().map(|(scheme, names)| reference(scheme, names)).collect(),
            findings: rows,
            passes,
            any_more: more != OutcomeCounts::default(),
            more,
            proof: in_order(proof.into_iter().map(|id| records.proof(id)).collect()),
        }
    }
}

/// Proof in the order of the evidence index.
fn in_order(mut proof: Vec<ProofRow>) -> Vec<ProofRow> {
    proof.sort_by_key(|row| row.link.place);
    proof
}

fn reference(scheme: &str, names: &[String]) -> String {
    format!("{scheme}: {}", names.join(", "))
}

/// What is read first.
fn rank(finding: &Finding) -> u8 {
    match (finding.outcome, finding.exception) {
        (Outcome::Fail, None) => 0,
        (Outcome::Indeterminate, _) => 1,
        (Outcome::Fail, Some(_)) => 2,
        (Outcome::Pass, _) => 3,
        (Outcome::NotApplicable, _) => 4,
    }
}

fn bucket<'c>(counts: &'c mut OutcomeCounts, finding: &Finding) -> &'c mut usize {
    match rank(finding) {
        0 => &mut counts.fail,
        1 => &mut counts.indeterminate,
        2 => &mut counts.excepted,
        3 => &mut counts.pass,
        _ => &mut counts.not_applicable,
    }
}

impl FindingRow {
    fn new(finding: &Finding, records: &mut Records<'_>) -> Self {
        const OUTCOMES: [&str; 5] = ["fail", "indeterminate", "excepted", "pass", "not-applicable"];
        let Subject { account, region, arn, id, .. } = &finding.subject;
        let whole_scope = id == "*";
        let shown = finding.proof.ids().iter().take(MOST_PROOF);
        Self {
            outcome: OUTCOMES.get(usize::from(rank(finding))).copied().unwrap_or("not-applicable"),
            name: if whole_scope { "no single resource".into() } else { id.clone() },
            arn: (arn != id && arn != "*").then(|| arn.clone()),
            account: if account == "*" { "all accounts".into() } else { account.clone() },
            region: if region == "*" { "all regions".into() } else { region.clone() },
            message: prose(&finding.message),
            exception: finding.exception.map(|index| index + 1),
            proof: shown.map(|id| records.link(*id)).collect(),
            more_proof: finding.proof.ids().len().saturating_sub(MOST_PROOF),
        }
    }
}
