//! Making a bundle: records go to a journal one by one, sealing sorts them into a bag and moves it to
//! its place in one step. Nothing under the final name is ever incomplete.

mod attach;
mod disk;
mod entries;
mod error;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

pub use self::error::WriteError;

use self::disk::{failed, sync_directory, sync_tree, write_file};
use self::entries::{Entries, Entry};
use super::attached;
use super::bagit::{self, PayloadFile};
use super::begun::Begun;
use super::gaps::gap_summary;
use super::journal::{Journal, JournalReader, Span};
use super::paths;
use super::{LONGEST_LINE, merkle};
use crate::canonical::{self, CanonicalError};
use crate::model::{Manifest, ManifestFile, Record, RecordId, Scope, Sha256Digest, Shard, Source, Tool};

/// What the manifest says beyond what the records give.
#[derive(Debug, Clone)]
pub struct SealInfo {
    /// The program that collected.
    pub tool: Tool,
    /// Digest of the catalog that was collected with.
    pub catalog_sha256: Sha256Digest,
    /// What the bundle covers.
    pub scope: Scope,
    /// When the first record was obtained.
    pub collection_started: DateTime<Utc>,
    /// The instant of sealing.
    pub sealed_at: DateTime<Utc>,
    /// Commitment to a known text under the key that redacted values are committed to with, where one is in use.
    pub redaction_key_commitment: Option<Sha256Digest>,
    /// SHA-256 of the manifest of the bundle before it.
    pub previous_manifest_sha256: Option<Sha256Digest>,
    /// Which part of a run over several machines it is, where it is one.
    pub shard: Option<Shard>,
    /// SHA-256 of the manifests of the bundles that it is merged from, sorted.
    pub merged_from_sha256: Vec<Sha256Digest>,
    /// SHA-256 of the manifest of the bundle that it amends.
    pub amends_sha256: Option<Sha256Digest>,
}

/// A bundle that is being made.
#[derive(Debug)]
pub struct Writer {
    target: PathBuf,
    partial: PathBuf,
    journal: Journal,
    entries: Entries,
    /// Files that come with records, by their place in the bag.
    attached: BTreeMap<String, PayloadFile>,
    /// Whether records may have been set aside.
    resumed: bool,
}

impl Writer {
    /// Begins a bundle that will stand at `target`; until it is sealed there is only `<target>.partial`.
    ///
    /// # Errors
    /// When there is something under either name, or the directory cannot be made.
    pub fn create(target: &Path) -> Result<Self, WriteError> {
        let partial = partial_of(target)?;
        // A run that died before its journal leaves nothing to lose.
        if !partial.join(JOURNAL).exists() {
            Begun::remove(&partial);
        }
        let _ = fs::remove_dir(&partial);
        if partial.symlink_metadata().is_ok() {
            return Err(WriteError::Unfinished(partial));
        }
        if let Some(parent) = partial.parent() {
            fs::create_dir_all(parent).map_err(failed("made", parent))?;
        }
        fs::create_dir(&partial).map_err(failed("made", &partial))?;
        let path = partial.join(JOURNAL);
        let journal = Journal::create(&path).map_err(failed("made", &path))?;
        Ok(Self::of(target, partial, journal, Entries::default()))
    }

    /// Takes up a bundle that an earlier run left unsealed, with the records of its journal. Of several that
    /// answer the same question the last counts.
    ///
    /// # Errors
    /// When there is no journal, another run holds it, or a line of it is not a record.
    pub fn resume(target: &Path) -> Result<Self, WriteError> {
        Self::resume_with(target, |_, _| {})
    }

