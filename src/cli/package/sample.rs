//! `proofpack package --sample`: some records of a package, with the proof that they are of it.

use std::path::{Path, PathBuf};

use crate::assess::matches_glob;
use crate::bundle::files::{Directory, Files, Folder};
use crate::bundle::{LONGEST_MANIFEST, paths};
use crate::cli::CommandResult;
use crate::cli::encryption;
use crate::cli::exit::{CommandError, Exit};
use crate::package::encryption::Recipient;
use crate::package::sample::{Request, SampleContents, write_sample};
use crate::package::{Package, PackageError, layout};
use crate::verify::trust::Anchors;
use crate::verify::{cms, pdf};

/// Longest file beside the bundle that is read, in bytes.
const LONGEST: u64 = 1024 * 1024 * 1024;

#[derive(Debug, clap::Args)]
pub(super) struct SampleArguments {
    /// Write a sample of the package that is there: only the records that are chosen, each with the proof that it is of the sealed bundle.
    /// `control:ID` chooses what proves a control, `resource:PATTERN` what is said of resources by ARN or name (`*` stands for
    /// anything), `random:NUMBER` so many records by chance, `random:CONFIDENCE/MARGIN` as many as these need, in percent
    /// (`random:95/5`). May be given more than once.
    #[arg(long, value_name = "WHAT")]
    pub(super) sample: Vec<Request>,
    /// The package to draw a sample from (as a zip or unpacked) or to encrypt; otherwise the one that `package` wrote into the output
    /// folder. What is made of it is written beside it. Neither configuration nor key is needed.
    #[arg(long, value_name = "PACKAGE")]
    pub(super) of: Option<PathBuf>,
    /// What decides over chance: the same seed draws the same records of the same bundle, so the auditor should say it. Otherwise the
    /// SHA-256 of the manifest.
    #[arg(long, value_name = "TEXT", requires = "sample")]
    seed: Option<String>,
}

/// Draws from the package at `path` and writes the sample beside it.
pub(super) fn run(path: &Path, arguments: &SampleArguments, recipients: &[Recipient]) -> CommandResult {
    if !path.exists() {
        let message =
            format!("there is no package {} to draw from; `proofpack package` makes it", path.display());
        return Err(CommandError::input(message));
    }
    if path.is_dir() {
        let files = Directory::open(path).map_err(CommandError::input)?;
        return draw(path, &files, arguments, recipients);
    }
    let package = Package::open(path).map_err(CommandError::input)?;
    draw(path, &package.folder(), arguments, recipients)
}

fn draw(
    path: &Path,
    files: &dyn Files,
    arguments: &SampleArguments,
    recipients: &[Recipient],
) -> CommandResult {
    let wrong = |what: &dyn std::fmt::Display| CommandError::input(format!("{}: {what}", path.display()));
    let read = |name: &str, most: u64| files.read(name, most).map_err(|error| wrong(&error));
    let bundle = Folder::new(files, layout::BUNDLE);
    let assessment = read(layout::ASSESSMENT, LONGEST)?;
    let manifest_signature = read(layout::MANIFEST_SIGNATURE, LONGEST)?;
    let manifest = bundle.read(paths::MANIFEST, LONGEST_MANIFEST).map_err(|error| wrong(&error))?;
    let checked = cms::verify(&manifest_signature, &[&manifest], None, Anchors::default());
    if let Some(problem) = checked.problems.first() {
        return Err(wrong(&format!(
            "{}: {problem}: no sample of it could be verified",
            layout::MANIFEST_SIGNATURE
        )));
    }
    let report = pdf::verify(&read(layout::REPORT, LONGEST)?, &[]);
    let signer = read(layout::SIGNER, LONGEST)?;
    let is_stamped = files.list().contains_key(layout::MANIFEST_TIMESTAMP);
    let manifest_timestamp = is_stamped.then(|| read(layout::MANIFEST_TIMESTAMP, LONGEST)).transpose()?;
    let contents = SampleContents {
        bundle: &bundle,
        assessment: &assessment,
        manifest_signature: &manifest_signature,
        signed_at: report.signatures.first().and_then(|signature| signature.claimed_time),
        signer: &signer,
        manifest_timestamp: manifest_timestamp.as_deref(),
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let matches = |pattern: &str, text: &str| matches_glob(pattern, text, false);
    let asked = (&arguments.sample[..], arguments.seed.as_deref());
    let (written, _, sample) =
        write_sample(folder, &contents, asked, matches).map_err(|error| match error {
            error @ (PackageError::Exists(_) | PackageError::Io { .. } | PackageError::Zip { .. }) => {
                CommandError::output(error)
            }
            other => wrong(&other),
        })?;
    let (chosen, all, shown) = (sample.records.len(), sample.population, written.display());
    println!("Wrote {shown} with {chosen} of {all} records; check it with: proofpack verify {shown}");
    encryption::encrypt(&written, recipients)?;
    Ok(Exit::Success)
}
