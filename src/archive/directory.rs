//! A directory as archive: written to a temporary name, flushed, and put in place only if nothing is there.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use chrono::{DateTime, Utc};

use super::{ArchiveError, Receipt};
use crate::canonical;

/// Stores `package` as `name` in `directory`, which is made where it does not exist.
///
/// # Errors
/// When the name is taken, or the file system refuses.
pub fn put_directory(
    directory: &Path,
    name: &str,
    package: &[u8],
    now: DateTime<Utc>,
) -> Result<Receipt, ArchiveError> {
    let target = directory.join(name);
    let location = target.display().to_string();
    let failed = |source: std::io::Error| match source.kind() {
        ErrorKind::AlreadyExists => ArchiveError::Exists { location: location.clone() },
        _ => ArchiveError::File { location: location.clone(), source },
    };
    fs::create_dir_all(directory).map_err(failed)?;
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    file.write_all(package).map_err(failed)?;
    make_read_only(file.as_file()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    // `persist_noclobber` is the conditional create: it fails where the name is taken.
    file.persist_noclobber(&target).map_err(|error| failed(error.error))?;
    Ok(Receipt {
        version: Receipt::VERSION,
        package: name.to_owned(),
        sha256: canonical::sha256(package),
        bytes: package.len() as u64,
        location,
        stored_at: now,
        version_id: None,
        request_id: None,
        lock_mode: None,
        retain_until: None,
    })
}

/// Everybody may read what is archived (temporary files are their owner's alone), and nobody writes it.
#[cfg(unix)]
fn make_read_only(file: &fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o444))
}

#[cfg(not(unix))]
fn make_read_only(_: &fs::File) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_archived_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let now = "2026-10-01T00:00:00Z".parse().unwrap();
        let receipt = put_directory(&folder.path().join("a/b"), "p.zip", b"one", now).unwrap();
        assert_eq!((receipt.bytes, receipt.sha256), (3, canonical::sha256(b"one")));
        let again = put_directory(&folder.path().join("a/b"), "p.zip", b"two", now);
        assert!(matches!(again, Err(ArchiveError::Exists { .. })));
        assert_eq!(fs::read(folder.path().join("a/b/p.zip")).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path().join("a/b")).unwrap().count(), 1);
    }
}
