//! `proofpack attest`: what no API can tell, people state.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

use super::CommandResult;
use super::additions::{Guard, attestations};
use super::config::Config;
use super::exit::{CommandError, Exit};
use crate::assess::attestations::Attestations;
use crate::attest::{self, AttestError, Draft, Entry};
use crate::catalog::{Catalog, Framework, attestation_template, attestation_templates};
use crate::clock::Clock;
use crate::model::{AttestationEntry, AttestationNeed, AttestationState, harmless};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  proofpack attest --list\n  proofpack attest --template risk-analysis > risk-analysis.md\n  proofpack attest risk-analysis --by \"Ada Park\" --role \"Security officer\" --file risk-analysis-2026.pdf\n  proofpack bundle amend     # into the bundle that is there; a new collection takes it up by itself"
)]
pub(super) struct AttestArguments {
    /// Configuration file.
    #[arg(long, short, value_name = "FILE", default_value = "proofpack.toml")]
    config: PathBuf,
    /// What the statement is for, as the framework names it.
    #[arg(required_unless_present_any = ["list", "template"])]
    id: Option<String>,
    /// Who states it.
    #[arg(long, value_name = "NAME", required_unless_present_any = ["list", "template"])]
    by: Option<String>,
    /// In which role.
    #[arg(long, value_name = "ROLE", required_unless_present_any = ["list", "template"])]
    role: Option<String>,
    /// A file that comes with it; may be given more than once. Symbolic links are refused.
    #[arg(long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// The statement; the framework's own words where not given.
    #[arg(long, value_name = "TEXT")]
    statement: Option<String>,
    /// When it was stated; today (UTC) where not given.
    #[arg(long, value_name = "DATE")]
    date: Option<NaiveDate>,
    /// The last day on which it holds, if earlier than the framework's limit.
    #[arg(long, value_name = "DATE")]
    valid_until: Option<NaiveDate>,
    /// List what the framework asks for, and what there is of it until when.
    #[arg(long, conflicts_with_all = ["id", "template"])]
    list: bool,
    /// Print the list as JSON.
    #[arg(long, requires = "list")]
    json: bool,
    /// Print the template of a statement, to be filled in.
    #[arg(long, value_name = "ID", conflicts_with = "id")]
    template: Option<String>,
}

pub(super) fn run(arguments: &AttestArguments) -> CommandResult {
    if let Some(id) = &arguments.template {
        return template(id);
    }
    let config = Config::read(&arguments.config)?;
    let catalog = config.catalog()?;
    let frameworks = frameworks(&config, &catalog)?;
    let now = Clock::System.now();
    if arguments.list {
        return list(&config, &frameworks, now, arguments.json);
    }
    // clap has seen to it that they are there.
    let (Some(id), Some(by), Some(role)) = (&arguments.id, &arguments.by, &arguments.role) else {
        return Err(CommandError::new(Exit::Usage, "name what is stated, by whom and in which role"));
    };
    let Some(need) = need(&frameworks, id) else {
        return Err(CommandError::input(format!(
            "no framework that is assessed against asks for an attestation {id:?}; `proofpack attest --list` shows those that are asked for"
        )));
    };
    let draft = Draft {
        id: id.clone(),
        statement: arguments.statement.clone().unwrap_or_else(|| need.statement.clone()),
        author: by.clone(),
        role: role.clone(),
        date: arguments.date.unwrap_or_else(|| now.date_naive()),
        valid_until: arguments.valid_until,
        files: arguments.file.clone(),
    };
    let guard = Guard::new(&catalog)?;
    let folder = config.attestations_folder();
    let entry = attest::add(&folder, &draft, now, |entry| guard.accept(&entry.record())).map_err(refused)?;
    println!("{}", added(&entry, need, now));
    Ok(Exit::Success)
}

fn refused(error: AttestError) -> CommandError {
    match error {
        AttestError::Io { action: "read", .. }
        | AttestError::Refused { .. }
        | AttestError::Unusable { .. } => CommandError::input(error),
        AttestError::Io { .. } => CommandError::output(error),
    }
}

fn added(entry: &Entry, need: &AttestationNeed, now: DateTime<Utc>) -> String {
    let record = entry.record();
    let held = record.to_line().ok().map(|(_, id)| (id, &record));
    let result = Attestations::new(held.into_iter(), now).result(need);
    let until = match result.holds_until {
        Some(until) if result.holds => format!("it holds until {until}"),
        Some(until) => format!("it held until {until}, and holds no more"),
        None => "it does not hold".to_owned(),
    };
    let bytes: u64 = entry.statement.files.iter().map(|file| file.bytes).sum();
    let files = match entry.statement.files.len() {
        0 => "no file".to_owned(),
        1 => format!("1 file, {bytes} bytes"),
        several => format!("{several} files, {bytes} bytes"),
    };
    format!(
        "Added {} ({files}); {until}. The next collection takes it up, `proofpack bundle amend` puts it into the bundle that is there",
        entry.place.display()
    )
}

