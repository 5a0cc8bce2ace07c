//! A digest file: what it says, read within bounds.

use std::io::Read;

use chrono::{DateTime, Utc};
use flate2::bufread::GzDecoder;
use serde::Deserialize;

use super::{LARGEST_DIGEST_TEXT, MOST_LOGS};
use crate::canonical;
use crate::model::Sha256Digest;

/// What a digest file says (AWS CloudTrail User Guide, "Digest file structure"). Members that validation does not need are
/// passed over.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DigestFile {
    /// Account whose log files it names.
    pub aws_account_id: Option<String>,
    /// First instant of the time in which those were delivered; as text, because the text is what is signed.
    pub digest_start_time: String,
    /// End of that time.
    pub digest_end_time: String,
    /// Bucket that it was delivered to.
    pub digest_s3_bucket: String,
    /// Key that it was delivered under.
    pub digest_s3_object: String,
    /// Fingerprint of the key that signed it.
    pub digest_public_key_fingerprint: String,
    /// Bucket of the digest file before it; none for the first of a chain.
    pub previous_digest_s3_bucket: Option<String>,
    /// Key of the digest file before it.
    pub previous_digest_s3_object: Option<String>,
    /// SHA-256 of that one's text, hexadecimal.
    pub previous_digest_hash_value: Option<String>,
    /// Signature of that one, hexadecimal. The member must be there, if only as null: it is part of what is signed.
    #[serde(deserialize_with = "Option::deserialize")]
    pub previous_digest_signature: Option<String>,
    /// The log files that were delivered.
    #[serde(default)]
    log_files: Option<Vec<LogEntry>>,
}

/// A log file, as a digest file names it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogEntry {
    /// Bucket that it was delivered to.
    pub s3_bucket: String,
    /// Key that it was delivered under.
    pub s3_object: String,
    /// SHA-256 of its text, hexadecimal.
    pub hash_value: String,
}

/// A digest file and the SHA-256 of its text.
#[derive(Debug, Clone)]
pub(super) struct ReadDigest {
    pub(super) file: DigestFile,
    pub(super) text_sha256: Sha256Digest,
    pub(super) start: DateTime<Utc>,
    pub(super) end: DateTime<Utc>,
}

impl DigestFile {
    /// The log files that were delivered.
    pub fn logs(&self) -> &[LogEntry] {
        self.log_files.as_deref().unwrap_or_default()
    }

    /// Bucket and key of the digest file before it, where it names one.
    pub fn previous(&self) -> Option<(&str, &str)> {
        Some((self.previous_digest_s3_bucket.as_deref()?, self.previous_digest_s3_object.as_deref()?))
    }

    /// Reads the text of a digest file.
    ///
    /// # Errors
    /// When it is not JSON, or lacks a member that every digest file has.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let file: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if file.logs().len() > MOST_LOGS {
            return Err(format!("it names more than {MOST_LOGS} log files"));
        }
        Ok(file)
    }
}

impl ReadDigest {
    /// Reads a digest file as it is stored.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn read(stored: &[u8]) -> Result<Self, String> {
        let text = inflate(stored, LARGEST_DIGEST_TEXT)?;
        let file = DigestFile::parse(&text)?;
        let time = |text: &str| {
            text.parse::<DateTime<Utc>>()
                .map_err(|_| format!("{:?} is not a time", text.chars().take(40).collect::<String>()))
        };
        let (start, end) = (time(&file.digest_start_time)?, time(&file.digest_end_time)?);
        if start >= end {
            return Err("it ends before it starts".to_owned());
        }
        Ok(Self { text_sha256: canonical::sha256(&text), file, start, end })
    }
}

/// The text of a file of exactly one gzip member, of at most `largest` bytes.
///
/// # Errors
/// When it is not gzip, is cut off, holds more than that, or something follows it.
pub(super) fn inflate(stored: &[u8], largest: u64) -> Result<Vec<u8>, String> {
    let mut decoder = GzDecoder::new(stored);
    let mut text = Vec::new();
    (&mut decoder)
        .take(largest + 1)
        .read_to_end(&mut text)
        .map_err(|error| format!("not sound gzip: {error}"))?;
    if text.len() as u64 > largest {
        return Err(format!("its text is longer than {largest} bytes"));
    }
    if !decoder.into_inner().is_empty() {
        return Err("something follows its compressed content".to_owned());
    }
    Ok(text)
}
