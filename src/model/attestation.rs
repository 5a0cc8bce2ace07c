//! Attestations: what people state, and the files that they state it with.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RecordId, Sha256Digest};

/// What a person stated: the response of an attestation's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Statement {
    /// The statement itself.
    pub statement: String,
    /// Who states it.
    pub author: String,
    /// In which role: `Security officer`.
    pub role: String,
    /// When it was stated.
    pub date: NaiveDate,
    /// The last day on which it holds, where the author limits it; the framework limits it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<NaiveDate>,
    /// The files that came with it.
    pub files: Vec<AttachedFile>,
}

/// A file that came with a record. It lies in the bag under its digest and is never opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttachedFile {
    /// Its name where it came from: text, never a path.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: Sha256Digest,
    /// Length in bytes.
    pub bytes: u64,
}

/// What became of an attestation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttestationState {
    /// It holds.
    Holds,
    /// It no longer holds.
    Expired,
    /// It was made after the date of the assessment.
    NotYetMade,
    /// A later one has taken its place.
    Superseded,
    /// No framework of the assessment asks for it.
    NotAskedFor,
    /// Its record does not hold a statement.
    Unreadable,
}

/// One attestation of the bundle: a line of the register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AttestationEntry {
    /// What it is for: `risk-analysis`.
    pub id: String,
    /// The record that holds it.
    pub record: RecordId,
    /// What became of it.
    pub state: AttestationState,
    /// The last day on which it holds: the one that it states, or the framework's limit, whichever is earlier. Where
    /// several frameworks ask for it, the latest; `None` where none does.
    pub holds_until: Option<NaiveDate>,
    /// What was stated; `None` where the record cannot be read as a statement.
    pub statement: Option<Statement>,
}
