//! Making the assessment again from the evidence and comparing it.

use crate::assess::{self, Inputs};
use crate::bundle::Bundle;
use crate::bundle::document::Document;
use crate::canonical;
use crate::catalog::Catalog;
use crate::model::{Assessment, ProblemCode, Problems};
use crate::package::layout;

/// Reads `assessment.json`: `None`, with a problem, if it is none.
pub(super) fn read(bytes: &[u8], problems: &mut Problems) -> Option<Assessment> {
    let document = Document {
        what: "an assessment",
        place: layout::ASSESSMENT,
        version: Assessment::VERSION,
        writer: "proofpack",
        code: ProblemCode::AssessmentMalformed,
    };
    document.read(bytes, |assessment: &Assessment| assessment.version, problems)
}

/// Assesses `bundle` again with what `stored` says it was assessed with, and compares with its `bytes`.
pub(super) fn repeat(
    (stored, bytes): (&Assessment, &[u8]),
    bundle: &Bundle,
    catalog: &Catalog,
    problems: &mut Problems,
) {
    let place = layout::ASSESSMENT;
    if stored.bundle.manifest_sha256 != bundle.manifest_sha256 {
        let message = format!(
            "it is of a bundle with the manifest {}, this bundle's manifest is {}",
            stored.bundle.manifest_sha256, bundle.manifest_sha256
        );
        problems.add(ProblemCode::AssessmentBundle, place, message);
        return;
    }
    if stored.catalog_sha256 != catalog.digest {
        let message = format!(
            "it was made with the catalog {} by {} {}; this program has the catalog {}, so it cannot make the assessment again. That says nothing against the package: verify it with that version, and with --catalog where folders of one's own were added",
            stored.catalog_sha256, stored.tool.name, stored.tool.version, catalog.digest
        );
        problems.add(ProblemCode::AssessmentNotReproducible, place, message);
        return;
    }
    let again = match assess::assess(bundle, catalog, &Inputs::of(stored)) {
        // Which version assessed is no result; everything else must be the same.
        Ok(again) => Assessment { tool: stored.tool.clone(), ..again },
        Err(error) => {
            let message =
                format!("the evidence cannot be assessed with what it says it was assessed with: {error}");
            problems.add(ProblemCode::AssessmentDiffers, place, message);
            return;
        }
    };
    if canonical::to_file_bytes(&again).ok().as_deref() != Some(bytes) {
        let message = format!(
            "assessed again, the evidence gives another assessment{}: what it states does not follow from the evidence",
            first_difference(stored, &again)
        );
        problems.add(ProblemCode::AssessmentDiffers, place, message);
    }
}

/// Where two assessments part, for people.
fn first_difference(stored: &Assessment, again: &Assessment) -> String {
    for (there, here) in stored.controls().zip(again.controls()) {
        if there.status != here.status {
            return format!(
                " (control {}: {:?} is stated, {:?} follows)",
                there.id, there.status, here.status
            );
        }
    }
    for (there, here) in stored.findings.iter().zip(&again.findings) {
        if there != here {
            return format!(
                " (finding of {} for {}: {:?} is stated, {:?} follows)",
                there.check, there.subject.id, there.outcome, here.outcome
            );
        }
    }
    if stored.findings.len() != again.findings.len() {
        return format!(" ({} findings are stated, {} follow)", stored.findings.len(), again.findings.len());
    }
    String::new()
}
