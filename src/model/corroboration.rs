//! What CloudTrail's own signed logs say of a bundle's records: `corroboration.json`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Period, RecordId, Sha256Digest, Tool};

/// Which records of a bundle AWS's signed logs confirm: CloudTrail logged the same calls under the same request ids, by
/// the same principal, at the same time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Corroboration {
    /// Version of the format; 1.
    pub version: u32,
    /// The program that compared.
    pub tool: Tool,
    /// When.
    pub made_at: DateTime<Utc>,
    /// SHA-256 of the bundle's `data/manifest.json`.
    pub manifest_sha256: Sha256Digest,
    /// Root of the Merkle tree over the bundle's records.
    pub merkle_root: Sha256Digest,
    /// Where the log files are.
    pub sources: Vec<String>,
    /// The accounts and regions whose log files were read, and how much of the time of the calls they cover.
    pub logs: Vec<ReadLogs>,
    /// Records of API calls.
    pub records: u64,
    /// Those of them all of whose requests are confirmed.
    pub confirmed: u64,
    /// Those that are not, by reason.
    pub not_confirmed: BTreeMap<NotConfirmed, u64>,
    /// Requests that CloudTrail logged otherwise than the record says: they need an explanation.
    pub mismatches: Vec<Mismatch>,
    /// The confirmed records, in the bundle's order.
    pub confirmations: Vec<Confirmation>,
    /// The other records, in the bundle's order.
    pub open: Vec<Open>,
}

/// The validated log files of an account and region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ReadLogs {
    /// Account id (12 digits).
    pub account: String,
    /// Region.
    pub region: String,
    /// From some hours before the first of the calls to some hours after the last.
    pub period: Period,
    /// Of that time, what verified digest files cover all of whose log files are valid.
    pub covered: Vec<Period>,
    /// Valid log files.
    pub valid: u64,
    /// Log files that are altered or missing; nothing in them counts.
    pub invalid: u64,
}

/// A record that AWS's signed logs confirm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Confirmation {
    /// The record.
    pub record: RecordId,
    /// Its requests.
    pub events: Vec<ConfirmingEvent>,
}

/// The event that confirms a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConfirmingEvent {
    /// AWS's request id.
    pub request_id: String,
    /// CloudTrail's id of the event.
    pub event_id: String,
    /// When CloudTrail says that the request was made.
    pub event_time: DateTime<Utc>,
    /// The log file that holds it.
    pub log: String,
    /// SHA-256 of that log file's text, which CloudTrail signed.
    pub log_text_sha256: Sha256Digest,
}

/// A record that is not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Open {
    /// The record.
    pub record: RecordId,
    /// Why.
    pub reason: NotConfirmed,
}

/// Why a record is not confirmed; the first of these that holds for one of its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NotConfirmed {
    /// CloudTrail logged a request of this id otherwise than the record says.
    Mismatch,
    /// No request was answered: nothing that CloudTrail could have logged under an id.
    NoRequestId,
    /// No log files of its account and region were found.
    OtherRegion,
    /// Validated log files do not cover its time: not delivered yet, or a hole.
    NotCovered,
    /// The log files of its time hold no such request: the trail does not log such events (data events, read events), or
    /// CloudTrail does not log the call.
    NotLogged,
}

/// A request that CloudTrail logged otherwise than the record says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Mismatch {
    /// The record.
    pub record: RecordId,
    /// AWS's request id.
    pub request_id: String,
    /// CloudTrail's id of the event.
    pub event_id: String,
    /// The log file that holds it.
    pub log: String,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// What a record and an event say differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Difference {
    /// What: `account`, `principal`, `call`, `time`, `outcome`.
    pub what: String,
    /// What the record says.
    pub record: String,
    /// What CloudTrail says.
    pub event: String,
}

impl Corroboration {
    /// The version that this program writes.
    pub const VERSION: u32 = 1;
}

impl NotConfirmed {
    /// The reason in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Mismatch => "CloudTrail logged the request otherwise than the record says",
            Self::NoRequestId => "no answer with a request id came",
            Self::OtherRegion => "no log files of its account and region",
            Self::NotCovered => "validated log files do not cover its time: not delivered yet, or a hole",
            Self::NotLogged => {
                "not in the log files of its time: the trail does not log such events, or CloudTrail does not log the call"
            }
        }
    }
}
