//! Reading a sealed bundle: strictly, or not at all.

use std::path::Path;

use super::files::{Directory, Files, FilesError};
use super::{Bundle, Sealed, examine};
use crate::model::Problem;

/// Why a bundle was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Its files could not be listed or read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// It is not as it was sealed.
    #[error(
        "this is not a sealed bundle, or it was altered since: {} problem(s)\n{}",
        problems.len(),
        problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
    )]
    Unsound {
        /// Everything that is wrong with it.
        problems: Vec<Problem>,
    },
}

/// Reads the bundle in the directory `bag`, with every digest, count and root checked.
///
/// # Errors
/// When anything about it is not exactly as sealing leaves it; lists all of it.
pub fn read(bag: &Path) -> Result<Bundle, ReadError> {
    read_files(&Directory::open(bag)?)
}

/// As [`read`], of a bundle that lies elsewhere.
///
/// # Errors
/// As [`read`].
pub fn read_files(files: &dyn Files) -> Result<Bundle, ReadError> {
    examine(files).into_bundle().map_err(|problems| ReadError::Unsound { problems })
}

/// Checks a bundle as [`read_files`] does, and keeps none of its records.
///
/// # Errors
/// As [`read`].
pub fn check_files(files: &dyn Files) -> Result<Sealed, ReadError> {
    let checked = examine::check(files);
    let (Some(manifest), Some(manifest_sha256), true) =
        (checked.manifest, checked.manifest_sha256, checked.problems.is_empty())
    else {
        return Err(ReadError::Unsound { problems: checked.problems.into_list() });
    };
    Ok(Sealed { manifest, manifest_sha256 })
}
