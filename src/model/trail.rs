//! What was read of CloudTrail, and how much of the audit period its validated log files cover.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Period, RecordId};

/// A source of CloudTrail events that excerpts were made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrailSource {
    /// Account whose events were looked for.
    pub account: String,
    /// Region that was asked, or where the bucket lies.
    pub region: String,
    /// `LookupEvents`, or where the log files lie: a bucket and prefix, or a directory.
    pub source: String,
    /// `LookupEvents`, `GetObject` or `File`.
    pub operation: String,
    /// How many excerpt rules it was read for.
    pub rules: u64,
    /// Log files that were read; none for `LookupEvents`.
    pub objects: u64,
    /// Events that were looked at, for the rule for which the most were.
    pub events: u64,
    /// Records of these that are gaps.
    pub gaps: u64,
}

/// What validation of the log files of one account and region came to: what a record of the rule `trail-coverage` holds.
///
/// Times are those of delivery: an event is delivered within about fifteen minutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrailCoverage {
    /// Where the log files are.
    pub source: String,
    /// Account id (12 digits).
    pub account: String,
    /// Region.
    pub region: String,
    /// The audit period.
    pub period: Period,
    /// Trails whose digest files were verified.
    pub trails: Vec<String>,
    /// Digest files.
    pub digests: FileCount,
    /// Digest files that CloudTrail delivered afterwards, for hours that were over.
    pub backfill_digests: FileCount,
    /// Log files that verified digest files name.
    pub logs: FileCount,
    /// Log files that no digest file names, though one would have to.
    pub logs_not_in_a_digest: u64,
    /// Of the period, in order, what verified digest files cover all of whose log files are valid.
    pub covered: Vec<Period>,
    /// The rest of the period, in order.
    pub holes: Vec<Period>,
    /// What is wrong, as far as it is listed.
    pub problems: Vec<TrailProblem>,
    /// What is wrong beyond that.
    pub more_problems: u64,
}

/// How many files are valid, and how many are not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileCount {
    /// Signed by CloudTrail and unaltered.
    pub valid: u64,
    /// Altered, missing or moved.
    pub invalid: u64,
    /// That could not be read, or whose signature is not to be had.
    pub unknown: u64,
}

/// Something that is wrong with a digest or log file, or with the time between two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrailProblem {
    /// What is wrong: `log-altered`, `digest-missing`, `no-delivery` ...
    pub kind: String,
    /// Whether files were altered, removed or added; otherwise it is a hole.
    pub alarming: bool,
    /// The file; empty where it is about none.
    pub location: String,
    /// The time of delivery that it is about.
    pub period: Period,
    /// What was found, in words.
    pub message: String,
}

/// What the record says about one account and region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CoverageEntry {
    /// The record.
    pub record: RecordId,
    /// What it says.
    pub coverage: TrailCoverage,
}

impl TrailCoverage {
    /// The rule of the records that hold it.
    pub const RULE: &'static str = "trail-coverage";

    /// Whether all of the period is covered, and nothing was added to what CloudTrail delivered.
    pub fn is_whole(&self) -> bool {
        self.holes.is_empty() && self.logs_not_in_a_digest == 0
    }
}
