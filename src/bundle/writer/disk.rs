//! Writing so that it is on the disk afterwards.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;

use super::WriteError;

/// What could not be done with which file.
pub(super) fn failed<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> WriteError + 'a {
    move |source| WriteError::Io { action, path: path.to_owned(), source }
}

/// Flushes under way at once. A disk answers many together nearly as fast as one, and a bag has hundreds of files.
const FLUSHES_AT_ONCE: usize = 16;

/// Writes a new file whole; [`sync_tree`] flushes it.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed("made", parent))?;
    }
    let mut file = File::create_new(path).map_err(failed("made", path))?;
    file.write_all(bytes).map_err(failed("written", path))
}

/// Flushes a directory with all files and directories in it.
pub(super) fn sync_tree(top: &Path) -> Result<(), WriteError> {
    let mut directories = vec![top.to_owned()];
    let mut files = Vec::new();
    let mut next = 0;
    while let Some(directory) = directories.get(next).cloned() {
        next += 1;
        for entry in fs::read_dir(&directory).map_err(failed("read", &directory))? {
            let path = entry.map_err(failed("read", &directory))?.path();
            if path.is_dir() { directories.push(path) } else { files.push(path) }
        }
    }
    at_once(&files, |path| {
        File::open(path).and_then(|file| file.sync_all()).map_err(failed("written", path))
    })?;
    at_once(&directories, sync_directory)
}

/// Flushes every path, several at a time; gives the first error.
fn at_once(
    paths: &[PathBuf],
    flush: impl Fn(&Path) -> Result<(), WriteError> + Sync,
) -> Result<(), WriteError> {
    let share = paths.len().div_ceil(FLUSHES_AT_ONCE).max(1);
    thread::scope(|scope| {
        let flushes: Vec<_> = paths
            .chunks(share)
            .map(|paths| scope.spawn(|| paths.iter().try_for_each(|path| flush(path))))
            .collect();
        flushes.into_iter().try_for_each(|flush| {
            flush.join().unwrap_or_else(|_| {
                let stopped = io::Error::other("a thread that flushes files stopped");
                Err(WriteError::Io { action: "written", path: PathBuf::new(), source: stopped })
            })
        })
    })
}

/// Flushes a directory. Directories can only be opened, and so synced, on Unix.
pub(super) fn sync_directory(directory: &Path) -> Result<(), WriteError> {
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    if cfg!(unix) {
        File::open(directory).and_then(|handle| handle.sync_all()).map_err(failed("synced", directory))?;
    }
    Ok(())
}
