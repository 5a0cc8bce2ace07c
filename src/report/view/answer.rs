//! What a reader asks of a control's page before the details: what was examined, what was found, what is missing, and who
//! accepted what until when.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::attestations::NeedState;
use super::checks::{Checks, name};
use super::excerpts::{is_whole, matched};
use crate::model::{Assessment, ControlResult, ExceptionReport, Finding, Outcome, Severity};

/// The most resources that could not be judged that an answer names.
const MOST_NAMES: usize = 3;

/// The answers, as counts and names.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    /// Checks that had something to judge.
    checks: usize,
    /// Checks for which there is nothing in scope.
    checks_of_nothing: usize,
    /// Resources that were judged.
    resources: usize,
    /// Excerpts that were looked for.
    excerpts: usize,
    /// Failures that nobody accepted, by the severity of their checks, the worst first.
    failing: Vec<Failing>,
    /// Findings that could not be decided, and the checks that they are of.
    undecided: usize,
    undecided_checks: usize,
    /// The first of the resources that they are about.
    undecided_for: Vec<String>,
    more_undecided_for: usize,
    /// Events that the excerpts selected.
    events: u64,
    /// Excerpts of which not everything could be read.
    unread: usize,
    /// Attestations that are asked for, and of these what holds and what does not.
    attestations: usize,
    given: Vec<String>,
    not_given: Vec<String>,
    no_longer_held: Vec<String>,
    accepted: Vec<Accepted>,
    /// Exceptions that name a failure and cover nothing.
    without_effect: Vec<WithoutEffect>,
}

#[derive(Debug, Serialize)]
struct Failing {
    severity: Severity,
    checks: usize,
    resources: usize,
}

/// An exception that covers failures of the control.
#[derive(Debug, Serialize)]
struct Accepted {
    number: usize,
    failures: usize,
    check: String,
    resource: String,
    approver: String,
    expires: String,
    reference: Option<String>,
}

#[derive(Debug, Serialize)]
struct WithoutEffect {
    number: usize,
    why: String,
}

impl Answer {
    /// The answers for one control.
    pub(super) fn new(assessment: &Assessment, control: &ControlResult, checks: &Checks<'_>) -> Self {
        let findings: Vec<&Finding> =
            control.checks.iter().flat_map(|check| checks.findings(check)).copied().collect();
        let judged: Vec<&Finding> =
            findings.iter().filter(|finding| finding.outcome != Outcome::NotApplicable).copied().collect();
        let checks_of = |findings: &[&Finding]| {
            findings.iter().map(|finding| &finding.check).collect::<BTreeSet<_>>().len()
        };
        let undecided: Vec<&Finding> =
            judged.iter().filter(|finding| finding.outcome == Outcome::Indeterminate).copied().collect();
        let undecided_for: BTreeSet<String> = undecided.iter().map(|finding| name(finding)).collect();
        let in_state = |state: NeedState| {
            let asked = control.attestations.iter().filter(|asked| NeedState::of(asked) == state);
            asked.map(|asked| asked.need.id.clone()).collect()
        };
        Self {
            checks: checks_of(&judged),
            checks_of_nothing: control.checks.len().saturating_sub(checks_of(&judged)),
            resources: subjects(&judged),
            excerpts: control.excerpts.len(),
            failing: failing(&judged, checks),
            undecided: undecided.len(),
            undecided_checks: checks_of(&undecided),
            more_undecided_for: undecided_for.len().saturating_sub(MOST_NAMES),
            undecided_for: undecided_for.into_iter().take(MOST_NAMES).collect(),
            events: control.excerpts.iter().map(matched).sum(),
            unread: control.excerpts.iter().filter(|excerpt| !is_whole(excerpt)).count(),
            attestations: control.attestations.len(),
            given: in_state(NeedState::Holds),
            not_given: in_state(NeedState::Missing),
            no_longer_held: in_state(NeedState::Expired),
            accepted: accepted(assessment, &judged),
            without_effect: without_effect(assessment, &judged),
        }
    }
}

/// How many resources findings are about; one that was judged by several checks counts once.
fn subjects(findings: &[&Finding]) -> usize {
    let key = |finding: &&Finding| {
        let subject = &finding.subject;
        (subject.kind.clone(), subject.account.clone(), subject.region.clone(), subject.id.clone())
    };
    findings.iter().map(key).collect::<BTreeSet<_>>().len()
}

fn failing(findings: &[&Finding], checks: &Checks<'_>) -> Vec<Failing> {
    let mut by_severity: BTreeMap<Severity, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        if let (Outcome::Fail, None) = (finding.outcome, finding.exception)
            && let Some(severity) = checks.severity(&finding.check)
        {
            by_severity.entry(severity).or_default().push(finding);
        }
    }
    let row = |(severity, findings): (Severity, Vec<&Finding>)| Failing {
        severity,
        checks: findings.iter().map(|finding| &finding.check).collect::<BTreeSet<_>>().len(),
        resources: subjects(&findings),
    };
    by_severity.into_iter().map(row).collect()
}

fn accepted(assessment: &Assessment, findings: &[&Finding]) -> Vec<Accepted> {
    let mut failures: BTreeMap<usize, usize> = BTreeMap::new();
    for index in findings.iter().filter_map(|finding| usize::try_from(finding.exception?).ok()) {
        *failures.entry(index).or_default() += 1;
    }
    let row = |(index, failures): (usize, usize)| {
        let exception = &assessment.exceptions.get(index)?.exception;
        Some(Accepted {
            number: index + 1,
            failures,
            check: exception.check.clone(),
            resource: exception.resource.clone(),
            approver: exception.approver.clone(),
            expires: exception.expires.to_string(),
            reference: exception.reference.clone(),
        })
    };
    failures.into_iter().filter_map(row).collect()
}

fn without_effect(assessment: &Assessment, findings: &[&Finding]) -> Vec<WithoutEffect> {
    let named: BTreeSet<usize> = findings
        .iter()
        .filter_map(|finding| usize::try_from(finding.exception_without_effect?).ok())
        .collect();
    let row = |index: usize| {
        let report: &ExceptionReport = assessment.exceptions.get(index)?;
        Some(WithoutEffect { number: index + 1, why: super::exceptions::why_without_effect(report) })
    };
    named.into_iter().filter_map(row).collect()
}
