//! `proofpack assess`: a sealed bundle judged against the framework.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::config::Config;
use super::exit::{CommandError, Exit};
use super::workspace::Workspace;
use super::{CommandResult, ConfigArgument};
use crate::assess::{self, Inputs};
use crate::bundle;
use crate::canonical;
use crate::catalog::Catalog;
use crate::model::{Assessment, Exception, Outcome};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  proofpack assess --config proofpack.toml\n  proofpack assess --framework hipaa-security-rule --json | jq '.frameworks[].summary'"
)]
pub(super) struct AssessArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// The instant at which ages and expiries are judged (RFC 3339); when the bundle was sealed where not given.
    #[arg(long, value_name = "TIME")]
    as_of: Option<DateTime<Utc>>,
    #[command(flatten)]
    frameworks: FrameworksArgument,
    /// Print the assessment as JSON.
    #[arg(long)]
    json: bool,
}

/// Which frameworks, for the commands that assess.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct FrameworksArgument {
    /// Framework to assess against, in place of the configuration's; may be given several times.
    #[arg(long = "framework", value_name = "ID")]
    frameworks: Vec<String>,
}

impl FrameworksArgument {
    /// Puts what is given in the place of what the configuration says.
    pub(super) fn apply(&self, config: &mut Config) {
        if !self.frameworks.is_empty() {
            config.frameworks.clone_from(&self.frameworks);
        }
    }
}

pub(super) fn run(arguments: &AssessArguments) -> CommandResult {
    let mut config = arguments.config.read()?;
    arguments.frameworks.apply(&mut config);
    let workspace = arguments.config.workspace(&config);
    let catalog = config.catalog()?;
    let assessment = assess_bundle(&config, &workspace, &catalog, arguments.as_of)?;
    if arguments.json {
        println!("{}", canonical::to_string(&assessment).map_err(CommandError::internal)?);
    } else {
        print!("{}", summary(&assessment));
        println!("Wrote {}", workspace.assessment().display());
    }
    Ok(Exit::Success)
}

/// Assesses the workspace's bundle and writes `assessment.json`.
pub(super) fn assess_bundle(
    config: &Config,
    workspace: &Workspace,
    catalog: &Catalog,
    as_of: Option<DateTime<Utc>>,
) -> Result<Assessment, CommandError> {
    require_settings(config, catalog)?;
    let exceptions = exceptions(config, catalog)?;
    let bundle = bundle::read(&workspace.bundle()).map_err(|error| {
        let hint = if workspace.bundle().exists() { "" } else { "; `proofpack collect` makes it" };
        CommandError::input(format!("cannot read the bundle {}: {error}{hint}", workspace.bundle().display()))
    })?;
    let inputs = Inputs {
        frameworks: config.frameworks.clone(),
        as_of: as_of.unwrap_or(bundle.manifest.sealed_at),
        parameters: config.parameters.clone(),
        exceptions,
    };
    let assessment = assess::assess(&bundle, catalog, &inputs).map_err(CommandError::input)?;
    let bytes = canonical::to_file_bytes(&assessment).map_err(CommandError::internal)?;
    let files = canonical::to_file_bytes(&catalog.sources.to_stored()).map_err(CommandError::internal)?;
    Workspace::write(&workspace.catalog(), &files)?;
    Workspace::write(&workspace.assessment(), &bytes)?;
    Ok(assessment)
}

/// Everything that the assessment will want of the configuration: a mistake is found before a collection, not after.
pub(super) fn require_settings(config: &Config, catalog: &Catalog) -> Result<(), CommandError> {
    let unknown = config.frameworks.iter().find(|id| !catalog.frameworks.contains_key(*id));
    if let Some(unknown) = unknown {
        let known: Vec<&str> = catalog.frameworks.keys().map(String::as_str).collect();
        return Err(CommandError::input(format!(
            "there is no framework {unknown:?}; `framework` in the configuration and --framework name one or several of {}",
            known.join(", ")
        )));
    }
    let mut seen = std::collections::BTreeSet::new();
    if let Some(twice) = config.frameworks.iter().find(|id| !seen.insert(*id)) {
        return Err(CommandError::input(format!("the framework {twice:?} is named twice; name each once")));
    }
    let problems = assess::parameter_problems(catalog, &config.parameters);
    if !problems.is_empty() {
        return Err(CommandError::input(format!(
            "the [parameters] of the configuration are wrong:\n{}",
            problems.join("\n")
        )));
    }
    exceptions(config, catalog).map(|_| ())
}

/// The exceptions that the configuration names.
fn exceptions(config: &Config, catalog: &Catalog) -> Result<Vec<Exception>, CommandError> {
    let Some(path) = &config.exceptions else { return Ok(Vec::new()) };
    let path = config.resolve(path);
    let text = read_exceptions_file(&path)?;
    assess::read_exceptions(&text, &path.display().to_string(), catalog).map_err(CommandError::input)
}

/// The text of an exceptions file.
pub(super) fn read_exceptions_file(path: &Path) -> Result<String, CommandError> {
    std::fs::read_to_string(path).map_err(|error| {
        CommandError::input(format!("cannot read the exceptions {}: {error}", path.display()))
    })
}

/// Reads an assessment that an earlier step wrote.
pub(super) fn read_assessment(path: &Path) -> Result<Assessment, CommandError> {
    let bytes = Workspace::read(path, "assess")?;
    serde_json::from_slice(&bytes).map_err(|error| {
        CommandError::input(format!(
            "{} is not an assessment: {error}; run `proofpack assess` again",
            path.display()
        ))
    })
}

/// What came out, in a few lines.
pub(super) fn summary(assessment: &Assessment) -> String {
    let mut text = String::new();
    for framework in &assessment.frameworks {
        let counts = framework.summary.iter().filter(|count| count.count > 0);
        let counts: Vec<String> =
            counts.map(|count| format!("{} {}", count.count, count.status.words())).collect();
        let of = match assessment.frameworks.len() {
            1 => String::new(),
            _ => format!(" of {}", framework.reference.id),
        };
        text.push_str(&format!("Controls{of}: {}\n", counts.join(", ")));
    }
    let of =
        |outcome: Outcome| assessment.findings.iter().filter(|finding| finding.outcome == outcome).count();
    let accepted = assessment.findings.iter().filter(|finding| finding.exception.is_some()).count();
    let without_force = assessment.exceptions.iter().filter(|report| !report.problems.is_empty()).count();
    text.push_str(&format!(
        "Findings: {} pass, {} fail ({accepted} of them accepted by an exception), {} indeterminate, {} not applicable\n",
        of(Outcome::Pass),
        of(Outcome::Fail),
        of(Outcome::Indeterminate),
        of(Outcome::NotApplicable),
    ));
    if without_force > 0 {
        text.push_str(&format!(
            "Exceptions: {without_force} of {} have a problem and cover nothing; `proofpack exceptions lint` says which (--config FILE, where it is elsewhere)\n",
            assessment.exceptions.len()
        ));
    }
    text
}
