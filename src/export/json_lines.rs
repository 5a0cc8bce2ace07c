//! One plain JSON object for each finding, on a line of its own, with all that belongs to it.

use serde_json::{Value, json};

use super::ExportError;
use super::index::{self, Index};
use crate::canonical;
use crate::model::{Assessment, Finding, RecordId};

/// Writes the findings, in the assessment's order.
pub(super) fn export(assessment: &Assessment) -> Result<Vec<u8>, ExportError> {
    let index = Index::new(assessment);
    let mut lines = Vec::new();
    for finding in &assessment.findings {
        lines.extend(canonical::to_file_bytes(&line(&index, finding))?);
    }
    Ok(lines)
}

fn line(index: &Index<'_>, finding: &Finding) -> Value {
    let assessment = index.assessment;
    let check = index.check(finding);
    let controls: Vec<Value> = index
        .controls(&finding.check)
        .iter()
        .map(|(framework, control)| {
            json!({
                "framework": framework.reference.id,
                "id": control.id,
                "title": control.title,
                "status": control.status,
            })
        })
        .collect();
    json!({
        "as-of": assessment.as_of,
        "bundle-manifest-sha256": assessment.bundle.manifest_sha256,
        "check": finding.check,
        "title": check.map(|check| &check.title),
        "severity": check.map(|check| check.severity),
        "outcome": finding.outcome,
        "message": finding.message,
        "remediation": check.map(|check| &check.remediation),
        "subject": finding.subject,
        "controls": controls,
        "exception": index.exception(finding),
        "evidence": finding.proof.ids().iter().map(|id| evidence(index, id)).collect::<Vec<_>>(),
    })
}

/// A record that proves a finding, and where it is.
pub(super) fn evidence(index: &Index<'_>, id: &RecordId) -> Value {
    let Some(entry) = index.entry(id) else { return json!({ "record": id }) };
    json!({
        "record": id,
        "reference": index::reference(entry),
        "kind": entry.kind,
        "account": entry.account,
        "region": entry.region,
        "service": entry.service,
        "operation": entry.operation,
        "collected-at": entry.collected_at,
        "request-ids": entry.request_ids,
        "error": entry.error,
        "gap": entry.gap,
        "reason": entry.reason,
    })
}
