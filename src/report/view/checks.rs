//! Checks under their controls: the predicate, the resources it was put to, and the proof.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::controls::{ByControl, ControlLink, under};
use super::exceptions::{in_force, why_without_effect};
use super::summary::OutcomeCounts;
use super::{ProofRow, RecordLink, Records, lines, prose};
use crate::model::{AssessedCheck, Assessment, DecidingLine, Finding, Outcome, RecordId, Severity, Subject};

/// The checks of one control. Where resources were judged, and nowhere before, a check is shown in full; a few words are
/// enough for the others, or an auditor would never get to what counts.
#[derive(Debug, Default, Serialize)]
pub(super) struct ControlChecks {
    full: Vec<ControlCheck>,
    /// Those that everything in scope passed.
    passed: Vec<PassedCheck>,
    elsewhere: Vec<ByControl<Elsewhere>>,
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

/// A check that everything in scope passed: what was asked, of what, and samples.
#[derive(Debug, Serialize)]
struct PassedCheck {
    id: String,
    title: String,
    counts: OutcomeCounts,
    resource: String,
    applies: Option<String>,
    expression: String,
    events: Vec<String>,
    passes: Vec<Sample>,
    /// Passes that are not listed.
    more: usize,
}

/// A resource that passed.
#[derive(Debug, Serialize)]
struct Sample {
    name: String,
    account: String,
    region: String,
    proof: Vec<RecordLink>,
    more_proof: usize,
}

/// Checks that an earlier control shows in full.
#[derive(Debug, Default, Serialize)]
struct Elsewhere {
    /// Those that not everything in scope passed.
    telling: Vec<Brief>,
    /// Ids of those that everything in scope passed.
    passed: Vec<String>,
}

/// A check in a line.
#[derive(Debug, Serialize)]
struct Brief {
    id: String,
    title: String,
    counts: OutcomeCounts,
    /// The first resources that did not pass.
    resources: Vec<String>,
    more_resources: usize,
}

/// The most resources that a check in a line names.
const MOST_NAMES: usize = 6;

/// Checks for which there is nothing in scope, for one and the same reason.
#[derive(Debug, Serialize)]
struct Nothing {
    message: String,
    proof: Vec<RecordLink>,
    more_proof: usize,
    checks: Vec<Named>,
}

/// A check by name.
#[derive(Debug, Serialize)]
struct Named {
    id: String,
    title: String,
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
    /// The events that the predicate calls `events`: service and names.
    events: Vec<String>,
    references: Vec<String>,
    /// Resources for which it did not pass, what is read first coming first.
    findings: Vec<FindingRow>,
    /// Resources for which it passed.
    passes: Vec<Sample>,
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
    /// What AWS said that decided it.
    decided_by: Vec<Decided>,
    /// The exception that names it.
    exception: Option<ExceptionNote>,
    proof: Vec<RecordLink>,
    more_proof: usize,
}

/// A line of a record.
#[derive(Debug, Serialize)]
struct Decided {
    record: RecordLink,
    /// Where in the response, or in the record where that is another part of it.
    at: String,
    /// `None` where the answer does not have it.
    value: Option<String>,
}

/// An exception where a failure is shown that it names.
#[derive(Debug, Serialize)]
struct ExceptionNote {
    /// Its number in the report, from 1.
    number: usize,
    /// Until when it holds, or why it has no effect.
    words: String,
}

/// How many findings of each outcome a check lists. Failures are what an auditor follows up one by one;
/// passes are samples, and the whole list is in `assessment.json`.
const MOST: OutcomeCounts =
    OutcomeCounts { fail: 100, indeterminate: 40, excepted: 40, pass: 2, not_applicable: 5 };

/// The most lines of records that one finding shows.
const MOST_DECIDED: usize = 3;

/// The most records that one finding lists.
const MOST_PROOF: usize = 6;

/// The most records that one sample of what passed lists.
const MOST_PROOF_OF_PASS: usize = 3;

/// The assessment's checks and findings by id.
pub(super) struct Checks<'a> {
    assessment: &'a Assessment,
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
        Self { assessment, checks, findings, shown: BTreeMap::new() }
    }

    /// The findings of a check.
    pub(super) fn findings(&self, check: &str) -> &[&'a Finding] {
        self.findings.get(check).map(Vec::as_slice).unwrap_or_default()
    }

    /// The severity of a check's failures; `None` for a check that the assessment does not hold.
    pub(super) fn severity(&self, check: &str) -> Option<Severity> {
        self.checks.get(check).map(|check| check.severity)
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
            let check = self.checks.get(id.as_str()).copied();
            if let Some(earlier) = self.shown.get(id) {
                let there = under(&mut shown.elsewhere, earlier);
                if counts.are_passes() {
                    there.passed.push(id.clone());
                } else {
                    there.telling.push(Brief::new(id, check, counts, findings));
                }
                continue;
            }
            if let (true, Some(check), [finding, ..]) = (counts.are_about_nothing(), check, findings) {
                shown.nothing(check, finding, records);
                continue;
            }
            self.shown.insert(id.clone(), here.clone());
            if let (true, Some(check)) = (counts.are_passes(), check) {
                shown.passed.push(PassedCheck::new(check, counts, findings, records));
                continue;
            }
            shown.full.push(ControlCheck {
                id: id.clone(),
                title: title(id, check),
                severity: check.map(|check| check.severity),
                counts,
                detail: check.map(|check| CheckDetail::new(self.assessment, check, findings, records)),
            });
        }
        shown
    }
}

