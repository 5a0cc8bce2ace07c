//! Verifying a sample: that its records were chosen as it says, and are of the bundle whose manifest was signed.

use std::collections::{BTreeMap, BTreeSet};

use super::Options;
use super::facet::Facet;
use super::package::{
    LONGEST_SMALL, check_instructions, check_members, check_signer, check_sums, check_timestamp, read,
};
use super::signature;
use super::verdict::{Draft, Facts, Sampled, SignatureFacts};
use crate::bundle::document::Document;
use crate::bundle::files::{Files, Folder, Hashed};
use crate::bundle::{LONGEST_MANIFEST, StoredRecord, examine_part, merkle};
use crate::canonical;
use crate::model::{Manifest, Problem, ProblemCode, Problems, RecordId, Sha256Digest, harmless};
use crate::package::sample::{Sample, Selection, drawn, size_for};
use crate::package::{SampleFacts, layout};

/// Longest `sample.json`, in bytes.
const LONGEST_SAMPLE: u64 = 1024 * 1024 * 1024;

/// Verifies everything in a sample's folder; gives the name that it should have, where that is known.
pub(super) fn verify_files(files: &Hashed<'_>, options: &Options, draft: &mut Draft) -> Option<String> {
    let (demanded, optional) = (&layout::BESIDE_SAMPLE, &layout::OPTIONAL_IN_SAMPLE);
    check_members(files, demanded, optional, &[layout::BUNDLE], draft);
    check_sums(files, draft);

    let examination = examine_part(&Folder::new(files, layout::BUNDLE));
    draft.facts = Facts::of_bundle(&examination);
    let placed =
        |problem: Problem| Problem { place: format!("{}/{}", layout::BUNDLE, problem.place), ..problem };
    draft.problems.extend(examination.problems.into_list().into_iter().map(placed));
    draft.reached(&[Facet::Hashes, Facet::Manifest, Facet::Records]);

    let text = read(files, layout::SAMPLE, LONGEST_SAMPLE, draft);
    let sample = text.as_deref().and_then(|text| read_sample(text, &mut draft.problems));
    if let (Some(sample), Some(facts)) = (&sample, &mut draft.facts) {
        let chosen = sample.selections.iter().take(100).map(|one| harmless(&one.to_string(), 500)).collect();
        facts.sample = Some(Sampled { records: sample.records.len() as u64, chosen });
    }
    let sealed = examination.manifest.zip(examination.manifest_sha256);
    if let (Some(sample), Some((manifest, manifest_sha256))) = (&sample, &sealed) {
        let bundle = Sealed::new(manifest, *manifest_sha256);
        draft.reached(&[Facet::Sample]);
        check_proofs(sample, &bundle, &mut draft.problems);
        check_records(sample, &examination.records, &mut draft.problems);
        check_selections(sample, &bundle, &mut draft.problems);
    }
    let signer = check_signature(files, sample.as_ref(), options, draft);
    let (manifest, _) = sealed?;
    if let (Some(sample), Some(signer)) = (&sample, &signer) {
        let is_stamped = files.list().contains_key(layout::MANIFEST_TIMESTAMP);
        check_instructions(files, signer, draft, |signer_sha256| {
            SampleFacts { manifest: &manifest, sample, is_stamped, signer_sha256 }.render()
        });
    }
    Some(layout::sample_folder(&manifest, &canonical::sha256(&text?)))
}

/// Checks the signature over the manifest, and that `signer.pem` holds its certificates. Gives the bytes of that file.
fn check_signature(
    files: &dyn Files,
    sample: Option<&Sample>,
    options: &Options,
    draft: &mut Draft,
) -> Option<Vec<u8>> {
    let place = layout::MANIFEST_SIGNATURE;
    let signature = read(files, place, LONGEST_SMALL, draft);
    let manifest = read(files, layout::MANIFEST, LONGEST_MANIFEST, draft);
    let signer = read(files, layout::SIGNER, LONGEST_SMALL, draft);
    let (signature, manifest, signer) = (signature?, manifest?, signer?);
    let timestamp = check_timestamp(files, &manifest, options.anchors(), draft);
    // An authority that is trusted knows better than the signer.
    let attested =
        timestamp.as_ref().filter(|stamped| stamped.trusted == Some(true)).map(|stamped| stamped.time);
    let signed_at = attested.or_else(|| sample?.signed_at);
    let checked = signature::check_cms(&signature, &manifest, signed_at, options.anchors());
    draft.problems.extend(checked.problems(ProblemCode::SignatureInvalid, place));
    // Nobody signed the claim when it was made: it is judged by, and not told as a fact.
    draft.signatures.push(SignatureFacts { timestamp, signed_at: None, ..checked.facts(layout::MANIFEST) });
    draft.reached(&[Facet::Signatures]);
    check_signer(&signer, &[(place, checked)], draft);
    Some(signer)
}

fn read_sample(text: &[u8], problems: &mut Problems) -> Option<Sample> {
    let document = Document {
        what: "the list of a sample",
        place: layout::SAMPLE,
        version: Sample::VERSION,
        writer: "proofpack",
        code: ProblemCode::SampleMalformed,
    };
    document.read(text, |sample: &Sample| sample.version, problems)
}

/// The bundle that was chosen from, as its manifest tells.
struct Sealed<'a> {
    manifest: &'a Manifest,
    manifest_sha256: Sha256Digest,
    ids: Vec<RecordId>,
    /// Each record's file, line and place in the tree.
    places: BTreeMap<RecordId, (&'a str, u64, u64)>,
}

