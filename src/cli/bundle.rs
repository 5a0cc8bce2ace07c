//! `proofpack bundle`: what can be done with sealed bundles.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::additions::additions;
use super::exit::{CommandError, Exit};
use super::{CommandResult, ConfigArgument, collect};
use crate::bundle::{self, AmendError, Amended, MergeError, Writer};
use crate::clock::Clock;
use crate::model::Sha256Digest;

#[derive(Debug, clap::Args)]
pub(super) struct BundleArguments {
    #[command(subcommand)]
    command: BundleCommand,
}

#[derive(Debug, Subcommand)]
enum BundleCommand {
    /// Join the bundles of a run's parts, or of several accounts, into one.
    ///
    /// Every input is verified in full first. The catalog, the audit period and the partition must be the same in all,
    /// and no account may be in two of them with different records. The inputs' signatures are not taken over:
    /// sign the merged bundle; its manifest records the digests of the manifests it was merged from.
    Merge(MergeArguments),
    /// Seal the bundle again with the attestations and imports that are there now.
    ///
    /// What AWS answered stays as it is, byte for byte. The new manifest names the digest of the one that it amends. The bundle
    /// before is kept beside the new one, as bundle-<first digits of its manifest's digest>, unless --replace is given.
    /// Signatures are not taken over: assess, report, sign and package again.
    Amend(AmendArguments),
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  proofpack attest risk-analysis --by \"Ada Park\" --role \"Security officer\" --file analysis.pdf\n  proofpack bundle amend && proofpack assess && proofpack report && proofpack sign && proofpack package"
)]
struct AmendArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// Remove the bundle before instead of keeping it.
    #[arg(long)]
    replace: bool,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  proofpack bundle merge proofpack-out/bundle part-1/bundle part-2/bundle && proofpack assess"
)]
struct MergeArguments {
    /// The new bundle; nothing may be there yet.
    out: PathBuf,
    /// The bundles to join.
    #[arg(required = true, value_name = "BUNDLE")]
    inputs: Vec<PathBuf>,
    /// Merge although parts of the run are missing: their accounts are in scope, and every check of them indeterminate.
    #[arg(long)]
    partial: bool,
}

pub(super) fn run(arguments: &BundleArguments) -> CommandResult {
    match &arguments.command {
        BundleCommand::Merge(arguments) => merge(arguments),
        BundleCommand::Amend(arguments) => amend(arguments),
    }
}

fn merge(arguments: &MergeArguments) -> CommandResult {
    let MergeArguments { out, inputs, partial } = arguments;
    let manifest = bundle::merge(out, inputs, *partial).map_err(|error| match error {
        MergeError::Write(error) => CommandError::output(error),
        other => CommandError::input(other),
    })?;
    println!("Merged {} bundles into {} ({})", inputs.len(), out.display(), collect::summary(&manifest));
    let unseen = *partial && !manifest.scope.accounts.iter().all(|account| manifest.has_records_of(account));
    Ok(if manifest.gaps.is_empty() && !unseen { Exit::Success } else { Exit::Incomplete })
}

fn amend(arguments: &AmendArguments) -> CommandResult {
    let config = arguments.config.read()?;
    let catalog = config.catalog()?;
    let additions = additions(&config, &catalog)?;
    let bag = arguments.config.workspace(&config).bundle();
    let made = bag.with_file_name("bundle.amended");
    finish_earlier(&bag, &made)?;
    let amended =
        bundle::amend(&bag, &made, &additions, Clock::System.now()).map_err(|error| match error {
            AmendError::Write(error) => CommandError::output(error),
            other => CommandError::input(other),
        })?;
    let Amended::Sealed { manifest, amends, added, removed } = amended else {
        println!("Nothing to amend: {} holds these attestations and imports already", bag.display());
        return Ok(Exit::Success);
    };
    let kept = put(&bag, &made, amends, arguments.replace)?;
    println!(
        "Amended {}: {added} attestations and imports more, {removed} fewer ({})",
        bag.display(),
        collect::summary(&manifest)
    );
    match kept {
        Some(kept) => println!("The bundle before is kept as {}", kept.display()),
        None => println!("The bundle before, with the manifest {amends}, was removed"),
    }
    println!("Next: proofpack assess, report, sign and package again");
    Ok(if manifest.gaps.is_empty() { Exit::Success } else { Exit::Incomplete })
}

/// Ends what an amendment that was interrupted has begun.
fn finish_earlier(bag: &Path, made: &Path) -> Result<(), CommandError> {
    if made.is_dir() && !bag.exists() {
        // The bundle before was moved away, and the new one had not taken its place.
        fs::rename(made, bag).map_err(failed("moved", made))?;
    }
    if made.is_dir() {
        fs::remove_dir_all(made).map_err(failed("removed", made))?;
    }
    Writer::remove_unfinished(made).map(|_| ()).map_err(CommandError::output)
}

/// Puts the new bundle in the place of the one before; gives where that is kept. Both are whole at every moment.
fn put(
    bag: &Path,
    made: &Path,
    amends: Sha256Digest,
    replace: bool,
) -> Result<Option<PathBuf>, CommandError> {
    let digits: String = amends.to_string().chars().take(12).collect();
    let kept = bag.with_file_name(format!("bundle-{digits}"));
    if kept.symlink_metadata().is_ok() {
        return Err(CommandError::output(format!(
            "{} exists already, so that the bundle before cannot be kept under this name: move it away",
            kept.display()
        )));
    }
    fs::rename(bag, &kept).map_err(failed("moved", bag))?;
    fs::rename(made, bag).map_err(failed("moved", made))?;
    if replace {
        fs::remove_dir_all(&kept).map_err(failed("removed", &kept))?;
        return Ok(None);
    }
    Ok(Some(kept))
}

fn failed<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> CommandError + 'a {
    move |error| CommandError::output(format!("{} cannot be {action}: {error}", path.display()))
}
