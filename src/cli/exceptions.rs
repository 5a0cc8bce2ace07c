//! `proofpack exceptions`: drafting and checking the file of accepted failures.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde_json::json;

use super::assess::{read_assessment, read_exceptions_file};
use super::config::Config;
use super::exit::{CommandError, Exit};
use super::workspace::Workspace;
use super::{CommandResult, ConfigArgument};
use crate::assess::{self, FromImports, Lint};
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::model::harmless;

/// Where a draft is written where no file is named.
const DRAFT: &str = "exceptions-draft.toml";

#[derive(Debug, clap::Args)]
pub(super) struct ExceptionsArguments {
    #[command(subcommand)]
    command: ExceptionsCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ExceptionsCommand {
    /// Write a draft of exceptions for the failures that nobody has accepted, or for what other tools were told not to report.
    ///
    /// Reason, owner, approver and dates are left as `<...>` for people to fill in. No assessment accepts a file that
    /// still has such a text, so a draft is never in force by accident. A file that is there is never overwritten.
    #[command(
        after_help = "Examples:\n  proofpack assess && proofpack exceptions propose\n  proofpack exceptions propose --check s3-bucket-replication replication.toml\n  proofpack exceptions propose --from-imports suppressed.toml"
    )]
    Propose(ProposeArguments),
    /// Check an exceptions file: every mistake with its line, and every exception that covers nothing.
    ///
    /// Held against the catalog, and against the failures of the workspace's assessment where there is one. The exit code is 0
    /// where nothing is wrong, 1 where something is, and 3 where the file cannot be read at all.
    #[command(
        after_help = "Examples:\n  proofpack exceptions lint\n  proofpack exceptions lint exceptions-draft.toml --json | jq '.problems[].line'"
    )]
    Lint(LintArguments),
}

#[derive(Debug, clap::Args)]
struct ProposeArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// What imported files suppress, with the reasons given there, in place of our own failures. A suppression whose resource
    /// was not found asks for its ARN; one where our check does not fail is left out.
    #[arg(long)]
    from_imports: bool,
    /// Only failures of this check; may be given more than once.
    #[arg(long, value_name = "ID")]
    check: Vec<String>,
    /// Where to write the draft.
    #[arg(default_value = DRAFT)]
    file: PathBuf,
}

#[derive(Debug, clap::Args)]
struct LintArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// The day on which expiries are judged; today where not given.
    #[arg(long, value_name = "DATE")]
    on: Option<NaiveDate>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// The file; that of the configuration where not given.
    file: Option<PathBuf>,
}

pub(super) fn run(arguments: &ExceptionsArguments) -> CommandResult {
    match &arguments.command {
        ExceptionsCommand::Propose(arguments) => propose(arguments),
        ExceptionsCommand::Lint(arguments) => lint(arguments),
    }
}

fn propose(arguments: &ProposeArguments) -> CommandResult {
    let config = arguments.config.read()?;
    let catalog = config.catalog()?;
    if let Some(unknown) = arguments.check.iter().find(|id| !catalog.checks.contains_key(*id)) {
        return Err(CommandError::input(format!(
            "there is no check {unknown:?}; `proofpack checks list` lists all"
        )));
    }
    let assessment = read_assessment(&arguments.config.workspace(&config).assessment())?;
    let proposals = if arguments.from_imports {
        let FromImports { proposals, not_needed, no_such_check } =
            assess::propose_from_imports(&assessment, &arguments.check);
        println!(
            "Of the suppressions in imports, {not_needed} ask for no exception, as our check does not fail there or one covers it, and {no_such_check} are of rules without an equivalent"
        );
        proposals
    } else {
        assess::propose(&assessment, &arguments.check)
    };
    if proposals.is_empty() {
        let what = if arguments.from_imports { "suppression" } else { "failure" };
        println!("Nothing to propose: no {what} is left that asks for an exception");
        return Ok(Exit::Success);
    }
    let text = assess::draft(&proposals, &catalog);
    Workspace::write_new(&arguments.file, text.as_bytes())?;
    println!(
        "Wrote {} with {} as of {}. Fill it in, then: proofpack exceptions lint {}",
        arguments.file.display(),
        plural(proposals.len(), "draft"),
        assessment.as_of.format("%Y-%m-%d"),
        arguments.file.display()
    );
    Ok(Exit::Success)
}

fn lint(arguments: &LintArguments) -> CommandResult {
    let config = arguments.config.read()?;
    let catalog = config.catalog()?;
    let path = file_of(arguments.file.as_deref(), &config)?;
    let text = read_exceptions_file(&path)?;
    let today = arguments.on.unwrap_or_else(|| Clock::System.now().date_naive());
    let workspace = arguments.config.workspace(&config);
    let found = judged(&text, &path, &catalog, today, &workspace)?;
    if arguments.json {
        let printed = json!({
            "file": path.display().to_string(),
            "exceptions": found.exceptions,
            "on": found.on,
            "with-assessment": found.with_assessment,
            "refused": found.refused(),
            "problems": found.problems,
        });
        println!("{printed:#}");
    } else {
        print!("{}", in_words(&path, &found, &workspace));
    }
    Ok(if found.problems.is_empty() { Exit::Success } else { Exit::ProblemsFound })
}

fn file_of(named: Option<&Path>, config: &Config) -> Result<PathBuf, CommandError> {
    match (named, &config.exceptions) {
        (Some(path), _) => Ok(path.to_owned()),
        (None, Some(path)) => Ok(config.resolve(path)),
        (None, None) => Err(CommandError::input(
            "the configuration names no exceptions: set `exceptions = \"exceptions.toml\"`, or name the file",
        )),
    }
}

fn judged(
    text: &str,
    path: &Path,
    catalog: &Catalog,
    today: NaiveDate,
    workspace: &Workspace,
) -> Result<Lint, CommandError> {
    let place = workspace.assessment();
    let assessment = if place.exists() { Some(read_assessment(&place)?) } else { None };
    assess::lint(text, &path.display().to_string(), catalog, today, assessment.as_ref())
        .map_err(CommandError::input)
}

fn in_words(path: &Path, found: &Lint, workspace: &Workspace) -> String {
    let mut text = String::new();
    for mistake in &found.problems {
        text.push_str(&format!("{}, {}\n", path.display(), harmless(&mistake.to_string(), 1_000)));
    }
    text.push_str(&format!(
        "{} on {}: {}",
        plural(found.exceptions, "exception"),
        found.on,
        match found.problems.len() {
            0 => "no problem".to_owned(),
            several => plural(several, "problem"),
        }
    ));
    if found.refused() {
        text.push_str("; the file is not accepted as it is");
    }
    if !found.with_assessment {
        text.push_str(&format!(
            "\nWhether each matches a failure was not judged: there is no {}",
            workspace.assessment().display()
        ));
    }
    text.push('\n');
    text
}

fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