    /// As [`Writer::resume`]; shows each record to `each`, in the order of the journal, with its position for
    /// [`JournalReader::read`].
    ///
    /// # Errors
    /// As [`Writer::resume`].
    pub fn resume_with(target: &Path, mut each: impl FnMut(&Record, u64)) -> Result<Self, WriteError> {
        let partial = partial_of(target)?;
        let path = partial.join(JOURNAL);
        let mut entries = Entries::default();
        let mut line = 0;
        let journal = Journal::resume(&path, |bytes, span| {
            line += 1;
            let bad = |reason: String| ResumeError::Line(line, reason);
            let record: Record = serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
            let (text, id) = record.to_line().map_err(|error| bad(error.to_string()))?;
            if text.as_bytes() != bytes {
                return Err(bad("it is not in canonical form".to_owned()));
            }
            let question = record.question().map_err(|error| bad(error.to_string()))?;
            entries.insert(&record, id, question, span).map_err(bad)?;
            each(&record, span.start);
            Ok(())
        })
        .map_err(|error| match error {
            ResumeError::Io(source) => WriteError::Io { action: "read", path: path.clone(), source },
            ResumeError::Line(line, reason) => WriteError::BadJournal { path: path.clone(), line, reason },
        })?;
        Ok(Self::of(target, partial, journal, entries))
    }

    fn of(target: &Path, partial: PathBuf, journal: Journal, entries: Entries) -> Self {
        let (target, attached) = (target.to_owned(), BTreeMap::new());
        Self { target, partial, journal, entries, attached, resumed: false }
    }

    /// Removes what a run that died left of a bundle; whether there was something.
    ///
    /// # Errors
    /// When there is a bundle under the name, another run is at work, or the disk refuses it.
    pub fn remove_unfinished(target: &Path) -> Result<bool, WriteError> {
        let partial = partial_of(target)?;
        let path = partial.join(JOURNAL);
        if !path.is_file() {
            return Ok(false);
        }
        // Holding the lock shows that nobody writes to it.
        let journal = Journal::resume::<io::Error>(&path, |_, _| Ok(())).map_err(failed("opened", &path))?;
        fs::remove_dir_all(&partial).map_err(failed("removed", &partial))?;
        drop(journal);
        Ok(true)
    }

    /// Writes down what this run is, for a later one that resumes it.
    ///
    /// # Errors
    /// When the disk refuses it.
    pub fn begin(&self, begun: &Begun) -> Result<(), WriteError> {
        begun.write(&self.partial).map_err(failed("written", &self.partial))
    }

    /// What a run that died wrote down of itself; `None` where it did not come so far.
    ///
    /// # Errors
    /// When there is something that cannot be read.
    pub fn begun(target: &Path) -> Result<Option<Begun>, WriteError> {
        let partial = partial_of(target)?;
        Begun::read(&partial).map_err(failed("read", &partial))
    }

    /// Sets all records aside: only those that are appended (again) from now on will be sealed. For a run that
    /// resumes: what it no longer comes by, as it is too old and gone by now, is no evidence of it.
    pub fn set_aside(&mut self) {
        self.entries.by_id.values_mut().for_each(|entry| entry.set_aside = true);
        self.resumed = true;
    }

    /// Reads records of the journal back.
    pub fn journal_reader(&self) -> JournalReader {
        JournalReader::new(self.partial.join(JOURNAL))
    }

    /// Where what is recorded is kept until it is sealed.
    pub fn partial(&self) -> &Path {
        &self.partial
    }

    /// How many records the journal holds, those that were set aside among them.
    pub fn recorded(&self) -> usize {
        self.entries.by_id.len()
    }

    /// When the earliest of AWS's answers was obtained that would be sealed now.
    pub fn first_collected_at(&self) -> Option<DateTime<Utc>> {
        let of_aws = self.live().filter(|(_, entry)| paths::is_of_aws(&entry.path));
        of_aws.map(|(_, entry)| entry.collected_at).min()
    }

    /// Whether a run that died left something to [`Writer::resume`].
    pub fn is_unfinished(target: &Path) -> bool {
        partial_of(target).is_ok_and(|partial| partial.join(JOURNAL).is_file())
    }

