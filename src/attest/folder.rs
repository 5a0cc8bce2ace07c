//! Reading the folder of attestations: everything in it is what `attestation.toml` says, or nothing of it is used.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::entry::{Entry, Written};
use super::{AttestError, FILE, LARGEST_FILE, LARGEST_TOTAL, LONGEST_FILE, MOST_ENTRIES};
use crate::canonical;
use crate::model::{AttachedFile, Sha256Digest, harmless};

/// Reads the folder: its attestations, in the order of their folders' names. Names that begin with a full stop are passed
/// over.
///
/// # Errors
/// When anything in it is not as `proofpack attest` leaves it: all of that.
pub fn read(folder: &Path) -> Result<Vec<Entry>, AttestError> {
    let mut problems = Vec::new();
    let mut entries = Vec::new();
    let names = match names(folder) {
        Ok(names) => names,
        Err(error) => {
            let problems = vec![format!("it cannot be listed: {error}")];
            return Err(AttestError::Unusable { folder: folder.to_owned(), problems });
        }
    };
    if names.len() > MOST_ENTRIES {
        problems.push(format!("it has more than {MOST_ENTRIES} entries: keep what is long over elsewhere"));
    }
    for name in names.iter().take(MOST_ENTRIES) {
        match entry(&folder.join(name)) {
            Ok(entry) => entries.push(entry),
            Err(found) => {
                let shown = harmless(name, 200);
                problems.extend(found.into_iter().map(|problem| format!("{shown}: {problem}")));
            }
        }
    }
    let files = entries.iter().flat_map(|entry| &entry.statement.files);
    let sizes: BTreeMap<Sha256Digest, u64> = files.map(|file| (file.sha256, file.bytes)).collect();
    let total = sizes.values().fold(0_u64, |sum, bytes| sum.saturating_add(*bytes));
    if total > LARGEST_TOTAL {
        problems.push(format!(
            "its files have {total} bytes together, more than the {LARGEST_TOTAL} that a bundle takes: keep what is long over elsewhere"
        ));
    }
    if problems.is_empty() {
        Ok(entries)
    } else {
        Err(AttestError::Unusable { folder: folder.to_owned(), problems })
    }
}

/// The names in a folder, sorted, but for those that begin with a full stop.
fn names(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        // What is not UTF-8 is none of ours, and is refused under the name that it is shown by.
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            names.push(name);
        }
        if names.len() > 10 * MOST_ENTRIES {
            break;
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn entry(place: &Path) -> Result<Entry, Vec<String>> {
    let one = |problem: String| vec![problem];
    let seen = fs::symlink_metadata(place).map_err(|error| one(format!("it cannot be read: {error}")))?;
    if !seen.is_dir() {
        return Err(one(
            "it is no folder (symbolic links are not followed): `proofpack attest` makes the entries"
                .to_owned(),
        ));
    }
    let text = plain(&place.join(FILE), LONGEST_FILE).map_err(|problem| one(format!("{FILE}: {problem}")))?;
    let text = String::from_utf8(text).map_err(|_| one(format!("{FILE}: it is not UTF-8")))?;
    let written: Written = toml::from_str(&text).map_err(|error| one(format!("{FILE}: {error}")))?;
    let entry = written.into_entry(place);
    let mut problems = entry.problems();
    let listed: BTreeMap<String, &AttachedFile> =
        entry.statement.files.iter().map(|file| (file.sha256.to_string(), file)).collect();
    for (name, file) in &listed {
        if let Err(problem) = is_unaltered(&place.join(name), file) {
            problems.push(format!("{name} ({}): {problem}", harmless(&file.name, 80)));
        }
    }
    let names = names(place).map_err(|error| one(format!("it cannot be listed: {error}")))?;
    for name in names.iter().filter(|name| *name != FILE && !listed.contains_key(*name)) {
        problems.push(format!(
            "{}: {FILE} does not name it; `proofpack attest --file` adds files",
            harmless(name, 200)
        ));
    }
    if problems.is_empty() { Ok(entry) } else { Err(problems) }
}

fn is_unaltered(path: &Path, file: &AttachedFile) -> Result<(), String> {
    let opened = open(path)?;
    let mut limited = opened.take(LARGEST_FILE + 1);
    let (sha256, bytes) = canonical::sha256_reader(&mut limited).map_err(|error| error.to_string())?;
    if sha256 != file.sha256 || bytes != file.bytes {
        return Err("it is not the file that was added: it was altered or cut off since".to_owned());
    }
    Ok(())
}

/// The bytes of a plain file.
fn plain(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    open(path)?.take(most + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > most { Err(format!("it is longer than {most} bytes")) } else { Ok(bytes) }
}

fn open(path: &Path) -> Result<File, String> {
    let seen = fs::symlink_metadata(path).map_err(|error| format!("it cannot be read: {error}"))?;
    if !seen.is_file() {
        return Err("it is no plain file (symbolic links are not followed)".to_owned());
    }
    File::open(path).map_err(|error| format!("it cannot be read: {error}"))
}
