//! Holding a bundle's requests against validated log files: CloudTrail logs every call of ours with its request id.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::digest::LogText;
use crate::model::{
    Confirmation, ConfirmingEvent, Difference, Mismatch, NotConfirmed, Open, Period, ReadLogs, Record,
    RecordId, RecordKind, Sha256Digest,
};

/// How far an event may lie before the record: a record is dated when its last page came.
const BEFORE: TimeDelta = TimeDelta::minutes(30);
/// How far an event may lie after the record: clocks differ.
const AFTER: TimeDelta = TimeDelta::minutes(5);
/// Events with request ids of the bundle that are kept, at most: a hostile log may repeat one without end.
const MOST_EVENTS: usize = 4_000_000;
/// Events of one request id that are kept.
const MOST_OF_ONE: usize = 50;

/// A record of an API call, as far as CloudTrail can know of it.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The record.
    pub record: RecordId,
    /// Account that was asked about, and whose trail logs the call.
    pub account: String,
    /// Region.
    pub region: String,
    /// Service as the AWS CLI names it.
    pub service: String,
    /// Operation.
    pub operation: String,
    /// ARN of the identity that made the call.
    pub caller: String,
    /// When the last answer came.
    pub at: DateTime<Utc>,
    /// AWS's request ids, with whether each was answered without an error.
    pub requests: Vec<(String, bool)>,
}

/// What CloudTrail says of a request.
#[derive(Debug, Clone)]
struct Seen {
    event: Logged,
    log: String,
    log_text_sha256: Sha256Digest,
}

/// The members of an event that are compared.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Logged {
    #[serde(rename = "requestID", default)]
    request_id: Option<String>,
    #[serde(rename = "eventID", default)]
    event_id: Option<String>,
    event_time: DateTime<Utc>,
    event_source: String,
    event_name: String,
    #[serde(default)]
    user_identity: Option<Identity>,
    #[serde(default)]
    recipient_account_id: Option<String>,
    #[serde(default)]
    error_code: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Identity {
    #[serde(default)]
    arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LogFile {
    records: Vec<serde_json::Value>,
}

/// Names of services and operations that CloudTrail has others for.
#[derive(Debug, Deserialize)]
struct Names {
    services: BTreeMap<String, String>,
    operations: BTreeMap<String, BTreeMap<String, String>>,
}

fn names() -> Option<&'static Names> {
    static NAMES: OnceLock<Option<Names>> = OnceLock::new();
    NAMES.get_or_init(|| toml::from_str(include_str!("event_sources.toml")).ok()).as_ref()
}

/// The events of the bundle's requests, gathered out of log files.
#[derive(Debug)]
pub struct Gathering {
    wanted: BTreeSet<String>,
    seen: BTreeMap<String, Vec<Seen>>,
    count: usize,
}

impl Gathering {
    /// Gathers events of these records.
    pub fn new(claims: &[Claim]) -> Self {
        let ids = claims.iter().flat_map(|claim| &claim.requests).map(|(id, _)| id.clone());
        Self { wanted: ids.collect(), seen: BTreeMap::new(), count: 0 }
    }

    /// Looks through a log file that is what CloudTrail signed.
    pub fn look(&mut self, log: &LogText<'_>) {
        let Ok(file) = serde_json::from_slice::<LogFile>(log.text) else { return };
        for record in file.records {
            let Ok(event) = Logged::deserialize(record) else { continue };
            let Some(id) = event.request_id.clone().filter(|id| self.wanted.contains(id)) else { continue };
            let of_id = self.seen.entry(id).or_default();
            if of_id.len() < MOST_OF_ONE && self.count < MOST_EVENTS {
                of_id.push(Seen { event, log: log.location.to_owned(), log_text_sha256: log.text_sha256 });
                self.count += 1;
            }
        }
    }

    /// What came of the records.
    pub fn judge(&self, claims: &[Claim], logs: &[ReadLogs]) -> Judged {
        let mut judged = Judged::default();
        for claim in claims {
            match self.judge_one(claim, logs, &mut judged.mismatches) {
                Ok(events) => judged.confirmations.push(Confirmation { record: claim.record, events }),
                Err(reason) => judged.open.push(Open { record: claim.record, reason }),
            }
        }
        judged
    }

    fn judge_one(
        &self,
        claim: &Claim,
        logs: &[ReadLogs],
        mismatches: &mut Vec<Mismatch>,
    ) -> Result<Vec<ConfirmingEvent>, NotConfirmed> {
        if claim.requests.is_empty() {
            return Err(NotConfirmed::NoRequestId);
        }
        let (mut events, mut reason) = (Vec::new(), None);
        for (id, succeeded) in &claim.requests {
            let seen = self.seen.get(id).map(Vec::as_slice).unwrap_or_default();
            let compared: Vec<(&Seen, Vec<Difference>)> =
                seen.iter().map(|seen| (seen, claim.differences(&seen.event, *succeeded))).collect();
            let best = compared.into_iter().min_by_key(|(_, differences)| differences.len());
            let found = match best {
                None => Err(unseen(claim, logs)),
                Some((seen, differences)) if differences.is_empty() => Ok(seen),
                Some((seen, differences)) => {
                    mismatches.push(Mismatch {
                        record: claim.record,
                        request_id: id.clone(),
                        event_id: plain(seen.event.event_id.as_deref()),
                        log: seen.log.clone(),
                        differences,
                    });
                    Err(NotConfirmed::Mismatch)
                }
            };
            match found {
                Ok(seen) => events.push(ConfirmingEvent {
                    request_id: id.clone(),
                    event_id: plain(seen.event.event_id.as_deref()),
                    event_time: seen.event.event_time,
                    log: seen.log.clone(),
                    log_text_sha256: seen.log_text_sha256,
                }),
                Err(why) => reason = Some(reason.map_or(why, |known: NotConfirmed| known.min(why))),
            }
        }
        reason.map_or(Ok(events), Err)
    }
}

