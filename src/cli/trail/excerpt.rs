//! `proofpack trail excerpt`: the events that excerpt rules select.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::athena::AthenaEngine;
use super::parts::{Part, Wanted};
use super::sources::SourcesArguments;
use crate::aws::{Models, Session};
use crate::catalog::Catalog;
use crate::cli::config::{Config, Engine};
use crate::cli::exit::{CommandError, Exit};
use crate::cli::progress::ReadingDisplay;
use crate::cli::{CommandResult, collect, runtime};
use crate::clock::Clock;
use crate::collect::{RedactionKey, Redactor};
use crate::model::{Period, Record, harmless};
use crate::trail::coverage::Chains;
use crate::trail::{self, QuietFiles, Request, Rule};

/// Events of a rule that the text shows; `--json` gives all that the rule keeps.
const SHOWN: usize = 20;
/// Characters of a value that the text shows.
const LONGEST_VALUE: usize = 160;

#[derive(Debug, clap::Args)]
pub(super) struct ExcerptArguments {
    #[command(flatten)]
    sources: SourcesArguments,
    /// Only this rule; may be given several times. `proofpack catalog` knows them, and so does docs/.
    #[arg(long, value_name = "ID")]
    rule: Vec<String>,
    /// What searches the log files, instead of the configuration's `[trail] engine`.
    #[arg(long, value_enum)]
    engine: Option<Engine>,
    /// Print the records that a bundle would hold, as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &ExcerptArguments) -> CommandResult {
    let mut config = arguments.sources.configuration()?;
    config.trail.engine = arguments.engine.unwrap_or(config.trail.engine);
    config.trail.logs = arguments.sources.places(&config)?.to_vec();
    let catalog = config.catalog()?;
    let mut rules = Rule::all(&catalog.excerpts, &config.parameters).map_err(CommandError::input)?;
    if let Some(unknown) = arguments.rule.iter().find(|id| !rules.contains_key(*id)) {
        return Err(CommandError::new(
            Exit::Usage,
            format!("--rule {unknown}: there is no such excerpt rule"),
        ));
    }
    rules.retain(|id, _| arguments.rule.is_empty() || arguments.rule.contains(id));
    let clock = Clock::System;
    let period = arguments.sources.period(&config, clock.now())?;
    let wanted =
        Wanted { accounts: arguments.sources.accounts(&config), regions: arguments.sources.regions() };
    let display = ReadingDisplay::new();
    let asking = Asking { config: &config, rules: &rules, period, clock, reading: &display };
    let records = runtime()?.block_on(asking.records(&wanted));
    display.finish();
    let mut records = records?;
    let redactor = redactor(&catalog)?;
    records.iter_mut().for_each(|record| redactor.redact_record(record));
    if arguments.json {
        println!("{:#}", json!({ "records": records }));
    } else {
        print!("{}", in_words(&records, &rules));
    }
    Ok(if records.iter().any(|record| record.gap().is_some()) { Exit::Incomplete } else { Exit::Success })
}

/// What is printed is not sealed, and nobody commits to what was redacted in it: a key that nobody keeps.
fn redactor(catalog: &Catalog) -> Result<Redactor, CommandError> {
    let key = RedactionKey::generate().map_err(CommandError::internal)?;
    let key = RedactionKey::parse(&key).map_err(CommandError::internal)?;
    Redactor::new(&catalog.redactions, key).map_err(CommandError::internal)
}

struct Asking<'a> {
    config: &'a Config,
    rules: &'a BTreeMap<String, Rule>,
    period: Period,
    clock: Clock,
    reading: &'a ReadingDisplay,
}

impl Asking<'_> {
    async fn records(&self, wanted: &Wanted) -> Result<Vec<Record>, CommandError> {
        let config = self.config;
        let in_s3 = config.trail.logs.iter().any(|text| text.starts_with("s3://"));
        let session = if in_s3 { Some(Arc::new(collect::session(config, None).await?)) } else { None };
        let models = Arc::new(Models::embedded().map_err(CommandError::internal)?);
        let athena = match &session {
            Some(session) => AthenaEngine::of(config, &models, session)?,
            None if config.trail.engine == Engine::Athena => {
                return Err(CommandError::input(
                    "--engine athena searches log files in S3: name s3://BUCKET/PREFIX",
                ));
            }
            None => None,
        };
        let parts = wanted.parts(&config.trail.logs, config, session.as_deref()).await?;
        let quiet = QuietFiles::default();
        let mut records = Vec::new();
        for part in &parts {
            let region = part.regions.first().map_or("us-east-1", String::as_str);
            let request = Request {
                rules: self.rules,
                period: self.period,
                partition: models.partition(region).unwrap_or("aws"),
                account: &part.account,
                caller: "",
                clock: self.clock,
                reading: self.reading,
                quiet: &quiet,
            };
            records.extend(match &athena {
                Some(athena) => athena.search(config, &part.source, &part.regions, request).await?,
                None => embedded(session.as_deref(), part, request).await,
            });
        }
        Ok(records)
    }
}

