//! How far the reading of log files is, for whoever watches.

use std::fmt;

use super::digest::{DigestStore, StoreError, StoredObject};

/// Is told of log files as they are listed and read.
pub trait Reading: fmt::Debug + Sync {
    /// So many more log files are to be read.
    fn listed(&self, files: usize);

    /// One more was read, or could not be: its length as stored, in bytes.
    fn read(&self, bytes: u64);
}

/// Nobody watches.
impl Reading for () {
    fn listed(&self, _files: usize) {}

    fn read(&self, _bytes: u64) {}
}

/// A store of which somebody is told what is read.
#[derive(Debug)]
pub struct Watched<'a, S> {
    /// The store.
    pub store: S,
    /// Who is told.
    pub reading: &'a dyn Reading,
}

impl<S: DigestStore> DigestStore for Watched<'_, S> {
    async fn list(
        &self,
        bucket: &str,
        folder: &str,
        from: &str,
        until: &str,
    ) -> Result<Vec<String>, StoreError> {
        self.store.list(bucket, folder, from, until).await
    }

    async fn folders(&self, bucket: &str, folder: &str) -> Result<Vec<String>, StoreError> {
        self.store.folders(bucket, folder).await
    }

    async fn get(&self, bucket: &str, key: &str, largest: usize) -> Result<StoredObject, StoreError> {
        let object = self.store.get(bucket, key, largest).await;
        self.reading.read(object.as_ref().map_or(0, |object| object.bytes.len() as u64));
        object
    }

    fn at_once(&self) -> usize {
        self.store.at_once()
    }

    fn is_at(&self, bucket: &str, key: &str, digest_bucket: &str, digest_key: &str) -> bool {
        self.store.is_at(bucket, key, digest_bucket, digest_key)
    }

    fn keeps_metadata(&self) -> bool {
        self.store.keeps_metadata()
    }

    fn location(&self, bucket: &str, key: &str) -> String {
        self.store.location(bucket, key)
    }
}
