//! Where log files are, and getting them from there: a prefix of a bucket, or a directory.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use aws_sdk_s3::error::ProvideErrorMetadata;

use super::body::{Body, BodyError, OBJECTS_AT_ONCE, Window, files_at_once, stated_length};
use super::file::{LARGEST_OBJECT, Unreadable};
use super::listing;
use super::refusal::refusal;
use super::scope::Scope;

/// Log objects of one source, at most.
pub(super) const MOST_OBJECTS: usize = 1_000_000;

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

/// A log file that a list names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Listed {
    /// The key, or the path below the directory.
    pub(super) location: String,
    /// What changes when the file is exchanged: the object's ETag and length, the file's length and time.
    pub(super) state: String,
    /// Its length as stored.
    pub(super) bytes: u64,
}

/// A log file as it is stored.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) bytes: Body,
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

    /// The log files that are asked for by name, sorted: keys of the bucket, or paths below the directory. Where a trail
    /// delivered them, no others are listed.
    pub(super) async fn list(
        &self,
        s3: &aws_sdk_s3::Client,
        scope: &Scope<'_>,
    ) -> Result<Vec<Listed>, Unreadable> {
        let mut listed = match self {
            Self::S3 { bucket, prefix } => listing::bucket(s3, bucket, prefix, scope).await,
            Self::Directory(path) => listing::directory(path, scope),
        }?;
        listed.sort();
        Ok(listed)
    }

    /// A log file as it is stored, of as many bytes as the list says, if one does.
    pub(super) async fn read(
        &self,
        s3: &aws_sdk_s3::Client,
        window: &Window,
        location: &str,
        bytes: Option<u64>,
    ) -> Result<Stored, Unreadable> {
        match self {
            Self::S3 { bucket, .. } => get_object(s3, window, bucket, location, bytes).await,
            Self::Directory(path) => {
                read_file(&path.join(location)).map(|bytes| Stored { bytes: bytes.into(), version: None })
            }
        }
    }

    /// How many log files to read at once: what waits for a bucket costs nothing, what is in a directory is there at once.
    pub(super) fn at_once(&self) -> usize {
        match self {
            Self::S3 { .. } => OBJECTS_AT_ONCE,
            Self::Directory(_) => files_at_once(),
        }
    }

    /// A location with what stands before it: the key, or the path of the file.
    pub(super) fn whole(&self, location: &str) -> String {
        match self {
            Self::S3 { .. } => location.to_owned(),
            Self::Directory(path) => path.join(location).to_string_lossy().into_owned(),
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
pub(super) fn is_log_name(name: &str) -> bool {
    (name.ends_with(".json.gz") || name.ends_with(".json")) && !name.contains("CloudTrail-Digest")
}

pub(super) fn bounded<T>(locations: &[T]) -> Result<(), Unreadable> {
    if locations.len() <= MOST_OBJECTS {
        return Ok(());
    }
    let message = format!("more than {MOST_OBJECTS} log objects; name a longer prefix, or several");
    Err(Unreadable::new("TooManyLogObjects", message))
}

pub(super) fn refused<E: ProvideErrorMetadata + std::error::Error + 'static>(error: &E) -> Unreadable {
    let (code, message) = refusal(error);
    Unreadable { code, message }
}

async fn get_object(
    s3: &aws_sdk_s3::Client,
    window: &Window,
    bucket: &str,
    key: &str,
    bytes: Option<u64>,
) -> Result<Stored, Unreadable> {
    let room = match bytes {
        Some(_) => Some(window.room(bytes).await),
        None => None,
    };
    let object = s3.get_object().bucket(bucket).key(key).send().await.map_err(|error| refused(&error))?;
    let version = object.version_id().filter(|version| *version != "null").map(str::to_owned);
    let room = match room {
        Some(room) => room,
        None => window.room(stated_length(object.content_length)).await,
    };
    let read = room.read(object.body, LARGEST_OBJECT as usize).await;
    let bytes = read.map_err(|error| match error {
        BodyError::TooLarge => Unreadable::too_large(),
        BodyError::BrokenOff(why) => Unreadable::new("Unreachable", why),
    })?;
    Ok(Stored { bytes, version })
}

fn read_file(path: &Path) -> Result<Vec<u8>, Unreadable> {
    let unreadable = |error: std::io::Error| Unreadable::new("Unreadable", error);
    // A link leads out of what was named, and a pipe never ends.
    if !fs::symlink_metadata(path).map_err(unreadable)?.is_file() {
        return Err(Unreadable::new("Unreadable", "not a regular file; links are not followed"));
    }
    let file = fs::File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    // One byte more than it has: what was read to the end need not be moved to a larger place for finding that out.
    let mut bytes = Vec::with_capacity(usize::try_from(length.min(LARGEST_OBJECT) + 1).unwrap_or_default());
    file.take(LARGEST_OBJECT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_OBJECT { Err(Unreadable::too_large()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

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
