//! CloudTrail: the events that controls ask for, as records of the bundle.
//!
//! Two sources give them: `LookupEvents` (90 days of management events) and log objects in S3 or a
//! directory (any period). Which events an excerpt holds is data: see [`crate::catalog::ExcerptRule`].
//! Events come from AWS and from whoever acted in the account, so they are hostile input: bounded in
//! size and number, kept as data.

pub mod athena;
mod body;
pub mod corroborate;
pub mod coverage;
pub mod digest;
mod event;
mod excerpt;
mod file;
mod listing;
mod logs;
mod lookup;
mod objects;
mod quiet;
mod reading;
pub(crate) mod refusal;
mod rule;
mod scan;
mod scope;
mod stats;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::catalog::GapReasons;
use crate::clock::Clock;
use crate::model::{ApiError, Period, Record, RecordKind, RecordOutcome, Source};

use excerpt::{Excerpt, MOST_BYTES, MOST_EVENTS};
pub use logs::from_logs;
pub use lookup::from_lookup_events;
pub use objects::{LogSource, LogSourceError};
pub use quiet::QuietFiles;
pub use reading::{Reading, Watched};
pub use rule::{Rule, RuleError};
pub use stats::{Statistics, statistics};

/// What is asked of a source.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The rules, each of which gets a record.
    pub rules: &'a BTreeMap<String, Rule>,
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
    /// Who is told how far the reading of log files is.
    pub reading: &'a dyn Reading,
    /// Log files in which an interrupted run found nothing; those in which this one finds nothing are added.
    pub quiet: &'a QuietFiles,
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
        let mut parameters = json!({
            "rule": rule,
            "start": time(request.period.start),
            "end": time(request.period.end),
            "source": self.source,
        });
        let values = request.rules.get(rule).map(|rule| &rule.parameters).filter(|values| !values.is_empty());
        if let Some(values) = values {
            parameters["parameters"] = json!(values);
        }
        Record {
            kind: RecordKind::TrailExcerpt,
            version: Record::VERSION,
            source: Source {
                partition: request.partition.to_owned(),
                account: request.account.to_owned(),
                region: self.region.to_owned(),
                service: "cloudtrail".to_owned(),
                operation: self.operation.to_owned(),
                parameters,
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
        (excerpt.dropped() > 0).then(|| {
            let message = format!(
                "{} matching events were not kept: more than {MOST_EVENTS} events or {MOST_BYTES} bytes matched, or they are too large, nested too deeply or hold numbers without an exact form",
                excerpt.dropped()
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
