//! `proofpack collect`: evidence from AWS, sealed into a bundle.

mod account;
mod excerpts;
mod identity;
mod regions;
mod roster;
mod session;
mod shard;

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::closing::{self, Closing};
use super::config::{Config, Engine, Regions};
use super::exit::{CommandError, Exit};
use super::progress::Display;
use super::resume::{Earlier, Opened};
use super::trail::AthenaEngine;
use super::workspace::Workspace;
use super::{
    CommandResult, ConfigArgument, additions, assess, interrupt, output, previous, redaction, runtime,
};
use crate::aws::{Client, Models};
use crate::bundle::{Begun, SealInfo, Writer};
use crate::canonical;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::collect::{Bounds, Gate, Known, RedactionKey, Redactor, Summary};
use crate::model::{Manifest, Record, Scope, Shard, Tool};
use crate::trail::{QuietFiles, Rule};
use account::{Account, Run};
use roster::Roster;
use shard::{Part, ShardArgument};

pub(super) use session::{s3_client, session};

/// Accounts collected at once where the configuration does not say.
const ACCOUNTS_AT_ONCE: usize = 4;
/// Beside the journal of a bundle that is being made.
const QUIET_LOG_FILES: &str = "quiet-log-files.ndjson";
/// Accounts entered at once: two calls each.
const ENTERED_AT_ONCE: usize = 16;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  AWS_PROFILE=audit proofpack collect --config proofpack.toml\n  proofpack collect --shard 2/5 --out part-2   # on the second of five machines; then: proofpack bundle merge"
)]
pub(super) struct CollectArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// Collect only part I of N of the accounts, on this machine; `array/N` takes I from AWS Batch
    /// (AWS_BATCH_JOB_ARRAY_INDEX). Join the parts with `proofpack bundle merge`.
    #[arg(long, value_name = "I/N")]
    shard: Option<ShardArgument>,
    /// Begin anew: remove what a run that did not finish has recorded, instead of going on from there.
    #[arg(long)]
    fresh: bool,
    /// What searches CloudTrail's log files, instead of the configuration's `[trail] engine`.
    #[arg(long, value_enum)]
    engine: Option<Engine>,
    /// Print what the collection came to as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &CollectArguments) -> CommandResult {
    Models::read_ahead();
    let mut config = arguments.config.read()?;
    config.trail.engine = arguments.engine.unwrap_or(config.trail.engine);
    let workspace = arguments.config.workspace(&config);
    let catalog = config.catalog()?;
    assess::require_settings(&config, &catalog)?;
    let how = How { shard: arguments.shard, fresh: arguments.fresh, http: None };
    let collecting = collect_part(&config, &workspace, &catalog, Clock::System, how);
    let Collected { manifest, closing } = runtime()?.block_on(collecting)?;
    if arguments.json {
        println!("{:#}", closing.json(&manifest));
    } else {
        println!("Sealed {} ({})", workspace.bundle().display(), summary(&manifest));
        println!("{}", closing.text());
    }
    Ok(if manifest.gaps.is_empty() { Exit::Success } else { Exit::Incomplete })
}

/// What a bundle came to, in a line.
pub(super) fn summary(manifest: &Manifest) -> String {
    let accounts = match manifest.scope.accounts.len() {
        1 => String::new(),
        several => format!(" of {several} accounts"),
    };
    format!("{} records{accounts}, {}", manifest.records, closing::gaps(manifest))
}

/// How a collection differs from the usual one.
struct How {
    /// Part of the accounts.
    shard: Option<ShardArgument>,
    /// Whether what an earlier run left is removed.
    fresh: bool,
    /// In place of the network (the demonstration).
    http: Option<SharedHttpClient>,
}

/// What was collected.
pub(super) struct Collected {
    pub(super) manifest: Manifest,
    pub(super) closing: Closing,
}

/// Collects what the configuration asks for, all accounts, and seals it; goes on where an earlier run ended, unless
/// `fresh`. `http` replaces the network.
pub(super) async fn collect_bundle(
    config: &Config,
    workspace: &Workspace,
    catalog: &Catalog,
    clock: Clock,
    fresh: bool,
    http: Option<SharedHttpClient>,
) -> Result<Collected, CommandError> {
    collect_part(config, workspace, catalog, clock, How { shard: None, fresh, http }).await
}

