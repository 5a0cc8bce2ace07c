//! One account of a run: entered, and collected. What goes wrong in it stays in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;
use tokio::sync::mpsc::Sender;

use super::Means;
use super::excerpts::{excerpts, log_sources};
use super::identity::{self, Identity, Place};
use super::regions::{self, AccountRegions};
use crate::aws::{AssumeRole, Client, Models, Session};
use crate::catalog::Catalog;
use crate::cli::config::Config;
use crate::cli::exit::CommandError;
use crate::cli::trail::AthenaEngine;
use crate::clock::Clock;
use crate::collect::{CollectError, Collection, Summary, call_once, collect};
use crate::model::{ApiError, Period, Record, Source};
use crate::trail::{self, LogSource, Request, Rule};

/// What the accounts of a run have in common.
pub(super) struct Run<'a> {
    pub(super) config: &'a Config,
    /// What is planned in every account but the credentials' own: see [`planned`].
    pub(super) catalog: Catalog,
    /// What is planned in the credentials' own: without what AWS Organizations was asked there.
    pub(super) own_catalog: Catalog,
    /// What searches log objects, where that is Amazon Athena.
    pub(super) athena: Option<AthenaEngine>,
    /// The excerpt rules, with the parameters of the configuration.
    pub(super) rules: BTreeMap<String, Rule>,
    pub(super) models: Arc<Models>,
    /// The session of the credentials.
    pub(super) session: Arc<Session>,
    pub(super) place: Place,
    /// Who the credentials belong to.
    pub(super) own: Identity,
    pub(super) period: Period,
    pub(super) clock: Clock,
}

/// An account that was entered, or could not be.
pub(super) struct Account {
    /// Account id (12 digits).
    pub(super) id: String,
    /// What is looked at in it.
    pub(super) regions: AccountRegions,
    /// Why it could not be entered, where that is so.
    pub(super) failure: Option<ApiError>,
    /// Why its regions could not be found out, where that is so.
    pub(super) regions_unknown: Option<ApiError>,
    /// The records that say who we are there and which regions it has.
    opening: Vec<Record>,
    session: Arc<Session>,
    /// ARN of the identity that makes the calls.
    caller: String,
    logs: Vec<LogSource>,
}

/// The calls with which every account is entered. They are made before its plan, which depends on their answers.
const OPENING: [(&str, &str); 2] = [("sts", "GetCallerIdentity"), ("ec2", "DescribeRegions")];

/// The catalog for the scheduler: without the calls with which an account is entered, and without those of
/// `asked`. Their records are in the bundle already, and no call is made twice.
pub(super) fn planned(catalog: &Catalog, asked: &[Record]) -> Catalog {
    let mut planned = catalog.clone();
    let asked = asked.iter().map(|record| (record.source.service.as_str(), record.source.operation.as_str()));
    for (service, operation) in OPENING.into_iter().chain(asked) {
        if let Some(collector) = planned.collectors.get_mut(service) {
            collector.calls.retain(|call| call.operation != operation);
        }
    }
    planned
}

