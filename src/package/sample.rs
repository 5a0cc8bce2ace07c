//! Samples: some records of a bundle, each with the proof that it belongs to the sealed whole (RFC 9162).

mod choose;
mod draw;
mod request;
mod write;

use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bundle::merkle::InclusionProof;
use crate::model::{RecordId, Sha256Digest, Tool};

pub use choose::choose;
pub use draw::{drawn, size_for};
pub use request::Request;
pub use write::{SampleContents, write_sample};

/// `sample.json`: what was chosen, how, and the proof of each record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sample {
    /// Version of this format; 1.
    pub version: u32,
    /// The program that chose.
    pub tool: Tool,
    /// SHA-256 of the bundle's manifest.
    pub manifest_sha256: Sha256Digest,
    /// The root that the proofs lead to.
    pub merkle_root: Sha256Digest,
    /// When the manifest was signed, as the signer of the report claims.
    pub signed_at: Option<DateTime<Utc>>,
    /// Number of records that were chosen from: all of the bundle.
    pub population: u64,
    /// How they were chosen.
    pub selections: Vec<Selection>,
    /// The records, in the manifest's order.
    pub records: Vec<SampledRecord>,
}

impl Sample {
    /// The version that this program writes.
    pub const VERSION: u32 = 1;
}

/// How records are chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "by")]
pub enum Selection {
    /// What proves a control: the records behind the findings of its checks, its excerpts and its attestations.
    Control {
        /// Its citation.
        id: String,
    },
    /// What is said of resources: the records that list them, and those behind the findings about them.
    Resource {
        /// ARN or name, or a pattern in which `*` stands for any characters.
        pattern: String,
    },
    /// Chance: of all records those `size` whose SHA-256 over the seed, a line feed and the id (in digits) is smallest.
    Random {
        /// How many.
        size: u64,
        /// The seed, which whoever asks for the sample may choose.
        seed: String,
        /// The confidence that the size was computed for, in percent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confidence_percent: Option<u32>,
        /// The margin of error that it was computed for, in percent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        margin_percent: Option<u32>,
    },
}

impl fmt::Display for Selection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Control { id } => write!(formatter, "what proves the control {id}"),
            Self::Resource { pattern } => write!(formatter, "what is said of the resources {pattern}"),
            Self::Random { size, seed, confidence_percent, margin_percent } => {
                write!(formatter, "{size} by chance, with the seed {seed}")?;
                match (confidence_percent, margin_percent) {
                    (Some(confidence), Some(margin)) => {
                        write!(
                            formatter,
                            " (confidence {confidence} percent, margin of error {margin} percent)"
                        )
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}

/// A record of a sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SampledRecord {
    /// Its id.
    pub id: RecordId,
    /// Its file in the bag.
    pub path: String,
    /// Its line in that file as it was sealed, from 1; in the sample the file holds the chosen lines only.
    pub line: u64,
    /// The selections that chose it, by their places in the list.
    pub chosen_by: Vec<u32>,
    /// Proof that it is among the records that the Merkle root stands for.
    pub proof: InclusionProof,
}

/// Why there is no sample.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The assessment has no such control.
    #[error("the assessment has no control {0:?}; `proofpack controls list` shows them")]
    NoControl(String),
    /// Nothing that the evidence tells of is called so.
    #[error("no resource of the assessment has the ARN or name {0:?}")]
    NoResource(String),
    /// What is asked for is not in a form that can be.
    #[error(
        "{0:?} chooses nothing: ask for control:ID, resource:PATTERN, random:NUMBER or random:CONFIDENCE/MARGIN (in percent, as 95/5)"
    )]
    Request(String),
    /// A seed that would not fit on a line.
    #[error("the seed has to be one line of 1 to 200 characters without control characters")]
    Seed,
    /// A size that cannot be.
    #[error("a sample of {0} records is none: ask for at least one")]
    Size(u64),
    /// A confidence that no table has.
    #[error("a confidence of {0} percent is not offered: 90, 95 or 99")]
    Confidence(u32),
    /// A margin that means nothing.
    #[error("a margin of {0} percent is not offered: 1 to 50")]
    Margin(u32),
    /// What was chosen has no records.
    #[error("nothing was chosen: {0} has no records in the bundle")]
    Nothing(String),
}
