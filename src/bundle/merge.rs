//! Joining bundles of several machines into one: all are examined in full before a byte is written, and what
//! comes out does not depend on the order in which they are named.
//!
//! The inputs' records are taken over as they are. Their signatures are not: they are over the inputs'
//! manifests, whose digests the new manifest records.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{Bundle, ReadError, SealInfo, WriteError, Writer, read};
use crate::model::{LeftOut, Manifest, Problem, RecordId, Scope, Sha256Digest, Shard, Tool};

/// Why bundles were not merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// No input.
    #[error("there is nothing to merge: name the bundles")]
    Nothing,
    /// An input is no bundle, or not as it was sealed.
    #[error("{path} is not merged: {source}")]
    Unsound {
        /// The input.
        path: PathBuf,
        /// What is wrong with it.
        source: ReadError,
    },
    /// The same bundle twice.
    #[error("{one} and {other} are the same bundle: name each once")]
    Same {
        /// One place.
        one: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// The inputs differ where they must agree.
    #[error(transparent)]
    Differs(Box<Difference>),
    /// An account is in two inputs, with different records.
    #[error(
        "{one} and {other} both hold records of account {account}, and not the same ones: which are right cannot be known; leave one of the two out"
    )]
    AccountTwice {
        /// The account.
        account: String,
        /// An input.
        one: PathBuf,
        /// Another.
        other: PathBuf,
    },
    /// A shard does not hold the accounts that fall to it.
    #[error(
        "{path} says that it is shard {} of {}, but its accounts are not those that fall to that shard: it was not made by `proofpack collect --shard`",
        shard.number, shard.of
    )]
    NotItsAccounts {
        /// The input.
        path: PathBuf,
        /// What it says of itself.
        shard: Shard,
    },
    /// Not all shards were named.
    #[error(
        "of {of} shards these are missing: {}; collect and name them too, or merge without them (--partial): their accounts are then in scope, unseen",
        missing.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
    )]
    Missing {
        /// How many there are.
        of: u32,
        /// Which are not among the inputs.
        missing: Vec<u32>,
    },
    /// An input is another than when it was examined.
    #[error("{0} was changed while it was merged: merge again when nothing writes to it")]
    Changed(PathBuf),
    /// The merged bundle could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Where two inputs differ that must agree.
#[derive(Debug, thiserror::Error)]
#[error("{one} and {other} cannot be one bundle: {what} ({in_one} and {in_other}); {advice}")]
pub struct Difference {
    /// An input.
    pub one: PathBuf,
    /// Another.
    pub other: PathBuf,
    /// What differs.
    pub what: &'static str,
    /// What it is in the one.
    pub in_one: String,
    /// What it is in the other.
    pub in_other: String,
    /// What to do.
    pub advice: &'static str,
}

impl MergeError {
    /// The problems of an unsound input.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Unsound { source: ReadError::Unsound { problems }, .. } => problems,
            _ => &[],
        }
    }
}

/// An input without its records' contents.
struct Input {
    path: PathBuf,
    manifest: Manifest,
    sha256: Sha256Digest,
    /// The ids of the records of each account.
    records: BTreeMap<String, BTreeSet<RecordId>>,
}

/// Merges the bundles `inputs` into a new one at `target`. `partial` allows shards to be missing: the accounts
/// that fall to them stay in scope, so that every check of them is indeterminate.
///
/// # Errors
/// When an input is not exactly as it was sealed, when the inputs do not fit each other, or when the new
/// bundle cannot be written. Nothing is left behind then.
pub fn merge(target: &Path, inputs: &[PathBuf], partial: bool) -> Result<Manifest, MergeError> {
    let mut examined = inputs.iter().map(|path| examine(path)).collect::<Result<Vec<_>, _>>()?;
    examined.sort_by_key(|input| input.sha256);
    let missing = compare(&examined, partial)?;
    let info = seal_info(&examined, missing)?;
    let mut writer = Writer::create(target)?;
    match copy(&mut writer, &examined) {
        Ok(()) => Ok(writer.seal(info)?),
        Err(error) => {
            writer.discard()?;
            Err(error)
        }
    }
}

