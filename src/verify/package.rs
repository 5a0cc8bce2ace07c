//! Verifying a package: the zip itself, then everything in it.

use std::collections::BTreeSet;

use super::assessment::{self, Stored};
use super::facet::Facet;
use super::report::{self, Report};
use super::signature::{self, Checked};
use super::trust::Anchors;
use super::verdict::{Draft, Facts, SubjectKind, TimestampFacts, Verdict};
use super::{Options, corroboration, sample};
use crate::bundle::checksums::{self, Codes};
use crate::bundle::examine;
use crate::bundle::files::{Files, Folder, Hashed};
use crate::catalog::Catalog;
use crate::model::{Assessment, Corroboration, Manifest, Problem, ProblemCode, Sha256Digest};
use crate::package::{self, Package, Source, layout};
use crate::parallel;
use crate::sign::Certificate;
use crate::sign::pades::validation_data::ValidationData;
use crate::sign::timestamp::LARGEST_ANSWER;

/// Longest `corroboration.json`, in bytes.
const LONGEST_CORROBORATION: u64 = 1024 * 1024 * 1024;
/// Longest of the small files, in bytes.
pub(super) const LONGEST_SMALL: u64 = 64 * 1024 * 1024;

/// Verifies a package as a zip.
pub(super) fn verify_zip(shown: &str, source: Source, catalog: &Catalog, options: &Options) -> Verdict {
    let mut draft = Draft::new(SubjectKind::Package, shown);
    let (package, problems) = match Package::examine(source) {
        Ok(examined) => examined,
        Err(error) => {
            draft.problems.add(ProblemCode::Unreadable, shown, format!("it cannot be read: {error}"));
            return draft.finish(options);
        }
    };
    draft.problems.extend(problems.into_list());
    draft.reached(&[Facet::Structure]);
    let folders: BTreeSet<&str> =
        package.list().keys().map(|name| name.split_once('/').map_or("", |(folder, _)| folder)).collect();
    if folders.len() > 1 {
        let message = "its files do not all lie in one folder: some were added";
        draft.problems.add(ProblemCode::PackageFolder, shown, message);
    }
    // The folder with the most files is the package's; what lies elsewhere was reported.
    let size =
        |folder: &&str| package.list().keys().filter(|name| name.starts_with(&format!("{folder}/"))).count();
    let Some(folder) = folders.iter().copied().filter(|folder| !folder.is_empty()).max_by_key(size) else {
        draft.problems.add(
            ProblemCode::PackageFolder,
            shown,
            "it holds no folder with files that could be read",
        );
        return draft.finish(options);
    };
    let files = Folder::new(&package, folder);
    if let Some(expected) = verify_files(&files, catalog, options, &mut draft)
        && expected != folder
    {
        let message =
            format!("the folder should be named {expected}, after the accounts and the period of the bundle");
        draft.problems.add(ProblemCode::PackageFolder, folder, message);
    }
    draft.finish(options)
}

/// Verifies the folder that a package unpacks to.
pub(super) fn verify_unpacked(
    shown: &str,
    files: &dyn Files,
    catalog: &Catalog,
    options: &Options,
) -> Verdict {
    let mut draft = Draft::new(SubjectKind::UnpackedPackage, shown);
    verify_files(files, catalog, options, &mut draft);
    draft.finish(options)
}

/// Verifies everything in the package's folder; gives the name that it should have, where that is known.
fn verify_files(
    files: &dyn Files,
    catalog: &Catalog,
    options: &Options,
    draft: &mut Draft,
) -> Option<String> {
    let files = &Hashed::new(files);
    if files.list().contains_key(layout::SAMPLE) {
        draft.becomes_sample();
        return sample::verify_files(files, options, draft);
    }
    check_names(files, draft);
    check_sums(files, draft);

    // Neither looks at what the other does: the signatures are checked beside the evidence.
    let mut beside = draft.part();
    let (signer, evidence) = parallel::both(
        || check_signatures(files, options, &mut beside),
        || check_evidence(files, catalog, draft),
    );
    draft.add(beside);
    let Evidence { manifest, assessment, corroboration } = evidence;
    let (manifest, manifest_sha256) = manifest?;
    if let (Some(assessment), Some(signer)) = (&assessment, &signer) {
        let told = package::Facts {
            manifest: &manifest,
            manifest_sha256,
            assessment,
            corroboration: corroboration.as_ref(),
            is_stamped: files.list().contains_key(layout::MANIFEST_TIMESTAMP),
            signer_sha256: Sha256Digest::from_bytes([0; 32]),
        };
        check_instructions(files, signer, draft, |signer_sha256| {
            package::Facts { signer_sha256, ..told }.render()
        });
    }
    Some(layout::folder(&manifest))
}

