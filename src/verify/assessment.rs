//! Making the assessment again from the evidence and comparing it: with the catalog that it was made with, which the package
//! holds. Where that is another than this program's, what the latter would decide is told beside it.

use std::collections::{BTreeMap, BTreeSet};

use super::verdict::{DecidedOtherwise, Draft, Today};
use crate::assess::{self, Inputs};
use crate::bundle::Bundle;
use crate::bundle::document::Document;
use crate::canonical;
use crate::catalog::{Catalog, Sources};
use crate::model::{Assessment, CatalogFiles, ControlStatus, ProblemCode, Problems, Tool, harmless};
use crate::package::layout;

/// The most controls that are told of which another catalog decides otherwise.
const MOST_OTHERWISE: usize = 500;

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

/// Reads `catalog.json`: `None`, with a problem, if it is none, or not the one that `stored` was made with.
pub(super) fn read_catalog(
    bytes: &[u8],
    stored: &Assessment,
    problems: &mut Problems,
) -> Option<CatalogFiles> {
    let document = Document {
        what: "a catalog",
        place: layout::CATALOG,
        version: CatalogFiles::VERSION,
        writer: "proofpack",
        code: ProblemCode::CatalogMalformed,
    };
    let catalog = document.read(bytes, |catalog: &CatalogFiles| catalog.version, problems)?;
    match catalog.digest() {
        Ok(digest) if digest == stored.catalog_sha256 => Some(catalog),
        Ok(digest) => {
            let message = format!(
                "it is the catalog {digest}, the assessment was made with {}: one of the two was replaced",
                stored.catalog_sha256
            );
            problems.add(ProblemCode::CatalogDiffers, layout::CATALOG, message);
            None
        }
        Err(error) => {
            problems.add(ProblemCode::CatalogMalformed, layout::CATALOG, error.to_string());
            None
        }
    }
}

/// Assesses `bundle` again with what `stored` says it was assessed with, and compares with its `bytes`. `own` is this program's
/// catalog, `files` the one in the package.
pub(super) fn repeat(
    (stored, bytes): (&Assessment, &[u8]),
    bundle: &Bundle,
    (own, files): (&Catalog, Option<CatalogFiles>),
    draft: &mut Draft,
) {
    if stored.bundle.manifest_sha256 != bundle.manifest_sha256 {
        let message = format!(
            "it is of a bundle with the manifest {}, this bundle's manifest is {}",
            stored.bundle.manifest_sha256, bundle.manifest_sha256
        );
        draft.problems.add(ProblemCode::AssessmentBundle, layout::ASSESSMENT, message);
        return;
    }
    let is_own = stored.catalog_sha256 == own.digest;
    if let Some(facts) = &mut draft.facts {
        facts.own_catalog = Some(is_own);
    }
    if is_own {
        compare((stored, bytes), bundle, own, &mut draft.problems);
        return;
    }
    // Without files there is a problem already.
    let Some(files) = files else { return };
    match Catalog::load(&Sources::stored(files)) {
        Ok(catalog) => compare((stored, bytes), bundle, &catalog, &mut draft.problems),
        Err(error) => {
            let message = format!(
                "it was made with the catalog {} by {}, which this program cannot read, so it cannot make the assessment again. That says nothing against the package: verify it with that version ({})",
                stored.catalog_sha256,
                maker(stored),
                harmless(&error.to_string(), 300)
            );
            draft.problems.add(ProblemCode::AssessmentNotReproducible, layout::CATALOG, message);
        }
    }
    let today = today(stored, bundle, own);
    draft.facts.iter_mut().for_each(|facts| facts.today = Some(today.clone()));
}

fn maker(stored: &Assessment) -> String {
    harmless(&format!("{} {}", stored.tool.name, stored.tool.version), 100)
}

/// Assesses again with `catalog`, and says whether that is what was stated.
fn compare(
    (stored, bytes): (&Assessment, &[u8]),
    bundle: &Bundle,
    catalog: &Catalog,
    problems: &mut Problems,
) {
    let place = layout::ASSESSMENT;
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
    if canonical::to_file_bytes(&again).ok().as_deref() == Some(bytes) {
        return;
    }
    let difference = first_difference(stored, &again);
    if stored.tool == Tool::this() {
        let message = format!(
            "assessed again, the evidence gives another assessment{difference}: what it states does not follow from the evidence"
        );
        problems.add(ProblemCode::AssessmentDiffers, place, message);
    } else {
        let message = format!(
            "it was made by {}; this version comes to another assessment with the same catalog{difference}. Either it was altered before it was signed, or the two versions differ: verify it with that version",
            maker(stored)
        );
        problems.add(ProblemCode::AssessmentNotReproducible, place, message);
    }
}

/// What this program's own catalog decides of the same evidence.
fn today(stored: &Assessment, bundle: &Bundle, own: &Catalog) -> Today {
    let inputs = Inputs::of(stored);
    let again = match assess::assess(bundle, own, &inputs) {
        Ok(again) => again,
        Err(error) => return Today { error: Some(harmless(&error.to_string(), 500)), otherwise: Vec::new() },
    };
    let statuses = |assessment: &Assessment| -> BTreeMap<(String, String), ControlStatus> {
        let of_all = assessment.frameworks.iter().flat_map(|framework| {
            let id = &framework.reference.id;
            framework.controls.iter().map(move |control| ((id.clone(), control.id.clone()), control.status))
        });
        of_all.collect()
    };
    let (there, here) = (statuses(stored), statuses(&again));
    let keys: BTreeSet<&(String, String)> = there.keys().chain(here.keys()).collect();
    let otherwise = keys.into_iter().filter(|key| there.get(*key) != here.get(*key)).take(MOST_OTHERWISE);
    let told = otherwise.map(|key| DecidedOtherwise {
        framework: harmless(&key.0, 200),
        control: harmless(&key.1, 200),
        stated: there.get(key).copied(),
        today: here.get(key).copied(),
    });
    Today { error: None, otherwise: told.collect() }
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