fn open(path: &Path) -> Result<Bundle, MergeError> {
    read(path).map_err(|source| MergeError::Unsound { path: path.to_owned(), source })
}

fn examine(path: &Path) -> Result<Input, MergeError> {
    let bundle = open(path)?;
    let mut records: BTreeMap<String, BTreeSet<RecordId>> = BTreeMap::new();
    for stored in &bundle.records {
        records.entry(stored.record.source.account.clone()).or_default().insert(stored.id);
    }
    Ok(Input { path: path.to_owned(), manifest: bundle.manifest, sha256: bundle.manifest_sha256, records })
}

fn copy(writer: &mut Writer, inputs: &[Input]) -> Result<(), MergeError> {
    for input in inputs {
        let bundle = open(&input.path)?;
        if bundle.manifest_sha256 != input.sha256 {
            return Err(MergeError::Changed(input.path.clone()));
        }
        for stored in &bundle.records {
            writer.append(&stored.record)?;
        }
    }
    Ok(())
}

/// Holds the inputs against each other. Gives the accounts that fall to shards that are missing.
fn compare(inputs: &[Input], partial: bool) -> Result<BTreeSet<String>, MergeError> {
    let Some(first) = inputs.first() else { return Err(MergeError::Nothing) };
    for (one, other) in inputs.iter().zip(inputs.iter().skip(1)) {
        if one.sha256 == other.sha256 {
            return Err(MergeError::Same { one: one.path.clone(), other: other.path.clone() });
        }
    }
    for other in inputs.iter().skip(1) {
        agree(first, other)?;
    }
    let mut owners: BTreeMap<&str, &Input> = BTreeMap::new();
    for input in inputs {
        let accounts = input.manifest.scope.accounts.iter().chain(input.records.keys());
        for account in accounts.collect::<BTreeSet<_>>() {
            match owners.insert(account, input) {
                Some(before) if before.records.get(account) != input.records.get(account) => {
                    let (one, other) = (before.path.clone(), input.path.clone());
                    return Err(MergeError::AccountTwice { account: account.clone(), one, other });
                }
                _ => {}
            }
        }
    }
    shards(inputs, partial)
}

/// What must be the same in all inputs.
fn agree(one: &Input, other: &Input) -> Result<(), MergeError> {
    let differs = |what, in_one: String, in_other: String, advice| {
        MergeError::Differs(Box::new(Difference {
            one: one.path.clone(),
            other: other.path.clone(),
            what,
            in_one,
            in_other,
            advice,
        }))
    };
    let (here, there) = (&one.manifest, &other.manifest);
    if here.catalog_sha256 != there.catalog_sha256 {
        let advice = "collect all parts with the same version of proofpack";
        let (here, there) = (here.catalog_sha256.to_string(), there.catalog_sha256.to_string());
        return Err(differs("they were made with different catalogs", here, there, advice));
    }
    if here.scope.partition != there.scope.partition {
        let (here, there) = (here.scope.partition.clone(), there.scope.partition.clone());
        let advice = "accounts of different partitions get a bundle each";
        return Err(differs("their partitions differ", here, there, advice));
    }
    if here.scope.period != there.scope.period {
        let text = |scope: &Scope| format!("{} to {}", scope.period.start, scope.period.end);
        let advice = "collect all parts with the same scope.period-start and scope.period-end";
        let (here, there) = (text(&here.scope), text(&there.scope));
        return Err(differs("their audit periods differ", here, there, advice));
    }
    let text = |digest: &Option<Sha256Digest>| digest.map_or("none".to_owned(), |digest| digest.to_string());
    if here.redaction_key_commitment != there.redaction_key_commitment {
        let (here, there) = (text(&here.redaction_key_commitment), text(&there.redaction_key_commitment));
        let advice = "equal values could not be told in the merged bundle: collect all parts with the same redaction key";
        return Err(differs(
            "their redacted values are committed to under different keys",
            here,
            there,
            advice,
        ));
    }
    if here.previous_manifest_sha256 != there.previous_manifest_sha256 {
        let (here, there) = (text(&here.previous_manifest_sha256), text(&there.previous_manifest_sha256));
        let advice = "collect all parts after the same bundle";
        return Err(differs("they follow different bundles", here, there, advice));
    }
    let text = |shard: &Option<Shard>| match shard {
        Some(shard) => {
            format!("shard {} of {} over {} accounts", shard.number, shard.of, shard.accounts.len())
        }
        None => "not a shard".to_owned(),
    };
    let same_run = match (&here.shard, &there.shard) {
        (Some(here), Some(there)) => here.of == there.of && here.accounts == there.accounts,
        (None, None) => true,
        _ => false,
    };
    if !same_run {
        let advice = "name the shards of one run, all collected with the same accounts";
        return Err(differs("they are not parts of one run", text(&here.shard), text(&there.shard), advice));
    }
    Ok(())
}

