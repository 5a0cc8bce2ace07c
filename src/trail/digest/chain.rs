//! The verified digest files of an account and region, and what they say of log files.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::MOST_PROBLEMS;
use super::file::ReadDigest;
use super::name::{delivered, tail};
use super::problem::Problem;
use crate::model::{Period, Sha256Digest};

/// How long after the time in its name a log file may be delivered, and thus be named by a later digest file.
const DELIVERY_TAKES: TimeDelta = TimeDelta::hours(1);

/// A digest file whose signature verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Digest {
    /// The trail that it belongs to.
    pub trail: String,
    /// Bucket that it was delivered to.
    pub bucket: String,
    /// Key that it was delivered under.
    pub key: String,
    /// SHA-256 of its text.
    pub text_sha256: Sha256Digest,
    /// In which time the log files were delivered that it names.
    #[serde(flatten)]
    pub period: Period,
    /// Whether it was delivered afterwards.
    pub backfill: bool,
    /// How many log files it names.
    pub logs: usize,
}

/// A log file, as a verified digest file names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedLog {
    /// Bucket that it was delivered to.
    pub bucket: String,
    /// Key that it was delivered under.
    pub key: String,
    /// SHA-256 of its text; none where digest files contradict each other.
    pub text_sha256: Option<Sha256Digest>,
    /// Which of the chain's digest files names it.
    pub digest: usize,
}

/// What the digest files say of a log file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogVerdict {
    /// Its text is what CloudTrail signed.
    Valid,
    /// Its text is another than the one that CloudTrail signed.
    Altered,
    /// CloudTrail signed a list of what it delivered at that time, and this file is not on it.
    NotInADigest,
    /// No verified digest file is about the time when it was delivered.
    NotValidated,
}

/// The verified digest files of an account and region, of all trails that deliver to the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Account id (12 digits).
    pub account: String,
    /// Region.
    pub region: String,
    /// The time that was asked about.
    pub period: Period,
    /// The digest files, in the order in which they were verified: from the newest backwards, trail by trail.
    pub digests: Vec<Digest>,
    /// What is wrong with the others, and where some are lacking.
    pub problems: Vec<Problem>,
    /// Problems beyond those that are listed.
    pub problems_dropped: u64,
    /// The log files that they name, by file name, which CloudTrail makes unique.
    pub logs: BTreeMap<String, ExpectedLog>,
    /// Digest files that are not valid: altered, missing ... ; and the same of backfill digest files.
    pub(super) invalid: (u64, u64),
}

impl Chain {
    pub(super) fn new(account: &str, region: &str, period: Period) -> Self {
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            period,
            digests: Vec::new(),
            problems: Vec::new(),
            problems_dropped: 0,
            logs: BTreeMap::new(),
            invalid: (0, 0),
        }
    }

    pub(super) fn add(&mut self, trail: &str, backfill: bool, read: &ReadDigest) {
        let (file, digest) = (&read.file, self.digests.len());
        for log in file.logs() {
            let text_sha256 = log.hash_value.parse().ok();
            let expected = ExpectedLog {
                bucket: log.s3_bucket.clone(),
                key: log.s3_object.clone(),
                text_sha256,
                digest,
            };
            let known = self.logs.entry(file_name(&log.s3_object).to_owned()).or_insert(expected);
            if known.text_sha256 != text_sha256 {
                known.text_sha256 = None;
            }
        }
        self.digests.push(Digest {
            trail: trail.to_owned(),
            bucket: file.digest_s3_bucket.clone(),
            key: file.digest_s3_object.clone(),
            text_sha256: read.text_sha256,
            period: Period { start: read.start, end: read.end },
            backfill,
            logs: file.logs().len(),
        });
    }

    pub(super) fn report(&mut self, problem: Problem) {
        if problem.kind.is_alarming() && !problem.kind.is_about_logs() {
            let count = if problem.backfill { &mut self.invalid.1 } else { &mut self.invalid.0 };
            *count += 1;
        }
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem);
        } else {
            self.problems_dropped += 1;
        }
    }

    /// The log file of a location, which is a key or a path in a copy of the bucket.
    pub fn expected(&self, location: &str) -> Option<&ExpectedLog> {
        let found = self.logs.get(file_name(location))?;
        // The same name elsewhere is another file; a copy may begin anywhere in the tree.
        let (there, here) = (tail(&found.key), tail(location));
        (is_below(there, here) || is_below(here, there)).then_some(found)
    }

    /// What the digest files say of the log file at `location`, a key or a path in a copy of the bucket. `text` is the
    /// SHA-256 of what is inside its gzip file, and none where that is not exactly one sound gzip member.
    pub fn verdict(&self, location: &str, text: Option<&Sha256Digest>) -> LogVerdict {
        match self.expected(location) {
            Some(expected) if text.is_some() && expected.text_sha256.as_ref() == text => LogVerdict::Valid,
            Some(_) => LogVerdict::Altered,
            // A file of that name was delivered elsewhere.
            None if self.logs.contains_key(file_name(location)) => LogVerdict::NotInADigest,
            None if self.must_name(location) => LogVerdict::NotInADigest,
            None => LogVerdict::NotValidated,
        }
    }

    /// Whether a verified digest file would name a log file, had CloudTrail delivered it. One whose name does not say
    /// when it was delivered was not delivered by CloudTrail.
    fn must_name(&self, location: &str) -> bool {
        let Some(at) = delivered(location, &self.account, &self.region) else {
            return !self.digests.is_empty();
        };
        self.spans(|_| true).iter().any(|span| span.start <= at && at + DELIVERY_TAKES <= span.end)
    }

    /// The times that verified digest files are about, merged and in order; those of the digest files only that `holds`
    /// is true of.
    pub(super) fn spans(&self, holds: impl Fn(usize) -> bool) -> Vec<Period> {
        let chosen = self.digests.iter().enumerate().filter(|(index, _)| holds(*index));
        merged(chosen.map(|(_, digest)| digest.period).collect())
    }
}

/// Spans in order, with those that touch or overlap made one.
pub(super) fn merged(mut spans: Vec<Period>) -> Vec<Period> {
    spans.sort_by_key(|span| (span.start, span.end));
    let mut merged: Vec<Period> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    merged
}

/// What of `spans` lies in `period`.
pub(super) fn within(spans: &[Period], period: Period) -> Vec<Period> {
    let cut = |span: &Period| Period { start: span.start.max(period.start), end: span.end.min(period.end) };
    spans.iter().map(cut).filter(|span| span.start < span.end).collect()
}

/// What of `period` lies in none of `spans`, which are in order.
pub(super) fn holes(spans: &[Period], period: Period) -> Vec<Period> {
    let mut holes = Vec::new();
    let mut at: DateTime<Utc> = period.start;
    for span in within(spans, period) {
        if at < span.start {
            holes.push(Period { start: at, end: span.start });
        }
        at = at.max(span.end);
    }
    if at < period.end {
        holes.push(Period { start: at, end: period.end });
    }
    holes
}

pub(super) fn file_name(location: &str) -> &str {
    location.rsplit(['/', '\\']).next().unwrap_or(location)
}

/// Whether `path` ends with the whole of `end`, part by part.
fn is_below(path: &str, end: &str) -> bool {
    path.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}
