//! Writing so that it is on the disk afterwards.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::WriteError;

/// What could not be done with which file.
pub(super) fn failed<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> WriteError + 'a {
    move |source| WriteError::Io { action, path: path.to_owned(), source }
}

/// Writes a new file whole, and flushes it.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed("made", parent))?;
    }
    let mut file = File::create_new(path).map_err(failed("made", path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed("written", path))
}

/// Flushes a directory and those in it.
pub(super) fn sync_directories(directory: &Path) -> Result<(), WriteError> {
    for entry in fs::read_dir(directory).map_err(failed("read", directory))? {
        let path = entry.map_err(failed("read", directory))?.path();
        if path.is_dir() {
            sync_directories(&path)?;
        }
    }
    sync_directory(directory)
}

/// Flushes a directory. Directories can only be opened, and so synced, on Unix.
pub(super) fn sync_directory(directory: &Path) -> Result<(), WriteError> {
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    if cfg!(unix) {
        File::open(directory).and_then(|handle| handle.sync_all()).map_err(failed("synced", directory))?;
    }
    Ok(())
}
