//! The records of a zip (APPNOTE 4.3): end record, central directory, local headers.

use std::io;

use super::Member;
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
const LARGEST_DIRECTORY: usize = layout::MOST_MEMBERS * (CentralEntry::LENGTH + layout::LONGEST_NAME);
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
const FLAG_ENCRYPTED: u16 = 1;
const FLAG_DESCRIPTOR: u16 = 1 << 3;
const ZIP64: &str = "is zip64, which proofpack does not write";

/// Little-endian fields, one after the other.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn u16(&mut self) -> u16 {
        let (field, rest) = self.0.split_first_chunk().unwrap_or((&[0; 2], &[]));
        self.0 = rest;
        u16::from_le_bytes(*field)
    }

    fn u32(&mut self) -> u32 {
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
    pub(super) entries: u16,
    pub(super) directory_size: u32,
    pub(super) directory_offset: u32,
    pub(super) comment_length: u16,
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
        Ok(Some(Self {
            position,
            disk: fields.u16(),
            directory_disk: fields.u16(),
            entries_here: fields.u16(),
            entries: fields.u16(),
            directory_size: fields.u32(),
            directory_offset: fields.u32(),
            comment_length: fields.u16(),
        }))
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
    offset: u32,
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
        u64::from(self.offset) + LOCAL_LENGTH as u64 + self.name.len() as u64
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
    if end.disk != 0 || end.directory_disk != 0 || end.entries_here != end.entries {
        problems.add(ProblemCode::ZipEndRecord, &place, "the archive claims to span several disks");
    }
    if end.entries == u16::MAX || end.directory_size == u32::MAX || end.directory_offset == u32::MAX {
        problems.add(ProblemCode::ZipFeature, &place, format!("the archive {ZIP64}"));
    }
    let directory_end = u64::from(end.directory_offset) + u64::from(end.directory_size);
    if directory_end != end.position {
        let message = format!(
            "the central directory should end at byte {directory_end}, the end record stands at byte {}: bytes were put before or between, or there are two archives in one",
            end.position
        );
        problems.add(ProblemCode::ZipLayout, &place, message);
    }
    let length = end.directory_size as usize;
    if length > LARGEST_DIRECTORY {
        let message = format!("a central directory of {length} bytes is larger than that of any package");
        problems.add(ProblemCode::ZipSize, &place, message);
        return Ok(None);
    }
    let Some(bytes) = source.bytes(end.directory_offset.into(), length)? else {
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
    if entries.len() != usize::from(end.entries) {
        let message = format!("the end record counts {} members, there are {}", end.entries, entries.len());
        problems.add(ProblemCode::ZipEndRecord, &place, message);
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
    entry.offset = fields.u32();
    let (name, rest) = rest.split_at_checked(name.into())?;
    let (_, rest) = rest.split_at_checked(usize::from(extra) + usize::from(comment))?;
    name.clone_into(&mut entry.name);
    check_features(&mut entry, extra, comment, problems);
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

fn check_features(entry: &mut CentralEntry, extra: u16, comment: u16, problems: &mut Problems) {
    let zip64 = entry.compressed == u32::MAX || entry.size == u32::MAX || entry.offset == u32::MAX;
    let unknown = entry.method != STORED && entry.method != DEFLATED;
    let features = [
        (entry.flags & FLAG_ENCRYPTED != 0, "is encrypted"),
        (entry.flags & FLAG_DESCRIPTOR != 0, "has a data descriptor"),
        (entry.flags & !(FLAG_ENCRYPTED | FLAG_DESCRIPTOR) != 0, "has general purpose flags"),
        (unknown, "is compressed by a method other than deflate"),
        (extra != 0, "has extra fields"),
        (comment != 0, "has a comment"),
        (zip64, ZIP64),
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
    let offset = u64::from(entry.offset);
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
    let name = source.bytes(offset + LOCAL_LENGTH as u64, name_length.into())?;
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
    let stop = entry.data_start() + u64::from(entry.compressed);
    if stop > u64::from(end.directory_offset) {
        let message =
            "the member's data runs into the central directory: the archive was altered, or is incomplete";
        problems.add(ProblemCode::ZipLayout, entry.place(), message);
        return Ok(None);
    }
    Ok(Some(stop))
}
