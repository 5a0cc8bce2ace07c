//! Where the structure of a JSON text stands: 64 bytes at a time, as bit masks.

/// Bytes of a block.
pub(super) const BLOCK: usize = 64;

/// A bit per byte of a block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// `"`.
    quotes: u64,
    /// `\`.
    backslashes: u64,
    /// `{` and `[`.
    pub(super) opening: u64,
    /// `}` and `]`.
    pub(super) closing: u64,
    /// `:` and `,`.
    pub(super) separators: u64,
}

/// What of one block bears on the next one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Carry {
    /// All ones inside of a string.
    in_string: u64,
    /// One where the next byte is escaped.
    escaped: u64,
    /// Whether there was a backslash outside of strings: no JSON has one.
    pub(super) is_broken: bool,
}

impl Carry {
    /// Whether a string is open.
    pub(super) fn is_in_string(self) -> bool {
        self.in_string != 0
    }

    /// The marks of the next block that stand outside of strings.
    pub(super) fn outside(&mut self, block: &[u8; BLOCK]) -> Marks {
        let marks = find(block);
        let escaped = self.escaped_in(marks.backslashes);
        let in_string = until_next(marks.quotes & !escaped) ^ self.in_string;
        self.in_string = 0_u64.wrapping_sub(in_string >> 63);
        self.is_broken |= marks.backslashes & !in_string != 0;
        Marks {
            opening: marks.opening & !in_string,
            closing: marks.closing & !in_string,
            separators: marks.separators & !in_string,
            ..marks
        }
    }

    /// Bytes that a backslash stands before which is not escaped itself. Runs of backslashes are told apart by
    /// whether they begin at an even or an odd place: an addition carries through each run to its end.
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
fn until_next(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// The marks of a block, inside of strings or not: eight bytes at a time, each in its part of a number.
fn find(block: &[u8; BLOCK]) -> Marks {
    let mut marks = Marks::default();
    let (words, _) = block.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // `[` and `{`, `]` and `}` differ in this bit only.
        let folded = word | EACH * 0x20;
        let bits = |equal| gathered(equal) << (8 * index);
        marks.quotes |= bits(equal(word, b'"'));
        marks.opening |= bits(equal(folded, b'{'));
        marks.closing |= bits(equal(folded, b'}'));
        marks.separators |= bits(equal(word, b':') | equal(word, b','));
        let backslashes = equal(word, b'\\');
        if backslashes != 0 {
            marks.backslashes |= bits(backslashes);
        }
    }
    marks
}

/// A one in each byte.
const EACH: u64 = 0x0101_0101_0101_0101;

/// The highest bit of each byte that is `byte`.
#[inline(always)] // so that builds that hardly optimize are fast enough too
fn equal(word: u64, byte: u8) -> u64 {
    const LOW: u64 = EACH * 0x7f;
    let other = word ^ (EACH * u64::from(byte));
    // Adding carries into the highest bit wherever one of the lower ones is set, and never beyond.
    !(((other & LOW) + LOW) | other | LOW)
}

/// The highest bits of the bytes, side by side.
#[inline(always)]
fn gathered(high: u64) -> u64 {
    (high >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
                prop_assert_eq!(find(&block), find_one_by_one(&block));
                let marks = carry.outside(&block);
                let all = marks.opening | marks.closing | marks.separators;
                found.extend((0..BLOCK).filter(|bit| all >> bit & 1 == 1).map(|bit| number * BLOCK + bit));
            }
            prop_assert_eq!(found, slowly(text.as_bytes()), "{}", text);
            prop_assert!(!carry.is_in_string() && !carry.is_broken);
        }
    }
}
