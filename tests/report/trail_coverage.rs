//! Made-up coverage of CloudTrail's log files: whole, with holes, with files that nobody signed.

use chrono::{DateTime, TimeDelta, Utc};
use proofpack::model::{CoverageEntry, FileCount, Period, RecordId, TrailCoverage, TrailProblem};

const ACCOUNT: &str = "123456789012";

/// Three regions: one whole, one with holes, one that nothing covers. `text` stands where AWS or a file says what.
pub fn coverage(text: &str, period: Period, record: RecordId) -> Vec<CoverageEntry> {
    let at = |days: i64, hours: i64| period.start + TimeDelta::days(days) + TimeDelta::hours(hours);
    let span = |start: DateTime<Utc>, end: DateTime<Utc>| Period { start, end };
    let hours = (period.end - period.start).num_hours().unsigned_abs();
    let whole = TrailCoverage {
        source: format!("s3://trail-{text}/"),
        account: ACCOUNT.into(),
        region: "us-east-1".into(),
        period,
        trails: vec![text.into()],
        digests: FileCount { valid: hours, invalid: 0, unknown: 0 },
        backfill_digests: FileCount::default(),
        logs: FileCount { valid: hours * 12, invalid: 0, unknown: 0 },
        logs_not_in_a_digest: 0,
        covered: vec![period],
        holes: vec![],
        problems: vec![],
        more_problems: 0,
    };
    let problem = |kind: &str, alarming: bool, hole: Period| TrailProblem {
        kind: kind.into(),
        alarming,
        location: format!(
            "s3://trail-{text}/AWSLogs/{ACCOUNT}/CloudTrail/us-west-2/2026/04/03/{ACCOUNT}_CloudTrail_us-west-2_20260403T0705Z_a1B2c3D4e5F6g7H8.json.gz"
        ),
        period: hole,
        message: format!("a log file was altered: it is not what its digest file says ({text})"),
    };
    let (first, second) = (span(at(2, 7), at(2, 8)), span(at(20, 0), at(27, 5)));
    let holes = TrailCoverage {
        region: "us-west-2".into(),
        logs: FileCount { valid: hours * 12 - 1, invalid: 1, unknown: 0 },
        logs_not_in_a_digest: 1,
        covered: vec![
            span(period.start, first.start),
            span(first.end, second.start),
            span(second.end, period.end),
        ],
        holes: vec![first, second],
        problems: vec![problem("log-altered", true, first), problem("no-delivery", false, second)],
        more_problems: 3,
        ..whole.clone()
    };
    let none = TrailCoverage {
        region: "eu-west-1".into(),
        trails: vec![],
        digests: FileCount::default(),
        logs: FileCount::default(),
        covered: vec![],
        holes: vec![period],
        ..whole.clone()
    };
    [none, whole, holes].map(|coverage| CoverageEntry { record, coverage }).into()
}
