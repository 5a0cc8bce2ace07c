//! CloudTrail's public keys: out of a file, or asked for in each region.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::aws::Session;
use crate::cli::exit::CommandError;
use crate::cli::workspace::Workspace;
use crate::model::Period;
use crate::trail::digest::{KeySet, StoreError};

/// Where CloudTrail's public keys come from.
#[derive(Debug, Clone, Default, clap::Args)]
pub(in crate::cli) struct KeysArguments {
    /// File with CloudTrail's public keys, instead of asking CloudTrail for them (ListPublicKeys): what --save-keys wrote, or
    /// what `aws cloudtrail list-public-keys --output json` prints.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Write the public keys that were used to a file, so that anybody can validate again without AWS.
    #[arg(long, value_name = "FILE")]
    save_keys: Option<PathBuf>,
}

/// CloudTrail's public keys, as far as they are known.
pub(in crate::cli) struct Keys<'a> {
    session: Option<&'a Session>,
    period: Period,
    file: Option<KeySet>,
    asked: BTreeMap<String, KeySet>,
}

impl KeysArguments {
    /// Whether a file holds them.
    pub(in crate::cli) fn are_in_a_file(&self) -> bool {
        self.keys.is_some()
    }

    /// The keys: those of the file, or those that CloudTrail names for `period`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(in crate::cli) fn open<'a>(
        &self,
        session: Option<&'a Session>,
        period: Period,
    ) -> Result<Keys<'a>, CommandError> {
        let file = self.keys.as_deref().map(read).transpose()?;
        Ok(Keys { session, period, file, asked: BTreeMap::new() })
    }

    /// Writes the keys that were used, where that was asked for.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(in crate::cli) fn save(&self, keys: &Keys<'_>) -> Result<(), CommandError> {
        let Some(path) = &self.save_keys else { return Ok(()) };
        let mut all = keys.file.clone().unwrap_or_default();
        keys.asked.values().for_each(|set| all.extend(set.clone()));
        Workspace::write(path, format!("{:#}\n", all.to_json()).as_bytes())
    }
}

fn read(path: &Path) -> Result<KeySet, CommandError> {
    let wrong =
        |problem: String| CommandError::input(format!("cannot read the keys {}: {problem}", path.display()));
    let bytes = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    KeySet::from_json(&bytes).map_err(|error| wrong(error.to_string()))
}

impl<'a> Keys<'a> {
    /// Keys that CloudTrail is asked for.
    pub(in crate::cli) fn asked_with(session: &'a Session, period: Period) -> Self {
        Self { session: Some(session), period, file: None, asked: BTreeMap::new() }
    }

    /// The keys for the digest files of a region.
    ///
    /// # Errors
    /// When CloudTrail does not say.
    pub(in crate::cli) async fn of(&mut self, region: &str) -> Result<KeySet, StoreError> {
        if let Some(keys) = &self.file {
            return Ok(keys.clone());
        }
        if let Some(keys) = self.asked.get(region) {
            return Ok(keys.clone());
        }
        let Some(session) = self.session else { return Ok(KeySet::default()) };
        let settings = aws_sdk_cloudtrail::config::Builder::from(session.sdk_config())
            .region(aws_sdk_cloudtrail::config::Region::new(region.to_owned()))
            .build();
        let client = aws_sdk_cloudtrail::Client::from_conf(settings);
        let keys = KeySet::ask(&client, region, self.period).await?;
        self.asked.insert(region.to_owned(), keys.clone());
        Ok(keys)
    }
}