/// What the evidence is, as far as it could be read.
struct Evidence {
    manifest: Option<(Manifest, Sha256Digest)>,
    /// Without its long lists.
    assessment: Option<Assessment>,
    corroboration: Option<Corroboration>,
}

/// Checks the bundle, and that assessment and corroboration follow from it.
fn check_evidence(files: &Hashed<'_>, catalog: &Catalog, draft: &mut Draft) -> Evidence {
    // Read before the records are, and kept without what follows from them: both do not fit into small memory.
    let mut of_assessment = draft.part();
    let text = |draft: &mut Draft| read(files, layout::ASSESSMENT, assessment::LONGEST, draft);
    let stored = text(&mut of_assessment).and_then(|text| Stored::read(&text, &mut of_assessment.problems));

    let examination = examine(&Folder::new(files, layout::BUNDLE));
    draft.facts = Facts::of_bundle(&examination);
    let manifest = examination.manifest.clone().zip(examination.manifest_sha256);
    let bundle = match examination.into_bundle() {
        Ok(bundle) => Some(bundle),
        Err(problems) => {
            draft.problems.extend(problems.into_iter().map(|problem| Problem {
                place: format!("{}/{}", layout::BUNDLE, problem.place),
                ..problem
            }));
            None
        }
    };
    draft.reached(&[Facet::Hashes, Facet::Manifest, Facet::Records]);

    draft.add(of_assessment);
    if let (Some(stored), Some(facts)) = (&stored, &mut draft.facts) {
        facts.add_assessment(&stored.assessment);
    }
    let corroboration = read(files, layout::CORROBORATION, LONGEST_CORROBORATION, draft)
        .and_then(|bytes| corroboration::read(&bytes, &mut draft.problems));
    if let (Some(corroboration), Some(bundle)) = (&corroboration, &bundle) {
        draft.reached(&[Facet::Corroboration]);
        let told = corroboration::compare(corroboration, bundle, &mut draft.problems);
        draft.facts.iter_mut().for_each(|facts| facts.corroborated = Some(told));
    }
    if let Some(stored) = &stored {
        let is_same = bundle.is_some_and(|bundle| {
            draft.reached(&[Facet::Assessment]);
            let theirs = read(files, layout::CATALOG, LONGEST_SMALL, draft)
                .and_then(|bytes| assessment::read_catalog(&bytes, &stored.assessment, &mut draft.problems));
            assessment::repeat(stored, bundle, (catalog, theirs), files, draft)
        });
        if !is_same && let Some(text) = text(draft) {
            assessment::check_form(&text, &mut draft.problems);
        }
    }
    Evidence { manifest, assessment: stored.map(|stored| stored.assessment), corroboration }
}

/// Every file that a package has, and no other.
fn check_names(files: &dyn Files, draft: &mut Draft) {
    let folders = [layout::BUNDLE, layout::BROWSER_DATA];
    check_members(files, &layout::BESIDE_BUNDLE, &layout::OPTIONAL, &folders, draft);
    let pair = [layout::CORROBORATION, layout::CORROBORATION_SIGNATURE];
    let optional = pair.iter().filter(|name| files.list().contains_key(**name));
    draft.is_corroborated = optional.clone().count() > 0;
    if optional.count() == 1 {
        let message = "it comes with its signature or not at all: one of the two was removed or added";
        draft.problems.add(ProblemCode::MemberMissing, layout::CORROBORATION, message);
    }
}