/// What came of the records of a bundle.
#[derive(Debug, Default)]
pub struct Judged {
    /// Confirmed ones.
    pub confirmations: Vec<Confirmation>,
    /// The others.
    pub open: Vec<Open>,
    /// What CloudTrail logged otherwise.
    pub mismatches: Vec<Mismatch>,
}

/// Why CloudTrail's log files say nothing of a record.
fn unseen(claim: &Claim, logs: &[ReadLogs]) -> NotConfirmed {
    // Calls of global services are logged in the partition's home region, and their events lie there.
    let mut of_account = logs.iter().filter(|logs| logs.account == claim.account);
    let Some(logs) = of_account.find(|logs| logs.region == claim.region) else {
        return NotConfirmed::OtherRegion;
    };
    // It may be delivered a quarter of an hour later.
    let from = Period { start: claim.at - TimeDelta::minutes(1), end: claim.at + TimeDelta::minutes(15) };
    let covers = |span: &Period| span.start <= from.start && from.end <= span.end;
    if logs.covered.iter().any(covers) { NotConfirmed::NotLogged } else { NotConfirmed::NotCovered }
}

impl Claim {
    /// What CloudTrail can know of a record; nothing of what no call to AWS gave.
    pub fn of(id: RecordId, record: &Record) -> Option<Self> {
        if record.kind != RecordKind::ApiCall || record.exchanges.is_empty() {
            return None;
        }
        let requests = record.exchanges.iter().filter_map(|exchange| {
            Some((exchange.request_id.clone().filter(|id| !id.is_empty())?, exchange.status < 300))
        });
        Some(Self {
            record: id,
            account: record.source.account.clone(),
            region: record.source.region.clone(),
            service: record.source.service.clone(),
            operation: record.source.operation.clone(),
            caller: record.source.caller.clone(),
            at: record.collected_at,
            requests: requests.collect(),
        })
    }

    /// What an event says differently from the record.
    fn differences(&self, event: &Logged, succeeded: bool) -> Vec<Difference> {
        let mut differences = Vec::new();
        let mut differs = |what: &str, same: bool, record: &str, event: &str| {
            if !same {
                let (record, event) = (plain(Some(record)), plain(Some(event)));
                differences.push(Difference { what: what.to_owned(), record, event });
            }
        };
        let account = event.recipient_account_id.as_deref().unwrap_or(&self.account);
        differs("account", account == self.account, &self.account, account);
        let principal =
            event.user_identity.as_ref().and_then(|identity| identity.arn.as_deref()).unwrap_or("nobody");
        differs("principal", principal == self.caller, &self.caller, principal);
        let (ours, theirs) = (
            format!("{} {}", self.service, self.operation),
            format!("{} {}", event.event_source, event.event_name),
        );
        differs("call", self.is_call(&event.event_source, &event.event_name), &ours, &theirs);
        let about = self.at - BEFORE <= event.event_time && event.event_time <= self.at + AFTER;
        differs("time", about, &self.at.to_rfc3339(), &event.event_time.to_rfc3339());
        let error = event.error_code.as_deref();
        differs("outcome", !(succeeded && error.is_some()), "answered", error.unwrap_or_default());
        differences
    }

    fn is_call(&self, source: &str, name: &str) -> bool {
        let source = source.split('.').next().unwrap_or_default();
        let known = names();
        let service = known.and_then(|names| names.services.get(&self.service));
        let operation = known.and_then(|names| names.operations.get(&self.service)?.get(&self.operation));
        let same_service = source == self.service || service.is_some_and(|service| service == source);
        // Some services add the version of their API: `ListFunctions20150331v2`.
        let versioned = name.strip_prefix(&self.operation).is_some_and(|rest| {
            rest.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'v' | b'_'))
        });
        same_service && (versioned || operation.is_some_and(|operation| operation == name))
    }
}

/// Text out of a log, bounded and on one line.
fn plain(text: Option<&str>) -> String {
    crate::model::harmless(text.unwrap_or_default(), 300)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_the_same_under_either_name() {
        let claim = |service: &str, operation: &str| Claim {
            record: RecordId(crate::canonical::sha256(b"")),
            account: String::new(),
            region: String::new(),
            service: service.into(),
            operation: operation.into(),
            caller: String::new(),
            at: DateTime::UNIX_EPOCH,
            requests: Vec::new(),
        };
        assert!(names().is_some());
        assert!(claim("kms", "ListKeys").is_call("kms.amazonaws.com", "ListKeys"));
        assert!(claim("lambda", "ListFunctions").is_call("lambda.amazonaws.com", "ListFunctions20150331"));
        assert!(
            claim("s3", "GetPublicAccessBlock").is_call("s3.amazonaws.com", "GetBucketPublicAccessBlock")
        );
        assert!(
            claim("elbv2", "DescribeRules").is_call("elasticloadbalancing.amazonaws.com", "DescribeRules")
        );
        assert!(!claim("kms", "ListKeys").is_call("kms.amazonaws.com", "ListKeysOfOthers"));
        assert!(!claim("kms", "ListKeys").is_call("s3.amazonaws.com", "ListKeys"));
    }
}
