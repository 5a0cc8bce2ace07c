//! Suppressions elsewhere as drafts of exceptions here.

use std::collections::{BTreeMap, BTreeSet};

use crate::assess::exceptions::Proposal;
use crate::model::{Assessment, Finding, ImportOrigin, ImportedSuppression, Outcome, Subject};

/// What suppressions elsewhere suggest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FromImports {
    /// Exceptions that somebody might own and approve, in the order of the imports.
    pub proposals: Vec<Proposal>,
    /// How many suppressions ask for none, because our checks do not fail there or an exception covers the failure.
    pub not_needed: usize,
    /// How many suppressions are of rules that no check of ours names as an equivalent.
    pub no_such_check: usize,
}

/// An exception for every suppression of an assessment's imports whose rule one of our checks names as its equivalent:
/// drafts, which somebody has to own and approve. With `only`, of these checks.
pub fn propose_from_imports(assessment: &Assessment, only: &[String]) -> FromImports {
    let mut findings: BTreeMap<(&str, &Subject), &Finding> = BTreeMap::new();
    for finding in &assessment.findings {
        findings.insert((&finding.check, &finding.subject), finding);
    }
    let mut found = FromImports::default();
    let mut seen = BTreeSet::new();
    for report in &assessment.imports {
        let file = match &report.origin {
            ImportOrigin::File(file) => file.name.as_str(),
            ImportOrigin::Collected => report.tool.as_str(),
        };
        for suppression in &report.suppressions {
            if suppression.checks.is_empty() {
                found.no_such_check += 1;
            }
            for check in suppression.checks.iter().filter(|check| only.is_empty() || only.contains(check)) {
                let needed = suppression.subject.as_ref().is_none_or(|subject| {
                    let finding = findings.get(&(check.as_str(), subject));
                    finding.is_some_and(|it| it.outcome == Outcome::Fail && it.exception.is_none())
                });
                if !needed {
                    found.not_needed += 1;
                    continue;
                }
                // Several packs and files may suppress the same for the same reason: one draft is enough.
                let arn = suppression.subject.as_ref().map(|subject| &subject.arn);
                if seen.insert((check, arn, &suppression.resource, &suppression.reason)) {
                    found.proposals.push(proposal(suppression, check, file));
                }
            }
        }
    }
    found
}

fn proposal(suppression: &ImportedSuppression, check: &str, file: &str) -> Proposal {
    let detail = suppression.detail.as_ref().map(|detail| format!("[{detail}]")).unwrap_or_default();
    let rule = format!("{}{detail}", suppression.rule);
    let mut notes =
        vec![format!("{rule} is suppressed on {} ({file}, {}).", suppression.resource, suppression.place)];
    let resource = match &suppression.subject {
        Some(subject) => subject.arn.clone(),
        None => {
            notes.push("The resource was not found among those that the check was applied to.".to_owned());
            format!("<ARN of {}>", suppression.resource.replace(['<', '>'], ""))
        }
    };
    let reason = suppression.reason.clone().filter(|reason| !reason.trim().is_empty());
    Proposal {
        check: check.to_owned(),
        resource,
        reason,
        reference: Some(format!("Suppression of {rule} in {file}")),
        notes,
    }
}
