//! Where log files are, and getting them from there: a prefix of a bucket, or a directory.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata};
use chrono::{Days, NaiveDate};

use super::file::{LARGEST_OBJECT, Unreadable};
use crate::model::Period;

/// Log objects of one source, at most.
const MOST_OBJECTS: usize = 1_000_000;

/// For how many days CloudTrail tries to deliver what it could not (AWS CloudTrail User Guide, "Finding your
/// CloudTrail log files"), and one more.
pub(super) const LATEST_DELIVERY_DAYS: u64 = 31;

/// Where log files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogSource {
    /// Objects under a prefix of a bucket.
    S3 {
        /// The bucket.
        bucket: String,
        /// The prefix, possibly empty.
        prefix: String,
    },
    /// Files under a directory.
    Directory(PathBuf),
}

/// A log file as it is stored.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) bytes: Vec<u8>,
    /// Its version's id, in a bucket that has versions.
    pub(super) version: Option<String>,
}

/// A text that names no place for log files.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} names no log files: write s3://BUCKET/PREFIX, or a directory that exists")]
pub struct LogSourceError(String);

impl LogSource {
    /// Reads `s3://bucket/prefix`, or a directory relative to `folder`.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, LogSourceError> {
        let wrong = || LogSourceError(text.to_owned());
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if bucket.is_empty() {
                return Err(wrong());
            }
            return Ok(Self::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() });
        }
        let directory = folder.join(text);
        if directory.is_dir() { Ok(Self::Directory(directory)) } else { Err(wrong()) }
    }

    /// The source in a line.
    pub fn describe(&self) -> String {
        match self {
            Self::S3 { bucket, prefix } => format!("s3://{bucket}/{prefix}"),
            Self::Directory(path) => path.display().to_string(),
        }
    }

    /// The log files by name, sorted: keys of the bucket, or paths below the directory.
    pub(super) async fn list(&self, s3: &aws_sdk_s3::Client) -> Result<Vec<String>, Unreadable> {
        let mut locations = match self {
            Self::S3 { bucket, prefix } => list_bucket(s3, bucket, prefix).await,
            Self::Directory(path) => list_directory(path),
        }?;
        locations.sort();
        Ok(locations)
    }

    /// A log file as it is stored.
    pub(super) async fn read(&self, s3: &aws_sdk_s3::Client, location: &str) -> Result<Stored, Unreadable> {
        match self {
            Self::S3 { bucket, .. } => get_object(s3, bucket, location).await,
            Self::Directory(path) => {
                read_file(&path.join(location)).map(|bytes| Stored { bytes, version: None })
            }
        }
    }

    /// The bucket, where it is one.
    pub(super) fn bucket(&self) -> Option<&str> {
        match self {
            Self::S3 { bucket, .. } => Some(bucket),
            Self::Directory(_) => None,
        }
    }
}

/// Log files by name; the digest files beside them are evidence of another kind.
fn is_log_name(name: &str) -> bool {
    (name.ends_with(".json.gz") || name.ends_with(".json")) && !name.contains("CloudTrail-Digest")
}

/// Whether a log file was delivered when it can hold nothing of the period. AWS puts the delivery into the
/// name, `<account>_CloudTrail_<region>_<YYYYMMDD>T<HHmm>Z_<unique>.json.gz`; a file of another name may hold
/// anything.
pub(super) fn delivered_outside(location: &str, period: Period) -> bool {
    let name = location.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut parts = name.split('_').skip(1);
    if parts.next() != Some("CloudTrail") {
        return false;
    }
    let stamp = parts.nth(1).and_then(|stamp| stamp.get(..8));
    let delivered = stamp.and_then(|day| NaiveDate::parse_from_str(day, "%Y%m%d").ok());
    let (start, end) = (period.start.date_naive(), period.end.date_naive());
    delivered.is_some_and(|day| {
        day < start || end.checked_add_days(Days::new(LATEST_DELIVERY_DAYS)).is_some_and(|last| day > last)
    })
}

async fn list_bucket(s3: &aws_sdk_s3::Client, bucket: &str, prefix: &str) -> Result<Vec<String>, Unreadable> {
    let mut keys = Vec::new();
    let mut pages = s3.list_objects_v2().bucket(bucket).prefix(prefix).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| refused(&error))?;
        let names = page.contents().iter().filter_map(|object| object.key());
        keys.extend(names.filter(|key| is_log_name(key)).map(str::to_owned));
        bounded(&keys)?;
    }
    Ok(keys)
}

