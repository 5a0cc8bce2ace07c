//! CloudTrail's public keys: from `ListPublicKeys`, or from a file that holds its answers.

use std::collections::BTreeMap;

use aws_sdk_cloudtrail::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_cloudtrail::primitives::DateTime as AwsDateTime;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::store::StoreError;
use crate::model::Period;

/// Keys that a set may hold. CloudTrail makes one or a few a year in every region.
const MOST_KEYS: usize = 10_000;
/// Pages that the answer may have.
const MOST_PAGES: usize = 100;

/// A public key of CloudTrail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    der: Vec<u8>,
    entry: Entry,
}

/// CloudTrail's public keys, by fingerprint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySet {
    keys: BTreeMap<String, PublicKey>,
}

/// Why a file is no set of keys.
#[derive(Debug, thiserror::Error)]
pub enum KeySetError {
    /// It is not what ListPublicKeys answers.
    #[error("this is not what `aws cloudtrail list-public-keys --output json` prints: {0}")]
    Malformed(String),
    /// It holds too many.
    #[error("more than {MOST_KEYS} keys")]
    TooMany,
}

/// The file: what `aws cloudtrail list-public-keys --output json` prints, and which region was asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyFile {
    public_key_list: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    fingerprint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    value: String,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    validity_start_time: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    validity_end_time: Value,
}

impl PublicKey {
    /// The key as `RSAPublicKey` (RFC 8017) in DER.
    pub(super) fn der(&self) -> &[u8] {
        &self.der
    }
}

impl KeySet {
    /// The key of a fingerprint.
    pub fn get(&self, fingerprint: &str) -> Option<&PublicKey> {
        self.keys.get(fingerprint)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Adds the keys of another set.
    pub fn extend(&mut self, other: Self) {
        self.keys.extend(other.keys);
    }

    /// Reads a file: the answer of ListPublicKeys in JSON, as the AWS CLI prints it and [`KeySet::to_json`] writes it.
    ///
    /// # Errors
    /// When it is something else.
    pub fn from_json(bytes: &[u8]) -> Result<Self, KeySetError> {
        let file: KeyFile =
            serde_json::from_slice(bytes).map_err(|error| KeySetError::Malformed(error.to_string()))?;
        let mut set = Self::default();
        for entry in file.public_key_list {
            set.add(entry)?;
        }
        Ok(set)
    }

    fn add(&mut self, entry: Entry) -> Result<(), KeySetError> {
        if self.keys.len() >= MOST_KEYS {
            return Err(KeySetError::TooMany);
        }
        let der = STANDARD
            .decode(&entry.value)
            .map_err(|error| KeySetError::Malformed(format!("Value: {error}")))?;
        self.keys.insert(entry.fingerprint.clone(), PublicKey { der, entry });
        Ok(())
    }

    /// The set as a file that [`KeySet::from_json`] reads.
    pub fn to_json(&self) -> Value {
        let list = self.keys.values().map(|key| key.entry.clone()).collect();
        serde_json::to_value(KeyFile { public_key_list: list }).unwrap_or_default()
    }

    /// Asks CloudTrail in `region` for the keys that were valid at some time of the period.
    ///
    /// # Errors
    /// What AWS, or the way to it, answered.
    pub async fn ask(
        client: &aws_sdk_cloudtrail::Client,
        region: &str,
        period: Period,
    ) -> Result<Self, StoreError> {
        let mut set = Self::default();
        let mut token = None;
        for _ in 0..MOST_PAGES {
            let asked = client
                .list_public_keys()
                .start_time(AwsDateTime::from_secs(period.start.timestamp()))
                .end_time(AwsDateTime::from_secs(period.end.timestamp()))
                .set_next_token(token.take());
            let answer = asked.send().await.map_err(|error| {
                let message =
                    error.message().map_or_else(|| DisplayErrorContext(&error).to_string(), str::to_owned);
                StoreError::new(error.code().unwrap_or("Unreachable"), message)
            })?;
            for key in answer.public_key_list() {
                let (Some(value), Some(fingerprint)) = (key.value(), key.fingerprint()) else { continue };
                let entry = Entry {
                    fingerprint: fingerprint.to_owned(),
                    region: Some(region.to_owned()),
                    value: STANDARD.encode(value.as_ref()),
                    validity_start_time: time(key.validity_start_time()),
                    validity_end_time: time(key.validity_end_time()),
                };
                set.add(entry).map_err(|error| StoreError::new("MalformedResponse", error))?;
            }
            token = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok(set);
            }
        }
        Err(StoreError::new("TooManyPages", format!("more than {MOST_PAGES} pages of keys")))
    }
}

fn time(instant: Option<&AwsDateTime>) -> Value {
    let instant = instant.and_then(|instant| DateTime::<Utc>::from_timestamp(instant.secs(), 0));
    instant.map_or(Value::Null, |instant| instant.to_rfc3339_opts(chrono::SecondsFormat::Secs, true).into())
}
