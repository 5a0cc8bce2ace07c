//! A directory as archive: written to a temporary name, flushed, and put in place only if nothing is there. Nothing locks it:
//! whoever may write there can take things away.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use super::{ArchiveError, INDEX, LONGEST_ENTRY, Parcel, Stored, hash, require_plain};

/// A directory that packages are kept in.
#[derive(Debug, Clone)]
pub struct DirectoryArchive {
    root: PathBuf,
}

impl DirectoryArchive {
    /// The archive in the directory `root`, which is made when something is first stored.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn preflight(&self) -> Vec<String> {
        let shown = self.root.display();
        if self.root.exists() && !self.root.is_dir() {
            return vec![format!("{shown} is a file: name a directory")];
        }
        Vec::new()
    }

    pub(super) fn put(&self, parcel: &Parcel<'_>) -> Result<Stored, ArchiveError> {
        let open = || File::open(parcel.file);
        let mut source = open()
            .map_err(|source| ArchiveError::Package { path: parcel.file.display().to_string(), source })?;
        self.put_from(parcel.name, &mut source)?;
        let stored = self.require(parcel.name)?;
        if stored.checksum.as_deref() == Some(&parcel.sha256.to_string()) {
            return Ok(stored);
        }
        Err(ArchiveError::Exists { location: stored.location })
    }

    pub(super) fn put_small(&self, name: &str, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.put_from(name, &mut &*bytes)?;
        if self.read(name)? == bytes {
            return Ok(());
        }
        Err(ArchiveError::Exists { location: self.path(name)?.display().to_string() })
    }

    /// Stores what `source` gives, unless something is there already.
    fn put_from(&self, name: &str, source: &mut dyn Read) -> Result<(), ArchiveError> {
        let target = self.path(name)?;
        let failed =
            |source: io::Error| ArchiveError::File { location: target.display().to_string(), source };
        if target.try_exists().map_err(failed)? {
            return Ok(());
        }
        let folder = target.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).map_err(failed)?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        io::copy(source, &mut file).map_err(failed)?;
        file.flush().map_err(failed)?;
        make_read_only(file.as_file()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        // `persist_noclobber` is the conditional create: it fails where the name is taken.
        match file.persist_noclobber(&target) {
            Ok(_) => sync_folder(folder).map_err(failed),
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(failed(error.error)),
        }
    }

    pub(super) fn list(&self) -> Result<Vec<String>, ArchiveError> {
        let mut names = names_in(&self.root, "")?;
        names.extend(names_in(&self.root.join(INDEX), INDEX)?);
        names.sort_unstable();
        Ok(names)
    }

    pub(super) fn stat(&self, name: &str) -> Result<Option<Stored>, ArchiveError> {
        let path = self.path(name)?;
        match hash(&path) {
            Ok((sha256, bytes)) => Ok(Some(Stored {
                location: path.display().to_string(),
                bytes,
                checksum: Some(sha256.to_string()),
                ..Stored::default()
            })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ArchiveError::File { location: path.display().to_string(), source }),
        }
    }

    fn require(&self, name: &str) -> Result<Stored, ArchiveError> {
        let location = self.path(name)?.display().to_string();
        self.stat(name)?.ok_or(ArchiveError::Missing { location })
    }

    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>, ArchiveError> {
        let path = self.path(name)?;
        let failed = |source: io::Error| file_error(&path, source);
        let mut bytes = Vec::new();
        let file = File::open(&path).map_err(failed)?;
        file.take(LONGEST_ENTRY).read_to_end(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }

    pub(super) fn copy(&self, name: &str, to: &mut File) -> Result<(), ArchiveError> {
        let path = self.path(name)?;
        let mut from = File::open(&path).map_err(|source| file_error(&path, source))?;
        io::copy(&mut from, to).map_err(|source| file_error(&path, source))?;
        Ok(())
    }

    pub(super) fn is_checksum_of(&self, stored: &Stored, file: &Path) -> Result<bool, ArchiveError> {
        let (sha256, bytes) = hash(file).map_err(|source| file_error(file, source))?;
        Ok(stored.checksum.as_deref() == Some(&sha256.to_string()) && stored.bytes == bytes)
    }

    fn path(&self, name: &str) -> Result<PathBuf, ArchiveError> {
        require_plain(name)?;
        Ok(self.root.join(name))
    }
}

fn file_error(path: &Path, source: io::Error) -> ArchiveError {
    let location = path.display().to_string();
    match source.kind() {
        ErrorKind::NotFound => ArchiveError::Missing { location },
        _ => ArchiveError::File { location, source },
    }
}

/// The names of the files in a folder that could be ours; none where there is no such folder.
fn names_in(folder: &Path, prefix: &str) -> Result<Vec<String>, ArchiveError> {
    let failed = |source| ArchiveError::File { location: folder.display().to_string(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if entry.file_type().map_err(failed)?.is_file() && require_plain(&name).is_ok() {
            names.push(format!("{prefix}{name}"));
        }
    }
    Ok(names)
}

/// Everybody may read what is archived (temporary files are their owner's alone), and nobody writes it.
#[cfg(unix)]
fn make_read_only(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o444))
}

#[cfg(not(unix))]
fn make_read_only(_: &File) -> io::Result<()> {
    Ok(())
}

/// After a power failure the name is there too.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
