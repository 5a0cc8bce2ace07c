//! Log files against what the digest files say of them.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::bufread::GzDecoder;
use futures_util::{StreamExt, stream};

use super::chain::{Chain, ExpectedLog, LogVerdict, file_name};
use super::file::inflate;
use super::name::tail;
use super::problem::{Problem, ProblemKind};
use super::store::DigestStore;
use super::{LARGEST_LOG, LARGEST_LOG_TEXT, LARGEST_TEXT_IN_MEMORY};
use crate::canonical;
use crate::model::{Period, Sha256Digest};

/// Log files whose texts stand in memory at once, for somebody who wants to see them.
const TEXTS_AT_ONCE: usize = 8;

/// The SHA-256 of the text of a log file: what digest files state.
///
/// # Errors
/// When it is not exactly one sound gzip member, or its text is longer than any log file's.
pub fn hash_log(stored: &[u8]) -> Result<(Sha256Digest, u64), String> {
    let mut text = GzDecoder::new(stored).take(LARGEST_LOG_TEXT + 1);
    let (digest, length) =
        canonical::sha256_reader(&mut text).map_err(|error| format!("not sound gzip: {error}"))?;
    if length > LARGEST_LOG_TEXT {
        return Err(format!("its text is longer than {LARGEST_LOG_TEXT} bytes"));
    }
    if !text.into_inner().into_inner().is_empty() {
        return Err("something follows its compressed content".to_owned());
    }
    Ok((digest, length))
}

/// What came of the log files that digest files name.
#[derive(Debug, Default)]
pub(super) struct Examined {
    pub(super) valid: u64,
    pub(super) invalid: u64,
    pub(super) unreadable: u64,
    pub(super) stored_bytes: u64,
    pub(super) text_bytes: u64,
    /// By the index of the digest file that names them: whether all of its log files are valid.
    pub(super) incomplete: std::collections::BTreeSet<usize>,
    pub(super) problems: Vec<Problem>,
    /// Log files that are not valid, by name.
    pub(super) not_valid: BTreeMap<String, LogVerdict>,
}

/// A log file that is valid.
struct Found {
    stored: u64,
    length: u64,
    text_sha256: Sha256Digest,
    /// Its text, where somebody wants to see it.
    text: Vec<u8>,
}

type Outcome = Result<Found, (ProblemKind, String)>;

/// What somebody else has read of log files: the SHA-256 of the text inside of each, so that none is read twice.
#[derive(Debug, Clone, Default)]
pub struct ReadLogTexts {
    /// The bucket that they were read from; none for a directory.
    bucket: Option<String>,
    /// By key, or by path from `AWSLogs/` on.
    texts: BTreeMap<String, ReadText>,
}

/// Of one log file.
#[derive(Debug, Clone)]
struct ReadText {
    stored: u64,
    /// Its text's SHA-256 and length, or why it is not one sound gzip member.
    text: Result<(Sha256Digest, u64), String>,
}

impl ReadLogTexts {
    /// Of a bucket, or of a directory.
    pub fn of(bucket: Option<&str>) -> Self {
        Self { bucket: bucket.map(str::to_owned), texts: BTreeMap::new() }
    }

    /// Adds the log file at `location`, a key or a path, of `stored` bytes: what [`hash_log`] gives of it.
    pub fn add(&mut self, location: &str, stored: u64, text: Result<(Sha256Digest, u64), String>) {
        let name = if self.bucket.is_some() { location } else { tail(location) };
        self.texts.insert(name.to_owned(), ReadText { stored, text });
    }

    fn outcome(&self, log: &ExpectedLog) -> Option<Outcome> {
        let read = match &self.bucket {
            Some(bucket) => self.texts.get(&log.key).filter(|_| *bucket == log.bucket),
            None => self.texts.get(tail(&log.key)),
        }?;
        Some(judge(log, read.stored, read.text.clone().map(|(digest, length)| (digest, length, Vec::new()))))
    }
}

/// The text of a log file that is what CloudTrail signed.
#[derive(Debug, Clone, Copy)]
pub struct LogText<'a> {
    /// The log file, as `s3://bucket/key` or a path.
    pub location: &'a str,
    /// SHA-256 of its text.
    pub text_sha256: Sha256Digest,
    /// The text.
    pub text: &'a [u8],
}

