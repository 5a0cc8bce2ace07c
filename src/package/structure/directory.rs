//! The records of a zip (APPNOTE 4.3): end record, central directory, local headers.

use std::io;

use super::Member;
use super::zip64::{self, Zip64};
use crate::model::{ProblemCode, Problems, harmless};
use crate::package::layout;
use crate::package::source::Source;

/// "Made by": Unix, and the version that the method needs.
const MADE_BY_UNIX: u16 = 3 << 8;
/// Version needed to extract a stored member.
const VERSION_STORED: u16 = 10;
/// Version needed to extract a deflated member.
const VERSION_DEFLATED: u16 = 20;
/// 1980-01-01, the first date that a zip can name, at midnight.
const DATE: u16 = 0x21;
const TIME: u16 = 0;
/// A regular file with the permissions 0644.
const ATTRIBUTES: u32 = 0o100_644 << 16;
/// What the entries of a full package could need at most, in bytes.
const LARGEST_DIRECTORY: usize =
    layout::MOST_MEMBERS * (CentralEntry::LENGTH + layout::LONGEST_NAME + zip64::EXTRA_LENGTH);
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
const FLAG_ENCRYPTED: u16 = 1;
const FLAG_DESCRIPTOR: u16 = 1 << 3;

/// Little-endian fields, one after the other.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    pub(super) fn u16(&mut self) -> u16 {
        let (field, rest) = self.0.split_first_chunk().unwrap_or((&[0; 2], &[]));
        self.0 = rest;
        u16::from_le_bytes(*field)
    }

    pub(super) fn u64(&mut self) -> u64 {
        let (field, rest) = self.0.split_first_chunk().unwrap_or((&[0; 8], &[]));
        self.0 = rest;
        u64::from_le_bytes(*field)
    }

    pub(super) fn u32(&mut self) -> u32 {
        let (field, rest) = self.0.split_first_chunk().unwrap_or((&[0; 4], &[]));
        self.0 = rest;
        u32::from_le_bytes(*field)
    }
}

/// The end of central directory record (APPNOTE 4.3.16).
#[derive(Debug)]
pub(super) struct EndRecord {
    pub(super) position: u64,
    pub(super) disk: u16,
    pub(super) directory_disk: u16,
    pub(super) entries_here: u16,
    pub(super) entries_16: u16,
    pub(super) size_32: u32,
    pub(super) offset_32: u32,
    pub(super) comment_length: u16,
    /// The records that hold what does not fit here.
    pub(super) zip64: Option<Zip64>,
}

impl EndRecord {
    pub(super) const SIGNATURE: u32 = 0x0605_4b50;
    pub(super) const LENGTH: usize = 22;

    /// The end record at `position`, if there is one.
    pub(super) fn read(source: &Source, position: u64) -> io::Result<Option<Self>> {
        let Some(bytes) = source.bytes(position, Self::LENGTH)? else { return Ok(None) };
        let mut fields = Fields(&bytes);
        if fields.u32() != Self::SIGNATURE {
            return Ok(None);
        }
        let mut end = Self {
            position,
            disk: fields.u16(),
            directory_disk: fields.u16(),
            entries_here: fields.u16(),
            entries_16: fields.u16(),
            size_32: fields.u32(),
            offset_32: fields.u32(),
            comment_length: fields.u16(),
            zip64: None,
        };
        if end.is_full() {
            end.zip64 = Zip64::read(source, position)?;
        }
        Ok(Some(end))
    }

    /// Whether a field holds what stands there for a value that does not fit.
    fn is_full(&self) -> bool {
        self.entries_16 == u16::MAX || self.size_32 == u32::MAX || self.offset_32 == u32::MAX
    }

    /// How many members there should be.
    fn entries(&self) -> u64 {
        self.zip64.as_ref().map_or(self.entries_16.into(), |zip64| zip64.entries)
    }

    fn directory_size(&self) -> u64 {
        self.zip64.as_ref().map_or(self.size_32.into(), |zip64| zip64.directory_size)
    }

    /// Where the central directory begins.
    pub(super) fn directory_offset(&self) -> u64 {
        self.zip64.as_ref().map_or(self.offset_32.into(), |zip64| zip64.directory_offset)
    }

    /// Where the central directory has to end.
    fn directory_end(&self) -> u64 {
        self.zip64.as_ref().map_or(self.position, |zip64| zip64.position)
    }
}

/// An entry of the central directory (APPNOTE 4.3.12).
#[derive(Debug)]
pub(super) struct CentralEntry {
    pub(super) name: Vec<u8>,
    pub(super) compressed: u32,
    pub(super) size: u32,
    /// Whether it has nothing that a reader would have to know more about.
    pub(super) usable: bool,
    needed: u16,
    flags: u16,
    method: u16,
    time: u16,
    date: u16,
    crc32: u32,
    offset: u64,
}

impl CentralEntry {
    const SIGNATURE: u32 = 0x0201_4b50;
    const LENGTH: usize = 46;

