//! `proofpack checks`: what is checked, how, that every check decides its own cases as stated, and why one came out as
//! it did.

mod explain;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::CommandResult;
use super::config::CatalogArgument;
use super::exit::{CommandError, Exit};
use crate::assess;
use crate::catalog::{Catalog, Check, meant};

#[derive(Debug, clap::Args)]
pub(super) struct ChecksArguments {
    #[command(subcommand)]
    command: ChecksCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ChecksCommand {
    /// List the checks and the controls that they prove something for.
    #[command(
        after_help = "Examples:\n  proofpack checks list --json | jq -r '.[].id'\n  proofpack checks list --framework hipaa-security-rule"
    )]
    List {
        /// Only those that a control of this framework names.
        #[arg(long, value_name = "ID")]
        framework: Option<String>,
        #[command(flatten)]
        catalog: CatalogArgument,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show one check: its predicate, parameters, equivalents and cases.
    #[command(after_help = "Example:\n  proofpack checks show s3-bucket-tls-only")]
    Show {
        /// Check id, or the name of an equivalent rule elsewhere, e.g. S3BucketSSLRequestsOnly.
        id: String,
        #[command(flatten)]
        catalog: CatalogArgument,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the thresholds that checks read, with their defaults: [parameters] in proofpack.toml sets others.
    #[command(after_help = "Example:\n  proofpack checks parameters")]
    Parameters {
        #[command(flatten)]
        catalog: CatalogArgument,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Run every check's own cases.
    #[command(
        after_help = "Examples:\n  proofpack checks test\n  proofpack checks test --catalog src/catalog"
    )]
    Test {
        #[command(flatten)]
        catalog: CatalogArgument,
    },
    /// Show why a check came out as it did: its predicate, with the value of every part that matters.
    Explain(explain::ExplainArguments),
}

pub(super) fn run(arguments: &ChecksArguments) -> CommandResult {
    match &arguments.command {
        ChecksCommand::List { framework, catalog, json } => {
            list(&catalog.read()?, framework.as_deref(), *json)
        }
        ChecksCommand::Show { id, catalog, json } => show(&catalog.read()?, id, *json),
        ChecksCommand::Parameters { catalog, json } => parameters(&catalog.read()?, *json),
        ChecksCommand::Test { catalog } => test(&catalog.read()?),
        ChecksCommand::Explain(arguments) => explain::run(arguments),
    }
}

/// Citations of the controls that name a check; each once, in the frameworks' order.
fn controls_of<'a>(catalog: &'a Catalog, check: &str) -> Vec<&'a str> {
    let controls = catalog.frameworks.values().flat_map(|framework| &framework.controls);
    controls
        .filter(|control| control.checks.iter().any(|id| id == check))
        .map(|control| control.id.as_str())
        .collect()
}

fn as_value(catalog: &Catalog, check: &Check) -> Value {
    json!({
        "id": check.id, "title": check.title, "resource": check.resource, "severity": check.severity,
        "controls": controls_of(catalog, &check.id), "references": check.references,
    })
}

fn list(catalog: &Catalog, framework: Option<&str>, as_json: bool) -> CommandResult {
    let of_framework: Option<BTreeSet<&str>> = match framework {
        None => None,
        Some(id) => {
            let Some(framework) = catalog.frameworks.get(id) else {
                let help = meant(
                    id,
                    catalog.frameworks.keys().map(String::as_str),
                    "`proofpack controls list` shows what there is",
                );
                return Err(CommandError::input(format!("there is no framework {id:?}; {help}")));
            };
            Some(framework.controls.iter().flat_map(|control| &control.checks).map(String::as_str).collect())
        }
    };
    let is_wanted = |check: &&Check| of_framework.as_ref().is_none_or(|ids| ids.contains(check.id.as_str()));
    let checks: Vec<&Check> = catalog.checks.values().filter(is_wanted).collect();
    if as_json {
        let rows: Vec<_> = checks.iter().map(|check| as_value(catalog, check)).collect();
        println!("{}", serde_json::to_string_pretty(&rows).map_err(CommandError::internal)?);
    } else {
        for check in &checks {
            println!("{:<40} {}", check.id, check.title);
        }
        println!("\n{} checks; `proofpack checks show ID` tells all about one", checks.len());
    }
    Ok(Exit::Success)
}

