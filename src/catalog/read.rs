//! Reading one file of the catalog with every mistake in it, not the first one only.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer, Error};

use super::defect::meant;
use super::{Defect, Place};
use crate::model::nearest;

/// The most mistakes of one file that are told.
const MOST: usize = 50;

/// What became of a file.
pub(super) enum Read<T> {
    /// It is what it should be.
    Whole(T),
    /// It has mistakes, but what it holds is where it should be: what else is wrong with it can be said.
    Mistaken(T),
    /// It could not be read.
    Unreadable,
}

/// Reads a file; what is wrong with it goes to `defects`.
///
/// After each mistake the part that has it is taken away, and what is left is read again.
pub(super) fn read<T: DeserializeOwned>(file: &str, text: &str, defects: &mut Vec<Defect>) -> Read<T> {
    let (mut document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        defects.extend(errors.iter().take(MOST).map(|error| syntax(file, text, error)));
        return Read::Unreadable;
    }
    let mut removed: Vec<String> = Vec::new();
    let mut in_place = true;
    for _ in 0..MOST {
        let error = match T::deserialize(Deserializer::from(document.clone())) {
            Ok(item) if removed.is_empty() => return Read::Whole(item),
            Ok(item) if in_place => return Read::Mistaken(item),
            Ok(_) => return Read::Unreadable,
            Err(error) => error,
        };
        let mistake = Mistake::of(error.message());
        let span = error.span().unwrap_or(0..0);
        // What was just taken away because of a mistake, or misspelled, is no second mistake.
        let is_told = matches!(&mistake, Mistake::Missing(name) if removed.contains(name));
        if !is_told {
            defects.push(mistake.defect(file, text, span.clone(), error.message()));
        }
        if let Mistake::Unknown { name, known, .. } = &mistake {
            removed.extend(nearest(name, known.iter().map(String::as_str)).map(str::to_owned));
        }
        match remove(&mut document, &span) {
            Some(Removed::Member(name)) => removed.push(name),
            Some(Removed::Element) => {
                removed.push(String::new());
                in_place = false;
            }
            None => return Read::Unreadable,
        }
    }
    Read::Unreadable
}

fn syntax(file: &str, text: &str, error: &Error) -> Defect {
    let span = error.span().unwrap_or(0..0);
    let what = format!("{}: this is not TOML: {}", line(text, span.start), error.message());
    Defect::new(
        file,
        Place::bytes(span),
        what,
        "correct the syntax (https://toml.io); nothing else of the file was read",
    )
}

/// `line 3`.
fn line(text: &str, at: usize) -> String {
    let before = text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count();
    format!("line {}", before + 1)
}

/// What serde says about a document.
enum Mistake {
    Unknown { sort: &'static str, name: String, known: Vec<String> },
    Missing(String),
    Other,
}

impl Mistake {
    fn of(message: &str) -> Self {
        let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        let name = quoted.first().map(|name| (*name).to_owned()).unwrap_or_default();
        let known = || quoted.iter().skip(1).map(|name| (*name).to_owned()).collect();
        if message.starts_with("unknown field `") {
            Self::Unknown { sort: "member", name, known: known() }
        } else if message.starts_with("unknown variant `") {
            Self::Unknown { sort: "value", name, known: known() }
        } else if message.starts_with("missing field `") {
            Self::Missing(name)
        } else {
            Self::Other
        }
    }

