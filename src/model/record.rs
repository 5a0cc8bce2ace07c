//! The record: the unit of evidence, with its provenance.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AttachedFile, GapReason, RecordId, Sha256Digest};
use crate::canonical::{self, CanonicalError};

/// What one API call (all its pages), one excerpt, one imported file or one attestation gave.
///
/// Written as one line of canonical JSON; the SHA-256 of that line is its [`RecordId`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Record {
    /// What sort of evidence this is.
    pub kind: RecordKind,
    /// Version of the record format; 1.
    pub version: u32,
    /// Where it came from.
    pub source: Source,
    /// When the last byte of it was obtained (UTC, whole seconds).
    pub collected_at: DateTime<Utc>,
    /// The HTTP exchanges behind it, in order: one per page.
    pub exchanges: Vec<Exchange>,
    /// What came back.
    pub outcome: RecordOutcome,
    /// What was taken out of the response, its error and the parameters before they were hashed and written.
    pub redactions: Vec<Redaction>,
}

/// The sort of evidence a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RecordKind {
    /// One read call to an AWS API.
    ApiCall,
    /// CloudTrail events that an excerpt rule selected.
    TrailExcerpt,
    /// A person's statement.
    Attestation,
    /// A file that another tool made.
    Import,
}

/// Where a record came from: enough to make the call again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Source {
    /// AWS partition.
    pub partition: String,
    /// Account id that was asked about (12 digits); empty for an attestation or an import, which are about no
    /// single account.
    pub account: String,
    /// Region that the call was signed for; empty for an attestation or an import.
    pub region: String,
    /// Service as the AWS CLI's models name it, e.g. `s3`, `elbv2`; for an import the tool, `cdk-nag` or `prowler`.
    pub service: String,
    /// Operation, e.g. `GetBucketPolicy`; for an excerpt `LookupEvents` or `GetObject`, for an attestation `Attest`.
    pub operation: String,
    /// The operation's parameters, as `--cli-input-json` takes them; for an excerpt its rule and period, for an
    /// attestation its id.
    pub parameters: Value,
    /// ARN of the identity that made the call (sts GetCallerIdentity).
    pub caller: String,
    /// Endpoint URL that answered.
    pub endpoint: String,
}

/// One HTTP request and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Exchange {
    /// AWS's request id, by which CloudTrail knows the call.
    pub request_id: Option<String>,
    /// HTTP status.
    pub status: u16,
    /// SHA-256 of the body as received; where something was taken out of the answer, its commitment
    /// (HMAC-SHA-256 of `{"body-sha256":"..."}` under the key of the run's owner), because the digest itself would let
    /// short values be guessed.
    pub body_sha256: Sha256Digest,
    /// Length of the body as received, in bytes.
    pub body_bytes: u64,
}

/// What came back: a response, or an error that means *absent* or *gap*.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RecordOutcome {
    /// The response, in the shape of `aws <service> <operation> --output json`, all pages merged.
    Response(Value),
    /// The call failed.
    Error(ApiError),
}

/// An error that an AWS API, or the way to it, answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ApiError {
    /// AWS's error code, e.g. `AccessDenied`; our own where none came: `Timeout`, `Unreachable`, `MalformedResponse`.
    pub code: String,
    /// The message that came with it; bounded to 1,024 characters.
    pub message: String,
    /// What the error says about the evidence.
    pub meaning: ErrorMeaning,
    /// For a gap: why the thing could not be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<GapReason>,
}

impl ApiError {
    /// An error that leaves the thing unseen.
    pub fn gap(code: impl Into<String>, message: impl Into<String>, reason: GapReason) -> Self {
        let meaning = ErrorMeaning::Gap;
        Self { code: code.into(), message: message.into(), meaning, reason: Some(reason) }
    }

    /// An error that says that the thing does not exist.
    pub fn absent(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), meaning: ErrorMeaning::Absent, reason: None }
    }
}

/// What an error says about the evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorMeaning {
    /// AWS says that the thing does not exist (`NoSuchBucketPolicy`): evidence of absence.
    Absent,
    /// The thing could not be seen: absence of evidence.
    Gap,
}

/// One value that was taken out of a response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Redaction {
    /// JSON pointer (RFC 6901) into the record, e.g. `/outcome/response/Functions/0/Environment/Variables/TOKEN`.
    /// Where the value is part of a string, the string.
    pub pointer: String,
    /// Id of the rule that asked for it.
    pub rule: String,
    /// HMAC-SHA-256 of the value's canonical JSON under the key of the run's owner (hexadecimal).
    pub commitment: Sha256Digest,
}

impl Record {
    /// The version that this program writes.
    pub const VERSION: u32 = 1;

    /// The record as it is written: one line of canonical JSON without the line feed, and its id.
    ///
    /// # Errors
    /// When the response holds a number that canonical JSON cannot represent.
    pub fn to_line(&self) -> Result<(String, RecordId), CanonicalError> {
        let line = canonical::to_string(self)?;
        let id = RecordId(canonical::sha256(line.as_bytes()));
        Ok((line, id))
    }

    /// A digest of what was asked: two records of API calls that have the same one answer the same question, so
    /// that the later stands for both. `None` for records of another kind. (Parameters that were redacted count by
    /// their commitments; what could not be asked at all is told apart by its message, as its parameters were never
    /// filled in.)
    ///
    /// # Errors
    /// When the parameters hold a number that canonical JSON cannot represent.
    pub fn question(&self) -> Result<Option<Sha256Digest>, CanonicalError> {
        if self.kind != RecordKind::ApiCall {
            return Ok(None);
        }
        let never_asked = self.gap().filter(|gap| gap.reason == Some(GapReason::NotFollowedUp));
        let message = never_asked.map(|gap| gap.message.as_str());
        let hidden: Vec<&Redaction> = self
            .redactions
            .iter()
            .filter(|redaction| redaction.pointer.starts_with("/source/parameters/"))
            .collect();
        let Source { account, region, service, operation, parameters, .. } = &self.source;
        let question = (account, region, service, operation, parameters, message, hidden);
        Ok(Some(canonical::sha256(canonical::to_string(&question)?.as_bytes())))
    }

    /// The response, where there is one.
    pub fn response(&self) -> Option<&Value> {
        match &self.outcome {
            RecordOutcome::Response(value) => Some(value),
            RecordOutcome::Error(_) => None,
        }
    }

    /// The files that came with it: those that the response of an attestation or an import names as `files`.
    ///
    /// # Errors
    /// When what stands there is no list of files.
    pub fn attached(&self) -> Result<Vec<AttachedFile>, serde_json::Error> {
        if !matches!(self.kind, RecordKind::Attestation | RecordKind::Import) {
            return Ok(Vec::new());
        }
        let files = self.response().and_then(|response| response.get("files"));
        files.map_or_else(|| Ok(Vec::new()), Vec::deserialize)
    }

    /// The error, where the record is a gap.
    pub fn gap(&self) -> Option<&ApiError> {
        match &self.outcome {
            RecordOutcome::Error(error) if error.meaning == ErrorMeaning::Gap => Some(error),
            _ => None,
        }
    }

    /// Whether AWS said that the thing does not exist.
    pub fn is_absent(&self) -> bool {
        matches!(&self.outcome, RecordOutcome::Error(error) if error.meaning == ErrorMeaning::Absent)
    }
}
