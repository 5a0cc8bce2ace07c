//! S3 with Object Lock as archive: SHA-256 checksum, conditional create, retention.

use std::time::Duration;

use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_s3::operation::RequestId;
use aws_sdk_s3::primitives::{ByteStream, DateTime as AwsDateTime};
use aws_sdk_s3::types::{ChecksumAlgorithm, ObjectLockMode, ServerSideEncryption};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Days, Utc};

use super::{ArchiveError, Receipt};
use crate::canonical;

/// The most that one PutObject takes (Amazon S3 quotas).
const LARGEST_PUT: u64 = 5 << 30;

/// The longest that Object Lock keeps an object, in days: 100 years (Amazon S3 User Guide, "Object Lock considerations").
const LONGEST_RETENTION_DAYS: u32 = 36_500;

/// The slowest way to S3 that one attempt puts up with, in bytes a second. An attempt holds the whole
/// package, so the time that it may take grows with it.
const SLOWEST_UPLOAD: u64 = 64 * 1024;

/// Whole uploads that the attempts of one put may come to.
const UPLOADS: u32 = 3;

/// How firmly an object is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockMode {
    /// Users with a special permission may shorten or lift the lock.
    Governance,
    /// Nobody may, the root user included.
    Compliance,
}

/// Where in S3, and how it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Target {
    /// Bucket with Object Lock.
    pub bucket: String,
    /// Prefix without a slash at its end; possibly empty.
    pub prefix: String,
    /// Lock mode.
    pub mode: LockMode,
    /// Days of retention from now.
    pub retention_days: u32,
    /// KMS key; the bucket's default encryption where not given.
    pub kms_key: Option<String>,
}

impl S3Target {
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
}

/// Stores `package` as `name` under the target's prefix: created only if nothing is there, with a
/// SHA-256 checksum that S3 verifies, locked until the retention ends.
///
/// # Errors
/// When the key is taken, S3 refuses, or S3 acknowledges another checksum.
pub async fn put_s3(
    client: &aws_sdk_s3::Client,
    target: &S3Target,
    name: &str,
    package: Vec<u8>,
    now: DateTime<Utc>,
) -> Result<Receipt, ArchiveError> {
    let key = if target.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", target.prefix) };
    let location = format!("s3://{}/{key}", target.bucket);
    let bytes = package.len() as u64;
    if bytes > LARGEST_PUT {
        return Err(ArchiveError::TooLarge(bytes));
    }
    let retention = target.retention_days;
    if !(1..=LONGEST_RETENTION_DAYS).contains(&retention) {
        return Err(ArchiveError::Retention(retention));
    }
    let retain_until =
        now.checked_add_days(Days::new(u64::from(retention))).ok_or(ArchiveError::Retention(retention))?;
    let sha256 = canonical::sha256(&package);
    let sent = STANDARD.encode(sha256.as_bytes());
    let mode = match target.mode {
        LockMode::Governance => ObjectLockMode::Governance,
        LockMode::Compliance => ObjectLockMode::Compliance,
    };
    let put = client
        .put_object()
        .bucket(&target.bucket)
        .key(&key)
        .body(ByteStream::from(package))
        .content_type("application/zip")
        .if_none_match("*")
        .checksum_algorithm(ChecksumAlgorithm::Sha256)
        .checksum_sha256(&sent)
        .object_lock_mode(mode.clone())
        .object_lock_retain_until_date(AwsDateTime::from_secs(retain_until.timestamp()))
        .set_server_side_encryption(target.kms_key.as_ref().map(|_| ServerSideEncryption::AwsKms))
        .set_ssekms_key_id(target.kms_key.clone());
    let put = put
        .customize()
        .config_override(aws_sdk_s3::config::Builder::new().timeout_config(timeouts(client, bytes)));
    let answer = put.send().await.map_err(|error| {
        let code = error.code().unwrap_or("Unreachable").to_owned();
        match code.as_str() {
            "PreconditionFailed" | "ConditionalRequestConflict" => {
                ArchiveError::Exists { location: location.clone() }
            }
            _ => ArchiveError::S3 {
                location: location.clone(),
                message: error
                    .message()
                    .map_or_else(|| DisplayErrorContext(&error).to_string(), str::to_owned),
                advice: advice(&code),
                code,
            },
        }
    })?;
    // S3 repeats the checksum that it verified; a store that says nothing, or another, is not trusted.
    if answer.checksum_sha256() != Some(sent.as_str()) {
        return Err(ArchiveError::Checksum {
            location,
            stored: answer.checksum_sha256().map(str::to_owned),
            sent,
        });
    }
    Ok(Receipt {
        version: Receipt::VERSION,
        package: name.to_owned(),
        sha256,
        bytes,
        location,
        stored_at: now,
        version_id: answer.version_id().map(str::to_owned),
        request_id: answer.request_id().map(str::to_owned),
        lock_mode: Some(mode.as_str().to_owned()),
        retain_until: Some(retain_until),
    })
}

/// The client's own timeouts, and the time that so many bytes take on a slow line.
fn timeouts(client: &aws_sdk_s3::Client, bytes: u64) -> TimeoutConfig {
    let upload = Duration::from_secs(bytes / SLOWEST_UPLOAD);
    let own = client.config().timeout_config().cloned().unwrap_or_else(TimeoutConfig::disabled);
    let mut extended = own.to_builder();
    extended.set_operation_attempt_timeout(own.operation_attempt_timeout().map(|time| time + upload));
    extended.set_operation_timeout(own.operation_timeout().map(|time| time + upload * UPLOADS));
    extended.build()
}

fn advice(code: &str) -> &'static str {
    match code {
        "NoSuchBucket" => "create the bucket with Object Lock enabled first",
        "InvalidRequest" => "the bucket probably has no Object Lock: it must be enabled on it",
        "AccessDenied" => "the caller needs s3:PutObject and s3:PutObjectRetention on it",
        "Unreachable" => "check the network, the region and the endpoint",
        _ => "the package itself is untouched; archive it again when the cause is mended",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_split_and_others_refused() {
        let parse = |text: &str| S3Target::parse_location(text).ok();
        assert_eq!(parse("s3://b/p/q/"), Some(("b".into(), "p/q".into())));
        assert_eq!(parse("s3://b"), Some(("b".into(), String::new())));
        assert_eq!(parse("s3:///p"), None);
        assert_eq!(parse("b/p"), None);
    }

    #[test]
    fn a_large_package_on_a_slow_line_is_given_the_time_that_it_takes() {
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
}
