//! `proofpack verify`: everything that can be checked without AWS, and every problem found.

use std::fs;
use std::path::PathBuf;

use super::exit::{CommandError, Exit};
use super::{CommandResult, catalog};
use crate::verify::{self, Options};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  proofpack verify proofpack-123456789012-2026-10-01.zip --trust company-ca.pem\n  proofpack verify report.pdf"
)]
pub(super) struct VerifyArguments {
    /// A package (zip), a bundle (directory) or a signed report (PDF).
    path: PathBuf,
    /// Certificates (PEM) that a signer must chain to; may be given more than once.
    #[arg(long, value_name = "FILE")]
    trust: Vec<PathBuf>,
    /// Print the verdict as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &VerifyArguments) -> CommandResult {
    let mut anchors = Vec::new();
    for path in &arguments.trust {
        let pem = fs::read(path).map_err(|error| {
            CommandError::input(format!("cannot read the certificates {}: {error}", path.display()))
        })?;
        anchors.push(pem);
    }
    if !arguments.path.exists() {
        return Err(CommandError::input(format!("there is no {}", arguments.path.display())));
    }
    let verdict =
        verify::verify(&arguments.path, &catalog()?, &Options::new(&anchors).map_err(CommandError::input)?);
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&verdict).map_err(CommandError::internal)?);
    } else {
        print!("{verdict}");
    }
    Ok(if verdict.is_verified() { Exit::Success } else { Exit::ProblemsFound })
}