impl<'a> Sealed<'a> {
    fn new(manifest: &'a Manifest, manifest_sha256: Sha256Digest) -> Self {
        let lines = manifest
            .files
            .iter()
            .flat_map(|file| (1..).zip(&file.records).map(|(line, id)| (file.path.as_str(), line, *id)));
        let places: BTreeMap<_, _> =
            lines.zip(0..).map(|((path, line, id), index)| (id, (path, line, index))).collect();
        let ids = manifest.files.iter().flat_map(|file| file.records.iter().copied()).collect();
        Self { manifest, manifest_sha256, ids, places }
    }
}

/// Every listed record is where the list says in the sealed bundle, and its proof leads to the root.
fn check_proofs(sample: &Sample, bundle: &Sealed<'_>, problems: &mut Problems) {
    let place = layout::SAMPLE;
    let stated = (sample.manifest_sha256, sample.merkle_root, sample.population);
    if stated != (bundle.manifest_sha256, bundle.manifest.merkle_root, bundle.ids.len() as u64) {
        let message = format!(
            "it is of the bundle with the manifest {}, the Merkle root {} and {} records, and not of that whose manifest lies here",
            sample.manifest_sha256, sample.merkle_root, sample.population
        );
        problems.add(ProblemCode::SampleProof, place, message);
    }
    if !sample.records.is_sorted_by(|one, next| one.proof.index < next.proof.index) {
        let message = "its records are not in the order of the manifest, or one is listed twice";
        problems.add(ProblemCode::SampleProof, place, message);
    }
    for record in &sample.records {
        let listed = bundle.places.get(&record.id);
        if listed != Some(&(record.path.as_str(), record.line, record.proof.index)) {
            let message = format!(
                "the manifest does not have the record {} as line {} of {}, at place {} of the tree",
                record.id.short(),
                record.line,
                harmless(&record.path, 300),
                record.proof.index
            );
            problems.add(ProblemCode::SampleProof, place, message);
            continue;
        }
        // A path alone does not tell how large the tree is.
        if record.proof.tree_size != bundle.ids.len() as u64 {
            let message = format!(
                "the proof of {} is of a tree of {} records, the bundle has {}",
                record.id.short(),
                record.proof.tree_size,
                bundle.ids.len()
            );
            problems.add(ProblemCode::SampleProof, place, message);
            continue;
        }
        if let Err(error) = merkle::verify_inclusion(&bundle.manifest.merkle_root, &record.id, &record.proof)
        {
            problems.add(ProblemCode::SampleProof, place, error.to_string());
        }
    }
}

/// The lines that are there are those that are listed, in the same order.
fn check_records(sample: &Sample, found: &[StoredRecord], problems: &mut Problems) {
    let mut wanted: BTreeMap<&str, Vec<RecordId>> = BTreeMap::new();
    for record in &sample.records {
        wanted.entry(&record.path).or_default().push(record.id);
    }
    let mut there: BTreeMap<&str, Vec<RecordId>> = BTreeMap::new();
    for record in found {
        there.entry(&record.path).or_default().push(record.id);
    }
    let paths: BTreeSet<&str> = wanted.keys().chain(there.keys()).copied().collect();
    for path in paths {
        let (wanted, there) = (wanted.get(path), there.get(path));
        if wanted == there {
            continue;
        }
        let count = |ids: Option<&Vec<RecordId>>| ids.map_or(0, Vec::len);
        let message = format!(
            "the sample lists {} records in it, {} can be read, and they are not the same in the same order: evidence was altered, added or removed",
            count(wanted),
            count(there)
        );
        let place = format!("{}/{}", layout::BUNDLE, harmless(path, 300));
        problems.add(ProblemCode::SampleRecords, place, message);
    }
}

/// What was chosen by chance is drawn again; every record says which selection chose it.
fn check_selections(sample: &Sample, bundle: &Sealed<'_>, problems: &mut Problems) {
    let place = layout::SAMPLE;
    let known = sample.selections.len();
    let of_none = |by: &&Vec<u32>| {
        by.is_empty()
            || !by.is_sorted_by(|one, next| one < next)
            || by.iter().any(|number| *number as usize >= known)
    };
    let unchosen = sample.records.iter().map(|record| &record.chosen_by).filter(of_none).count();
    if unchosen > 0 {
        let message = format!("{unchosen} records are not chosen by any of its selections, or by one twice");
        problems.add(ProblemCode::SampleSelection, place, message);
    }
    for (number, selection) in (0_u32..).zip(&sample.selections) {
        let chosen = sample.records.iter().filter(|record| record.chosen_by.contains(&number));
        let chosen: BTreeSet<RecordId> = chosen.map(|record| record.id).collect();
        let said = harmless(&selection.to_string(), 300);
        if chosen.is_empty() {
            problems.add(ProblemCode::SampleSelection, place, format!("nothing was chosen as {said}"));
        }
        let Selection::Random { size, seed, confidence_percent, margin_percent } = selection else {
            continue;
        };
        if chosen != drawn(&bundle.ids, *size, seed) {
            let message = format!("it says {said}, but that draws other records: they were picked");
            problems.add(ProblemCode::SampleSelection, place, message);
        }
        let needed = match (confidence_percent, margin_percent) {
            (None, None) => continue,
            (Some(confidence), Some(margin)) => size_for(bundle.ids.len() as u64, *confidence, *margin).ok(),
            _ => None,
        };
        if needed != Some(*size) {
            let message = format!("it says {said}, which is not the size that these need");
            problems.add(ProblemCode::SampleSelection, place, message);
        }
    }
}
