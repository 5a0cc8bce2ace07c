//! Verification: of a package, of one that was unpacked, of a bundle, of a signed report. It collects
//! every problem and stops at none, and reduces them to one line that says what may be relied on.

mod assessment;
pub(crate) mod attachment;
pub mod chain;
pub mod cms;
mod corroboration;
mod facet;
mod package;
pub mod pdf;
mod report;
pub mod revocation;
mod sample;
mod signature;
pub mod trust;
mod verdict;

use std::fs::File;
use std::io::Read;
use std::path::Path;

pub use facet::{Facet, FacetStatus};
pub use verdict::{
    DecidedOtherwise, Facts, ReportFacts, Sampled, SignatureFacts, SubjectKind, TimestampFacts, Today,
    Verdict, VerdictLine,
};

use self::verdict::Draft;
use crate::bundle;
use crate::bundle::files::{Directory, Files};
use crate::catalog::Catalog;
use crate::model::ProblemCode;
use crate::package::encryption::{self, Identity};
use crate::package::{Source, layout};
use crate::sign::Certificate;

/// What verification is told, beside the file.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Certificates (roots or signers) that are trusted. With none, whether the signer can be trusted is left open and said
    /// so; with some, a signer that does not lead to one of them is a problem.
    pub anchors: Vec<Certificate>,
    /// Certificates that are trusted for timestamps, and for nothing else. A timestamp by an authority that does not lead to one
    /// of them is told, and no problem.
    pub timestamp_anchors: Vec<Certificate>,
    /// Private keys that open what is encrypted.
    pub identities: Vec<Identity>,
}

impl Options {
    fn anchors(&self) -> trust::Anchors<'_> {
        trust::Anchors { signers: &self.anchors, timestamps: &self.timestamp_anchors, validation_data: None }
    }
}

/// Verifies what lies at `path`: a package or a sample (zip, encrypted or not, or the folder that it unpacks to), a bundle's directory,
/// or a signed report (PDF). `catalog` is this program's own, with which the assessment is made again.
pub fn verify(path: &Path, catalog: &Catalog, options: &Options) -> Verdict {
    let shown = path.display().to_string();
    if path.is_dir() {
        return match Directory::open(path) {
            Ok(files) => verify_directory(&shown, &files, catalog, options),
            Err(error) => {
                let mut draft = Draft::new(SubjectKind::Unknown, &shown);
                draft.problems.add(ProblemCode::Unreadable, error.path(), error.to_string());
                draft.finish(options)
            }
        };
    }
    let mut beginning = Vec::new();
    let longest = encryption::MAGIC.len() as u64;
    let read = File::open(path).and_then(|file| file.take(longest).read_to_end(&mut beginning));
    let source = read.and_then(|_| Source::open(path));
    let source = match source {
        Ok(source) => source,
        Err(error) => {
            let mut draft = Draft::new(SubjectKind::Unknown, &shown);
            draft.problems.add(ProblemCode::Unreadable, &shown, format!("it cannot be read: {error}"));
            return draft.finish(options);
        }
    };
    if beginning.starts_with(encryption::MAGIC) {
        return match encryption::open(path, &options.identities) {
            Ok(source) => package::verify_zip(&shown, source, catalog, options),
            Err(error) => {
                let mut draft = Draft::new(SubjectKind::Unknown, &shown);
                draft.problems.add(ProblemCode::Unreadable, &shown, error.to_string());
                draft.finish(options)
            }
        };
    }
    let named_zip = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
    if named_zip || beginning.starts_with(b"PK") {
        package::verify_zip(&shown, source, catalog, options)
    } else if beginning.starts_with(b"%PDF-") {
        report::verify(&shown, path, options)
    } else {
        let mut draft = Draft::new(SubjectKind::Unknown, &shown);
        let message = "it is neither a package (zip), a bundle's directory nor a report (PDF)";
        draft.problems.add(ProblemCode::UnknownFormat, &shown, message);
        draft.finish(options)
    }
}

fn verify_directory(shown: &str, files: &Directory, catalog: &Catalog, options: &Options) -> Verdict {
    let has = |name: &str| files.list().contains_key(name);
    if has(layout::SUMS) || has(layout::MANIFEST) {
        return package::verify_unpacked(shown, files, catalog, options);
    }
    let mut draft = Draft::new(SubjectKind::Bundle, shown);
    if !files.list().keys().any(|path| path.starts_with("data/") || path == "bagit.txt") {
        let message = "the directory is neither a bundle nor an unpacked package";
        draft.problems.add(ProblemCode::UnknownFormat, shown, message);
        return draft.finish(options);
    }
    draft.reached(&[Facet::Hashes, Facet::Manifest, Facet::Records]);
    let examination = bundle::check(files);
    draft.facts = Facts::of_bundle(&examination);
    draft.problems.extend(examination.problems.into_list());
    draft.finish(options)
}
