//! `proofpack controls`: what a framework asks for, and what proves it.

use serde_json::json;

use super::exit::{CommandError, Exit};
use super::{CommandResult, config};
use crate::catalog::{Catalog, Control, Framework, meant};
use crate::model::AttestationNeed;

#[derive(Debug, clap::Args)]
pub(super) struct ControlsArguments {
    #[command(subcommand)]
    command: ControlsCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ControlsCommand {
    /// List the frameworks and their controls.
    #[command(
        after_help = "Examples:\n  proofpack controls list\n  proofpack controls list --framework hipaa-security-rule --json | jq -r '.[].controls[].id'"
    )]
    List {
        /// Only this framework.
        #[arg(long, value_name = "ID")]
        framework: Option<String>,
        #[command(flatten)]
        catalog: config::CatalogArgument,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show one control: what is required, what is examined, and what proves it.
    #[command(after_help = "Example:\n  proofpack controls show '164.312(a)(2)(iv)'")]
    Show {
        /// Citation.
        id: String,
        /// Only in this framework.
        #[arg(long, value_name = "ID")]
        framework: Option<String>,
        #[command(flatten)]
        catalog: config::CatalogArgument,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(arguments: &ControlsArguments) -> CommandResult {
    match &arguments.command {
        ControlsCommand::List { framework, catalog, json } => {
            list(&catalog.read()?, framework.as_deref(), *json)
        }
        ControlsCommand::Show { id, framework, catalog, json } => {
            show(&catalog.read()?, id, framework.as_deref(), *json)
        }
    }
}

/// The framework of this id, or all.
fn frameworks<'a>(catalog: &'a Catalog, id: Option<&str>) -> Result<Vec<&'a Framework>, CommandError> {
    let Some(id) = id else { return Ok(catalog.frameworks.values().collect()) };
    let names = || catalog.frameworks.keys().map(String::as_str);
    let unknown = || {
        let all = format!("there is {}", names().collect::<Vec<_>>().join(", "));
        CommandError::input(format!("there is no framework {id:?}; {}", meant(id, names(), &all)))
    };
    catalog.frameworks.get(id).map(|framework| vec![framework]).ok_or_else(unknown)
}

fn list(catalog: &Catalog, framework: Option<&str>, as_json: bool) -> CommandResult {
    let frameworks = frameworks(catalog, framework)?;
    if as_json {
        let rows: Vec<_> = frameworks
            .iter()
            .map(|framework| {
                let controls: Vec<_> = framework.controls.iter().map(|c| as_value(framework, c)).collect();
                json!({
                    "id": framework.id, "title": framework.title, "edition": framework.edition,
                    "controls": controls,
                })
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&rows).map_err(CommandError::internal)?);
        return Ok(Exit::Success);
    }
    for framework in frameworks {
        println!("{}: {}\n", framework.id, framework.title);
        for control in &framework.controls {
            let indent = if control.parent.is_some() { "  " } else { "" };
            println!("{:<26} {}{}", format!("{indent}{}", control.id), control.title, basis(control));
        }
        println!(
            "\n{} controls; `proofpack controls show ID` tells all about one\n",
            framework.controls.len()
        );
    }
    Ok(Exit::Success)
}

/// What proves a control, counted.
fn basis(control: &Control) -> String {
    let counts = [
        (control.checks.len(), "check", "checks"),
        (control.excerpts.len(), "excerpt", "excerpts"),
        (control.attestations.len(), "attestation", "attestations"),
    ];
    let parts: Vec<String> = counts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }))
        .collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

fn as_value(framework: &Framework, control: &Control) -> serde_json::Value {
    json!({
        "framework": framework.id, "id": control.id, "title": control.title, "parent": control.parent,
        "group": control.group, "obligation": control.obligation, "requirement": control.requirement, "guidance": control.guidance,
        "checks": control.checks, "excerpts": control.excerpts, "attestations": needs(framework, control),
    })
}

fn needs<'a>(framework: &'a Framework, control: &Control) -> Vec<&'a AttestationNeed> {
    let need = |id: &String| framework.attestations.iter().find(|need| need.id == *id);
    control.attestations.iter().filter_map(need).collect()
}

fn show(catalog: &Catalog, id: &str, framework: Option<&str>, as_json: bool) -> CommandResult {
    let frameworks = frameworks(catalog, framework)?;
    let controls =
        || frameworks.iter().flat_map(|one| one.controls.iter().map(move |control| (*one, control)));
    let found: Vec<_> = controls().filter(|(_, control)| control.id.eq_ignore_ascii_case(id)).collect();
    if found.is_empty() {
        let names = controls().map(|(_, control)| control.id.as_str());
        let help = meant(id, names, "`proofpack controls list` shows all");
        return Err(CommandError::input(format!("there is no control {id:?}; {help}")));
    }
    if as_json {
        let rows: Vec<_> = found.iter().map(|(framework, control)| as_value(framework, control)).collect();
        println!("{}", serde_json::to_string_pretty(&rows).map_err(CommandError::internal)?);
        return Ok(Exit::Success);
    }
    for (framework, control) in found {
        in_words(catalog, framework, control);
    }
    Ok(Exit::Success)
}

fn in_words(catalog: &Catalog, framework: &Framework, control: &Control) {
    println!("{} {}\n", control.id, control.title);
    println!("framework    {}", framework.title);
    println!("group        {}", control.group);
    if let Some(parent) = &control.parent {
        println!("belongs to   {parent}");
    }
    match control.obligation {
        Some(obligation) => println!("obligation   {}", format!("{obligation:?}").to_lowercase()),
        None => println!("obligation   that of its specifications"),
    }
    if let Some(requirement) = &control.requirement {
        println!("\nWhat is required: {requirement}");
    }
    println!("\nWhat is examined: {}\n", control.guidance.trim());
    for id in &control.checks {
        let title = catalog.checks.get(id).map_or("", |check| check.title.as_str());
        println!("check        {id}: {title}");
    }
    for id in &control.excerpts {
        let title = catalog.excerpts.get(id).map_or("", |rule| rule.title.as_str());
        println!("excerpt      {id}: {title}");
    }
    for need in needs(framework, control) {
        println!("attestation  {}: {} (holds for {} days)", need.id, need.statement, need.valid_days);
    }
    let parts =
        framework.controls.iter().filter(|other| other.parent.as_deref() == Some(control.id.as_str()));
    for part in parts {
        println!("includes     {}: {}", part.id, part.title);
    }
    println!("{}", "");
}
