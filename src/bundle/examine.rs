//! Looking a bundle over: everything that is wrong with it, not the first thing.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read};

use sha2::{Digest, Sha256};

use super::bagit::{self, PayloadFile};
use super::checksums::{self, Codes};
use super::document::Document;
use super::files::Files;
use super::gaps::{gap_of, gap_summary};
use super::writer::order_key;
use super::{Bundle, LONGEST_LINE, LONGEST_MANIFEST, StoredRecord, attached, merkle, paths};
use crate::canonical;
use crate::model::{GapReason, Manifest, Problem, ProblemCode, Problems, Record, RecordId, Sha256Digest};
use crate::parallel;

/// What a bundle holds and what is wrong with it.
#[derive(Debug)]
pub struct Examination {
    /// The manifest, where it could be read.
    pub manifest: Option<Manifest>,
    /// SHA-256 of `data/manifest.json`, where there is one.
    pub manifest_sha256: Option<Sha256Digest>,
    /// The records that could be read, in order of files and lines.
    pub records: Vec<StoredRecord>,
    /// The files of imports, by their digests.
    pub imports: BTreeMap<Sha256Digest, Vec<u8>>,
    /// Everything that is wrong.
    pub problems: Problems,
}

impl Examination {
    /// The bundle, if nothing is wrong with it.
    ///
    /// # Errors
    /// The problems, if something is.
    pub fn into_bundle(self) -> Result<Bundle, Vec<Problem>> {
        match (self.manifest, self.manifest_sha256) {
            (Some(manifest), Some(manifest_sha256)) if self.problems.is_empty() => {
                Ok(Bundle { manifest, manifest_sha256, records: self.records, imports: self.imports })
            }
            _ => Err(self.problems.into_list()),
        }
    }
}

/// What is remembered of a record when it was looked over, whether it is kept or not.
#[derive(Debug)]
pub(super) struct Outline {
    /// Its id.
    pub(super) id: RecordId,
    /// Its line, from 1.
    pub(super) line: u64,
    /// Reason and code, where it is a gap.
    gap: Option<(GapReason, String)>,
    /// Where in the bag the files that came with it lie, and how long each is.
    pub(super) files: Result<Vec<(String, u64)>, String>,
}

impl Outline {
    /// How its place is told.
    pub(super) fn place(&self, path: &str) -> String {
        format!("{path}, line {}", self.line)
    }
}

/// Whether the records are kept when they were looked over: a large bundle's do not fit into small memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    Records,
    Nothing,
}

/// The outlines of the records, by their files.
pub(super) type Outlines = Vec<(String, Vec<Outline>)>;

/// Checks a bundle in full: every record against its id, its file and the manifest; the Merkle root,
/// the counts and the gaps made again; the files that came with records against them; every file against the bag's
/// checksums, and those against each other.
pub fn examine(files: &dyn Files) -> Examination {
    look_over(files, Keep::Records)
}

/// As [`examine`], without keeping the records: its memory does not grow with them.
pub fn check(files: &dyn Files) -> Examination {
    look_over(files, Keep::Nothing)
}

fn look_over(files: &dyn Files, keep: Keep) -> Examination {
    let mut problems = Problems::default();
    let mut payload = BTreeMap::new();
    let manifest = read_manifest(files, &mut payload, &mut problems);
    let manifest_sha256 = payload.get(paths::MANIFEST).map(|file: &PayloadFile| file.sha256);
    let (mut records, mut outlines) = (Vec::new(), Outlines::new());
    let paths: Vec<&String> = files.list().keys().filter(|path| is_record_file(path)).collect();
    for (path, file) in paths.iter().zip(parallel::each(&paths, |path| RecordFile::read(files, path, keep))) {
        records.extend(file.records);
        outlines.push(((*path).clone(), file.outlines));
        payload.extend(file.payload.map(|payload| ((*path).clone(), payload)));
        problems.append(file.problems);
    }
    let imports = attached::hash(files, keep == Keep::Records, &mut payload, &mut problems);
    check_repeats(&outlines, &mut problems);
    attached::check(files, &outlines, &payload, &mut problems);
    if let Some(manifest) = &manifest {
        check_against_manifest(manifest, &outlines, &payload, &mut problems);
    }
    check_tag_files(files, manifest.as_ref(), &payload, &mut problems);
    Examination { manifest, manifest_sha256, records, imports, problems }
}

