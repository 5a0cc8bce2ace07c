//! `LookupEvents`: 90 days of management events, asked for per region.
//!
//! AWS answers two calls a second with 50 events each, and narrows by one attribute at most. So everything is
//! listed once for all rules together, for as long as that takes no more calls than the rules' own look-ups would.
//! Where the listing ends by then, every rule has seen all; where it does not, the look-ups follow, each once for all
//! rules that name it; the rules that name none are left to the log files, or have a gap where there are none.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_cloudtrail::error::SdkError;
use aws_sdk_cloudtrail::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_cloudtrail::operation::RequestId;
use aws_sdk_cloudtrail::operation::lookup_events::{LookupEventsError, LookupEventsOutput};
use aws_sdk_cloudtrail::primitives::DateTime as AwsDateTime;
use aws_sdk_cloudtrail::types::{Event, LookupAttribute, LookupAttributeKey};
use chrono::Days;
use serde_json::{Value, json};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};

use super::event::in_scope;
use super::{Excerpt, Origin, Request, Rule};
use crate::catalog::GapReasons;
use crate::model::{GapReason, Record, RecordOutcome};

/// How far back `LookupEvents` reaches, in days (AWS CloudTrail API Reference, LookupEvents).
const REACH_DAYS: u64 = 90;

/// What lies between two calls at least: two a second are allowed per account and region (AWS CloudTrail API Reference,
/// LookupEvents), and a region of an account is asked by nobody else.
const PACE: Duration = Duration::from_millis(500);

/// What a call that is throttled nevertheless waits before it is made again, beyond what the client itself waits:
/// others ask in the same account.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// Pages of 50 events that one look-up may take.
const MOST_PAGES: usize = 2_000;

/// Pages that the listing of everything may take at least, however few look-ups there are.
const LEAST_PAGES: usize = 20;

/// Asks `LookupEvents` in `region` for all rules. One record per rule, and a gap beside it for whatever could not
/// be seen: `only_source` says that no log files cover what `LookupEvents` does not give.
pub async fn from_lookup_events(
    client: &aws_sdk_cloudtrail::Client,
    region: &str,
    endpoint: &str,
    request: Request<'_>,
    only_source: bool,
) -> Vec<Record> {
    let origin = Origin {
        request,
        region,
        operation: "LookupEvents",
        endpoint: endpoint.to_owned(),
        source: json!("LookupEvents"),
    };
    // The event history has no data events: to ask it would be to say that there were none.
    let (absent, asked): (Vec<&Rule>, Vec<&Rule>) =
        request.rules.values().partition(|rule| rule.rule.data_events);
    let mut records = Vec::new();
    if only_source {
        let message = "the event history has no data events; name the trail's log objects in [trail] logs";
        records
            .extend(absent.iter().map(|rule| origin.gap(&rule.rule.id, "DataEventsNotInHistory", message)));
    }
    let mut pace = interval(PACE);
    // A call that took long does not let the next ones come faster.
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut search = Search { client, origin: &origin, pace, seen: BTreeMap::new() };
    search.all(&asked, only_source).await;
    for rule in asked {
        let id = rule.rule.id.as_str();
        records.extend(search.seen.remove(id).unwrap_or_default().into_records(&origin, id));
        if only_source && request.period.start < request.clock.now() - Days::new(REACH_DAYS) {
            let message = format!(
                "LookupEvents reaches back {REACH_DAYS} days, the audit period starts earlier; name the trail's log objects in [trail] logs"
            );
            records.push(origin.gap(id, "PeriodBeyondLookupEvents", message));
        }
    }
    records
}

/// What has been seen for one rule.
#[derive(Default)]
struct Seen {
    excerpt: Excerpt,
    /// Events that were looked at.
    scanned: u64,
    /// Of the calls that gave them.
    request_ids: Vec<String>,
    gaps: Vec<Record>,
    /// Left to the log files: not all of it could be listed.
    left: bool,
}

impl Seen {
    fn into_records(mut self, origin: &Origin<'_>, rule: &str) -> Vec<Record> {
        if self.left {
            return Vec::new();
        }
        self.gaps.extend(origin.dropped_gap(rule, &self.excerpt));
        let mut response = self.excerpt.into_response(&[]);
        response["events-scanned"] = self.scanned.into();
        response["request-ids"] = self.request_ids.into();
        // A look-up that failed from the start has nothing to show but its gap.
        let seen = self.gaps.is_empty() || self.scanned > 0;
        let record = seen.then(|| origin.record(rule, RecordOutcome::Response(response)));
        record.into_iter().chain(self.gaps).collect()
    }
}

/// How a listing ended.
#[derive(PartialEq, Eq)]
enum End {
    /// With its last page.
    Whole,
    /// At the last page that it was allowed.
    Cut,
    /// With an error, or in a circle: the rules have a gap.
    Failed,
}

/// The search of one region.
struct Search<'a> {
    client: &'a aws_sdk_cloudtrail::Client,
    origin: &'a Origin<'a>,
    pace: Interval,
    /// By the rule's id.
    seen: BTreeMap<&'a str, Seen>,
}