impl ControlChecks {
    fn nothing(&mut self, check: &AssessedCheck, finding: &Finding, records: &mut Records<'_>) {
        let message = prose(&finding.message);
        let proof = finding.proof.ids();
        let links = records.few(proof, MOST_PROOF);
        let same = |group: &&mut Nothing| {
            group.message == message
                && group.proof.iter().map(|link| &link.short).eq(links.iter().map(|link| &link.short))
        };
        let named = Named { id: check.id.clone(), title: prose(&check.title) };
        match self.nothing.iter_mut().find(same) {
            Some(group) => group.checks.push(named),
            None => self.nothing.push(Nothing {
                message,
                proof: links,
                more_proof: proof.len().saturating_sub(MOST_PROOF),
                checks: vec![named],
            }),
        }
    }
}

/// The title of a check; its id where the assessment does not hold it.
fn title(id: &str, check: Option<&AssessedCheck>) -> String {
    check.map_or_else(|| id.to_owned(), |check| prose(&check.title))
}

impl Brief {
    fn new(id: &str, check: Option<&AssessedCheck>, counts: OutcomeCounts, findings: &[&Finding]) -> Self {
        let mut telling: Vec<&&Finding> = findings.iter().filter(|finding| rank(finding) < 3).collect();
        telling.sort_by_key(|finding| rank(finding)); // stable
        Self {
            id: id.to_owned(),
            title: title(id, check),
            counts,
            resources: telling.iter().take(MOST_NAMES).map(|finding| name(finding)).collect(),
            more_resources: telling.len().saturating_sub(MOST_NAMES),
        }
    }
}

impl PassedCheck {
    fn new(
        check: &AssessedCheck,
        counts: OutcomeCounts,
        findings: &[&Finding],
        records: &mut Records<'_>,
    ) -> Self {
        Self {
            id: check.id.clone(),
            title: prose(&check.title),
            counts,
            resource: check.resource.clone(),
            applies: check.applies.as_deref().map(prose),
            expression: prose(&check.expression),
            events: events(check),
            passes: samples(findings, records),
            more: findings.len().saturating_sub(MOST.pass),
        }
    }
}

/// The first of what passed; one of them leads to the evidence index, near which the others stand.
fn samples(passes: &[&Finding], records: &mut Records<'_>) -> Vec<Sample> {
    let sample = |(at, finding): (usize, &&Finding)| {
        let proof = finding.proof.ids();
        let names = proof.iter().take(MOST_PROOF_OF_PASS);
        Sample {
            name: name(finding),
            account: account(&finding.subject),
            region: region(&finding.subject),
            proof: match at {
                0 => records.few(proof, MOST_PROOF_OF_PASS),
                _ => names.map(|id| RecordLink::name(*id)).collect(),
            },
            more_proof: proof.len().saturating_sub(MOST_PROOF_OF_PASS),
        }
    };
    passes.iter().take(MOST.pass).enumerate().map(sample).collect()
}