async fn collect_part(
    config: &Config,
    workspace: &Workspace,
    catalog: &Catalog,
    clock: Clock,
    how: How,
) -> Result<Collected, CommandError> {
    // Everything that can be found wrong without AWS is found before the first call.
    let began = Instant::now();
    let now = clock.now();
    let target = workspace.bundle();
    let earlier = Earlier::look(&target, how.fresh, config.collection.freshness(), now)?;
    let started = earlier.as_of(now);
    let period = config.scope.period(started)?;
    let variable = |name: &str| std::env::var(name).ok();
    let part = how.shard.map(|shard| shard.part(variable)).transpose()?;
    if part.is_some() && !config.scope.period_is_over(started) {
        return Err(CommandError::input(
            "--shard needs an audit period that is the same on every machine: set scope.period, or a scope.period-end before today",
        ));
    }
    excerpts::require_log_sources(config)?;
    previous::require(config, period)?;
    let additions = additions::additions(config, catalog)?;
    let redactor = Arc::new(redactor(config, catalog, how.http.is_some())?);
    let models = Arc::new(Models::embedded().map_err(CommandError::internal)?);
    let session = Arc::new(session(config, how.http).await?);
    let client = Client::new(Arc::clone(&models), Arc::clone(&session));
    let place = identity::Place::of(config, &client)?;
    let own = identity::own(&client, &place, config, clock).await?;
    let mut roster = roster::roster(&config.scope, &client, &place, &own, clock).await?;
    let previous = previous::digest(config, workspace, period, &roster.accounts).await?;
    let shard = part.map(|part| only(part, &mut roster, &own.account));

    let rules = Rule::all(&catalog.excerpts, &config.parameters).map_err(CommandError::input)?;
    let (planned, own_planned) = (account::planned(catalog, &[]), account::planned(catalog, &roster.records));
    let athena = AthenaEngine::of(config, &models, &session)?;
    let run = Run {
        config,
        athena,
        catalog: planned,
        own_catalog: own_planned,
        rules,
        models,
        session,
        place,
        own,
        period,
        clock,
    };
    let entering = stream::iter(&roster.accounts).map(|id| run.enter(id)).buffered(ENTERED_AT_ONCE);
    let accounts: Vec<Account> = entering.try_collect().await?;
    announce(config, &run.place.partition, &roster, &accounts, &redactor)?;
    let scope = scope(&run, &roster, &accounts);

    let begun = Begun { tool: Tool::this(), catalog_sha256: catalog.digest, scope: scope.clone(), started };
    let Opened { mut writer, known } = earlier.open(&target, &begun)?;
    for record in &roster.records {
        store(&mut writer, &redactor, record.clone())?;
    }
    for addition in &additions {
        addition.add_to(&mut writer).map_err(CommandError::output)?;
    }
    let bounds = Bounds::of(config.aws.concurrency.unwrap_or(Bounds::default().overall));
    let gate = Gate::new(bounds, config.collection.time_limit().map(|limit| began + limit));
    interrupt::listen(Arc::clone(&gate));
    let display = Display::new();
    let quiet = writer.partial().join(QUIET_LOG_FILES);
    let quiet = QuietFiles::open(&quiet)
        .map_err(|error| CommandError::output(format!("{}: {error}", quiet.display())))?;
    let means = Means { gate: &gate, known: &known, redactor: &redactor, display: &display, quiet: &quiet };
    let collected = collect_accounts(&run, &accounts, &mut writer, means).await;
    display.finish();
    if gate.is_interrupted() {
        return Err(interrupt::interrupted(writer.partial(), writer.recorded()));
    }
    let closing = Closing { summary: collected?, elapsed: began.elapsed() };
    let info = SealInfo {
        tool: Tool::this(),
        catalog_sha256: catalog.digest,
        scope,
        collection_started: writer.first_collected_at().unwrap_or(started),
        sealed_at: clock.now(),
        redaction_key_commitment: Some(redactor.key_commitment()),
        previous_manifest_sha256: previous,
        shard,
        merged_from_sha256: Vec::new(),
        amends_sha256: None,
    };
    let manifest = writer.seal(info).map_err(CommandError::output)?;
    Ok(Collected { manifest, closing })
}

/// The one way into the bundle for what AWS answered: its secrets are taken out first. (What an earlier run has
/// recorded comes as it is in the journal; what people wrote is refused instead, see `additions.rs`.)
fn store(writer: &mut Writer, redactor: &Redactor, mut record: Record) -> Result<(), CommandError> {
    if writer.take_back(&record).map_err(CommandError::output)? {
        return Ok(());
    }
    redactor.redact_record(&mut record);
    writer.append(&record).map_err(CommandError::output)?;
    Ok(())
}

/// The redactor of a run. The demonstration is the same on every machine, and so is its key.
fn redactor(config: &Config, catalog: &Catalog, demonstration: bool) -> Result<Redactor, CommandError> {
    let key = if demonstration {
        RedactionKey::from_bytes(canonical::sha256(b"proofpack demonstration").as_bytes())
    } else {
        redaction::key(config)?
    };
    Redactor::new(&catalog.redactions, key).map_err(CommandError::internal)
}

