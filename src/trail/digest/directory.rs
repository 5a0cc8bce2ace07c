//! Digest and log files in a directory, as `aws s3 sync` makes it.

use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::super::body::files_at_once;
use super::MOST_LOGS;
use super::name::tail;
use super::store::{DigestStore, StoreError, StoredObject};

/// What stands behind a digest file's name for the file with its metadata: what
/// `aws s3api head-object --bucket B --key K` prints.
const SIDECAR: &str = ".head.json";

/// Such a file, at most, in bytes.
const LARGEST_SIDECAR: usize = 64 << 10;

/// A directory that a bucket was copied into. A copy loses the objects' metadata, and with it the digest files'
/// signatures: they are taken from files beside them (`….json.gz.head.json`, what `aws s3api head-object` prints), or from
/// the next digest file, which repeats the signature of the one before.
#[derive(Debug, Clone)]
pub struct DirectoryStore {
    /// The folder that `AWSLogs` lies in.
    root: PathBuf,
    /// The same with all links resolved.
    real: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Head {
    metadata: Metadata,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Metadata {
    signature: Option<String>,
    signature_algorithm: Option<String>,
    backfill_generation_timestamp: Option<String>,
}

impl DirectoryStore {
    /// The directory that `AWSLogs` lies in or under: `path`, a folder below it (a trail's prefix), or one above it, where
    /// `path` names a part of the delivery.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let real = path.canonicalize().map_err(|error| unreadable(path, &error))?;
        let named = real.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "AWSLogs"));
        let root = match named.and_then(Path::parent) {
            Some(above) => above.to_path_buf(),
            None => below(&real, 0).unwrap_or_else(|| real.clone()),
        };
        let real = root.canonicalize().map_err(|error| unreadable(&root, &error))?;
        Ok(Self { root, real })
    }

    /// The file of a key, or nothing where its path would lead anywhere but down from the root.
    fn path(&self, key: &str) -> Option<PathBuf> {
        let relative = Path::new(tail(key));
        let plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
        (plain && !key.contains(['\\', '\0'])).then(|| self.root.join(relative))
    }

    /// The bytes of a file that lies in the directory itself, and is no link that leads out of it.
    fn read(&self, path: &Path, largest: usize) -> Result<Vec<u8>, StoreError> {
        let real = path.canonicalize().map_err(|error| unreadable(path, &error))?;
        if !real.starts_with(&self.real) || !real.is_file() {
            return Err(StoreError::new("Unreadable", "not a regular file within the directory"));
        }
        let mut bytes = Vec::new();
        let file = fs::File::open(&real).map_err(|error| unreadable(path, &error))?;
        file.take(largest as u64 + 1).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
        if bytes.len() > largest { Err(StoreError::too_large(largest)) } else { Ok(bytes) }
    }

    fn entries(&self, folder: &str) -> Result<Vec<(String, bool)>, StoreError> {
        let Some(path) = self.path(folder.trim_end_matches('/')) else { return Ok(Vec::new()) };
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(&path, &error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(&path, &error))?;
            let kind = entry.file_type().map_err(|error| unreadable(&path, &error))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            found.push((name, kind.is_dir()));
            if found.len() > MOST_LOGS {
                return Err(StoreError::new(
                    "TooManyObjects",
                    format!("more than {MOST_LOGS} files in {folder}"),
                ));
            }
        }
        found.sort();
        Ok(found)
    }
}

/// The folder below which `AWSLogs` lies, down to the depth that a trail's prefix may have.
fn below(folder: &Path, depth: usize) -> Option<PathBuf> {
    if folder.join("AWSLogs").is_dir() {
        return Some(folder.to_path_buf());
    }
    if depth == 4 {
        return None;
    }
    let mut folders: Vec<PathBuf> = fs::read_dir(folder)
        .ok()?
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .take(1000)
        .collect();
    folders.sort();
    folders.iter().find_map(|folder| below(folder, depth + 1))
}

fn unreadable(path: &Path, error: &std::io::Error) -> StoreError {
    if error.kind() == std::io::ErrorKind::NotFound {
        return StoreError::missing();
    }
    StoreError::new("Unreadable", format!("{}: {error}", path.display()))
}

impl DigestStore for DirectoryStore {
    async fn list(&self, _: &str, folder: &str, from: &str, until: &str) -> Result<Vec<String>, StoreError> {
        let mut keys = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for (name, is_folder) in self.entries(&folder)? {
                let key = format!("{folder}{name}");
                // A folder's keys begin with its name: it is passed over where none of them can be between the bounds.
                let inside = key.as_str() >= from || from.starts_with(&format!("{key}/"));
                if key.as_str() >= until || !inside {
                    continue;
                }
                if is_folder {
                    folders.push(format!("{key}/"));
                } else {
                    keys.push(key);
                }
            }
            if keys.len() > MOST_LOGS {
                return Err(StoreError::new(
                    "TooManyObjects",
                    format!("more than {MOST_LOGS} files under {folder}"),
                ));
            }
        }
        keys.sort();
        Ok(keys)
    }

    async fn folders(&self, _: &str, folder: &str) -> Result<Vec<String>, StoreError> {
        Ok(self
            .entries(folder)?
            .into_iter()
            .filter(|(_, is_folder)| *is_folder)
            .map(|(name, _)| name)
            .collect())
    }

    async fn get(&self, _: &str, key: &str, largest: usize) -> Result<StoredObject, StoreError> {
        let path = self.path(key).ok_or_else(StoreError::missing)?;
        let mut object = StoredObject { bytes: self.read(&path, largest)?.into(), ..StoredObject::default() };
        if key.contains("CloudTrail-Digest") {
            let mut beside = path.into_os_string();
            beside.push(SIDECAR);
            match self.read(Path::new(&beside), LARGEST_SIDECAR) {
                Ok(bytes) => {
                    let head: Head = serde_json::from_slice(&bytes)
                        .map_err(|error| StoreError::new("Unreadable", format!("its {SIDECAR}: {error}")))?;
                    object.signature = head.metadata.signature;
                    object.signature_algorithm = head.metadata.signature_algorithm;
                    object.has_backfill_time = head.metadata.backfill_generation_timestamp.is_some();
                }
                Err(error) if error.is_missing() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(object)
    }

    fn at_once(&self) -> usize {
        files_at_once()
    }

    fn is_at(&self, _: &str, key: &str, _: &str, digest_key: &str) -> bool {
        tail(key) == tail(digest_key)
    }

    fn keeps_metadata(&self) -> bool {
        false
    }

    fn location(&self, _: &str, key: &str) -> String {
        self.path(key).map_or_else(|| tail(key).to_owned(), |path| path.display().to_string())
    }
}