/// Checks a part of a bundle, as a sample holds it: the manifest against itself; every record that is there for being one, in canonical
/// form and in a file that its source leads to; the files that came with these records. Whether they are of the bundle is for
/// the caller to find.
pub fn examine_part(files: &dyn Files) -> Examination {
    let mut problems = Problems::default();
    let mut payload = BTreeMap::new();
    let manifest = read_manifest(files, &mut payload, &mut problems);
    let manifest_sha256 = payload.get(paths::MANIFEST).map(|file: &PayloadFile| file.sha256);
    let (mut records, mut outlines) = (Vec::new(), Outlines::new());
    for path in files.list().keys().filter(|path| is_record_file(path)) {
        let file = RecordFile::read(files, path, Keep::Records);
        records.extend(file.records);
        outlines.push((path.clone(), file.outlines));
        problems.append(file.problems);
    }
    let imports = attached::hash(files, true, &mut payload, &mut problems);
    check_repeats(&outlines, &mut problems);
    attached::check(files, &outlines, &payload, &mut problems);
    if let Some(manifest) = &manifest {
        let ids = || manifest.files.iter().flat_map(|file| &file.records);
        check_root(manifest, merkle::root(ids()), ids().count() as u64, &mut problems);
    }
    for path in files.list().keys().filter(|path| !path.starts_with("data/")) {
        let message = "it does not belong into a part of a bundle: it was added";
        problems.add(ProblemCode::BagFileUnlisted, path, message);
    }
    Examination { manifest, manifest_sha256, records, imports, problems }
}

fn is_record_file(path: &str) -> bool {
    path.starts_with("data/") && path != paths::MANIFEST && !paths::is_attached(path)
}

fn read_manifest(
    files: &dyn Files,
    payload: &mut BTreeMap<String, PayloadFile>,
    problems: &mut Problems,
) -> Option<Manifest> {
    let path = paths::MANIFEST;
    if !files.list().contains_key(path) {
        problems.add(ProblemCode::BagFileMissing, path, "there is no manifest: this is not a sealed bundle");
        return None;
    }
    let bytes = match files.read(path, LONGEST_MANIFEST) {
        Ok(bytes) => bytes,
        Err(error) => {
            problems.add(ProblemCode::Unreadable, path, error.to_string());
            return None;
        }
    };
    let file = PayloadFile { sha256: canonical::sha256(&bytes), bytes: bytes.len() as u64 };
    payload.insert(path.to_owned(), file);
    let document = Document {
        what: "a manifest",
        place: path,
        version: Manifest::VERSION,
        writer: "sealing",
        code: ProblemCode::ManifestMalformed,
    };
    document.read(&bytes, |manifest: &Manifest| manifest.version, problems)
}

/// What one file of records holds and what is wrong with it.
#[derive(Default)]
struct RecordFile {
    /// Empty where they are not kept.
    records: Vec<StoredRecord>,
    outlines: Vec<Outline>,
    /// Its digest and length, where all of it could be read.
    payload: Option<PayloadFile>,
    problems: Problems,
}

impl RecordFile {
    /// Reads the lines, hashing the file as it goes; lines that are no records are reported and left out.
    fn read(files: &dyn Files, path: &str, keep: Keep) -> Self {
        let mut file = Self::default();
        let known = files.digest(path);
        let mut hasher = Hashing { hasher: known.is_none().then(Sha256::new), bytes: 0 };
        match read_lines(files, path, keep, &mut hasher, &mut file) {
            Ok(()) => {
                let found = hasher.hasher.map(|hasher| Sha256Digest::from_bytes(hasher.finalize().into()));
                file.payload = known.or(found).map(|sha256| PayloadFile { sha256, bytes: hasher.bytes });
            }
            Err(error) => file.problems.add(ProblemCode::Unreadable, path, error),
        }
        file
    }
}

struct Hashing {
    /// None where the digest is known already.
    hasher: Option<Sha256>,
    bytes: u64,
}

impl Hashing {
    fn take(&mut self, bytes: &[u8]) {
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
        self.bytes += bytes.len() as u64;
    }
}

