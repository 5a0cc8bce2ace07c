//! Amending a bundle: what AWS answered stays as it is, byte for byte; what people stated and other programs found is
//! taken up again. The new manifest names the one that it amends.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::attached::Addition;
use super::{ReadError, SealInfo, WriteError, Writer, read};
use crate::model::{Manifest, RecordId, RecordKind, Sha256Digest, Tool};

/// Why a bundle was not amended.
#[derive(Debug, thiserror::Error)]
pub enum AmendError {
    /// It is no bundle, or not as it was sealed.
    #[error("{path} is not amended: {source}")]
    Unsound {
        /// The bundle.
        path: PathBuf,
        /// What is wrong with it.
        source: ReadError,
    },
    /// The amended bundle could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// What amending came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Amended {
    /// The bundle holds exactly these attestations and imports already: nothing was written.
    Unchanged,
    /// A new bundle was sealed.
    Sealed {
        /// Its manifest.
        manifest: Box<Manifest>,
        /// SHA-256 of the manifest of the bundle that it amends.
        amends: Sha256Digest,
        /// Attestations and imports that it has and the other had not.
        added: usize,
        /// Attestations and imports that it has not and the other had.
        removed: usize,
    },
}

/// Seals at `target` what the bundle `bag` holds of AWS, with `additions` in place of its attestations and imports.
///
/// # Errors
/// When the bundle is not exactly as it was sealed, or the new one cannot be written. Nothing is left behind then.
pub fn amend(
    bag: &Path,
    target: &Path,
    additions: &[Addition],
    sealed_at: DateTime<Utc>,
) -> Result<Amended, AmendError> {
    let bundle = read(bag).map_err(|source| AmendError::Unsound { path: bag.to_owned(), source })?;
    let (of_aws, others): (Vec<_>, Vec<_>) = bundle
        .records
        .into_iter()
        .partition(|stored| matches!(stored.record.kind, RecordKind::ApiCall | RecordKind::TrailExcerpt));
    let before: BTreeSet<RecordId> = others.iter().map(|stored| stored.id).collect();
    let mut writer = Writer::create(target)?;
    let written = (|| -> Result<BTreeSet<RecordId>, WriteError> {
        for stored in &of_aws {
            writer.append(&stored.record)?;
        }
        additions.iter().map(|addition| addition.add_to(&mut writer)).collect()
    })();
    let after = match written {
        Ok(after) if after != before => after,
        Ok(_) => {
            writer.discard()?;
            return Ok(Amended::Unchanged);
        }
        Err(error) => {
            writer.discard()?;
            return Err(error.into());
        }
    };
    let manifest = bundle.manifest;
    let info = SealInfo {
        tool: Tool::this(),
        catalog_sha256: manifest.catalog_sha256,
        scope: manifest.scope,
        collection_started: manifest.collection_started,
        sealed_at,
        previous_manifest_sha256: manifest.previous_manifest_sha256,
        shard: manifest.shard,
        merged_from_sha256: manifest.merged_from_sha256,
        redaction_key_commitment: manifest.redaction_key_commitment,
        amends_sha256: Some(bundle.manifest_sha256),
    };
    let manifest = Box::new(writer.seal(info)?);
    Ok(Amended::Sealed {
        manifest,
        amends: bundle.manifest_sha256,
        added: after.difference(&before).count(),
        removed: before.difference(&after).count(),
    })
}
