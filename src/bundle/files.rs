//! A tree of files, read by relative path: a directory, a package's members, or bytes in memory.
//! Verification works on this, so that a bag is judged the same way wherever it lies.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::canonical;
use crate::model::Sha256Digest;
use crate::parallel;

/// Deepest nesting of directories that is looked into.
const DEEPEST: usize = 16;
/// Most files that are listed.
const MOST_FILES: usize = 500_000;

/// Why a tree of files could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The operating system said no.
    #[error("{path} cannot be read: {source}")]
    Io {
        /// Which file or directory.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Neither a file nor a directory, or under a name that is not text.
    #[error("{path} {what}; only plain files in plain directories belong here: remove it")]
    NotPlain {
        /// Which file.
        path: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// More than anything of ours would hold.
    #[error("{path} has {what}: nothing that proofpack writes does")]
    TooMuch {
        /// Where.
        path: String,
        /// Of what.
        what: String,
    },
}

impl FilesError {
    /// The file that the error is about.
    pub fn path(&self) -> &str {
        match self {
            Self::Io { path, .. } | Self::NotPlain { path, .. } | Self::TooMuch { path, .. } => path,
        }
    }
}

/// Files by relative path; paths have forward slashes on every system.
pub trait Files: Sync {
    /// Every file's path and length in bytes, in order of the paths.
    fn list(&self) -> &BTreeMap<String, u64>;

    /// Opens one file of the list.
    ///
    /// # Errors
    /// When it is not in the list or cannot be read.
    fn open(&self, path: &str) -> Result<Box<dyn Read + '_>, FilesError>;

    /// The SHA-256 of one file, where that was found out already.
    fn digest(&self, _path: &str) -> Option<Sha256Digest> {
        None
    }

    /// One file's bytes.
    ///
    /// # Errors
    /// When it cannot be read, or is longer than `most` bytes.
    fn read(&self, path: &str, most: u64) -> Result<Vec<u8>, FilesError> {
        let mut bytes = Vec::new();
        let mut limited = self.open(path)?.take(most.saturating_add(1));
        limited.read_to_end(&mut bytes).map_err(|source| FilesError::Io { path: path.to_owned(), source })?;
        if bytes.len() as u64 > most {
            return Err(FilesError::TooMuch {
                path: path.to_owned(),
                what: format!("more than {most} bytes"),
            });
        }
        Ok(bytes)
    }
}

/// The files of a directory on disk. Symbolic links are refused, never followed.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
    list: BTreeMap<String, u64>,
}

impl Directory {
    /// Lists `root` and everything below it.
    ///
    /// # Errors
    /// When something in it cannot be read, or is not a plain file or directory.
    pub fn open(root: &Path) -> Result<Self, FilesError> {
        let mut list = BTreeMap::new();
        walk(root, "", 0, &mut list)?;
        Ok(Self { root: root.to_owned(), list })
    }
}

fn walk(root: &Path, prefix: &str, depth: usize, list: &mut BTreeMap<String, u64>) -> Result<(), FilesError> {
    let shown = |name: &str| root.join(name).display().to_string();
    let failed = |source| FilesError::Io { path: shown(prefix), source };
    if depth > DEEPEST {
        let what = format!("directories nested deeper than {DEEPEST}");
        return Err(FilesError::TooMuch { path: shown(prefix), what });
    }
    for entry in fs::read_dir(root.join(prefix)).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().into_string().map_err(|name| FilesError::NotPlain {
            path: shown(&name.to_string_lossy()),
            what: "has a name that is not UTF-8",
        })?;
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            walk(root, &path, depth + 1, list)?;
        } else if kind.is_file() {
            let length = entry.metadata().map_err(failed)?.len();
            list.insert(path, length);
        } else {
            return Err(FilesError::NotPlain {
                path: shown(&path),
                what: "is a symbolic link or a special file",
            });
        }
        if list.len() > MOST_FILES {
            let what = format!("more than {MOST_FILES} files");
            return Err(FilesError::TooMuch { path: shown(""), what });
        }
    }
    Ok(())
}

impl Files for Directory {
    fn list(&self) -> &BTreeMap<String, u64> {
        &self.list
    }

