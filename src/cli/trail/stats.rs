//! `proofpack trail stats`: what is in log files, counted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;

use super::parts::Wanted;
use super::sources::SourcesArguments;
use crate::cli::exit::{CommandError, Exit};
use crate::cli::progress::ReadingDisplay;
use crate::cli::{CommandResult, collect, runtime};
use crate::clock::Clock;
use crate::model::harmless;
use crate::trail::{Statistics, statistics};

/// Calls and errors that the text shows; `--json` gives all.
const SHOWN: usize = 15;

#[derive(Debug, clap::Args)]
pub(super) struct StatsArguments {
    #[command(flatten)]
    sources: SourcesArguments,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &StatsArguments) -> CommandResult {
    let config = arguments.sources.configuration()?;
    let places = arguments.sources.places(&config)?;
    let period = arguments.sources.period(&config, Clock::System.now())?;
    let wanted =
        Wanted { accounts: arguments.sources.accounts(&config), regions: arguments.sources.regions() };
    let display = ReadingDisplay::new();
    let counting = async {
        let in_s3 = places.iter().any(|text| text.starts_with("s3://"));
        let session = if in_s3 { Some(Arc::new(collect::session(&config, None).await?)) } else { None };
        let client = match &session {
            Some(session) => collect::s3_client(session),
            // Nobody asks it anything: the files are in a directory.
            None => {
                let settings = aws_sdk_s3::Config::builder().behavior_version_latest().build();
                aws_sdk_s3::Client::from_conf(settings)
            }
        };
        let mut all: BTreeMap<String, Statistics> = BTreeMap::new();
        for part in wanted.parts(places, &config, session.as_deref()).await? {
            let regions: BTreeSet<String> = part.regions.iter().cloned().collect();
            let counted = statistics(&client, &part.source, &regions, period, &part.account, &display).await;
            let counted = counted.map_err(|problem| {
                CommandError::aws(format!("{} could not be listed: {problem}", part.source.describe()))
            })?;
            all.entry(part.account).or_default().add(&counted);
        }
        Ok::<_, CommandError>(all)
    };
    let all = runtime()?.block_on(counting);
    display.finish();
    let all = all?;
    if arguments.json {
        println!("{:#}", json!({ "start": period.start, "end": period.end, "accounts": all }));
    } else {
        all.iter().for_each(|(account, statistics)| print!("{}", in_words(account, statistics)));
    }
    Ok(if all.values().all(Statistics::is_complete) { Exit::Success } else { Exit::Incomplete })
}

fn in_words(account: &str, found: &Statistics) -> String {
    let mut text = format!("account {account}\n");
    let mut line = |name: &str, value: String| text.push_str(&format!("  {name:<12} {value}\n"));
    let outside = match found.objects_outside_period {
        0 => String::new(),
        more => format!("; {more} delivered outside of the period"),
    };
    line(
        "log files",
        format!("{} ({} bytes, {} of text){outside}", found.objects, found.stored_bytes, found.text_bytes),
    );
    let elsewhere = match found.events_elsewhere {
        0 => String::new(),
        more => format!("; {more} of other accounts or times"),
    };
    line("events", format!("{} ({} only read){elsewhere}", found.events, found.read_only));
    if let (Some(first), Some(last)) = (&found.first, &found.last) {
        line("from, to", format!("{}, {}", harmless(first, 40), harmless(last, 40)));
    }
    if let Some((day, most)) = found.days.iter().max_by_key(|(_, events)| **events) {
        line("days", format!("{} with events; most on {}: {most}", found.days.len(), harmless(day, 40)));
    }
    for (heading, counts) in [("regions", &found.regions), ("calls", &found.calls), ("errors", &found.errors)]
    {
        if counts.is_empty() {
            continue;
        }
        text.push_str(&format!("  {heading}\n"));
        let mut most: Vec<(&String, &u64)> = counts.iter().collect();
        most.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
        for (name, events) in most.iter().take(SHOWN) {
            let name = if name.is_empty() { "(none)".to_owned() } else { harmless(name, 120) };
            text.push_str(&format!("    {events:>10}  {name}\n"));
        }
        if most.len() > SHOWN {
            text.push_str(&format!("    ... and {} more\n", most.len() - SHOWN));
        }
    }
    for (location, why) in found.unreadable.iter().take(SHOWN) {
        text.push_str(&format!("  NOT READ {}: {}\n", harmless(location, 1_000), harmless(why, 300)));
    }
    let more = (found.unreadable.len().saturating_sub(SHOWN)) as u64 + found.more_unreadable;
    if more > 0 {
        text.push_str(&format!("  NOT READ: {more} more\n"));
    }
    text
}
