//! The scan of log files: every object is decompressed and taken apart into events, but only events that a rule may
//! select are parsed.
//!
//! What is found is what parsing everything would find (`tests.rs` holds the two against each other). Only for a
//! file that is not JSON inside of an event that no rule can select, the answer differs: here that file is read.

mod chance;
mod cursor;
mod inflate;
mod marks;
mod needles;
mod split;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::Range;

use serde_json::Value;

use self::chance::{Chance, Searches, Seen, chance};
pub(super) use self::inflate::Inflater;
use self::marks::Finder;
use self::needles::Needles;
pub(super) use self::split::Event;
use self::split::NotLog;
use super::file::Unreadable;
use crate::canonical;
use crate::catalog::Filter;
use crate::model::Sha256Digest;

/// Bytes of an event that is parsed, at most. CloudTrail's are at most 1 MB (AWS CloudTrail User Guide, event size).
pub(super) const LARGEST_EVENT: usize = 16 << 20;
/// Pairs of service and call for which is remembered which rules may select their events, at most.
const MOST_CALLS: usize = 20_000;

/// Searches log objects for the events that filters select. Each thread has one of its own.
pub(super) struct Scanner {
    filters: Vec<Filter>,
    /// What stands in every event that one of them selects.
    needles: Option<Needles>,
    finder: Finder,
    searches: Searches,
    inflater: Inflater,
    /// The filters that may select events of a service's call, by the text of the two members.
    by_call: HashMap<Vec<u8>, Box<[usize]>>,
}

/// What was found in one object.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Scanned {
    /// Events of the object.
    pub(super) events: u64,
    /// Bytes of its text.
    pub(super) bytes: u64,
    /// SHA-256 of its text, where it was asked for and the object is exactly one gzip member.
    pub(super) text_sha256: Option<Sha256Digest>,
    /// The events that are selected, with the numbers of the filters that do.
    pub(super) found: Vec<Found>,
    /// Events that a filter may select and that are too large to be looked at, with the filters' numbers.
    pub(super) too_large: Vec<(u64, Vec<usize>)>,
}

/// An event that is selected.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// Its number in the file, from 0.
    pub(super) index: u64,
    /// The event as it was logged.
    pub(super) event: Value,
    /// The filters that select it, by their numbers.
    pub(super) filters: Vec<usize>,
}

impl From<NotLog> for Unreadable {
    fn from(not_log: NotLog) -> Self {
        match not_log {
            NotLog::NotJson(what) => Self::new("LogObjectNotJson", what),
            NotLog::WithoutEvents(what) => Self::new("LogObjectWithoutEvents", what),
        }
    }
}

impl Scanner {
    pub(super) fn new(filters: Vec<Filter>) -> Self {
        let needles = Needles::of(&filters);
        let finder = Finder::new(needles.as_ref().map(Needles::beginnings).unwrap_or_default());
        let searches = Searches::of(&filters);
        Self { filters, needles, finder, searches, inflater: Inflater::new(), by_call: HashMap::new() }
    }

    /// Searches an object's bytes as they are stored.
    ///
    /// # Errors
    /// When it is no log file, or an event that may be selected cannot be parsed. What was found until then came out
    /// of a file that is not whole.
    pub(super) fn scan(&mut self, stored: &[u8]) -> Result<Scanned, Unreadable> {
        self.search(stored, false)
    }

    /// The same, and hashes the text.
    ///
    /// # Errors
    /// As [`Self::scan`].
    pub(super) fn scan_and_hash(&mut self, stored: &[u8]) -> Result<Scanned, Unreadable> {
        self.search(stored, true)
    }

