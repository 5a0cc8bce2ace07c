//! What must stand in the text of an event that a filter selects: the beginnings of strings.
//!
//! An event without any of them need not be taken apart. What may hide one, an escape `\u....`, counts as one. The other
//! escapes cannot: no needle has a character in it that may be written with them.

use std::collections::BTreeSet;

use crate::catalog::{Filter, Literal, Operand, Path, TextTest};

/// Needles at most. Beyond, taking every event apart costs less.
const MOST: usize = 48;
/// Bytes that they begin with, at most.
const MOST_BEGINNINGS: usize = 10;
/// Members of nearly every event: that one is there says nothing.
const COMMON: [&str; 20] = [
    "accountId",
    "arn",
    "awsRegion",
    "eventCategory",
    "eventID",
    "eventName",
    "eventSource",
    "eventTime",
    "eventType",
    "eventVersion",
    "managementEvent",
    "principalId",
    "readOnly",
    "recipientAccountId",
    "requestID",
    "requestParameters",
    "responseElements",
    "sourceIPAddress",
    "type",
    "userIdentity",
];

/// Texts of which one begins behind a quote in every event that one of some filters selects.
#[derive(Debug, Clone)]
pub(super) struct Needles {
    /// By their first byte.
    by_first: Vec<Vec<Box<[u8]>>>,
}

/// The needles of one filter, and how often they may be met: the more, the less they say.
struct Set {
    common: u8,
    texts: BTreeSet<Box<[u8]>>,
}

impl Needles {
    /// The needles of all filters together; none where a filter has none, or where there are too many.
    pub(super) fn of(filters: &[Filter]) -> Option<Self> {
        let mut all = BTreeSet::new();
        for filter in filters {
            all.extend(set(filter)?.texts);
        }
        let mut by_first = vec![Vec::new(); 256];
        let count = all.len();
        for text in all {
            let first = usize::from(*text.first()?);
            by_first.get_mut(first)?.push(text);
        }
        let needles = Self { by_first };
        (count > 0 && count <= MOST && needles.beginnings().len() <= MOST_BEGINNINGS).then_some(needles)
    }

    /// Bytes that they begin with.
    pub(super) fn beginnings(&self) -> Vec<u8> {
        (0..=u8::MAX).filter(|byte| !self.by_first[usize::from(*byte)].is_empty()).collect()
    }

    /// Whether one begins here.
    pub(super) fn is_at(&self, rest: &[u8]) -> bool {
        rest.first().is_some_and(|first| {
            self.by_first[usize::from(*first)].iter().any(|needle| rest.starts_with(needle))
        })
    }
}

/// What is necessary for the filter to select an event.
fn set(filter: &Filter) -> Option<Set> {
    match filter {
        // Of what is all necessary, the rarest is enough.
        Filter::All(filters) => {
            filters.iter().filter_map(set).min_by_key(|set| (set.common, set.texts.len()))
        }
        Filter::Any(filters) => {
            let sets: Option<Vec<Set>> = filters.iter().map(set).collect();
            sets?.into_iter().reduce(|mut one, other| {
                one.common = one.common.max(other.common);
                one.texts.extend(other.texts);
                one
            })
        }
        Filter::Not(filter) => match &**filter {
            Filter::Equals(Operand::Member(path), Operand::Value(Literal::Null))
            | Filter::Equals(Operand::Value(Literal::Null), Operand::Member(path)) => name(path),
            _ => None,
        },
        Filter::Equals(Operand::Member(path), Operand::Value(value))
        | Filter::Equals(Operand::Value(value), Operand::Member(path)) => {
            values(path, std::slice::from_ref(value))
        }
        Filter::Equals(..) => None,
        Filter::OneOf(path, literals) => values(path, literals),
        Filter::Text(path, TextTest::StartsWith, text) if is_plain(text) => {
            Some(Set { common: commonness(path), texts: [text.as_bytes().into()].into() })
        }
        Filter::Text(path, ..) | Filter::Has(path) => name(path),
        Filter::Exists(path, filter) => {
            let sets = [set(filter), name(path)];
            sets.into_iter().flatten().min_by_key(|set| (set.common, set.texts.len()))
        }
    }
}

