//! The archive: where packages are kept for years. Never overwrites, never shortens a retention, never deletes.
//!
//! Two kinds with one behaviour: a directory, and S3 with Object Lock. Beside the packages lies an index object for each
//! (`index/<package>.json`), so that what is there can be told without reading it; each put leaves a [`Receipt`].

mod directory;
mod entry;
mod error;
mod receipt;
mod s3;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

pub use directory::DirectoryArchive;
pub use entry::IndexEntry;
pub use error::ArchiveError;
pub use receipt::Receipt;
pub use s3::{LockMode, S3Archive};

use crate::canonical;
use crate::model::Sha256Digest;

/// Longest index object, in bytes.
const LONGEST_ENTRY: u64 = 1024 * 1024;
/// Folder of the index objects.
const INDEX: &str = "index/";

/// Where packages are kept.
#[derive(Debug)]
pub enum Archive {
    /// A directory.
    Directory(DirectoryArchive),
    /// A bucket, or a prefix in one.
    S3(Box<S3Archive>),
}

/// How an object is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keep {
    /// How firmly it is locked; `None` where nothing locks (a directory).
    pub lock: Option<LockMode>,
    /// Until when.
    pub retain_until: Option<DateTime<Utc>>,
    /// Whether it is kept beyond that, until somebody lifts the hold.
    pub legal_hold: bool,
    /// KMS key; the bucket's default encryption where not given.
    pub kms_key: Option<String>,
    /// Tags, in order.
    pub tags: Vec<(String, String)>,
}

/// An object as the archive tells of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// Where it is: `s3://bucket/key`, or a path.
    pub location: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its checksum, as the archive has it: in S3 the Base64 of its SHA-256, or of that of the digests of its parts, with
    /// their number; in a directory the SHA-256 of what is there.
    pub checksum: Option<String>,
    /// S3's version id.
    pub version_id: Option<String>,
    /// S3's request id.
    pub request_id: Option<String>,
    /// Object Lock mode.
    pub lock_mode: Option<String>,
    /// Until when Object Lock keeps it.
    pub retain_until: Option<DateTime<Utc>>,
    /// Whether a legal hold is on it.
    pub legal_hold: bool,
    /// The KMS key that it is encrypted with.
    pub kms_key: Option<String>,
}

/// Bytes to be kept, hashed before anything is sent.
#[derive(Debug)]
pub struct Parcel<'a> {
    /// Its name in the archive.
    pub name: &'a str,
    /// Where the bytes are.
    pub file: &'a Path,
    /// SHA-256 of all of it.
    pub sha256: Sha256Digest,
    /// Its length in bytes.
    pub bytes: u64,
}

impl<'a> Parcel<'a> {
    /// The file as what is to be kept under `name`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(file: &'a Path, name: &'a str) -> Result<Self, ArchiveError> {
        let (sha256, bytes) = hash(file)
            .map_err(|source| ArchiveError::Package { path: file.display().to_string(), source })?;
        Ok(Self { name, file, sha256, bytes })
    }
}

/// SHA-256 and length of a file.
fn hash(path: &Path) -> io::Result<(Sha256Digest, u64)> {
    let mut file = File::open(path)?;
    let (mut hasher, mut bytes) = (Sha256::new(), 0);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((Sha256Digest::from_bytes(hasher.finalize().into()), bytes)),
            read => {
                hasher.update(buffer.get(..read).unwrap_or_default());
                bytes += read as u64;
            }
        }
    }
}

impl Archive {
    /// Where it is, for people.
    pub fn location(&self) -> String {
        match self {
            Self::Directory(directory) => directory.root().display().to_string(),
            Self::S3(s3) => s3.location(""),
        }
    }

