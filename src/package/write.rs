//! Writing the package: the same contents give the same bytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use zip::write::{PreparedZipFile, SimpleFileOptions, ZipFileBuilder};
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::browser::{self, BrowserError};
use super::instructions::{Facts, SignerFileError, fingerprint};
use super::layout;
use crate::bundle::files::{Directory, Files, FilesError};
use crate::bundle::{self, ReadError, checksums};
use crate::canonical;
use crate::model::{Assessment, CatalogFiles, Corroboration, Sha256Digest};

/// Deflate level; part of what makes packages reproducible.
const LEVEL: i64 = 6;

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
    let bag = Directory::open(contents.bundle)?;
    let bundle = bundle::read_files(&bag)?;
    let assessment: Assessment = serde_json::from_slice(contents.assessment)?;
    if assessment.bundle.manifest_sha256 != bundle.manifest_sha256 {
        return Err(PackageError::OtherBundle {
            assessed: assessment.bundle.manifest_sha256,
            bundle: bundle.manifest_sha256,
        });
    }
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
    let mut members: BTreeMap<String, Content> = BTreeMap::from([
        (layout::ASSESSMENT.to_owned(), Content::Bytes(contents.assessment.to_vec())),
        (layout::CATALOG.to_owned(), Content::Bytes(contents.catalog.to_vec())),
        (layout::REPORT.to_owned(), Content::Bytes(contents.report.to_vec())),
        (layout::MANIFEST_SIGNATURE.to_owned(), Content::Bytes(contents.manifest_signature.to_vec())),
        (layout::SIGNER.to_owned(), Content::Bytes(contents.signer.to_vec())),
        (layout::INSTRUCTIONS.to_owned(), Content::Bytes(facts.render().into_bytes())),
    ]);
    if let Some((text, signature)) = contents.corroboration {
        members.insert(layout::CORROBORATION.to_owned(), Content::Bytes(text.to_vec()));
        members.insert(layout::CORROBORATION_SIGNATURE.to_owned(), Content::Bytes(signature.to_vec()));
    }
    if let Some(token) = contents.manifest_timestamp {
        members.insert(layout::MANIFEST_TIMESTAMP.to_owned(), Content::Bytes(token.to_vec()));
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
    let mut digests = BTreeMap::new();
    for (name, content) in &members {
        digests.insert(name.clone(), content.digest(&bag)?);
    }
    let sums = checksums::to_text(&digests).into_bytes();
    let signature = sign_sums(&sums).map_err(PackageError::Sign)?;
    members.insert(layout::SUMS.to_owned(), Content::Bytes(sums));
    members.insert(layout::SUMS_SIGNATURE.to_owned(), Content::Bytes(signature));
    write_zip(target, &layout::folder(&bundle.manifest), &bag, &members)
}

enum Content {
    Bytes(Vec<u8>),
    OfBundle(String),
    OfDisk(PathBuf),
}

impl Content {
    fn open<'a>(&'a self, bag: &'a Directory) -> Result<Box<dyn Read + 'a>, FilesError> {
        match self {
            Self::Bytes(bytes) => Ok(Box::new(&bytes[..])),
            Self::OfBundle(path) => bag.open(path),
            Self::OfDisk(path) => {
                let shown = |source| FilesError::Io { path: path.display().to_string(), source };
                Ok(Box::new(File::open(path).map_err(shown)?))
            }
        }
    }

    fn digest(&self, bag: &Directory) -> Result<Sha256Digest, FilesError> {
        let mut reader = self.open(bag)?;
        let failed = |source| FilesError::Io { path: "the package's contents".to_owned(), source };
        Ok(canonical::sha256_reader(&mut reader).map_err(failed)?.0)
    }
}