fn bounded(locations: &[String]) -> Result<(), Unreadable> {
    if locations.len() <= MOST_OBJECTS {
        return Ok(());
    }
    let message = format!("more than {MOST_OBJECTS} log objects; name a longer prefix, or several");
    Err(Unreadable::new("TooManyLogObjects", message))
}

fn refused<E: ProvideErrorMetadata + std::error::Error>(error: &E) -> Unreadable {
    let message = error.message().map_or_else(|| DisplayErrorContext(error).to_string(), str::to_owned);
    Unreadable::new(error.code().unwrap_or("Unreachable"), message)
}

async fn get_object(s3: &aws_sdk_s3::Client, bucket: &str, key: &str) -> Result<Stored, Unreadable> {
    let mut object = s3.get_object().bucket(bucket).key(key).send().await.map_err(|error| refused(&error))?;
    let version = object.version_id().filter(|version| *version != "null").map(str::to_owned);
    let mut bytes = Vec::new();
    // What the answer says about its length is the server's word; what comes is counted.
    while let Some(chunk) = object.body.next().await {
        let chunk = chunk.map_err(|error| Unreadable::new("Unreachable", error))?;
        if (bytes.len() + chunk.len()) as u64 > LARGEST_OBJECT {
            return Err(Unreadable::too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Stored { bytes, version })
}

fn list_directory(root: &Path) -> Result<Vec<String>, Unreadable> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let unreadable =
            |error: std::io::Error| Unreadable::new("Unreadable", format!("{}: {error}", folder.display()));
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let kind = entry.file_type().map_err(unreadable)?;
            let path = entry.path();
            let Ok(relative) = path.strip_prefix(root) else { continue };
            let name = relative.to_string_lossy().into_owned();
            if kind.is_dir() {
                folders.push(path);
            } else if is_log_name(&name) || kind.is_symlink() && path.is_dir() {
                // Links are listed, so that they are refused by name rather than passed over.
                files.push(name);
            }
        }
        bounded(&files)?;
    }
    Ok(files)
}

fn read_file(path: &Path) -> Result<Vec<u8>, Unreadable> {
    let unreadable = |error: std::io::Error| Unreadable::new("Unreadable", error);
    // A link leads out of what was named, and a pipe never ends.
    if !fs::symlink_metadata(path).map_err(unreadable)?.is_file() {
        return Err(Unreadable::new("Unreadable", "not a regular file; links are not followed"));
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(LARGEST_OBJECT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_OBJECT { Err(Unreadable::too_large()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_delivery_outside_the_period_are_passed_over() {
        let instant = |text: &str| text.parse().unwrap();
        let period = Period { start: instant("2026-07-01T00:00:00Z"), end: instant("2026-10-01T00:00:00Z") };
        let outside = |name: &str| delivered_outside(name, period);
        let name = |stamp: &str| {
            format!("AWSLogs/1/CloudTrail/us-east-1/2020/01/01/1_CloudTrail_us-east-1_{stamp}_x.json.gz")
        };
        assert!(outside(&name("20260630T2355Z")));
        assert!(!outside(&name("20260701T0000Z")));
        assert!(!outside(&name("20261101T2355Z")), "late, after 31 days");
        assert!(outside(&name("20261102T0000Z")));
        for other in [
            "2020/01/01/x.json.gz",
            "1_CloudTrail_a_2020_x.json",
            "1_Other_a_20200101T0000Z.json",
            "",
            "é_CloudTrail_a_ééééé",
        ] {
            assert!(!outside(other), "{other}");
        }
    }

    #[test]
    fn a_source_is_a_bucket_or_a_directory_that_exists() {
        let folder = tempfile::tempdir().unwrap();
        let parse = |text: &str| LogSource::parse(text, folder.path()).ok();
        let bucket = |prefix: &str| Some(LogSource::S3 { bucket: "b".into(), prefix: prefix.into() });
        assert_eq!(parse("s3://b"), bucket(""));
        assert_eq!(parse("s3://b/p/q/"), bucket("p/q/"));
        assert_eq!(parse("."), Some(LogSource::Directory(folder.path().join("."))));
        assert_eq!(parse("s3://"), None);
        assert_eq!(parse("missing"), None);
    }
}