/// The files that there must be, those that there may be, and what lies in these folders; nothing else.
pub(super) fn check_members(
    files: &dyn Files,
    demanded: &[&str],
    optional: &[&str],
    folders: &[&str],
    draft: &mut Draft,
) {
    for name in demanded.iter().filter(|name| !files.list().contains_key(**name)) {
        let message = "this file belongs to every one: it was removed or renamed";
        draft.problems.add(ProblemCode::MemberMissing, name, message);
    }
    let is_in =
        |name: &str, folder: &str| name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    let known = |name: &str| {
        demanded.contains(&name)
            || optional.contains(&name)
            || folders.iter().any(|folder| is_in(name, folder))
    };
    for name in files.list().keys().filter(|name| !known(name)) {
        let message = "it does not belong there: it was added";
        draft.problems.add(ProblemCode::MemberUnlisted, name, message);
    }
}

/// Compares every file with `SHA256SUMS`; a zip's members were checked against their headers as they were hashed.
pub(super) fn check_sums(files: &Hashed<'_>, draft: &mut Draft) {
    for (name, error) in files.failures() {
        let message = format!("its data cannot be read: {error}; the archive was altered or is damaged");
        draft.problems.add(ProblemCode::ZipData, name, message);
    }
    let mut digests = files.digests().clone();
    digests.remove(layout::SUMS);
    digests.remove(layout::SUMS_SIGNATURE);
    let Some(sums) = read(files, layout::SUMS, LONGEST_SMALL, draft) else { return };
    let codes = Codes {
        malformed: ProblemCode::SumsMalformed,
        mismatch: ProblemCode::SumsMismatch,
        missing: ProblemCode::MemberMissing,
        unlisted: ProblemCode::MemberUnlisted,
    };
    let problems = checksums::compare(layout::SUMS, &sums, &digests, codes);
    let is_read = |problem: &Problem| !files.failures().contains_key(&problem.place);
    draft.problems.extend(problems.into_iter().filter(is_read));
}

/// Checks the signatures, that one signer made them all, and that `signer.pem` holds its certificates.
/// Gives the bytes of `signer.pem`.
fn check_signatures(files: &dyn Files, options: &Options, draft: &mut Draft) -> Option<Vec<u8>> {
    let mut all: Vec<(&str, Checked)> = Vec::new();
    let mut complete = true;
    let mut validation_data = ValidationData::default();
    if let Some(pdf) = read(files, layout::REPORT, report::LONGEST, draft) {
        let report = Report::read(layout::REPORT, &pdf);
        let checked;
        (checked, validation_data) = report.check_signature(options, draft);
        all.extend(checked.map(|checked| (layout::REPORT, checked)));
        if let Some(expected) = files.digest(layout::MANIFEST) {
            draft.reached(&[Facet::Report]);
            report.check_manifest(&expected, &mut draft.problems);
        }
    }
    // The signer's certificates are the same everywhere, and the report holds what its issuers say of them.
    let anchors = Anchors { validation_data: Some(&validation_data), ..options.anchors() };
    // Only the report says when it was signed; the other signatures are judged at that time, if it holds.
    let signed_at =
        all.first().filter(|(_, report)| report.faults.is_empty()).and_then(|(_, report)| report.made_at());
    let corroborated = (layout::CORROBORATION_SIGNATURE, layout::CORROBORATION);
    let detached = [
        (layout::SUMS_SIGNATURE, layout::SUMS),
        (layout::MANIFEST_SIGNATURE, layout::MANIFEST),
        corroborated,
    ];
    for (signature, content) in detached {
        if signature == layout::CORROBORATION_SIGNATURE && !draft.is_corroborated {
            continue;
        }
        let most = crate::bundle::LONGEST_MANIFEST.max(LONGEST_CORROBORATION);
        let bytes = (read(files, signature, LONGEST_SMALL, draft), read(files, content, most, draft));
        let (Some(signature_bytes), Some(content_bytes)) = bytes else {
            complete = false;
            continue;
        };
        let checked = signature::check_cms(&signature_bytes, &content_bytes, signed_at, anchors);
        draft.problems.extend(checked.problems(ProblemCode::SignatureInvalid, signature));
        let mut facts = checked.facts(content);
        if content == layout::MANIFEST {
            facts.timestamp = check_timestamp(files, &content_bytes, anchors, draft);
        }
        draft.signatures.push(facts);
        all.push((signature, checked));
    }
    let signer = read(files, layout::SIGNER, LONGEST_SMALL, draft);
    if let Some(signer) = signer.as_deref().filter(|_| complete) {
        draft.reached(&[Facet::Signatures]);
        check_signer(signer, &all, draft);
    }
    signer
}

