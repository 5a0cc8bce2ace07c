//! `proofpack checks explain`: why a check came out as it did.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::assess::{Explained, Explainer, Explanation, Part};
use crate::bundle::files::{Directory, Files, Folder};
use crate::bundle::{self, Bundle};
use crate::catalog::Catalog;
use crate::cli::config::CatalogArgument;
use crate::cli::exit::{CommandError, Exit};
use crate::cli::{CommandResult, ConfigArgument};
use crate::model::{Assessment, Outcome, harmless};
use crate::package::{Package, layout};

/// Longest `assessment.json` that is read, in bytes.
const LONGEST_ASSESSMENT: u64 = 1024 * 1024 * 1024;
/// Longest value that is shown, in characters; `--json` shows all of it.
const LONGEST_VALUE: usize = 300;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  proofpack checks explain arn:aws:s3:::records s3-bucket-tls-only\n  proofpack checks explain E-3f2a90bb01cd s3-bucket-tls-only --from proofpack-123456789012-2026-07-01-2026-09-30.zip"
)]
pub(super) struct ExplainArguments {
    /// A resource's ARN or name, or the id of a record (E-...) that a finding rests on.
    what: String,
    /// Check id.
    check: String,
    /// Package (zip) or bundle (directory), in place of the configuration's bundle and catalog.
    #[arg(long, value_name = "PATH")]
    from: Option<PathBuf>,
    /// The instant at which ages and expiries are judged (RFC 3339); that of the assessment where not given.
    #[arg(long, value_name = "TIME")]
    as_of: Option<DateTime<Utc>>,
    #[command(flatten)]
    config: ConfigArgument,
    #[command(flatten)]
    catalog: CatalogArgument,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What is needed to judge again.
struct Evidence {
    bundle: Bundle,
    catalog: Catalog,
    parameters: BTreeMap<String, Value>,
    as_of: DateTime<Utc>,
}

pub(super) fn run(arguments: &ExplainArguments) -> CommandResult {
    let evidence = match &arguments.from {
        Some(path) => from_path(path, arguments.catalog.read()?)?,
        None => from_workspace(&arguments.config)?,
    };
    let as_of = arguments.as_of.unwrap_or(evidence.as_of);
    let explainer = Explainer::new(&evidence.bundle, &evidence.catalog, &evidence.parameters, as_of)
        .map_err(CommandError::input)?;
    let explanations = explainer
        .explain(&arguments.check, &Explained::parse(&arguments.what))
        .map_err(CommandError::input)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&explanations).map_err(CommandError::internal)?);
        return Ok(Exit::Success);
    }
    let check = evidence.catalog.checks.get(&arguments.check);
    let predicate = check.map(|check| check.expression.trim().to_owned()).unwrap_or_default();
    for explanation in &explanations {
        println!("{}", in_words(explanation, &predicate));
    }
    Ok(Exit::Success)
}

/// The configuration's bundle, judged as its assessment was where there is one.
fn from_workspace(config: &ConfigArgument) -> Result<Evidence, CommandError> {
    let settings = config.read()?;
    let workspace = config.workspace(&settings);
    let bundle = read_bundle(&workspace.bundle())?;
    let catalog = settings.catalog()?;
    let assessed = std::fs::read(workspace.assessment())
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Assessment>(&bytes).ok())
        .filter(|assessment| assessment.bundle.manifest_sha256 == bundle.manifest_sha256);
    let (parameters, as_of) = match assessed {
        Some(assessment) => settings_of(&assessment),
        None => (settings.parameters.clone(), bundle.manifest.sealed_at),
    };
    Ok(Evidence { bundle, catalog, parameters, as_of })
}

/// A bundle's directory, or a package.
fn from_path(path: &Path, catalog: Catalog) -> Result<Evidence, CommandError> {
    if path.is_dir() && !path.join(layout::BUNDLE).is_dir() {
        let bundle = read_bundle(path)?;
        let as_of = bundle.manifest.sealed_at;
        return Ok(Evidence { bundle, catalog, parameters: BTreeMap::new(), as_of });
    }
    if path.is_dir() {
        return from_package(&Directory::open(path).map_err(CommandError::input)?, catalog);
    }
    let package = Package::open(path).map_err(CommandError::input)?;
    let folders: BTreeSet<&str> =
        package.list().keys().filter_map(|name| Some(name.split_once('/')?.0)).collect();
    match folders.into_iter().collect::<Vec<_>>().as_slice() {
        [folder] => from_package(&Folder::new(&package, folder), catalog),
        _ => Err(CommandError::input(format!(
            "{} is not a package: its files do not all lie in one folder; `proofpack verify` tells more",
            path.display()
        ))),
    }
}

