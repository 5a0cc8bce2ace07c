//! The command line: one file per command, and the wiring between the modules. The only place that
//! prints.

// In place of the standard macros of these names: see `output.rs`.
macro_rules! print {
    ($($argument:tt)*) => { $crate::cli::output::write(format_args!($($argument)*)) };
}
macro_rules! println {
    ($($argument:tt)*) => {{
        print!($($argument)*);
        print!("\n");
    }};
}

mod access_review;
mod additions;
mod archive;
mod assess;
mod attest;
mod bundle;
mod catalog;
mod checks;
mod closing;
mod collect;
mod config;
mod controls;
mod corroborate;
mod demo;
mod diff;
mod encryption;
mod evidence;
mod exceptions;
mod exit;
mod export;
mod http;
mod iam_policy;
mod imports;
mod init;
mod interrupt;
mod keygen;
mod kms;
mod output;
mod package;
#[cfg(feature = "pkcs11")]
mod pkcs11;
mod plan;
mod previous;
mod progress;
mod redaction;
mod reference;
mod report;
mod resume;
mod run;
mod sign;
mod signer;
mod timestamp;
mod trail;
mod verify;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::catalog::{Catalog, SameName, Sources};
use exit::CommandError;
pub use exit::Exit;
pub use reference::cli_reference;

/// How a command ends when it ends well.
type CommandResult = Result<Exit, CommandError>;

/// Collects audit evidence from AWS, seals it, assesses it against the HIPAA Security Rule, and
/// renders a signed report that maps every control to its proof.
#[derive(Debug, Parser)]
#[command(name = "proofpack", version, after_help = Exit::table(), propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// Where the settings are, for the commands that need them.
#[derive(Debug, Clone, clap::Args)]
struct ConfigArgument {
    /// Configuration file.
    #[arg(long, short, value_name = "FILE", default_value = "proofpack.toml")]
    config: PathBuf,
    /// Folder for everything that is written, instead of the configuration's `output`.
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl ConfigArgument {
    /// The configuration.
    fn read(&self) -> Result<config::Config, CommandError> {
        config::Config::read(&self.config)
    }

    /// The folder that the steps hand their files on in.
    fn workspace(&self, config: &config::Config) -> workspace::Workspace {
        let out = self.out.clone().unwrap_or_else(|| config.resolve(&config.output));
        workspace::Workspace::new(out)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the whole pipeline against a recorded AWS account; needs no AWS and no configuration.
    Demo(demo::DemoArguments),
    /// Write a commented proofpack.toml to start from.
    Init(init::InitArguments),
    /// Make a TEST certificate and key for trying things out; never for real evidence.
    Keygen(keygen::KeygenArguments),
    /// All steps in order: collect, assess, report, sign, package, archive.
    Run(run::RunArguments),
    /// Collect evidence from AWS into a sealed bundle.
    Collect(collect::CollectArguments),
    /// Join or amend sealed bundles.
    Bundle(bundle::BundleArguments),
    /// Add a person's statement, with its files, to what the next bundle holds.
    ///
    /// The statement becomes a record of the bundle, and its files lie beside the records in the bag. They are hashed and
    /// copied, never opened: at most 64 MiB each, 100 for one statement, 1 GiB in all. It holds until the day it states, or as
    /// long as the framework allows, whichever is earlier; a later one for the same id takes its place.
    Attest(attest::AttestArguments),
    /// Look at files of other tools that are to be sealed with the evidence.
    Imports(imports::ImportsArguments),
    /// Assess the bundle against the framework.
    Assess(assess::AssessArguments),
    /// Write the assessment in a form that other programs read: OSCAL, OCSF, CSV, JSON lines.
    Export(export::ExportArguments),
    /// Render the report (unsigned).
    Report(report::ReportArguments),
    /// Sign the report and the bundle's manifest.
    Sign(sign::SignArguments),
    /// Make the package for the auditor.
    Package(package::PackageArguments),
    /// Put the package where it is kept, and write a receipt.
    Archive(archive::ArchiveArguments),
    /// Review who can do what: users, roles, keys, ways to the rights of an administrator, what other accounts may use.
    AccessReview(access_review::AccessReviewArguments),
    /// Verify a package, a bundle or a signed report: reports all that is wrong.
    Verify(verify::VerifyArguments),
    /// Say what changed from one assessed bundle to another: controls, findings, resources, exceptions, attestations, records.
    ///
    /// What one side did not see is never told as something that came or went. Both are read as they were sealed; who signed
    /// them is what `verify` says.
    Diff(diff::DiffArguments),
    /// Look at CloudTrail's log files by themselves.
    Trail(trail::TrailArguments),
    /// Hold a bundle's requests against CloudTrail's signed log files: so many of so many records are AWS's own word.
    ///
    /// CloudTrail logs every call of ours under its request id, with who made it and when. Log files are validated first,
    /// and only valid ones count. The result is written beside the bundle and signed; it names, for each confirmed record,
    /// the event and the log file. A request that CloudTrail logged otherwise than the bundle says is a mismatch: such
    /// evidence must not be relied on before somebody has explained it.
    Corroborate(corroborate::CorroborateArguments),
    /// Look at the checks, run their cases, explain what came of one.
    Checks(checks::ChecksArguments),
    /// Look at the controls of the frameworks and what proves them.
    Controls(controls::ControlsArguments),
    /// Check files of checks, frameworks, excerpts and collectors.
    Catalog(catalog::CatalogArguments),
    /// Draft and check the file of accepted failures.
    Exceptions(exceptions::ExceptionsArguments),
    /// List the calls that a collection would make, and how many; makes none.
    Plan(plan::PlanArguments),
    /// Print the least-privilege IAM policy that a collection needs.
    IamPolicy(iam_policy::IamPolicyArguments),
    /// Show that a value is the one that was redacted.
    Redaction(redaction::RedactionArguments),
}

/// Runs the program: parses the command line, does what it says, and says how it ended.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are not errors; clap knows which is which and where each is printed.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Success.into() };
        }
    };
    match dispatch(arguments.command) {
        Ok(exit) => match output::failure() {
            Some(failure) => {
                output::error(format_args!("standard output could not be written: {failure}"));
                Exit::Output.into()
            }
            None => exit.into(),
        },
        Err(error) => {
            output::error(&error);
            error.exit.into()
        }
    }
}

