//! What is in an archive: whether it is fit to be one, the list, one package, a copy of it.

use std::path::Path;

use serde_json::json;

use super::{PlaceArgument, failure};
use crate::archive::{Archive, ArchiveError, IndexEntry, require_plain};
use crate::cli::exit::{CommandError, Exit};
use crate::cli::{CommandResult, runtime};
use crate::model::harmless;

/// `archive check`.
pub(super) fn check(place: &PlaceArgument) -> CommandResult {
    runtime()?.block_on(async {
        let archive = place.open().await?;
        let problems = archive.preflight().await.map_err(failure)?;
        for problem in &problems {
            println!("PROBLEM {}", harmless(problem, 1_000));
        }
        if !problems.is_empty() {
            return Ok(Exit::ProblemsFound);
        }
        let kept = match archive {
            Archive::S3(_) => "Object Lock, versioning, encryption and block of public access are on",
            Archive::Directory(_) => "a directory: whoever may write there can take packages away",
        };
        println!("{} is fit for an archive: {kept}", archive.location());
        Ok(Exit::Success)
    })
}

/// `archive list`.
pub(super) fn list(place: &PlaceArgument, as_json: bool) -> CommandResult {
    runtime()?.block_on(async {
        let archive = place.open().await?;
        let (entries, others) = archive.list().await.map_err(failure)?;
        if as_json {
            println!("{}", serde_json::to_string_pretty(&entries).map_err(CommandError::internal)?);
            return Ok(Exit::Success);
        }
        for entry in &entries {
            println!("{}", line(entry));
        }
        for name in &others {
            println!("(no index object)         {}", harmless(name, 200));
        }
        println!("{} packages in {}", entries.len() + others.len(), archive.location());
        Ok(Exit::Success)
    })
}

/// `2026-07-01 to 2026-10-01  <name>  123456789012  4.2 MB`.
fn line(entry: &IndexEntry) -> String {
    let period = entry.scope.period;
    let accounts = match entry.scope.accounts.as_slice() {
        [only] => harmless(only, 40),
        several => format!("{} accounts", several.len()),
    };
    let follows = if entry.previous_manifest_sha256.is_some() { "" } else { ", names none before it" };
    let amends = if entry.amends_sha256.is_some() { ", amends another" } else { "" };
    format!(
        "{} to {}  {}  {accounts}, {} bytes{follows}{amends}",
        period.start.format("%Y-%m-%d"),
        period.end.format("%Y-%m-%d"),
        harmless(&entry.package, 200),
        entry.bytes
    )
}

/// `archive show`.
pub(super) fn show(name: &str, place: &PlaceArgument, as_json: bool) -> CommandResult {
    runtime()?.block_on(async {
        let archive = place.open().await?;
        let stored = archive.stat(name).await.map_err(failure)?;
        let Some(stored) = stored else {
            let location = format!("{name} in {}", archive.location());
            return Err(failure(ArchiveError::Missing { location }));
        };
        let entry = archive.entry(name).await.map_err(failure)?;
        let locked = stored.retain_until.map(|until| until.to_rfc3339());
        if as_json {
            let told = json!({
                "location": stored.location, "bytes": stored.bytes, "checksum": stored.checksum,
                "version-id": stored.version_id, "lock-mode": stored.lock_mode, "retain-until": locked,
                "legal-hold": stored.legal_hold, "kms-key": stored.kms_key, "index": entry,
            });
            println!("{told:#}");
            return Ok(Exit::Success);
        }
        let or_none = |value: Option<String>| value.map_or("none".to_owned(), |value| harmless(&value, 300));
        println!("{}", stored.location);
        println!("  bytes          {}", stored.bytes);
        println!("  checksum       {}", or_none(stored.checksum));
        println!("  version        {}", or_none(stored.version_id));
        println!("  lock           {}", or_none(stored.lock_mode));
        println!("  kept until     {}", or_none(locked));
        println!("  legal hold     {}", if stored.legal_hold { "on" } else { "off" });
        println!("  KMS key        {}", or_none(stored.kms_key));
        match entry {
            None => println!("  there is no index object of it"),
            Some(entry) => {
                println!("  SHA-256        {}", entry.sha256);
                println!("  period         {} to {}", entry.scope.period.start, entry.scope.period.end);
                println!("  accounts       {}", harmless(&entry.scope.accounts.join(", "), 400));
                println!("  sealed         {}", entry.sealed_at);
                println!("  manifest       {}", entry.manifest_sha256);
                println!("  Merkle root    {}", entry.merkle_root);
                println!(
                    "  the one before {}",
                    or_none(entry.previous_manifest_sha256.map(|digest| digest.to_string()))
                );
            }
        }
        Ok(Exit::Success)
    })
}

/// `archive fetch`.
pub(super) fn fetch(name: &str, place: &PlaceArgument, to: Option<&Path>) -> CommandResult {
    require_plain(name).map_err(failure)?;
    let to = to.unwrap_or(Path::new(name));
    if to.exists() {
        return Err(CommandError::output(format!(
            "{} exists already: name another file with --to",
            to.display()
        )));
    }
    runtime()?.block_on(async {
        let archive = place.open().await?;
        let entry = archive.entry(name).await.map_err(failure)?;
        let sha256 = archive.fetch(name, to).await.map_err(failure)?;
        match entry {
            Some(entry) if entry.sha256 != sha256 => {
                println!(
                    "PROBLEM {} has the SHA-256 {sha256}, the index says {}: one of the two was altered",
                    to.display(),
                    entry.sha256
                );
                return Ok(Exit::ProblemsFound);
            }
            Some(_) => println!("Wrote {} (SHA-256 {sha256}, as the index says)", to.display()),
            None => println!("Wrote {} (SHA-256 {sha256}; there is no index object of it)", to.display()),
        }
        println!("Check it with: proofpack verify {}", to.display());
        Ok(Exit::Success)
    })
}
