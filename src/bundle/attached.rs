//! Files that came with records (a policy, a report, a screenshot): payload of the bag under their digests. They are
//! hashed and never opened; the record says what they were called.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::PathBuf;

use super::bagit::PayloadFile;
use super::examine::Outlines;
use super::files::{Files, FilesError};
use super::{WriteError, Writer, paths};
use crate::canonical;
use crate::model::{AttachedFile, ProblemCode, Problems, Record, RecordId, Sha256Digest};

/// Longest file that may come with a record, in bytes.
pub const LARGEST_ATTACHED: u64 = 256 * 1024 * 1024;

/// Bytes of imports' files that are kept together while a bundle is read. Beyond that they are only hashed: no bundle that
/// is read may fill the memory.
const MOST_KEPT: u64 = 512 * 1024 * 1024;

/// A record that people or other programs made, with the files that come with it.
#[derive(Debug, Clone)]
pub struct Addition {
    /// The record; its response names the files.
    pub record: Record,
    /// The files, in the order in which the record names them.
    pub files: Vec<Attachment>,
}

/// A file that comes with a record.
#[derive(Debug, Clone)]
pub enum Attachment {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// Where it lies; read when it is added, and refused if it is not what the record names.
    File(PathBuf),
}

impl Addition {
    /// Adds the files, which must still be those that the record names, and the record.
    ///
    /// # Errors
    /// When a file cannot be read or was altered, or the disk refuses something.
    pub fn add_to(&self, writer: &mut Writer) -> Result<RecordId, WriteError> {
        let named = named(&self.record).map_err(|reason| writer_refuses(&self.record, reason))?;
        if named.len() != self.files.len() {
            let reason = format!("it names {} files, {} are given", named.len(), self.files.len());
            return Err(writer_refuses(&self.record, reason));
        }
        for ((path, _), attachment) in named.iter().zip(&self.files) {
            let place = match attachment {
                Attachment::Bytes(bytes) => {
                    writer.add_file(path, bytes)?;
                    continue;
                }
                Attachment::File(place) => place,
            };
            let io = |source| WriteError::Io { action: "read", path: place.clone(), source };
            let file = std::fs::File::open(place).map_err(io)?;
            let mut bytes = Vec::new();
            file.take(LARGEST_ATTACHED + 1).read_to_end(&mut bytes).map_err(io)?;
            writer.add_file(path, &bytes).map_err(|error| match error {
                WriteError::Unattachable { reason, .. } => {
                    WriteError::Unattachable { path: place.display().to_string(), reason }
                }
                other => other,
            })?;
        }
        writer.append(&self.record)
    }
}

fn writer_refuses(record: &Record, reason: String) -> WriteError {
    let operation = format!("{} {}", record.source.service, record.source.operation);
    WriteError::Unstorable { operation, reason }
}

/// Where in the bag the files of a record lie, and how long each is.
pub(super) fn named(record: &Record) -> Result<Vec<(String, u64)>, String> {
    let files = record.attached().map_err(|error| format!("its list of files cannot be read ({error})"))?;
    let place = |file: &AttachedFile| Some((paths::attached(record.kind, &file.sha256)?, file.bytes));
    Ok(files.iter().filter_map(place).collect())
}

/// Where in the bag the files of a record of a sealed bundle lie.
pub fn paths_of(record: &Record) -> Vec<String> {
    // Of a sealed record the list can be read.
    named(record).unwrap_or_default().into_iter().map(|(path, _)| path).collect()
}

/// Copies the files of a record out of another bag.
pub(super) fn copy(record: &Record, from: &dyn Files, writer: &mut Writer) -> Result<(), CopyError> {
    for (path, _) in named(record).map_err(|reason| writer_refuses(record, reason))? {
        writer.add_file(&path, &from.read(&path, LARGEST_ATTACHED)?)?;
    }
    Ok(())
}

/// Why the files of a record were not copied.
#[derive(Debug)]
pub(super) enum CopyError {
    Read(FilesError),
    Write(WriteError),
}

