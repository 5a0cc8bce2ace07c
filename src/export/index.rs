//! What the parts of an assessment say of each other, looked up by id.

use std::collections::BTreeMap;

use crate::model::{
    AssessedCheck, Assessment, ControlResult, EvidenceEntry, Exception, Finding, FrameworkAssessment,
    Outcome, RecordId, Severity,
};

/// The folder that the bag lies in, both in the folder that a run writes and in a package; references to records begin there.
const BAG: &str = "bundle";

/// An assessment and where things are in it.
pub(super) struct Index<'a> {
    pub(super) assessment: &'a Assessment,
    checks: BTreeMap<&'a str, &'a AssessedCheck>,
    evidence: BTreeMap<RecordId, &'a EvidenceEntry>,
    controls: BTreeMap<&'a str, Vec<(&'a FrameworkAssessment, &'a ControlResult)>>,
}

impl<'a> Index<'a> {
    pub(super) fn new(assessment: &'a Assessment) -> Self {
        let mut controls: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for framework in &assessment.frameworks {
            for control in &framework.controls {
                for check in &control.checks {
                    controls.entry(check).or_default().push((framework, control));
                }
            }
        }
        Self {
            assessment,
            checks: assessment.checks.iter().map(|check| (check.id.as_str(), check)).collect(),
            evidence: assessment.evidence.iter().map(|entry| (entry.id, entry)).collect(),
            controls,
        }
    }

    /// The check of a finding; `None` only in an assessment that proofpack did not make.
    pub(super) fn check(&self, finding: &Finding) -> Option<&'a AssessedCheck> {
        self.checks.get(finding.check.as_str()).copied()
    }

    /// The controls that a check proves something for, in the order of the frameworks.
    pub(super) fn controls(&self, check: &str) -> &[(&'a FrameworkAssessment, &'a ControlResult)] {
        self.controls.get(check).map(Vec::as_slice).unwrap_or_default()
    }

    /// What the evidence index says of a record.
    pub(super) fn entry(&self, id: &RecordId) -> Option<&'a EvidenceEntry> {
        self.evidence.get(id).copied()
    }

    /// The accepted exception that covers a finding.
    pub(super) fn exception(&self, finding: &Finding) -> Option<&'a Exception> {
        let number = usize::try_from(finding.exception?).ok()?;
        self.assessment.exceptions.get(number).map(|report| &report.exception)
    }
}

/// Where a record stands: its file, and the line in it as a fragment (RFC 5147 counts the positions between lines from 0).
pub(super) fn reference(entry: &EvidenceEntry) -> String {
    format!("{BAG}/{}#line={},{}", entry.path, entry.line.saturating_sub(1), entry.line)
}

/// An outcome as the assessment writes it.
pub(super) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Fail => "fail",
        Outcome::Indeterminate => "indeterminate",
        Outcome::Pass => "pass",
        Outcome::NotApplicable => "not-applicable",
    }
}

/// A severity as the assessment writes it.
pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
    }
}
