//! Writing the package: the same contents give the same bytes.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::browser::{self, BrowserError};
use super::instructions::{Facts, SignerFileError, fingerprint};
use super::layout;
use super::sample::SampleError;
use super::zipping::{Content, scratch, write_zip};
use crate::bundle::files::{Directory, Files, FilesError, Hashed};
use crate::bundle::{self, ReadError, checksums};
use crate::canonical::CanonicalError;
use crate::model::{Assessment, CatalogFiles, Corroboration, Sha256Digest};
use crate::parallel;

/// What goes into a package, besides what follows from it.
#[derive(Debug, Clone, Copy)]
pub struct Contents<'a> {
    /// The sealed bundle's directory.
    pub bundle: &'a Path,
    /// `assessment.json`.
    pub assessment: &'a [u8],
    /// `catalog.json`: the catalog that the assessment was made with.
    pub catalog: &'a [u8],
    /// The signed report.
    pub report: &'a [u8],
    /// Detached CMS over the bundle's `data/manifest.json` (DER).
    pub manifest_signature: &'a [u8],
    /// The signer's certificate chain, leaf first (PEM).
    pub signer: &'a [u8],
    /// `corroboration.json` and the detached CMS over it (DER), where there is one.
    pub corroboration: Option<(&'a [u8], &'a [u8])>,
    /// The timestamp over `data/manifest.json` (RFC 3161 token, DER), where there is one.
    pub manifest_timestamp: Option<&'a [u8]>,
}

/// Signs the bytes of `SHA256SUMS`: a detached CMS in DER.
pub type SignSums<'a> = dyn FnMut(&[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> + 'a;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// SHA-256 of the zip.
    pub sha256: Sha256Digest,
    /// Length of the zip in bytes.
    pub bytes: u64,
    /// Number of files in it.
    pub files: usize,
    /// The folder that they lie in.
    pub folder: String,
}

