//! What a bundle covers, and what it leaves out.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The accounts and regions that were to be collected, the period that the log excerpts cover, and what
/// was left out and why.
///
/// An account in scope of which nothing could be seen stays in scope: its evidence is missing, and every
/// check of it is indeterminate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scope {
    /// AWS partition: `aws`, `aws-us-gov` or `aws-cn`.
    pub partition: String,
    /// Account ids (12 digits), sorted.
    pub accounts: Vec<String>,
    /// Regions that at least one of the accounts was looked at in, sorted.
    pub regions: Vec<String>,
    /// Regions that an account has not enabled, by account: they are out of scope there. The account's record
    /// of ec2 DescribeRegions proves it; what resources may have been left there from before cannot be seen.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub regions_not_enabled: BTreeMap<String, BTreeSet<String>>,
    /// Accounts of the organization that are out of scope, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub accounts_left_out: BTreeMap<String, LeftOut>,
    /// The audit period.
    pub period: Period,
}

/// Why an account of the organization is out of scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LeftOut {
    /// AWS has suspended it: nobody can look into it.
    Suspended,
    /// It is being closed, or was.
    Closed,
    /// It has not been activated yet.
    NotActivated,
    /// It is in none of the organizational units that the configuration names.
    OtherUnit,
    /// The configuration excepts it.
    Excepted,
}

impl LeftOut {
    /// The reason in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Suspended => "suspended by AWS",
            Self::Closed => "closed or being closed",
            Self::NotActivated => "not activated yet",
            Self::OtherUnit => "in none of the organizational units that the configuration names",
            Self::Excepted => "excepted by the configuration",
        }
    }
}

/// A span of time in UTC: from `start` (inclusive) to `end` (exclusive).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// First instant of the period.
    pub start: DateTime<Utc>,
    /// First instant after the period.
    pub end: DateTime<Utc>,
}

impl Scope {
    /// A scope of these accounts and regions that leaves nothing out.
    pub fn new(
        partition: impl Into<String>,
        accounts: impl IntoIterator<Item = impl Into<String>>,
        regions: impl IntoIterator<Item = impl Into<String>>,
        period: Period,
    ) -> Self {
        let sorted = |names: BTreeSet<String>| names.into_iter().collect();
        Self {
            partition: partition.into(),
            accounts: sorted(accounts.into_iter().map(Into::into).collect()),
            regions: sorted(regions.into_iter().map(Into::into).collect()),
            regions_not_enabled: BTreeMap::new(),
            accounts_left_out: BTreeMap::new(),
            period,
        }
    }
}
