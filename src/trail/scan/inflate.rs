//! The text of a log object: decompressed, within bounds.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::MultiGzDecoder;
use libdeflater::{DecompressionError, Decompressor, crc32};
use memchr::{memchr, memmem};

use crate::trail::file::{LARGEST_TEXT, Unreadable};

/// How a member of gzip begins (RFC 1952): its signature, and the only method that there is.
const MEMBER: [u8; 3] = [0x1f, 0x8b, 8];
/// Bytes that a member ends with: the checksum and the length of its text.
const TRAILER: usize = 8;
/// What deflate can make out of a byte, at most.
const MOST_PER_BYTE: usize = 1032;

/// Decompresses one object after the other into the same memory.
pub(in crate::trail) struct Inflater {
    decompressor: Decompressor,
    text: Vec<u8>,
}

impl Inflater {
    pub(in crate::trail) fn new() -> Self {
        Self { decompressor: Decompressor::new(), text: Vec::new() }
    }

    /// The text of an object as stored: gzip in one or more members, or plain; and whether it is known to be one member.
    ///
    /// # Errors
    /// When it is no whole gzip, or decompresses to more than a log file may have.
    pub(in crate::trail) fn text<'a>(
        &'a mut self,
        stored: &'a [u8],
    ) -> Result<(Cow<'a, [u8]>, bool), Unreadable> {
        if !stored.starts_with(&MEMBER[..2]) {
            return Ok((Cow::Borrowed(stored), false));
        }
        // The fast decompressor does not say where a member ends. Where no other can begin, it need not.
        if memmem::find(&stored[1..], &MEMBER).is_some() {
            return several_members(stored).map(|text| (Cow::Owned(text), false));
        }
        let length = self.single_member(stored)?;
        Ok((Cow::Borrowed(&self.text[..length]), true))
    }

    fn single_member(&mut self, stored: &[u8]) -> Result<usize, Unreadable> {
        let broken = |what: &str| Unreadable::new("LogObjectBrokenGzip", what);
        let cut = || broken("it ends within its header or its trailer");
        let (rest, trailer) = stored.split_last_chunk::<TRAILER>().ok_or_else(cut)?;
        let deflated = behind_header(rest).ok_or_else(cut)?;
        let [c0, c1, c2, c3, l0, l1, l2, l3] = *trailer;
        let (checksum, stated) = (u32::from_le_bytes([c0, c1, c2, c3]), u32::from_le_bytes([l0, l1, l2, l3]));
        let largest = usize::try_from(LARGEST_TEXT).unwrap_or(usize::MAX);
        // What it says about its length decides how much memory is taken first, no more.
        let possible = stored.len().saturating_mul(MOST_PER_BYTE).min(largest);
        let mut wanted = (stated as usize).clamp(1, possible.max(1));
        loop {
            if self.text.len() < wanted {
                // What was in it is no longer needed, and objects that are a little larger than the one before are common.
                self.text = Vec::new();
                self.text = vec![0; wanted.saturating_add(wanted / 8).min(largest)];
            }
            match self.decompressor.deflate_decompress(deflated, &mut self.text) {
                Ok(length) => {
                    let is_whole = length as u64 & 0xffff_ffff == u64::from(stated)
                        && crc32(&self.text[..length]) == checksum;
                    return if is_whole {
                        Ok(length)
                    } else {
                        Err(broken("damaged, or something stands behind its end"))
                    };
                }
                Err(DecompressionError::BadData) => return Err(broken("damaged or cut off")),
                Err(DecompressionError::InsufficientSpace) if self.text.len() >= possible => {
                    self.text = Vec::new();
                    return Err(too_large());
                }
                Err(DecompressionError::InsufficientSpace) => {
                    wanted = self.text.len().saturating_mul(4).min(possible);
                }
            }
        }
    }
}

/// What stands behind the header of a member (RFC 1952, 2.3); none where the header does not end.
fn behind_header(member: &[u8]) -> Option<&[u8]> {
    const FHCRC: u8 = 2;
    const FEXTRA: u8 = 4;
    const FNAME: u8 = 8;
    const FCOMMENT: u8 = 16;
    let (header, mut rest) = member.split_first_chunk::<10>()?;
    let [_, _, method, flags, ..] = *header;
    if method != MEMBER[2] || flags & !(FHCRC | FEXTRA | FNAME | FCOMMENT | 1) != 0 {
        return None;
    }
    if flags & FEXTRA != 0 {
        let (length, behind) = rest.split_first_chunk::<2>()?;
        rest = behind.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for text in [FNAME, FCOMMENT] {
        if flags & text != 0 {
            rest = rest.get(memchr(0, rest)? + 1..)?;
        }
    }
    if flags & FHCRC != 0 { rest.get(2..) } else { Some(rest) }
}

fn too_large() -> Unreadable {
    Unreadable::new("LogObjectTooLarge", format!("decompresses to more than {LARGEST_TEXT} bytes"))
}

/// One member after the other, by a decompressor that reads on where one ends.
fn several_members(stored: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let mut text = Vec::new();
    MultiGzDecoder::new(stored)
        .take(LARGEST_TEXT + 1)
        .read_to_end(&mut text)
        .map_err(|error| Unreadable::new("LogObjectBrokenGzip", error))?;
    if text.len() as u64 > LARGEST_TEXT { Err(too_large()) } else { Ok(text) }
}
