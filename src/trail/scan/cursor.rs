//! Going through a JSON text from one bracket, colon or comma to the next.

use super::marks::{BLOCK, Carry, Finder, Marks};
use super::needles::Needles;

/// Blocks whose marks are found at once.
const AT_ONCE: usize = 32;

/// Levels of nesting at most: what is nested deeper, parsers of JSON refuse.
pub(super) const DEEPEST: usize = 127;

/// A place in a JSON text. Strings are passed over; that what lies between is JSON is left to others.
pub(super) struct Cursor<'t> {
    text: &'t [u8],
    finder: &'t Finder,
    /// The marks of the `many_ahead` blocks from `first_ahead` on.
    ahead: [Marks; AT_ONCE],
    first_ahead: usize,
    many_ahead: usize,
    /// Whether all that was looked at is ASCII.
    is_ascii: bool,
    /// Where the block begins that the marks are of.
    block: usize,
    /// Where the next block begins.
    next: usize,
    marks: Marks,
    carry: Carry,
    /// How many brackets are open.
    depth: usize,
    /// What is looked for, if anything is.
    needles: Option<&'t Needles>,
    /// Where needles begin in the block.
    found: u64,
    /// Where one began last, in the blocks before.
    found_before: Option<usize>,
}

/// A bracket, colon or comma outside of strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// Where, in bytes of the text.
    pub(super) at: usize,
    /// Which.
    pub(super) byte: u8,
}

/// Something that no JSON has: a string that does not end, a backslash outside of one, brackets that do not match in
/// number, or too many within each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken(pub(super) &'static str);

impl<'t> Cursor<'t> {
    /// The beginning of a text, or a place in it that lies outside of strings and where `depth` brackets are open.
    pub(super) fn new(
        text: &'t [u8],
        place: usize,
        depth: usize,
        finder: &'t Finder,
        needles: Option<&'t Needles>,
    ) -> Self {
        Self {
            text,
            finder,
            ahead: [Marks::default(); AT_ONCE],
            first_ahead: place,
            many_ahead: 0,
            is_ascii: true,
            block: place,
            next: place,
            marks: Marks::default(),
            carry: Carry::default(),
            depth,
            needles,
            found: 0,
            found_before: None,
        }
    }

    /// The same place anew, without needles.
    pub(super) fn at(&self, place: usize, depth: usize) -> Self {
        Self::new(self.text, place, depth, self.finder, None)
    }

    /// Whether needles are looked for.
    pub(super) fn seeks(&self) -> bool {
        self.needles.is_some()
    }

    /// Whether a needle begins in the text from `start` to `end`, which is the mark that was passed last, or something
    /// that may hide one.
    pub(super) fn has_found(&self, start: usize, end: usize) -> bool {
        let from = start.saturating_sub(self.block);
        let until = end.saturating_sub(self.block).min(BLOCK - 1);
        let here =
            self.found >> from.min(BLOCK - 1) << from.min(BLOCK - 1) & (u64::MAX >> (BLOCK - 1 - until));
        here != 0 || self.found_before.is_some_and(|found| found >= start)
    }

