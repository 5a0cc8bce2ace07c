//! `proofpack init`: a commented configuration to start from.

use std::path::PathBuf;

use super::exit::{CommandError, Exit};
use super::workspace::Workspace;
use super::{CommandResult, config};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  proofpack init && $EDITOR proofpack.toml && proofpack run")]
pub(super) struct InitArguments {
    /// Where to write it.
    #[arg(default_value = "proofpack.toml", value_name = "FILE")]
    path: PathBuf,
}

pub(super) fn run(arguments: &InitArguments) -> CommandResult {
    if arguments.path.exists() {
        return Err(CommandError::output(format!(
            "{} exists already and is left as it is; name another file: proofpack init OTHER.toml",
            arguments.path.display()
        )));
    }
    Workspace::write(&arguments.path, config::TEMPLATE.as_bytes())?;
    println!(
        "Wrote {}. Set the organization, and look over the scope and [signing], then: proofpack run",
        arguments.path.display()
    );
    Ok(Exit::Success)
}
