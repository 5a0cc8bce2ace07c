//! Collecting: the calls that the catalog names, made once each, and a record of everything that came
//! back. What could not be obtained is a record too (a gap); nothing is left out in silence.
//!
//! One [`collect`] covers one account: services of global scope once, in the partition's home region,
//! the others in every region of the run. Calls that depend on an earlier answer are made as soon as
//! that answer is there; every record is handed on as soon as it exists and not kept. Which records
//! come out does not depend on the order in which answers arrive.

mod attempt;
mod caller;
mod forecast;
mod gate;
mod known;
mod lanes;
mod outcome;
mod parameter;
mod plan;
mod progress;
mod redaction;
mod schedule;
mod single;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::Sender;

pub use attempt::Redact;
pub use caller::{Caller, Failure, Reply};
pub use forecast::{EarlierRun, Estimate, ForecastRow};
pub use gate::{Bounds, Gate};
pub use known::{Known, Learning, Recorded};
pub use plan::Plan;
pub use progress::{Progress, Summary};
pub use redaction::{RedactionError, RedactionKey, RedactionKeyError, Redactor};
pub use single::call_once;

use crate::catalog::{Catalog, TemplateError};
use crate::clock::Clock;
use crate::model::Record;

/// One run over one account.
pub struct Collection<'a, C: Caller> {
    /// What to call.
    pub catalog: &'a Catalog,
    /// Makes the calls.
    pub client: C,
    /// AWS partition: `aws`, `aws-us-gov` or `aws-cn`.
    pub partition: String,
    /// Account id (12 digits).
    pub account: String,
    /// Where services of global scope are called: us-east-1 in the partition `aws`.
    pub home_region: String,
    /// Regions for all other services.
    pub regions: Vec<String>,
    /// ARN of the identity that makes the calls.
    pub caller: String,
    /// Dates the records.
    pub clock: Clock,
    /// The bounds, shared by all accounts of a run: what may be under way, until when, and whether to stop.
    pub gate: Arc<Gate>,
    /// What an earlier run of the same scope and catalog recorded.
    pub known: Known,
    /// Takes secrets out of what this hands on, before it is written down. The records are handed on as they are,
    /// those of an earlier run as that run wrote them down.
    pub redactor: Arc<dyn Redact>,
    /// Is told how it goes.
    pub progress: &'a dyn Progress,
}

/// Where to call.
struct Scope {
    home_region: String,
    regions: Vec<String>,
}

/// Limits that only tests change.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Items of one response that are followed up, for each operation.
    fan_out: usize,
    /// How often a call is made again whose error asks for patience.
    again: u32,
    /// How long to wait before that.
    rest: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { fan_out: 100_000, again: 10, rest: Duration::from_secs(1) }
    }
}

/// Why a run could not be made. An API that refuses or fails is not among the reasons: that is a gap.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The catalog holds an expression that cannot be read.
    #[error("the collector {service} cannot be used: {operation}: {source}; correct its TOML file")]
    Catalog {
        /// Service.
        service: String,
        /// Operation.
        operation: String,
        /// What is wrong with it.
        source: TemplateError,
    },
    /// The collector's calls do not follow from one another.
    #[error(
        "the collector {service} cannot be used: {operation} fans out over {over}, which no earlier call makes; correct its TOML file"
    )]
    Order {
        /// Service.
        service: String,
        /// Operation.
        operation: String,
        /// The call that it depends on.
        over: String,
    },
    /// Not an account id.
    #[error("{0:?} is not an account id: 12 digits are expected")]
    Account(String),
    /// Not a region's name.
    #[error(
        "{0:?} is not a region's name: lower-case letters, digits and hyphens are expected, e.g. eu-west-1"
    )]
    Region(String),
    /// Somebody asked the run to stop.
    #[error("the collection was interrupted; what was recorded is kept")]
    Interrupted,
    /// Whoever takes the records is gone.
    #[error("the records could not be handed on: their receiver stopped; its own error says why")]
    ReceiverGone,
}

/// Makes all calls that the catalog names and sends every record to `records` as soon as it is there. What is
/// known from an earlier run is not asked again: its record is sent once more, and what follows from it is asked.
///
/// # Errors
/// When the catalog or the scope cannot be used, the run was interrupted, or the receiver of the records is
/// gone. Failed calls are not errors: they are records.
pub async fn collect<C: Caller>(
    run: Collection<'_, C>,
    records: Sender<Record>,
) -> Result<Summary, CollectError> {
    collect_within(run, records, Limits::default()).await
}

async fn collect_within<C: Caller>(
    run: Collection<'_, C>,
    records: Sender<Record>,
    limits: Limits,
) -> Result<Summary, CollectError> {
    if run.account.len() != 12 || !run.account.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(CollectError::Account(run.account));
    }
    let regions: BTreeSet<String> = run.regions.into_iter().collect();
    for region in regions.iter().chain([&run.home_region]) {
        if !plan::is_region(region) {
            return Err(CollectError::Region(region.clone()));
        }
    }
    let around = attempt::Around {
        plan: Plan::new(run.catalog)?,
        partition: run.partition,
        account: run.account.into(),
        caller: run.caller,
        clock: run.clock,
        redactor: run.redactor,
        records,
        known: run.known,
        fan_out: limits.fan_out,
        again: limits.again,
        call_time: run.gate.bounds().call_time,
    };
    let scope = Scope { home_region: run.home_region, regions: regions.into_iter().collect() };
    schedule::Schedule::new(around, run.client, run.gate, run.progress, scope, limits.rest).run().await
}
