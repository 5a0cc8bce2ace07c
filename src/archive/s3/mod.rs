//! S3 with Object Lock as archive: SHA-256 checksums, conditional create, retention; what is stored is read back.

mod multipart;
mod preflight;

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_s3::operation::RequestId;
use aws_sdk_s3::primitives::{ByteStream, DateTime as AwsDateTime};
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ObjectLockLegalHoldStatus, ObjectLockMode, ServerSideEncryption,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::{ArchiveError, INDEX, Keep, LONGEST_ENTRY, Parcel, Stored, require_plain};
use crate::canonical;

/// What is longer than this is sent in parts of this length. S3 takes 10,000 parts, so that 160 GiB can be sent.
const PART: u64 = 16 << 20;

/// The slowest way to S3 that one attempt puts up with, in bytes a second. An attempt holds a whole part, so the time that it may
/// take grows with it.
const SLOWEST_UPLOAD: u64 = 64 * 1024;

/// Whole uploads that the attempts of one part may come to.
const UPLOADS: u32 = 3;

/// How firmly an object is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockMode {
    /// Users with a special permission may shorten or lift the lock.
    Governance,
    /// Nobody may, the root user included.
    Compliance,
}

impl LockMode {
    fn of_s3(self) -> ObjectLockMode {
        match self {
            Self::Governance => ObjectLockMode::Governance,
            Self::Compliance => ObjectLockMode::Compliance,
        }
    }
}

/// A bucket, or a prefix in one, that packages are kept in.
#[derive(Debug)]
pub struct S3Archive {
    client: aws_sdk_s3::Client,
    bucket: String,
    /// Without a slash at its end; possibly empty.
    prefix: String,
    part: u64,
}

impl S3Archive {
    /// The archive at `s3://bucket/prefix`.
    ///
    /// # Errors
    /// When the location is not one.
    pub fn new(client: aws_sdk_s3::Client, location: &str) -> Result<Self, ArchiveError> {
        let (bucket, prefix) = Self::parse_location(location)?;
        Ok(Self { client, bucket, prefix, part: PART })
    }

    /// The same with parts of another length, for tests; S3 takes no parts below 5 MiB but the last.
    #[must_use]
    pub fn with_parts_of(self, part: u64) -> Self {
        Self { part, ..self }
    }

