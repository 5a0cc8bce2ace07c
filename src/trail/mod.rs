//! CloudTrail: the events that controls ask for, as records of the bundle.
//!
//! Two sources give them: `LookupEvents` (90 days of management events) and log objects in S3 or a
//! directory (any period). Which events an excerpt holds is data: see [`crate::catalog::ExcerptRule`].
//! Events come from AWS and from whoever acted in the account, so they are hostile input: bounded in
//! size and number, kept as data.

mod event;
mod logs;
mod lookup;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::catalog::ExcerptRule;
use crate::clock::Clock;
use crate::model::{ApiError, ErrorMeaning, Period, Record, RecordKind, RecordOutcome, Source};

pub use logs::{LogSource, LogSourceError, from_logs};
pub use lookup::from_lookup_events;

/// Events kept per rule and source; what is beyond them is a gap, never silence.
const MOST_EVENTS: usize = 10_000;

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
    events: Vec<Value>,
    /// Matching events that were not kept: too many, or not representable.
    dropped: u64,
}

impl Excerpt {
    fn keep(&mut self, event: &Value) {
        if self.events.len() < MOST_EVENTS && crate::canonical::to_string(event).is_ok() {
            self.events.push(event.clone());
        } else {
            self.dropped += 1;
        }
    }

    /// By time, then event id: the order does not depend on where an event was read.
    fn sort(&mut self) {
        self.events.sort_by_cached_key(|event| {
            (
                event::text(event, "eventTime").to_owned(),
                event::text(event, "eventID").to_owned(),
                event.to_string(),
            )
        });
        self.events.dedup();
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
        let error = ApiError { code: code.to_owned(), message, meaning: ErrorMeaning::Gap };
        self.record(rule, RecordOutcome::Error(error))
    }

    /// The gap that a rule's dropped events leave, where there are any.
    fn dropped_gap(&self, rule: &str, excerpt: &Excerpt) -> Option<Record> {
        (excerpt.dropped > 0).then(|| {
            let message = format!(
                "{} matching events were not kept: more than {MOST_EVENTS} matched, or they hold numbers without an exact form",
                excerpt.dropped
            );
            self.gap(rule, "ExcerptTruncated", message)
        })
    }
}