/// What the accounts of a run share while they are collected.
#[derive(Clone, Copy)]
struct Means<'a> {
    gate: &'a Arc<Gate>,
    known: &'a Known,
    redactor: &'a Arc<Redactor>,
    display: &'a Display,
    quiet: &'a QuietFiles,
}

/// Collects the accounts, several at a time, all into one bundle.
async fn collect_accounts(
    run: &Run<'_>,
    accounts: &[Account],
    writer: &mut Writer,
    means: Means<'_>,
) -> Result<Summary, CommandError> {
    let at_once = run.config.aws.accounts_at_once.unwrap_or(ACCOUNTS_AT_ONCE);
    // What waits here is held in memory.
    let (sender, receiver) = mpsc::channel::<Record>(16);
    // Each end of the channel is moved to where it is used, so that it is dropped when that ends, in whatever way.
    let collecting = async move {
        let sender = sender;
        let each = accounts.iter().map(|account| run.collect(account, means, sender.clone()));
        let running = stream::iter(each).buffer_unordered(at_once.max(1));
        let add = |mut all: Summary, one: Summary| {
            all.add(one);
            std::future::ready(Ok(all))
        };
        running.try_fold(Summary::default(), add).await
    };
    let storing = async move {
        let mut receiver = receiver;
        while let Some(record) = receiver.recv().await {
            store(writer, means.redactor, record)?;
        }
        Ok::<(), CommandError>(())
    };
    let (collected, stored) = tokio::join!(collecting, storing);
    stored?;
    collected
}

/// Takes the accounts of other parts out of the roster. What AWS Organizations said goes into one part only, that
/// of the credentials' own account: merged, it is there once.
fn only(part: Part, roster: &mut Roster, own_account: &str) -> Shard {
    let all: Vec<String> = std::mem::take(&mut roster.accounts).into_iter().collect();
    let own_is_in_scope = all.iter().any(|account| account == own_account);
    let shard = part.of(all);
    roster.accounts = shard.own_accounts().into_iter().collect();
    let keeps = if own_is_in_scope { roster.accounts.contains(own_account) } else { shard.number == 1 };
    if !keeps {
        roster.records.clear();
    }
    shard
}

/// What the bundle covers.
fn scope(run: &Run<'_>, roster: &Roster, accounts: &[Account]) -> Scope {
    let regions = accounts.iter().flat_map(|account| &account.regions.in_scope);
    let mut scope = Scope::new(&run.place.partition, &roster.accounts, regions, run.period);
    let not_enabled = accounts.iter().filter(|account| !account.regions.not_enabled.is_empty());
    scope.regions_not_enabled =
        not_enabled.map(|account| (account.id.clone(), account.regions.not_enabled.clone())).collect();
    scope.accounts_left_out.clone_from(&roster.left_out);
    scope
}

/// Says what will be missing, before an hour of collecting and not after.
fn announce(
    config: &Config,
    partition: &str,
    roster: &Roster,
    accounts: &[Account],
    redactor: &Redactor,
) -> Result<(), CommandError> {
    if let Some((account, region)) =
        accounts.iter().find_map(|account| Some((account, account.regions.nonexistent.first()?)))
    {
        return Err(CommandError::input(format!(
            "scope.regions: {region} is no region of the partition {partition} (ec2 DescribeRegions in account {}): check its spelling",
            account.id
        )));
    }
    if accounts.is_empty() {
        output::warning(format_args!(
            "no account falls to this part: there are more parts than accounts; its bundle is empty"
        ));
    }
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in roster.left_out.values() {
        *reasons.entry(reason.words()).or_default() += 1;
    }
    for (reason, count) in reasons {
        output::warning(format_args!("{count} account(s) of the organization are out of scope: {reason}"));
    }
    for account in accounts {
        if let Some(failure) = &account.failure {
            let mut message = failure.message.clone();
            redactor.redact_text("", &mut message);
            output::warning(format_args!(
                "account {} cannot be entered, every check of it will be indeterminate: {}: {message}",
                account.id, failure.code
            ));
        }
        if let Some(failure) = &account.regions_unknown {
            let consequence = match config.scope.regions {
                Regions::Enabled => {
                    "its regions are not known and none is looked at: allow ec2:DescribeRegions, or list scope.regions"
                }
                Regions::Listed(_) => "whether the listed regions are enabled is not known",
            };
            output::warning(format_args!("account {}: {consequence}: {}", account.id, failure.code));
        }
        if let Regions::Listed(_) = config.scope.regions {
            for region in &account.regions.not_enabled {
                output::warning(format_args!(
                    "account {} has not enabled the region {region}: it is out of scope there",
                    account.id
                ));
            }
        }
    }
    Ok(())
}
