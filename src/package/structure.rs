//! The structure of a package's zip: local headers, central directory and end record, checked field by
//! field. Zip readers disagree about duplicate names, contradicting headers, bytes between members and
//! bytes around the archive; here, what proofpack does not write is a problem, and all of them are reported.

mod directory;
mod names;
mod zip64;

use std::collections::BTreeMap;
use std::io::{self, Read};

use self::directory::{CentralEntry, EndRecord};
use super::layout;
use super::source::Source;
use crate::canonical;
use crate::model::{ProblemCode, Problems};

/// A member whose data can be located.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Where its data begins.
    pub start: u64,
    /// Length of its data in the archive.
    pub compressed: u64,
    /// Length of its contents.
    pub size: u64,
    /// CRC-32 of its contents.
    pub crc32: u32,
    /// Deflated; otherwise stored as it is.
    pub deflated: bool,
}

/// Checks the structure of the archive in `source`: the members that can be located, by name, and
/// everything that is wrong. The members' data is checked when it is read.
///
/// # Errors
/// When the bytes cannot be read.
pub fn inspect(source: &Source) -> io::Result<(BTreeMap<String, Member>, Problems)> {
    let mut problems = Problems::default();
    let mut members = BTreeMap::new();
    if source.length() > layout::LARGEST_ARCHIVE {
        let message = format!("{} bytes are more than a package can have", source.length());
        problems.add(ProblemCode::ZipSize, "the archive", message);
        return Ok((members, problems));
    }
    let Some(end) = find_end(source, &mut problems)? else { return Ok((members, problems)) };
    check_comment(source, &end, &mut problems)?;
    let Some(entries) = directory::read(source, &end, &mut problems)? else { return Ok((members, problems)) };
    names::check(&entries, &mut problems);
    check_sizes(&entries, &mut problems);
    let mut expected = 0;
    for entry in &entries {
        let next = directory::check_local(source, &end, entry, expected, &mut problems)?;
        expected = next.unwrap_or(expected);
        let usable = entry.usable && names::fault(&entry.name).is_none() && next.is_some();
        if let (true, Ok(name)) = (usable, str::from_utf8(&entry.name)) {
            members.entry(name.to_owned()).or_insert_with(|| entry.member());
        }
    }
    if expected != end.directory_offset() {
        let message = format!(
            "the members end at byte {expected}, but the central directory begins at byte {}: there are bytes between that belong to nothing, or members overlap",
            end.directory_offset()
        );
        problems.add(ProblemCode::ZipLayout, "the archive", message);
    }
    Ok((members, problems))
}

/// Finds the end record: where it belongs, or else the last place that looks like one.
fn find_end(source: &Source, problems: &mut Problems) -> io::Result<Option<EndRecord>> {
    let length = source.length();
    let regular = (EndRecord::LENGTH + layout::COMMENT_LENGTH) as u64;
    if let Some(position) = length.checked_sub(regular)
        && let Some(end) = EndRecord::read(source, position)?
        && usize::from(end.comment_length) == layout::COMMENT_LENGTH
    {
        return Ok(Some(end));
    }
    let searched = 2 * u64::from(u16::MAX);
    let start = length.saturating_sub(searched);
    let mut tail = Vec::new();
    source.section(start, length).read_to_end(&mut tail)?;
    let signature = EndRecord::SIGNATURE.to_le_bytes();
    for index in
        (0..tail.len().saturating_sub(3)).rev().filter(|index| tail[*index..].starts_with(&signature))
    {
        let position = start + index as u64;
        let Some(end) = EndRecord::read(source, position)? else { continue };
        let stops = position + EndRecord::LENGTH as u64 + u64::from(end.comment_length);
        if stops < length {
            let message =
                format!("{} bytes follow the end of the archive: they were appended", length - stops);
            problems.add(ProblemCode::ZipTrailingBytes, format!("byte {stops}"), message);
        } else if stops > length {
            let message = "the archive comment is cut off: the file is incomplete, get it again";
            problems.add(ProblemCode::ZipEndRecord, format!("byte {position}"), message);
        }
        return Ok(Some(end));
    }
    let message = "there is no end record: this is no zip archive, or the file is incomplete: get it again";
    problems.add(ProblemCode::ZipEndRecord, "the archive", message);
    Ok(None)
}

/// The comment holds the digest of every byte before the end record, so that a change is found even where it
/// does not alter any member's contents (many compressed forms stand for the same contents).
fn check_comment(source: &Source, end: &EndRecord, problems: &mut Problems) -> io::Result<()> {
    let start = end.position + EndRecord::LENGTH as u64;
    let mut comment = Vec::new();
    source.section(start, start + u64::from(end.comment_length)).read_to_end(&mut comment)?;
    let stated = str::from_utf8(&comment)
        .ok()
        .and_then(|text| text.strip_prefix(layout::COMMENT_PREFIX))
        .and_then(|digits| digits.parse().ok());
    let place = format!("byte {start}");
    let Some(stated) = stated else {
        let message = format!(
            "the archive comment is not {:?} and 64 digits: the archive was not written by proofpack, or packed again",
            layout::COMMENT_PREFIX
        );
        problems.add(ProblemCode::ZipComment, place, message);
        return Ok(());
    };
    let (digest, _) = canonical::sha256_reader(&mut source.section(0, end.position))?;
    if digest != stated {
        let message = format!(
            "the archive comment says that the archive's SHA-256 is {stated}, it is {digest}: bytes of the archive were altered"
        );
        problems.add(ProblemCode::ZipDigest, place, message);
    }
    Ok(())
}

fn check_sizes(entries: &[CentralEntry], problems: &mut Problems) {
    let mut total = 0_u64;
    for entry in entries {
        let (size, compressed) = (u64::from(entry.size), u64::from(entry.compressed));
        total += size;
        if size > layout::LARGEST_MEMBER {
            let message = format!("{size} bytes are more than a member can have");
            problems.add(ProblemCode::ZipSize, entry.place(), message);
        }
        if !layout::ratio_allowed(size, compressed) {
            let message = format!(
                "{compressed} bytes that expand to {size} are a decompression bomb: it is not opened"
            );
            problems.add(ProblemCode::ZipSize, entry.place(), message);
        }
    }
    if total > layout::LARGEST_TOTAL {
        let message = format!("the members expand to {total} bytes: more than a package can have");
        problems.add(ProblemCode::ZipSize, "the archive", message);
    }
}
