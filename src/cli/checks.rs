//! `proofpack checks`: what is checked, how, and that every check decides its own cases as stated.

use std::path::PathBuf;

use serde_json::json;

use super::exit::{CommandError, Exit};
use super::{CommandResult, catalog, catalog_with};
use crate::assess;
use crate::catalog::{Catalog, Check, SameName};

#[derive(Debug, clap::Args)]
pub(super) struct ChecksArguments {
    #[command(subcommand)]
    command: ChecksCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ChecksCommand {
    /// List the checks and the controls that they prove something for.
    #[command(after_help = "Example:\n  proofpack checks list --json | jq -r '.[].id'")]
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show one check: its predicate, parameters, equivalents and cases.
    #[command(after_help = "Example:\n  proofpack checks show s3-bucket-tls-only")]
    Show {
        /// Check id, or the name of an equivalent rule elsewhere, e.g. S3BucketSSLRequestsOnly.
        id: String,
    },
    /// Run every check's own cases.
    #[command(
        after_help = "Examples:\n  proofpack checks test\n  proofpack checks test --catalog src/catalog"
    )]
    Test {
        /// Folder with `checks/`, `frameworks/` ... whose files are added, or take the place of those compiled in.
        #[arg(long, value_name = "FOLDER")]
        catalog: Option<PathBuf>,
    },
}

pub(super) fn run(arguments: &ChecksArguments) -> CommandResult {
    match &arguments.command {
        ChecksCommand::List { json } => list(&catalog()?, *json),
        ChecksCommand::Show { id } => show(&catalog()?, id),
        ChecksCommand::Test { catalog: None } => test(&catalog()?),
        ChecksCommand::Test { catalog: Some(folder) } => {
            test(&catalog_with([folder.clone()], SameName::Replaces)?)
        }
    }
}

/// Citations of the controls that name a check.
fn controls_of<'a>(catalog: &'a Catalog, check: &str) -> Vec<&'a str> {
    let controls = catalog.frameworks.values().flat_map(|framework| &framework.controls);
    controls
        .filter(|control| control.checks.iter().any(|id| id == check))
        .map(|control| control.id.as_str())
        .collect()
}

fn list(catalog: &Catalog, as_json: bool) -> CommandResult {
    if as_json {
        let rows: Vec<_> = catalog
            .checks
            .values()
            .map(|check| {
                json!({
                    "id": check.id, "title": check.title, "resource": check.resource, "severity": check.severity,
                    "controls": controls_of(catalog, &check.id), "references": check.references,
                })
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&rows).map_err(CommandError::internal)?);
    } else {
        for check in catalog.checks.values() {
            println!("{:<40} {}", check.id, check.title);
        }
        println!("\n{} checks; `proofpack checks show ID` tells all about one", catalog.checks.len());
    }
    Ok(Exit::Success)
}

fn show(catalog: &Catalog, id: &str) -> CommandResult {
    let Some(check) = find(catalog, id) else {
        return Err(CommandError::input(format!(
            "there is no check {id:?}, and no check names it as an equivalent; `proofpack checks list` lists all"
        )));
    };
    println!("{}\n  {}\n", check.id, check.title);
    println!(
        "resource     {}\nseverity     {:?}\nneeds        {}",
        check.resource,
        check.severity,
        check.needs.join(", ")
    );
    if let Some(applies) = &check.applies {
        println!("applies      {applies}");
    }
    println!("predicate    {}", check.expression.trim().replace('\n', "\n             "));
    for (name, value) in &check.parameters {
        println!("parameter    {name} = {value}");
    }
    for (scheme, names) in &check.references {
        println!("{scheme:<12} {}", names.join(", "));
    }
    println!("controls     {}", controls_of(catalog, &check.id).join(", "));
    println!("\nWhy: {}\nWhat to do: {}\n", check.rationale.trim(), check.remediation.trim());
    for case in &check.cases {
        println!("case         {:?}: {}", case.outcome, case.name);
    }
    Ok(Exit::Success)
}

/// By id, or by the name of an equivalent rule, with or without what its rule set puts before it
/// (`HIPAA.Security-S3BucketSSLRequestsOnly`).
fn find<'a>(catalog: &'a Catalog, id: &str) -> Option<&'a Check> {
    let is = |name: &String| name == id || name.split_once('-').is_some_and(|(_, short)| short == id);
    let equivalent = |check: &&Check| check.references.values().flatten().any(is);
    catalog.checks.get(id).or_else(|| catalog.checks.values().find(equivalent))
}

fn test(catalog: &Catalog) -> CommandResult {
    let results = assess::run_cases(catalog);
    let wrong: Vec<_> = results.iter().filter(|result| !result.is_as_stated()).collect();
    for result in &wrong {
        println!("WRONG {result}");
    }
    println!("{} cases of {} checks, {} wrong", results.len(), catalog.checks.len(), wrong.len());
    Ok(if wrong.is_empty() { Exit::Success } else { Exit::ProblemsFound })
}
