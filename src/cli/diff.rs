//! `proofpack diff`: what changed from one assessed bundle to another.

mod words;

use std::path::PathBuf;

use super::CommandResult;
use super::config::CatalogArgument;
use super::evidence::Evidence;
use super::exit::{CommandError, Exit};
use crate::catalog::Catalog;
use crate::compare::{self, Side};
use crate::model::Comparison;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  proofpack diff 2026-q2.zip 2026-q3.zip\n  proofpack diff 2026-q2.zip proofpack-out --json | jq '.findings[] | select(.drift == \"new-failure\")'"
)]
pub(super) struct DiffArguments {
    /// The earlier one: a package (zip), the folder that one unpacks to, or the output folder of a run.
    before: PathBuf,
    /// The later one.
    after: PathBuf,
    /// Assess the earlier one again with this program's catalog: what moved only because a check is another is not told then.
    #[arg(long)]
    assess_again: bool,
    #[command(flatten)]
    catalog: CatalogArgument,
    /// Print the comparison as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &DiffArguments) -> CommandResult {
    let catalog = arguments.catalog.read()?;
    let mut before = Evidence::read(&arguments.before)?;
    let after = Evidence::read(&arguments.after)?;
    if arguments.assess_again {
        before.assess_again(&catalog)?;
    }
    let comparison = compared(&catalog, &before, &after)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&comparison).map_err(CommandError::internal)?);
    } else {
        print!("{}", words::of(&comparison));
    }
    Ok(Exit::Success)
}

/// Compares two assessed bundles; the resources of both are derived by the rules of `catalog`.
pub(super) fn compared(
    catalog: &Catalog,
    before: &Evidence,
    after: &Evidence,
) -> Result<Comparison, CommandError> {
    let (there, here) = (before.resources(catalog)?, after.resources(catalog)?);
    let before = Side { assessment: &before.assessment, resources: &there };
    Ok(compare::compare(before, Side { assessment: &after.assessment, resources: &here }))
}
