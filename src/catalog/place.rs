//! Places inside the catalog's files: `case[3].properties.name`, and where that stands in the text.

use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where something stands in a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    path: Vec<Step>,
    part: Part,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Member(String),
    /// From 0.
    Element(usize),
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Part {
    /// What stands at the path.
    #[default]
    Value,
    /// The last member's name.
    Key,
    /// These bytes of the text that stands at the path, escapes resolved.
    Text(Range<usize>),
    /// These bytes of the file, whatever the path.
    File(Range<usize>),
}

impl Place {
    /// The file as a whole.
    pub fn file() -> Self {
        Self::default()
    }

    /// Bytes of the file.
    pub fn bytes(range: Range<usize>) -> Self {
        Self { path: Vec::new(), part: Part::File(range) }
    }

    /// A member of the table that stands here.
    pub fn member(mut self, name: impl Into<String>) -> Self {
        self.path.push(Step::Member(name.into()));
        self
    }

    /// An element of the list that stands here, from 0.
    pub fn element(mut self, index: usize) -> Self {
        self.path.push(Step::Element(index));
        self
    }

    /// The name of the member, not its value.
    pub fn key(mut self) -> Self {
        self.part = Part::Key;
        self
    }

    /// A part of the text that stands here: bytes of its value.
    pub fn text(mut self, range: Range<usize>) -> Self {
        self.part = Part::Text(range);
        self
    }

    /// The bytes of `text`, the file's content, that this place is about: at most one line of it. Where the place does
    /// not exist, what is nearest around it.
    pub fn find(&self, text: &str) -> Range<usize> {
        let range = match &self.part {
            Part::File(range) => range.clone(),
            _ => self.find_in_document(text),
        };
        one_line(text, range)
    }

