//! The walk along a chain of digest files, from the newest backwards.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, stream};

use super::super::body::Body;
use super::chain::Chain;
use super::file::ReadDigest;
use super::keys::KeySet;
use super::name::{DigestName, tail};
use super::problem::{Problem, ProblemKind};
use super::signature::{ALGORITHM, verifies};
use super::store::{DigestStore, StoreError, StoredObject};
use super::{LARGEST_DIGEST, MOST_DIGESTS, MOST_LOGS};
use crate::model::Period;

/// A digest file that a list names.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) key: String,
    pub(super) name: DigestName,
}

/// A trail's digest files of one sort.
pub(super) struct Walk<'a, S> {
    pub(super) store: &'a S,
    pub(super) keys: &'a KeySet,
    pub(super) bucket: String,
    pub(super) trail: &'a str,
    pub(super) backfill: bool,
    /// Lists the trail's digest files of this sort in another bucket: the trail may have changed it.
    pub(super) period: Period,
}

/// What was got of a digest file.
struct Fetched {
    object: StoredObject,
    read: Result<ReadDigest, String>,
}

/// What a digest file says of the one before it.
struct Link {
    text_sha256: Option<String>,
    signature: Option<String>,
}

/// The next digest file to be looked at.
struct Step {
    key: String,
    end: DateTime<Utc>,
    link: Option<Link>,
}

type Fault = (ProblemKind, String);

