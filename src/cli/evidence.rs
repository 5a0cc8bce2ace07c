//! An assessed bundle wherever it lies: in a package, in the folder that one unpacks to, in the output folder of a run.

use std::fs;
use std::path::Path;

use super::exit::CommandError;
use crate::assess::{self, Inputs, resources};
use crate::bundle::files::{Directory, Files, Folder};
use crate::bundle::{self, Bundle, LONGEST_MANIFEST, paths};
use crate::canonical;
use crate::catalog::Catalog;
use crate::model::{Assessment, Manifest, ResourceSet, Sha256Digest};
use crate::package::{Package, layout};

/// Longest `assessment.json`, in bytes.
const LONGEST_ASSESSMENT: u64 = 1024 * 1024 * 1024;

/// An assessed bundle, exactly as it was sealed.
pub(super) struct Evidence {
    /// The bundle.
    pub(super) bundle: Bundle,
    /// Its assessment, as stated.
    pub(super) assessment: Assessment,
}

impl Evidence {
    /// Reads the package or folder at `path`: every digest, count and root of the bundle is checked, no signature.
    pub(super) fn read(path: &Path) -> Result<Self, CommandError> {
        within(path, |files, assessment| {
            let wrong = |what: String| CommandError::input(format!("{}: {what}", path.display()));
            let assessment: Assessment = serde_json::from_slice(&assessment()?).map_err(|error| {
                wrong(format!("its assessment.json cannot be read by this version of proofpack: {error}"))
            })?;
            let bundle = bundle::read_files(files)
                .map_err(|error| wrong(format!("its bundle cannot be used: {error}")))?;
            if assessment.bundle.manifest_sha256 != bundle.manifest_sha256 {
                return Err(wrong(format!(
                    "its assessment.json is of the bundle with the manifest {}, the bundle beside it has {}: assess it again",
                    assessment.bundle.manifest_sha256, bundle.manifest_sha256
                )));
            }
            Ok(Self { bundle, assessment })
        })
    }

    /// The resources that the bundle describes, by this program's rules.
    pub(super) fn resources(&self, catalog: &Catalog) -> Result<ResourceSet, CommandError> {
        resources::derive(catalog, &self.bundle).map_err(CommandError::input)
    }

    /// The bundle assessed once more, as its assessment says, but with another catalog.
    pub(super) fn assess_again(&mut self, catalog: &Catalog) -> Result<(), CommandError> {
        let inputs = Inputs::of(&self.assessment);
        self.assessment = assess::assess(&self.bundle, catalog, &inputs).map_err(|error| {
            CommandError::input(format!("it cannot be assessed with this program's catalog: {error}"))
        })?;
        Ok(())
    }
}

/// The manifest of the bundle in the package or folder at `path`, and its digest.
pub(super) fn manifest(path: &Path) -> Result<(Manifest, Sha256Digest), CommandError> {
    within(path, |files, _| {
        let bytes = files.read(paths::MANIFEST, LONGEST_MANIFEST).map_err(|error| {
            CommandError::input(format!(
                "{}: {error}; name a package, or a folder with a bundle",
                path.display()
            ))
        })?;
        let manifest = serde_json::from_slice(&bytes).map_err(|error| {
            CommandError::input(format!("{}: its manifest cannot be read: {error}", path.display()))
        })?;
        Ok((manifest, canonical::sha256(&bytes)))
    })
}

/// Looks at the files of the bundle in the package or folder at `path`, or of the bundle at `path`, and at what reads the
/// assessment beside it.
fn within<T>(
    path: &Path,
    look: impl FnOnce(&dyn Files, &dyn Fn() -> Result<Vec<u8>, CommandError>) -> Result<T, CommandError>,
) -> Result<T, CommandError> {
    let wrong = |error: &dyn std::fmt::Display| {
        CommandError::input(format!(
            "{}: {error}; name a package, or a folder with a bundle and its assessment.json",
            path.display()
        ))
    };
    let sample = "it is a sample of a package's records; name the package itself";
    if path.is_dir() {
        if path.join(layout::SAMPLE).exists() {
            return Err(wrong(&sample));
        }
        let inside = path.join(layout::BUNDLE);
        let bundle = if inside.is_dir() { inside } else { path.to_owned() };
        let assessment = || fs::read(path.join(layout::ASSESSMENT)).map_err(|error| wrong(&error));
        return look(&Directory::open(&bundle).map_err(|error| wrong(&error))?, &assessment);
    }
    let package = Package::open(path).map_err(CommandError::input)?;
    let inside = package.folder();
    if inside.list().contains_key(layout::SAMPLE) {
        return Err(wrong(&sample));
    }
    let assessment = || inside.read(layout::ASSESSMENT, LONGEST_ASSESSMENT).map_err(|error| wrong(&error));
    look(&Folder::new(&inside, layout::BUNDLE), &assessment)
}