    fn defect(&self, file: &str, text: &str, span: Range<usize>, message: &str) -> Defect {
        let line = line(text, span.start);
        let place = Place::bytes(span);
        match self {
            Self::Unknown { sort, name, known } => {
                let all = if known.is_empty() {
                    "remove it".to_owned()
                } else {
                    format!("what there is: {}", known.join(", "))
                };
                let help = meant(name, known.iter().map(String::as_str), &all);
                Defect::new(file, place, format!("{line}: there is no {sort} {name} here"), help)
            }
            Self::Missing(name) => {
                let help =
                    "add it; `proofpack checks show` and the files that come with the program are examples";
                Defect::new(file, place, format!("{line}: the member {name} is missing"), help)
            }
            Self::Other if message.contains("untagged enum") => Defect::new(
                file,
                place,
                format!("{line}: this has none of the forms that are possible here"),
                "write a text, or a table as its description in CONTRIBUTING.md says",
            ),
            Self::Other => {
                let help = "write a value of the type that is expected";
                Defect::new(file, place, format!("{line}: {message}"), help)
            }
        }
    }
}

/// What was taken out of a document.
enum Removed {
    Member(String),
    Element,
}

/// Takes what stands at `span` out of a table: a member by its name or its value, or an element of a list.
fn remove(table: &mut Spanned<DeTable<'_>>, span: &Range<usize>) -> Option<Removed> {
    remove_from_table(table.get_mut(), span)
}

/// What stands deepest is taken: a list of tables has the place of its first.
fn remove_from_table(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<Removed> {
    let inside = table.iter_mut().find_map(|(_, value)| remove_from_value(value.get_mut(), span));
    if inside.is_some() {
        return inside;
    }
    let here = table.iter().find(|(name, value)| name.span() == *span || value.span() == *span);
    let name = here.map(|(name, _)| name.get_ref().to_string())?;
    table.remove(name.as_str());
    Some(Removed::Member(name))
}

fn remove_from_value(value: &mut DeValue<'_>, span: &Range<usize>) -> Option<Removed> {
    match value {
        DeValue::Table(table) => remove_from_table(table, span),
        DeValue::Array(list) => {
            let inside = list.iter_mut().find_map(|element| remove_from_value(element.get_mut(), span));
            if inside.is_some() {
                return inside;
            }
            let rest = list.iter().filter(|element| element.span() != *span);
            let mut kept = toml::de::DeArray::new();
            rest.for_each(|element| kept.push(element.clone()));
            let removed = kept.len() < list.len();
            *list = kept;
            removed.then_some(Removed::Element)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only whether it can be read matters")]
    struct Thing {
        id: String,
        size: u32,
        sort: Option<Sort>,
        #[serde(default)]
        part: Vec<Part>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Sort {
        Large,
        Small,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only whether it can be read matters")]
    struct Part {
        name: String,
    }

    fn mistakes(text: &str) -> (&'static str, Vec<(String, String)>) {
        let mut defects = Vec::new();
        let read = match read::<Thing>("things/a.toml", text, &mut defects) {
            Read::Whole(_) => "whole",
            Read::Mistaken(_) => "mistaken",
            Read::Unreadable => "unreadable",
        };
        let of = |defect: &Defect| (text[defect.place.find(text)].to_owned(), defect.what.clone());
        (read, defects.iter().map(of).collect())
    }

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(place, what)| ((*place).to_owned(), (*what).to_owned())).collect()
    }

    #[test]
    fn every_mistake_is_told_with_its_place() {
        assert_eq!(mistakes("id = \"a\"\nsize = 1"), ("whole", vec![]));
        let two = mistakes("id = \"a\"\nsize = 1\nsotr = 1\n[[part]]\nnaem = 1\nname = \"b\"\n");
        let expected = [
            ("naem", "line 5: there is no member naem here"),
            ("sotr", "line 3: there is no member sotr here"),
        ];
        assert_eq!(two, ("mistaken", owned(&expected)));
        let (read, found) = mistakes("id = 1\nsize = \"x\"\nsort = \"lareg\"\n");
        assert_eq!(read, "unreadable");
        let places: Vec<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(places, ["1", "\"x\"", "\"lareg\""], "{found:?}");
        let (read, found) = mistakes("id = \"a\"\nsize = 1\n[[part]]\n[[part]]\nname = \"b\"\n");
        assert_eq!((read, found.len()), ("unreadable", 1), "{found:?}");
        assert_eq!(found[0].1, "line 3: the member name is missing");
        let (read, found) = mistakes("id = \"a\"\nsize = = 1\n");
        assert_eq!(read, "unreadable");
        assert!(found[0].1.starts_with("line 2: this is not TOML"), "{found:?}");
    }

    #[test]
    fn what_was_perhaps_meant_is_said() {
        let mut defects = Vec::new();
        let text = "id = \"a\"\nsize = 1\nsotr = 1\nsort = \"lareg\"\nentirely_else = 1";
        read::<Thing>("things/a.toml", text, &mut defects);
        let help: Vec<&str> = defects.iter().map(|defect| defect.help.as_str()).collect();
        assert!(help.contains(&"did you mean sort?") && help.contains(&"did you mean large?"), "{help:?}");
        assert!(help.contains(&"what there is: id, size, sort, part"), "{help:?}");
    }
}
