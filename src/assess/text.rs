//! Text for people, made of values that nobody vouches for.

use serde_json::Value;

pub(super) use crate::model::nearest;

/// `text` with control and direction-changing characters made visible, cut to `longest` characters.
pub(super) fn safe(text: &str, longest: usize) -> String {
    let mut out = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == longest {
            out.push('…');
            break;
        }
        if is_deceptive(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}

/// A value as it stands in a sentence, cut to `longest` characters.
pub(super) fn of_value(value: &Value, longest: usize) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => safe(text, longest),
        Value::Array(items) if items.iter().all(|item| item.is_string() || item.is_number()) => {
            let items: Vec<String> = items.iter().take(longest).map(|item| of_value(item, longest)).collect();
            if items.is_empty() { "none".to_owned() } else { safe(&items.join(", "), longest) }
        }
        other => safe(&other.to_string(), longest),
    }
}

/// Control characters, and those that reorder or hide what stands around them (Unicode Annex 9, Technical Report 36).
pub(super) fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn hostile_characters_become_visible_and_long_texts_end() {
        assert_eq!(safe("a\u{202e}b\nc", 100), "a\\u{202e}b\\u{a}c");
        assert_eq!(safe("abcdef", 3), "abc…");
        assert_eq!(safe("abc", 3), "abc");
    }

    #[test]
    fn values_read_as_words() {
        assert_eq!(of_value(&json!(null), 10), "none");
        assert_eq!(of_value(&json!(["a", 1]), 10), "a, 1");
        assert_eq!(of_value(&json!([]), 10), "none");
        assert_eq!(of_value(&json!({"a": true}), 5), "{\"a\":…");
    }
}