    /// Splits `s3://bucket/prefix`.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse_location(text: &str) -> Result<(String, String), ArchiveError> {
        let wrong = || ArchiveError::Destination(text.to_owned());
        let rest = text.strip_prefix("s3://").ok_or_else(wrong)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(wrong());
        }
        Ok((bucket.to_owned(), prefix.trim_matches('/').to_owned()))
    }

    fn key(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) }
    }

    /// `s3://bucket/prefix/name`.
    pub(super) fn location(&self, name: &str) -> String {
        format!("s3://{}/{}", self.bucket, self.key(name))
    }

    /// Stores a package, in parts if it is long, and reads back what is stored.
    pub(super) async fn put(&self, parcel: &Parcel<'_>, keep: &Keep) -> Result<Stored, ArchiveError> {
        require_plain(parcel.name)?;
        let location = self.location(parcel.name);
        let changed = || ArchiveError::Changed {
            path: parcel.file.display().to_string(),
            location: self.location(parcel.name),
        };
        let known = match self.stat(parcel.name, None).await? {
            Some(stored) => stored,
            None => {
                let put = if parcel.bytes > self.part {
                    self.put_parts(parcel, keep).await?
                } else {
                    let bytes = std::fs::read(parcel.file).map_err(|source| ArchiveError::Package {
                        path: parcel.file.display().to_string(),
                        source,
                    })?;
                    if canonical::sha256(&bytes) != parcel.sha256 {
                        return Err(changed());
                    }
                    self.put_whole(parcel.name, bytes, "application/zip", keep).await?
                };
                match put {
                    Put::Done { version_id, request_id } => {
                        let stored = self.stat(parcel.name, version_id.as_deref()).await?;
                        let mut stored =
                            stored.ok_or(ArchiveError::Missing { location: location.clone() })?;
                        stored.request_id = request_id;
                        stored
                    }
                    // Somebody else was faster: what is there is judged like anything that was there before.
                    Put::Taken => self
                        .stat(parcel.name, None)
                        .await?
                        .ok_or(ArchiveError::Missing { location: location.clone() })?,
                }
            }
        };
        if known.bytes != parcel.bytes || !self.is_checksum_of(&known, parcel.file)? {
            return Err(ArchiveError::Exists { location });
        }
        // What is stored is what the file is now; the receipt tells what it was at the beginning.
        if Parcel::of(parcel.file, parcel.name)?.sha256 != parcel.sha256 {
            return Err(changed());
        }
        require_as_asked(&known, keep)?;
        Ok(known)
    }

    pub(super) async fn put_small(&self, name: &str, bytes: &[u8], keep: &Keep) -> Result<(), ArchiveError> {
        require_plain(name)?;
        match self.put_whole(name, bytes.to_vec(), "application/json", keep).await? {
            Put::Done { .. } => Ok(()),
            Put::Taken if self.read(name).await? == bytes => Ok(()),
            Put::Taken => Err(ArchiveError::Exists { location: self.location(name) }),
        }
    }

    /// One PutObject: created only if nothing is there, with a checksum that S3 verifies, locked as asked.
    async fn put_whole(
        &self,
        name: &str,
        bytes: Vec<u8>,
        content_type: &str,
        keep: &Keep,
    ) -> Result<Put, ArchiveError> {
        let location = self.location(name);
        let length = bytes.len() as u64;
        let sent = STANDARD.encode(canonical::sha256(&bytes).as_bytes());
        let put = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(self.key(name))
            .body(ByteStream::from(bytes))
            .content_type(content_type)
            .if_none_match("*")
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .checksum_sha256(&sent)
            .set_object_lock_mode(keep.lock.map(LockMode::of_s3))
            .set_object_lock_retain_until_date(keep.retain_until.map(seconds))
            .set_object_lock_legal_hold_status(keep.legal_hold.then_some(ObjectLockLegalHoldStatus::On))
            .set_server_side_encryption(keep.kms_key.as_ref().map(|_| ServerSideEncryption::AwsKms))
            .set_ssekms_key_id(keep.kms_key.clone())
            .set_tagging(tagging(&keep.tags));
        let answer = put.customize().config_override(self.patient(length)).send().await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if is_taken(error.code()) => return Ok(Put::Taken),
            Err(error) => return Err(refused("PutObject", location, &error)),
        };
        // S3 repeats the checksum that it verified; a store that says nothing, or another, is not trusted.
        if answer.checksum_sha256() != Some(sent.as_str()) {
            let told = answer.checksum_sha256().unwrap_or("no checksum");
            let differences = vec![format!("it acknowledges {told} where {sent} was sent")];
            return Err(ArchiveError::NotAsAsked { location, differences });
        }
        let request_id = answer.request_id().map(str::to_owned);
        Ok(Put::Done { version_id: answer.version_id().map(str::to_owned), request_id })
    }

    /// What S3 tells of an object, or of one of its versions.
    pub(super) async fn stat(
        &self,
        name: &str,
        version: Option<&str>,
    ) -> Result<Option<Stored>, ArchiveError> {
        require_plain(name)?;
        let location = self.location(name);
        let asked = self
            .client
            .head_object()
            .bucket(&self.bucket)
            .key(self.key(name))
            .set_version_id(version.map(str::to_owned))
            .checksum_mode(ChecksumMode::Enabled);
        let head = match asked.send().await {
            Ok(head) => head,
            Err(error) if error.as_service_error().is_some_and(|e| e.is_not_found()) => return Ok(None),
            Err(error) => return Err(refused("HeadObject", location, &error)),
        };
        let until = head.object_lock_retain_until_date();
        Ok(Some(Stored {
            location,
            bytes: head.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or_default(),
            checksum: head.checksum_sha256().map(str::to_owned),
            version_id: head.version_id().map(str::to_owned),
            request_id: None,
            lock_mode: head.object_lock_mode().map(|mode| mode.as_str().to_owned()),
            retain_until: until.and_then(|until| DateTime::from_timestamp(until.secs(), 0)),
            legal_hold: head.object_lock_legal_hold_status() == Some(&ObjectLockLegalHoldStatus::On),
            kms_key: head.ssekms_key_id().map(str::to_owned),
        }))
    }

    pub(super) async fn list(&self) -> Result<Vec<String>, ArchiveError> {
        let below = self.key("");
        let mut names = Vec::new();
        for prefix in [below.clone(), format!("{below}{INDEX}")] {
            let mut pages = self
                .client
                .list_objects_v2()
                .bucket(&self.bucket)
                .prefix(&prefix)
                .delimiter("/")
                .into_paginator()
                .send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| refused("ListObjectsV2", self.location(""), &error))?;
                let keys = page.contents().iter().filter_map(|object| object.key()?.strip_prefix(&below));
                names.extend(keys.filter(|name| require_plain(name).is_ok()).map(str::to_owned));
            }
        }
        Ok(names)
    }

    pub(super) async fn read(&self, name: &str) -> Result<Vec<u8>, ArchiveError> {
        let mut bytes = Vec::new();
        self.read_into(name, Some(LONGEST_ENTRY), &mut bytes).await?;
        Ok(bytes)
    }

    pub(super) async fn copy(&self, name: &str, to: &mut File) -> Result<(), ArchiveError> {
        self.read_into(name, None, to).await
    }

    async fn read_into(&self, name: &str, most: Option<u64>, to: &mut dyn Write) -> Result<(), ArchiveError> {
        require_plain(name)?;
        let location = self.location(name);
        let asked = self.client.get_object().bucket(&self.bucket).key(self.key(name));
        let answer = asked.send().await.map_err(|error| match error.as_service_error() {
            Some(service) if service.is_no_such_key() => ArchiveError::Missing { location: location.clone() },
            _ => refused("GetObject", location.clone(), &error),
        })?;
        let failed = |source: std::io::Error| ArchiveError::File { location: location.clone(), source };
        let mut body = answer.body;
        let mut read = 0;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| failed(std::io::Error::other(error)))?;
            read += chunk.len() as u64;
            if most.is_some_and(|most| read > most) {
                return Err(failed(std::io::Error::other(
                    "it is longer than anything that proofpack writes here",
                )));
            }
            to.write_all(&chunk).map_err(failed)?;
        }
        Ok(())
    }

    /// Whether the checksum that S3 tells is that of the file: sent whole, or in the parts that this program sends.
    pub(super) fn is_checksum_of(&self, stored: &Stored, file: &Path) -> Result<bool, ArchiveError> {
        let failed = |source| ArchiveError::Package { path: file.display().to_string(), source };
        let Some(told) = &stored.checksum else { return Ok(false) };
        let mut source = File::open(file).map_err(failed)?;
        let (mut whole, mut of_parts, mut parts) = (Sha256::new(), Sha256::new(), 0_u64);
        loop {
            let mut part = Vec::new();
            Read::by_ref(&mut source).take(self.part).read_to_end(&mut part).map_err(failed)?;
            if part.is_empty() {
                break;
            }
            whole.update(&part);
            of_parts.update(Sha256::digest(&part));
            parts += 1;
        }
        let (whole, of_parts) = (STANDARD.encode(whole.finalize()), STANDARD.encode(of_parts.finalize()));
        Ok(*told == whole || *told == format!("{of_parts}-{parts}"))
    }

    /// The client's own timeouts, and the time that so many bytes take on a slow line.
    fn patient(&self, bytes: u64) -> aws_sdk_s3::config::Builder {
        aws_sdk_s3::config::Builder::new().timeout_config(timeouts(&self.client, bytes))
    }
}

