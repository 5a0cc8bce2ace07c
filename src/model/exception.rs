//! Exceptions: failures that somebody has accepted, and what may be wrong with the acceptance.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::written_date;

/// An accepted finding: one `[[exception]]` of `exceptions.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Exception {
    /// Check id.
    pub check: String,
    /// ARN of the resource, or a pattern in which `*` stands for any characters.
    pub resource: String,
    /// Why the failure is accepted.
    pub reason: String,
    /// Who answers for the risk.
    pub owner: String,
    /// Who approved it; not the owner.
    pub approver: String,
    /// When it was approved.
    #[serde(deserialize_with = "written_date::required")]
    pub approved_on: NaiveDate,
    /// Last day on which it holds.
    #[serde(deserialize_with = "written_date::required")]
    pub expires: NaiveDate,
    /// What reduces the risk instead.
    pub compensating_control: Option<String>,
    /// Ticket or document.
    pub reference: Option<String>,
}

/// An exception and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExceptionReport {
    /// The exception as written.
    pub exception: Exception,
    /// How many failures it covers.
    pub covers: u64,
    /// What is wrong with it; one that is expired or self-approved covers nothing.
    pub problems: Vec<ExceptionProblem>,
}

/// What is wrong with an exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExceptionProblem {
    /// Its last day has passed.
    Expired,
    /// It was approved after the assessment's date.
    NotYetApproved,
    /// No failure matches it.
    MatchesNothing,
    /// Owner and approver are the same person.
    SelfApproved,
    /// The pattern matches every resource.
    TooBroad,
}

impl ExceptionProblem {
    /// The problem in a few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::NotYetApproved => "not yet approved",
            Self::MatchesNothing => "matches nothing",
            Self::SelfApproved => "approved by its owner",
            Self::TooBroad => "matches everything",
        }
    }
}
