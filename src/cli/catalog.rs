//! `proofpack catalog`: whether checks, frameworks, excerpts and collectors are what they should be.

mod shown;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::CommandResult;
use super::exit::{CommandError, Exit};
use crate::assess;
use crate::aws::Models;
use crate::catalog::{Catalog, Defect, Place, SameName, Sources, meant};

#[derive(Debug, clap::Args)]
pub(super) struct CatalogArguments {
    #[command(subcommand)]
    command: CatalogCommand,
}

#[derive(Debug, clap::Subcommand)]
enum CatalogCommand {
    /// Say everything that is wrong with the files of a catalog, and where.
    #[command(
        after_help = "Examples:\n  proofpack catalog validate our-catalog\n  proofpack catalog validate our-catalog --json | jq -r '.[] | \"\\(.file):\\(.line): \\(.what)\"'"
    )]
    Validate {
        /// Folder with `checks/`, `frameworks/`, `excerpts/` or `collectors/`: its files are added to those that are
        /// compiled in, or take their place. Without it, those compiled in alone.
        folder: Option<PathBuf>,
        /// Print JSON: file, line, column, what is wrong, what to do.
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(arguments: &CatalogArguments) -> CommandResult {
    match &arguments.command {
        CatalogCommand::Validate { folder, json } => validate(folder.as_deref(), *json),
    }
}

fn validate(folder: Option<&Path>, as_json: bool) -> CommandResult {
    let mut sources = Sources::embedded();
    let mut defects = Vec::new();
    if let Some(folder) = folder {
        sources = sources.with_folder(folder, SameName::Replaces).map_err(CommandError::input)?;
        defects.extend(not_taken(folder));
    }
    let (catalog, found) = Catalog::examine(&sources);
    defects.extend(found);
    defects.extend(assess::expression_defects(&catalog));
    let models = Models::embedded().map_err(CommandError::internal)?;
    defects.extend(without_model(&catalog, &models));
    if let Some(folder) = folder {
        // Whose folder this is has nothing to do with what is wrong elsewhere anyway.
        let inside = |defect: &Defect| folder.join(&defect.file).exists();
        if !defects.iter().all(inside) {
            let (embedded, mut elsewhere) = Catalog::examine(&Sources::embedded());
            elsewhere.extend(assess::expression_defects(&embedded));
            defects.retain(|defect| inside(defect) || !elsewhere.contains(defect));
        }
    }
    let own: Vec<&str> = sources.own().collect();
    let name = |file: &str| match folder {
        Some(folder) if own.contains(&file) || sources.text(file).is_none() => {
            folder.join(file).display().to_string()
        }
        _ => file.to_owned(),
    };
    // By file, and in it by place: the order in which they are mended.
    let place = |defect: &Defect| {
        let start = sources.text(&defect.file).map_or(0, |text| defect.place.find(text).start);
        (defect.file.clone(), start)
    };
    defects.sort_by_cached_key(place);
    if as_json {
        let rows: Vec<_> = defects.iter().map(|defect| row(defect, &sources, &name(&defect.file))).collect();
        println!("{}", serde_json::to_string_pretty(&rows).map_err(CommandError::internal)?);
    } else {
        for defect in &defects {
            let text = sources.text(&defect.file);
            println!("{}", shown::shown(defect, &name(&defect.file), text)?);
        }
        let checked = sources.count();
        match defects.len() {
            0 => println!("{checked} files, nothing wrong"),
            1 => println!("{checked} files, 1 mistake"),
            many => println!("{checked} files, {many} mistakes"),
        }
    }
    Ok(if defects.is_empty() { Exit::Success } else { Exit::ProblemsFound })
}

fn row(defect: &Defect, sources: &Sources, file: &str) -> serde_json::Value {
    let at = sources.text(&defect.file).map(|text| {
        let start = defect.place.find(text).start;
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    });
    json!({
        "file": file,
        "line": at.map(|(line, _)| line),
        "column": at.map(|(_, column)| column),
        "member": defect.place.to_string(),
        "what": defect.what,
        "help": defect.help,
    })
}

/// Calls whose operation has no model: they could not be made.
fn without_model(catalog: &Catalog, models: &Models) -> Vec<Defect> {
    let mut defects = Vec::new();
    for collector in catalog.collectors.values() {
        for (index, call) in collector.calls.iter().enumerate() {
            if models.has(&collector.service, &call.operation) {
                continue;
            }
            let known = models
                .operations()
                .filter(|(service, _)| *service == collector.service)
                .map(|(_, operation)| operation);
            let otherwise = "bring it in with evidence-schemas/aws/trim.py, whose header says how";
            defects.push(Defect::new(
                format!("collectors/{}.toml", collector.service),
                Place::file().member("call").element(index).member("operation"),
                format!("there is no model of {}:{}", collector.service, call.operation),
                meant(&call.operation, known, otherwise),
            ));
        }
    }
    defects
}

/// What lies in a folder and is no part of a catalog, though it looks as if it was meant to be.
fn not_taken(folder: &Path) -> Vec<Defect> {
    const FOLDERS: [&str; 4] = ["checks", "collectors", "excerpts", "frameworks"];
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths
    };
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let is_toml = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "toml");
    let mut defects = Vec::new();
    for path in entries(folder) {
        let here = name(&path);
        if path.is_dir() && FOLDERS.contains(&here.as_str()) {
            for file in entries(&path).iter().filter(|file| !is_toml(file) && !name(file).starts_with('.')) {
                let what = "this file is not read: its name does not end in .toml";
                let file = format!("{here}/{}", name(file));
                defects.push(Defect::new(file, Place::file(), what, "name it so, or remove it"));
            }
        } else if path.is_dir() && entries(&path).iter().any(is_toml) {
            let help = meant(
                &here,
                FOLDERS,
                "the folders of a catalog are checks, collectors, excerpts, frameworks",
            );
            defects.push(Defect::new(here, Place::file(), "this folder is not read", help));
        }
    }
    defects
}
