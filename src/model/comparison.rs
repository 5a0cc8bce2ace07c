//! What changed from one assessed bundle to another: resources, controls, findings, exceptions, attestations and records.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    AttestationState, ControlStatus, ExceptionProblem, Outcome, RecordId, Scope, Severity, Sha256Digest,
    StatusCount, Subject, Tool,
};

/// A comparison of two assessed bundles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Comparison {
    /// Version of this format; 1.
    pub version: u32,
    /// The program that compared.
    pub tool: Tool,
    /// The earlier side.
    pub before: ComparedSide,
    /// The later side.
    pub after: ComparedSide,
    /// Parameters that differ, by name.
    pub parameters: BTreeMap<String, Change<Value>>,
    /// How many controls of each framework had and have each status; frameworks that both sides were assessed against.
    pub frameworks: Vec<FrameworkChange>,
    /// Controls whose status is another, in the later side's order.
    pub controls: Vec<ControlChange>,
    /// Findings that came out otherwise, or are on one side only, sorted by check and subject.
    pub findings: Vec<FindingChange>,
    /// Resources.
    pub resources: ResourceChanges,
    /// Exceptions that came, went, or no longer cover what they did.
    pub exceptions: Vec<ExceptionChange>,
    /// Attestations whose state is another.
    pub attestations: Vec<AttestationChange>,
    /// Excerpts of CloudTrail with another number of events.
    pub excerpts: Vec<ExcerptChange>,
    /// Calls and imports of which one side has a record and the other has none, or that were answered otherwise.
    pub records: Vec<RecordChange>,
}

impl Comparison {
    /// The version that this program writes.
    pub const VERSION: u32 = 1;
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ComparedSide {
    /// SHA-256 of the bundle's manifest.
    pub manifest_sha256: Sha256Digest,
    /// Merkle root of its records.
    pub merkle_root: Sha256Digest,
    /// What it covers.
    pub scope: Scope,
    /// When it was sealed.
    pub sealed_at: DateTime<Utc>,
    /// The instant that it was assessed for.
    pub as_of: DateTime<Utc>,
    /// Digest of the catalog that it was assessed with: where the two differ, a status may be another because a check is.
    pub catalog_sha256: Sha256Digest,
    /// Number of records.
    pub records: u64,
    /// How many of them are gaps.
    pub gaps: u64,
}

/// A value on both sides; `None` where a side does not have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change<T> {
    /// On the earlier side.
    pub before: Option<T>,
    /// On the later side.
    pub after: Option<T>,
}

/// The controls of a framework, counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrameworkChange {
    /// Framework id.
    pub framework: String,
    /// Its title.
    pub title: String,
    /// On the earlier side, in order of precedence.
    pub before: Vec<StatusCount>,
    /// On the later side.
    pub after: Vec<StatusCount>,
}

/// A control whose status is another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ControlChange {
    /// Framework id.
    pub framework: String,
    /// Control id.
    pub control: String,
    /// Its title.
    pub title: String,
    /// Its status; `None` where a side does not have the control.
    pub status: Change<ControlStatus>,
    /// Its checks with findings that came out otherwise, in a way that matters (see [`Drift`]).
    pub checks: Vec<String>,
}

/// What another outcome means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Drift {
    /// It fails now, and nobody has accepted that; before it did not, or that was accepted, or the resource was not there.
    NewFailure,
    /// It cannot be decided now, or its resource cannot be seen any more.
    NoLongerDecided,
    /// It failed before and passes now, or the check does not apply to the resource any more.
    Resolved,
    /// It failed before, and the resource is gone.
    Gone,
    /// It still fails, and somebody has accepted that now.
    Accepted,
    /// One of the sides did not run the check.
    NotCompared,
    /// Anything else: a resource that came and passes, one that passed and went, a finding that can be decided now.
    Other,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingState {
    /// How it came out.
    pub outcome: Outcome,
    /// Whether it is a failure that an exception covers.
    pub excepted: bool,
}

impl FindingState {
    /// Whether it fails and nobody has accepted that.
    pub fn is_open_failure(self) -> bool {
        self.outcome == Outcome::Fail && !self.excepted
    }
}

/// A finding that came out otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingChange {
    /// Check id.
    pub check: String,
    /// Severity of a failure.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// What the change means.
    pub drift: Drift,
    /// How it came out; `None` where a side has no such finding.
    pub state: Change<FindingState>,
    /// What was found on the later side, or else on the earlier one.
    pub message: String,
}

/// What became of resources.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ResourceChanges {
    /// Those that are on the later side only, and would have been seen on the earlier one.
    pub added: Vec<Subject>,
    /// Those that are on the earlier side only, and would have been seen on the later one.
    pub removed: Vec<Subject>,
    /// Those that are on the later side only, where the earlier one did not see everything of their kind: they may be older.
    pub first_seen: Vec<Subject>,
    /// Those that are on the earlier side only, where the later one does not see everything of their kind: they may still be there.
    pub no_longer_seen: Vec<Subject>,
    /// Those with a property or tag that is another.
    pub changed: Vec<ChangedResource>,
}

/// A resource with what is another about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedResource {
    /// Which.
    pub subject: Subject,
    /// Its properties that differ, by name; what could not be seen on a side is `None` there.
    pub properties: BTreeMap<String, Change<Value>>,
    /// Its tags that differ.
    pub tags: BTreeMap<String, Change<String>>,
}

/// An exception of which something is another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExceptionChange {
    /// Check id.
    pub check: String,
    /// Resource or pattern.
    pub resource: String,
    /// Whether it expired between the two, or was taken back though it covered failures.
    pub lapsed: bool,
    /// What became of it; `None` where a side does not have it.
    pub state: Change<ExceptionState>,
}

/// What became of an exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExceptionState {
    /// Its last day.
    pub expires: NaiveDate,
    /// How many failures it covers.
    pub covers: u64,
    /// What is wrong with it.
    pub problems: Vec<ExceptionProblem>,
}

/// An attestation whose state is another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttestationChange {
    /// What it is for.
    pub id: String,
    /// Of the one that counts on each side; `None` where there is none.
    pub state: Change<AttestedState>,
}

/// What became of an attestation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AttestedState {
    /// What became of it.
    pub state: AttestationState,
    /// The last day on which it holds.
    pub holds_until: Option<NaiveDate>,
}

/// An excerpt with another number of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExcerptChange {
    /// Rule id.
    pub rule: String,
    /// Its title.
    pub title: String,
    /// How many events; `None` where a side has no record of the rule but gaps.
    pub events: Change<u64>,
}

/// A call or an import of which there is a record on one side only, or that was answered otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordChange {
    /// Account.
    pub account: String,
    /// Region.
    pub region: String,
    /// Service.
    pub service: String,
    /// Operation.
    pub operation: String,
    /// Its parameters.
    pub parameters: Value,
    /// The record on each side.
    pub record: Change<RecordState>,
}

/// A record, and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordState {
    /// Its id.
    pub id: RecordId,
    /// What AWS said in place of an answer.
    pub error: Option<String>,
    /// Whether that leaves something unseen.
    pub gap: bool,
}
