//! Whether an event can be selected by a filter, as far as that shows without parsing it.
//!
//! The answer is *no* only where no parser could come to another one: what may be hidden behind an escape, or lies
//! deeper than an event's own members, is *perhaps*, unless a text that would have to be in it is not.

use std::collections::HashMap;

use memchr::{memchr_iter, memmem};

use crate::catalog::{Filter, Literal, Operand, Path, Root, TextTest};

/// Searches for texts that filters name, made once.
#[derive(Debug, Default)]
pub(super) struct Searches(HashMap<String, memmem::Finder<'static>>);

impl Searches {
    /// Of all texts and members that the filters name.
    pub(super) fn of(filters: &[Filter]) -> Self {
        let mut searches = Self::default();
        filters.iter().for_each(|filter| searches.add(filter));
        searches
    }

    fn add(&mut self, filter: &Filter) {
        match filter {
            Filter::All(filters) | Filter::Any(filters) => filters.iter().for_each(|filter| self.add(filter)),
            Filter::Not(filter) => self.add(filter),
            Filter::Equals(one, other) => [one, other].into_iter().for_each(|operand| match operand {
                Operand::Member(path) => self.add_path(path),
                Operand::Value(value) => self.add_value(value),
            }),
            Filter::OneOf(path, values) => {
                self.add_path(path);
                values.iter().for_each(|value| self.add_value(value));
            }
            Filter::Text(path, _, text) => {
                self.add_path(path);
                self.add_text(text);
            }
            Filter::Has(path) => self.add_path(path),
            Filter::Exists(path, filter) => {
                self.add_path(path);
                self.add(filter);
            }
        }
    }

    fn add_path(&mut self, path: &Path) {
        path.members.iter().for_each(|name| self.add_text(name));
    }

    fn add_value(&mut self, value: &Literal) {
        if let Literal::Text(text) = value {
            self.add_text(text);
        }
    }

    fn add_text(&mut self, text: &str) {
        if !self.0.contains_key(text) {
            self.0.insert(text.to_owned(), memmem::Finder::new(text.as_bytes()).into_owned());
        }
    }

    fn is_in(&self, raw: &[u8], text: &str) -> bool {
        match self.0.get(text) {
            Some(finder) => finder.find(raw).is_some(),
            None => memmem::find(raw, text.as_bytes()).is_some(),
        }
    }

    /// Whether no string in a JSON text can have `text` in it.
    fn is_absent(&self, raw: &[u8], text: &str) -> bool {
        if self.is_in(raw, text) {
            return false;
        }
        // These a JSON string has only behind a backslash, or may have so.
        let needs_escape = |byte: u8| byte < 0x20 || matches!(byte, b'"' | b'\\' | b'/');
        let any = text.bytes().any(needs_escape);
        !memchr_iter(b'\\', raw).any(|at| any || raw.get(at + 1) == Some(&b'u'))
    }
}

/// What is known without parsing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Chance {
    No,
    Perhaps,
    Yes,
}

impl Chance {
    fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    /// `No` where something that is necessary is missing; else only a parser can say.
    fn unless(impossible: bool) -> Self {
        if impossible { Self::No } else { Self::Perhaps }
    }

    fn opposite(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Perhaps => Self::Perhaps,
            Self::Yes => Self::No,
        }
    }
}

/// What is known of an event's own member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen<'t> {
    /// Nothing.
    Unknown,
    /// It is not there.
    Missing,
    /// Its value's text.
    Raw(&'t [u8]),
}

/// Whether `filter` can select an event of which `member` knows the members.
pub(super) fn chance<'t>(filter: &Filter, searches: &Searches, member: &dyn Fn(&str) -> Seen<'t>) -> Chance {
    of(filter, &mut View { member, searches, lists: Vec::new() })
}

struct View<'v, 't> {
    member: &'v dyn Fn(&str) -> Seen<'t>,
    searches: &'v Searches,
    /// What the list of every `exists` around is in.
    lists: Vec<Seen<'t>>,
}