    fn search(&mut self, stored: &[u8], hashes: bool) -> Result<Scanned, Unreadable> {
        let (text, is_one_member) = self.inflater.text(stored)?;
        let text = &*text;
        let text_sha256 = (hashes && is_one_member).then(|| canonical::sha256(text));
        let mut scanned = Scanned { bytes: text.len() as u64, text_sha256, ..Scanned::default() };
        let mut choosing =
            Choosing { filters: &self.filters, searches: &self.searches, by_call: &mut self.by_call };
        scanned.events = split::events(text, &self.finder, self.needles.as_ref(), |event| {
            let possible = choosing.possible(text, event);
            if possible.is_empty() && !event.is_odd {
                return Ok::<(), Unreadable>(());
            }
            let raw = &text[event.range.clone()];
            if raw.len() > LARGEST_EVENT {
                scanned.too_large.push((event.index, possible));
                return Ok(());
            }
            let parsed: Value =
                serde_json::from_slice(raw).map_err(|error| Unreadable::new("LogObjectNotJson", error))?;
            let filters: Vec<usize> =
                possible.into_iter().filter(|number| self.filters[*number].selects(&parsed)).collect();
            if !filters.is_empty() {
                scanned.found.push(Found { index: event.index, event: parsed, filters });
            }
            Ok(())
        })?;
        Ok(scanned)
    }
}

/// Hands every event of a log file's text to `visit` and returns how many there are.
///
/// # Errors
/// When it is no log file, or `visit` gives one.
pub(super) fn every_event<E: From<NotLog>>(
    text: &[u8],
    visit: impl FnMut(&Event) -> Result<(), E>,
) -> Result<u64, E> {
    split::events(text, &Finder::new(Vec::new()), None, visit)
}

struct Choosing<'a> {
    filters: &'a [Filter],
    searches: &'a Searches,
    by_call: &'a mut HashMap<Vec<u8>, Box<[usize]>>,
}

impl Choosing<'_> {
    /// The filters that may select the event.
    fn possible(&mut self, text: &[u8], event: &Event) -> Vec<usize> {
        let members = Members { text, members: &event.members };
        if event.is_odd || members.are_ambiguous() {
            return (0..self.filters.len()).collect();
        }
        let (source, name) = (members.get("eventSource"), members.get("eventName"));
        let by_call = |filters: &[Filter]| -> Box<[usize]> {
            let known = |member: &str| match member {
                "eventSource" => source,
                "eventName" => name,
                _ => Seen::Unknown,
            };
            let possible = |number: &usize| chance(&filters[*number], self.searches, &known) != Chance::No;
            (0..filters.len()).filter(possible).collect()
        };
        let mut key = Vec::with_capacity(96);
        for seen in [source, name] {
            if let Seen::Raw(raw) = seen {
                key.extend_from_slice(raw);
            }
            key.push(0);
        }
        let narrowed = match self.by_call.get(&key) {
            Some(known) => known,
            None if self.by_call.len() >= MOST_CALLS => &by_call(self.filters),
            None => &*self.by_call.entry(key).or_insert_with(|| by_call(self.filters)),
        };
        let may_select = |number: &&usize| {
            chance(&self.filters[**number], self.searches, &|member: &str| members.get(member)) != Chance::No
        };
        narrowed.iter().filter(may_select).copied().collect()
    }
}

/// An event's own members.
struct Members<'e, 't> {
    text: &'t [u8],
    members: &'e [(Range<usize>, Range<usize>)],
}

impl<'t> Members<'_, 't> {
    /// Whether a name is escaped: then only a parser can say what it is.
    fn are_ambiguous(&self) -> bool {
        self.members.iter().any(|(name, _)| self.text[name.clone()].contains(&b'\\'))
    }

    /// The last member of that name: of several, parsers take this one.
    fn get(&self, wanted: &str) -> Seen<'t> {
        let is_wanted = |name: &&(Range<usize>, Range<usize>)| {
            name.0.len() == wanted.len() + 2
                && &self.text[name.0.start + 1..name.0.end - 1] == wanted.as_bytes()
        };
        match self.members.iter().rev().find(is_wanted) {
            Some((_, value)) => Seen::Raw(&self.text[value.clone()]),
            None => Seen::Missing,
        }
    }
}