/// The resource that a finding is about, by name.
pub(super) fn name(finding: &Finding) -> String {
    match finding.subject.id.as_str() {
        "*" => "no single resource".into(),
        id => id.to_owned(),
    }
}

fn account(subject: &Subject) -> String {
    if subject.account == "*" { "all accounts".into() } else { subject.account.clone() }
}

fn region(subject: &Subject) -> String {
    if subject.region == "*" { "all regions".into() } else { subject.region.clone() }
}

/// The sample events of a check: `kms.amazonaws.com: DisableKey, ScheduleKeyDeletion`.
fn events(check: &AssessedCheck) -> Vec<String> {
    let mut by_service: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for event in &check.events {
        let text = |name: &str| event.get(name).and_then(Value::as_str);
        let names = by_service.entry(text("eventSource").unwrap_or("any service")).or_default();
        let name = text("eventName").or_else(|| text("errorCode")).unwrap_or("any event");
        if !names.contains(&name) {
            names.push(name);
        }
    }
    by_service.into_iter().map(|(service, names)| format!("{service}: {}", names.join(", "))).collect()
}

impl CheckDetail {
    fn new(
        assessment: &Assessment,
        check: &AssessedCheck,
        findings: &[&Finding],
        records: &mut Records<'_>,
    ) -> Self {
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
            if finding.outcome == Outcome::Pass {
                passes.push(finding);
            } else {
                proof.extend(finding.proof.ids().iter().take(MOST_PROOF));
                rows.push(FindingRow::new(assessment, finding));
            }
        }
        Self {
            resource: check.resource.clone(),
            rationale: prose(&check.rationale),
            remediation: prose(&check.remediation),
            applies: check.applies.as_deref().map(lines).unwrap_or_default(),
            expression: lines(&check.expression),
            events: events(check),
            references: check.references.iter().map(|(scheme, names)| reference(scheme, names)).collect(),
            findings: rows,
            passes: samples(&passes, records),
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

fn exception_note(assessment: &Assessment, finding: &Finding) -> Option<ExceptionNote> {
    let index = usize::try_from(finding.exception.or(finding.exception_without_effect)?).ok()?;
    let report = assessment.exceptions.get(index)?;
    let words = match finding.exception {
        Some(_) => in_force(report, assessment.bundle.scope.period),
        None => why_without_effect(report),
    };
    Some(ExceptionNote { number: index + 1, words })
}

impl Decided {
    fn new(line: &DecidingLine) -> Self {
        Self {
            record: RecordLink::name(line.record),
            at: line.at.strip_prefix("/outcome/response").unwrap_or(&line.at).to_owned(),
            value: line.value.clone(),
        }
    }
}

impl FindingRow {
    fn new(assessment: &Assessment, finding: &Finding) -> Self {
        const OUTCOMES: [&str; 5] = ["fail", "indeterminate", "excepted", "pass", "not-applicable"];
        let Subject { arn, id, .. } = &finding.subject;
        let shown = finding.proof.ids().iter().take(MOST_PROOF);
        Self {
            outcome: OUTCOMES.get(usize::from(rank(finding))).copied().unwrap_or("not-applicable"),
            name: name(finding),
            arn: (arn != id && arn != "*").then(|| arn.clone()),
            account: account(&finding.subject),
            region: region(&finding.subject),
            message: prose(&finding.message),
            decided_by: finding.decided_by.iter().take(MOST_DECIDED).map(Decided::new).collect(),
            exception: exception_note(assessment, finding),
            // Each stands below with its call, and leads to the evidence index from there.
            proof: shown.map(|id| RecordLink::name(*id)).collect(),
            more_proof: finding.proof.ids().len().saturating_sub(MOST_PROOF),
        }
    }
}
