//! The one place that makes foreign text safe to print.
//!
//! Everything that comes from AWS, from logs or from people ends up in the report as a visible, unambiguous
//! text. PDF/A makes a character without a glyph an error, which would let one odd tag value stop the whole
//! report; and characters that reorder or hide text would let one deceive its reader. So only characters
//! that stand for themselves are printed, left to right, one glyph each; every other one is written out as
//! `⟨U+202E⟩`. The brackets themselves are escaped too, so that no text can pretend to be an escape.

use serde_json::Value;

use super::world::Fonts;

/// The most characters that are printed of one value.
const LONGEST_VALUE: usize = 1_500;

/// An unbroken run of characters longer than this gets places where its line may be broken.
const LONGEST_UNBROKEN_RUN: usize = 18;

/// Where a long run holds none of [`BREAK_AFTER`], it may be broken after this many characters.
const LONGEST_PIECE: usize = 14;

/// A run is not broken sooner than after this many: each piece costs memory, thousands of them much.
const SHORTEST_PIECE: usize = 6;

/// Characters after which an identifier breaks well.
const BREAK_AFTER: &[char] = &[':', '/', '.', '_', '-', '=', ',', ';', '@', '&', '⟩'];

/// Characters that no line begins with (UAX #14, rules LB13 and LB19): before them a piece's end would be none.
const NEVER_FIRST: &[char] = &['.', ',', ':', ';', '!', '?', '/', ')', ']', '}', '⟩', '"', '\''];

/// Ranges of characters that are drawn by one glyph, from left to right, and that nothing hides in. Combining
/// marks, scripts that run from right to left or join their letters, format characters, private use and
/// noncharacters are outside of them.
const PLAIN: &[(char, char)] = &[
    (' ', '~'),
    ('\u{00A1}', '\u{00AC}'),
    ('\u{00AE}', '\u{02FF}'),
    ('\u{0370}', '\u{0482}'),
    ('\u{048A}', '\u{058F}'),
    ('\u{10A0}', '\u{10FF}'),
    ('\u{1D00}', '\u{1DBF}'),
    ('\u{1E00}', '\u{1FFF}'),
    ('\u{2010}', '\u{2027}'),
    ('\u{2030}', '\u{205E}'),
    ('\u{2070}', '\u{20CF}'),
    ('\u{2100}', '\u{27E7}'),
    ('\u{27EA}', '\u{2BFF}'),
    ('\u{2C60}', '\u{2C7F}'),
    ('\u{2E00}', '\u{2E5D}'),
    ('\u{A720}', '\u{A7FF}'),
    ('\u{FFFD}', '\u{FFFD}'),
];

/// Prints foreign text with the characters that the embedded fonts have glyphs for.
#[derive(Clone, Copy)]
pub(super) struct Printer<'a> {
    fonts: &'a Fonts,
}

impl<'a> Printer<'a> {
    /// A printer with these fonts.
    pub(super) fn new(fonts: &'a Fonts) -> Self {
        Self { fonts }
    }

    /// `text` with every character visible, shortened visibly where it is too long.
    pub(super) fn text(&self, text: &str) -> String {
        let mut printed = String::with_capacity(text.len());
        let mut rest = text.chars();
        for character in rest.by_ref().take(LONGEST_VALUE) {
            if self.stands_for_itself(character) {
                printed.push(character);
            } else {
                printed.push_str(&format!("⟨U+{:04X}⟩", u32::from(character)));
            }
        }
        let left = rest.count();
        if left > 0 {
            printed.push_str(&format!(" … [{left} more characters are not printed]"));
        }
        printed
    }

    /// Makes every string inside `value` safe. One with a long unbroken run becomes the list of its pieces,
    /// between which the template lets lines break.
    pub(super) fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => pieces(self.text(&text)),
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.value(item)).collect()),
            Value::Object(members) => {
                Value::Object(members.into_iter().map(|(name, member)| (name, self.value(member))).collect())
            }
            other => other,
        }
    }

    fn stands_for_itself(&self, character: char) -> bool {
        PLAIN.iter().any(|(first, last)| (*first..=*last).contains(&character))
            && (character == ' ' || self.fonts.has_glyph(character))
    }
}