fn write_zip(
    target: &Path,
    folder: &str,
    bag: &Directory,
    members: &BTreeMap<String, Content>,
) -> Result<Summary, PackageError> {
    let io_failed = |source| PackageError::Io { path: target.to_owned(), source };
    let zip_failed = |source| PackageError::Zip { path: target.to_owned(), source };
    let parent = parent(target);
    let mut output = partial().tempfile_in(parent).map_err(io_failed)?;
    if members.len() > layout::MOST_MEMBERS {
        let most = layout::MOST_MEMBERS as u64;
        return Err(PackageError::TooLarge { what: format!("there are {} files", members.len()), most });
    }
    let mut archive = ZipWriter::new(output.as_file_mut());
    let mut total = 0_u64;
    for (name, content) in members {
        let prepared = prepare(&format!("{folder}/{name}"), content, bag, target)?;
        let size = prepared.uncompressed_size();
        total += size;
        if size > layout::LARGEST_MEMBER {
            return Err(PackageError::TooLarge {
                what: format!("{name} has {size} bytes"),
                most: layout::LARGEST_MEMBER,
            });
        }
        archive.add_prepared_file(prepared).map_err(zip_failed)?;
    }
    if total > layout::LARGEST_TOTAL {
        return Err(PackageError::TooLarge {
            what: format!("the files have {total} bytes"),
            most: layout::LARGEST_TOTAL,
        });
    }
    let placeholder = format!("{}{}", layout::COMMENT_PREFIX, "0".repeat(64));
    archive.set_raw_comment(placeholder.into_bytes().into_boxed_slice()).map_err(zip_failed)?;
    archive.finish().map_err(zip_failed)?;
    let bytes = state_digest(output.as_file_mut()).map_err(io_failed)?;
    if bytes > layout::LARGEST_ARCHIVE {
        return Err(PackageError::TooLarge {
            what: format!("the zip has {bytes} bytes"),
            most: layout::LARGEST_ARCHIVE,
        });
    }
    let sha256 = digest_of(output.as_file_mut()).map_err(io_failed)?;
    make_readable(output.as_file()).map_err(io_failed)?;
    output.as_file().sync_all().map_err(io_failed)?;
    output.persist_noclobber(target).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => PackageError::Exists(target.to_owned()),
        _ => io_failed(error.error),
    })?;
    if cfg!(unix) {
        File::open(parent).and_then(|handle| handle.sync_all()).map_err(io_failed)?;
    }
    Ok(Summary { sha256, bytes, files: members.len(), folder: folder.to_owned() })
}

/// The directory that the package goes to.
fn parent(target: &Path) -> &Path {
    target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// How what is not complete is named.
fn partial() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".proofpack-").suffix(".partial");
    builder
}

/// A folder beside the package for what is made for it; gone when the package is written or refused.
fn scratch(target: &Path) -> Result<tempfile::TempDir, PackageError> {
    partial()
        .tempdir_in(parent(target))
        .map_err(|source| PackageError::Io { path: target.to_owned(), source })
}

/// Temporary files are private to their maker; a package is to be handed on.
fn make_readable(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

/// Compresses one member. What would shrink so much that it looks like a bomb is stored instead.
fn prepare(
    name: &str,
    content: &Content,
    bag: &Directory,
    target: &Path,
) -> Result<PreparedZipFile, PackageError> {
    let deflated = compress(name, content, bag, target, CompressionMethod::Deflated)?;
    if layout::ratio_allowed(deflated.uncompressed_size(), deflated.compressed_size()) {
        return Ok(deflated);
    }
    compress(name, content, bag, target, CompressionMethod::Stored)
}

fn compress(
    name: &str,
    content: &Content,
    bag: &Directory,
    target: &Path,
    method: CompressionMethod,
) -> Result<PreparedZipFile, PackageError> {
    let level = (method == CompressionMethod::Deflated).then_some(LEVEL);
    let options = SimpleFileOptions::default()
        .compression_method(method)
        .compression_level(level)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644)
        .large_file(false);
    let failed = |source| PackageError::Zip { path: target.to_owned(), source };
    let mut builder = ZipFileBuilder::new(name, options).map_err(failed)?;
    let mut reader = BufReader::new(content.open(bag)?);
    io::copy(&mut reader, &mut builder)
        .map_err(|source| PackageError::Io { path: target.to_owned(), source })?;
    builder.finish().map_err(failed)
}

/// Writes the digest of everything before the end record into the archive comment, and gives the length.
fn state_digest(file: &mut File) -> io::Result<u64> {
    let length = file.seek(SeekFrom::End(0))?;
    let before = length.saturating_sub(22 + layout::COMMENT_LENGTH as u64);
    file.seek(SeekFrom::Start(0))?;
    let (digest, _) = canonical::sha256_reader(&mut BufReader::new(&mut *file).take(before))?;
    file.seek(SeekFrom::End(-64))?;
    file.write_all(digest.to_string().as_bytes())?;
    Ok(length)
}

fn digest_of(file: &mut File) -> io::Result<Sha256Digest> {
    file.seek(SeekFrom::Start(0))?;
    Ok(canonical::sha256_reader(file)?.0)
}
