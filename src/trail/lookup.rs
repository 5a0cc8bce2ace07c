//! `LookupEvents`: 90 days of management events, asked for per region.

use aws_sdk_cloudtrail::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_cloudtrail::operation::RequestId;
use aws_sdk_cloudtrail::primitives::DateTime as AwsDateTime;
use aws_sdk_cloudtrail::types::{Event, LookupAttribute, LookupAttributeKey};
use chrono::Days;
use serde_json::{Value, json};

use super::event::in_scope;
use super::{Excerpt, Origin, Request, Rule};
use crate::model::{Record, RecordOutcome};

/// How far back `LookupEvents` reaches, in days (AWS CloudTrail API Reference, LookupEvents).
const REACH_DAYS: u64 = 90;

/// Pages of 50 events that one look-up may take.
const MOST_PAGES: usize = 2_000;

/// Asks `LookupEvents` in `region` for every rule. One record per rule, and a gap beside it for
/// whatever could not be seen: `only_source` says that no log files cover what lies further back.
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
    let mut records = Vec::new();
    for rule in request.rules.values() {
        records.extend(excerpt(client, &origin, rule).await);
        if only_source && request.period.start < request.clock.now() - Days::new(REACH_DAYS) {
            let message = format!(
                "LookupEvents reaches back {REACH_DAYS} days, the audit period starts earlier; name the trail's log objects in [trail] logs"
            );
            records.push(origin.gap(&rule.rule.id, "PeriodBeyondLookupEvents", message));
        }
    }
    records
}

async fn excerpt(client: &aws_sdk_cloudtrail::Client, origin: &Origin<'_>, rule: &Rule) -> Vec<Record> {
    let mut excerpt = Excerpt::default();
    let mut scanned = 0_u64;
    let mut request_ids = Vec::new();
    let mut gaps = Vec::new();
    for attribute in attributes(rule) {
        let mut token = None;
        for page in 0.. {
            if page == MOST_PAGES {
                gaps.push(origin.gap(
                    &rule.rule.id,
                    "TooManyPages",
                    format!("more than {MOST_PAGES} pages of events"),
                ));
                break;
            }
            let answer = client
                .lookup_events()
                .set_lookup_attributes(attribute.clone().map(|attribute| vec![attribute]))
                .start_time(AwsDateTime::from_secs(origin.request.period.start.timestamp()))
                // LookupEvents includes its end; ours is the first instant after the period.
                .end_time(AwsDateTime::from_secs(origin.request.period.end.timestamp() - 1))
                .set_next_token(token.clone())
                .send()
                .await;
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) => {
                    let code = error.code().unwrap_or("Unreachable").to_owned();
                    let message = error
                        .message()
                        .map_or_else(|| DisplayErrorContext(&error).to_string(), str::to_owned);
                    gaps.push(origin.gap(&rule.rule.id, &code, message));
                    break;
                }
            };
            request_ids.extend(answer.request_id().map(str::to_owned));
            for event in answer.events() {
                scanned += 1;
                match cloud_trail_event(event) {
                    Some(event)
                        if in_scope(&event, origin.request.period, origin.request.account)
                            && rule.filter.selects(&event) =>
                    {
                        excerpt.take(event, None, rule.rule.most_events);
                    }
                    Some(_) => {}
                    None => excerpt.lose(),
                }
            }
            let next = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if next.is_some() && next == token {
                gaps.push(origin.gap(
                    &rule.rule.id,
                    "MalformedResponse",
                    "the same page is offered again and again",
                ));
                break;
            }
            token = next;
            if token.is_none() {
                break;
            }
        }
    }
    gaps.extend(origin.dropped_gap(&rule.rule.id, &excerpt));
    let mut response = excerpt.into_response(&[]);
    response["events-scanned"] = scanned.into();
    response["request-ids"] = request_ids.into();
    // A look-up that failed from the start has nothing to show but its gap.
    let seen = gaps.is_empty() || scanned > 0;
    let record = seen.then(|| origin.record(&rule.rule.id, RecordOutcome::Response(response)));
    record.into_iter().chain(gaps).collect()
}

/// `LookupEvents` takes one attribute a call: one call per value, or one without where the rule names none.
fn attributes(rule: &Rule) -> Vec<Option<LookupAttribute>> {
    let Some(lookup) = &rule.rule.lookup else { return vec![None] };
    let attribute = |value: &String| {
        LookupAttribute::builder()
            .attribute_key(LookupAttributeKey::from(lookup.attribute.as_str()))
            .attribute_value(value)
            .build()
            .ok()
    };
    lookup.values.iter().map(attribute).collect()
}

fn cloud_trail_event(event: &Event) -> Option<Value> {
    let event: Value = serde_json::from_str(event.cloud_trail_event()?).ok()?;
    event.is_object().then_some(event)
}