    /// How the member is named in a problem.
    pub(super) fn place(&self) -> String {
        harmless(&String::from_utf8_lossy(&self.name), 300)
    }

    /// Where its data lies; meaningful once its local header was checked.
    pub(super) fn member(&self) -> Member {
        Member {
            start: self.data_start(),
            compressed: self.compressed.into(),
            size: self.size.into(),
            crc32: self.crc32,
            deflated: self.method == DEFLATED,
        }
    }

    fn data_start(&self) -> u64 {
        self.offset.saturating_add(LOCAL_LENGTH as u64 + self.name.len() as u64)
    }
}

const LOCAL_SIGNATURE: u32 = 0x0403_4b50;
const LOCAL_LENGTH: usize = 30;

/// Reads and checks the central directory; `None` where it is not where the end record says.
pub(super) fn read(
    source: &Source,
    end: &EndRecord,
    problems: &mut Problems,
) -> io::Result<Option<Vec<CentralEntry>>> {
    let place = format!("byte {}", end.position);
    if end.disk != 0 || end.directory_disk != 0 || end.entries_here != end.entries_16 {
        problems.add(ProblemCode::ZipEndRecord, &place, "the archive claims to span several disks");
    }
    match &end.zip64 {
        Some(zip64) => zip64.check(end, problems),
        // So many members are counted without it.
        None if end.size_32 == u32::MAX || end.offset_32 == u32::MAX => {
            let message = "the archive says that it is zip64, and has none of its records";
            problems.add(ProblemCode::ZipFeature, &place, message);
        }
        None => {}
    }
    let directory_end = end.directory_offset().saturating_add(end.directory_size());
    if directory_end != end.directory_end() {
        let message = format!(
            "the central directory should end at byte {directory_end}, what follows it stands at byte {}: bytes were put before or between, or there are two archives in one",
            end.directory_end()
        );
        problems.add(ProblemCode::ZipLayout, &place, message);
    }
    let size = end.directory_size();
    let Some(length) = usize::try_from(size).ok().filter(|length| *length <= LARGEST_DIRECTORY) else {
        let message = format!("a central directory of {size} bytes is larger than that of any package");
        problems.add(ProblemCode::ZipSize, &place, message);
        return Ok(None);
    };
    let Some(bytes) = source.bytes(end.directory_offset(), length)? else {
        problems.add(
            ProblemCode::ZipDirectory,
            &place,
            "there is no central directory where the end record says",
        );
        return Ok(None);
    };
    let mut entries = Vec::new();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let position = directory_end - rest.len() as u64;
        let Some((entry, after)) = read_entry(rest, problems) else {
            let message =
                "here should be an entry of the central directory: the archive was altered, or is incomplete";
            problems.add(ProblemCode::ZipDirectory, format!("byte {position}"), message);
            return Ok(None);
        };
        entries.push(entry);
        rest = after;
    }
    if entries.len() as u64 != end.entries() {
        let message = format!("the end record counts {} members, there are {}", end.entries(), entries.len());
        problems.add(ProblemCode::ZipEndRecord, &place, message);
    }
    let needed = entries.iter().map(|entry| entry.needed).max().unwrap_or(VERSION_STORED);
    if end.zip64.as_ref().is_some_and(|zip64| (zip64.made_by, zip64.needed) != (needed, needed)) {
        let message = format!("the versions in the zip64 record are not {needed}, as its members demand");
        problems.add(ProblemCode::ZipHeader, &place, message);
    }
    Ok(Some(entries))
}

fn read_entry<'a>(bytes: &'a [u8], problems: &mut Problems) -> Option<(CentralEntry, &'a [u8])> {
    let (header, rest) = bytes.split_at_checked(CentralEntry::LENGTH)?;
    let mut fields = Fields(header);
    if fields.u32() != CentralEntry::SIGNATURE {
        return None;
    }
    let made_by = fields.u16();
    let mut entry = CentralEntry {
        needed: fields.u16(),
        flags: fields.u16(),
        method: fields.u16(),
        time: fields.u16(),
        date: fields.u16(),
        crc32: fields.u32(),
        compressed: fields.u32(),
        size: fields.u32(),
        name: Vec::new(),
        usable: true,
        offset: 0,
    };
    let (name, extra, comment) = (fields.u16(), fields.u16(), fields.u16());
    let (disk, internal, external) = (fields.u16(), fields.u16(), fields.u32());
    let offset = fields.u32();
    let (name, rest) = rest.split_at_checked(name.into())?;
    let (extra, rest) = rest.split_at_checked(extra.into())?;
    let (comment, rest) = rest.split_at_checked(comment.into())?;
    name.clone_into(&mut entry.name);
    let large = zip64::offset(offset, Fields(extra));
    entry.offset = large.unwrap_or(offset.into());
    let has_extra = !extra.is_empty() && large.is_none();
    check_features(&mut entry, has_extra, !comment.is_empty(), problems);
    let expected_version = if entry.method == STORED { VERSION_STORED } else { VERSION_DEFLATED };
    let header = [
        ("version made by", u32::from(made_by), u32::from(MADE_BY_UNIX | expected_version)),
        ("version needed", entry.needed.into(), expected_version.into()),
        ("time", entry.time.into(), TIME.into()),
        ("date", entry.date.into(), DATE.into()),
        ("disk", disk.into(), 0),
        ("internal attributes", internal.into(), 0),
        ("external attributes", external, ATTRIBUTES),
    ];
    for (field, found, expected) in header.into_iter().filter(|(_, found, expected)| found != expected) {
        let message = format!(
            "the field {field:?} is {found:#x}, proofpack writes {expected:#x}: the archive was altered or packed again"
        );
        problems.add(ProblemCode::ZipHeader, entry.place(), message);
    }
    Some((entry, rest))
}

