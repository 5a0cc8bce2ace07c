//! `proofpack report`: the assessment as a PDF, not yet signed.

use super::assess::read_assessment;
use super::config::Config;
use super::exit::{CommandError, Exit};
use super::workspace::Workspace;
use super::{CommandResult, ConfigArgument};
use crate::canonical;
use crate::model::Corroboration;
use crate::report::{Report, ReportOptions};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  proofpack report && xdg-open proofpack-out/report-unsigned.pdf")]
pub(super) struct ReportArguments {
    #[command(flatten)]
    config: ConfigArgument,
}

pub(super) fn run(arguments: &ReportArguments) -> CommandResult {
    let config = arguments.config.read()?;
    let workspace = arguments.config.workspace(&config);
    render(&config, &workspace, false)?;
    println!("Wrote {} (unsigned; next: proofpack sign)", workspace.unsigned_report().display());
    Ok(Exit::Success)
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

/// Renders the workspace's assessment and writes the unsigned report.
pub(super) fn render(
    config: &Config,
    workspace: &Workspace,
    demonstration: bool,
) -> Result<(), CommandError> {
    let assessment = read_assessment(&workspace.assessment())?;
    let manifest = Workspace::read(&workspace.manifest(), "collect")?;
    let corroboration = corroboration(workspace, &manifest)?;
    let options = ReportOptions { organization: config.organization.clone(), corroboration, demonstration };
    let report = Report::new(&assessment, &manifest, &options).map_err(CommandError::internal)?;
    drop((assessment, manifest)); // the layout needs much memory of its own
    let pdf = report.render().map_err(CommandError::internal)?;
    Workspace::write(&workspace.unsigned_report(), &pdf)
}