fn read_lines(
    files: &dyn Files,
    path: &str,
    keep: Keep,
    hashing: &mut Hashing,
    file: &mut RecordFile,
) -> Result<(), String> {
    let problems = &mut file.problems;
    let mut reader = BufReader::new(files.open(path).map_err(|error| error.to_string())?);
    let mut text = Vec::new();
    let mut previous: Option<(String, RecordId)> = None;
    for line in 1.. {
        text.clear();
        let read = reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut text);
        let length = read.map_err(|error: io::Error| error.to_string())?;
        hashing.take(&text);
        if length == 0 {
            if line == 1 {
                problems.add(
                    ProblemCode::RecordMalformed,
                    path,
                    "it is empty: sealing writes no empty files",
                );
            }
            return Ok(());
        }
        let place = format!("{path}, line {line}");
        if text.pop() != Some(b'\n') {
            let rest = drain(&mut reader, hashing)?;
            let what =
                if rest > 0 { "is longer than a record can be" } else { "does not end in a line feed" };
            problems.add(
                ProblemCode::RecordMalformed,
                place,
                format!("the line {what}: the file was altered"),
            );
            return Ok(());
        }
        match read_record(&text, path, &place, problems) {
            None => {}
            Some((record, order)) => {
                let key = (order, RecordId(canonical::sha256(&text)));
                if previous.as_ref().is_some_and(|before| *before > key) {
                    let message =
                        "it stands after a record that sealing would put behind it: lines were moved";
                    problems.add(ProblemCode::RecordOrder, place, message);
                }
                let id = key.1;
                let gap = gap_of(&record).map(|(reason, code)| (reason, code.to_owned()));
                file.outlines.push(Outline { id, line, gap, files: attached::named(&record) });
                if keep == Keep::Records {
                    file.records.push(StoredRecord { id, path: path.to_owned(), line, record });
                }
                previous = Some(key);
            }
        }
    }
    Ok(())
}

fn drain(reader: &mut dyn Read, hashing: &mut Hashing) -> Result<u64, String> {
    let mut buffer = [0_u8; 64 * 1024];
    let mut total = 0;
    loop {
        match reader.read(&mut buffer).map_err(|error| error.to_string())? {
            0 => return Ok(total),
            read => {
                hashing.take(&buffer[..read]);
                total += read as u64;
            }
        }
    }
}

/// The record of one line and what it is ordered by, if it is one.
fn read_record(text: &[u8], path: &str, place: &str, problems: &mut Problems) -> Option<(Record, String)> {
    let record: Record = match serde_json::from_slice(text) {
        Ok(record) => record,
        Err(error) => {
            let message = format!("it is not a record ({error}): the line was altered");
            problems.add(ProblemCode::RecordMalformed, place, message);
            return None;
        }
    };
    if record.version != Record::VERSION {
        let message = format!(
            "the record's format has version {}, this program reads version {}: use the version of proofpack that wrote it",
            record.version,
            Record::VERSION
        );
        problems.add(ProblemCode::RecordMalformed, place, message);
        return None;
    }
    let line = canonical::to_string(&record).ok();
    if line.is_none_or(|line| line.as_bytes() != text) {
        let message = "the line is not in canonical form (RFC 8785), as sealing writes it: it was altered";
        problems.add(ProblemCode::RecordNotCanonical, place, message);
    }
    match paths::of(&record) {
        Ok(expected) if expected == path => {}
        Ok(expected) => {
            let message =
                format!("its source puts the record into {expected}: it was moved, or its source altered");
            problems.add(ProblemCode::RecordMisplaced, place, message);
        }
        Err(error) => problems.add(ProblemCode::RecordMisplaced, place, error.to_string()),
    }
    let order = order_key(&record).unwrap_or_default();
    Some((record, order))
}

fn check_repeats(outlines: &Outlines, problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    let all = outlines.iter().flat_map(|(path, file)| file.iter().map(move |record| (path, record)));
    for (path, record) in all.filter(|(_, record)| !seen.insert(record.id)) {
        let place = record.place(path);
        let message = format!("the record {} stands in the bundle a second time", record.id.short());
        problems.add(ProblemCode::RecordRepeated, place, message);
    }
}