fn check_features(entry: &mut CentralEntry, has_extra: bool, has_comment: bool, problems: &mut Problems) {
    let zip64 = entry.compressed == u32::MAX || entry.size == u32::MAX;
    let unknown = entry.method != STORED && entry.method != DEFLATED;
    let features = [
        (entry.flags & FLAG_ENCRYPTED != 0, "is encrypted"),
        (entry.flags & FLAG_DESCRIPTOR != 0, "has a data descriptor"),
        (entry.flags & !(FLAG_ENCRYPTED | FLAG_DESCRIPTOR) != 0, "has general purpose flags"),
        (unknown, "is compressed by a method other than deflate"),
        (has_extra, "has extra fields"),
        (has_comment, "has a comment"),
        (zip64, "has sizes of zip64"),
    ];
    for (_, what) in features.into_iter().filter(|(found, _)| *found) {
        let message =
            format!("the member {what}: proofpack writes none such; the archive was altered or packed again");
        problems.add(ProblemCode::ZipFeature, entry.place(), message);
    }
    let sizes = u64::from(entry.size) <= layout::LARGEST_MEMBER
        && layout::ratio_allowed(entry.size.into(), entry.compressed.into());
    entry.usable = entry.flags & FLAG_ENCRYPTED == 0 && !unknown && !zip64 && sizes;
}

/// Checks the local header of `entry`, which should stand at `expected`. Gives the byte after the member's
/// data, or `None` where no data can be located.
pub(super) fn check_local(
    source: &Source,
    end: &EndRecord,
    entry: &CentralEntry,
    expected: u64,
    problems: &mut Problems,
) -> io::Result<Option<u64>> {
    let offset = entry.offset;
    if offset != expected {
        let message = format!(
            "the member begins at byte {offset}, the one before it ends at byte {expected}: members overlap, or bytes between them belong to nothing"
        );
        problems.add(ProblemCode::ZipLayout, entry.place(), message);
    }
    let header = source.bytes(offset, LOCAL_LENGTH)?;
    let Some(header) = header.filter(|bytes| bytes.starts_with(&LOCAL_SIGNATURE.to_le_bytes())) else {
        let message =
            format!("there is no local header at byte {offset}: the archive was altered, or is incomplete");
        problems.add(ProblemCode::ZipDirectory, entry.place(), message);
        return Ok(None);
    };
    let mut fields = Fields(&header[4..]);
    let numbers = [
        ("version needed", u32::from(fields.u16()), u32::from(entry.needed)),
        ("flags", fields.u16().into(), entry.flags.into()),
        ("method", fields.u16().into(), entry.method.into()),
        ("time", fields.u16().into(), entry.time.into()),
        ("date", fields.u16().into(), entry.date.into()),
        ("CRC-32", fields.u32(), entry.crc32),
        ("compressed size", fields.u32(), entry.compressed),
        ("size", fields.u32(), entry.size),
    ];
    for (field, local, central) in numbers.into_iter().filter(|(_, local, central)| local != central) {
        let message = format!(
            "the field {field:?} is {local:#x} in the local header and {central:#x} in the central directory: programs would read different things"
        );
        problems.add(ProblemCode::ZipMismatch, entry.place(), message);
    }
    let (name_length, extra_length) = (fields.u16(), fields.u16());
    let name = source.bytes(offset.saturating_add(LOCAL_LENGTH as u64), name_length.into())?;
    if name.as_ref() != Some(&entry.name) {
        let shown = harmless(&String::from_utf8_lossy(&name.unwrap_or_default()), 300);
        let message =
            format!("the local header names the member {shown:?}: programs would unpack different files");
        problems.add(ProblemCode::ZipMismatch, entry.place(), message);
    }
    if extra_length != 0 {
        let message = "the local header has extra fields: proofpack writes none; the archive was altered or packed again";
        problems.add(ProblemCode::ZipFeature, entry.place(), message);
    }
    let stop = entry.data_start().saturating_add(entry.compressed.into());
    if stop > end.directory_offset() {
        let message =
            "the member's data runs into the central directory: the archive was altered, or is incomplete";
        problems.add(ProblemCode::ZipLayout, entry.place(), message);
        return Ok(None);
    }
    Ok(Some(stop))
}
