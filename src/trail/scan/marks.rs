//! Where the structure of a JSON text stands: 64 bytes at a time, as bit masks.

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, u8x64};

/// Bytes of a block.
pub(super) const BLOCK: usize = 64;

/// A bit per byte of a block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// `"`.
    quotes: u64,
    /// `\`.
    pub(super) backslashes: u64,
    /// `{` and `[`.
    pub(super) opening: u64,
    /// `}` and `]`.
    pub(super) closing: u64,
    /// `:` and `,`.
    pub(super) separators: u64,
    /// Bytes that a string which is looked for begins with; of [`Carry::outside`], only those behind a quote.
    pub(super) begins: u64,
}

/// What of one block bears on the next one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Carry {
    /// All ones inside of a string.
    in_string: u64,
    /// One where the next byte is escaped.
    escaped: u64,
    /// One where the next byte stands behind a quote.
    quoted: u64,
    /// Whether there was a backslash outside of strings: no JSON has one.
    pub(super) is_broken: bool,
}

impl Carry {
    /// Whether a string is open.
    pub(super) fn is_in_string(self) -> bool {
        self.in_string != 0
    }

    /// Of the marks of the next block those that stand outside of strings.
    #[inline]
    pub(super) fn outside(&mut self, marks: &Marks) -> Marks {
        let escaped = self.escaped_in(marks.backslashes);
        let in_string = until_next(marks.quotes & !escaped) ^ self.in_string;
        self.in_string = 0_u64.wrapping_sub(in_string >> 63);
        self.is_broken |= marks.backslashes & !in_string != 0;
        Marks {
            opening: marks.opening & !in_string,
            closing: marks.closing & !in_string,
            separators: marks.separators & !in_string,
            begins: marks.begins
                & (marks.quotes << 1 | std::mem::replace(&mut self.quoted, marks.quotes >> 63)),
            ..*marks
        }
    }

    /// Bytes that a backslash stands before which is not escaped itself. Runs of backslashes are told apart by
    /// whether they begin at an even or an odd place: an addition carries through each run to its end.
    #[inline]
    fn escaped_in(&mut self, backslashes: u64) -> u64 {
        const EVEN: u64 = 0x5555_5555_5555_5555;
        if backslashes == 0 {
            return std::mem::take(&mut self.escaped);
        }
        let backslashes = backslashes & !self.escaped;
        let following = backslashes << 1 | self.escaped;
        let odd_starts = backslashes & !EVEN & !following;
        let (ends, beyond) = odd_starts.overflowing_add(backslashes);
        self.escaped = u64::from(beyond);
        (EVEN ^ (ends << 1)) & following
    }
}

/// Ones from each odd bit that is set (the first, the third, ...) up to the one before the next that is set.
#[inline]
fn until_next(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// Finds the marks of blocks, with what the processor offers.
#[derive(Debug, Clone)]
pub(super) struct Finder {
    level: Level,
    /// Bytes that a string which is looked for begins with.
    beginnings: Vec<u8>,
}

impl Finder {
    pub(super) fn new(beginnings: Vec<u8>) -> Self {
        Self { level: Level::new(), beginnings }
    }

    /// The marks of as many blocks as both have place for, inside of strings or not, and whether all bytes are ASCII.
    pub(super) fn find(&self, blocks: &[[u8; BLOCK]], marks: &mut [Marks]) -> bool {
        dispatch!(self.level, simd => find(simd, blocks, &self.beginnings, marks))
    }
}

#[inline(always)] // so that it is compiled for the processor's instructions
fn find<S: Simd>(simd: S, blocks: &[[u8; BLOCK]], beginnings: &[u8], marks: &mut [Marks]) -> bool {
    let mut all = u8x64::splat(simd, 0);
    for (block, marks) in blocks.iter().zip(marks) {
        let bytes = u8x64::from_slice(simd, block);
        all |= bytes;
        let is = |byte: u8| bytes.simd_eq(u8x64::splat(simd, byte));
        // `[` and `{`, `]` and `}` differ in this bit only.
        let folded = bytes | u8x64::splat(simd, 0x20);
        let bracket = |byte: u8| folded.simd_eq(u8x64::splat(simd, byte)).to_bitmask();
        let mut begins = 0;
        for byte in beginnings {
            begins |= is(*byte).to_bitmask();
        }
        *marks = Marks {
            quotes: is(b'"').to_bitmask(),
            backslashes: is(b'\\').to_bitmask(),
            opening: bracket(b'{'),
            closing: bracket(b'}'),
            separators: (is(b':') | is(b',')).to_bitmask(),
            begins,
        };
    }
    all.simd_lt(u8x64::splat(simd, 0x80)).all_true()
}

#[cfg(test)]
fn find_one_by_one(block: &[u8; BLOCK]) -> Marks {
    let bits =
        |is: fn(u8) -> bool| block.iter().rev().fold(0_u64, |bits, byte| bits << 1 | u64::from(is(*byte)));
    Marks {
        quotes: bits(|byte| byte == b'"'),
        backslashes: bits(|byte| byte == b'\\'),
        opening: bits(|byte| byte | 0x20 == b'{'),
        closing: bits(|byte| byte | 0x20 == b'}'),
        separators: bits(|byte| byte == b':' || byte == b','),
        begins: bits(|byte| byte == b'a' || byte == b','),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_beyond_ascii_are_told() {
        for at in [0, 31, BLOCK - 1] {
            let mut block = [b' '; BLOCK];
            block[at] = 0x80;
            assert!(
                !Finder::new(Vec::new()).find(&[block, [0x7f; BLOCK]], &mut [Marks::default(); 2]),
                "{at}"
            );
        }
    }

    /// What stands outside of strings, byte by byte.
    fn slowly(text: &[u8]) -> Vec<usize> {
        let (mut in_string, mut escaped, mut found) = (false, false, Vec::new());
        for (at, byte) in text.iter().enumerate() {
            match (in_string, escaped, byte) {
                (true, true, _) => escaped = false,
                (true, false, b'\\') => escaped = true,
                (_, _, b'"') => in_string = !in_string,
                (false, _, b'{' | b'[' | b'}' | b']' | b':' | b',') => found.push(at),
                _ => {}
            }
        }
        found
    }

    proptest! {
        #[test]
        fn marks_are_those_outside_of_strings(text in "([{}:,a\\[\\] ]|\"([a{}:,]|\\\\[\"\\\\u]){0,40}\"){0,40}") {
            let mut carry = Carry::default();
            let mut found = Vec::new();
            for (number, chunk) in text.as_bytes().chunks(BLOCK).enumerate() {
                let mut block = [b' '; BLOCK];
                block[..chunk.len()].copy_from_slice(chunk);
                let mut all = [Marks::default()];
                prop_assert!(Finder::new(vec![b'a', b',']).find(&[block], &mut all));
                prop_assert_eq!(all, [find_one_by_one(&block)]);
                let marks = carry.outside(&all[0]);
                let all = marks.opening | marks.closing | marks.separators;
                found.extend((0..BLOCK).filter(|bit| all >> bit & 1 == 1).map(|bit| number * BLOCK + bit));
            }
            prop_assert_eq!(found, slowly(text.as_bytes()), "{}", text);
            prop_assert!(!carry.is_in_string() && !carry.is_broken);
        }
    }
}
