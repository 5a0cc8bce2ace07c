//! The digest and log files of an account and region, as a whole.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use serde::Serialize;

use super::chain::{Chain, Digest, file_name, holes, within};
use super::keys::KeySet;
use super::logs::{LogText, ReadLogTexts, Visitor, examine, unnamed};
use super::name::{DigestName, Place, day_bounds, is_account, is_organization, is_region};
use super::problem::{Problem, ProblemKind};
use super::store::{DigestStore, StoreError};
use super::walk::{Listed, Walk};
use super::{LogVerdict, MOST_DIGESTS};
use crate::model::{FileCount, Period, TrailCoverage, TrailProblem};

/// Problems that a record lists.
const RECORDED_PROBLEMS: usize = 500;

/// What is to be validated.
#[derive(Debug, Clone)]
pub struct Question {
    /// Where the trail delivers to.
    pub place: Place,
    /// The organization whose trail it is, `o-...`, where its folder is between `AWSLogs/` and the account's.
    pub organization: Option<String>,
    /// Account id (12 digits).
    pub account: String,
    /// Region.
    pub region: String,
    /// The time of delivery.
    pub period: Period,
    /// Only the trail of this name.
    pub trail: Option<String>,
}

/// What validation came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Validation {
    /// Account id (12 digits).
    pub account: String,
    /// Region.
    pub region: String,
    /// The time that was asked about.
    #[serde(flatten)]
    pub period: Period,
    /// The trails whose digest files were found.
    pub trails: Vec<String>,
    /// Digest files.
    pub digests: FileCount,
    /// Digest files that were delivered afterwards.
    pub backfill_digests: FileCount,
    /// Log files that verified digest files name.
    pub logs: FileCount,
    /// Log files that none names, though one would have to.
    pub logs_not_in_a_digest: u64,
    /// Bytes of the valid log files, as stored and as text.
    pub stored_bytes: u64,
    /// The same as text.
    pub text_bytes: u64,
    /// Of the period, what verified digest files cover all of whose log files are valid.
    pub covered: Vec<Period>,
    /// The rest of the period.
    pub holes: Vec<Period>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// Problems beyond those that are listed.
    pub problems_dropped: u64,
}

impl Validation {
    /// Whether files were altered, removed or added.
    pub fn is_alarming(&self) -> bool {
        self.problems.iter().any(|problem| problem.kind.is_alarming()) || self.problems_dropped > 0
    }

    /// The same as the record of a bundle says it, for log files under `source`.
    pub fn coverage(&self, source: &str) -> TrailCoverage {
        let problem = |problem: &Problem| TrailProblem {
            kind: problem.kind.name(),
            alarming: problem.kind.is_alarming(),
            location: problem.location.clone(),
            period: problem.period,
            message: problem.message.clone(),
        };
        let more = self.problems.len().saturating_sub(RECORDED_PROBLEMS) as u64;
        TrailCoverage {
            source: source.to_owned(),
            account: self.account.clone(),
            region: self.region.clone(),
            period: self.period,
            trails: self.trails.clone(),
            digests: self.digests,
            backfill_digests: self.backfill_digests,
            logs: self.logs,
            logs_not_in_a_digest: self.logs_not_in_a_digest,
            covered: self.covered.clone(),
            holes: self.holes.clone(),
            problems: self.problems.iter().take(RECORDED_PROBLEMS).map(problem).collect(),
            more_problems: self.problems_dropped + more,
        }
    }

    /// Whether all of the period is covered.
    pub fn is_complete(&self) -> bool {
        self.holes.is_empty()
    }
}

impl Question {
    /// The folder of the account's `sort` of files in the region: `CloudTrail` or `CloudTrail-Digest`.
    fn folder(&self, sort: &str) -> String {
        format!(
            "{}{sort}/{}/",
            account_folder(&self.place, self.organization.as_deref(), &self.account),
            self.region
        )
    }
}

fn account_folder(place: &Place, organization: Option<&str>, account: &str) -> String {
    let organization = organization.map_or_else(String::new, |id| format!("{id}/"));
    format!("{}{organization}{account}/", place.root())
}

/// The accounts, with the organization whose trail delivers their files, if one does.
///
/// # Errors
/// When the folders cannot be listed.
pub async fn accounts<S: DigestStore>(
    store: &S,
    place: &Place,
) -> Result<Vec<(Option<String>, String)>, StoreError> {
    let (root, mut found) = (place.root(), Vec::new());
    for name in store.folders(&place.bucket, &root).await? {
        if is_account(&name) {
            found.push((None, name));
        } else if is_organization(&name) {
            let members = store.folders(&place.bucket, &format!("{root}{name}/")).await?;
            found.extend(
                members
                    .into_iter()
                    .filter(|member| is_account(member))
                    .map(|member| (Some(name.clone()), member)),
            );
        }
    }
    Ok(found)
}