impl From<FilesError> for CopyError {
    fn from(error: FilesError) -> Self {
        Self::Read(error)
    }
}

impl From<WriteError> for CopyError {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}

/// Hashes the files that came with records. Those of imports are read if `keep` is set, as assessing them needs them; gives their
/// bytes.
pub(super) fn hash(
    files: &dyn Files,
    keep: bool,
    payload: &mut BTreeMap<String, PayloadFile>,
    problems: &mut Problems,
) -> BTreeMap<Sha256Digest, Vec<u8>> {
    let mut imports = BTreeMap::new();
    let mut room = MOST_KEPT;
    for (path, length) in files.list().iter().filter(|(path, _)| paths::is_attached(path)) {
        let kept = keep && paths::is_import(path) && *length <= room;
        if let (false, Some(sha256), true) = (kept, files.digest(path), *length <= LARGEST_ATTACHED) {
            payload.insert(path.clone(), PayloadFile { sha256, bytes: *length });
            continue;
        }
        let hashed = files.open(path).map_err(|error| error.to_string()).and_then(|reader| {
            let mut limited = reader.take(LARGEST_ATTACHED + 1);
            if !kept {
                return canonical::sha256_reader(&mut limited).map_err(|error| error.to_string());
            }
            let mut bytes = Vec::new();
            limited.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
            let (sha256, length) = (canonical::sha256(&bytes), bytes.len() as u64);
            room = room.saturating_sub(length);
            imports.insert(sha256, bytes);
            Ok((sha256, length))
        });
        match hashed {
            Ok((_, bytes)) if bytes > LARGEST_ATTACHED => {
                let message = format!("it is longer than the {LARGEST_ATTACHED} bytes that a file can have");
                problems.add(ProblemCode::AttachedDiffers, path, message);
            }
            Ok((sha256, bytes)) => {
                payload.insert(path.clone(), PayloadFile { sha256, bytes });
            }
            Err(error) => problems.add(ProblemCode::Unreadable, path, error),
        }
    }
    imports
}

/// Holds the files against the records that name them.
pub(super) fn check(
    files: &dyn Files,
    outlines: &Outlines,
    payload: &BTreeMap<String, PayloadFile>,
    problems: &mut Problems,
) {
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    let all = outlines.iter().flat_map(|(path, file)| file.iter().map(move |record| (path, record)));
    for (path, stored) in all {
        let place = stored.place(path);
        let named = match &stored.files {
            Ok(named) => named,
            Err(reason) => {
                problems.add(ProblemCode::RecordMalformed, place, reason.clone());
                continue;
            }
        };
        for (path, bytes) in named {
            match payload.get(path) {
                Some(found) if Some(found.sha256) != paths::attached_digest(path) => {
                    let message = format!(
                        "its SHA-256 is {}, but the record {} names the file by another: it was altered",
                        found.sha256,
                        stored.id.short()
                    );
                    problems.add(ProblemCode::AttachedDiffers, path, message);
                }
                Some(found) if found.bytes != *bytes => {
                    let message = format!(
                        "it has {} bytes, the record {} says {bytes}",
                        found.bytes,
                        stored.id.short()
                    );
                    problems.add(ProblemCode::AttachedDiffers, path, message);
                }
                Some(_) => {}
                // What is there and could not be hashed was reported.
                None if files.list().contains_key(path) => {}
                None => {
                    let message = format!(
                        "the record {} ({place}) came with this file, but it is not there: it was removed",
                        stored.id.short()
                    );
                    problems.add(ProblemCode::AttachedMissing, path, message);
                }
            }
            wanted.insert(path.clone());
        }
    }
    let attached = files.list().keys().filter(|path| paths::is_attached(path));
    for path in attached.filter(|path| !wanted.contains(*path)) {
        problems.add(
            ProblemCode::AttachedUnnamed,
            path,
            "no record names this file: it was added after sealing",
        );
    }
}
