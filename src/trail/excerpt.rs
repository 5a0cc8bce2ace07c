//! What is kept of the events that a rule selects.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::event;
use crate::canonical;

/// Events kept per rule and source whatever the rule says; what is beyond them is a gap, never silence.
pub(super) const MOST_EVENTS: usize = 10_000;

/// Bytes of events kept per rule and source: a record is one line of a bundle, and lines are bounded.
pub(super) const MOST_BYTES: usize = 64 << 20;

/// Levels of nesting that an event may have. Parsers stop at 128, and in a record it lies some levels deeper
/// than where it was read: what could be read once must be readable again.
const DEEPEST_EVENT: usize = 64;

/// An event's time, id and canonical text: the order does not depend on where an event was read, and what CloudTrail
/// delivers twice is kept once.
type Key = (String, String, String);

/// Where an event was read: the object's number, and the event's number in it.
type Place = (usize, u64);

/// What was found for one rule in one source.
#[derive(Debug, Default)]
pub(super) struct Excerpt {
    /// Of each region the first events by their keys.
    events: BTreeMap<String, BTreeMap<Key, (Value, Option<Place>)>>,
    /// How many events there are in all regions.
    count: usize,
    /// Length of the events' text in bytes.
    bytes: usize,
    /// Events that matched, each time that one was read.
    matched: u64,
    /// Matching events that were not kept though the rule's limit would let them be.
    dropped: u64,
}

impl Excerpt {
    /// Takes a matching event, of which a region's first `most` are kept.
    pub(super) fn take(&mut self, event: Value, place: Option<Place>, most: usize) {
        self.matched += 1;
        let text = match canonical::to_string(&event) {
            Ok(text) if !event::is_deeper_than(&event, DEEPEST_EVENT) => text,
            _ => {
                self.dropped += 1;
                return;
            }
        };
        let member = |name| event::text(&event, name).to_owned();
        let (region, key) = (member("awsRegion"), (member("eventTime"), member("eventID"), text));
        let of_region = self.events.get(&region);
        if of_region.is_some_and(|events| events.contains_key(&key)) {
            return;
        }
        let full = of_region.filter(|events| events.len() >= most).and_then(BTreeMap::last_key_value);
        if full.is_some_and(|(last, _)| *last < key) {
            return;
        }
        if full.is_none() && self.count >= MOST_EVENTS || self.bytes + key.2.len() > MOST_BYTES {
            self.dropped += 1;
            return;
        }
        let makes_place = full.is_some();
        let events = self.events.entry(region).or_default();
        if makes_place && let Some((last, _)) = events.pop_last() {
            self.bytes -= last.2.len();
            self.count -= 1;
        }
        self.bytes += key.2.len();
        self.count += 1;
        events.insert(key, (event, place));
    }

    /// Counts a matching event that could not be looked at.
    pub(super) fn lose(&mut self) {
        self.matched += 1;
        self.dropped += 1;
    }

    /// Matching events that were not kept, beside those beyond the rule's own limit.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The response of a record: the events in the order of their keys, how many matched and, where they come out of
    /// `objects`, where each was read.
    pub(super) fn into_response(self, objects: &[Value]) -> Value {
        let mut kept: Vec<(Key, (Value, Option<Place>))> =
            self.events.into_values().flat_map(BTreeMap::into_iter).collect();
        kept.sort_by(|one, other| one.0.cmp(&other.0));
        let mut numbers: BTreeMap<usize, usize> = BTreeMap::new();
        let mut found_in = Vec::new();
        let mut places = Vec::new();
        let mut events = Vec::new();
        for (_, (event, place)) in kept {
            if let Some((object, index)) = place {
                let number = *numbers.entry(object).or_insert_with(|| {
                    found_in.extend(objects.get(object).cloned());
                    found_in.len().saturating_sub(1)
                });
                places.push(json!({ "object": number, "index": index }));
            }
            events.push(event);
        }
        let mut response = json!({ "events": events, "matched": self.matched });
        if !objects.is_empty() {
            response["places"] = places.into();
            response["objects"] = found_in.into();
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: usize) -> Value {
        json!({ "eventTime": format!("2026-07-01T00:00:{:02}Z", id % 60), "eventID": id.to_string() })
    }

    fn events(excerpt: Excerpt) -> Value {
        excerpt.into_response(&[])["events"].clone()
    }

    #[test]
    fn events_are_in_the_order_of_time_and_what_comes_twice_is_kept_once() {
        let mut excerpt = Excerpt::default();
        for id in [3, 1, 2, 3, 1] {
            excerpt.take(event(id), None, 10);
        }
        assert_eq!((excerpt.dropped, excerpt.matched), (0, 5));
        assert_eq!(events(excerpt), json!([event(1), event(2), event(3)]));
    }

    #[test]
    fn the_first_of_each_region_are_kept_and_all_are_counted() {
        let mut excerpt = Excerpt::default();
        for id in [5, 4, 1, 3, 2] {
            excerpt.take(event(id), None, 2);
        }
        let elsewhere = json!({ "awsRegion": "eu-west-1", "eventTime": "2026-07-01T00:00:09Z" });
        excerpt.take(elsewhere.clone(), None, 2);
        assert_eq!((excerpt.dropped, excerpt.matched, excerpt.count), (0, 6, 3));
        assert_eq!(events(excerpt), json!([event(1), event(2), elsewhere]));
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut excerpt = Excerpt::default();
        for id in 0..MOST_EVENTS + 3 {
            excerpt.take(event(id), None, MOST_EVENTS + 9);
        }
        excerpt.take(event(0), None, MOST_EVENTS + 9);
        assert_eq!((excerpt.dropped, excerpt.count), (3, MOST_EVENTS));

        let mut excerpt = Excerpt::default();
        let long = |id: &str| json!({ "eventID": id, "text": "x".repeat(MOST_BYTES / 2) });
        for event in [long("1"), long("2"), event(3)] {
            excerpt.take(event, None, 10);
        }
        assert_eq!((excerpt.dropped, excerpt.count), (1, 2));
    }

    #[test]
    fn what_could_not_be_read_back_is_dropped_and_counted() {
        let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({ "in": inner }));
        let mut excerpt = Excerpt::default();
        for event in [nested(DEEPEST_EVENT), nested(DEEPEST_EVENT + 1), json!({ "number": u64::MAX })] {
            excerpt.take(event, None, 10);
        }
        assert_eq!((excerpt.dropped, excerpt.count), (2, 1));
    }

    #[test]
    fn an_event_names_the_object_that_it_was_read_in() {
        let mut excerpt = Excerpt::default();
        excerpt.take(event(2), Some((7, 30)), 10);
        excerpt.take(event(1), Some((9, 0)), 10);
        let objects: Vec<Value> = (0..10).map(|number| json!({ "location": number })).collect();
        let response = excerpt.into_response(&objects);
        assert_eq!(response["objects"], json!([{ "location": 9 }, { "location": 7 }]));
        assert_eq!(response["places"], json!([{ "object": 0, "index": 0 }, { "object": 1, "index": 30 }]));
    }
}