    fn open(&self, path: &str) -> Result<Box<dyn Read + '_>, FilesError> {
        let failed = |source| FilesError::Io { path: self.root.join(path).display().to_string(), source };
        if !self.list.contains_key(path) {
            return Err(failed(io::ErrorKind::NotFound.into()));
        }
        Ok(Box::new(fs::File::open(self.root.join(path)).map_err(failed)?))
    }
}

/// The files below one folder of another tree, by their paths inside that folder.
#[derive(Debug)]
pub struct Folder<'a, F: ?Sized> {
    files: &'a F,
    prefix: String,
    list: BTreeMap<String, u64>,
}

impl<'a, F: Files + ?Sized> Folder<'a, F> {
    /// The folder `name` (without a slash at its end) of `files`; empty where there is no such folder.
    pub fn new(files: &'a F, name: &str) -> Self {
        let prefix = format!("{name}/");
        let inside =
            |(path, length): (&String, &u64)| Some((path.strip_prefix(&prefix)?.to_owned(), *length));
        let list = files.list().iter().filter_map(inside).collect();
        Self { files, prefix, list }
    }
}

impl<F: Files + ?Sized> Files for Folder<'_, F> {
    fn list(&self) -> &BTreeMap<String, u64> {
        &self.list
    }

    fn open(&self, path: &str) -> Result<Box<dyn Read + '_>, FilesError> {
        self.files.open(&format!("{}{path}", self.prefix))
    }

    fn digest(&self, path: &str) -> Option<Sha256Digest> {
        self.files.digest(&format!("{}{path}", self.prefix))
    }
}

/// A tree of files with the SHA-256 of each, so that nobody hashes them again.
pub struct Hashed<'a> {
    files: &'a dyn Files,
    digests: BTreeMap<String, Sha256Digest>,
    failures: BTreeMap<String, String>,
}

impl<'a> Hashed<'a> {
    /// Hashes every file, on all cores. Those that cannot be read have no digest: see [`Hashed::failures`].
    pub fn new(files: &'a dyn Files) -> Self {
        let names: Vec<&String> = files.list().keys().collect();
        let hash = |name: &&String| {
            let mut reader = files.open(name).map_err(|error| error.to_string())?;
            let (digest, _) = canonical::sha256_reader(&mut reader).map_err(|error| error.to_string())?;
            Ok(digest)
        };
        let (mut digests, mut failures) = (BTreeMap::new(), BTreeMap::new());
        for (name, result) in names.iter().zip(parallel::each(&names, hash)) {
            match result {
                Ok(digest) => drop(digests.insert((*name).clone(), digest)),
                Err(error) => drop(failures.insert((*name).clone(), error)),
            }
        }
        Self { files, digests, failures }
    }

    /// The digests, by path.
    pub fn digests(&self) -> &BTreeMap<String, Sha256Digest> {
        &self.digests
    }

    /// What could not be read, and why.
    pub fn failures(&self) -> &BTreeMap<String, String> {
        &self.failures
    }
}

impl Files for Hashed<'_> {
    fn list(&self) -> &BTreeMap<String, u64> {
        self.files.list()
    }

    fn open(&self, path: &str) -> Result<Box<dyn Read + '_>, FilesError> {
        self.files.open(path)
    }

    fn digest(&self, path: &str) -> Option<Sha256Digest> {
        self.digests.get(path).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_and_a_folder_of_it_give_the_same_bytes() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("bundle/data")).unwrap();
        fs::write(home.path().join("bundle/data/a"), "abc").unwrap();
        fs::write(home.path().join("b"), "").unwrap();
        let directory = Directory::open(home.path()).unwrap();
        let listed: Vec<_> = directory.list().iter().map(|(path, length)| (path.as_str(), *length)).collect();
        assert_eq!(listed, [("b", 0), ("bundle/data/a", 3)]);
        let folder = Folder::new(&directory, "bundle");
        assert_eq!(folder.list().keys().collect::<Vec<_>>(), ["data/a"]);
        assert_eq!(folder.read("data/a", 3).unwrap(), b"abc");
        assert!(matches!(folder.read("data/a", 2), Err(FilesError::TooMuch { .. })));
        assert!(folder.read("../b", 9).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_is_refused_not_followed() {
        let home = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/hostname", home.path().join("link")).unwrap();
        assert!(matches!(Directory::open(home.path()), Err(FilesError::NotPlain { .. })));
    }
}