    fn find_in_document(&self, text: &str) -> Range<usize> {
        let (document, _) = DeTable::parse_recoverable(text);
        let mut key = None;
        let mut value: Option<&Spanned<DeValue<'_>>> = None;
        let mut whole = true;
        for step in &self.path {
            let found = match step {
                Step::Member(name) => {
                    let table = match value {
                        Some(value) => value.get_ref().as_table(),
                        None => Some(document.get_ref()),
                    };
                    table
                        .and_then(|table| table.get_key_value(name.as_str()))
                        .map(|(name, value)| (Some(name.span()), value))
                }
                Step::Element(index) => value
                    .and_then(|value| value.get_ref().as_array())
                    .and_then(|list| list.get(*index))
                    .map(|value| (None, value)),
            };
            let Some(found) = found else {
                whole = false;
                break;
            };
            (key, value) = (found.0.or(key), Some(found.1));
        }
        let Some(value) = value else { return 0..0 };
        match (&self.part, &key) {
            (Part::Text(range), _) if whole && value.get_ref().is_str() => {
                let span = value.span();
                let raw = text.get(span.clone()).unwrap_or_default();
                span.start + written_at(raw, range.start)..span.start + written_at(raw, range.end)
            }
            (Part::Key, Some(key)) => key.clone(),
            // A table's value begins somewhere in its header: its name says more.
            (_, Some(key)) if value.get_ref().is_table() && value.span().is_empty() => key.clone(),
            _ => value.span(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.path.iter().enumerate() {
            match step {
                Step::Member(name) if index > 0 => write!(formatter, ".{name}")?,
                Step::Member(name) => formatter.write_str(name)?,
                Step::Element(index) => write!(formatter, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// `range` cut to characters of `text` and to the first line of it that has any.
fn one_line(text: &str, range: Range<usize>) -> Range<usize> {
    let boundary = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let mut start = boundary(range.start);
    let mut end = boundary(range.end).max(start);
    let skipped = text[start..end].len() - text[start..end].trim_start().len();
    if start + skipped < end {
        start += skipped;
    }
    if let Some(line_end) = text[start..end].find('\n') {
        end = start + line_end;
    }
    start..end
}

/// Where the byte `at` of a text's value stands in `raw`: the text as the file writes it, quotes included.
fn written_at(raw: &str, at: usize) -> usize {
    let literal = raw.starts_with('\'');
    let quotes = if raw.starts_with("\"\"\"") || raw.starts_with("'''") { 3 } else { 1 };
    let mut place = quotes.min(raw.len());
    if quotes == 3 {
        let rest = &raw[place..];
        place += if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
    }
    if literal {
        return (place + at).min(raw.len());
    }
    let mut decoded = 0;
    while let Some(character) = raw[place..].chars().next() {
        let escaped = if character == '\\' { raw[place + 1..].chars().next() } else { None };
        let (width, gives) = match escaped {
            None => (character.len_utf8(), character.len_utf8()),
            // A backslash at a line's end takes it and the white space after it away.
            Some(white) if white.is_whitespace() => {
                let rest = &raw[place + 1..];
                (1 + rest.len() - rest.trim_start().len(), 0)
            }
            Some('x') => (4, width_of(raw, place + 2, 2)),
            Some('u') => (6, width_of(raw, place + 2, 4)),
            Some('U') => (10, width_of(raw, place + 2, 8)),
            Some(other) => (1 + other.len_utf8(), 1),
        };
        if decoded + gives > at {
            break;
        }
        decoded += gives;
        place = (place + width).min(raw.len());
        if !raw.is_char_boundary(place) {
            break;
        }
    }
    place
}

/// How many bytes the character has whose hexadecimal code stands at `start`.
fn width_of(raw: &str, start: usize, digits: usize) -> usize {
    raw.get(start..start + digits)
        .and_then(|code| u32::from_str_radix(code, 16).ok())
        .and_then(char::from_u32)
        .map_or(1, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"id = "a"
expression = """
resource.a == \
  'b\u00e4' && x"""
[[case]]
name = "first"
[[case]]
name = "second"
[case.properties]
"kind of" = 1
list = ["x", "y"]
[case.properties.more]
deep = 'literal \n text'
"#;

    fn found(place: &Place) -> &'static str {
        &FILE[place.find(FILE)]
    }

    fn case(index: usize) -> Place {
        Place::file().member("case").element(index)
    }

    #[test]
    fn values_and_names_are_found_by_their_path() {
        assert_eq!(found(&Place::file().member("id")), "\"a\"");
        assert_eq!(found(&Place::file().member("id").key()), "id");
        assert_eq!(found(&case(1).member("name")), "\"second\"");
        assert_eq!(found(&case(1).member("properties").member("kind of").key()), "\"kind of\"");
        assert_eq!(found(&case(1).member("properties").member("list").element(1)), "\"y\"");
        assert_eq!(found(&Place::bytes(0..2)), "id");
        assert_eq!(case(1).member("properties").to_string(), "case[1].properties");
    }

    #[test]
    fn what_is_not_there_leads_to_what_is_around_it() {
        assert_eq!(found(&case(1).member("outcome")), found(&case(1)));
        assert_eq!(found(&Place::file().member("nothing")), "");
        assert_eq!(found(&case(0).member("name").text(900..901)), "");
    }

    #[test]
    fn a_part_of_a_text_is_found_through_escapes_and_wrapped_lines() {
        let expression = "resource.a == 'bä' && x";
        let part = |part: &str| {
            let start = expression.find(part).unwrap();
            found(&Place::file().member("expression").text(start..start + part.len()))
        };
        assert_eq!(part("resource.a"), "resource.a");
        assert_eq!(part("'bä'"), "'b\\u00e4'");
        assert_eq!(part("&& x"), "&& x");
        let deep = case(1).member("properties").member("more").member("deep").text(8..10);
        assert_eq!(found(&deep), "\\n");
    }

    #[test]
    fn no_place_is_outside_of_the_text() {
        for text in ["", "é", "a = \"\\", "a = \"\\u", "a = \"\"\"\n"] {
            for place in [Place::bytes(1..900), Place::file().member("a").text(3..90), case(3)] {
                let range = place.find(text);
                assert!(text.get(range).is_some(), "{text:?} {place:?}");
            }
        }
    }
}
