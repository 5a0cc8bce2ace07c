//! Exceptions: what was accepted, by whom, until when, and what is wrong with the acceptance.

use serde::Serialize;

use super::prose;
use crate::model::{Assessment, ExceptionProblem, ExceptionReport};

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

fn sentence(problem: ExceptionProblem) -> &'static str {
    match problem {
        ExceptionProblem::Expired => "It has expired.",
        ExceptionProblem::NotYetApproved => "It was approved after the date of this assessment.",
        ExceptionProblem::MatchesNothing => "No failure matches it.",
        ExceptionProblem::SelfApproved => "Owner and approver are the same person.",
        ExceptionProblem::TooBroad => "Its pattern matches every resource.",
    }
}
