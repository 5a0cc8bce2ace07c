//! `proofpack archive`: the package, put where it is kept for years; and what is kept there.

mod look;
mod put;
mod verify;

use std::path::{Path, PathBuf};

pub(super) use put::put;

use super::config::Config;
use super::exit::{CommandError, Exit};
use super::package::package_path;
use super::{CommandResult, ConfigArgument, collect, runtime, signer};
use crate::archive::{Archive, ArchiveError, DirectoryArchive, S3Archive};
use crate::clock::Clock;

#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  proofpack archive s3://example-evidence/hipaa\n  proofpack archive /mnt/evidence\n  proofpack archive list\n  proofpack archive verify --trust company-ca.pem"
)]
pub(super) struct ArchiveArguments {
    #[command(subcommand)]
    command: Option<ArchiveCommand>,
    #[command(flatten)]
    config: ConfigArgument,
    /// `s3://BUCKET/PREFIX` or a directory; the configuration's `archive.destination` where not given.
    destination: Option<String>,
    /// The package; the run's own where not given.
    #[arg(long, value_name = "FILE")]
    package: Option<PathBuf>,
}

/// Which archive.
#[derive(Debug, Clone, clap::Args)]
struct PlaceArgument {
    /// Configuration file: which archive, and how to reach AWS.
    #[arg(long, short, value_name = "FILE", default_value = "proofpack.toml")]
    config: PathBuf,
    /// `s3://BUCKET/PREFIX` or a directory, instead of the configuration's `archive.destination`.
    #[arg(long, short, value_name = "DESTINATION")]
    archive: Option<String>,
}

#[derive(Debug, clap::Subcommand)]
enum ArchiveCommand {
    /// Say whether the destination is what an archive has to be; stores nothing.
    #[command(after_help = "Example:\n  proofpack archive check --archive s3://example-evidence/hipaa")]
    Check {
        #[command(flatten)]
        place: PlaceArgument,
    },
    /// List the packages, in order of their periods.
    #[command(
        after_help = "Examples:\n  proofpack archive list\n  proofpack archive list --json | jq -r '.[-1].package'"
    )]
    List {
        #[command(flatten)]
        place: PlaceArgument,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show what the archive tells of a package: digests, version, lock, what came before it.
    #[command(
        after_help = "Example:\n  proofpack archive show proofpack-123456789012-2026-07-01-2026-09-30.zip"
    )]
    Show {
        /// Name of the package.
        name: String,
        #[command(flatten)]
        place: PlaceArgument,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Copy a package out of the archive, and hold it against the index.
    #[command(
        after_help = "Example:\n  proofpack archive fetch proofpack-123456789012-2026-07-01-2026-09-30.zip --to q3.zip"
    )]
    Fetch {
        /// Name of the package.
        name: String,
        #[command(flatten)]
        place: PlaceArgument,
        /// File to write, which must not exist; the package's own name where not given.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Read packages back and verify them whole, hold them against index and receipts, and walk the chain from the first to the last.
    #[command(
        after_help = "Examples:\n  proofpack archive verify --trust company-ca.pem\n  proofpack archive verify --receipt proofpack-out/*.receipt.json"
    )]
    Verify(verify::VerifyArguments),
}

pub(super) fn run(arguments: &ArchiveArguments) -> CommandResult {
    match &arguments.command {
        None => store(arguments),
        Some(ArchiveCommand::Check { place }) => look::check(place),
        Some(ArchiveCommand::List { place, json }) => look::list(place, *json),
        Some(ArchiveCommand::Show { name, place, json }) => look::show(name, place, *json),
        Some(ArchiveCommand::Fetch { name, place, to }) => look::fetch(name, place, to.as_deref()),
        Some(ArchiveCommand::Verify(arguments)) => verify::run(arguments),
    }
}

fn store(arguments: &ArchiveArguments) -> CommandResult {
    let config = arguments.config.read()?;
    let workspace = arguments.config.workspace(&config);
    let package = match &arguments.package {
        Some(path) => path.clone(),
        None => package_path(&workspace)?,
    };
    let signer = config.signing.as_ref().map(|_| signer::signer(&config)).transpose()?;
    let destination = arguments.destination.as_deref();
    let (receipt, path) =
        runtime()?.block_on(put(&config, &package, destination, signer.as_deref(), Clock::System))?;
    println!("Stored {} (receipt: {})", receipt.location, path.display());
    if signer.is_none() {
        println!("The receipt is not signed: the configuration has no [signing] section.");
    }
    Ok(Exit::Success)
}

impl PlaceArgument {
    /// The archive. A configuration is needed only where the destination is not given, or for how AWS is reached.
    async fn open(&self) -> Result<Archive, CommandError> {
        match &self.archive {
            Some(destination) if !destination.starts_with("s3://") => {
                Ok(Archive::Directory(DirectoryArchive::new(destination)))
            }
            given => open(&Config::read(&self.config)?, given.as_deref()).await,
        }
    }
}

/// The archive at `destination`, or the configured one.
pub(super) async fn open(config: &Config, destination: Option<&str>) -> Result<Archive, CommandError> {
    let configured = config.archive.destination.as_str();
    match destination.unwrap_or(configured) {
        s3 if s3.starts_with("s3://") => {
            S3Archive::parse_location(s3).map_err(failure)?;
            let session = collect::session(config, None).await?;
            let archive = S3Archive::new(collect::s3_client(&session), s3).map_err(failure)?;
            Ok(Archive::S3(Box::new(archive)))
        }
        folder if folder == configured => {
            Ok(Archive::Directory(DirectoryArchive::new(config.resolve(Path::new(configured)))))
        }
        folder => Ok(Archive::Directory(DirectoryArchive::new(folder))),
    }
}

/// How an archive's error ends the program.
pub(super) fn failure(error: ArchiveError) -> CommandError {
    let exit = match &error {
        ArchiveError::Destination(_)
        | ArchiveError::Name(_)
        | ArchiveError::Missing { .. }
        | ArchiveError::Package { .. }
        | ArchiveError::Entry { .. }
        | ArchiveError::Unfit { .. }
        | ArchiveError::RetentionOver(_)
        | ArchiveError::Retention(_) => Exit::Input,
        ArchiveError::Exists { .. } | ArchiveError::File { .. } | ArchiveError::Changed { .. } => {
            Exit::Output
        }
        ArchiveError::S3 { .. } | ArchiveError::NotAsAsked { .. } => Exit::Aws,
        ArchiveError::Data(_) => Exit::Internal,
    };
    CommandError::new(exit, error)
}