    /// Adds a record; it is on disk when this returns. One that is there already is not stored again.
    ///
    /// # Errors
    /// When the record has no canonical form or no place in a bag, or the disk refuses it.
    pub fn append(&mut self, record: &Record) -> Result<RecordId, WriteError> {
        let operation = || format!("{} {}", record.source.service, record.source.operation);
        let (line, id) =
            record.to_line().map_err(|source| WriteError::Canonical { operation: operation(), source })?;
        if let Some(entry) = self.entries.by_id.get_mut(&id) {
            entry.set_aside = false;
            return Ok(id);
        }
        let unstorable = |reason: String| WriteError::Unstorable { operation: operation(), reason };
        if line.len() as u64 >= LONGEST_LINE {
            return Err(unstorable(format!("its {} bytes exceed the {LONGEST_LINE} of a line", line.len())));
        }
        // What is sealed must be readable: a response nested too deep would only be noticed in the audit.
        let back: Record = serde_json::from_str(&line).map_err(|error| unstorable(error.to_string()))?;
        let (again, _) =
            back.to_line().map_err(|source| WriteError::Canonical { operation: operation(), source })?;
        if again != line {
            return Err(unstorable("it does not read back as it was written".to_owned()));
        }
        paths::of(record)?;
        attached::named(record).map_err(unstorable)?;
        let question =
            record.question().map_err(|source| WriteError::Canonical { operation: operation(), source })?;
        let path = self.partial.join(JOURNAL);
        let span = self.journal.append(&line).map_err(failed("written", &path))?;
        self.entries.insert(record, id, question, span).map_err(unstorable)?;
        Ok(id)
    }

    /// Takes a record back that was set aside, if it is this very one; whether it was.
    ///
    /// # Errors
    /// When the record has no canonical form.
    pub fn take_back(&mut self, record: &Record) -> Result<bool, WriteError> {
        if !self.resumed {
            return Ok(false);
        }
        let operation = || format!("{} {}", record.source.service, record.source.operation);
        let (_, id) =
            record.to_line().map_err(|source| WriteError::Canonical { operation: operation(), source })?;
        let entry = self.entries.by_id.get_mut(&id).filter(|entry| entry.set_aside);
        Ok(entry.map(|entry| entry.set_aside = false).is_some())
    }

    /// The ids of the records that would be sealed now, sorted.
    pub fn ids(&self) -> impl Iterator<Item = &RecordId> {
        self.live().map(|(id, _)| id)
    }

    fn live(&self) -> impl Iterator<Item = (&RecordId, &Entry)> {
        self.entries.by_id.iter().filter(|(_, entry)| !entry.set_aside)
    }

    /// Seals the bundle: sorts the records into their files, writes manifest and tag files, and moves
    /// the finished bag to its place. The same records give the same bytes, whatever order they came in.
    ///
    /// # Errors
    /// When the disk refuses something; the journal stays, so that sealing can be tried again.
    pub fn seal(mut self, info: SealInfo) -> Result<Manifest, WriteError> {
        if self.target.symlink_metadata().is_ok() {
            return Err(WriteError::Exists(self.target));
        }
        let bag = self.partial.join("bag");
        if bag.symlink_metadata().is_ok() {
            fs::remove_dir_all(&bag).map_err(failed("removed", &bag))?;
        }
        fs::create_dir(&bag).map_err(failed("made", &bag))?;
        let mut payload = BTreeMap::new();
        let files = self.write_records(&bag, &mut payload)?;
        self.write_attached(&bag, &mut payload)?;
        let manifest = self.manifest(info, files);
        let bytes = canonical::to_file_bytes(&manifest)
            .map_err(|source| WriteError::Canonical { operation: "the manifest".into(), source })?;
        write_file(&bag.join(paths::MANIFEST), &bytes)?;
        let file = PayloadFile { sha256: canonical::sha256(&bytes), bytes: bytes.len() as u64 };
        payload.insert(paths::MANIFEST.to_owned(), file);
        for (name, bytes) in bagit::tag_files(&manifest, &payload) {
            write_file(&bag.join(name), &bytes)?;
        }
        sync_tree(&bag)?;
        fs::rename(&bag, &self.target).map_err(failed("moved to its place", &bag))?;
        sync_directory(self.target.parent().unwrap_or(Path::new("")))?;
        drop(self.journal);
        fs::remove_dir_all(&self.partial).map_err(failed("removed", &self.partial))?;
        Ok(manifest)
    }

    /// Gives the bundle up: nothing of it stays.
    ///
    /// # Errors
    /// When the disk refuses it.
    pub fn discard(self) -> Result<(), WriteError> {
        drop(self.journal);
        fs::remove_dir_all(&self.partial).map_err(failed("removed", &self.partial))
    }

