//! Digest and log files in S3.

use aws_sdk_s3::error::ProvideErrorMetadata;

use super::super::body::{BodyError, OBJECTS_AT_ONCE, Window, stated_length};
use super::super::refusal::refusal;
use super::MOST_LOGS;
use super::store::{DigestStore, StoreError, StoredObject};

/// Digest and log files in a bucket of S3.
#[derive(Debug, Clone)]
pub struct S3Store {
    client: aws_sdk_s3::Client,
    window: Window,
}

impl S3Store {
    /// What a client can see.
    pub fn new(client: aws_sdk_s3::Client) -> Self {
        Self { client, window: Window::default() }
    }
}

impl DigestStore for S3Store {
    async fn list(
        &self,
        bucket: &str,
        folder: &str,
        from: &str,
        until: &str,
    ) -> Result<Vec<String>, StoreError> {
        let mut keys = Vec::new();
        let asked = self.client.list_objects_v2().bucket(bucket).prefix(folder).start_after(from);
        let mut pages = asked.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| refused(&error))?;
            let names = page.contents().iter().filter_map(|object| object.key());
            keys.extend(names.filter(|key| *key >= from && *key < until).map(str::to_owned));
            if page.contents().last().and_then(|object| object.key()).is_some_and(|last| last >= until) {
                break;
            }
            if keys.len() > MOST_LOGS {
                return Err(StoreError::new(
                    "TooManyObjects",
                    format!("more than {MOST_LOGS} objects under {folder}"),
                ));
            }
        }
        keys.sort();
        Ok(keys)
    }

    async fn folders(&self, bucket: &str, folder: &str) -> Result<Vec<String>, StoreError> {
        let mut names = Vec::new();
        let asked = self.client.list_objects_v2().bucket(bucket).prefix(folder).delimiter("/");
        let mut pages = asked.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| refused(&error))?;
            let found = page.common_prefixes().iter().filter_map(|found| found.prefix());
            names.extend(
                found.filter_map(|found| found.strip_prefix(folder)?.strip_suffix('/').map(str::to_owned)),
            );
            if names.len() > MOST_LOGS {
                return Err(StoreError::new(
                    "TooManyObjects",
                    format!("more than {MOST_LOGS} folders in {folder}"),
                ));
            }
        }
        names.sort();
        Ok(names)
    }

    async fn get(&self, bucket: &str, key: &str, largest: usize) -> Result<StoredObject, StoreError> {
        let asked = self.client.get_object().bucket(bucket).key(key);
        let object = asked.send().await.map_err(|error| refused(&error))?;
        let said = |name: &str| object.metadata().and_then(|metadata| metadata.get(name)).cloned();
        let (signature, signature_algorithm) = (said("signature"), said("signature-algorithm"));
        let has_backfill_time = said("backfill-generation-timestamp").is_some();
        let read =
            self.window.room(stated_length(object.content_length)).await.read(object.body, largest).await;
        let bytes = read.map_err(|error| match error {
            BodyError::TooLarge => StoreError::too_large(largest),
            BodyError::BrokenOff(why) => StoreError::new("Unreachable", why),
        })?;
        Ok(StoredObject { bytes, signature, signature_algorithm, has_backfill_time })
    }

    fn at_once(&self) -> usize {
        OBJECTS_AT_ONCE
    }

    fn is_at(&self, bucket: &str, key: &str, digest_bucket: &str, digest_key: &str) -> bool {
        bucket == digest_bucket && key == digest_key
    }

    fn keeps_metadata(&self) -> bool {
        true
    }

    fn location(&self, bucket: &str, key: &str) -> String {
        format!("s3://{bucket}/{key}")
    }
}

fn refused<E: ProvideErrorMetadata + std::error::Error + 'static>(error: &E) -> StoreError {
    let (code, message) = refusal(error);
    StoreError::new(&code, message)
}