fn check_against_manifest(
    manifest: &Manifest,
    outlines: &Outlines,
    payload: &BTreeMap<String, PayloadFile>,
    problems: &mut Problems,
) {
    let place = paths::MANIFEST;
    if !manifest.files.is_sorted_by(|one, next| one.path < next.path) {
        problems.add(ProblemCode::ManifestFiles, place, "its files are not in order, or one is listed twice");
    }
    let listed: BTreeSet<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
    for path in payload.keys().filter(|path| is_record_file(path) && !listed.contains(path.as_str())) {
        let message = "the manifest does not list it: it was added after the bundle was sealed";
        problems.add(ProblemCode::ManifestFiles, path, message);
    }
    let of_file = |file: &'_ Vec<Outline>| file.iter().map(|record| (record.line, record.id)).collect();
    let found: BTreeMap<&str, BTreeMap<u64, RecordId>> =
        outlines.iter().map(|(path, file)| (path.as_str(), of_file(file))).collect();
    for file in &manifest.files {
        let path = &file.path;
        if file.records.is_empty() {
            problems.add(ProblemCode::ManifestFiles, place, format!("it lists no record for {path}"));
        }
        if !payload.contains_key(path) {
            problems.add(
                ProblemCode::ManifestFiles,
                path,
                "the manifest lists it, but it cannot be read or was removed",
            );
            continue;
        }
        let empty = BTreeMap::new();
        let lines = found.get(path.as_str()).unwrap_or(&empty);
        for (line, id) in (1..).zip(&file.records) {
            if lines.get(&line) != Some(id) {
                let there =
                    lines.get(&line).map_or("no readable record".to_owned(), |id| format!("the record {id}"));
                let message = format!(
                    "the manifest has the record {id} here, found is {there}: evidence was altered, moved or removed"
                );
                problems.add(ProblemCode::RecordId, format!("{path}, line {line}"), message);
            }
        }
        if let Some((line, id)) = lines.range(file.records.len() as u64 + 1..).next() {
            let message =
                format!("the manifest has no record here, found is the record {id}: evidence was added");
            problems.add(ProblemCode::RecordId, format!("{path}, line {line}"), message);
        }
    }
    let records = || outlines.iter().flat_map(|(_, file)| file);
    let root = merkle::root(records().map(|record| &record.id));
    check_root(manifest, root, records().count() as u64, problems);
    let gaps = records().filter_map(|record| record.gap.as_ref());
    let gaps = gap_summary(gaps.map(|(reason, code)| (*reason, code.as_str())));
    if gaps != manifest.gaps {
        let message = "the gaps among the records are not those that the manifest sums up: what could not be seen is misstated";
        problems.add(ProblemCode::GapSummary, place, message);
    }
}

/// Holds the manifest's root and count against those of the records.
fn check_root(manifest: &Manifest, root: Sha256Digest, records: u64, problems: &mut Problems) {
    let place = paths::MANIFEST;
    if root != manifest.merkle_root {
        let message = format!(
            "the Merkle root over the records is {root}, the manifest says {}: the evidence is not what was sealed",
            manifest.merkle_root
        );
        problems.add(ProblemCode::MerkleRoot, place, message);
    }
    if records != manifest.records {
        let message = format!("the manifest counts {} records, there are {records}", manifest.records);
        problems.add(ProblemCode::RecordCount, place, message);
    }
}

fn check_tag_files(
    files: &dyn Files,
    manifest: Option<&Manifest>,
    payload: &BTreeMap<String, PayloadFile>,
    problems: &mut Problems,
) {
    let mut tags = BTreeMap::new();
    for name in bagit::TAG_FILES {
        if !files.list().contains_key(name) {
            problems.add(ProblemCode::BagFileMissing, name, "every bag has this file: it was removed");
            continue;
        }
        match files.read(name, LONGEST_MANIFEST) {
            Ok(bytes) => {
                tags.insert(name.to_owned(), bytes);
            }
            Err(error) => problems.add(ProblemCode::Unreadable, name, error.to_string()),
        }
    }
    let known = |path: &str| path.starts_with("data/") || bagit::TAG_FILES.contains(&path);
    for path in files.list().keys().filter(|path| !known(path)) {
        problems.add(
            ProblemCode::BagFileUnlisted,
            path,
            "it does not belong into a bundle: it was added after sealing",
        );
    }
    let codes = Codes {
        malformed: ProblemCode::BagManifest,
        mismatch: ProblemCode::BagDigest,
        missing: ProblemCode::BagFileMissing,
        unlisted: ProblemCode::BagFileUnlisted,
    };
    if let Some(text) = tags.get(bagit::PAYLOAD_CHECKSUMS) {
        let digests = payload.iter().map(|(path, file)| (path.clone(), file.sha256)).collect();
        problems.extend(checksums::compare(bagit::PAYLOAD_CHECKSUMS, text, &digests, codes));
    }
    if let Some(text) = tags.get(bagit::TAG_CHECKSUMS) {
        let others = tags.iter().filter(|(name, _)| *name != bagit::TAG_CHECKSUMS);
        let digests = others.map(|(name, bytes)| (name.clone(), canonical::sha256(bytes))).collect();
        problems.extend(checksums::compare(bagit::TAG_CHECKSUMS, text, &digests, codes));
    }
    let Some(manifest) = manifest else { return };
    let expected = bagit::tag_files(manifest, payload);
    for name in [bagit::DECLARATION, bagit::INFO] {
        if tags.get(name).is_some_and(|bytes| Some(bytes) != expected.get(name)) {
            let message = "it is not the text that manifest and payload demand: it was altered, or files were added or removed";
            problems.add(ProblemCode::BagDeclaration, name, message);
        }
    }
}
