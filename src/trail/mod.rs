//! CloudTrail: the events that controls ask for, as records of the bundle.
//!
//! Two sources give them: `LookupEvents` (90 days of management events) and log objects in S3 or a
//! directory (any period). Which events an excerpt holds is data: see [`crate::catalog::ExcerptRule`].
//! Events come from AWS and from whoever acted in the account, so they are hostile input: bounded in
//! size and number, kept as data.

pub mod corroborate;
pub mod coverage;
pub mod digest;
mod event;
mod file;
mod logs;
mod lookup;
mod objects;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::catalog::{ExcerptRule, GapReasons};
use crate::clock::Clock;
use crate::model::{ApiError, Period, Record, RecordKind, RecordOutcome, Source};

pub use logs::from_logs;
pub use lookup::from_lookup_events;
pub use objects::{LogSource, LogSourceError};

/// Events kept per rule and source; what is beyond them is a gap, never silence.
const MOST_EVENTS: usize = 10_000;

/// Bytes of events kept per rule and source: a record is one line of a bundle, and lines are bounded.
const MOST_BYTES: usize = 64 << 20;

/// Levels of nesting that an event may have. Parsers stop at 128, and in a record it lies some levels deeper
/// than where it was read: what could be read once must be readable again.
const DEEPEST_EVENT: usize = 64;

/// What is asked of a source.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The rules, each of which gets a record.
    pub rules: &'a BTreeMap<String, ExcerptRule>,
    /// Events from within this period.
    pub period: Period,
    /// Partition of the account.
    pub partition: &'a str,
    /// Events of this account (12 digits).
    pub account: &'a str,
    /// ARN of who asks.
    pub caller: &'a str,
    /// When it is.
    pub clock: Clock,
}

/// What was found for one rule in one source.
#[derive(Debug, Default)]
struct Excerpt {
    /// By time, event id and canonical text: the order does not depend on where an event was read, and what
    /// CloudTrail delivers twice is kept once.
    events: BTreeMap<(String, String, String), Value>,
    /// Length of the events' text in bytes.
    bytes: usize,
    /// Matching events that were not kept.
    dropped: u64,
}

impl Excerpt {
    /// Keeps an event and says whether it is kept.
    fn keep(&mut self, event: Value) -> bool {
        let text = match crate::canonical::to_string(&event) {
            Ok(text) if !event::is_deeper_than(&event, DEEPEST_EVENT) => text,
            _ => {
                self.dropped += 1;
                return false;
            }
        };
        let length = text.len();
        let member = |name| event::text(&event, name).to_owned();
        let key = (member("eventTime"), member("eventID"), text);
        if self.events.contains_key(&key) {
            return true;
        }
        if self.events.len() >= MOST_EVENTS || self.bytes + length > MOST_BYTES {
            self.dropped += 1;
            return false;
        }
        self.bytes += length;
        self.events.insert(key, event);
        true
    }

    fn into_events(self) -> Vec<Value> {
        self.events.into_values().collect()
    }
}

/// Where the records of one source come from.
struct Origin<'a> {
    request: Request<'a>,
    region: &'a str,
    operation: &'a str,
    endpoint: String,
    /// What tells this source from others, beside the rule and the period.
    source: Value,
}

impl Origin<'_> {
    fn record(&self, rule: &str, outcome: RecordOutcome) -> Record {
        let request = &self.request;
        let time = |instant: DateTime<Utc>| instant.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        Record {
            kind: RecordKind::TrailExcerpt,
            version: Record::VERSION,
            source: Source {
                partition: request.partition.to_owned(),
                account: request.account.to_owned(),
                region: self.region.to_owned(),
                service: "cloudtrail".to_owned(),
                operation: self.operation.to_owned(),
                parameters: json!({
                    "rule": rule,
                    "start": time(request.period.start),
                    "end": time(request.period.end),
                    "source": self.source,
                }),
                caller: request.caller.to_owned(),
                endpoint: self.endpoint.clone(),
            },
            collected_at: request.clock.now(),
            exchanges: Vec::new(),
            outcome,
            redactions: Vec::new(),
        }
    }

    fn gap(&self, rule: &str, code: &str, message: impl Into<String>) -> Record {
        let message: String = message.into().chars().filter(|c| !c.is_control()).take(1024).collect();
        let error = ApiError::gap(code, message, GapReasons::embedded().of(code));
        self.record(rule, RecordOutcome::Error(error))
    }

    /// The gap that a rule's dropped events leave, where there are any.
    fn dropped_gap(&self, rule: &str, excerpt: &Excerpt) -> Option<Record> {
        (excerpt.dropped > 0).then(|| {
            let message = format!(
                "{} matching events were not kept: more than {MOST_EVENTS} events or {MOST_BYTES} bytes matched, or they are nested too deeply or hold numbers without an exact form",
                excerpt.dropped
            );
            self.gap(rule, "ExcerptTruncated", message)
        })
    }
}

/// The gaps that all rules have where an account could not be asked at all: `region` is where it would have been.
pub fn unseen(request: Request<'_>, region: &str, code: &str, message: &str) -> Vec<Record> {
    let origin =
        Origin { request, region, operation: "LookupEvents", endpoint: String::new(), source: json!("none") };
    request.rules.keys().map(|rule| origin.gap(rule, code, message)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: usize) -> Value {
        json!({ "eventTime": format!("2026-07-01T00:00:{:02}Z", id % 60), "eventID": id.to_string() })
    }

    #[test]
    fn events_are_in_the_order_of_time_and_what_comes_twice_is_kept_once() {
        let mut excerpt = Excerpt::default();
        for id in [3, 1, 2, 3, 1] {
            assert!(excerpt.keep(event(id)));
        }
        assert_eq!(excerpt.dropped, 0);
        assert_eq!(excerpt.into_events(), [event(1), event(2), event(3)]);
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut excerpt = Excerpt::default();
        for id in 0..MOST_EVENTS + 3 {
            assert_eq!(excerpt.keep(event(id)), id < MOST_EVENTS);
        }
        assert!(excerpt.keep(event(0)), "it is there already");
        assert_eq!((excerpt.dropped, excerpt.events.len()), (3, MOST_EVENTS));

        let mut excerpt = Excerpt::default();
        let long = |id: &str| json!({ "eventID": id, "text": "x".repeat(MOST_BYTES / 2) });
        assert!(excerpt.keep(long("1")) && !excerpt.keep(long("2")) && excerpt.keep(event(3)));
        assert_eq!(excerpt.dropped, 1);
    }

    #[test]
    fn what_could_not_be_read_back_is_dropped_and_counted() {
        let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({ "in": inner }));
        let mut excerpt = Excerpt::default();
        assert!(excerpt.keep(nested(DEEPEST_EVENT)) && !excerpt.keep(nested(DEEPEST_EVENT + 1)));
        assert!(!excerpt.keep(json!({ "number": u64::MAX })));
        assert_eq!((excerpt.dropped, excerpt.events.len()), (2, 1));
    }
}