/// The regions of an account that log files or digest files were delivered for; and those of the latter.
///
/// # Errors
/// When the folders cannot be listed.
pub async fn regions<S: DigestStore>(
    store: &S,
    place: &Place,
    organization: Option<&str>,
    account: &str,
) -> Result<(BTreeSet<String>, BTreeSet<String>), StoreError> {
    let folder = account_folder(place, organization, account);
    let of = async |sort: &str| -> Result<BTreeSet<String>, StoreError> {
        let names = store.folders(&place.bucket, &format!("{folder}{sort}/")).await?;
        Ok(names.into_iter().filter(|name| is_region(name)).collect())
    };
    let (mut files, digests) = (of("CloudTrail").await?, of("CloudTrail-Digest").await?);
    files.extend(digests.iter().cloned());
    Ok((files, digests))
}

/// Whether a trail's digest files are of a backfill, the trail's name, and its home region.
type TrailKey = (bool, String, String);

/// The verified digest files of an account and region. What cannot be had or does not verify is in its problems.
pub async fn chain_of<S: DigestStore>(store: &S, question: &Question, keys: &KeySet) -> Chain {
    let mut chain = Chain::new(&question.account, &question.region, question.period);
    let listed = match list(store, question, &question.place.bucket).await {
        Ok(listed) => listed,
        Err(error) => {
            let message = format!("the digest files could not be listed: {error}");
            chain.report(Problem::new(ProblemKind::ListUnreadable, "", question.period, &message));
            return chain;
        }
    };
    // The last hour's digest file may hold what was delivered within the period.
    let last = question.period.end + TimeDelta::hours(1);
    let within = |listed: &Listed| question.period.start <= listed.name.end && listed.name.end <= last;
    let mut trails: BTreeMap<TrailKey, (Vec<Listed>, Vec<Listed>)> = BTreeMap::new();
    for one in listed {
        let name = &one.name;
        let of = trails.entry((name.backfill, name.trail.clone(), name.home_region.clone())).or_default();
        if within(&one) {
            of.0.push(one);
        } else if one.name.end > last {
            of.1.push(one);
        }
    }
    for ((backfill, trail, home_region), (listed, beyond)) in trails {
        let mut walk = Walk {
            store,
            keys,
            bucket: question.place.bucket.clone(),
            trail: &trail,
            backfill,
            period: question.period,
        };
        let relist = async |bucket: &str| {
            let mut listed = list(store, question, bucket).await?;
            listed.retain(|one| {
                let name = &one.name;
                within(one)
                    && (name.backfill, &name.trail, &name.home_region) == (backfill, &trail, &home_region)
            });
            Ok(listed)
        };
        walk.run(listed, &beyond, relist, &mut chain).await;
    }
    if chain.digests.is_empty() && chain.problems.is_empty() {
        let folder = store.location(&question.place.bucket, &question.folder("CloudTrail-Digest"));
        let message = "there are no digest files of the period: turn on log file validation for the trail (aws cloudtrail update-trail --enable-log-file-validation)";
        chain.report(Problem::new(ProblemKind::NoDigests, folder, question.period, message));
    }
    chain
}

/// The digest files of the account and region in a bucket, about the period and a little beyond, in order of time.
async fn list<S: DigestStore>(
    store: &S,
    question: &Question,
    bucket: &str,
) -> Result<Vec<Listed>, StoreError> {
    let folder = question.folder("CloudTrail-Digest");
    let (from, until) = day_bounds(&folder, question.period);
    let keys = store.list(bucket, &folder, &from, &until).await?;
    let of_question = |name: &DigestName| {
        name.account == question.account
            && name.region == question.region
            && question.trail.as_ref().is_none_or(|trail| *trail == name.trail)
    };
    let named = keys.into_iter().filter_map(|key| Some(Listed { name: DigestName::parse(&key)?, key }));
    let mut listed: Vec<Listed> = named.filter(|one| of_question(&one.name)).collect();
    if listed.len() > MOST_DIGESTS {
        return Err(StoreError::new(
            "TooManyObjects",
            format!("more than {MOST_DIGESTS} digest files; name a shorter period"),
        ));
    }
    listed.sort_by(|one, other| (one.name.end, &one.key).cmp(&(other.name.end, &other.key)));
    Ok(listed)
}

/// The log files of an account and region after each was looked at.
#[derive(Debug, Clone)]
pub struct Validated {
    /// What it came to.
    pub validation: Validation,
    chain: Chain,
    /// Log files that are not valid, by name: altered ones and such that could not be read.
    not_valid: BTreeMap<String, LogVerdict>,
}

