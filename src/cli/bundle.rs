//! `proofpack bundle`: what can be done with sealed bundles.

use std::path::PathBuf;

use clap::Subcommand;

use super::exit::{CommandError, Exit};
use super::{CommandResult, collect};
use crate::bundle::{self, MergeError};

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
