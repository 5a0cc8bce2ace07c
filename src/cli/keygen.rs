//! `proofpack keygen`: a test certificate and its key.

use std::path::PathBuf;

use chrono::Days;

use super::CommandResult;
use super::exit::{CommandError, Exit};
use super::workspace::Workspace;
use crate::clock::Clock;
use crate::sign;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  proofpack keygen --name \"Example Health\" && proofpack run")]
pub(super) struct KeygenArguments {
    /// Name in the certificate, after the TEST mark.
    #[arg(long, default_value = "proofpack")]
    name: String,
    /// Days for which it is valid.
    #[arg(long, default_value_t = 365)]
    days: u32,
    /// Where to write the certificate (PEM).
    #[arg(long, default_value = "signer.pem", value_name = "FILE")]
    certificate: PathBuf,
    /// Where to write the private key (PEM).
    #[arg(long, default_value = "signer-key.pem", value_name = "FILE")]
    key: PathBuf,
}

pub(super) fn run(arguments: &KeygenArguments) -> CommandResult {
    for path in [&arguments.certificate, &arguments.key] {
        if path.exists() {
            return Err(CommandError::output(format!(
                "{} exists already; keys are never overwritten: move it away or name other files",
                path.display()
            )));
        }
    }
    let from = Clock::System.now();
    let until = from + Days::new(u64::from(arguments.days));
    let (certificate, key) =
        sign::test_certificate(&arguments.name, from, until).map_err(CommandError::internal)?;
    Workspace::write_private(&arguments.key, key.as_bytes())?;
    Workspace::write(&arguments.certificate, certificate.as_bytes())?;
    println!("Wrote {} and {}.", arguments.certificate.display(), arguments.key.display());
    println!("This is a TEST certificate: it signs itself and proves nobody's identity.");
    println!(
        "In proofpack.toml:\n\n[signing]\ncertificate = {:?}\nkey = {:?}",
        arguments.certificate, arguments.key
    );
    Ok(Exit::Success)
}
