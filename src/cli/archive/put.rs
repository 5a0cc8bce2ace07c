//! Storing a package, and the receipt of it.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Days, Utc};

use super::{failure, open};
use crate::archive::{Archive, ArchiveError, IndexEntry, Keep, LockMode, Parcel, Receipt};
use crate::bundle::files::{Files, Hashed};
use crate::bundle::{LONGEST_MANIFEST, checksums};
use crate::canonical;
use crate::cli::config::Config;
use crate::cli::evidence;
use crate::cli::exit::CommandError;
use crate::cli::package::name_of;
use crate::cli::workspace::Workspace;
use crate::clock::Clock;
use crate::model::Manifest;
use crate::package::{Package, layout};
use crate::sign::{self, Signer};

/// The longest that Object Lock keeps an object, in days: 100 years (Amazon S3 User Guide, "Object Lock considerations").
const LONGEST_RETENTION_DAYS: u32 = 36_500;

/// Archives the package and writes the receipt beside it, with a signature where there is a signer; returns receipt and place.
pub(in crate::cli) async fn put(
    config: &Config,
    package: &Path,
    destination: Option<&str>,
    signer: Option<&dyn Signer>,
    clock: Clock,
) -> Result<(Receipt, PathBuf), CommandError> {
    let now = clock.now();
    if !package.exists() {
        return Err(CommandError::input(format!(
            "there is no package {}; `proofpack package` makes it",
            package.display()
        )));
    }
    let (manifest, manifest_sha256) = evidence::manifest(package)?;
    require_whole(package)?;
    let name = name_of(package)?;
    let archive = open(config, destination).await?;
    let keep = keep(config, &archive, &manifest, now).map_err(failure)?;
    let problems = archive.preflight().await.map_err(failure)?;
    if !problems.is_empty() {
        return Err(failure(ArchiveError::Unfit { location: archive.location(), problems }));
    }
    let parcel = Parcel::of(package, &name).map_err(failure)?;
    let entry = IndexEntry::new(&parcel, &manifest, manifest_sha256);
    let stored = archive.put(&parcel, &keep, &entry).await.map_err(failure)?;
    let receipt = Receipt::new(&name, (parcel.sha256, manifest_sha256), stored, now);
    let path = match receipt_place(package, &name, &receipt) {
        Place::Written(receipt, path) => return Ok((*receipt, path)),
        Place::Free(path) => path,
    };
    let text = canonical::to_file_bytes(&receipt).map_err(CommandError::internal)?;
    let unwritten = |error: CommandError| {
        CommandError::output(format!(
            "{} is stored, but its receipt is not written: {error}; run the same command again for it",
            receipt.location
        ))
    };
    if let Some(signer) = signer {
        // The signature first: a receipt is never without the one that it should have.
        let signature = sign::detached_cms(signer, &text).map_err(CommandError::input)?;
        Workspace::write(&signature_path(&path), &signature).map_err(unwritten)?;
    }
    Workspace::write(&path, &text).map_err(unwritten)?;
    Ok((receipt, path))
}

/// What is altered is not locked away for years: every file has the digest that the package lists.
fn require_whole(path: &Path) -> Result<(), CommandError> {
    let package = Package::open(path).map_err(CommandError::input)?;
    let inside = package.folder();
    let hashed = Hashed::new(&inside);
    let wrong = |what: String| {
        CommandError::input(format!(
            "{}: {what}; it is not archived: see what `proofpack verify` says of it",
            path.display()
        ))
    };
    if let Some((name, error)) = hashed.failures().iter().next() {
        return Err(wrong(format!("{name}: {error}")));
    }
    let sums = inside.read(layout::SUMS, LONGEST_MANIFEST).map_err(|error| wrong(error.to_string()))?;
    let mut digests = hashed.digests().clone();
    digests.retain(|name, _| name != layout::SUMS && name != layout::SUMS_SIGNATURE);
    if checksums::to_text(&digests).as_bytes() != sums {
        return Err(wrong(format!("its files are not those that its {} lists", layout::SUMS)));
    }
    Ok(())
}

/// How the package is kept: so many days from the end of its period.
fn keep(
    config: &Config,
    archive: &Archive,
    manifest: &Manifest,
    now: DateTime<Utc>,
) -> Result<Keep, ArchiveError> {
    let Archive::S3(_) = archive else { return Ok(Keep::default()) };
    let settings = &config.archive;
    let days = settings.retention_days;
    if !(1..=LONGEST_RETENTION_DAYS).contains(&days) {
        return Err(ArchiveError::Retention(days));
    }
    // Whole seconds, as S3 keeps them: what is read back is compared.
    let end = DateTime::from_timestamp(manifest.scope.period.end.timestamp(), 0)
        .unwrap_or(manifest.scope.period.end);
    let until = end.checked_add_days(Days::new(u64::from(days))).ok_or(ArchiveError::Retention(days))?;
    if until <= now {
        return Err(ArchiveError::RetentionOver(until.date_naive()));
    }
    let compliance = settings.mode == "COMPLIANCE";
    Ok(Keep {
        lock: Some(if compliance { LockMode::Compliance } else { LockMode::Governance }),
        retain_until: Some(until),
        legal_hold: settings.legal_hold,
        kms_key: settings.kms_key.clone(),
        tags: settings.tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
    })
}

/// Where a receipt goes.
enum Place {
    /// It is there from an earlier run.
    Written(Box<Receipt>, PathBuf),
    Free(PathBuf),
}

/// Beside the package, and beside the receipts of other archives that hold it.
fn receipt_place(package: &Path, name: &str, receipt: &Receipt) -> Place {
    let mut path = package.with_file_name(format!("{name}.receipt.json"));
    let mut number = 2;
    while path.exists() {
        let earlier = fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Receipt>(&text).ok());
        // But for the time and the request, which are those of the run that stored it.
        let same = earlier.filter(|earlier| {
            let (stored_at, request_id) = (earlier.stored_at, earlier.request_id.clone());
            *earlier == Receipt { stored_at, request_id, ..receipt.clone() }
        });
        if let Some(same) = same {
            return Place::Written(Box::new(same), path);
        }
        path = package.with_file_name(format!("{name}.receipt-{number}.json"));
        number += 1;
    }
    Place::Free(path)
}

/// Where the signature over a receipt is.
pub(super) fn signature_path(receipt: &Path) -> PathBuf {
    let mut name = receipt.as_os_str().to_owned();
    name.push(".p7s");
    name.into()
}
