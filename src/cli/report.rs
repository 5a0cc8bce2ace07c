//! `proofpack report`: the assessment as a PDF, not yet signed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::assess::read_assessment;
use super::config::{Config, default_roles};
use super::evidence::Evidence;
use super::exit::{CommandError, Exit};
use super::workspace::Workspace;
use super::{CommandResult, ConfigArgument, diff, previous};
use crate::canonical;
use crate::model::{Comparison, Corroboration};
use crate::report::{Brand, LogoFormat, Report, ReportError, ReportOptions, Template};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  proofpack report && xdg-open proofpack-out/report-unsigned.pdf\n  proofpack report --edition executive && proofpack sign"
)]
pub(super) struct ReportArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// Write this edition instead: `executive` (six pages at most), `findings` (what did not pass) or `index` (the evidence); each
    /// is a file of its own, which `sign` signs too.
    #[arg(long, value_name = "NAME")]
    edition: Option<String>,
    /// Write the templates that are compiled in to this folder, as a beginning for one's own (report.templates), and nothing else.
    #[arg(long, value_name = "DIR", conflicts_with = "edition")]
    copy_templates: Option<PathBuf>,
}

pub(super) fn run(arguments: &ReportArguments) -> CommandResult {
    if let Some(folder) = &arguments.copy_templates {
        return copy_templates(folder);
    }
    let config = arguments.config.read()?;
    let workspace = arguments.config.workspace(&config);
    let template = template(&config)?;
    let editions = template.editions().map_err(failed)?;
    let path = match &arguments.edition {
        None => workspace.unsigned_report(),
        Some(id) if editions.first().is_some_and(|full| full.id == *id) => workspace.unsigned_report(),
        Some(id) => workspace.edition(id).0,
    };
    write(&config, &workspace, template, arguments.edition.clone(), false, &path)?;
    println!("Wrote {} (unsigned; next: proofpack sign)", path.display());
    Ok(Exit::Success)
}

fn copy_templates(folder: &Path) -> CommandResult {
    for (name, contents) in Template::embedded_files() {
        Workspace::write_new(&folder.join(name), contents)?;
    }
    println!(
        "Wrote the templates to {}; keep those that you change, and name the folder in report.templates",
        folder.display()
    );
    Ok(Exit::Success)
}

/// What the report is laid out by: the folder that the configuration names may have files of its own.
pub(super) fn template(config: &Config) -> Result<Template, CommandError> {
    let Some(folder) = &config.report.templates else { return Ok(Template::default()) };
    let folder = config.resolve(folder);
    let failed_at = |path: &Path, error: std::io::Error| {
        CommandError::input(format!("cannot read {}, which report.templates names: {error}", path.display()))
    };
    let mut own = BTreeMap::new();
    for entry in fs::read_dir(&folder).map_err(|error| failed_at(&folder, error))? {
        let path = entry.map_err(|error| failed_at(&folder, error))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|_| path.is_file()) else {
            continue;
        };
        own.insert(name.to_owned(), fs::read(&path).map_err(|error| failed_at(&path, error))?);
    }
    Template::with(own).map_err(failed)
}

/// What `corroborate` left beside the bundle; `package` looks at its signature.
fn corroboration(workspace: &Workspace, manifest: &[u8]) -> Result<Option<Corroboration>, CommandError> {
    let (path, _) = workspace.corroboration();
    if !path.exists() {
        return Ok(None);
    }
    let text = Workspace::read(&path, "corroborate")?;
    let corroboration: Corroboration = serde_json::from_slice(&text).map_err(|error| {
        CommandError::input(format!(
            "{} is not a corroboration ({error}): corroborate the bundle again, or move the file away",
            path.display()
        ))
    })?;
    if corroboration.manifest_sha256 != canonical::sha256(manifest) {
        return Err(CommandError::input(format!(
            "{} is of another bundle, whose manifest is {}: corroborate this bundle, or move the file away",
            path.display(),
            corroboration.manifest_sha256
        )));
    }
    Ok(Some(corroboration))
}

/// What changed since the bundle that `previous` names.
fn comparison(config: &Config, workspace: &Workspace) -> Result<Option<Comparison>, CommandError> {
    if config.previous().is_none() {
        return Ok(None);
    }
    let after = Evidence::read(workspace.root())?;
    let Some(path) = previous::file(config, workspace, &after.bundle.manifest) else { return Ok(None) };
    let before = Evidence::read(&path)?;
    let named = after.bundle.manifest.previous_manifest_sha256;
    if let Some(named) = named.filter(|named| *named != before.bundle.manifest_sha256) {
        return Err(CommandError::input(format!(
            "{} is not the package that the bundle was collected after: that one has the manifest {named}; correct `previous`",
            path.display()
        )));
    }
    diff::compared(&config.catalog()?, &before, &after).map(Some)
}

/// Renders the workspace's assessment and writes the unsigned report.
pub(super) fn render(
    config: &Config,
    workspace: &Workspace,
    demonstration: bool,
) -> Result<(), CommandError> {
    write(config, workspace, template(config)?, None, demonstration, &workspace.unsigned_report())
}

fn write(
    config: &Config,
    workspace: &Workspace,
    template: Template,
    edition: Option<String>,
    demonstration: bool,
    path: &Path,
) -> Result<(), CommandError> {
    let assessment = read_assessment(&workspace.assessment())?;
    let manifest = Workspace::read(&workspace.manifest(), "collect")?;
    let corroboration = corroboration(workspace, &manifest)?;
    let comparison = comparison(config, workspace)?;
    let organization = config.organization.clone();
    let brand = brand(config)?;
    let roles = config.signing.as_ref().map_or_else(default_roles, |signing| signing.roles.clone());
    let options = ReportOptions {
        organization,
        corroboration,
        comparison,
        roles,
        edition,
        brand,
        template,
        demonstration,
        ..ReportOptions::default()
    };
    let report = Report::new(&assessment, &manifest, &options).map_err(failed)?;
    drop((assessment, manifest)); // the layout needs much memory of its own
    let pdf = report.render().map_err(failed)?;
    Workspace::write(path, &pdf)
}

fn failed(error: ReportError) -> CommandError {
    match error {
        ReportError::UnknownEdition { .. } | ReportError::OwnTemplate(_) | ReportError::Brand(_) => {
            CommandError::input(error)
        }
        other => CommandError::internal(other),
    }
}

/// The logo and the colour that the configuration names.
fn brand(config: &Config) -> Result<Brand, CommandError> {
    let accent = config.report.accent.clone();
    let Some(logo) = &config.report.logo else { return Ok(Brand { logo: None, accent }) };
    let path = config.resolve(logo);
    let format = LogoFormat::of_name(&path.to_string_lossy()).ok_or_else(|| {
        CommandError::input(format!("report.logo: {} is no .png, .jpg or .svg file", path.display()))
    })?;
    let bytes = fs::read(&path).map_err(|error| {
        CommandError::input(format!("cannot read {}, which report.logo names: {error}", path.display()))
    })?;
    Ok(Brand { logo: Some((format, bytes)), accent })
}
