//! Verifying a signed report: alone, or as a part of a package.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::facet::Facet;
use super::pdf::PdfFile;
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
    let report = Report::read(shown, &pdf);
    report.check_signature(options, &mut draft);
    if let Some(bytes) = report.manifest(&mut draft.problems) {
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

/// A report that was read.
pub(super) struct Report<'a> {
    place: &'a str,
    pdf: PdfFile<'a>,
}

impl<'a> Report<'a> {
    /// Reads the report that lies at `place`.
    pub(super) fn read(place: &'a str, bytes: &'a [u8]) -> Self {
        Self { place, pdf: PdfFile::read(bytes) }
    }

    /// Checks the signatures and notes what they say; gives the first, which certifies it, and the validation data.
    pub(super) fn check_signature(
        &self,
        options: &Options,
        draft: &mut Draft,
    ) -> (Option<Checked>, ValidationData) {
        let checked = signature::check_pdf(self.place, &self.pdf, options.anchors());
        let mut said = BTreeSet::new();
        for one in &checked.signatures {
            let new = one
                .problems(ProblemCode::ReportSignature, self.place)
                .filter(|problem| said.insert(problem.message.clone()));
            draft.problems.extend(new);
            draft.signatures.push(one.facts(self.place));
        }
        draft.problems.extend(checked.revoked);
        draft.report = Some(checked.facts);
        (checked.signatures.into_iter().next(), checked.validation_data)
    }

    /// Checks that it carries exactly the manifest with this digest.
    pub(super) fn check_manifest(&self, expected: &Sha256Digest, problems: &mut Problems) {
        let Some(bytes) = self.manifest(problems) else { return };
        let found = canonical::sha256(&bytes);
        if found != *expected {
            let message = format!(
                "the manifest attached to the report has the SHA-256 {found}, the bundle's has {expected}: the report is of another bundle"
            );
            problems.add(ProblemCode::ReportManifest, self.place, message);
        }
    }

    /// The manifest that it carries; all attachments under that name must be the same.
    fn manifest(&self, problems: &mut Problems) -> Option<Vec<u8>> {
        let mut refuse = |message: String| problems.add(ProblemCode::ReportManifest, self.place, message);
        let mut attached = match attachment::attached(&self.pdf, MANIFEST) {
            Ok(attached) => attached,
            Err(error) => {
                refuse(error);
                return None;
            }
        };
        if attached.windows(2).any(|pair| pair[0] != pair[1]) {
            refuse(format!("the report carries different files under the name {MANIFEST}"));
            return None;
        }
        let first = attached.pop();
        if first.is_none() {
            refuse(format!("the report carries no attachment {MANIFEST}: nothing ties it to the evidence"));
        }
        first
    }
}
