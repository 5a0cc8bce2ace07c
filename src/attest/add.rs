//! Adding an attestation to the folder.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use sha2::{Digest, Sha256};

use super::entry::{Entry, Written};
use super::{AttestError, FILE, LARGEST_FILE, LONGEST_NAME, MOST_ENTRIES, MOST_FILES};
use crate::model::{AttachedFile, Sha256Digest, Statement};

/// What somebody wants to state.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What it is for: `risk-analysis`.
    pub id: String,
    /// The statement itself.
    pub statement: String,
    /// Who states it.
    pub author: String,
    /// In which role.
    pub role: String,
    /// When it was stated.
    pub date: NaiveDate,
    /// The last day on which it holds, where the author limits it.
    pub valid_until: Option<NaiveDate>,
    /// The files that come with it. Symbolic links are refused.
    pub files: Vec<PathBuf>,
}

/// Adds an attestation to `folder`, as a new folder in it, whole or not at all. `accept` may refuse it, with the reason,
/// when everything else is in order.
///
/// # Errors
/// When something about it cannot be so, a file is none or too large, or the disk refuses something.
pub fn add(
    folder: &Path,
    draft: &Draft,
    recorded_at: DateTime<Utc>,
    accept: impl FnOnce(&Entry) -> Result<(), String>,
) -> Result<Entry, AttestError> {
    let refused = |what: String| AttestError::Refused { what };
    if draft.files.len() > MOST_FILES {
        return Err(refused(format!(
            "{} files are more than the {MOST_FILES} of one attestation",
            draft.files.len()
        )));
    }
    fs::create_dir_all(folder).map_err(failed("made", folder))?;
    // A name that reading passes over, until it is whole.
    let making = tempfile::Builder::new()
        .prefix(".adding-")
        .tempdir_in(folder)
        .map_err(failed("written to", folder))?;
    let mut files = Vec::new();
    for path in &draft.files {
        files.push(take(path, making.path())?);
    }
    let mut entry = Entry {
        id: draft.id.clone(),
        recorded_at,
        statement: Statement {
            statement: draft.statement.clone(),
            author: draft.author.clone(),
            role: draft.role.clone(),
            date: draft.date,
            valid_until: draft.valid_until,
            files,
        },
        place: making.path().to_owned(),
    };
    let problems = entry.problems();
    if !problems.is_empty() {
        return Err(refused(problems.join("; ")));
    }
    accept(&entry).map_err(refused)?;
    let text = toml::to_string(&Written::of(&entry)).map_err(|error| refused(error.to_string()))?;
    write(&making.path().join(FILE), text.as_bytes())?;
    make_readable(making.path())?;
    sync(making.path())?;
    entry.place = put(making, folder, &format!("{}-{}", draft.id, draft.date))?;
    sync(folder)?;
    Ok(entry)
}

/// Copies a file under its digest, hashing it as it goes.
fn take(path: &Path, into: &Path) -> Result<AttachedFile, AttestError> {
    let refused = |what: &str| AttestError::Refused { what: format!("{} {what}", path.display()) };
    let seen = fs::symlink_metadata(path).map_err(failed("read", path))?;
    if seen.is_symlink() {
        return Err(refused("is a symbolic link: name the file itself"));
    }
    if !seen.is_file() {
        return Err(refused("is no plain file"));
    }
    let mut source = File::open(path).map_err(failed("read", path))?;
    if !source.metadata().map_err(failed("read", path))?.is_file() {
        return Err(refused("is no plain file"));
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut copy = tempfile::NamedTempFile::new_in(into).map_err(failed("written to", into))?;
    let mut hasher = Sha256::new();
    let mut bytes = 0_u64;
    let mut buffer = vec![0_u8; 64 * 1024];
    loop {
        let read = source.read(&mut buffer).map_err(failed("read", path))?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
        if bytes > LARGEST_FILE {
            return Err(refused(&format!("is longer than the {LARGEST_FILE} bytes that a file may have")));
        }
        hasher.update(&buffer[..read]);
        copy.write_all(&buffer[..read]).map_err(failed("written to", into))?;
    }
    copy.as_file().sync_all().map_err(failed("written to", into))?;
    let sha256 = Sha256Digest::from_bytes(hasher.finalize().into());
    // The same file under two names is there once.
    copy.persist(into.join(sha256.to_string())).map_err(|error| failed("written to", into)(error.error))?;
    Ok(AttachedFile { name: shortened(name), sha256, bytes })
}

/// A name that is too long for a record is cut at its beginning: its end says what sort of file it is.
fn shortened(name: String) -> String {
    if name.len() <= LONGEST_NAME {
        return name;
    }
    let mut start = name.len() - (LONGEST_NAME - '…'.len_utf8());
    while !name.is_char_boundary(start) {
        start += 1;
    }
    format!("…{}", &name[start..])
}

/// Gives the folder its name, or the next that is free.
fn put(making: tempfile::TempDir, folder: &Path, name: &str) -> Result<PathBuf, AttestError> {
    for number in 1..=MOST_ENTRIES {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        let place = folder.join(format!("{name}{suffix}"));
        if place.symlink_metadata().is_ok() {
            continue;
        }
        fs::rename(making.path(), &place).map_err(failed("made", &place))?;
        let _ = making.keep();
        return Ok(place);
    }
    Err(AttestError::Refused { what: format!("there are {MOST_ENTRIES} attestations named {name} already") })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), AttestError> {
    let mut file = File::create_new(path).map_err(failed("made", path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed("written", path))
}

/// What is made as a temporary file is its maker's alone; attestations are kept together with others.
fn make_readable(making: &Path) -> Result<(), AttestError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let set = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(failed("made readable", path))
        };
        for entry in fs::read_dir(making).map_err(failed("read", making))? {
            set(&entry.map_err(failed("read", making))?.path(), 0o644)?;
        }
        set(making, 0o755)?;
    }
    #[cfg(not(unix))]
    let _ = making;
    Ok(())
}

/// Directories can only be opened, and so synced, on Unix.
fn sync(directory: &Path) -> Result<(), AttestError> {
    if cfg!(unix) {
        File::open(directory).and_then(|handle| handle.sync_all()).map_err(failed("synced", directory))?;
    }
    Ok(())
}

pub(super) fn failed<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> AttestError + 'a {
    move |source| AttestError::Io { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_its_end() {
        let name = format!("{}é.pdf", "ä".repeat(300));
        let short = shortened(name);
        assert!(short.len() <= LONGEST_NAME && short.starts_with('…') && short.ends_with("é.pdf"), "{short}");
        assert_eq!(shortened("a.pdf".into()), "a.pdf");
    }
}
