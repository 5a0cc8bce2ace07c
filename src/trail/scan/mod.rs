//! The scan of log files: every object is decompressed and taken apart into events, but only events that a rule may
//! select are parsed.
//!
//! What is found is what parsing everything would find (`tests.rs` holds the two against each other). Only for a
//! file that is not JSON inside of an event that no rule can select, the answer differs: here that file is read.

mod chance;
mod cursor;
mod inflate;
mod marks;
mod split;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::Range;

use serde_json::Value;

use self::chance::{Chance, Seen, chance};
pub(super) use self::inflate::Inflater;
use self::split::NotLog;
pub(super) use self::split::{Event, events};
use super::file::Unreadable;
use crate::catalog::Filter;

/// Bytes of an event that is parsed, at most. CloudTrail's are at most 1 MB (AWS CloudTrail User Guide, event size).
pub(super) const LARGEST_EVENT: usize = 16 << 20;
/// Pairs of service and call for which is remembered which rules may select their events, at most.
const MOST_CALLS: usize = 20_000;

/// Searches log objects for the events that filters select. Each thread has one of its own.
pub(super) struct Scanner {
    filters: Vec<Filter>,
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
        Self { filters, inflater: Inflater::new(), by_call: HashMap::new() }
    }

    /// Searches an object's bytes as they are stored.
    ///
    /// # Errors
    /// When it is no log file, or an event that may be selected cannot be parsed. What was found until then came out
    /// of a file that is not whole.
    pub(super) fn scan(&mut self, stored: &[u8]) -> Result<Scanned, Unreadable> {
        let text = self.inflater.text(stored)?;
        let text = std::str::from_utf8(&text).map_err(|error| Unreadable::new("LogObjectNotJson", error))?;
        let text = text.as_bytes();
        let mut scanned = Scanned { bytes: text.len() as u64, ..Scanned::default() };
        let mut choosing = Choosing { filters: &self.filters, by_call: &mut self.by_call };
        scanned.events = events(text, |event| {
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

struct Choosing<'a> {
    filters: &'a [Filter],
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
            let possible = |number: &usize| chance(&filters[*number], &known) != Chance::No;
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
            chance(&self.filters[**number], &|member: &str| members.get(member)) != Chance::No
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
