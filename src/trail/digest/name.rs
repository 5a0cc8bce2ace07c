//! Where CloudTrail puts digest files and log files, and what their names say.

use chrono::{DateTime, Days, NaiveDateTime, Utc};

use crate::model::Period;

/// The folder under which CloudTrail delivers everything.
const ROOT: &str = "AWSLogs/";

/// Where a trail delivers to: a bucket, and what stands before `AWSLogs/` in its keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The bucket; empty for a directory.
    pub bucket: String,
    /// The trail's prefix, empty or ending in a slash.
    pub prefix: String,
}

impl Place {
    /// The place that a prefix of a bucket is in: what it says from `AWSLogs/` on is cut off, because digest files lie
    /// beside the log files and not below them.
    pub fn of(bucket: &str, prefix: &str) -> Self {
        let own = match place_of_root(prefix) {
            Some(at) => prefix.get(..at).unwrap_or_default().to_owned(),
            None if prefix.is_empty() || prefix.ends_with('/') => prefix.to_owned(),
            None => format!("{prefix}/"),
        };
        Self { bucket: bucket.to_owned(), prefix: own }
    }

    /// The folder of all accounts.
    pub(in crate::trail) fn root(&self) -> String {
        format!("{}{ROOT}", self.prefix)
    }
}

/// Where `AWSLogs/` begins as a folder in a key, the last time.
fn place_of_root(key: &str) -> Option<usize> {
    let at = key.rfind(ROOT).or_else(|| key.ends_with("AWSLogs").then(|| key.len() - "AWSLogs".len()))?;
    let before = key.get(..at)?;
    (before.is_empty() || before.ends_with('/')).then_some(at)
}

/// A key from `AWSLogs/` on: what does not change when a bucket is copied into a directory.
pub(super) fn tail(key: &str) -> &str {
    place_of_root(key).and_then(|at| key.get(at..)).unwrap_or(key)
}

/// What the name of a digest file says:
/// `<account>_CloudTrail-Digest_<region>_<trail>_<home region>_<end>[_backfill].json.gz`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DigestName {
    /// The trail.
    pub trail: String,
    /// The trail's home region.
    pub home_region: String,
    /// Whether it was delivered afterwards, for an hour that was over.
    pub backfill: bool,
    /// When the time ends that the digest file is about.
    pub end: DateTime<Utc>,
    /// Account id (12 digits).
    pub account: String,
    /// Region whose log files it names.
    pub region: String,
}

impl DigestName {
    /// Reads the last part of a key; `None` where CloudTrail would not name a digest file so.
    pub fn parse(key: &str) -> Option<Self> {
        let name = key.rsplit('/').next()?;
        let stem = name.strip_suffix(".json.gz")?;
        let (stem, backfill) = match stem.strip_suffix("_backfill") {
            Some(stem) => (stem, true),
            None => (stem, false),
        };
        // A trail's name may hold underscores; nothing else can.
        let (stem, end) = stem.rsplit_once('_')?;
        let (stem, home_region) = stem.rsplit_once('_')?;
        let mut parts = stem.splitn(4, '_');
        let (account, sort, region, trail) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let good = is_account(account) && sort == "CloudTrail-Digest" && is_region(region);
        if !good || trail.is_empty() || !is_region(home_region) {
            return None;
        }
        Some(Self {
            trail: trail.to_owned(),
            home_region: home_region.to_owned(),
            backfill,
            end: stamp(end, "%Y%m%dT%H%M%SZ")?,
            account: account.to_owned(),
            region: region.to_owned(),
        })
    }
}

/// When a log file was delivered, by its name `<account>_CloudTrail_<region>_<YYYYMMDD>T<HHmm>Z_<unique>.json.gz`.
pub(super) fn delivered(key: &str, account: &str, region: &str) -> Option<DateTime<Utc>> {
    let name = key.rsplit('/').next()?.strip_suffix(".json.gz")?;
    let rest =
        name.strip_prefix(account)?.strip_prefix("_CloudTrail_")?.strip_prefix(region)?.strip_prefix('_')?;
    stamp(rest.split('_').next()?, "%Y%m%dT%H%MZ")
}

