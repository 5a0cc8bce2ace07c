//! Exceptions: what was accepted, by whom, until when, and what is wrong with the acceptance.

use chrono::TimeDelta;
use serde::Serialize;

use super::prose;
use crate::model::{Assessment, ExceptionProblem, ExceptionReport, Period};

/// One exception.
#[derive(Debug, Serialize)]
pub(super) struct ExceptionRow {
    /// Its number in the report, from 1.
    number: usize,
    check: String,
    resource: String,
    reason: String,
    owner: String,
    approver: String,
    approved_on: String,
    expires: String,
    compensating_control: Option<String>,
    reference: Option<String>,
    covers: u64,
    /// How much of the period it does not reach.
    uncovered: Option<String>,
    problems: Vec<&'static str>,
}

/// The exceptions in the order of their file.
pub(super) fn exceptions(assessment: &Assessment) -> Vec<ExceptionRow> {
    let rows = assessment.exceptions.iter().enumerate();
    rows.map(|(index, report)| {
        let exception = &report.exception;
        ExceptionRow {
            number: index + 1,
            check: exception.check.clone(),
            resource: exception.resource.clone(),
            reason: prose(&exception.reason),
            owner: exception.owner.clone(),
            approver: exception.approver.clone(),
            approved_on: exception.approved_on.to_string(),
            expires: exception.expires.to_string(),
            compensating_control: exception.compensating_control.as_deref().map(prose),
            reference: exception.reference.clone(),
            covers: report.covers,
            uncovered: uncovered(report, assessment.bundle.scope.period),
            problems: report.problems.iter().map(|problem| sentence(*problem)).collect(),
        }
    })
    .collect()
}

/// Why an exception covers nothing, in a few words.
pub(super) fn why_without_effect(report: &ExceptionReport) -> String {
    let exception = &report.exception;
    let words = |problem: &ExceptionProblem| match problem {
        ExceptionProblem::Expired => format!("expired on {}", exception.expires),
        ExceptionProblem::NotYetApproved => format!("approved only on {}", exception.approved_on),
        ExceptionProblem::SelfApproved => "approved by its own owner".into(),
        ExceptionProblem::TooBroad => "its pattern matches everything".into(),
        ExceptionProblem::MatchesNothing => "matches nothing".into(),
    };
    let reasons: Vec<String> = report.problems.iter().map(words).collect();
    format!("without effect: {}", reasons.join(", "))
}

/// What a reader must know of an exception that is in force today: in the part of the period before its approval nobody
/// had accepted anything.
fn uncovered(report: &ExceptionReport, period: Period) -> Option<String> {
    let (approved, start) = (report.exception.approved_on, period.start.date_naive());
    let last = (period.end - TimeDelta::nanoseconds(1)).date_naive();
    if approved <= start || !report.problems.is_empty() {
        None
    } else if approved > last {
        Some(format!(
            "It was approved after the period, which ended on {last}: in the period nobody had accepted what it covers."
        ))
    } else {
        Some(format!(
            "The period began on {start}: from then until its approval nobody had accepted what it covers."
        ))
    }
}

/// From when until when a failure is accepted, in a few words.
pub(super) fn in_force(report: &ExceptionReport, period: Period) -> String {
    let (approved, expires) = (report.exception.approved_on, report.exception.expires);
    match uncovered(report, period) {
        Some(_) => format!("accepted from {approved} until {expires}"),
        None => format!("accepted until {expires}"),
    }
}

fn sentence(problem: ExceptionProblem) -> &'static str {
    match problem {
        ExceptionProblem::Expired => "It has expired.",
        ExceptionProblem::NotYetApproved => "It was approved after the date of this assessment.",
        ExceptionProblem::MatchesNothing => "No failure matches it.",
        ExceptionProblem::SelfApproved => "Owner and approver are the same person.",
        ExceptionProblem::TooBroad => "Its pattern matches every resource.",
    }
}
