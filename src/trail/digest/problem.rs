//! What can be wrong with digest and log files, each with the time that it is about.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::model::Period;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// A verified digest file names a predecessor that is not there.
    DigestMissing,
    /// A digest file's content is not what CloudTrail signed, or its signature is not CloudTrail's.
    DigestAltered,
    /// A digest file's object has lost the signature that CloudTrail gave it.
    DigestUnsigned,
    /// A copy of digest files holds no signature of this one: it is the newest, or the next one is not there.
    SignatureNotCopied,
    /// A digest file lies elsewhere than where CloudTrail delivered it.
    DigestMoved,
    /// A digest file is not gzip, not JSON, or lacks what every digest file has.
    DigestMalformed,
    /// A digest file could not be read.
    DigestUnreadable,
    /// A digest file is signed by CloudTrail, but not the one that its successor names.
    DigestReplaced,
    /// A digest file of another account lies among those of this one.
    DigestOfOtherAccount,
    /// The key that signed a digest file is not among CloudTrail's.
    KeyUnknown,
    /// A digest file is named again by one that is older.
    Loop,
    /// No digest files were delivered for a while: the trail was stopped, or validation was off.
    NoDelivery,
    /// There are no digest files at all in the period.
    NoDigests,
    /// There are more digest or log files than are looked at.
    TooMany,
    /// The list of digest or log files could not be had.
    ListUnreadable,
    /// A log file that a digest file names is not there.
    LogMissing,
    /// A log file's text is not what the digest file says.
    LogAltered,
    /// A log file could not be read.
    LogUnreadable,
    /// A log file lies among the delivered ones, and no digest file names it.
    LogNotInADigest,
}

impl ProblemKind {
    /// Whether files were altered, removed, or put where CloudTrail did not put them. The others are holes: what
    /// cannot be shown either way.
    pub fn is_alarming(self) -> bool {
        !matches!(
            self,
            Self::SignatureNotCopied
                | Self::DigestUnreadable
                | Self::NoDelivery
                | Self::NoDigests
                | Self::TooMany
                | Self::ListUnreadable
                | Self::LogUnreadable
        )
    }

    /// Its name, as JSON has it.
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Whether it is about log files; the others are about digest files.
    pub fn is_about_logs(self) -> bool {
        matches!(self, Self::LogMissing | Self::LogAltered | Self::LogUnreadable | Self::LogNotInADigest)
    }
}

/// Something that is wrong with a file, or with the time between two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Problem {
    /// What is wrong.
    pub kind: ProblemKind,
    /// The file, as `s3://bucket/key` or a path; empty where it is about no file.
    pub location: String,
    /// The time of delivery that it is about.
    #[serde(flatten)]
    pub period: Period,
    /// Whether it is about backfill digest files, which CloudTrail delivers afterwards for hours that are over.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub backfill: bool,
    /// What was found, and what to do about it.
    pub message: String,
}

impl Problem {
    pub(super) fn new(kind: ProblemKind, location: impl fmt::Display, period: Period, message: &str) -> Self {
        Self {
            kind,
            location: plain(&location.to_string()),
            period,
            backfill: false,
            message: plain(message),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let backfill = if self.backfill { "(backfill) " } else { "" };
        let time = |instant: DateTime<Utc>| instant.format("%Y-%m-%dT%H:%M:%SZ");
        write!(
            formatter,
            "{backfill}{} to {}: {}",
            time(self.period.start),
            time(self.period.end),
            self.message
        )?;
        if self.location.is_empty() { Ok(()) } else { write!(formatter, ": {}", self.location) }
    }
}

/// Names and messages come out of files that anybody may have put there: no control characters, and not without end.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(1200).collect()
}
