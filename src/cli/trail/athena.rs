//! Amazon Athena as the configuration describes it.

use std::sync::Arc;

use serde_json::Value;

use super::Keys;
use crate::aws::{Client, Models, Session};
use crate::cli::collect::s3_client;
use crate::cli::config::{AthenaConfig, Config, Engine};
use crate::cli::exit::CommandError;
use crate::model::{Period, Record};
use crate::trail::athena::{Answer, Athena, Refusal, Settings, Table, from_athena};
use crate::trail::digest::S3Store;
use crate::trail::{LogSource, Request};

/// What stands for the account's id in the place of log objects.
const ACCOUNT: &str = "${account}";

/// Athena, asked with a session.
pub(in crate::cli) struct AthenaEngine {
    client: Client,
    session: Arc<Session>,
    config: AthenaConfig,
    region: String,
}

/// The one place that Athena searches, and the table over it.
///
/// # Errors
/// When the configuration names several places or none, or one that is not in S3, or a name that is none of Athena's.
pub(in crate::cli) fn table(config: &Config) -> Result<Table, CommandError> {
    let [logs] = config.trail.logs.as_slice() else {
        return Err(CommandError::input(format!(
            "Athena searches one place: [trail] logs names {}; name the one s3://BUCKET/PREFIX that the trail delivers to",
            config.trail.logs.len()
        )));
    };
    let source = LogSource::parse(logs, &config.folder)
        .map_err(|error| CommandError::input(format!("[trail] logs: {error}")))?;
    over(&source, config)
}

fn over(source: &LogSource, config: &Config) -> Result<Table, CommandError> {
    let AthenaConfig { database, table, organization, .. } = &config.trail.athena;
    // Whose account it is, the partitions of the table say.
    let source = match source {
        LogSource::S3 { bucket, prefix } => {
            let prefix = prefix.split(ACCOUNT).next().unwrap_or_default().to_owned();
            LogSource::S3 { bucket: bucket.clone(), prefix }
        }
        other => other.clone(),
    };
    let table =
        Table::over(&source, database, table, organization.as_deref()).map_err(CommandError::input)?;
    // Regions stay open: a table that lists them would be silent about one that is added to the scope later, and the home
    // region is asked about whatever the scope says. For an account that is not listed, no event at all is found: that is a gap.
    Ok(Table { accounts: config.scope.named_accounts().into_iter().collect(), ..table })
}

impl AthenaEngine {
    /// The engine, where the configuration asks for it.
    ///
    /// # Errors
    /// As [`table`].
    pub(in crate::cli) fn of(
        config: &Config,
        models: &Arc<Models>,
        session: &Arc<Session>,
    ) -> Result<Option<Self>, CommandError> {
        if config.trail.engine != Engine::Athena {
            return Ok(None);
        }
        table(config)?;
        let athena = config.trail.athena.clone();
        let region = athena.region.clone().unwrap_or_else(|| session.region().to_owned());
        let client = Client::new(Arc::clone(models), Arc::clone(session));
        Ok(Some(Self { client, session: Arc::clone(session), config: athena, region }))
    }

    /// The records of every rule, of the log objects under `source` that were delivered for `regions`.
    ///
    /// # Errors
    /// When `source` is none that Athena can search.
    pub(in crate::cli) async fn search(
        &self,
        config: &Config,
        source: &LogSource,
        regions: &[String],
        request: Request<'_>,
    ) -> Result<Vec<Record>, CommandError> {
        let table = over(source, config)?;
        let s3 = s3_client(&self.session);
        let store = S3Store::new(s3.clone());
        let settings = Settings {
            table: &table,
            workgroup: &self.config.workgroup,
            output_location: self.config.output_location.as_deref(),
            bytes_limit: self.config.bytes_limit,
            regions,
            region: &self.region,
            endpoint: self.session.endpoint_url().unwrap_or("aws"),
        };
        // Digest files that are delivered afterwards are signed with the key of their own time.
        let end = request.clock.now().max(request.period.end);
        let mut keys = Keys::asked_with(&self.session, Period { end, ..request.period });
        let keys = async |region: &str| keys.of(region).await;
        Ok(from_athena(self, &s3, &store, source, settings, request, keys).await)
    }
}

impl Athena for AthenaEngine {
    async fn call(&self, operation: &'static str, parameters: &Value) -> Result<Answer, Refusal> {
        let (service, region) = ("athena", self.region.as_str());
        let reply = if self.client.models().is_query(service, operation) {
            self.client.query(service, operation, region, parameters).await
        } else {
            self.client.call(service, operation, region, parameters).await
        };
        let reply = reply.map_err(|failure| Refusal::new(&failure.code, failure.message))?;
        let request_ids = reply.exchanges.into_iter().filter_map(|exchange| exchange.request_id).collect();
        Ok(Answer { value: reply.value, request_ids })
    }
}