fn from_package(files: &dyn Files, catalog: Catalog) -> Result<Evidence, CommandError> {
    let bundle = bundle::read_files(&Folder::new(files, layout::BUNDLE)).map_err(CommandError::input)?;
    let bytes = files.read(layout::ASSESSMENT, LONGEST_ASSESSMENT).map_err(CommandError::input)?;
    let assessment: Assessment = serde_json::from_slice(&bytes).map_err(|error| {
        CommandError::input(format!("its {} is not an assessment: {error}", layout::ASSESSMENT))
    })?;
    let (parameters, as_of) = settings_of(&assessment);
    Ok(Evidence { bundle, catalog, parameters, as_of })
}

fn settings_of(assessment: &Assessment) -> (BTreeMap<String, Value>, DateTime<Utc>) {
    let values = assessment.parameters.iter();
    (values.map(|(name, used)| (name.clone(), used.value.clone())).collect(), assessment.as_of)
}

fn read_bundle(path: &Path) -> Result<Bundle, CommandError> {
    bundle::read(path).map_err(|error| {
        let hint = if path.exists() { "" } else { "; `proofpack collect` makes it, --from names another" };
        CommandError::input(format!("cannot read the bundle {}: {error}{hint}", path.display()))
    })
}

/// An explanation for people. All values may come from anyone: nothing in them may steer a terminal.
fn in_words(explanation: &Explanation, predicate: &str) -> String {
    let subject = &explanation.subject;
    let mut text = format!(
        "{} of {} {}\n  account {}, {}\n  outcome: {}\n  {}\n",
        explanation.check,
        subject.kind,
        harmless(&subject.arn, LONGEST_VALUE),
        harmless(&subject.account, 20),
        harmless(&subject.region, 40),
        outcome(explanation.outcome),
        harmless(&explanation.message, 1_000),
    );
    if !explanation.predicate.is_empty() {
        text.push_str(&format!("\nPredicate (true is a pass)\n  {}\n", predicate.replace('\n', "\n  ")));
    }
    if !explanation.properties.is_empty() {
        text.push_str("\nProperties\n");
    }
    for property in &explanation.properties {
        let value = match (&property.value, &property.unknown) {
            (Some(value), _) => format!("= {}", in_short(value)),
            (None, reason) => {
                format!("is not known: {}", harmless(reason.as_deref().unwrap_or_default(), LONGEST_VALUE))
            }
        };
        let record = property.record.map(|record| format!("  [{}]", record.short())).unwrap_or_default();
        text.push_str(&format!("  {} {value}{record}\n", property.name));
    }
    if !explanation.parameters.is_empty() {
        text.push_str("\nParameters\n");
    }
    for (name, value) in &explanation.parameters {
        text.push_str(&format!("  {name} = {}\n", in_short(value)));
    }
    parts(&mut text, "Whether it is about this resource, part by part", &explanation.applies);
    parts(&mut text, "Part by part", &explanation.predicate);
    let proof: Vec<String> = explanation.proof.iter().map(|record| record.short()).collect();
    text.push_str(&format!("\nProof\n  {}\n", proof.join("\n  ")));
    text
}

fn parts(text: &mut String, title: &str, parts: &[Part]) {
    if parts.is_empty() {
        return;
    }
    text.push_str(&format!("\n{title}\n"));
    for part in parts {
        let value = match (&part.value, &part.error) {
            (Some(value), _) => in_short(value),
            (None, reason) => {
                format!(
                    "cannot be evaluated: {}",
                    harmless(reason.as_deref().unwrap_or_default(), LONGEST_VALUE)
                )
            }
        };
        let shown = harmless(&part.part, LONGEST_VALUE);
        text.push_str(&format!("  {}{shown} -> {value}\n", "  ".repeat(part.depth)));
    }
}

fn in_short(value: &Value) -> String {
    harmless(&value.to_string(), LONGEST_VALUE)
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Fail => "fail",
        Outcome::Indeterminate => "indeterminate",
        Outcome::Pass => "pass",
        Outcome::NotApplicable => "not applicable",
    }
}