/// A text as it is, or cut up where a long run of it may be broken. A digest stays whole: there is room for
/// it wherever one is printed, and it is printed often.
fn pieces(text: String) -> Value {
    let unbroken = text.split(' ').map(|run| run.chars().count()).max().unwrap_or(0);
    if unbroken <= LONGEST_UNBROKEN_RUN || is_digest(&text) {
        return Value::String(text);
    }
    let mut pieces = Vec::new();
    let mut piece = String::new();
    for (number, run) in text.split(' ').enumerate() {
        if number > 0 {
            piece.push(' ');
        }
        if run.chars().count() <= LONGEST_UNBROKEN_RUN {
            piece.push_str(run);
            continue;
        }
        let mut length = 0;
        let mut rest = run.chars().peekable();
        while let Some(character) = rest.next() {
            piece.push(character);
            length += 1;
            let goes_on = rest.peek().is_some_and(|next| NEVER_FIRST.contains(next));
            let breaks = length >= SHORTEST_PIECE && BREAK_AFTER.contains(&character);
            if (length >= LONGEST_PIECE || breaks) && (!goes_on || length >= 2 * LONGEST_PIECE) {
                pieces.push(Value::String(std::mem::take(&mut piece)));
                length = 0;
            }
        }
    }
    if !piece.is_empty() {
        pieces.push(Value::String(piece));
    }
    Value::Array(pieces)
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::world::fonts;
    use proptest::prelude::*;
    use serde_json::json;

    fn printed(text: &str) -> String {
        Printer::new(fonts().unwrap()).text(text)
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        for text in
            ["phi-archive", "#set text(red) *bold* $x$ `raw` <label> @ref", "Größe Ωмега — “quoted” ≤ 5 €"]
        {
            assert_eq!(printed(text), text);
        }
    }

    #[test]
    fn what_hides_reorders_or_has_no_glyph_is_written_out() {
        let cases = [
            ("a\0b", "a⟨U+0000⟩b"),
            ("pass\nfail\t", "pass⟨U+000A⟩fail⟨U+0009⟩"),
            ("\u{202E}gpj.exe", "⟨U+202E⟩gpj.exe"),
            ("\u{FEFF}x\u{200B}y", "⟨U+FEFF⟩x⟨U+200B⟩y"),
            ("日本", "⟨U+65E5⟩⟨U+672C⟩"),
            ("\u{1F512}", "⟨U+1F512⟩"),
            ("\u{E000}\u{FFFF}\u{10FFFF}", "⟨U+E000⟩⟨U+FFFF⟩⟨U+10FFFF⟩"),
            ("שלום", "⟨U+05E9⟩⟨U+05DC⟩⟨U+05D5⟩⟨U+05DD⟩"),
            ("e\u{301}", "e⟨U+0301⟩"),
            ("no\u{A0}break\u{AD}", "no⟨U+00A0⟩break⟨U+00AD⟩"),
        ];
        for (text, expected) in cases {
            assert_eq!(printed(text), expected);
        }
    }

    #[test]
    fn no_text_can_pretend_to_be_an_escape() {
        assert_eq!(printed("⟨U+202E⟩"), "⟨U+27E8⟩U+202E⟨U+27E9⟩");
    }

    #[test]
    fn a_long_value_is_shortened_visibly() {
        let text = printed(&"x".repeat(LONGEST_VALUE + 7));
        assert!(text.ends_with("x … [7 more characters are not printed]"), "{text}");
    }

    #[test]
    fn long_runs_are_cut_where_they_read_well_and_nothing_is_lost() {
        let printer = Printer::new(fonts().unwrap());
        let arn = "arn:aws:s3:::a-bucket-with-a-very-long-name-indeed/and/a/path";
        let Value::Array(parts) = printer.value(json!(arn)) else { panic!("not cut") };
        assert_eq!(parts.iter().filter_map(Value::as_str).collect::<String>(), arn);
        assert_eq!((&parts[0], &parts[1]), (&json!("arn:aws:"), &json!("s3:::a-")));
        assert!(parts.iter().all(|part| part.as_str().unwrap().chars().count() <= LONGEST_PIECE));
        assert_eq!(printer.value(json!("short words only")), json!("short words only"));
        let mixed = printer.value(json!("some short words and a-run-that-is-too-long"));
        assert_eq!(mixed, json!(["some short words and a-run-", "that-is-", "too-long"]));
        assert_eq!(printer.value(json!({"a": ["\u{202E}", 1, null]})), json!({"a": ["⟨U+202E⟩", 1, null]}));
        let names = printer.value(json!("userIdentity.sessionContext.sessionIssuer"));
        assert_eq!(names, json!(["userIdentity.", "sessionContext.", "sessionIssuer"]));
        let Value::Array(dots) = printer.value(json!(".".repeat(100))) else { panic!("not cut") };
        assert!(dots.iter().all(|part| part.as_str().unwrap().len() <= 2 * LONGEST_PIECE));
        let digest = "a".repeat(64);
        assert_eq!(printer.value(json!(digest)), json!(digest));
    }

    proptest! {
        #[test]
        fn whatever_comes_out_stands_for_itself_and_different_texts_stay_different(a in ".{0,40}", b in ".{0,40}") {
            let fonts = fonts().unwrap();
            let printer = Printer::new(fonts);
            for character in printer.text(&a).chars() {
                prop_assert!(printer.stands_for_itself(character) || matches!(character, '⟨' | '⟩'));
                prop_assert!(character == ' ' || fonts.has_glyph(character));
            }
            prop_assert_eq!(a == b, printer.text(&a) == printer.text(&b));
        }
    }
}
