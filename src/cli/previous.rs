//! The bundle of the period before: what the next one names, and what the report compares with.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::archive;
use super::config::{Config, Previous};
use super::evidence;
use super::exit::CommandError;
use super::workspace::Workspace;
use crate::archive::IndexEntry;
use crate::model::{Manifest, Period, Sha256Digest};

/// Finds a wrong setting before anything else is done: a file that is none, or of a later period.
pub(super) fn require(config: &Config, period: Period) -> Result<(), CommandError> {
    match config.previous() {
        Some(Previous::File(path)) => predecessor(&path, period).map(|_| ()),
        _ => Ok(()),
    }
}

/// The digest of the manifest that the next bundle names: of the file that the configuration names, or of the newest package in
/// the archive that is of an earlier period and of one of the accounts. That one is copied into the output folder.
pub(super) async fn digest(
    config: &Config,
    workspace: &Workspace,
    period: Period,
    accounts: &BTreeSet<String>,
) -> Result<Option<Sha256Digest>, CommandError> {
    match config.previous() {
        None => Ok(None),
        Some(Previous::File(path)) => predecessor(&path, period).map(Some),
        Some(Previous::Archive) => {
            let archive = archive::open(config, None).await?;
            let (entries, _) = archive.list().await.map_err(archive::failure)?;
            let Some(entry) = newest(&entries, period, accounts) else { return Ok(None) };
            let copy = workspace.previous();
            if copy.exists() {
                std::fs::remove_file(&copy).map_err(CommandError::output)?;
            }
            std::fs::create_dir_all(workspace.root()).map_err(CommandError::output)?;
            let sha256 = archive.fetch(&entry.package, &copy).await.map_err(archive::failure)?;
            let digest = predecessor(&copy, period)?;
            if sha256 != entry.sha256 || digest != entry.manifest_sha256 {
                return Err(CommandError::input(format!(
                    "{} in {} is not what the archive's index says: `proofpack archive verify` tells more",
                    entry.package,
                    archive.location()
                )));
            }
            Ok(Some(digest))
        }
    }
}

/// Where the package of the period before is, for whoever compares: of the archive's, the copy that the collection made.
pub(super) fn file(config: &Config, workspace: &Workspace, manifest: &Manifest) -> Option<PathBuf> {
    match config.previous()? {
        Previous::File(path) => Some(path),
        Previous::Archive => manifest.previous_manifest_sha256.map(|_| workspace.previous()),
    }
}

/// The last of the bundles whose period begins earlier; of one that was amended, the last amendment.
fn newest<'a>(
    entries: &'a [IndexEntry],
    period: Period,
    accounts: &BTreeSet<String>,
) -> Option<&'a IndexEntry> {
    let of_ours = |entry: &&IndexEntry| entry.scope.accounts.iter().any(|account| accounts.contains(account));
    let earlier = entries.iter().filter(|entry| entry.scope.period.start < period.start).filter(of_ours);
    earlier.max_by_key(|entry| (entry.scope.period.start, entry.sealed_at))
}

/// The digest of the manifest at `path` as that of the bundle before one of `period`: its own period must have begun earlier.
fn predecessor(path: &Path, period: Period) -> Result<Sha256Digest, CommandError> {
    let (manifest, digest) = evidence::manifest(path)?;
    let of = manifest.scope.period;
    if of.start >= period.start {
        return Err(CommandError::input(format!(
            "`previous` names {}, whose period begins on {}: the period before must begin earlier than {}",
            path.display(),
            of.start.format("%Y-%m-%d"),
            period.start.format("%Y-%m-%d")
        )));
    }
    Ok(digest)
}
