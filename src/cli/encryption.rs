//! The keys that packages are encrypted for and opened with.

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::exit::CommandError;
use crate::package::encryption::{self, AskPassphrase, EncryptionError, Identity, Recipient};

/// Where the passphrase of a private key may stand.
const PASSPHRASE_VARIABLE: &str = "PROOFPACK_IDENTITY_PASSPHRASE";

/// `[package]` of the configuration.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct PackageConfig {
    /// For whom every package is encrypted, beside the one that is not.
    #[serde(default)]
    recipients: Vec<String>,
}

impl PackageConfig {
    /// Everybody who is named.
    pub(super) fn recipients(&self) -> Result<Vec<Recipient>, CommandError> {
        let parsed = self.recipients.iter().map(|text| text.parse());
        parsed
            .collect::<Result<_, EncryptionError>>()
            .map_err(|error| CommandError::input(format!("package.recipients: {error}")))
    }
}

/// For whom a package is encrypted.
#[derive(Debug, clap::Args)]
pub(super) struct RecipientArguments {
    /// Encrypt what is written for this recipient too, as `<name>.age` beside it: an age key (age1...) or an ssh key
    /// (`ssh-ed25519 ...`, `ssh-rsa ...`); may be given more than once. Only the recipients can read that file.
    #[arg(long, value_name = "KEY")]
    recipient: Vec<String>,
    /// The same for the recipients of a file, one on each line.
    #[arg(long, value_name = "FILE")]
    recipients_file: Vec<PathBuf>,
}

impl RecipientArguments {
    /// Everybody who was named.
    pub(super) fn all(&self) -> Result<Vec<Recipient>, CommandError> {
        // Parsed here and not with the command line, whose messages repeat what they do not understand.
        let parsed: Result<Vec<Recipient>, EncryptionError> =
            self.recipient.iter().map(|text| text.parse()).collect();
        let mut all = parsed.map_err(|error| CommandError::input(format!("--recipient: {error}")))?;
        for path in &self.recipients_file {
            let text = fs::read_to_string(path).map_err(|error| {
                CommandError::input(format!("cannot read the recipients {}: {error}", path.display()))
            })?;
            let of_file = encryption::recipients(&text)
                .map_err(|error| CommandError::input(format!("{}: {error}", path.display())))?;
            all.extend(of_file);
        }
        Ok(all)
    }
}

/// Encrypts what was written, if there are recipients, and says so.
pub(super) fn encrypt(path: &Path, recipients: &[Recipient]) -> Result<(), CommandError> {
    if let Some(written) = encrypted(path, recipients)? {
        let count = recipients.len();
        println!("Wrote {} for {count} recipient(s), who alone can read it", written.display());
    }
    Ok(())
}

/// Encrypts what was written, if there are recipients; gives the place.
pub(super) fn encrypted(path: &Path, recipients: &[Recipient]) -> Result<Option<PathBuf>, CommandError> {
    if recipients.is_empty() {
        return Ok(None);
    }
    let written = encryption::encrypt(path, recipients).map_err(|error| match error {
        EncryptionError::Recipients(_) => CommandError::input(error),
        other => CommandError::output(other),
    })?;
    Ok(Some(written))
}

/// The private keys of files.
pub(super) fn identities(paths: &[PathBuf]) -> Result<Vec<Identity>, CommandError> {
    let mut all = Vec::new();
    for path in paths {
        let bytes = fs::read(path).map_err(|error| {
            CommandError::input(format!("cannot read the key {}: {error}", path.display()))
        })?;
        let ask: AskPassphrase = Arc::new(ask);
        let of_file = encryption::identities(&bytes, &path.display().to_string(), ask)
            .map_err(|error| CommandError::input(format!("{}: {error}", path.display())))?;
        all.extend(of_file);
    }
    Ok(all)
}

/// The passphrase of a private key: out of the environment, or from whoever sits there.
fn ask(prompt: &str) -> Option<String> {
    if let Ok(passphrase) = std::env::var(PASSPHRASE_VARIABLE) {
        return Some(passphrase);
    }
    let is_terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !is_terminal {
        return None;
    }
    rpassword::prompt_password(format!("{prompt}: ")).ok()
}