/// The frameworks that are assessed against.
fn frameworks<'a>(config: &Config, catalog: &'a Catalog) -> Result<Vec<&'a Framework>, CommandError> {
    let find = |id: &String| {
        catalog.frameworks.get(id).ok_or_else(|| {
            CommandError::input(format!(
                "there is no framework {id:?}; correct `framework` in the configuration"
            ))
        })
    };
    config.frameworks.iter().map(find).collect()
}

fn need<'a>(frameworks: &[&'a Framework], id: &str) -> Option<&'a AttestationNeed> {
    frameworks.iter().flat_map(|framework| &framework.attestations).find(|need| need.id == id)
}

fn template(id: &str) -> CommandResult {
    let Some(text) = attestation_template(id) else {
        return Err(CommandError::input(format!(
            "there is no template for {id:?}; there are templates for {}",
            attestation_templates().join(", ")
        )));
    };
    print!("{text}");
    Ok(Exit::Success)
}

/// One attestation that a framework asks for, or would accept.
struct Asked<'a> {
    framework: &'a Framework,
    need: &'a AttestationNeed,
    controls: Vec<&'a str>,
    /// Whether it is asked for only where a control is decided against.
    alternative: bool,
}

fn asked<'a>(frameworks: &[&'a Framework]) -> Vec<Asked<'a>> {
    let mut all = Vec::new();
    for &framework in frameworks {
        for need in &framework.attestations {
            let of = |alternative: bool| -> Vec<&'a str> {
                let names = framework.controls.iter().filter(|control| match alternative {
                    true => control.alternative.as_ref() == Some(&need.id),
                    false => control.attestations.contains(&need.id),
                });
                names.map(|control| control.id.as_str()).collect()
            };
            let (controls, instead) = (of(false), of(true));
            let alternative = controls.is_empty() && !instead.is_empty();
            let controls = if alternative { instead } else { controls };
            all.push(Asked { framework, need, controls, alternative });
        }
    }
    all
}

fn list(config: &Config, frameworks: &[&Framework], now: DateTime<Utc>, as_json: bool) -> CommandResult {
    let entries = attestations(config)?;
    let mut records = Vec::new();
    for entry in &entries {
        let record = entry.record();
        let (_, id) = record.to_line().map_err(CommandError::internal)?;
        records.push((id, record));
    }
    let made = Attestations::new(records.iter().map(|(id, record)| (*id, record)), now);
    let register = made.register(frameworks.iter().flat_map(|framework| &framework.attestations));
    let asked = asked(frameworks);
    if as_json {
        println!("{:#}", as_value(&asked, &made, &register));
    } else {
        print!("{}", in_words(&asked, &made, &register));
    }
    Ok(Exit::Success)
}

fn as_value(asked: &[Asked<'_>], made: &Attestations, register: &[AttestationEntry]) -> Value {
    let rows: Vec<Value> = asked
        .iter()
        .map(|asked| {
            let result = made.result(asked.need);
            json!({
                "id": asked.need.id,
                "framework": asked.framework.id,
                "controls": asked.controls,
                "alternative": asked.alternative,
                "statement": asked.need.statement,
                "valid-days": asked.need.valid_days,
                "state": state(result.record.is_some(), result.holds),
                "holds-until": result.holds_until,
                "record": result.record,
            })
        })
        .collect();
    json!({ "asked-for": rows, "made": register })
}

fn state(made: bool, holds: bool) -> &'static str {
    match (made, holds) {
        (false, _) => "missing",
        (true, false) => "expired",
        (true, true) => "holds",
    }
}

fn in_words(asked: &[Asked<'_>], made: &Attestations, register: &[AttestationEntry]) -> String {
    let mut text = String::new();
    let mut counts = [0_usize; 3];
    for asked in asked {
        let result = made.result(asked.need);
        let state = match (state(result.record.is_some(), result.holds), result.holds_until) {
            ("holds", Some(until)) => format!("holds until {until}"),
            ("expired", Some(until)) => format!("EXPIRED on {until}"),
            _ if asked.alternative => "not given (only where decided against)".to_owned(),
            _ => "MISSING".to_owned(),
        };
        let place = match (result.record.is_some(), result.holds) {
            (true, true) => 0,
            (true, false) => 1,
            (false, _) => 2,
        };
        if !asked.alternative {
            counts[place] += 1;
        }
        text.push_str(&format!(
            "{:<32} {state:<24} {} days  {}\n",
            asked.need.id,
            asked.need.valid_days,
            asked.controls.join(", ")
        ));
    }
    let [holding, expired, missing] = counts;
    text.push_str(&format!(
        "\n{} asked for: {holding} hold, {expired} expired, {missing} missing\n",
        holding + expired + missing
    ));
    let unused = register.iter().filter(|entry| {
        !matches!(
            entry.state,
            AttestationState::Holds | AttestationState::Expired | AttestationState::Superseded
        )
    });
    for entry in unused {
        let why = match entry.state {
            AttestationState::NotYetMade => "is dated after today",
            AttestationState::Unreadable => "cannot be read",
            _ => "is asked for by no framework that is assessed against",
        };
        text.push_str(&format!("{} {why}\n", harmless(&entry.id, 100)));
    }
    text
}