fn dispatch(command: Command) -> CommandResult {
    match command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Init(arguments) => init::run(&arguments),
        Command::Keygen(arguments) => keygen::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Collect(arguments) => collect::run(&arguments),
        Command::Bundle(arguments) => bundle::run(&arguments),
        Command::Attest(arguments) => attest::run(&arguments),
        Command::Imports(arguments) => imports::run(&arguments),
        Command::Assess(arguments) => assess::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Sign(arguments) => sign::run(&arguments),
        Command::Package(arguments) => package::run(&arguments),
        Command::Archive(arguments) => archive::run(&arguments),
        Command::AccessReview(arguments) => access_review::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Trail(arguments) => trail::run(&arguments),
        Command::Corroborate(arguments) => corroborate::run(&arguments),
        Command::Checks(arguments) => checks::run(&arguments),
        Command::Controls(arguments) => controls::run(&arguments),
        Command::Catalog(arguments) => catalog::run(&arguments),
        Command::Exceptions(arguments) => exceptions::run(&arguments),
        Command::Plan(arguments) => plan::run(&arguments),
        Command::IamPolicy(arguments) => iam_policy::run(&arguments),
        Command::Redaction(arguments) => redaction::run(&arguments),
    }
}

/// The command line as clap knows it, for the generated reference.
fn clap_command() -> clap::Command {
    Arguments::command()
}

/// The catalog, or the defect in it.
fn catalog() -> Result<Catalog, CommandError> {
    Catalog::embedded().map_err(CommandError::internal)
}

/// The catalog with folders of the user's own over what is compiled in.
fn catalog_with(
    folders: impl IntoIterator<Item = PathBuf>,
    same_name: SameName,
) -> Result<Catalog, CommandError> {
    let mut sources = Sources::embedded();
    for folder in folders {
        sources = sources.with_folder(&folder, same_name).map_err(CommandError::input)?;
    }
    Catalog::load(&sources).map_err(CommandError::input)
}

/// A runtime for the commands that speak to AWS.
fn runtime() -> Result<tokio::runtime::Runtime, CommandError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::internal(format!("cannot start the runtime: {error}")))
}
