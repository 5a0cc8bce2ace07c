//! What the page loads first: everything but findings and records.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::evidence::Written;
use crate::model::{
    AssessedCheck, Assessment, AttestationEntry, BundleReference, ExceptionReport, FrameworkAssessment,
    GapReason, GapSummary, Manifest, Sha256Digest, Tool,
};

/// Version of the data; the page refuses another.
const VERSION: u32 = 1;

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Overview<'a> {
    version: u32,
    /// Who assessed.
    tool: &'a Tool,
    /// Who sealed.
    sealed_by: &'a Tool,
    as_of: DateTime<Utc>,
    catalog_sha256: Sha256Digest,
    bundle: &'a BundleReference,
    gaps: Vec<Gap<'a>>,
    frameworks: &'a [FrameworkAssessment],
    checks: &'a [AssessedCheck],
    exceptions: &'a [ExceptionReport],
    attestations: &'a [AttestationEntry],
    findings: usize,
    findings_files: Vec<String>,
    evidence_files: &'a [String],
    records_files: usize,
}

#[derive(Debug, Serialize)]
struct Gap<'a> {
    reason: &'static str,
    code: &'a str,
    count: u64,
}

impl<'a> Overview<'a> {
    pub(super) fn new(
        assessment: &'a Assessment,
        manifest: &'a Manifest,
        findings_files: Vec<String>,
        records: &'a Written,
    ) -> Self {
        let gap = |gap: &'a GapSummary| Gap {
            reason: GapReason::title(gap.reason),
            code: &gap.code,
            count: gap.count,
        };
        Self {
            version: VERSION,
            tool: &assessment.tool,
            sealed_by: &manifest.tool,
            as_of: assessment.as_of,
            catalog_sha256: assessment.catalog_sha256,
            bundle: &assessment.bundle,
            gaps: manifest.gaps.iter().map(gap).collect(),
            frameworks: &assessment.frameworks,
            checks: &assessment.checks,
            exceptions: &assessment.exceptions,
            attestations: &assessment.attestations,
            findings: assessment.findings.len(),
            findings_files,
            evidence_files: &records.index,
            records_files: records.files,
        }
    }
}