    fn write_records(
        &mut self,
        bag: &Path,
        payload: &mut BTreeMap<String, PayloadFile>,
    ) -> Result<Vec<ManifestFile>, WriteError> {
        let mut by_file: BTreeMap<&str, Vec<(&RecordId, Span)>> = BTreeMap::new();
        for (id, entry) in self.entries.by_id.iter().filter(|(_, entry)| !entry.set_aside) {
            by_file.entry(&entry.path).or_default().push((id, entry.span));
        }
        let journal = self.partial.join(JOURNAL);
        let mut files = Vec::new();
        for (path, records) in by_file {
            let mut lines: Vec<(String, &RecordId, Span)> = Vec::with_capacity(records.len());
            for (id, span) in records {
                let line = self.journal.read(span).map_err(failed("read", &journal))?;
                let order = order_of_line(&line).map_err(failed("read", &journal))?;
                lines.push((order, id, span));
            }
            lines.sort_unstable_by(|one, other| (&one.0, one.1).cmp(&(&other.0, other.1)));
            let place = bag.join(path);
            if let Some(parent) = place.parent() {
                fs::create_dir_all(parent).map_err(failed("made", parent))?;
            }
            let mut output = BufWriter::new(File::create_new(&place).map_err(failed("made", &place))?);
            let mut hasher = Sha256::new();
            let mut bytes = 0;
            for (_, _, span) in &lines {
                let mut line = self.journal.read(*span).map_err(failed("read", &journal))?;
                line.push(b'\n');
                hasher.update(&line);
                bytes += line.len() as u64;
                output.write_all(&line).map_err(failed("written", &place))?;
            }
            output.flush().map_err(failed("written", &place))?;
            let sha256 = Sha256Digest::from_bytes(hasher.finalize().into());
            payload.insert(path.to_owned(), PayloadFile { sha256, bytes });
            let records = lines.into_iter().map(|(_, id, _)| *id).collect();
            files.push(ManifestFile { path: path.to_owned(), records });
        }
        Ok(files)
    }

    fn manifest(&self, info: SealInfo, files: Vec<ManifestFile>) -> Manifest {
        Manifest {
            version: Manifest::VERSION,
            tool: info.tool,
            catalog_sha256: info.catalog_sha256,
            scope: info.scope,
            collection_started: info.collection_started,
            sealed_at: info.sealed_at,
            records: self.live().count() as u64,
            gaps: gap_summary(self.live().filter_map(|(_, entry)| {
                entry.gap.as_deref().map(|(reason, code)| (*reason, code.as_str()))
            })),
            merkle_root: merkle::root(files.iter().flat_map(|file| &file.records)),
            files,
            redaction_key_commitment: info.redaction_key_commitment,
            previous_manifest_sha256: info.previous_manifest_sha256,
            shard: info.shard,
            merged_from_sha256: info.merged_from_sha256,
            amends_sha256: info.amends_sha256,
        }
    }
}

const JOURNAL: &str = "journal.ndjson";

/// The text by which the records of one file are ordered, before their ids.
pub(super) fn order_key(record: &Record) -> Result<String, CanonicalError> {
    canonical::to_string(&record.source.parameters)
}

/// [`order_key`] of a record in the journal.
fn order_of_line(line: &[u8]) -> io::Result<String> {
    #[derive(serde::Deserialize)]
    struct Ordered {
        source: Source,
    }
    let Ordered { source } = serde_json::from_slice(line)?;
    canonical::to_string(&source.parameters).map_err(io::Error::other)
}

enum ResumeError {
    Io(io::Error),
    Line(u64, String),
}

impl From<io::Error> for ResumeError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn partial_of(target: &Path) -> Result<PathBuf, WriteError> {
    let bad = || WriteError::BadTarget(target.to_owned());
    let mut name = target.file_name().ok_or_else(bad)?.to_owned();
    name.push(".partial");
    if target.symlink_metadata().is_ok() {
        return Err(WriteError::Exists(target.to_owned()));
    }
    Ok(target.with_file_name(name))
}
