//! `proofpack run`: all steps in order.

use std::path::PathBuf;

use super::exit::Exit;
use super::{
    CommandResult, ConfigArgument, archive, assess, collect, package, report, runtime, sign, signer,
};
use crate::aws::Models;
use crate::clock::Clock;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  proofpack init && proofpack keygen   # once; then edit proofpack.toml\n  proofpack run"
)]
pub(super) struct RunArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// Begin anew: remove what a collection that did not finish has recorded, instead of going on from there.
    #[arg(long)]
    fresh: bool,
    #[command(flatten)]
    frameworks: assess::FrameworksArgument,
}

pub(super) fn run(arguments: &RunArguments) -> CommandResult {
    Models::read_ahead();
    let mut config = arguments.config.read()?;
    arguments.frameworks.apply(&mut config);
    let workspace = arguments.config.workspace(&config);
    let catalog = config.catalog()?;
    // A key or a setting that cannot be used is found now, not after an hour of collecting.
    let signer = signer::signer(&config)?;
    assess::require_settings(&config, &catalog)?;
    let clock = Clock::System;
    crate::sign::require_valid_at(&*signer, clock.now()).map_err(super::CommandError::input)?;

    sign::require_nothing_lost(&config, &workspace, &*signer)?;

    let runtime = runtime()?;
    let collecting = collect::collect_bundle(&config, &workspace, &catalog, clock, arguments.fresh, None);
    let collect::Collected { manifest, closing } = runtime.block_on(collecting)?;
    println!("Collected   {} ({})", workspace.bundle().display(), collect::summary(&manifest));
    println!("            {}", closing.text());
    let found = assess::summary(&assess::assess_bundle(&config, &workspace, &catalog, None)?);
    // Laying out the report takes the most memory: by then, what the steps before it needed is gone.
    drop(catalog);
    println!("Assessed    {}", workspace.assessment().display());
    report::render(&config, &workspace, false)?;
    sign::sign_all(&config, &workspace, &*signer, clock)?;
    println!("Signed      {}", workspace.report().display());
    let package: PathBuf = package::write_package(&workspace, &*signer)?;
    println!("Packaged    {}", package.display());
    let (receipt, _) = runtime.block_on(archive::put(&config, &package, None, Some(&*signer), clock))?;
    println!("Archived    {}\n", receipt.location);
    print!("{found}");
    println!(
        "\nNext: read {}, and check the package with: proofpack verify {}",
        workspace.report().display(),
        package.display()
    );
    Ok(if manifest.gaps.is_empty() { Exit::Success } else { Exit::Incomplete })
}
