//! Findings: a check's outcome for one resource, with its proof.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RecordId;

/// How a check came out for one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The predicate is false.
    Fail,
    /// It could not be decided: evidence is missing.
    Indeterminate,
    /// The predicate is true.
    Pass,
    /// There is no such resource in scope.
    NotApplicable,
}

/// How much a failed check matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Exposes protected data or the control of the account.
    Critical,
    /// A safeguard that the regulation names is missing.
    High,
    /// A safeguard is weaker than it should be.
    Medium,
    /// Good practice.
    Low,
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Kind of resource.
    pub kind: String,
    /// Account id; `*` for a finding over the whole scope.
    pub account: String,
    /// Region, `global`, or `*`.
    pub region: String,
    /// ARN; `*` where the finding is about a kind and not one resource.
    pub arn: String,
    /// Name within its kind, `*` likewise.
    pub id: String,
}

/// The records behind a finding: never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Proof(Vec<RecordId>);

/// Why a finding was not made.
#[derive(Debug, thiserror::Error)]
pub enum FindingError {
    /// Every statement points at proof.
    #[error("a finding needs at least one record as its proof")]
    NoProof,
}

impl Proof {
    /// The proof out of record ids: sorted, each once.
    ///
    /// # Errors
    /// When there is none.
    pub fn new(ids: impl IntoIterator<Item = RecordId>) -> Result<Self, FindingError> {
        let mut ids: Vec<RecordId> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() { Err(FindingError::NoProof) } else { Ok(Self(ids)) }
    }

    /// The record ids, sorted.
    pub fn ids(&self) -> &[RecordId] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Proof {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::<RecordId>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// One check's outcome for one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Finding {
    /// Check id.
    pub check: String,
    /// What it is about.
    pub subject: Subject,
    /// How it came out.
    pub outcome: Outcome,
    /// What was found, in a sentence.
    pub message: String,
    /// The records that prove it.
    pub proof: Proof,
    /// Index into the assessment's exceptions, where an accepted exception covers this failure.
    pub exception: Option<u32>,
    /// Index of an exception that names this failure and covers nothing, because of what is wrong with it: it has expired,
    /// or its own owner approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception_without_effect: Option<u32>,
    /// Of a failure: the first lines of the records that decided it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decided_by: Vec<DecidingLine>,
}

/// What AWS said of a property that a check reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecidingLine {
    /// The record.
    pub record: RecordId,
    /// Where it stands in the record: a JSON pointer (RFC 6901).
    pub at: String,
    /// The property, as the check calls it.
    pub property: String,
    /// The value as JSON, cut where it is long; `None` where the answer does not have the member.
    pub value: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::sha256;

    #[test]
    fn a_proof_is_never_empty_and_holds_each_record_once() {
        assert!(Proof::new([]).is_err());
        assert!(serde_json::from_str::<Proof>("[]").is_err());
        let (a, b) = (RecordId(sha256(b"a")), RecordId(sha256(b"b")));
        assert_eq!(Proof::new([a, b, a]).unwrap().ids().len(), 2);
    }
}
