//! `proofpack archive`: the package, put where it is kept for years.

use std::fs;
use std::path::{Path, PathBuf};

use super::config::Config;
use super::exit::{CommandError, Exit};
use super::package::{name_of, package_path};
use super::workspace::Workspace;
use super::{CommandResult, ConfigArgument, collect, runtime};
use crate::archive::{ArchiveError, LockMode, Receipt, S3Target, put_directory, put_s3};
use crate::canonical;
use crate::clock::Clock;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  proofpack archive s3://example-evidence/hipaa\n  proofpack archive /mnt/evidence"
)]
pub(super) struct ArchiveArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// `s3://BUCKET/PREFIX` or a directory; the configuration's `archive.destination` where not given.
    destination: Option<String>,
    /// The package; the run's own where not given.
    #[arg(long, value_name = "FILE")]
    package: Option<PathBuf>,
}

pub(super) fn run(arguments: &ArchiveArguments) -> CommandResult {
    let config = arguments.config.read()?;
    let workspace = arguments.config.workspace(&config);
    let package = match &arguments.package {
        Some(path) => path.clone(),
        None => package_path(&workspace)?,
    };
    let destination = arguments.destination.clone();
    let (receipt, path) =
        runtime()?.block_on(put(&config, &package, destination.as_deref(), Clock::System))?;
    println!("Stored {} (receipt: {})", receipt.location, path.display());
    Ok(Exit::Success)
}

/// Archives the package and writes the receipt beside it; returns both.
pub(super) async fn put(
    config: &Config,
    package: &Path,
    destination: Option<&str>,
    clock: Clock,
) -> Result<(Receipt, PathBuf), CommandError> {
    let bytes = fs::read(package).map_err(|error| {
        CommandError::input(format!(
            "cannot read the package {}: {error}; `proofpack package` makes it",
            package.display()
        ))
    })?;
    let name = name_of(package)?;
    let configured = config.archive.destination.as_str();
    let destination = destination.unwrap_or(configured);
    let receipt = if destination.starts_with("s3://") {
        let (bucket, prefix) = S3Target::parse_location(destination).map_err(failure)?;
        let target = S3Target {
            bucket,
            prefix,
            mode: if config.archive.mode == "COMPLIANCE" {
                LockMode::Compliance
            } else {
                LockMode::Governance
            },
            retention_days: config.archive.retention_days,
            kms_key: config.archive.kms_key.clone(),
        };
        let session = collect::session(config, None).await?;
        let client = collect::s3_client(&session);
        put_s3(&client, &target, &name, bytes, clock.now()).await.map_err(failure)?
    } else {
        let directory = if destination == configured {
            config.resolve(Path::new(destination))
        } else {
            destination.into()
        };
        put_directory(&directory, &name, &bytes, clock.now()).map_err(failure)?
    };
    let text = canonical::to_file_bytes(&receipt).map_err(CommandError::internal)?;
    let path = receipt_path(package, &name);
    Workspace::write(&path, &text).map_err(|error| {
        // It cannot be had again: the archive holds the package now, and refuses it a second time.
        CommandError::output(format!(
            "the package is stored, but its receipt is not: {error}\nKeep this as {}:\n{}",
            path.display(),
            String::from_utf8_lossy(&text)
        ))
    })?;
    Ok((receipt, path))
}

/// Where the receipt goes: beside the package, and beside the receipts of other archives that hold it.
fn receipt_path(package: &Path, name: &str) -> PathBuf {
    let mut path = package.with_file_name(format!("{name}.receipt.json"));
    let mut number = 2;
    while path.exists() {
        path = package.with_file_name(format!("{name}.receipt-{number}.json"));
        number += 1;
    }
    path
}

fn failure(error: ArchiveError) -> CommandError {
    let exit = match &error {
        ArchiveError::Destination(_) | ArchiveError::TooLarge(_) | ArchiveError::Retention(_) => Exit::Input,
        ArchiveError::Exists { .. } | ArchiveError::File { .. } => Exit::Output,
        ArchiveError::S3 { .. } | ArchiveError::Checksum { .. } => Exit::Aws,
    };
    CommandError::new(exit, error)
}
