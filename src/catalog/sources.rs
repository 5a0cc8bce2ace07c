//! The files that a catalog is made of: those compiled into the program, and folders of the user's own over them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use super::{access, gap_reasons};
use crate::model::CatalogFiles;

static COLLECTORS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/catalog/collectors");
static CHECKS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/catalog/checks");
static FRAMEWORKS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/catalog/frameworks");
static EXCERPTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/catalog/excerpts");

/// What is taken out of answers, in one file: its order counts, and its parts refer to one another.
const REDACTIONS: &str = include_str!("redactions.toml");

/// Folders whose files are one thing each; a file's stem is the id of what it holds.
const FOLDERS: [(&str, &Dir<'static>); 4] =
    [("collectors", &COLLECTORS), ("checks", &CHECKS), ("frameworks", &FRAMEWORKS), ("excerpts", &EXCERPTS)];
/// Files beside them.
const FILES: [(&str, &str); 6] = [
    ("access.toml", access::TEXT),
    ("equivalents.toml", include_str!("equivalents.toml")),
    ("gap-reasons.toml", gap_reasons::TEXT),
    ("left-out.toml", include_str!("left-out.toml")),
    ("redactions.toml", REDACTIONS),
    ("targets.toml", include_str!("targets.toml")),
];
/// Largest file of a folder of one's own, in bytes: ten times the largest that is compiled in.
const LARGEST: u64 = 1 << 20;

/// What a file of the user's own may do to one of the same name that is compiled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameName {
    /// Take its place: for those who work on the catalog.
    Replaces,
    /// Nothing: a run's result must not depend on a check that quietly became another one.
    IsRefused,
}

/// The files of a catalog, by their path in it: `checks/s3-bucket-versioning.toml`.
#[derive(Debug, Clone)]
pub struct Sources {
    files: BTreeMap<String, Cow<'static, [u8]>>,
    own: BTreeSet<String>,
}

/// Why a folder was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SourcesError {
    /// It could not be read.
    #[error("cannot read {}: {cause}", path.display())]
    Unreadable {
        /// What.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// Nothing in it is a part of a catalog.
    #[error(
        "{} holds nothing of a catalog: checks, frameworks, excerpts and collectors stand in folders of these names",
        .0.display()
    )]
    Nothing(PathBuf),
    /// A file that is too large to be data of a catalog.
    #[error("{} is larger than {LARGEST} bytes, which no file of a catalog is", .0.display())]
    TooLarge(PathBuf),
    /// A name that is taken.
    #[error(
        "{} has the name of a file that is compiled in, and would change what it means: give yours another id",
        .0.display()
    )]
    Taken(PathBuf),
}

impl Sources {
    /// The files that are compiled in.
    pub fn embedded() -> Self {
        let of_folder = |(name, folder): (&str, &'static Dir<'static>)| -> Vec<_> {
            let files = folder.files().filter(|file| is_toml(file.path()));
            files
                .map(|file| (format!("{name}/{}", file.path().display()), Cow::Borrowed(file.contents())))
                .collect()
        };
        let beside = FILES.map(|(name, text)| (name.to_owned(), Cow::Borrowed(text.as_bytes())));
        let files = FOLDERS.into_iter().flat_map(of_folder).chain(beside).collect();
        Self { files, own: BTreeSet::new() }
    }

    /// The files of a catalog that was stored, and no others.
    pub fn stored(files: CatalogFiles) -> Self {
        let own = files.files.keys().cloned().collect();
        let files =
            files.files.into_iter().map(|(path, text)| (path, Cow::Owned(text.into_bytes()))).collect();
        Self { files, own }
    }

    /// The files as one document. (Those of a catalog that was loaded are text.)
    pub fn to_stored(&self) -> CatalogFiles {
        let files =
            self.files().map(|(path, bytes)| (path.to_owned(), String::from_utf8_lossy(bytes).into_owned()));
        CatalogFiles { version: CatalogFiles::VERSION, files: files.collect() }
    }