async fn embedded(session: Option<&Session>, part: &Part, request: Request<'_>) -> Vec<Record> {
    let (client, region, endpoint) = match session {
        Some(session) => {
            (collect::s3_client(session), session.region(), session.endpoint_url().unwrap_or("aws"))
        }
        // Nobody asks it anything: the files are in a directory.
        None => {
            let settings = aws_sdk_s3::Config::builder().behavior_version_latest().build();
            (aws_sdk_s3::Client::from_conf(settings), "us-east-1", "file")
        }
    };
    let regions: BTreeSet<String> = part.regions.iter().cloned().collect();
    trail::from_logs(&client, &part.source, &regions, region, endpoint, request, Chains::default()).await.0
}

fn in_words(records: &[Record], rules: &BTreeMap<String, Rule>) -> String {
    let mut text = String::new();
    let (mut silent, mut gaps) = (0, Vec::new());
    for record in records {
        let source = &record.source;
        let parameter = |name: &str| source.parameters.get(name).and_then(Value::as_str).unwrap_or_default();
        let Some(rule) = rules.get(parameter("rule")) else { continue };
        if let Some(gap) = record.gap() {
            gaps.push(format!(
                "  {} account {}: {}: {}\n",
                rule.rule.id,
                source.account,
                gap.code,
                harmless(&gap.message, 1_000)
            ));
            continue;
        }
        let response = record.response().cloned().unwrap_or_default();
        let matched = response["matched"].as_u64().unwrap_or_default();
        let events = response["events"].as_array().map(Vec::as_slice).unwrap_or_default();
        if matched == 0 {
            silent += 1;
            continue;
        }
        text.push_str(&format!(
            "{}: {} (account {}): {matched} {}\n",
            rule.rule.id,
            rule.rule.title,
            source.account,
            if matched == 1 { "event" } else { "events" }
        ));
        for (index, event) in events.iter().take(SHOWN).enumerate() {
            text.push_str(&shown(event, rule, &place(&response, index)));
        }
        let more = matched - (events.len().min(SHOWN) as u64).min(matched);
        if more > 0 {
            text.push_str(&format!("  ... and {more} more\n"));
        }
    }
    text.push_str(&format!("{silent} rules with no events\n"));
    for gap in &gaps {
        if gap == &gaps[0] {
            text.push_str("Not seen:\n");
        }
        text.push_str(gap);
    }
    text
}

/// Where an event was read: `key[index]`.
fn place(response: &Value, index: usize) -> String {
    let place = &response["places"][index];
    let object =
        place["object"].as_u64().and_then(|number| response["objects"].get(usize::try_from(number).ok()?));
    let location = object.and_then(|object| object["location"].as_str()).unwrap_or_default();
    format!("{location}[{}]", place["index"])
}

fn shown(event: &Value, rule: &Rule, place: &str) -> String {
    let text = |pointer: &str| {
        let found = event.pointer(pointer).and_then(Value::as_str).unwrap_or("-");
        harmless(found, LONGEST_VALUE)
    };
    let who = match event.pointer("/userIdentity/arn") {
        Some(_) => text("/userIdentity/arn"),
        None => text("/userIdentity/type"),
    };
    let mut line = format!(
        "  {}  {}  {} ({})  by {who}  from {}\n    {}\n",
        text("/eventTime"),
        text("/awsRegion"),
        text("/eventName"),
        text("/eventSource"),
        text("/sourceIPAddress"),
        harmless(place, 1_000),
    );
    for member in &rule.rule.show {
        let pointer = format!("/{}", member.replace('.', "/"));
        if let Some(value) = event.pointer(&pointer).filter(|value| !value.is_null()) {
            line.push_str(&format!("    {member} = {}\n", harmless(&value.to_string(), LONGEST_VALUE)));
        }
    }
    line
}
