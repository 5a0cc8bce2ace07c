//! What changed from one assessed bundle to another.
//!
//! Pure: two assessments and the resources of their bundles in, a comparison out. What one side did not see is never
//! taken for something that is not there.

mod findings;
mod records;
mod resources;
mod standing;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    AssessedCheck, Assessment, Change, ComparedSide, Comparison, Finding, ResourceSet, Subject, Tool,
};

/// One side: what was assessed, and the resources that its bundle describes.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The assessment.
    pub assessment: &'a Assessment,
    /// The resources, derived with the same catalog on both sides: else a property would differ because a rule does.
    pub resources: &'a ResourceSet,
}

/// Compares two sides.
pub fn compare(before: Side<'_>, after: Side<'_>) -> Comparison {
    let resources = resources::changes(before, after);
    let findings = findings::changes(before, after, &resources);
    let (before, after) = (before.assessment, after.assessment);
    Comparison {
        version: Comparison::VERSION,
        tool: Tool::this(),
        before: side(before),
        after: side(after),
        parameters: standing::parameters(before, after),
        frameworks: standing::frameworks(before, after),
        controls: standing::controls(before, after, &findings),
        findings,
        resources,
        exceptions: standing::exceptions(before, after),
        attestations: standing::attestations(before, after),
        excerpts: standing::excerpts(before, after),
        records: records::changes(before, after),
    }
}

fn side(assessment: &Assessment) -> ComparedSide {
    let bundle = &assessment.bundle;
    ComparedSide {
        manifest_sha256: bundle.manifest_sha256,
        merkle_root: bundle.merkle_root,
        scope: bundle.scope.clone(),
        sealed_at: bundle.sealed_at,
        as_of: assessment.as_of,
        catalog_sha256: assessment.catalog_sha256,
        records: bundle.records,
        gaps: assessment.evidence.iter().filter(|entry| entry.gap).count() as u64,
    }
}

/// What stands in two maps under each key; what stands in both and is the same is left out.
fn differing<K: Ord, V: PartialEq>(
    before: BTreeMap<K, V>,
    mut after: BTreeMap<K, V>,
) -> BTreeMap<K, Change<V>> {
    let mut changes = BTreeMap::new();
    for (key, before) in before {
        match after.remove(&key) {
            Some(after) if after == before => {}
            after => {
                changes.insert(key, Change { before: Some(before), after });
            }
        }
    }
    changes.extend(after.into_iter().map(|(key, after)| (key, Change { before: None, after: Some(after) })));
    changes
}

/// The checks of an assessment by their ids.
fn checks(assessment: &Assessment) -> BTreeMap<&str, &AssessedCheck> {
    assessment.checks.iter().map(|check| (check.id.as_str(), check)).collect()
}

/// The findings of an assessment by check and subject.
fn by_subject(assessment: &Assessment) -> BTreeMap<(&str, &Subject), &Finding> {
    assessment.findings.iter().map(|finding| ((finding.check.as_str(), &finding.subject), finding)).collect()
}

/// The keys of two maps, each once, in order.
fn keys<'a, K: Ord, V, W>(one: &'a BTreeMap<K, V>, other: &'a BTreeMap<K, W>) -> BTreeSet<&'a K> {
    one.keys().chain(other.keys()).collect()
}
