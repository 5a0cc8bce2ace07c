//! Writing a sample: the chosen records, what they came with, the manifest that was signed, and the proofs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::{Request, Sample, SampleError, Selection, choose};
use crate::bundle::files::Files;
use crate::bundle::{self, Bundle, attached, paths};
use crate::canonical;
use crate::model::RecordId;
use crate::package::instructions::{SampleFacts, fingerprint};
use crate::package::layout;
use crate::package::write::{PackageError, Summary, assessment_of, sums};
use crate::package::zipping::{Content, write_zip};

/// What a sample is made of: parts of a package.
#[derive(Clone, Copy)]
pub struct SampleContents<'a> {
    /// The sealed bundle.
    pub bundle: &'a dyn Files,
    /// `assessment.json`, which says what proves a control.
    pub assessment: &'a [u8],
    /// Detached CMS over the bundle's `data/manifest.json` (DER).
    pub manifest_signature: &'a [u8],
    /// When that was made, as the signer of the report claims.
    pub signed_at: Option<DateTime<Utc>>,
    /// The signer's certificate chain, leaf first (PEM).
    pub signer: &'a [u8],
    /// The timestamp over `data/manifest.json` (RFC 3161 token, DER), where there is one.
    pub manifest_timestamp: Option<&'a [u8]>,
}

/// Chooses records and writes them into `folder`, as a zip that is named after the bundle and what was chosen; gives its place and
/// the sample. The seed is what whoever asks for the sample says, or else the manifest's SHA-256. `matches` tells whether a text fits a
/// pattern of resources. Nothing is signed: what is in it follows from the manifest, which is.
///
/// # Errors
/// When a request names what is not there, the bundle or the assessment is unsound, or the zip exists or cannot be written.
pub fn write_sample(
    folder: &Path,
    contents: &SampleContents<'_>,
    (requests, seed): (&[Request], Option<&str>),
    matches: impl Fn(&str, &str) -> bool,
) -> Result<(PathBuf, Summary, Sample), PackageError> {
    let bag = contents.bundle;
    let bundle = bundle::read_files(bag)?;
    let assessment = assessment_of(bundle.manifest_sha256, contents.assessment)?;
    let seed = seed.map_or_else(|| bundle.manifest_sha256.to_string(), str::to_owned);
    let selections: Result<Vec<Selection>, SampleError> =
        requests.iter().map(|request| request.selection(bundle.records.len() as u64, &seed)).collect();
    let sample = choose(&bundle, &assessment, contents.signed_at, selections?, &matches)?;
    let text = canonical::to_file_bytes(&sample)?;
    let name = layout::sample_folder(&bundle.manifest, &canonical::sha256(&text));
    let target = folder.join(format!("{name}.zip"));
    if target.symlink_metadata().is_ok() {
        return Err(PackageError::Exists(target));
    }
    let facts = SampleFacts {
        manifest: &bundle.manifest,
        sample: &sample,
        is_stamped: contents.manifest_timestamp.is_some(),
        signer_sha256: fingerprint(contents.signer)?,
    };
    let mut members: BTreeMap<String, Content> = BTreeMap::from([
        (layout::MANIFEST.to_owned(), Content::OfBundle(paths::MANIFEST.to_owned())),
        (layout::MANIFEST_SIGNATURE.to_owned(), Content::Bytes(contents.manifest_signature.into())),
        (layout::SIGNER.to_owned(), Content::Bytes(contents.signer.into())),
        (layout::INSTRUCTIONS.to_owned(), Content::made(facts.render().into_bytes())),
        (layout::SAMPLE.to_owned(), Content::made(text)),
    ]);
    if let Some(token) = contents.manifest_timestamp {
        members.insert(layout::MANIFEST_TIMESTAMP.to_owned(), Content::Bytes(token.into()));
    }
    add_records(&bundle, &sample, &mut members)?;
    members.insert(layout::SUMS.to_owned(), Content::made(sums(&members, bag)?));
    let summary = write_zip(&target, &name, bag, &members)?;
    Ok((target, summary, sample))
}

/// The chosen records' lines, in files as in the bundle, and the files that came with them.
fn add_records(
    bundle: &Bundle,
    sample: &Sample,
    members: &mut BTreeMap<String, Content>,
) -> Result<(), PackageError> {
    let chosen: BTreeSet<&RecordId> = sample.records.iter().map(|record| &record.id).collect();
    let mut files: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for stored in bundle.records.iter().filter(|stored| chosen.contains(&stored.id)) {
        // In canonical form, which a sealed record is in: the very line.
        files.entry(&stored.path).or_default().extend(canonical::to_file_bytes(&stored.record)?);
        for path in attached::paths_of(&stored.record) {
            members.insert(format!("{}/{path}", layout::BUNDLE), Content::OfBundle(path));
        }
    }
    for (path, lines) in files {
        members.insert(format!("{}/{path}", layout::BUNDLE), Content::made(lines));
    }
    Ok(())
}
