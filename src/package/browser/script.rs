//! Data as a script: one call with two string literals, in which nothing can be but what JSON holds.

use std::fmt::Write;

/// The function of the page that takes the data (`report-templates/browser/data.js`).
const RECEIVER: &str = "receiveProofpackData";

/// A script that hands `json` to the page under `name`.
///
/// The literal is plain ASCII without `<`, `>` and `&`: it cannot end a script element, begin a comment, be read in
/// another encoding, hold a line separator or turn the direction of the text for whoever opens the file.
pub(super) fn of(name: &str, json: &str) -> String {
    let mut script = String::with_capacity(json.len() + json.len() / 4 + 64);
    script.push_str(RECEIVER);
    script.push('(');
    push_literal(&mut script, name);
    script.push_str(",\n");
    push_literal(&mut script, json);
    script.push_str(");\n");
    script
}

fn push_literal(script: &mut String, text: &str) {
    script.push('"');
    for character in text.chars() {
        match character {
            '"' => script.push_str("\\\""),
            '\\' => script.push_str("\\\\"),
            ' '..='~' if !"<>&".contains(character) => script.push(character),
            _ => {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    // Writing to a String does not fail.
                    let _ = write!(script, "\\u{unit:04x}");
                }
            }
        }
    }
    script.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What JavaScript reads in the literal: its escapes are those of JSON.
    fn read(script: &str) -> String {
        let literal = script.split_once(",\n").unwrap().1.strip_suffix(");\n").unwrap();
        serde_json::from_str(literal).unwrap()
    }

    #[test]
    fn nothing_in_a_value_can_leave_its_literal() {
        for hostile in [
            "</script><script>alert(1)</script>",
            "<!-- <script>",
            "]]>",
            "\u{2028}\u{2029}\u{feff}",
            "\"); alert(1); (\"",
            "\\\"); alert(1); //",
            "\u{202e}desrever\u{2066}",
            "\n\r\t\0\u{7f}",
            "emoji \u{1f512}, ümlaut, 漢字",
            "${x} `y`",
        ] {
            let script = of("records-00000", &serde_json::to_string(hostile).unwrap());
            assert!(script.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{script}");
            assert!(!script.contains(['<', '>', '&']), "{script}");
            assert_eq!(script.lines().count(), 2, "{script}");
            assert_eq!(serde_json::from_str::<String>(&read(&script)).unwrap(), hostile);
        }
    }

    proptest::proptest! {
        #[test]
        fn every_text_comes_out_as_it_went_in(text in ".*") {
            let script = of("x", &text);
            proptest::prop_assert_eq!(read(&script), text);
            proptest::prop_assert!(script.is_ascii() && !script.contains(['<', '>', '&']));
        }
    }
}
