//! The records of zip64 (APPNOTE 4.3.14, 4.3.15, 4.5.3): where there are too many members, or too many bytes, for the fields of a zip.
//! They are there when they are needed, and say what the zip library that writes packages makes them say.

use std::io;

use super::directory::{EndRecord, Fields};
use crate::model::{ProblemCode, Problems};
use crate::package::source::Source;

/// What stands in a field of 16 bits whose value does not fit.
const FULL_16: u64 = u16::MAX as u64;
/// What stands in a field of 32 bits whose value does not fit.
const FULL_32: u64 = u32::MAX as u64;

const LOCATOR_SIGNATURE: u32 = 0x0706_4b50;
const LOCATOR_LENGTH: u64 = 20;
const RECORD_SIGNATURE: u32 = 0x0606_4b50;
const RECORD_LENGTH: u64 = 56;
/// What the record states as its length: without its first two fields.
const STATED_LENGTH: u64 = 44;
/// Id of the extra field.
const EXTRA_ID: u16 = 1;
/// Length of the extra field with its head, in bytes.
pub(super) const EXTRA_LENGTH: usize = 12;

/// The end of central directory record of zip64, and the locator that stands between it and the end record.
#[derive(Debug)]
pub(super) struct Zip64 {
    /// Where it begins: the central directory ends there.
    pub(super) position: u64,
    locator: (u32, u64, u32),
    stated_length: u64,
    pub(super) made_by: u16,
    pub(super) needed: u16,
    disks: (u32, u32),
    entries_here: u64,
    pub(super) entries: u64,
    pub(super) directory_size: u64,
    pub(super) directory_offset: u64,
}

impl Zip64 {
    /// The records before the end record at `end`, if they are there.
    pub(super) fn read(source: &Source, end: u64) -> io::Result<Option<Self>> {
        let Some(position) = end.checked_sub(LOCATOR_LENGTH + RECORD_LENGTH) else { return Ok(None) };
        let Some(bytes) = source.bytes(position, (RECORD_LENGTH + LOCATOR_LENGTH) as usize)? else {
            return Ok(None);
        };
        let (record, locator) = bytes.split_at(RECORD_LENGTH as usize);
        let (mut record, mut locator) = (Fields(record), Fields(locator));
        if record.u32() != RECORD_SIGNATURE || locator.u32() != LOCATOR_SIGNATURE {
            return Ok(None);
        }
        Ok(Some(Self {
            position,
            locator: (locator.u32(), locator.u64(), locator.u32()),
            stated_length: record.u64(),
            made_by: record.u16(),
            needed: record.u16(),
            disks: (record.u32(), record.u32()),
            entries_here: record.u64(),
            entries: record.u64(),
            directory_size: record.u64(),
            directory_offset: record.u64(),
        }))
    }

    /// Holds the records against each other, against the end record, and against what makes them necessary.
    pub(super) fn check(&self, end: &EndRecord, problems: &mut Problems) {
        let place = format!("byte {}", self.position);
        if self.locator != (0, self.position, 1) || self.stated_length != STATED_LENGTH {
            let message = "the zip64 records do not point to each other as proofpack writes them: the archive was altered";
            problems.add(ProblemCode::ZipEndRecord, &place, message);
        }
        if self.disks != (0, 0) || self.entries_here != self.entries {
            problems.add(ProblemCode::ZipEndRecord, &place, "the archive claims to span several disks");
        }
        let clamped = (
            u64::from(end.entries_16) == self.entries.min(FULL_16),
            u64::from(end.size_32) == FULL_32,
            u64::from(end.offset_32) == self.directory_offset.min(FULL_32),
        );
        if clamped != (true, true, true) {
            let message = "the end record and that of zip64 contradict each other: programs would read different archives";
            problems.add(ProblemCode::ZipMismatch, &place, message);
        }
        if self.entries <= FULL_16 && self.directory_size.max(self.directory_offset) <= FULL_32 {
            let message = "the archive is zip64 and need not be: proofpack writes none such";
            problems.add(ProblemCode::ZipFeature, &place, message);
        }
    }
}

/// The offset of a member, out of the extra field of its entry in the central directory: where the field that it should stand in is
/// full, and it does not fit there.
pub(super) fn offset(field: u32, mut extra: Fields<'_>) -> Option<u64> {
    let is_whole = extra.0.len() == EXTRA_LENGTH && extra.u16() == EXTRA_ID && extra.u16() == 8;
    let offset = extra.u64();
    (is_whole && u64::from(field) == FULL_32 && offset >= FULL_32).then_some(offset)
}
