//! Making the assessment again from the evidence and comparing it: with the catalog that it was made with, which the package
//! holds. Where that is another than this program's, what the latter would decide is told beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::verdict::{DecidedOtherwise, Draft, Today};
use crate::assess::{self, Inputs};
use crate::bundle::Bundle;
use crate::bundle::document::Document;
use crate::bundle::files::Files;
use crate::canonical;
use crate::catalog::{Catalog, Sources};
use crate::model::{
    Assessment, CatalogFiles, ControlStatus, ProblemCode, Problems, Sha256Digest, Tool, harmless,
};
use crate::package::layout;

/// Longest `assessment.json`, in bytes.
pub(super) const LONGEST: u64 = 1024 * 1024 * 1024;
/// The most controls that are told of which another catalog decides otherwise.
const MOST_OTHERWISE: usize = 500;

/// The lists of an assessment that grow with the evidence. Assessing again makes them; nobody asks for them before.
const LONG_LISTS: [&str; 3] = ["findings", "resources", "evidence"];

/// What `assessment.json` says, but for the long lists.
pub(super) struct Stored {
    /// Without [`LONG_LISTS`].
    pub(super) assessment: Assessment,
    /// SHA-256 of the file.
    sha256: Sha256Digest,
}

impl Stored {
    /// Reads what `assessment.json` says beside its long lists: `None`, with a problem, if it is none. Whether all of it is one
    /// [`check_form`] says, where it is not what assessing again gives.
    pub(super) fn read(bytes: &[u8], problems: &mut Problems) -> Option<Self> {
        let short = serde_json::from_slice(bytes)
            .and_then(|Short(members)| serde_json::from_value(Value::Object(members)));
        let assessment = match short {
            Ok(assessment) => assessment,
            Err(_) => read(bytes, problems)?,
        };
        Some(Self { assessment, sha256: canonical::sha256(bytes) })
    }
}

/// The members of an assessment, the long lists empty.
struct Short(Map<String, Value>);

impl<'de> Deserialize<'de> for Short {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Short;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an assessment")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Short, A::Error> {
                let mut members = Map::new();
                while let Some(name) = map.next_key::<String>()? {
                    let value = if LONG_LISTS.contains(&name.as_str()) {
                        map.next_value::<IgnoredAny>()?;
                        Value::Array(Vec::new())
                    } else {
                        map.next_value()?
                    };
                    members.insert(name, value);
                }
                Ok(Short(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// Reads all of an assessment that is not what assessing again gives, for what else is wrong with it.
pub(super) fn check_form(bytes: &[u8], problems: &mut Problems) {
    read(bytes, problems);
}

fn read(bytes: &[u8], problems: &mut Problems) -> Option<Assessment> {
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

/// Makes the assessment again with what `stored` says it was assessed with, and says whether that is what `files` hold: gives that,
/// too. `own` is this program's catalog, `theirs` the one in the package.
pub(super) fn repeat(
    stored: &Stored,
    bundle: Bundle,
    (own, theirs): (&Catalog, Option<CatalogFiles>),
    files: &dyn Files,
    draft: &mut Draft,
) -> bool {
    let Stored { assessment, .. } = stored;
    if assessment.bundle.manifest_sha256 != bundle.manifest_sha256 {
        let message = format!(
            "it is of a bundle with the manifest {}, this bundle's manifest is {}",
            assessment.bundle.manifest_sha256, bundle.manifest_sha256
        );
        draft.problems.add(ProblemCode::AssessmentBundle, layout::ASSESSMENT, message);
        return false;
    }
    let is_own = assessment.catalog_sha256 == own.digest;
    if let Some(facts) = &mut draft.facts {
        facts.own_catalog = Some(is_own);
    }
    if is_own {
        let again = again(assessment, &bundle, own, &mut draft.problems);
        drop(bundle);
        return again.is_some_and(|again| compare(stored, &again, files, &mut draft.problems));
    }
    // Without files there is a problem already.
    let Some(theirs) = theirs else { return false };
    let today = today(assessment, &bundle, own);
    draft.facts.iter_mut().for_each(|facts| facts.today = Some(today.clone()));
    match Catalog::load(&Sources::stored(theirs)) {
        Ok(catalog) => {
            let again = again(assessment, &bundle, &catalog, &mut draft.problems);
            drop(bundle);
            again.is_some_and(|again| compare(stored, &again, files, &mut draft.problems))
        }
        Err(error) => {
            let message = format!(
                "it was made with the catalog {} by {}, which this program cannot read, so it cannot make the assessment again. That says nothing against the package: verify it with that version ({})",
                assessment.catalog_sha256,
                maker(assessment),
                harmless(&error.to_string(), 300)
            );
            draft.problems.add(ProblemCode::AssessmentNotReproducible, layout::CATALOG, message);
            false
        }
    }
}

fn maker(stored: &Assessment) -> String {
    harmless(&format!("{} {}", stored.tool.name, stored.tool.version), 100)
}

/// Assesses again with `catalog`; that it cannot be done is a problem.
fn again(
    stored: &Assessment,
    bundle: &Bundle,
    catalog: &Catalog,
    problems: &mut Problems,
) -> Option<Assessment> {
    match assess::assess(bundle, catalog, &Inputs::of(stored)) {
        // Which version assessed is no result; everything else must be the same.
        Ok(again) => Some(Assessment { tool: stored.tool.clone(), ..again }),
        Err(error) => {
            let message =
                format!("the evidence cannot be assessed with what it says it was assessed with: {error}");
            problems.add(ProblemCode::AssessmentDiffers, layout::ASSESSMENT, message);
            None
        }
    }
}

/// Says whether what was made again is what was stated.
fn compare(stored: &Stored, again: &Assessment, files: &dyn Files, problems: &mut Problems) -> bool {
    let place = layout::ASSESSMENT;
    let sha256 = canonical::to_file_bytes(again).map(|bytes| canonical::sha256(&bytes));
    if sha256.is_ok_and(|sha256| sha256 == stored.sha256) {
        return true;
    }
    let all = files.read(place, LONGEST).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let difference = all.map(|all| first_difference(&all, again)).unwrap_or_default();
    if stored.assessment.tool == Tool::this() {
        let message = format!(
            "assessed again, the evidence gives another assessment{difference}: what it states does not follow from the evidence"
        );
        problems.add(ProblemCode::AssessmentDiffers, place, message);
    } else {
        let message = format!(
            "it was made by {}; this version comes to another assessment with the same catalog{difference}. Either it was altered before it was signed, or the two versions differ: verify it with that version",
            maker(&stored.assessment)
        );
        problems.add(ProblemCode::AssessmentNotReproducible, place, message);
    }
    false
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
