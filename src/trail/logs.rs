//! CloudTrail log objects in S3 or in a directory: every one is hashed, decompressed and searched.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata};
use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};

use super::event::{events_of, in_scope, matches};
use super::{Excerpt, Origin, Request};
use crate::canonical;
use crate::model::{Record, RecordOutcome};

/// A log object as stored, at most; AWS delivers a few MB.
const LARGEST_OBJECT: u64 = 256 << 20;
/// A log file after decompression, at most.
const LARGEST_TEXT: u64 = 1 << 30;
/// Log objects of one source, at most.
const MOST_OBJECTS: usize = 1_000_000;

/// The rule under which the inventory of a source's objects is recorded.
const INVENTORY: &str = "log-objects";

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
}

/// One log object: what it is called and what it holds, or why it could not be read.
struct LogObject {
    location: String,
    content: Result<Vec<u8>, String>,
}

/// What searching a source gave.
#[derive(Default)]
struct Search {
    excerpts: BTreeMap<String, Excerpt>,
    /// Locations of the objects with matching events, per rule.
    found_in: BTreeMap<String, Vec<Value>>,
    objects: Vec<Value>,
    unreadable: Vec<String>,
    events: u64,
}

/// Searches every log file of `source` for every rule. One record per rule, one inventory of all
/// objects with their SHA-256, and a gap per rule for whatever could not be read.
pub async fn from_logs(
    s3: &aws_sdk_s3::Client,
    source: &LogSource,
    region: &str,
    endpoint: &str,
    request: Request<'_>,
) -> Vec<Record> {
    let described = match source {
        LogSource::S3 { bucket, prefix } => format!("s3://{bucket}/{prefix}"),
        LogSource::Directory(path) => path.display().to_string(),
    };
    let origin = Origin {
        request,
        region,
        operation: "GetObject",
        endpoint: if matches!(source, LogSource::S3 { .. }) {
            endpoint.to_owned()
        } else {
            "file".to_owned()
        },
        source: json!(described),
    };
    let listed = match source {
        LogSource::S3 { bucket, prefix } => list_bucket(s3, bucket, prefix).await,
        LogSource::Directory(path) => list_directory(path),
    };
    let locations = match listed {
        Ok(locations) if locations.is_empty() => {
            let message = format!("there are no log files under {described}");
            return gaps(&origin, "NoLogObjects", &message);
        }
        Ok(locations) => locations,
        Err((code, message)) => return gaps(&origin, &code, &message),
    };
    let mut search = Search::default();
    for location in locations {
        let content = match source {
            LogSource::S3 { bucket, .. } => get_object(s3, bucket, &location).await,
            LogSource::Directory(path) => read_file(&path.join(&location)),
        };
        search.object(&LogObject { location, content }, &request);
    }
    search.into_records(&origin)
}

fn gaps(origin: &Origin<'_>, code: &str, message: &str) -> Vec<Record> {
    origin.request.rules.keys().map(|rule| origin.gap(rule, code, message)).collect()
}

impl Search {
    fn object(&mut self, object: &LogObject, request: &Request<'_>) {
        let events = object.content.as_ref().map_err(Clone::clone).and_then(|bytes| {
            let digest = canonical::sha256(bytes);
            let text = decompress(bytes).and_then(|text| events_of(&text));
            self.objects.push(json!({
                "location": object.location,
                "sha256": digest,
                "bytes": bytes.len(),
                "events": text.as_ref().map_or(Value::Null, |events| json!(events.len())),
            }));
            text
        });
        let events = match events {
            Ok(events) => events,
            Err(reason) => {
                self.unreadable.push(format!("{}: {reason}", object.location));
                return;
            }
        };
        self.events += events.len() as u64;
        let in_scope = events.iter().filter(|event| in_scope(event, request));
        for event in in_scope {
            for rule in request.rules.values().filter(|rule| matches(event, rule)) {
                self.excerpts.entry(rule.id.clone()).or_default().keep(event);
                let places = self.found_in.entry(rule.id.clone()).or_default();
                if let Some(last) = self.objects.last().filter(|last| places.last() != Some(*last)) {
                    places.push(last.clone());
                }
            }
        }
    }