/// The member equals one of the values.
fn values(path: &Path, literals: &[Literal]) -> Option<Set> {
    let text = |literal: &Literal| match literal {
        Literal::Text(text) if is_plain(text) => Some(format!("{text}\"").into_bytes().into()),
        _ => None,
    };
    // What is missing equals null.
    if literals.contains(&Literal::Null) {
        return None;
    }
    match literals.iter().map(text).collect() {
        Some(texts) => Some(Set { common: commonness(path), texts }),
        None => name(path),
    }
}

/// The member is there, whatever it is.
fn name(path: &Path) -> Option<Set> {
    let rare = |name: &&String| is_plain(name) && !COMMON.contains(&name.as_str());
    let name = path.members.iter().rev().find(rare)?;
    Some(Set { common: 2, texts: [format!("{name}\"").into_bytes().into()].into() })
}

fn commonness(path: &Path) -> u8 {
    match path.members.last().map(String::as_str) {
        Some("eventName" | "errorCode") => 0,
        Some("eventSource") => 3,
        _ => 1,
    }
}

/// Whether a JSON string that begins with this text shows it byte for byte, unless it has an escape `\u....`.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.bytes().any(|byte| byte < 0x20 || matches!(byte, b'"' | b'\\' | b'/'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn of(filters: &[&str]) -> Option<Vec<String>> {
        let parse = |text: &&str| Filter::parse(text, &BTreeMap::new()).unwrap();
        let needles = Needles::of(&filters.iter().map(parse).collect::<Vec<_>>())?;
        let texts = needles.by_first.into_iter().flatten();
        Some(texts.map(|text| String::from_utf8(text.into_vec()).unwrap()).collect())
    }

    #[test]
    fn the_rarest_of_what_is_necessary_is_looked_for() {
        let some = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        for (filter, needles) in [
            ("event.eventSource == 'a.b' && event.eventName in ['D', 'S']", some(&["D\"", "S\""])),
            ("event.eventSource == 'a.b' || event.eventName == 'D'", some(&["D\"", "a.b\""])),
            ("event.errorCode.startsWith('Access')", some(&["Access"])),
            ("event.errorCode.endsWith('Denied')", some(&["errorCode\""])),
            ("event.errorCode != null", some(&["errorCode\""])),
            ("has(event.requestParameters.acl)", some(&["acl\""])),
            ("event.requestParameters.path == 'a/b'", some(&["path\""])),
            ("event.x.exists(y, y.cidr == '0.0.0.0')", some(&["0.0.0.0\""])),
            ("event.x.exists(y, y == null)", some(&["x\""])),
            ("event.count == 2", some(&["count\""])),
            ("event.readOnly == false", None),
            ("event.eventName != 'D'", None),
            ("event.errorCode == null", None),
            ("event.a == event.b", None),
            ("event.errorCode in ['a', null]", None),
            ("event.eventName == 'D' || event.eventName != 'E'", None),
        ] {
            // The parser may refuse a list with null in it.
            if filter.contains("null]") && Filter::parse(filter, &BTreeMap::new()).is_err() {
                continue;
            }
            assert_eq!(of(&[filter]), needles, "{filter}");
        }
        assert_eq!(of(&["event.eventName == 'D'", "event.eventName == 'E'"]), some(&["D\"", "E\""]));
        assert_eq!(of(&["event.eventName == 'D'", "event.eventName != 'E'"]), None);
        let many: Vec<String> =
            (b'A'..=b'Z').map(|byte| format!("event.eventName == '{}'", char::from(byte))).collect();
        assert_eq!(of(&many.iter().map(String::as_str).collect::<Vec<_>>()), None);
    }
}