impl<'a> Search<'a> {
    /// Looks for the events of all rules.
    async fn all(&mut self, rules: &[&'a Rule], only_source: bool) {
        let look_ups = look_ups(rules);
        if rules.is_empty() || self.list(None, rules, look_ups.len().max(LEAST_PAGES)).await != End::Cut {
            return;
        }
        for rule in rules {
            let seen = self.seen.entry(&rule.rule.id).or_default();
            if rule.rule.lookup.is_some() {
                // Its look-ups give again what the listing gave of it, and the rest.
                *seen = Seen::default();
            } else if only_source {
                let message = format!(
                    "the event history holds more than the {} newest events that were looked at, and this rule cannot be looked up by an attribute; name the trail's log objects in [trail] logs",
                    seen.scanned
                );
                seen.gaps.push(self.origin.gap(&rule.rule.id, "TooManyPages", message));
            } else {
                seen.left = true;
            }
        }
        for ((attribute, value), rules) in look_ups {
            let attribute = LookupAttribute::builder()
                .attribute_key(LookupAttributeKey::from(attribute))
                .attribute_value(value)
                .build()
                .ok();
            if self.list(attribute, &rules, MOST_PAGES).await == End::Cut {
                self.gap(&rules, "TooManyPages", &format!("more than {MOST_PAGES} pages of events"));
            }
        }
    }

    /// Lists what the attribute narrows to, newest first, and keeps what the rules select.
    async fn list(&mut self, attribute: Option<LookupAttribute>, rules: &[&'a Rule], most: usize) -> End {
        let mut token = None;
        for _ in 0..most {
            let answer = self.ask(attribute.as_ref(), token.as_deref()).await;
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) => {
                    let code = error.code().unwrap_or("Unreachable").to_owned();
                    let message = error
                        .message()
                        .map_or_else(|| DisplayErrorContext(&error).to_string(), str::to_owned);
                    self.gap(rules, &code, &message);
                    return End::Failed;
                }
            };
            for rule in rules {
                let seen = self.seen.entry(&rule.rule.id).or_default();
                seen.request_ids.extend(answer.request_id().map(str::to_owned));
            }
            for event in answer.events() {
                self.look_at(cloud_trail_event(event).as_ref(), rules);
            }
            let next = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if next.is_none() {
                return End::Whole;
            }
            if next == token {
                self.gap(rules, "MalformedResponse", "the same page is offered again and again");
                return End::Failed;
            }
            token = next;
        }
        End::Cut
    }

    /// One call, at the pace that is allowed; made again after a pause where it is throttled.
    async fn ask(
        &mut self,
        attribute: Option<&LookupAttribute>,
        token: Option<&str>,
    ) -> Result<LookupEventsOutput, SdkError<LookupEventsError>> {
        let period = self.origin.request.period;
        let mut pauses = PAUSES.iter();
        loop {
            self.pace.tick().await;
            let answer = self
                .client
                .lookup_events()
                .set_lookup_attributes(attribute.map(|attribute| vec![attribute.clone()]))
                .start_time(AwsDateTime::from_secs(period.start.timestamp()))
                // LookupEvents includes its end; ours is the first instant after the period.
                .end_time(AwsDateTime::from_secs(period.end.timestamp() - 1))
                .set_next_token(token.map(str::to_owned))
                .send()
                .await;
            match (&answer, pauses.next()) {
                (Err(error), Some(pause)) if error.code().is_some_and(is_throttling) => sleep(*pause).await,
                _ => return answer,
            }
        }
    }

    /// Keeps an event for the rules that select it; one that cannot be read is missing from all of them.
    fn look_at(&mut self, event: Option<&Value>, rules: &[&'a Rule]) {
        let request = self.origin.request;
        let within = event.filter(|event| in_scope(event, request.period, request.account));
        for rule in rules {
            let seen = self.seen.entry(&rule.rule.id).or_default();
            seen.scanned += 1;
            if event.is_none() {
                seen.excerpt.lose();
            } else if let Some(event) = within.filter(|event| rule.filter.selects(event)) {
                seen.excerpt.take(event.clone(), None, rule.rule.most_events);
            }
        }
    }

    fn gap(&mut self, rules: &[&'a Rule], code: &str, message: &str) {
        for rule in rules {
            let gap = self.origin.gap(&rule.rule.id, code, message);
            self.seen.entry(&rule.rule.id).or_default().gaps.push(gap);
        }
    }
}

fn is_throttling(code: &str) -> bool {
    GapReasons::embedded().of(code) == GapReason::Throttled
}

/// The look-ups, an attribute and a value each, with the rules that name them.
fn look_ups<'a>(rules: &[&'a Rule]) -> BTreeMap<(&'a str, &'a str), Vec<&'a Rule>> {
    let mut look_ups: BTreeMap<(&str, &str), Vec<&Rule>> = BTreeMap::new();
    for rule in rules {
        let Some(lookup) = &rule.rule.lookup else { continue };
        let values: BTreeSet<&String> = lookup.values.iter().collect();
        for value in values {
            look_ups.entry((&lookup.attribute, value)).or_default().push(rule);
        }
    }
    look_ups
}

fn cloud_trail_event(event: &Event) -> Option<Value> {
    let event: Value = serde_json::from_str(event.cloud_trail_event()?).ok()?;
    event.is_object().then_some(event)
}