    fn into_records(mut self, origin: &Origin<'_>) -> Vec<Record> {
        let mut records = Vec::new();
        let scanned = self.objects.len();
        for rule in origin.request.rules.keys() {
            let mut excerpt = self.excerpts.remove(rule).unwrap_or_default();
            excerpt.sort();
            let gap = origin.dropped_gap(rule, &excerpt);
            let response = json!({
                "events": excerpt.events,
                "events-scanned": self.events,
                "objects-scanned": scanned,
                "objects": self.found_in.remove(rule).unwrap_or_default(),
            });
            records.push(origin.record(rule, RecordOutcome::Response(response)));
            records.extend(gap);
            if let Some(first) = self.unreadable.first() {
                let message = format!(
                    "{} of the log files could not be read; the first: {first}",
                    self.unreadable.len()
                );
                records.push(origin.gap(rule, "LogObjectUnreadable", message));
            }
        }
        let inventory = json!({ "objects": self.objects, "unreadable": self.unreadable });
        records.push(origin.record(INVENTORY, RecordOutcome::Response(inventory)));
        records
    }
}

/// Log files by name; the digest files beside them are evidence of another kind.
fn is_log_name(name: &str) -> bool {
    (name.ends_with(".json.gz") || name.ends_with(".json")) && !name.contains("CloudTrail-Digest")
}

async fn list_bucket(
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    prefix: &str,
) -> Result<Vec<String>, (String, String)> {
    let mut keys = Vec::new();
    let mut pages = s3.list_objects_v2().bucket(bucket).prefix(prefix).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| (code_of(&error), DisplayErrorContext(&error).to_string()))?;
        keys.extend(
            page.contents()
                .iter()
                .filter_map(|object| object.key())
                .filter(|key| is_log_name(key))
                .map(str::to_owned),
        );
        if keys.len() > MOST_OBJECTS {
            return Err((
                "TooManyObjects".into(),
                format!("more than {MOST_OBJECTS} log objects; narrow the prefix"),
            ));
        }
    }
    keys.sort();
    Ok(keys)
}

fn code_of(error: &impl ProvideErrorMetadata) -> String {
    error.code().unwrap_or("Unreachable").to_owned()
}

async fn get_object(s3: &aws_sdk_s3::Client, bucket: &str, key: &str) -> Result<Vec<u8>, String> {
    let object = s3.get_object().bucket(bucket).key(key).send().await.map_err(|error| code_of(&error))?;
    let length = object.content_length().unwrap_or_default();
    if u64::try_from(length).unwrap_or(u64::MAX) > LARGEST_OBJECT {
        return Err(format!("{length} bytes are more than a log object may have"));
    }
    let body = object.body.collect().await.map_err(|error| error.to_string())?;
    Ok(body.to_vec())
}

fn list_directory(root: &Path) -> Result<Vec<String>, (String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let unreadable =
            |error: std::io::Error| ("Unreadable".to_owned(), format!("{}: {error}", folder.display()));
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            // Links are not followed: a log folder is what it holds, and loops end nowhere.
            let kind = entry.file_type().map_err(unreadable)?;
            let path = entry.path();
            if kind.is_dir() {
                folders.push(path);
            } else if let (true, Ok(relative)) = (kind.is_file(), path.strip_prefix(root)) {
                let name = relative.to_string_lossy().into_owned();
                if is_log_name(&name) {
                    files.push(name);
                }
            }
        }
        if files.len() > MOST_OBJECTS {
            return Err(("TooManyObjects".into(), format!("more than {MOST_OBJECTS} log files")));
        }
    }
    files.sort();
    Ok(files)
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(LARGEST_OBJECT + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LARGEST_OBJECT { Err("too large for a log file".into()) } else { Ok(bytes) }
}

/// The text of a log file: gzip in one or more members, or plain JSON.
fn decompress(bytes: &[u8]) -> Result<Vec<u8>, String> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes.to_vec());
    }
    let mut text = Vec::new();
    let decoder = MultiGzDecoder::new(bytes);
    decoder.take(LARGEST_TEXT + 1).read_to_end(&mut text).map_err(|error| format!("broken gzip: {error}"))?;
    if text.len() as u64 > LARGEST_TEXT {
        Err("decompresses to more than a log file may have".into())
    } else {
        Ok(text)
    }
}