/// Why a package was not written.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The bundle is not as it was sealed.
    #[error("the bundle cannot be packaged: {0}")]
    Bundle(#[from] ReadError),
    /// A file of the bundle could not be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The assessment cannot be read.
    #[error("the assessment is not an assessment.json as proofpack writes it ({0}): assess the bundle again")]
    Assessment(#[from] serde_json::Error),
    /// The assessment is of another bundle.
    #[error(
        "the assessment is of the bundle with the manifest {assessed}, this bundle's manifest is {bundle}: assess this bundle"
    )]
    OtherBundle {
        /// Manifest digest in the assessment.
        assessed: Sha256Digest,
        /// Manifest digest of the bundle.
        bundle: Sha256Digest,
    },
    /// The catalog cannot be read, or is not the one that the assessment was made with.
    #[error(
        "catalog.json is not the catalog that the assessment was made with ({0}): assess the bundle again"
    )]
    Catalog(String),
    /// The corroboration cannot be read.
    #[error(
        "the corroboration is not a corroboration.json as proofpack writes it ({0}): corroborate the bundle again, or remove the file"
    )]
    Corroboration(serde_json::Error),
    /// The corroboration is of another bundle.
    #[error(
        "the corroboration is of the bundle with the manifest {corroborated}, this bundle's manifest is {bundle}: corroborate this bundle, or remove corroboration.json"
    )]
    OtherBundleCorroborated {
        /// Manifest digest in the corroboration.
        corroborated: Sha256Digest,
        /// Manifest digest of the bundle.
        bundle: Sha256Digest,
    },
    /// The evidence browser could not be made.
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// There is no such sample.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// The certificate chain cannot be read.
    #[error(transparent)]
    Signer(#[from] SignerFileError),
    /// Signing the list of checksums failed.
    #[error("SHA256SUMS could not be signed: {0}")]
    Sign(Box<dyn std::error::Error + Send + Sync>),
    /// There is something under the package's name.
    #[error("{0} exists already; a package is never overwritten: choose another name")]
    Exists(PathBuf),
    /// A package cannot hold this much.
    #[error("{what}, a package can have {most}: collect fewer accounts or regions into one bundle")]
    TooLarge {
        /// What is too large.
        what: String,
        /// The limit.
        most: u64,
    },
    /// What is to be written has no form as JSON.
    #[error("the sample cannot be written: {0}")]
    Canonical(#[from] CanonicalError),
    /// The disk refused something.
    #[error("{path} cannot be written: {source}")]
    Io {
        /// The package.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The zip library refused something.
    #[error("{path} cannot be written: {source}")]
    Zip {
        /// The package.
        path: PathBuf,
        /// What the library said.
        source: zip::result::ZipError,
    },
}

/// Writes the package to `target`. Until it is complete nothing stands under that name.
///
/// # Errors
/// When the bundle, the assessment or the certificate is unsound, signing fails, `target` exists or cannot be written.
pub fn write(
    target: &Path,
    contents: &Contents<'_>,
    sign_sums: &mut SignSums<'_>,
) -> Result<Summary, PackageError> {
    if target.symlink_metadata().is_ok() {
        return Err(PackageError::Exists(target.to_owned()));
    }
    let directory = Directory::open(contents.bundle)?;
    let bag = Hashed::new(&directory);
    let bundle = bundle::check_files(&bag)?;
    let assessment = assessment_of(bundle.manifest_sha256, contents.assessment)?;
    let catalog: CatalogFiles =
        serde_json::from_slice(contents.catalog).map_err(|error| PackageError::Catalog(error.to_string()))?;
    let digest = catalog.digest().map_err(|error| PackageError::Catalog(error.to_string()))?;
    if digest != assessment.catalog_sha256 {
        return Err(PackageError::Catalog(format!(
            "its digest is {digest}, not {}",
            assessment.catalog_sha256
        )));
    }
    drop(catalog);
    let corroboration: Option<Corroboration> = contents
        .corroboration
        .map(|(text, _)| serde_json::from_slice(text))
        .transpose()
        .map_err(PackageError::Corroboration)?;
    if let Some(other) = corroboration.as_ref().filter(|one| one.manifest_sha256 != bundle.manifest_sha256) {
        return Err(PackageError::OtherBundleCorroborated {
            corroborated: other.manifest_sha256,
            bundle: bundle.manifest_sha256,
        });
    }
    let facts = Facts {
        manifest: &bundle.manifest,
        manifest_sha256: bundle.manifest_sha256,
        assessment: &assessment,
        corroboration: corroboration.as_ref(),
        is_stamped: contents.manifest_timestamp.is_some(),
        signer_sha256: fingerprint(contents.signer)?,
    };
    let mut members: BTreeMap<String, Content<'_>> = BTreeMap::from([
        (layout::ASSESSMENT.to_owned(), Content::Bytes(contents.assessment.into())),
        (layout::CATALOG.to_owned(), Content::Bytes(contents.catalog.into())),
        (layout::REPORT.to_owned(), Content::Bytes(contents.report.into())),
        (layout::MANIFEST_SIGNATURE.to_owned(), Content::Bytes(contents.manifest_signature.into())),
        (layout::SIGNER.to_owned(), Content::Bytes(contents.signer.into())),
        (layout::INSTRUCTIONS.to_owned(), Content::made(facts.render().into_bytes())),
    ]);
    if let Some((text, signature)) = contents.corroboration {
        members.insert(layout::CORROBORATION.to_owned(), Content::Bytes(text.into()));
        members.insert(layout::CORROBORATION_SIGNATURE.to_owned(), Content::Bytes(signature.into()));
    }
    if let Some(token) = contents.manifest_timestamp {
        members.insert(layout::MANIFEST_TIMESTAMP.to_owned(), Content::Bytes(token.into()));
    }
    for path in bag.list().keys() {
        members.insert(format!("{}/{path}", layout::BUNDLE), Content::OfBundle(path.clone()));
    }
    // Its files are as large as the records, so they wait on the disk that the package goes to.
    let scratch = scratch(target)?;
    browser::make(&bag, &bundle.manifest, &assessment, &mut |name, bytes| {
        let path = scratch.path().join(members.len().to_string());
        std::fs::write(&path, bytes)?;
        members.insert(name.to_owned(), Content::OfDisk(path));
        Ok(())
    })?;
    let sums = sums(&members, &bag)?;
    let signature = sign_sums(&sums).map_err(PackageError::Sign)?;
    members.insert(layout::SUMS.to_owned(), Content::made(sums));
    members.insert(layout::SUMS_SIGNATURE.to_owned(), Content::made(signature));
    write_zip(target, &layout::folder(&bundle.manifest), &bag, &members)
}

/// The assessment, if it is one of the bundle with this manifest.
pub(super) fn assessment_of(manifest_sha256: Sha256Digest, text: &[u8]) -> Result<Assessment, PackageError> {
    let assessment: Assessment = serde_json::from_slice(text)?;
    if assessment.bundle.manifest_sha256 != manifest_sha256 {
        return Err(PackageError::OtherBundle {
            assessed: assessment.bundle.manifest_sha256,
            bundle: manifest_sha256,
        });
    }
    Ok(assessment)
}

/// The list of the members' checksums.
pub(super) fn sums(
    members: &BTreeMap<String, Content<'_>>,
    bag: &dyn Files,
) -> Result<Vec<u8>, PackageError> {
    let members: Vec<(&String, &Content)> = members.iter().collect();
    let hashed = parallel::each(&members, |(name, content)| Ok(((*name).clone(), content.digest(bag)?)));
    let digests: BTreeMap<_, _> = hashed.into_iter().collect::<Result<_, FilesError>>()?;
    Ok(checksums::to_text(&digests).into_bytes())
}
