//! `proofpack corroborate`: which records of a bundle AWS's own signed logs confirm.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use serde_json::json;

use super::config::Config;
use super::exit::{CommandError, Exit};
use super::trail::{Delivery, KeysArguments};
use super::workspace::Workspace;
use super::{CommandResult, collect, runtime, signer};
use crate::bundle::{self, Bundle};
use crate::canonical;
use crate::clock::Clock;
use crate::model::{Corroboration, NotConfirmed, Period, ReadLogs, Tool};
use crate::sign::{detached_cms, require_valid_at};
use crate::trail::corroborate::{Claim, Gathering};
use crate::trail::digest::{
    DigestStore, DirectoryStore, KeySet, Place, Question, S3Store, StoreError, accounts, regions,
    validate_and,
};

/// How long before the first call digest files are looked at, and after the last: what is delivered late is in the next.
const AROUND: TimeDelta = TimeDelta::hours(2);

/// Mismatches that the text lists; the file lists all of them.
const SHOWN: usize = 20;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Ends with 1 where CloudTrail logged a request otherwise than the bundle says, with 5 where records are not confirmed.\n\nExamples:\n  proofpack corroborate proofpack-out/bundle --trail s3://example-trail-bucket\n  openssl cms -verify -binary -inform DER -in corroboration.json.p7s -content corroboration.json -CAfile company-ca.pem -out /dev/null"
)]
pub(super) struct CorroborateArguments {
    /// The bundle (directory).
    bundle: PathBuf,
    /// Where the trail delivers to: `s3://BUCKET/PREFIX`, or a directory that the bucket was copied into; may be given
    /// several times. The configuration's `[trail] logs` where not given.
    #[arg(long, value_name = "SOURCE")]
    trail: Vec<String>,
    /// Configuration file: whose signature the result gets, and how to reach AWS.
    #[arg(long, short, value_name = "FILE", default_value = "proofpack.toml")]
    config: PathBuf,
    /// Where to write the result; `corroboration.json` beside the bundle where not given. Its signature gets `.p7s` behind
    /// the name.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    keys: KeysArguments,
    /// Print the counts as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &CorroborateArguments) -> CommandResult {
    let config = Config::read(&arguments.config)?;
    let signer = signer::signer(&config)?;
    let now = Clock::System.now();
    require_valid_at(&*signer, now).map_err(CommandError::input)?;
    let bundle = bundle::read(&arguments.bundle).map_err(CommandError::input)?;
    let claims: Vec<Claim> =
        bundle.records.iter().filter_map(|stored| Claim::of(stored.id, &stored.record)).collect();
    let Some(period) = time_of(&claims) else {
        return Err(CommandError::input(
            "the bundle holds no answers of AWS: there is nothing to corroborate",
        ));
    };
    let names: BTreeSet<String> = claims.iter().map(|claim| claim.account.clone()).collect();
    let deliveries = if arguments.trail.is_empty() {
        Delivery::parse_all(&config.trail.logs, &config, &names)?
    } else {
        // What is named on the command line is seen from where the program runs.
        let mut here = config.clone();
        here.folder = PathBuf::new();
        Delivery::parse_all(&arguments.trail, &here, &names)?
    };
    if deliveries.is_empty() {
        return Err(CommandError::input(
            "where the trail's log files are is not known: give --trail s3://BUCKET/PREFIX, or set logs under [trail] in the configuration",
        ));
    }
    let mut gathering = Gathering::new(&claims);
    let reading = read_logs(&config, arguments, &deliveries, &names, period, &mut gathering);
    let logs = runtime()?.block_on(reading)?;
    let judged = gathering.judge(&claims, &logs);
    let mut not_confirmed: BTreeMap<NotConfirmed, u64> = BTreeMap::new();
    judged.open.iter().for_each(|open| *not_confirmed.entry(open.reason).or_default() += 1);
    let corroboration = Corroboration {
        version: Corroboration::VERSION,
        tool: Tool::this(),
        made_at: now,
        manifest_sha256: bundle.manifest_sha256,
        merkle_root: bundle.manifest.merkle_root,
        sources: deliveries.iter().map(Delivery::describe).collect(),
        logs,
        records: claims.len() as u64,
        confirmed: judged.confirmations.len() as u64,
        not_confirmed,
        mismatches: judged.mismatches,
        confirmations: judged.confirmations,
        open: judged.open,
    };
    let path = arguments.out.clone().unwrap_or_else(|| beside(&arguments.bundle));
    let text = canonical::to_file_bytes(&corroboration).map_err(CommandError::internal)?;
    let signature = detached_cms(&*signer, &text).map_err(CommandError::input)?;
    Workspace::write(&path, &text)?;
    let mut signature_path = path.clone().into_os_string();
    signature_path.push(".p7s");
    Workspace::write(Path::new(&signature_path), &signature)?;
    if arguments.json {
        println!("{:#}", counts(&corroboration));
    } else {
        print!("{}", in_words(&corroboration, &bundle));
        println!("Wrote {} and its signature {}", path.display(), Path::new(&signature_path).display());
    }
    Ok(if !corroboration.mismatches.is_empty() {
        Exit::ProblemsFound
    } else if corroboration.confirmed == corroboration.records {
        Exit::Success
    } else {
        Exit::Incomplete
    })
}

