//! Verifying a signed report: alone, or as a part of a package.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::facet::Facet;
use super::signature::{self, Checked};
use super::verdict::{Draft, SubjectKind, Verdict};
use super::{Facts, Options, attachment};
use crate::canonical;
use crate::model::{Manifest, ProblemCode, Problems, Sha256Digest};
use crate::sign::pades::validation_data::ValidationData;

/// Longest report, in bytes.
pub(super) const LONGEST: u64 = 512 * 1024 * 1024;
/// Under which name the manifest is attached.
const MANIFEST: &str = "manifest.json";

/// Verifies a report that came alone: its signature, and the manifest that it carries.
pub(super) fn verify(shown: &str, path: &Path, options: &Options) -> Verdict {
    let mut draft = Draft::new(SubjectKind::Report, shown);
    let read = fs::metadata(path)
        .and_then(|metadata| if metadata.len() > LONGEST { Ok(None) } else { fs::read(path).map(Some) });
    let pdf = match read {
        Ok(Some(pdf)) => pdf,
        Ok(None) => {
            draft.problems.add(ProblemCode::Unreadable, shown, format!("it has more than {LONGEST} bytes"));
            return draft.finish(options);
        }
        Err(error) => {
            draft.problems.add(ProblemCode::Unreadable, shown, format!("it cannot be read: {error}"));
            return draft.finish(options);
        }
    };
    check_signature(shown, &pdf, options, &mut draft);
    if let Some(bytes) = manifest_of(shown, &pdf, &mut draft.problems) {
        match serde_json::from_slice::<Manifest>(&bytes) {
            Ok(manifest) => draft.facts = Some(Facts::of_manifest(&manifest, canonical::sha256(&bytes))),
            Err(error) => {
                let message = format!("the file {MANIFEST} that the report carries is no manifest: {error}");
                draft.problems.add(ProblemCode::ReportManifest, shown, message);
            }
        }
    }
    draft.reached(&[Facet::Report]);
    draft.finish(options)
}

/// Checks the report's signatures and notes what they say; gives the first, which certifies it, and the validation data.
pub(super) fn check_signature(
    place: &str,
    pdf: &[u8],
    options: &Options,
    draft: &mut Draft,
) -> (Option<Checked>, ValidationData) {
    let checked = signature::check_pdf(place, pdf, options.anchors());
    let mut said = BTreeSet::new();
    for one in &checked.signatures {
        let new = one
            .problems(ProblemCode::ReportSignature, place)
            .filter(|problem| said.insert(problem.message.clone()));
        draft.problems.extend(new);
        draft.signatures.push(one.facts(place));
    }
    draft.problems.extend(checked.revoked);
    draft.report = Some(checked.facts);
    (checked.signatures.into_iter().next(), checked.validation_data)
}

/// Checks that the report carries exactly the manifest with this digest.
pub(super) fn check_manifest(place: &str, pdf: &[u8], expected: &Sha256Digest, problems: &mut Problems) {
    let Some(bytes) = manifest_of(place, pdf, problems) else { return };
    let found = canonical::sha256(&bytes);
    if found != *expected {
        let message = format!(
            "the manifest attached to the report has the SHA-256 {found}, the bundle's has {expected}: the report is of another bundle"
        );
        problems.add(ProblemCode::ReportManifest, place, message);
    }
}

/// The manifest that a report carries; all attachments under that name must be the same.
fn manifest_of(place: &str, pdf: &[u8], problems: &mut Problems) -> Option<Vec<u8>> {
    let mut attached = match attachment::attached(pdf, MANIFEST) {
        Ok(attached) => attached,
        Err(error) => {
            problems.add(ProblemCode::ReportManifest, place, error);
            return None;
        }
    };
    if attached.windows(2).any(|pair| pair[0] != pair[1]) {
        let message = format!("the report carries different files under the name {MANIFEST}");
        problems.add(ProblemCode::ReportManifest, place, message);
        return None;
    }
    let first = attached.pop();
    if first.is_none() {
        let message = format!("the report carries no attachment {MANIFEST}: nothing ties it to the evidence");
        problems.add(ProblemCode::ReportManifest, place, message);
    }
    first
}