/// The timestamp over the manifest, if the package has one and it holds.
pub(super) fn check_timestamp(
    files: &dyn Files,
    manifest: &[u8],
    anchors: Anchors<'_>,
    draft: &mut Draft,
) -> Option<TimestampFacts> {
    let place = layout::MANIFEST_TIMESTAMP;
    if !files.list().contains_key(place) {
        return None;
    }
    let token = read(files, place, LARGEST_ANSWER as u64, draft)?;
    match signature::check_timestamp(&token, manifest, anchors) {
        Ok(facts) => Some(facts),
        Err(error) => {
            draft.problems.add(ProblemCode::TimestampInvalid, place, error.to_string());
            None
        }
    }
}

pub(super) fn check_signer(signer: &[u8], all: &[(&str, Checked)], draft: &mut Draft) {
    let place = layout::SIGNER;
    let chain = match Certificate::from_pem(signer) {
        Ok(chain) => chain,
        Err(error) => {
            draft.problems.add(ProblemCode::SignerFile, place, format!("it cannot be read: {error}"));
            Vec::new()
        }
    };
    if !chain.is_empty() && Certificate::to_pem(&chain).as_bytes() != signer {
        let message = "it holds more than certificates, or not in the form that proofpack writes";
        draft.problems.add(ProblemCode::SignerFile, place, message);
    }
    for (signature, checked) in all.iter().filter(|(_, checked)| !checked.chain.is_empty()) {
        let same = checked
            .chain
            .iter()
            .map(|facts| facts.sha256_fingerprint)
            .eq(chain.iter().map(Certificate::fingerprint));
        if !chain.is_empty() && !same {
            let message =
                format!("its certificates are not those in {signature}: one of the two was replaced");
            draft.problems.add(ProblemCode::SignerFile, place, message);
        }
    }
    let mut signers = all.iter().filter_map(|(signature, checked)| Some((signature, checked.chain.first()?)));
    if let Some((first, certificate)) = signers.next() {
        for (signature, other) in
            signers.filter(|(_, other)| other.sha256_fingerprint != certificate.sha256_fingerprint)
        {
            let message = format!(
                "it was signed under the certificate {}, but {first} under {}: a part of the package was replaced",
                other.sha256_fingerprint, certificate.sha256_fingerprint
            );
            draft.problems.add(ProblemCode::SignersDiffer, signature, message);
        }
    }
}

/// `VERIFY.md` must be what the contents demand: people will run the commands in it.
pub(super) fn check_instructions(
    files: &dyn Files,
    signer: &[u8],
    draft: &mut Draft,
    render: impl FnOnce(Sha256Digest) -> String,
) {
    let place = layout::INSTRUCTIONS;
    let Some(found) = read(files, place, LONGEST_SMALL, draft) else { return };
    let signer_sha256 = match package::fingerprint(signer) {
        Ok(digest) => digest,
        Err(error) => {
            draft.problems.add(ProblemCode::SignerFile, layout::SIGNER, error.to_string());
            return;
        }
    };
    draft.reached(&[Facet::Instructions]);
    if found != render(signer_sha256).as_bytes() {
        let message = "it is not the text that the package's contents demand: do not run its commands";
        draft.problems.add(ProblemCode::InstructionsDiffer, place, message);
    }
}

/// A file's bytes; a missing one was reported by its name, another failure is reported here.
pub(super) fn read(files: &dyn Files, name: &str, most: u64, draft: &mut Draft) -> Option<Vec<u8>> {
    if !files.list().contains_key(name) {
        return None;
    }
    match files.read(name, most) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            draft.problems.add(ProblemCode::Unreadable, name, error.to_string());
            None
        }
    }
}