/// Whether the shards are what they say and all there; the accounts of those that are missing.
fn shards(inputs: &[Input], partial: bool) -> Result<BTreeSet<String>, MergeError> {
    let mut found: BTreeMap<u32, &Input> = BTreeMap::new();
    for input in inputs {
        let Some(shard) = &input.manifest.shard else { continue };
        if input.manifest.scope.accounts != shard.own_accounts() || !(1..=shard.of).contains(&shard.number) {
            return Err(MergeError::NotItsAccounts { path: input.path.clone(), shard: shard.clone() });
        }
        if let Some(before) = found.insert(shard.number, input) {
            return Err(MergeError::Differs(Box::new(Difference {
                one: before.path.clone(),
                other: input.path.clone(),
                what: "they are the same shard, collected twice",
                in_one: format!("sealed {}", before.manifest.sealed_at),
                in_other: format!("sealed {}", input.manifest.sealed_at),
                advice: "name only one of them",
            })));
        }
    }
    let Some(shard) = inputs.first().and_then(|input| input.manifest.shard.as_ref()) else {
        return Ok(BTreeSet::new());
    };
    if found.len() as u64 == u64::from(shard.of) {
        return Ok(BTreeSet::new());
    }
    if !partial {
        // A hostile manifest may name four thousand million shards: the first hundred say enough.
        let missing = (1..=shard.of).filter(|number| !found.contains_key(number)).take(100).collect();
        return Err(MergeError::Missing { of: shard.of, missing });
    }
    let seen: BTreeSet<String> =
        found.values().flat_map(|input| input.manifest.scope.accounts.clone()).collect();
    Ok(shard.accounts.iter().filter(|account| !seen.contains(*account)).cloned().collect())
}

/// What the merged manifest says beyond its records: a pure function of the inputs, so that no clock is read.
fn seal_info(inputs: &[Input], missing: BTreeSet<String>) -> Result<SealInfo, MergeError> {
    let manifests = || inputs.iter().map(|input| &input.manifest);
    let Some(first) = manifests().next() else { return Err(MergeError::Nothing) };
    let mut scope = Scope::new(
        first.scope.partition.clone(),
        manifests().flat_map(|manifest| &manifest.scope.accounts).chain(&missing),
        manifests().flat_map(|manifest| &manifest.scope.regions),
        first.scope.period,
    );
    for manifest in manifests() {
        for (account, regions) in &manifest.scope.regions_not_enabled {
            scope.regions_not_enabled.entry(account.clone()).or_default().extend(regions.iter().cloned());
        }
        for (account, reason) in &manifest.scope.accounts_left_out {
            let known: &mut LeftOut = scope.accounts_left_out.entry(account.clone()).or_insert(*reason);
            *known = (*known).min(*reason);
        }
    }
    scope.accounts_left_out.retain(|account, _| !scope.accounts.contains(account));
    Ok(SealInfo {
        tool: Tool::this(),
        catalog_sha256: first.catalog_sha256,
        scope,
        collection_started: manifests().map(|manifest| manifest.collection_started).min().unwrap_or_default(),
        sealed_at: manifests().map(|manifest| manifest.sealed_at).max().unwrap_or_default(),
        redaction_key_commitment: first.redaction_key_commitment,
        previous_manifest_sha256: first.previous_manifest_sha256,
        shard: None,
        merged_from_sha256: inputs.iter().map(|input| input.sha256).collect(),
    })
}