    /// Everything about the destination that is not as an archive has to be, each with what to do about it. Nothing is
    /// written.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn preflight(&self) -> Result<Vec<String>, ArchiveError> {
        match self {
            Self::Directory(directory) => Ok(directory.preflight()),
            Self::S3(s3) => s3.preflight().await,
        }
    }

    /// Stores a package and its index object, and reads back what is stored. What is there already with the same bytes is
    /// left as it is, so that an interrupted run can be made again.
    ///
    /// # Errors
    /// When something else is there under the name, the archive refuses, or what it tells afterwards is not what was asked for.
    pub async fn put(
        &self,
        parcel: &Parcel<'_>,
        keep: &Keep,
        entry: &IndexEntry,
    ) -> Result<Stored, ArchiveError> {
        let stored = match self {
            Self::Directory(directory) => directory.put(parcel)?,
            Self::S3(s3) => s3.put(parcel, keep).await?,
        };
        let (name, text) = (entry.name(), canonical::to_file_bytes(entry)?);
        match self {
            Self::Directory(directory) => directory.put_small(&name, &text)?,
            Self::S3(s3) => s3.put_small(&name, &text, keep).await?,
        }
        Ok(stored)
    }

    /// The index, in order of periods; and the packages of which there is no index object, by name.
    ///
    /// # Errors
    /// When it cannot be listed, or an index object cannot be had.
    pub async fn list(&self) -> Result<(Vec<IndexEntry>, Vec<String>), ArchiveError> {
        let names = match self {
            Self::Directory(directory) => directory.list()?,
            Self::S3(s3) => s3.list().await?,
        };
        let mut entries = Vec::new();
        let is_entry = |name: &&String| name.starts_with(INDEX) && name.ends_with(".zip.json");
        for name in names.iter().filter(is_entry) {
            let bytes = self.read(name).await?;
            // One that cannot be read is as good as none: its package is told as one without.
            entries.extend(IndexEntry::read(name, &bytes));
        }
        entries.sort_by_key(|entry| (entry.scope.period.start, entry.sealed_at, entry.package.clone()));
        let without = |name: &&String| name.ends_with(".zip") && !entries.iter().any(|e| e.package == **name);
        let others = names.iter().filter(without).cloned().collect();
        Ok((entries, others))
    }

    /// What the index says of a package; `None` where it has no entry that can be read.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn entry(&self, package: &str) -> Result<Option<IndexEntry>, ArchiveError> {
        let name = IndexEntry::name_of(package);
        match self.read(&name).await {
            Ok(bytes) => Ok(IndexEntry::read(&name, &bytes).ok()),
            Err(ArchiveError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A small object.
    async fn read(&self, name: &str) -> Result<Vec<u8>, ArchiveError> {
        match self {
            Self::Directory(directory) => directory.read(name),
            Self::S3(s3) => s3.read(name).await,
        }
    }

    /// What the archive tells of an object; `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn stat(&self, name: &str) -> Result<Option<Stored>, ArchiveError> {
        match self {
            Self::Directory(directory) => directory.stat(name),
            Self::S3(s3) => s3.stat(name, None).await,
        }
    }

    /// Copies an object to `to`, which must not exist, and hashes what came.
    ///
    /// # Errors
    /// When there is no such object, it cannot be read, or the file cannot be written: then nothing is left behind.
    pub async fn fetch(&self, name: &str, to: &Path) -> Result<Sha256Digest, ArchiveError> {
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let failed = |source| ArchiveError::File { location: to.display().to_string(), source };
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        match self {
            Self::Directory(directory) => directory.copy(name, file.as_file_mut())?,
            Self::S3(s3) => s3.copy(name, file.as_file_mut()).await?,
        }
        file.as_file().sync_all().map_err(failed)?;
        let (sha256, _) = hash(file.path()).map_err(failed)?;
        file.persist_noclobber(to).map_err(|error| failed(error.error))?;
        Ok(sha256)
    }

    /// Whether what is stored is what was sent, by what the archive tells of it.
    pub fn is_checksum_of(&self, stored: &Stored, file: &Path) -> Result<bool, ArchiveError> {
        match self {
            Self::Directory(directory) => directory.is_checksum_of(stored, file),
            Self::S3(s3) => s3.is_checksum_of(stored, file),
        }
    }
}

/// A name of ours in the archive: no way out of it.
///
/// # Errors
/// When it is none.
pub fn require_plain(name: &str) -> Result<(), ArchiveError> {
    let own = name.strip_prefix(INDEX).unwrap_or(name);
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    if own.is_empty() || own.starts_with('.') || !own.chars().all(plain) {
        return Err(ArchiveError::Name(name.to_owned()));
    }
    Ok(())
}
