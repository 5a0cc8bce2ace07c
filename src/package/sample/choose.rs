//! Which records of a bundle a sample holds.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{Sample, SampleError, SampledRecord, Selection, drawn};
use crate::bundle::Bundle;
use crate::bundle::merkle;
use crate::model::{Assessment, RecordId, Tool};

/// Whether a pattern fits a text.
type Matches<'a> = &'a dyn Fn(&str, &str) -> bool;

/// Chooses records of a bundle. `matches` tells whether a text fits a pattern.
///
/// # Errors
/// When a selection names what is not there.
pub fn choose(
    bundle: &Bundle,
    assessment: &Assessment,
    signed_at: Option<DateTime<Utc>>,
    selections: Vec<Selection>,
    matches: Matches<'_>,
) -> Result<Sample, SampleError> {
    let (manifest, manifest_sha256) = (&bundle.manifest, bundle.manifest_sha256);
    let ids: Vec<RecordId> = manifest.files.iter().flat_map(|file| file.records.iter().copied()).collect();
    let all: BTreeSet<RecordId> = ids.iter().copied().collect();
    let mut chosen: BTreeMap<RecordId, Vec<u32>> = BTreeMap::new();
    for (number, selection) in (0_u32..).zip(&selections) {
        let (of, what) = match selection {
            Selection::Control { id } => (of_control(assessment, id)?, id.clone()),
            Selection::Resource { pattern } => (of_resource(assessment, pattern, matches)?, pattern.clone()),
            Selection::Random { size: 0, .. } => return Err(SampleError::Size(0)),
            Selection::Random { size, seed, .. } => (drawn(&ids, *size, seed), "the bundle".to_owned()),
        };
        let known: BTreeSet<RecordId> = of.intersection(&all).copied().collect();
        if known.is_empty() {
            return Err(SampleError::Nothing(what));
        }
        for id in known {
            chosen.entry(id).or_default().push(number);
        }
    }
    let indexes: Vec<usize> =
        ids.iter().enumerate().filter(|(_, id)| chosen.contains_key(id)).map(|(index, _)| index).collect();
    let mut proofs = merkle::prove_each(&ids, &indexes).into_iter();
    let mut records = Vec::new();
    for file in &manifest.files {
        for (line, id) in (1..).zip(&file.records) {
            let Some(chosen_by) = chosen.get(id) else { continue };
            let Some(proof) = proofs.next() else { continue };
            let (path, chosen_by) = (file.path.clone(), chosen_by.clone());
            records.push(SampledRecord { id: *id, path, line, chosen_by, proof });
        }
    }
    Ok(Sample {
        version: Sample::VERSION,
        tool: Tool::this(),
        manifest_sha256,
        merkle_root: manifest.merkle_root,
        signed_at,
        population: ids.len() as u64,
        selections,
        records,
    })
}

fn of_control(assessment: &Assessment, id: &str) -> Result<BTreeSet<RecordId>, SampleError> {
    let controls: Vec<_> = assessment.controls().filter(|control| control.id == id).collect();
    if controls.is_empty() {
        return Err(SampleError::NoControl(id.to_owned()));
    }
    let checks: BTreeSet<&String> = controls.iter().flat_map(|control| &control.checks).collect();
    let findings = assessment.findings.iter().filter(|finding| checks.contains(&finding.check));
    let mut ids: BTreeSet<RecordId> = findings.flat_map(|finding| finding.proof.ids()).copied().collect();
    for control in controls {
        ids.extend(control.excerpts.iter().flat_map(|excerpt| &excerpt.records));
        let attestations = control.attestations.iter().chain(&control.alternative);
        ids.extend(attestations.flat_map(|one| one.record.iter().chain(&one.superseded)));
    }
    Ok(ids)
}

fn of_resource(
    assessment: &Assessment,
    pattern: &str,
    matches: Matches<'_>,
) -> Result<BTreeSet<RecordId>, SampleError> {
    let fits = |arn: &str, id: &str| matches(pattern, arn) || matches(pattern, id);
    let resources = assessment.resources.iter().filter(|resource| fits(&resource.arn, &resource.id));
    let mut ids: BTreeSet<RecordId> = resources.map(|resource| resource.record).collect();
    if ids.is_empty() {
        return Err(SampleError::NoResource(pattern.to_owned()));
    }
    let about = assessment.findings.iter().filter(|finding| fits(&finding.subject.arn, &finding.subject.id));
    ids.extend(about.flat_map(|finding| finding.proof.ids()));
    Ok(ids)
}
