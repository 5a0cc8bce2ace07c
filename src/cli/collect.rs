//! `proofpack collect`: evidence from AWS, sealed into a bundle.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::sync::mpsc;

use super::config::Config;
use super::exit::{CommandError, Exit};
use super::progress::Display;
use super::workspace::Workspace;
use super::{CommandResult, ConfigArgument, assess, catalog, runtime};
use crate::aws::{AssumeRole, Client, Failure, Models, Session, SessionOptions};
use crate::bundle::{SealInfo, Writer};
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::collect::{Collection, collect};
use crate::model::{Manifest, Period, Record, Scope, Tool};
use crate::trail::{self, LogSource};

/// Calls under way at once where the configuration does not say.
const CONCURRENCY: usize = 16;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  AWS_PROFILE=audit proofpack collect --config proofpack.toml")]
pub(super) struct CollectArguments {
    #[command(flatten)]
    config: ConfigArgument,
}

pub(super) fn run(arguments: &CollectArguments) -> CommandResult {
    let config = arguments.config.read()?;
    let workspace = arguments.config.workspace(&config);
    let catalog = catalog()?;
    assess::require_settings(&config, &catalog)?;
    let manifest = runtime()?.block_on(collect_bundle(&config, &workspace, &catalog, Clock::System, None))?;
    println!("Sealed {} ({})", workspace.bundle().display(), summary(&manifest));
    Ok(if manifest.gaps.is_empty() { Exit::Success } else { Exit::Incomplete })
}

/// What a bundle came to, in a line.
pub(super) fn summary(manifest: &Manifest) -> String {
    let gaps: u64 = manifest.gaps.iter().map(|gap| gap.count).sum();
    let codes: Vec<String> = manifest.gaps.iter().map(|gap| format!("{} {}", gap.count, gap.code)).collect();
    let gaps = if gaps == 0 {
        "no gaps".to_owned()
    } else {
        format!("{gaps} gap{}: {}", if gaps == 1 { "" } else { "s" }, codes.join(", "))
    };
    format!("{} records, {gaps}", manifest.records)
}

/// Collects what the configuration asks for and seals it. `http` replaces the network (the demonstration).
pub(super) async fn collect_bundle(
    config: &Config,
    workspace: &Workspace,
    catalog: &Catalog,
    clock: Clock,
    http: Option<SharedHttpClient>,
) -> Result<Manifest, CommandError> {
    // Everything that can be found wrong without AWS is found before the first call.
    let started = clock.now();
    let period = config.period(started)?;
    let logs = log_sources(config)?;
    let models = Arc::new(Models::embedded().map_err(CommandError::internal)?);
    let session = Arc::new(session(config, http).await?);
    let client = Client::new(models, session.clone());
    let identity = identity(&client, config).await?;
    let mut writer = Writer::create(&workspace.bundle()).map_err(CommandError::output)?;

    let display = Display::new();
    let (sender, mut receiver) = mpsc::channel::<Record>(256);
    let collection = Collection {
        catalog,
        client: client.clone(),
        partition: identity.partition.clone(),
        account: identity.account.clone(),
        home_region: identity.home_region.clone(),
        regions: config.scope.regions.clone(),
        caller: identity.caller.clone(),
        clock,
        concurrency: config.aws.concurrency.unwrap_or(CONCURRENCY),
        progress: &display,
    };
    let store = async {
        while let Some(record) = receiver.recv().await {
            writer.append(&record).map_err(CommandError::output)?;
        }
        Ok::<(), CommandError>(())
    };
    let (collected, stored) = tokio::join!(collect(collection, sender), store);
    stored?;
    collected.map_err(CommandError::input)?;
    display.finish();
    let scope = scope(config, &identity, period);
    for record in excerpts(config, &session, catalog, &identity, &scope, &logs, clock).await {
        writer.append(&record).map_err(CommandError::output)?;
    }
    seal(writer, catalog, scope, started, clock)
}

fn seal(
    writer: Writer,
    catalog: &Catalog,
    scope: Scope,
    collection_started: DateTime<Utc>,
    clock: Clock,
) -> Result<Manifest, CommandError> {
    let info = SealInfo {
        tool: Tool::this(),
        catalog_sha256: catalog.digest,
        scope,
        collection_started,
        sealed_at: clock.now(),
        previous_manifest_sha256: None,
    };
    writer.seal(info).map_err(CommandError::output)
}

fn scope(config: &Config, identity: &Identity, period: Period) -> Scope {
    let mut regions = config.scope.regions.clone();
    regions.sort();
    regions.dedup();
    Scope { partition: identity.partition.clone(), accounts: vec![identity.account.clone()], regions, period }
}

/// Who we are to AWS.
struct Identity {
    partition: String,
    account: String,
    caller: String,
    /// Where the partition keeps the events of its global services.
    home_region: String,
}

