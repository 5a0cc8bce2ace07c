//! The log files of a place, account by account, narrowed by their keys as far as folders tell.

use std::collections::BTreeSet;
use std::path::Path;

use super::place::Delivery;
use crate::aws::Session;
use crate::cli::collect::s3_client;
use crate::cli::config::Config;
use crate::cli::exit::CommandError;
use crate::trail::LogSource;
use crate::trail::digest::{DigestStore, DirectoryStore, Place, S3Store, accounts, regions};

/// What stands for the account's id in the place of log objects.
const ACCOUNT: &str = "${account}";

/// Log files of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Account id (12 digits).
    pub(super) account: String,
    /// Where they are.
    pub(super) source: LogSource,
    /// The regions that files were delivered for, or those that are wanted of them.
    pub(super) regions: Vec<String>,
}

/// Which log files are wanted.
#[derive(Debug)]
pub(super) struct Wanted {
    /// None: all that files were delivered for.
    pub(super) accounts: BTreeSet<String>,
    /// None: all.
    pub(super) regions: BTreeSet<String>,
}

impl Wanted {
    /// The parts of the places that `texts` name. `session` is needed for those in S3.
    ///
    /// # Errors
    /// When a place cannot be listed, or does not say whose log files it holds.
    pub(super) async fn parts(
        &self,
        texts: &[String],
        config: &Config,
        session: Option<&Session>,
    ) -> Result<Vec<Part>, CommandError> {
        let mut parts = Vec::new();
        for text in texts {
            let written: Vec<String> = if text.contains(ACCOUNT) {
                self.accounts.iter().map(|account| text.replace(ACCOUNT, account)).collect()
            } else {
                vec![text.clone()]
            };
            if written.is_empty() {
                return Err(CommandError::input(format!(
                    "{text} needs an account: give --account, or set scope.accounts in the configuration"
                )));
            }
            for text in written {
                let source = LogSource::parse(&text, &config.folder).map_err(CommandError::input)?;
                let deliveries = Delivery::parse_all(std::slice::from_ref(&text), config, &self.accounts)?;
                for delivery in deliveries {
                    parts.extend(self.of(&source, &delivery, session).await?);
                }
            }
        }
        Ok(parts)
    }

    async fn of(
        &self,
        source: &LogSource,
        delivery: &Delivery,
        session: Option<&Session>,
    ) -> Result<Vec<Part>, CommandError> {
        match (&delivery.directory, session) {
            (Some(path), _) => {
                let store = DirectoryStore::open(path)
                    .map_err(|error| CommandError::input(format!("{}: {error}", path.display())))?;
                self.of_store(&store, source, delivery).await
            }
            (None, Some(session)) => self.of_store(&S3Store::new(s3_client(session)), source, delivery).await,
            (None, None) => Err(CommandError::internal("a bucket without a session")),
        }
    }

    async fn of_store<S: DigestStore>(
        &self,
        store: &S,
        source: &LogSource,
        delivery: &Delivery,
    ) -> Result<Vec<Part>, CommandError> {
        let refused =
            |error| CommandError::aws(format!("{} could not be listed: {error}", delivery.describe()));
        let is_wanted = |set: &BTreeSet<String>, one: &String| set.is_empty() || set.contains(one);
        let mut parts = Vec::new();
        for (organization, account) in accounts(store, &delivery.place).await.map_err(refused)? {
            let named = delivery.account.as_ref().is_none_or(|named| *named == account);
            if !named || !is_wanted(&self.accounts, &account) {
                continue;
            }
            let (found, _) =
                regions(store, &delivery.place, organization.as_deref(), &account).await.map_err(refused)?;
            let of_place = |region: &String| delivery.region.as_ref().is_none_or(|named| named == region);
            let chosen: Vec<String> = found
                .into_iter()
                .filter(|region| of_place(region) && is_wanted(&self.regions, region))
                .collect();
            let part =
                |source: LogSource, regions: Vec<String>| Part { account: account.clone(), source, regions };
            if delivery.region.is_some() || delivery.account.is_some() && self.regions.is_empty() {
                // The place is as narrow as it can be, or narrower.
                parts.push(part(source.clone(), chosen));
                continue;
            }
            let organization = organization.map_or_else(String::new, |id| format!("{id}/"));
            let folder = format!("AWSLogs/{organization}{account}/CloudTrail/");
            if self.regions.is_empty() {
                parts.extend(below(source, &delivery.place, &folder).map(|source| part(source, chosen)));
                continue;
            }
            for region in chosen {
                let source = below(source, &delivery.place, &format!("{folder}{region}/"));
                parts.extend(source.map(|source| part(source, vec![region.clone()])));
            }
        }
        if parts.is_empty() {
            // Files that lie otherwise than CloudTrail delivers them: whose they are has to be said.
            let named = delivery.account.iter().chain(&self.accounts).collect::<BTreeSet<_>>();
            if named.is_empty() {
                return Err(CommandError::input(format!(
                    "there is no AWSLogs/ACCOUNT/ under {}: name the account whose events are wanted with --account",
                    delivery.describe()
                )));
            }
            let regions: Vec<String> = self.regions.iter().cloned().collect();
            parts.extend(named.into_iter().map(|account| Part {
                account: account.clone(),
                source: source.clone(),
                regions: regions.clone(),
            }));
        }
        Ok(parts)
    }
}

/// A folder of what a trail delivered to a place; none where a directory lacks it.
fn below(source: &LogSource, place: &Place, folder: &str) -> Option<LogSource> {
    match source {
        LogSource::S3 { bucket, .. } => {
            Some(LogSource::S3 { bucket: bucket.clone(), prefix: format!("{}{folder}", place.prefix) })
        }
        LogSource::Directory(path) => {
            let narrowed = path.join(Path::new(folder));
            let narrowed = if narrowed.is_dir() { narrowed } else { path.clone() };
            Some(LogSource::Directory(narrowed))
        }
    }
}