/// What became of a conditional create.
enum Put {
    Done {
        version_id: Option<String>,
        request_id: Option<String>,
    },
    /// Something is there already.
    Taken,
}

/// What was stored has the lock and the key that were asked for; a later end of the retention is as good.
fn require_as_asked(stored: &Stored, keep: &Keep) -> Result<(), ArchiveError> {
    let mut differences = Vec::new();
    let mode = keep.lock.map(|mode| mode.of_s3().as_str().to_owned());
    let firmer = stored.lock_mode.as_deref() == Some(ObjectLockMode::Compliance.as_str());
    if stored.lock_mode != mode && !firmer {
        let told = stored.lock_mode.as_deref().unwrap_or("none");
        differences.push(format!("its lock is {told}, not {}", mode.unwrap_or_default()));
    }
    if let Some(asked) =
        keep.retain_until.filter(|asked| stored.retain_until.is_none_or(|told| told < *asked))
    {
        let told = stored.retain_until.map_or("never".to_owned(), |told| told.to_rfc3339());
        differences.push(format!(
            "it is locked until {told}, not {}: extend that (aws s3api put-object-retention)",
            asked.to_rfc3339()
        ));
    }
    if keep.legal_hold && !stored.legal_hold {
        differences.push("no legal hold is on it (aws s3api put-object-legal-hold)".to_owned());
    }
    if stored.version_id.is_none() {
        differences.push("it has no version id".to_owned());
    }
    if keep.kms_key.is_some() && stored.kms_key.is_none() {
        differences.push("it is not encrypted with a KMS key".to_owned());
    }
    if differences.is_empty() {
        return Ok(());
    }
    Err(ArchiveError::NotAsAsked { location: stored.location.clone(), differences })
}

fn seconds(instant: DateTime<Utc>) -> AwsDateTime {
    AwsDateTime::from_secs(instant.timestamp())
}

/// Tags as a header takes them.
fn tagging(tags: &[(String, String)]) -> Option<String> {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> =
        tags.iter().map(|(key, value)| format!("{}={}", encoded(key), encoded(value))).collect();
    (!pairs.is_empty()).then(|| pairs.join("&"))
}