    /// How many brackets are open.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// The next mark; none at the end of the text.
    pub(super) fn next(&mut self) -> Result<Option<Mark>, Broken> {
        loop {
            let all = self.marks.opening | self.marks.closing | self.marks.separators;
            if all == 0 {
                if !self.load()? {
                    return Ok(None);
                }
                continue;
            }
            let bit = all & all.wrapping_neg();
            if self.marks.opening & bit != 0 {
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err(Broken("nested too deeply"));
                }
            } else if self.marks.closing & bit != 0 {
                self.depth = self.depth.checked_sub(1).ok_or(Broken("a bracket too many"))?;
            }
            self.clear(bit);
            let at = self.block + bit.trailing_zeros() as usize;
            return Ok(self.text.get(at).map(|byte| Mark { at, byte: *byte }));
        }
    }

    /// Goes on until only `depth` brackets are open, and says where the one closes with which that is so.
    pub(super) fn leave(&mut self, depth: usize) -> Result<usize, Broken> {
        loop {
            let (opening, closing) = (self.marks.opening, self.marks.closing);
            let (opened, closed) = (opening.count_ones() as usize, closing.count_ones() as usize);
            // As long as too few brackets close, it is enough to count them.
            if self.depth - depth > closed && self.depth + opened <= DEEPEST {
                self.depth = self.depth + opened - closed;
                if !self.load()? {
                    return Err(Broken("a bracket is not closed"));
                }
                continue;
            }
            let both = opening | closing;
            if both == 0 {
                if !self.load()? {
                    return Err(Broken("a bracket is not closed"));
                }
                continue;
            }
            let bit = both & both.wrapping_neg();
            self.clear(bit);
            if opening & bit != 0 {
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err(Broken("nested too deeply"));
                }
            } else {
                self.depth -= 1;
                if self.depth == depth {
                    return Ok(self.block + bit.trailing_zeros() as usize);
                }
            }
        }
    }

    /// Forgets the mark and all before it.
    fn clear(&mut self, bit: u64) {
        let later = !(bit | (bit - 1));
        self.marks.opening &= later;
        self.marks.closing &= later;
        self.marks.separators &= later;
    }

    /// Looks at the next block; false at the end of the text.
    fn load(&mut self) -> Result<bool, Broken> {
        if self.carry.is_broken {
            return Err(Broken("a backslash outside of a string"));
        }
        let rest = &self.text[self.next.min(self.text.len())..];
        if rest.is_empty() {
            return if self.carry.is_in_string() { Err(Broken("a string does not end")) } else { Ok(false) };
        }
        if self.found != 0 {
            self.found_before = Some(self.block + BLOCK - 1 - self.found.leading_zeros() as usize);
        }
        self.block = self.next;
        self.next += BLOCK;
        let mut number = (self.block - self.first_ahead) / BLOCK;
        if number >= self.many_ahead {
            self.look_ahead(rest);
            number = 0;
        }
        let marks = self.ahead.get(number).copied().unwrap_or_default();
        self.marks = self.carry.outside(&marks);
        self.found = match self.needles {
            Some(needles) => found_in(self.text, self.block, &self.marks, needles),
            None => 0,
        };
        Ok(true)
    }

    /// Finds the marks of the next blocks.
    fn look_ahead(&mut self, rest: &[u8]) {
        let (blocks, end) = rest.as_chunks::<BLOCK>();
        let mut last = [[b' '; BLOCK]];
        let blocks = if blocks.is_empty() {
            last[0][..end.len()].copy_from_slice(end);
            &last
        } else {
            &blocks[..blocks.len().min(AT_ONCE)]
        };
        self.is_ascii &= self.finder.find(blocks, &mut self.ahead);
        (self.first_ahead, self.many_ahead) = (self.block, blocks.len());
    }

    /// Whether all of the text that was gone through is ASCII.
    pub(super) fn is_ascii(&self) -> bool {
        self.is_ascii
    }
}

/// Where needles begin in a block, or escapes that may hide one.
fn found_in(text: &[u8], block: usize, marks: &Marks, needles: &Needles) -> u64 {
    let is_at = |bit: u64, holds: &dyn Fn(&[u8]) -> bool| {
        text.get(block + bit.trailing_zeros() as usize..).is_some_and(holds)
    };
    let chosen = |mut bits: u64, holds: &dyn Fn(&[u8]) -> bool| {
        let mut chosen = 0;
        while bits != 0 {
            let bit = bits & bits.wrapping_neg();
            bits ^= bit;
            chosen |= if is_at(bit, holds) { bit } else { 0 };
        }
        chosen
    };
    let escapes = |rest: &[u8]| rest.get(1) == Some(&b'u');
    chosen(marks.begins, &|rest| needles.is_at(rest)) | chosen(marks.backslashes, &escapes)
}
