//! `proofpack imports`: what files of other tools would be imported as, or what is wrong with them.

mod files;
mod secrets;

use std::path::PathBuf;

use serde_json::{Value, json};

use super::config::Config;
use super::exit::{CommandError, Exit};
use super::{CommandResult, catalog};
use crate::model::{ImportCounts, ImportOutcome, harmless};
pub(super) use files::additions;

use files::Prepared;

#[derive(Debug, clap::Args)]
pub(super) struct ImportsArguments {
    #[command(subcommand)]
    command: ImportsCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ImportsCommand {
    /// Say what files would be imported as: form, tool and version, results; or what is wrong, with line and column.
    ///
    /// Known are the reports of cdk-nag 2 (CSV, JSON), suppressions in CloudFormation templates (JSON), the policy validation
    /// report of AWS CDK, which cdk-nag 3 writes too, and Prowler's findings (CSV, OCSF). Nothing is written.
    #[command(
        after_help = "Examples:\n  proofpack imports check cdk.out/*-NagReport.csv\n  proofpack imports check --json | jq '.[].counts'"
    )]
    Check(CheckArguments),
}

#[derive(Debug, clap::Args)]
struct CheckArguments {
    /// The files; those of the configuration where none is named.
    files: Vec<PathBuf>,
    /// Configuration file that names them.
    #[arg(long, short, value_name = "FILE", default_value = "proofpack.toml")]
    config: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &ImportsArguments) -> CommandResult {
    match &arguments.command {
        ImportsCommand::Check(arguments) => check(arguments),
    }
}

fn check(arguments: &CheckArguments) -> CommandResult {
    let (paths, catalog) = if arguments.files.is_empty() {
        let config = Config::read(&arguments.config)?;
        (files::named(&config)?, config.catalog()?)
    } else {
        (arguments.files.clone(), catalog()?)
    };
    if paths.is_empty() {
        return Err(CommandError::input(
            "there is no file to check: name one, or set files under [imports] in the configuration",
        ));
    }
    let detector = secrets::Detector::new(&catalog)?;
    let mut problems = Vec::new();
    let mut good = Vec::new();
    for path in &paths {
        match files::prepare(path, &detector) {
            Ok(prepared) => good.push(prepared),
            Err(problem) => problems.push(problem),
        }
    }
    if arguments.json {
        let rows: Vec<Value> = good.iter().map(as_json).collect();
        println!("{:#}", Value::Array(rows));
    } else {
        good.iter().for_each(|prepared| print!("{}", in_words(prepared)));
    }
    if problems.is_empty() { Ok(Exit::Success) } else { Err(CommandError::input(problems.join("\n"))) }
}

fn as_json(prepared: &Prepared) -> Value {
    let imported = &prepared.imported;
    json!({
        "file": prepared.path.display().to_string(),
        "format": imported.format,
        "tool": imported.tool,
        "tool-version": imported.tool_version,
        "made-at": imported.made_at,
        "sha256": prepared.sha256,
        "bytes": prepared.bytes.len(),
        "counts": prepared.counts,
        "repeated": imported.repeated,
        "rules": prepared.rules,
    })
}

fn in_words(prepared: &Prepared) -> String {
    let imported = &prepared.imported;
    let version = imported.tool_version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    let made = imported.made_at.as_ref().map(|made| format!(", made {made}")).unwrap_or_default();
    let repeated = match imported.repeated {
        0 => String::new(),
        some => format!("; {some} more rows repeat others"),
    };
    let text = format!(
        "{}: {}, {}{version}{made}",
        prepared.path.display(),
        imported.format.title(),
        imported.tool,
    );
    let counts = format!("{} of {} rules{repeated}", counts(prepared.counts), prepared.rules);
    format!("{}\n  {counts}\n", harmless(&text, 1_000))
}

/// `12 results (3 fail, 9 pass)`.
fn counts(counts: ImportCounts) -> String {
    let each: Vec<String> = ImportOutcome::ALL
        .iter()
        .filter(|outcome| counts.of(**outcome) > 0)
        .map(|outcome| format!("{} {}", counts.of(*outcome), outcome.words()))
        .collect();
    match counts.total() {
        0 => "no results".to_owned(),
        total => format!("{total} results ({})", each.join(", ")),
    }
}
