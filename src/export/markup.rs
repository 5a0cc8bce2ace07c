//! Text for members that hold Markdown, or one line: whatever strangers chose stays text.

use crate::model::harmless;

/// `text` on one line: white space of any sort is one blank, characters that act are shown by their numbers; never empty,
/// and without a blank at either end.
pub(super) fn line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { "(empty)".to_owned() } else { harmless(&text, usize::MAX) }
}

/// `text` as Markdown (CommonMark, as OSCAL has it) that shows exactly its words, on one line.
pub(super) fn markdown(text: &str) -> String {
    let text = line(text);
    let mut escaped = String::with_capacity(text.len());
    for (place, character) in text.char_indices() {
        let before = escaped.chars().last();
        let after = &text[place + character.len_utf8()..];
        let acts = match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '{' | '}' | '&' | '~' | '$' | '^' | '|'
            | '@' => true,
            // What makes headings and lists does so at the start of a line only.
            '#' | '+' | '-' | '=' => place == 0,
            '.' | ')' => text[..place].bytes().all(|byte| byte.is_ascii_digit()) || before == Some('w'),
            // Some programs make links of bare addresses.
            ':' => after.starts_with("//"),
            '!' => after.starts_with('['),
            _ => false,
        };
        if acts {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_stay_words() {
        for (text, expected) in [
            ("Bucket phi is public.", "Bucket phi is public."),
            ("a\n# b\r\n\r\n- c", "a # b - c"),
            ("# b", "\\# b"),
            ("1. first", "1\\. first"),
            ("arn:aws:s3:::a_b", "arn:aws:s3:::a\\_b"),
            ("<script>x</script>", "\\<script\\>x\\</script\\>"),
            ("![x](http://a.b)", "\\!\\[x\\](http\\://a.b)"),
            ("see www.example.com", "see www\\.example.com"),
            ("{{ insert: param, x }}", "\\{\\{ insert: param, x \\}\\}"),
            ("gnp\u{202e}exe", "gnp⟨U+202E⟩exe"),
            ("", "(empty)"),
            ("\u{a0}\u{2003}", "(empty)"),
        ] {
            assert_eq!(markdown(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_it_was_it_is_one_trimmed_line_and_unescaped_the_same(text in "(?s).{0,60}") {
            let shown = line(&text);
            prop_assert!(!shown.is_empty() && shown.trim() == shown);
            prop_assert!(!shown.chars().any(char::is_control));
            let mut plain = String::new();
            let escaped = markdown(&text);
            let mut characters = escaped.chars();
            while let Some(character) = characters.next() {
                plain.push(if character == '\\' { characters.next().unwrap() } else { character });
            }
            prop_assert_eq!(plain, shown);
        }
    }
}