fn show(catalog: &Catalog, id: &str, as_json: bool) -> CommandResult {
    let Some(check) = find(catalog, id) else {
        let names = catalog.checks.keys().map(String::as_str);
        let help = meant(id, names, "`proofpack checks list` lists all");
        return Err(CommandError::input(format!(
            "there is no check {id:?}, and no check names it as an equivalent; {help}"
        )));
    };
    if as_json {
        let mut value = as_value(catalog, check);
        if let Some(members) = value.as_object_mut() {
            let parameter = |(name, parameter): (&String, &crate::catalog::Parameter)| {
                let row = json!({
                    "default": parameter.default, "unit": parameter.unit, "source": parameter.source,
                });
                (name.clone(), row)
            };
            let parameters: serde_json::Map<String, Value> = check.parameters.iter().map(parameter).collect();
            members.insert("rationale".into(), check.rationale.trim().into());
            members.insert("needs".into(), json!(check.needs));
            members.insert("applies".into(), json!(check.applies));
            members.insert("expression".into(), check.expression.trim().into());
            members.insert("events".into(), json!(check.events));
            members.insert("remediation".into(), check.remediation.trim().into());
            members.insert("parameters".into(), parameters.into());
        }
        println!("{}", serde_json::to_string_pretty(&value).map_err(CommandError::internal)?);
        return Ok(Exit::Success);
    }
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
    for event in &check.events {
        println!("event        {}", json!(event));
    }
    for (name, parameter) in &check.parameters {
        println!("parameter    {name} = {}", with_unit(&parameter.default, parameter.unit.as_deref()));
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

fn with_unit(value: &Value, unit: Option<&str>) -> String {
    match unit {
        None => value.to_string(),
        Some(unit) => format!("{value} {unit}"),
    }
}

/// By id, or by the name of an equivalent rule, with or without what its rule set puts before it
/// (`HIPAA.Security-S3BucketSSLRequestsOnly`).
fn find<'a>(catalog: &'a Catalog, id: &str) -> Option<&'a Check> {
    let is = |name: &String| name == id || name.split_once('-').is_some_and(|(_, short)| short == id);
    let equivalent = |check: &&Check| check.references.values().flatten().any(is);
    catalog.checks.get(id).or_else(|| catalog.checks.values().find(equivalent))
}

fn parameters(catalog: &Catalog, as_json: bool) -> CommandResult {
    let used = assess::default_parameters(catalog);
    let mut checks: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for check in catalog.checks.values() {
        for name in check.parameters.keys() {
            checks.entry(name).or_default().push(&check.id);
        }
    }
    let of = |name: &str| checks.get(name).cloned().unwrap_or_default();
    if as_json {
        let row = |(name, parameter): (&String, &crate::model::UsedParameter)| {
            json!({
                "name": name, "default": parameter.default, "unit": parameter.unit,
                "source": parameter.source, "checks": of(name),
            })
        };
        let rows: Vec<Value> = used.iter().map(row).collect();
        println!("{}", serde_json::to_string_pretty(&rows).map_err(CommandError::internal)?);
        return Ok(Exit::Success);
    }
    for (name, parameter) in &used {
        println!("{name} = {}", with_unit(&parameter.default, parameter.unit.as_deref()));
        println!("  source  {}", parameter.source.as_deref().unwrap_or("not stated"));
        println!("  checks  {}", of(name).join(", "));
    }
    println!("\n{} parameters; [parameters] in proofpack.toml sets others", used.len());
    Ok(Exit::Success)
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