impl<S: DigestStore> Walk<'_, S> {
    /// Walks from the newest of `listed` (in order of time) back to the period's start. `beyond` are digest files after
    /// those, whose word on the signature of their predecessor is taken where objects have lost theirs. `relist` lists
    /// the trail's digest files in another bucket, for trails that were given another bucket.
    pub(super) async fn run(
        &mut self,
        mut listed: Vec<Listed>,
        beyond: &[Listed],
        relist: impl AsyncFn(&str) -> Result<Vec<Listed>, StoreError>,
        chain: &mut Chain,
    ) {
        let mut fetched = self.fetch_all(&listed).await;
        let mut signatures = BTreeMap::new();
        if !self.store.keeps_metadata() {
            // A signature proves itself: it does not matter who passes it on.
            let later = self.fetch_all(beyond).await;
            collect_signatures(fetched.values().chain(later.values()), &mut signatures);
        }
        let mut next = listed.pop().map(|newest| Step { end: newest.name.end, key: newest.key, link: None });
        let Some(mut last_start) = next.as_ref().map(|newest| newest.end) else { return };
        let mut seen = BTreeSet::new();
        while let Some(step) = next.take() {
            if last_start < self.period.start {
                break;
            }
            let location = self.store.location(&self.bucket, &step.key);
            let examined = if !seen.insert((self.bucket.clone(), tail(&step.key).to_owned())) {
                Err((ProblemKind::Loop, "a newer digest file is named as the one before an older".to_owned()))
            } else if seen.len() > MOST_DIGESTS || chain.logs.len() > MOST_LOGS {
                let message = format!("more than {MOST_DIGESTS} digest files or {MOST_LOGS} log files");
                let rest = Period { start: self.period.start.min(last_start), end: last_start };
                self.report(chain, ProblemKind::TooMany, "", rest, &message);
                return;
            } else {
                let got = match fetched.remove(&step.key) {
                    Some(got) => got,
                    None => self.fetch(&step.key).await,
                };
                self.examine(&step, got, &signatures, &chain.account)
            };
            match examined {
                Ok(read) => {
                    last_start = read.start;
                    chain.add(self.trail, self.backfill, &read);
                    let Some((bucket, key)) = read.file.previous() else {
                        next = before(&mut listed, step.end);
                        if let Some(older) = &next {
                            let nothing = Period { start: older.end.min(last_start), end: last_start };
                            let message = "CloudTrail delivered no digest files: the trail was stopped, or log file validation was off";
                            self.report(chain, ProblemKind::NoDelivery, "", nothing, message);
                        }
                        continue;
                    };
                    if bucket != self.bucket && self.store.keeps_metadata() {
                        bucket.clone_into(&mut self.bucket);
                        fetched.clear();
                        // Where the list cannot be had, the pointers still lead on.
                        listed = relist(bucket).await.unwrap_or_default();
                    }
                    let end = DigestName::parse(key).map_or(last_start, |name| name.end);
                    let link = Link {
                        text_sha256: read.file.previous_digest_hash_value.clone(),
                        signature: read.file.previous_digest_signature.clone(),
                    };
                    next = Some(Step { key: key.to_owned(), end, link: Some(link) });
                }
                Err((kind, message)) => {
                    if kind == ProblemKind::Loop {
                        listed
                            .retain(|one| !seen.contains(&(self.bucket.clone(), tail(&one.key).to_owned())));
                    }
                    next = before(&mut listed, step.end);
                    // How long it was for is not known; up to the one before it, nothing is shown.
                    let hour_before = step.end - TimeDelta::hours(1);
                    let since = next.as_ref().map_or(hour_before.max(self.period.start), |older| older.end);
                    let unseen = Period { start: since.min(step.end), end: step.end };
                    self.report(chain, kind, &location, unseen, &message);
                }
            }
        }
    }

    fn report(&self, chain: &mut Chain, kind: ProblemKind, location: &str, period: Period, message: &str) {
        chain.report(Problem { backfill: self.backfill, ..Problem::new(kind, location, period, message) });
    }

    async fn fetch_all(&self, listed: &[Listed]) -> BTreeMap<String, Result<Fetched, StoreError>> {
        let fetching = stream::iter(listed).map(async |one| (one.key.clone(), self.fetch(&one.key).await));
        fetching.buffer_unordered(self.store.at_once()).collect().await
    }

    async fn fetch(&self, key: &str) -> Result<Fetched, StoreError> {
        let object = self.store.get(&self.bucket, key, LARGEST_DIGEST).await?;
        let read = ReadDigest::read(&object.bytes);
        Ok(Fetched { object: StoredObject { bytes: Body::default(), ..object }, read })
    }

    /// The digest file, if its signature verifies and it lies where it was delivered.
    fn examine(
        &self,
        step: &Step,
        got: Result<Fetched, StoreError>,
        signatures: &BTreeMap<String, BTreeSet<String>>,
        account: &str,
    ) -> Result<ReadDigest, Fault> {
        let fault = |kind, message: &str| Err((kind, message.to_owned()));
        let Fetched { object, read } = match got {
            Ok(fetched) => fetched,
            Err(error) if error.is_missing() => {
                return fault(
                    ProblemKind::DigestMissing,
                    "a digest file is missing: the one after it names it",
                );
            }
            Err(error) => {
                return Err((
                    ProblemKind::DigestUnreadable,
                    format!("a digest file could not be read: {error}"),
                ));
            }
        };
        let read = read.map_err(|problem| {
            (
                ProblemKind::DigestMalformed,
                format!("a digest file is not one that CloudTrail writes: {problem}"),
            )
        })?;
        let file = &read.file;
        if !self.store.is_at(&self.bucket, &step.key, &file.digest_s3_bucket, &file.digest_s3_object) {
            return Err((
                ProblemKind::DigestMoved,
                format!(
                    "a digest file was moved: it was delivered to s3://{}/{}",
                    file.digest_s3_bucket, file.digest_s3_object
                ),
            ));
        }
        let candidates: Vec<&str> = match &object.signature {
            Some(signature) if object.signature_algorithm.as_deref().unwrap_or(ALGORITHM) == ALGORITHM => {
                vec![signature.as_str()]
            }
            Some(_) => {
                return fault(
                    ProblemKind::DigestAltered,
                    "a digest file states another signature algorithm than CloudTrail's",
                );
            }
            None if self.store.keeps_metadata() => {
                return fault(
                    ProblemKind::DigestUnsigned,
                    "a digest file has lost its signature: CloudTrail puts it into the object's metadata",
                );
            }
            None => signatures.get(tail(&step.key)).into_iter().flatten().map(String::as_str).collect(),
        };
        if candidates.is_empty() {
            return fault(
                ProblemKind::SignatureNotCopied,
                "a digest file's signature was not copied with it, and no later digest file repeats it",
            );
        }
        let fingerprint = file.digest_public_key_fingerprint.as_str();
        let Some(key) = self.keys.get(fingerprint) else {
            let known = self.keys.len();
            return Err((
                ProblemKind::KeyUnknown,
                format!(
                    "a digest file is signed with the key {fingerprint}, which is none of the {known} keys of CloudTrail that are known here"
                ),
            ));
        };
        let Some(signature) = candidates.into_iter().find(|signature| verifies(&read, signature, key)) else {
            return fault(ProblemKind::DigestAltered, "a digest file's signature does not verify");
        };
        if file.aws_account_id.as_deref().is_some_and(|own| own != account) {
            return fault(ProblemKind::DigestOfOtherAccount, "a digest file is about another account");
        }
        if step.link.as_ref().is_some_and(|link| link.is_to_another(&read, signature)) {
            return fault(
                ProblemKind::DigestReplaced,
                "a digest file is signed by CloudTrail, but is not the one that the next digest file was made after",
            );
        }
        Ok(read)
    }
}

impl Link {
    fn is_to_another(&self, read: &ReadDigest, signature: &str) -> bool {
        let other_text = self
            .text_sha256
            .as_ref()
            .is_some_and(|said| !said.eq_ignore_ascii_case(&read.text_sha256.to_string()));
        let other_signature =
            self.signature.as_ref().is_some_and(|said| !said.eq_ignore_ascii_case(signature));
        other_text || other_signature
    }
}

/// The newest of what is listed that ends before `end`; what is newer is not looked at any more.
fn before(listed: &mut Vec<Listed>, end: DateTime<Utc>) -> Option<Step> {
    while let Some(older) = listed.pop() {
        if older.name.end < end {
            return Some(Step { end: older.name.end, key: older.key, link: None });
        }
    }
    None
}

/// What digest files say of the signatures of their predecessors.
fn collect_signatures<'f>(
    files: impl Iterator<Item = &'f Result<Fetched, StoreError>>,
    signatures: &mut BTreeMap<String, BTreeSet<String>>,
) {
    for read in files.filter_map(|got| got.as_ref().ok()?.read.as_ref().ok()) {
        if let (Some((_, key)), Some(signature)) =
            (read.file.previous(), &read.file.previous_digest_signature)
        {
            signatures.entry(tail(key).to_owned()).or_default().insert(signature.clone());
        }
    }
}
