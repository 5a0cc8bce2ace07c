//! Going through a JSON text from one bracket, colon or comma to the next.

use super::marks::{BLOCK, Carry, Marks};

/// Levels of nesting at most: what is nested deeper, parsers of JSON refuse.
pub(super) const DEEPEST: usize = 127;

/// A place in a JSON text. Strings are passed over; that what lies between is JSON is left to others.
pub(super) struct Cursor<'t> {
    text: &'t [u8],
    /// Where the block begins that the marks are of.
    block: usize,
    /// Where the next block begins.
    next: usize,
    marks: Marks,
    carry: Carry,
    /// How many brackets are open.
    depth: usize,
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
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self { text, block: 0, next: 0, marks: Marks::default(), carry: Carry::default(), depth: 0 }
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
        self.block = self.next;
        self.next += BLOCK;
        self.marks = match rest.first_chunk::<BLOCK>() {
            Some(block) => self.carry.outside(block),
            None => {
                let mut block = [b' '; BLOCK];
                block[..rest.len()].copy_from_slice(rest);
                self.carry.outside(&block)
            }
        };
        Ok(true)
    }
}