/// Whoever wants to see the text of the valid log files. Without one, no text stands in memory.
pub(super) type Visitor<'v> = Option<&'v mut (dyn FnMut(&LogText<'_>) + Send)>;

/// Reads and hashes every log file that the chain's digest files name, but for those that were read before, and shows the
/// valid ones to the visitor.
pub(super) async fn examine<S: DigestStore>(
    store: &S,
    chain: &Chain,
    read: &ReadLogTexts,
    mut visitor: Visitor<'_>,
) -> Examined {
    let mut examined = Examined::default();
    let keeps = visitor.is_some();
    let at_once = if keeps { TEXTS_AT_ONCE } else { store.at_once() };
    let looking = stream::iter(chain.logs.values()).map(async |log| match read.outcome(log) {
        Some(outcome) if !keeps => (log, outcome),
        _ => (log, look(store, log, keeps).await),
    });
    // In the order of their names, whichever is read first: what is printed must not depend on speed.
    let mut looking = looking.buffered(at_once);
    while let Some((log, outcome)) = looking.next().await {
        match outcome {
            Ok(found) => {
                examined.valid += 1;
                examined.stored_bytes += found.stored;
                examined.text_bytes += found.length;
                if let Some(visit) = visitor.as_mut() {
                    let location = store.location(&log.bucket, &log.key);
                    visit(&LogText {
                        location: &location,
                        text_sha256: found.text_sha256,
                        text: &found.text,
                    });
                }
            }
            Err((kind, message)) => {
                let verdict = if kind == ProblemKind::LogUnreadable {
                    examined.unreadable += 1;
                    LogVerdict::NotValidated
                } else {
                    examined.invalid += 1;
                    LogVerdict::Altered
                };
                examined.not_valid.insert(file_name(&log.key).to_owned(), verdict);
                examined.incomplete.insert(log.digest);
                let period = chain.digests.get(log.digest).map_or(chain.period, |digest| digest.period);
                let location = store.location(&log.bucket, &log.key);
                examined.problems.push(Problem::new(kind, location, period, &message));
            }
        }
    }
    examined
}

async fn look<S: DigestStore>(store: &S, log: &ExpectedLog, keeps: bool) -> Outcome {
    let object = store.get(&log.bucket, &log.key, LARGEST_LOG).await.map_err(|error| {
        if error.is_missing() {
            (ProblemKind::LogMissing, "a log file is missing: a digest file names it".to_owned())
        } else {
            (ProblemKind::LogUnreadable, format!("a log file could not be read: {error}"))
        }
    })?;
    let stored = object.bytes.len() as u64;
    let hashing = tokio::task::spawn_blocking(move || {
        if !keeps {
            return hash_log(&object.bytes).map(|(digest, length)| (digest, length, Vec::new()));
        }
        let text = inflate(&object.bytes, LARGEST_TEXT_IN_MEMORY)?;
        Ok((canonical::sha256(&text), text.len() as u64, text))
    });
    let hashed = hashing.await.map_err(|error| (ProblemKind::LogUnreadable, error.to_string()))?;
    judge(log, stored, hashed)
}

/// What comes of a log file whose text has this SHA-256 and length.
fn judge(log: &ExpectedLog, stored: u64, hashed: Result<(Sha256Digest, u64, Vec<u8>), String>) -> Outcome {
    match hashed {
        Ok((text_sha256, length, text)) if log.text_sha256 == Some(text_sha256) => {
            Ok(Found { stored, length, text_sha256, text })
        }
        Ok(_) => Err((
            ProblemKind::LogAltered,
            "a log file was altered: it is not what its digest file says".to_owned(),
        )),
        Err(problem) => Err((ProblemKind::LogAltered, format!("a log file was altered: {problem}"))),
    }
}

/// Log files that lie among the delivered ones without any digest file naming them.
pub(super) fn unnamed<'k>(
    chain: &'k Chain,
    keys: &'k [String],
) -> impl Iterator<Item = (&'k str, Period)> + 'k {
    let log = |key: &&String| key.ends_with(".json.gz") || key.ends_with(".json");
    keys.iter().filter(log).filter_map(|key| {
        let unnamed = chain.verdict(key, None) == LogVerdict::NotInADigest;
        let at = super::name::delivered(key, &chain.account, &chain.region);
        let period = at.map_or(chain.period, |at| Period { start: at, end: at });
        let inside = chain.period.start <= period.end && period.start < chain.period.end;
        (unnamed && inside).then_some((key.as_str(), period))
    })
}