impl Run<'_> {
    /// Enters an account: assumes its role, asks who we are there, and which regions it has enabled.
    ///
    /// # Errors
    /// When the configuration is wrong for it. An account that cannot be entered is no error: it says so itself.
    pub(super) async fn enter(&self, id: &str) -> Result<Account, CommandError> {
        let mut account = Account {
            id: id.to_owned(),
            regions: regions::settle(&self.config.scope.regions, None, |_| false),
            failure: None,
            regions_unknown: None,
            opening: Vec::new(),
            session: Arc::clone(&self.session),
            caller: self.own.arn.clone(),
            logs: log_sources(self.config, id)?,
        };
        let identity = if id == self.own.account {
            self.own.clone()
        } else {
            let role = self.role_in(id);
            let arn = role.arn.clone();
            account.session = Arc::new(self.session.assume(role).await.map_err(CommandError::aws)?);
            let client = self.client(&account.session);
            match identity::assumed(&client, &self.place, id, &self.own.arn, &arn, self.clock).await {
                Ok(identity) => identity,
                Err((problem, record)) => {
                    account.failure = Some(problem);
                    account.opening.push(record);
                    return Ok(account);
                }
            }
        };
        account.caller = identity.arn;
        account.opening.push(identity.record);
        let source = self.place.source(id, &account.caller, "ec2", "DescribeRegions");
        let source = Source { parameters: json!({ "AllRegions": true }), ..source };
        let client = self.client(&account.session);
        let record = call_once(&client, source, self.clock).await;
        let belongs = |region: &str| client.partition_of(region) == Some(self.place.partition.as_str());
        account.regions = regions::settle(&self.config.scope.regions, record.response(), belongs);
        account.regions_unknown = record.gap().cloned();
        account.opening.push(record);
        Ok(account)
    }

    fn client(&self, session: &Arc<Session>) -> Client {
        Client::new(Arc::clone(&self.models), Arc::clone(session))
    }

    fn role_in(&self, account: &str) -> AssumeRole {
        let role = self.config.scope.role_in(account);
        AssumeRole {
            arn: format!("arn:{}:iam::{account}:role/{}", self.place.partition, role.name),
            external_id: role.external_id,
            session_name: role.session_name,
            // That of the configuration may be a region that is not enabled.
            region: Some(self.place.home_region.clone()),
        }
    }

    /// Collects an account and sends every record on: what entering it gave, what the catalog names, and the
    /// excerpts. The gate bounds the calls of all accounts together; what is known is not asked again.
    ///
    /// # Errors
    /// When the catalog cannot be used, the run was interrupted, or nobody takes the records. What AWS refuses is in
    /// the records.
    pub(super) async fn collect(
        &self,
        account: &Account,
        means: Means<'_>,
        records: Sender<Record>,
    ) -> Result<Summary, CommandError> {
        for record in &account.opening {
            send(&records, record.clone()).await?;
        }
        let request = Request {
            rules: &self.rules,
            period: self.period,
            partition: &self.place.partition,
            account: &account.id,
            caller: &account.caller,
            clock: self.clock,
            reading: means.display,
            quiet: means.quiet,
        };
        if let Some(failure) = &account.failure {
            for record in trail::unseen(request, &self.place.home_region, &failure.code, &failure.message) {
                send(&records, record).await?;
            }
            return Ok(Summary::default());
        }
        let collection = Collection {
            catalog: if account.id == self.own.account { &self.own_catalog } else { &self.catalog },
            client: self.client(&account.session),
            partition: self.place.partition.clone(),
            account: account.id.clone(),
            home_region: self.place.home_region.clone(),
            regions: account.regions.in_scope.iter().cloned().collect(),
            caller: account.caller.clone(),
            clock: self.clock,
            gate: Arc::clone(means.gate),
            known: means.known.clone(),
            redactor: means.redactor.clone(),
            progress: means.display,
        };
        let summary = collect(collection, records.clone()).await.map_err(CommandError::input)?;
        // Actions in global services (IAM, root's log-ins) are in the history of the partition's home region.
        let home = std::iter::once(self.place.home_region.as_str());
        let regions: BTreeSet<&str> =
            account.regions.in_scope.iter().map(String::as_str).chain(home).collect();
        let found = tokio::select! {
            found = excerpts(self.config, &account.session, self.athena.as_ref(), request, &regions, &account.logs) => found?,
            () = means.gate.interrupted() => return Err(CommandError::input(CollectError::Interrupted)),
        };
        for record in found {
            send(&records, record).await?;
        }
        Ok(summary)
    }
}

/// A receiver that is gone has its own, better error.
async fn send(records: &Sender<Record>, record: Record) -> Result<(), CommandError> {
    records.send(record).await.map_err(|_| CommandError::internal("the records could not be handed on"))
}