/// The file beside the bundle's folder.
fn beside(bundle: &Path) -> PathBuf {
    let whole = bundle.canonicalize().unwrap_or_else(|_| bundle.to_path_buf());
    whole.with_file_name("corroboration.json")
}

/// The time of the calls, with some hours around.
fn time_of(claims: &[Claim]) -> Option<Period> {
    let first = claims.iter().map(|claim| claim.at).min()?;
    let last = claims.iter().map(|claim| claim.at).max()?;
    Some(Period { start: first - AROUND, end: last + AROUND })
}

async fn read_logs(
    config: &Config,
    arguments: &CorroborateArguments,
    deliveries: &[Delivery],
    names: &BTreeSet<String>,
    period: Period,
    gathering: &mut Gathering,
) -> Result<Vec<ReadLogs>, CommandError> {
    let needs_aws = !arguments.keys.are_in_a_file() || deliveries.iter().any(|one| one.directory.is_none());
    let session = if needs_aws { Some(collect::session(config, None).await?) } else { None };
    let of_keys = Period { end: period.end.max(Clock::System.now()), ..period };
    let mut keys = arguments.keys.open(session.as_ref(), of_keys)?;
    let mut all = Vec::new();
    for delivery in deliveries {
        let mut reading = Reading { place: &delivery.place, names, period, gathering, all: &mut all };
        let of = async |region: &str| keys.of(region).await;
        let failed = |error: StoreError| {
            CommandError::aws(format!(
                "the log files under {} could not be read: {error}",
                delivery.describe()
            ))
        };
        match (&delivery.directory, &session) {
            (Some(path), _) => {
                let store = DirectoryStore::open(path).map_err(failed)?;
                reading.read(&store, of).await.map_err(failed)?;
            }
            (None, Some(session)) => {
                let store = S3Store::new(collect::s3_client(session));
                reading.read(&store, of).await.map_err(failed)?;
            }
            (None, None) => return Err(CommandError::internal("a bucket without a session")),
        }
    }
    arguments.keys.save(&keys)?;
    Ok(all)
}

/// A place whose log files are gone through.
struct Reading<'a> {
    place: &'a Place,
    names: &'a BTreeSet<String>,
    period: Period,
    gathering: &'a mut Gathering,
    all: &'a mut Vec<ReadLogs>,
}

impl Reading<'_> {
    async fn read<S: DigestStore>(
        &mut self,
        store: &S,
        mut keys: impl AsyncFnMut(&str) -> Result<KeySet, StoreError>,
    ) -> Result<(), StoreError> {
        for (organization, account) in accounts(store, self.place).await? {
            if !self.names.contains(&account) {
                continue;
            }
            let (found, _) = regions(store, self.place, organization.as_deref(), &account).await?;
            for region in found {
                let known = keys(&region).await?;
                let question = Question {
                    place: self.place.clone(),
                    organization: organization.clone(),
                    account: account.clone(),
                    region: region.clone(),
                    period: self.period,
                    trail: None,
                };
                let gathering = &mut *self.gathering;
                let validated =
                    validate_and(store, &question, &known, &mut |log| gathering.look(log)).await.validation;
                self.all.push(ReadLogs {
                    account: account.clone(),
                    region,
                    period: self.period,
                    covered: validated.covered,
                    valid: validated.logs.valid,
                    invalid: validated.logs.invalid,
                });
            }
        }
        Ok(())
    }
}

fn counts(corroboration: &Corroboration) -> serde_json::Value {
    json!({
        "records": corroboration.records,
        "confirmed": corroboration.confirmed,
        "not-confirmed": corroboration.not_confirmed,
        "mismatches": corroboration.mismatches.len(),
    })
}

fn in_words(corroboration: &Corroboration, bundle: &Bundle) -> String {
    let Corroboration { records, confirmed, .. } = corroboration;
    let mut text = format!("{confirmed} of {records} records are confirmed by log files that AWS signed\n");
    for (reason, count) in &corroboration.not_confirmed {
        text.push_str(&format!("  {count} not: {}\n", reason.words()));
    }
    for mismatch in corroboration.mismatches.iter().take(SHOWN) {
        let stored = bundle.records.iter().find(|stored| stored.id == mismatch.record);
        let call = stored.map_or_else(String::new, |stored| {
            let source = &stored.record.source;
            format!(" ({} {})", source.service, source.operation)
        });
        text.push_str(&format!(
            "  MISMATCH {}{call}, request {}:\n",
            mismatch.record.short(),
            mismatch.request_id
        ));
        for difference in &mismatch.differences {
            text.push_str(&format!(
                "    {}: the record says {}, CloudTrail says {}\n",
                difference.what, difference.record, difference.event
            ));
        }
    }
    let more = corroboration.mismatches.len().saturating_sub(SHOWN);
    if more > 0 {
        text.push_str(&format!("  ... and {more} more mismatches; the file lists them\n"));
    }
    text
}