/// Asks AWS who we are: the first call, and the one that tells wrong credentials from all else.
async fn identity(client: &Client, config: &Config) -> Result<Identity, CommandError> {
    let region = config.scope.regions.first().map_or("us-east-1", String::as_str);
    let reply = client.call("sts", "GetCallerIdentity", region, &json!({})).await.map_err(|failure| {
        CommandError::aws(format!(
            "AWS did not say who we are (sts GetCallerIdentity in {region}{}): {}: {}\n{}",
            config.aws.profile.as_ref().map_or_else(String::new, |name| format!(", profile {name:?}")),
            failure.code,
            failure.message,
            advice(&failure)
        ))
    })?;
    let member = |name: &str| reply.value.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    match (member("Account"), member("Arn")) {
        (Some(account), Some(caller)) => {
            let partition = client.partition(region);
            let home_region = client.home_region(&partition);
            Ok(Identity { partition, account, caller, home_region })
        }
        _ => Err(CommandError::aws(
            "AWS answered sts GetCallerIdentity without an account; check the endpoint",
        )),
    }
}

fn advice(failure: &Failure) -> &'static str {
    match failure.code.as_str() {
        "NoCredentials" => {
            "Give credentials as for the AWS CLI: AWS_PROFILE, AWS_ACCESS_KEY_ID, `aws sso login`, or [aws] profile in proofpack.toml."
        }
        "InvalidClientTokenId" | "SignatureDoesNotMatch" | "UnrecognizedClientException" | "AuthFailure" => {
            "The credentials are wrong: check `aws sts get-caller-identity` with the same profile."
        }
        "ExpiredToken" | "ExpiredTokenException" => "The credentials have expired: log in again.",
        "Timeout" | "Unreachable" => {
            "No answer: check the network, the proxy, and that the region exists (`aws ec2 describe-regions --all-regions`)."
        }
        "UnknownRegion" => {
            "Check scope.regions in proofpack.toml (`aws ec2 describe-regions --all-regions` lists them)."
        }
        _ => "Check the credentials and scope.regions in proofpack.toml.",
    }
}

/// Opens a session as the configuration says.
pub(super) async fn session(
    config: &Config,
    http: Option<SharedHttpClient>,
) -> Result<Session, CommandError> {
    let assume_role = config.aws.role_arn.clone().map(|arn| AssumeRole {
        arn,
        external_id: config.aws.external_id.clone(),
        session_name: "proofpack".to_owned(),
    });
    let options = SessionOptions {
        profile: config.aws.profile.clone(),
        region: config.scope.regions.first().cloned(),
        endpoint_url: match http {
            // A recording was made at one address for all services; `.invalid` leads nowhere (RFC 2606).
            Some(_) => Some("http://recording.invalid".to_owned()),
            None => config.aws.endpoint_url.clone(),
        },
        assume_role,
        // The demonstration replays a recording: it needs no credentials, and must not look for any.
        static_credentials: http.is_some().then(|| ("demonstration".to_owned(), "demonstration".to_owned())),
        http_client: http,
        ..SessionOptions::default()
    };
    Session::load(options).await.map_err(CommandError::aws)
}

/// An S3 client on the session; buckets in the path where the endpoint is not AWS's own.
pub(super) fn s3_client(session: &Session) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(session.sdk_config())
        .force_path_style(session.endpoint_url().is_some())
        .build();
    aws_sdk_s3::Client::from_conf(config)
}

fn log_sources(config: &Config) -> Result<Vec<LogSource>, CommandError> {
    let sources = config.trail.logs.iter().map(|text| LogSource::parse(text, &config.folder));
    sources.collect::<Result<_, _>>().map_err(|error| CommandError::input(format!("[trail] logs: {error}")))
}

/// The CloudTrail excerpts that the catalog's rules ask for, out of every source that is configured.
async fn excerpts(
    config: &Config,
    session: &Session,
    catalog: &Catalog,
    identity: &Identity,
    scope: &Scope,
    logs: &[LogSource],
    clock: Clock,
) -> Vec<Record> {
    let request = trail::Request {
        rules: &catalog.excerpts,
        period: scope.period,
        partition: &identity.partition,
        account: &identity.account,
        caller: &identity.caller,
        clock,
    };
    let endpoint = session.endpoint_url().unwrap_or("aws");
    let mut records = Vec::new();
    if config.trail.lookup_events {
        // Actions in global services (IAM, root's log-ins) are in the history of the partition's home region.
        let mut regions: BTreeSet<&str> = scope.regions.iter().map(String::as_str).collect();
        regions.insert(&identity.home_region);
        for region in regions {
            let settings = aws_sdk_cloudtrail::config::Builder::from(session.sdk_config())
                .region(aws_sdk_cloudtrail::config::Region::new(region.to_owned()))
                .build();
            let client = aws_sdk_cloudtrail::Client::from_conf(settings);
            records
                .extend(trail::from_lookup_events(&client, region, endpoint, request, logs.is_empty()).await);
        }
    }
    if !logs.is_empty() {
        let client = s3_client(session);
        for source in logs {
            records.extend(trail::from_logs(&client, source, session.region(), endpoint, request).await);
        }
    }
    records
}
