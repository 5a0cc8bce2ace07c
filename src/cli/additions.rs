//! What is sealed into a bundle beside what AWS answered.

use super::config::Config;
use super::exit::CommandError;
use super::imports;
use crate::attest::{self, Entry};
use crate::bundle::Addition;
use crate::catalog::Catalog;
use crate::collect::{RedactionKey, Redactor};
use crate::model::Record;

/// Everything that the configuration names: a mistake in it is found before a collection, not after.
///
/// # Errors
/// When any of it cannot be used.
pub(super) fn additions(config: &Config, catalog: &Catalog) -> Result<Vec<Addition>, CommandError> {
    let guard = Guard::new(catalog)?;
    let mut additions = Vec::new();
    for entry in attestations(config)? {
        guard.accept(&entry.record()).map_err(|problem| {
            CommandError::input(format!("the attestation {}: {problem}", entry.place.display()))
        })?;
        additions.push(entry.addition());
    }
    additions.extend(imports::additions(config, catalog)?);
    Ok(additions)
}

/// The attestations that there are.
///
/// # Errors
/// When the folder is named and not there, or something in it cannot be used.
pub(super) fn attestations(config: &Config) -> Result<Vec<Entry>, CommandError> {
    let folder = config.attestations_folder();
    if !folder.exists() && !config.names_attestations() {
        return Ok(Vec::new());
    }
    attest::read(&folder).map_err(CommandError::input)
}

/// Keeps secrets out of what people write. What AWS answers is redacted; what a person states is theirs to change.
pub(super) struct Guard(Redactor);

impl Guard {
    pub(super) fn new(catalog: &Catalog) -> Result<Self, CommandError> {
        // Nothing is kept of what is found, so that any key will do.
        let key = RedactionKey::from_bytes(&[0; 32]);
        Redactor::new(&catalog.redactions, key).map(Self).map_err(CommandError::internal)
    }

    /// Whether a record holds nothing that looks like a secret.
    pub(super) fn accept(&self, record: &Record) -> Result<(), String> {
        let mut copy = record.clone();
        self.0.redact_record(&mut copy);
        match copy.redactions.first() {
            None => Ok(()),
            Some(found) => Err(format!(
                "{} looks like a secret ({}), which no bundle may hold: say it without it",
                found.pointer.trim_start_matches("/outcome/response/"),
                found.rule
            )),
        }
    }
}