fn stamp(text: &str, format: &str) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(text, format).ok().map(|time| time.and_utc())
}

/// Whether a text is an account's id.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text could be a region's name.
pub(super) fn is_region(text: &str) -> bool {
    (3..=32).contains(&text.len())
        && text.contains('-')
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Whether a folder is that of an organization.
pub(super) fn is_organization(text: &str) -> bool {
    text.starts_with("o-") && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The first key of a folder that is laid out by days, and the first beyond, for what can be of the period: a day
/// before and two after, as in a folder stands the day of delivery.
pub(super) fn day_bounds(folder: &str, period: Period) -> (String, String) {
    let day = |instant: DateTime<Utc>| format!("{folder}{}", instant.format("%Y/%m/%d"));
    let first = period.start.checked_sub_days(Days::new(1)).unwrap_or(period.start);
    let beyond = period.end.checked_add_days(Days::new(3)).unwrap_or(period.end);
    (day(first), day(beyond))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_digest_files() {
        let parse = DigestName::parse;
        let name = parse(
            "p/123456789012_CloudTrail-Digest_us-east-1_my_own_trail_us-west-2_20260701T010203Z.json.gz",
        )
        .unwrap();
        assert_eq!((name.trail.as_str(), name.home_region.as_str()), ("my_own_trail", "us-west-2"));
        assert_eq!((name.backfill, name.end.to_rfc3339().as_str()), (false, "2026-07-01T01:02:03+00:00"));
        let late =
            parse("123456789012_CloudTrail-Digest_us-east-1_t_us-east-1_20260701T010203Z_backfill.json.gz")
                .unwrap();
        assert!(late.backfill);
        for wrong in [
            "",
            "123456789012_CloudTrail_us-east-1_20260701T0102Z_x.json.gz",
            "12345678901_CloudTrail-Digest_us-east-1_t_us-east-1_20260701T010203Z.json.gz",
            "123456789012_CloudTrail-Digest_us-east-1_us-east-1_20260701T010203Z.json.gz",
            "123456789012_CloudTrail-Digest_us-east-1_t_us-east-1_2026-07-01.json.gz",
            "123456789012_CloudTrail-Digest_us-east-1_t_us-east-1_20260701T010203Z.json",
            "éééééééééééé_CloudTrail-Digest_us-east-1_t_us-east-1_20260701T010203Z.json.gz",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_prefix_is_cut_where_the_delivery_begins() {
        let prefix = |text: &str| Place::of("b", text).prefix;
        assert_eq!(prefix("AWSLogs/123456789012/CloudTrail/"), "");
        assert_eq!(prefix("AWSLogs"), "");
        assert_eq!(prefix("trail/AWSLogs/"), "trail/");
        assert_eq!(
            (prefix("trail"), prefix("trail/"), prefix("")),
            ("trail/".into(), "trail/".into(), String::new())
        );
        assert_eq!(prefix("myAWSLogs/"), "myAWSLogs/");
        assert_eq!(tail("a/AWSLogs/b/AWSLogs/c"), "AWSLogs/c");
        assert_eq!(tail("a/b"), "a/b");
    }

    #[test]
    fn a_log_file_says_when_it_was_delivered() {
        let key = "AWSLogs/1/x/123456789012_CloudTrail_us-east-1_20260701T0105Z_abcDEF.json.gz";
        let at = |account: &str, region: &str| delivered(key, account, region);
        assert_eq!(at("123456789012", "us-east-1").unwrap().to_rfc3339(), "2026-07-01T01:05:00+00:00");
        assert_eq!((at("123456789012", "us-east"), at("2", "us-east-1")), (None, None));
    }
}