    /// Adds the files of a folder that is laid out as the catalog is.
    ///
    /// # Errors
    /// When it cannot be read, holds nothing of a catalog, or uses a name that it must not.
    pub fn with_folder(mut self, folder: &Path, same_name: SameName) -> Result<Self, SourcesError> {
        let mut found = Vec::new();
        for (name, _) in FOLDERS {
            let inside = folder.join(name);
            if !inside.exists() {
                continue;
            }
            let unreadable = |cause| SourcesError::Unreadable { path: inside.clone(), cause };
            for entry in fs::read_dir(&inside).map_err(unreadable)? {
                let path = entry.map_err(unreadable)?.path();
                if let (true, Some(file)) = (is_toml(&path), path.file_name().and_then(|file| file.to_str()))
                {
                    found.push((format!("{name}/{file}"), path));
                }
            }
        }
        let beside = FILES.map(|(name, _)| (name.to_owned(), folder.join(name)));
        found.extend(beside.into_iter().filter(|(_, path)| path.is_file()));
        if found.is_empty() {
            return Err(SourcesError::Nothing(folder.to_owned()));
        }
        for (name, path) in found {
            let bytes = read(&path)?;
            match self.files.get(&name) {
                Some(present) if **present == *bytes => continue,
                Some(_) if same_name == SameName::IsRefused => return Err(SourcesError::Taken(path)),
                _ => (),
            }
            self.own.insert(name.clone());
            self.files.insert(name, Cow::Owned(bytes));
        }
        Ok(self)
    }

    /// Paths of the files that are not those compiled in, sorted.
    pub fn own(&self) -> impl Iterator<Item = &str> {
        self.own.iter().map(String::as_str)
    }

    /// How many files there are.
    pub fn count(&self) -> usize {
        self.files.len()
    }

    /// All files in the order of their paths.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(path, bytes)| (path.as_str(), &**bytes))
    }

    /// The files of one folder: stem and content.
    pub(super) fn of_folder<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        self.files().filter_map(move |(path, bytes)| {
            let stem = path.strip_prefix(folder)?.strip_prefix('/')?.strip_suffix(".toml")?;
            Some((stem, bytes))
        })
    }

    /// A file's text; `None` where there is none, or it is not UTF-8.
    pub fn text(&self, path: &str) -> Option<&str> {
        std::str::from_utf8(self.files.get(path)?).ok()
    }

    /// One file beside the folders.
    pub(super) fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(|bytes| &**bytes)
    }
}

fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml")
}

fn read(path: &Path) -> Result<Vec<u8>, SourcesError> {
    let unreadable = |cause| SourcesError::Unreadable { path: path.to_owned(), cause };
    if fs::metadata(path).map_err(unreadable)?.len() > LARGEST {
        return Err(SourcesError::TooLarge(path.to_owned()));
    }
    fs::read(path).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(path: &str, text: &[u8]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        folder
    }

    #[test]
    fn what_is_compiled_in_has_all_folders() {
        let sources = Sources::embedded();
        for (folder, _) in FOLDERS {
            assert!(sources.of_folder(folder).next().is_some(), "{folder}");
        }
        assert_eq!(sources.own().count(), 0);
    }

    #[test]
    fn a_new_file_is_added_and_a_known_name_is_refused_unless_it_may_replace() {
        let added = folder_with("checks/own.toml", b"id = 'own'");
        let sources = Sources::embedded().with_folder(added.path(), SameName::IsRefused).unwrap();
        assert_eq!(sources.own().collect::<Vec<_>>(), ["checks/own.toml"]);

        let name = Sources::embedded().of_folder("checks").next().unwrap().0.to_owned();
        let taken = folder_with(&format!("checks/{name}.toml"), b"id = 'other'");
        let refused = Sources::embedded().with_folder(taken.path(), SameName::IsRefused);
        assert!(matches!(refused, Err(SourcesError::Taken(_))));
        let replaced = Sources::embedded().with_folder(taken.path(), SameName::Replaces).unwrap();
        assert_eq!(replaced.of_folder("checks").find(|(stem, _)| *stem == name).unwrap().1, b"id = 'other'");
    }

    #[test]
    fn an_unchanged_copy_is_no_replacement() {
        let sources = Sources::embedded();
        let (name, bytes) = sources.of_folder("checks").next().unwrap();
        let copy = folder_with(&format!("checks/{name}.toml"), bytes);
        let with_copy = Sources::embedded().with_folder(copy.path(), SameName::IsRefused).unwrap();
        assert_eq!(with_copy.own().count(), 0);
    }

    #[test]
    fn a_folder_without_a_catalog_is_refused() {
        let folder = folder_with("notes.toml", b"");
        let refused = Sources::embedded().with_folder(folder.path(), SameName::Replaces);
        assert!(matches!(refused, Err(SourcesError::Nothing(_))));
    }
}