fn timeouts(client: &aws_sdk_s3::Client, bytes: u64) -> TimeoutConfig {
    let upload = Duration::from_secs(bytes / SLOWEST_UPLOAD);
    let own = client.config().timeout_config().cloned().unwrap_or_else(TimeoutConfig::disabled);
    let mut extended = own.to_builder();
    extended.set_operation_attempt_timeout(own.operation_attempt_timeout().map(|time| time + upload));
    extended.set_operation_timeout(own.operation_timeout().map(|time| time + upload * UPLOADS));
    extended.build()
}

fn is_taken(code: Option<&str>) -> bool {
    matches!(code, Some("PreconditionFailed" | "ConditionalRequestConflict"))
}

/// What S3 said, with what to do about it.
fn refused<E>(operation: &'static str, location: String, error: &E) -> ArchiveError
where
    E: ProvideErrorMetadata + std::error::Error,
{
    let code = error.code().unwrap_or("Unreachable").to_owned();
    let message = error.message().map_or_else(|| DisplayErrorContext(error).to_string(), str::to_owned);
    let advice = advice(&code);
    ArchiveError::S3 { operation, location, code, message, advice }
}

fn advice(code: &str) -> &'static str {
    match code {
        "NoSuchBucket" => "create the bucket with Object Lock enabled first",
        "InvalidRequest" => "the bucket probably has no Object Lock: it must be enabled on it",
        "AccessDenied" => {
            "the caller lacks a right; `proofpack iam-policy --archive` prints what archiving takes"
        }
        "Unreachable" => "check the network, the region and the endpoint",
        _ => "the package itself is untouched; archive it again when the cause is mended",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_split_and_others_refused() {
        let parse = |text: &str| S3Archive::parse_location(text).ok();
        assert_eq!(parse("s3://b/p/q/"), Some(("b".into(), "p/q".into())));
        assert_eq!(parse("s3://b"), Some(("b".into(), String::new())));
        assert_eq!(parse("s3:///p"), None);
        assert_eq!(parse("b/p"), None);
    }

    #[test]
    fn a_large_part_on_a_slow_line_is_given_the_time_that_it_takes() {
        let client = |timeouts: TimeoutConfig| {
            let settings = aws_sdk_s3::Config::builder()
                .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
                .timeout_config(timeouts);
            aws_sdk_s3::Client::from_conf(settings.build())
        };
        let seconds = Duration::from_secs;
        let minute =
            TimeoutConfig::builder().operation_attempt_timeout(seconds(60)).operation_timeout(seconds(300));
        let extended = timeouts(&client(minute.build()), 640 << 20);
        assert_eq!(extended.operation_attempt_timeout(), Some(seconds(60 + 10_240)));
        assert_eq!(extended.operation_timeout(), Some(seconds(300 + 3 * 10_240)));
        let unbounded = timeouts(&client(TimeoutConfig::disabled()), 640 << 20);
        assert_eq!(unbounded.operation_attempt_timeout(), None);
    }

    #[test]
    fn what_was_stored_otherwise_than_asked_is_told() {
        let until = |day: &str| Some(format!("{day}T00:00:00Z").parse().unwrap());
        let keep = Keep {
            lock: Some(LockMode::Compliance),
            retain_until: until("2032-01-01"),
            legal_hold: true,
            kms_key: Some("k".into()),
            tags: Vec::new(),
        };
        let stored = Stored {
            version_id: Some("v".into()),
            lock_mode: Some("COMPLIANCE".into()),
            retain_until: until("2032-01-01"),
            legal_hold: true,
            kms_key: Some("arn".into()),
            ..Stored::default()
        };
        assert!(require_as_asked(&stored, &keep).is_ok());
        assert!(
            require_as_asked(&Stored { retain_until: until("2033-01-01"), ..stored.clone() }, &keep).is_ok()
        );
        for (wrong, told) in [
            (Stored { lock_mode: Some("GOVERNANCE".into()), ..stored.clone() }, "its lock is GOVERNANCE"),
            (Stored { lock_mode: None, ..stored.clone() }, "its lock is none"),
            (Stored { retain_until: until("2031-12-31"), ..stored.clone() }, "locked until 2031-12-31"),
            (Stored { retain_until: None, ..stored.clone() }, "locked until never"),
            (Stored { legal_hold: false, ..stored.clone() }, "no legal hold"),
            (Stored { version_id: None, ..stored.clone() }, "no version id"),
            (Stored { kms_key: None, ..stored }, "not encrypted with a KMS key"),
        ] {
            let error = require_as_asked(&wrong, &keep).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn tags_are_written_so_that_no_character_of_theirs_is_taken_for_another() {
        let tags = [("a b".to_owned(), "c&d=e".to_owned()), ("x".to_owned(), String::new())];
        assert_eq!(tagging(&tags).as_deref(), Some("a%20b=c%26d%3De&x="));
        assert_eq!(tagging(&[]), None);
    }
}