/// What a path leads to.
enum Found<'t> {
    /// Exactly this.
    Exactly(Seen<'t>),
    /// Something in this text, or nothing.
    Within(&'t [u8]),
}

impl<'t> View<'_, 't> {
    fn find(&self, path: &Path) -> Found<'t> {
        let (seen, deeper) = match (path.root, path.members.as_slice()) {
            (Root::Event, [first, deeper @ ..]) => ((self.member)(first), deeper),
            (Root::Event, []) => (Seen::Unknown, &[][..]),
            (Root::Element(level), _) => {
                let seen = self.lists.get(level).copied().unwrap_or(Seen::Unknown);
                return match seen {
                    Seen::Raw(raw) => Found::Within(raw),
                    other => Found::Exactly(other),
                };
            }
        };
        match (seen, deeper) {
            (Seen::Raw(raw), [.., last]) if raw.starts_with(b"{") => {
                if self.searches.is_absent(raw, last) {
                    Found::Exactly(Seen::Missing)
                } else {
                    Found::Within(raw)
                }
            }
            (Seen::Raw(_), [_, ..]) => Found::Exactly(Seen::Missing),
            (seen, _) => Found::Exactly(seen),
        }
    }
}

fn of(filter: &Filter, view: &mut View<'_, '_>) -> Chance {
    match filter {
        Filter::All(filters) => filters.iter().map(|filter| of(filter, view)).min().unwrap_or(Chance::Yes),
        Filter::Any(filters) => filters.iter().map(|filter| of(filter, view)).max().unwrap_or(Chance::No),
        Filter::Not(filter) => of(filter, view).opposite(),
        Filter::Equals(one, other) => match (one, other) {
            (Operand::Member(path), Operand::Value(value))
            | (Operand::Value(value), Operand::Member(path)) => is(&view.find(path), value, view.searches),
            (Operand::Value(one), Operand::Value(other)) => Chance::of(one == other),
            (Operand::Member(_), Operand::Member(_)) => Chance::Perhaps,
        },
        Filter::OneOf(path, values) => {
            let found = view.find(path);
            values.iter().map(|value| is(&found, value, view.searches)).max().unwrap_or(Chance::No)
        }
        Filter::Text(path, test, text) => fits(&view.find(path), *test, text, view.searches),
        Filter::Has(path) => match view.find(path) {
            Found::Exactly(Seen::Missing) => Chance::No,
            Found::Exactly(Seen::Raw(_)) => Chance::Yes,
            Found::Exactly(Seen::Unknown) | Found::Within(_) => Chance::Perhaps,
        },
        Filter::Exists(path, filter) => {
            let list = match view.find(path) {
                Found::Exactly(Seen::Missing) => return Chance::No,
                Found::Exactly(seen) => seen,
                Found::Within(raw) => Seen::Raw(raw),
            };
            view.lists.push(list);
            let holds = of(filter, view);
            view.lists.pop();
            // The list may be empty, or no list.
            holds.min(Chance::Perhaps)
        }
    }
}

/// Whether what was found equals the value.
fn is(found: &Found<'_>, value: &Literal, searches: &Searches) -> Chance {
    match found {
        Found::Exactly(Seen::Unknown) => Chance::Perhaps,
        Found::Exactly(Seen::Missing) => Chance::of(*value == Literal::Null),
        Found::Exactly(Seen::Raw(raw)) => match (value, raw) {
            (Literal::Text(text), [b'"', inside @ .., b'"']) => {
                if inside.contains(&b'\\') {
                    Chance::Perhaps
                } else {
                    Chance::of(inside == text.as_bytes())
                }
            }
            (Literal::Int(_), [b'-' | b'0'..=b'9', ..]) => Chance::Perhaps,
            (Literal::Bool(flag), [b't', ..]) => Chance::of(*flag),
            (Literal::Bool(flag), [b'f', ..]) => Chance::of(!flag),
            (Literal::Null, [b'n', ..]) => Chance::Yes,
            _ => Chance::No,
        },
        Found::Within(raw) => match value {
            Literal::Text(text) => Chance::unless(searches.is_absent(raw, text)),
            _ => Chance::Perhaps,
        },
    }
}

fn fits(found: &Found<'_>, test: TextTest, text: &str, searches: &Searches) -> Chance {
    match found {
        Found::Exactly(Seen::Unknown) => Chance::Perhaps,
        Found::Exactly(Seen::Missing) => Chance::No,
        Found::Exactly(Seen::Raw([b'"', inside @ .., b'"'])) => match std::str::from_utf8(inside) {
            Ok(inside) if !inside.contains('\\') => Chance::of(test.holds(inside, text)),
            _ => Chance::Perhaps,
        },
        Found::Exactly(Seen::Raw(_)) => Chance::No,
        Found::Within(raw) => Chance::unless(searches.is_absent(raw, text)),
    }
}
