//! `proofpack export`: the assessment in a form that other programs read.

use std::path::PathBuf;

use clap::ValueEnum;

use super::CommandResult;
use super::assess::read_assessment;
use super::exit::{CommandError, Exit};
use super::workspace::Workspace;
use crate::export::{self, Format};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  proofpack export proofpack-out/assessment.json --format oscal --out proofpack-out/assessment-results.json\n  proofpack export proofpack-out/assessment.json --format csv --out findings.csv\n  proofpack export proofpack-out/assessment.json --format json | jq -c 'select(.outcome == \"indeterminate\")'"
)]
pub(super) struct ExportArguments {
    /// The assessment: `assessment.json` of a run, or of a package.
    #[arg(value_name = "ASSESSMENT")]
    assessment: PathBuf,
    /// Form to write.
    #[arg(long, value_enum)]
    format: FormatArgument,
    /// File to write; standard output where not given. References to records are relative to the folder with `bundle`.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatArgument {
    /// OSCAL 1.2.1 assessment results: a `result` for each framework, a finding for each control.
    Oscal,
    /// OCSF 1.8.0 compliance findings (class 2003), one event on each line.
    Ocsf,
    /// CSV (RFC 4180), one row for each finding.
    Csv,
    /// JSON lines, one object for each finding.
    Json,
}

impl From<FormatArgument> for Format {
    fn from(argument: FormatArgument) -> Self {
        match argument {
            FormatArgument::Oscal => Self::Oscal,
            FormatArgument::Ocsf => Self::Ocsf,
            FormatArgument::Csv => Self::Csv,
            FormatArgument::Json => Self::Json,
        }
    }
}

pub(super) fn run(arguments: &ExportArguments) -> CommandResult {
    let assessment = read_assessment(&arguments.assessment)?;
    let bytes = export::export(&assessment, arguments.format.into()).map_err(CommandError::internal)?;
    match &arguments.out {
        Some(path) => {
            Workspace::write(path, &bytes)?;
            println!("Wrote {} ({} findings)", path.display(), assessment.findings.len());
        }
        None => print!("{}", String::from_utf8_lossy(&bytes)),
    }
    Ok(Exit::Success)
}