impl Validated {
    /// What is known of the log file at `location`, a key or a path in a copy of the bucket; as far as this account and
    /// region's digest files could name it.
    pub fn verdict(&self, location: &str) -> Option<LogVerdict> {
        if self.chain.expected(location).is_some() {
            return Some(self.not_valid.get(file_name(location)).copied().unwrap_or(LogVerdict::Valid));
        }
        let of_region = location.split('/').any(|part| part == self.chain.region);
        of_region.then(|| self.chain.verdict(location, None))
    }
}

/// Validates the digest and log files of an account and region: every log file that a digest file names is read and
/// hashed, and every one is looked for that none names.
pub async fn validate<S: DigestStore>(store: &S, question: &Question, keys: &KeySet) -> Validated {
    let chain = chain_of(store, question, keys).await;
    validated(store, question, chain, &ReadLogTexts::default(), None).await
}

/// As [`validate`] with the chain that [`chain_of`] gave; of the log files, those are not read again whose texts are known.
pub async fn validate_read<S: DigestStore>(
    store: &S,
    question: &Question,
    chain: Chain,
    read: &ReadLogTexts,
) -> Validated {
    validated(store, question, chain, read, None).await
}

/// As [`validate`], and shows the text of every valid log file to `visit`.
pub async fn validate_and<S: DigestStore>(
    store: &S,
    question: &Question,
    keys: &KeySet,
    visit: &mut (dyn FnMut(&LogText<'_>) + Send),
) -> Validated {
    let chain = chain_of(store, question, keys).await;
    validated(store, question, chain, &ReadLogTexts::default(), Some(visit)).await
}

async fn validated<S: DigestStore>(
    store: &S,
    question: &Question,
    mut chain: Chain,
    read: &ReadLogTexts,
    visitor: Visitor<'_>,
) -> Validated {
    let examined = examine(store, &chain, read, visitor).await;
    let folder = question.folder("CloudTrail");
    let (from, until) = day_bounds(&folder, question.period);
    let mut extra = Vec::new();
    match store.list(&question.place.bucket, &folder, &from, &until).await {
        // Their names do not say which trail they are of.
        Ok(_) if question.trail.is_some() => {}
        Ok(keys) => {
            for (key, period) in unnamed(&chain, &keys) {
                let location = store.location(&question.place.bucket, key);
                let message =
                    "no digest file names this log file: it was not delivered by the trail that is validated";
                extra.push(Problem::new(ProblemKind::LogNotInADigest, location, period, message));
            }
        }
        Err(error) => {
            let message = format!("the log files could not be listed: {error}");
            extra.push(Problem::new(ProblemKind::ListUnreadable, "", question.period, &message));
        }
    }
    let logs_not_in_a_digest =
        extra.iter().filter(|problem| problem.kind == ProblemKind::LogNotInADigest).count() as u64;
    for problem in examined.problems.into_iter().chain(extra) {
        chain.report(problem);
    }
    let spans = chain.spans(|index| !examined.incomplete.contains(&index));
    let mut trails: Vec<String> = chain.digests.iter().map(|digest| digest.trail.clone()).collect();
    trails.sort();
    trails.dedup();
    let count = |backfill: bool| FileCount {
        valid: chain.digests.iter().filter(|digest: &&Digest| digest.backfill == backfill).count() as u64,
        invalid: if backfill { chain.invalid.1 } else { chain.invalid.0 },
        unknown: chain
            .problems
            .iter()
            .filter(|problem| problem.backfill == backfill && is_unknown(problem))
            .count() as u64,
    };
    let validation = Validation {
        account: question.account.clone(),
        region: question.region.clone(),
        period: question.period,
        trails,
        digests: count(false),
        backfill_digests: count(true),
        logs: FileCount { valid: examined.valid, invalid: examined.invalid, unknown: examined.unreadable },
        logs_not_in_a_digest,
        stored_bytes: examined.stored_bytes,
        text_bytes: examined.text_bytes,
        covered: within(&spans, question.period),
        holes: holes(&spans, question.period),
        problems: std::mem::take(&mut chain.problems),
        problems_dropped: chain.problems_dropped,
    };
    Validated { validation, chain, not_valid: examined.not_valid }
}

fn is_unknown(problem: &Problem) -> bool {
    matches!(problem.kind, ProblemKind::SignatureNotCopied | ProblemKind::DigestUnreadable)
}

impl Chain {
    /// Of the period, what the verified digest files cover all of whose log files are valid, and the rest. `verdict` says
    /// what came of a log file that a digest file names; one that was not read is not valid.
    pub fn coverage(&self, mut verdict: impl FnMut(&str) -> LogVerdict) -> (Vec<Period>, Vec<Period>) {
        let wrong: BTreeSet<usize> = self
            .logs
            .values()
            .filter(|log| verdict(&log.key) != LogVerdict::Valid)
            .map(|log| log.digest)
            .collect();
        let spans = self.spans(|index| !wrong.contains(&index));
        (within(&spans, self.period), holes(&spans, self.period))
    }
}
