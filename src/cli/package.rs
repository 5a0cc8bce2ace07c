//! `proofpack package`: everything in one zip for the auditor.

mod sample;

use std::path::{Path, PathBuf};

use self::sample::SampleArguments;
use super::encryption::{self, RecipientArguments};
use super::exit::{CommandError, Exit};
use super::sign::require_of;
use super::signer::signer;
use super::workspace::Workspace;
use super::{CommandResult, ConfigArgument};
use crate::model::Manifest;
use crate::package::{self, Contents, layout};
use crate::sign::timestamp::Token;
use crate::sign::{self, Certificate, Signer};
use crate::verify::cms;
use crate::verify::pdf::{PdfFile, PdfSignature};
use crate::verify::trust::Anchors;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  proofpack package && proofpack verify proofpack-out/*.zip\n  proofpack package --sample random:95/5 --seed \"drawn by the auditor, 2026-10-14\"\n  proofpack package --of evidence.zip --sample 'control:164.312(b)' --sample 'resource:arn:aws:s3:::*'\n  proofpack package --of evidence.zip --recipient age1...   # evidence.zip.age, which only they can read"
)]
pub(super) struct PackageArguments {
    #[command(flatten)]
    config: ConfigArgument,
    #[command(flatten)]
    sample: SampleArguments,
    #[command(flatten)]
    recipients: RecipientArguments,
}

pub(super) fn run(arguments: &PackageArguments) -> CommandResult {
    let recipients = arguments.recipients.all()?;
    let is_sample = !arguments.sample.sample.is_empty();
    match &arguments.sample.of {
        Some(of) if is_sample => return sample::run(of, &arguments.sample, &recipients),
        Some(_) if recipients.is_empty() => {
            return Err(CommandError::input(
                "--of PACKAGE does nothing alone: add --sample, --recipient, or both",
            ));
        }
        Some(of) => {
            encryption::encrypt(of, &recipients)?;
            return Ok(Exit::Success);
        }
        None => {}
    }
    let config = arguments.config.read()?;
    let workspace = arguments.config.workspace(&config);
    if is_sample {
        return sample::run(&package_path(&workspace)?, &arguments.sample, &recipients);
    }
    let recipients = [config.package.recipients()?, recipients].concat();
    let path = write_package(&workspace, &*signer(&config)?)?;
    println!("Wrote {}; check it with: proofpack verify {}", path.display(), path.display());
    encryption::encrypt(&path, &recipients)?;
    Ok(Exit::Success)
}

/// Writes the package and returns where it is.
pub(super) fn write_package(workspace: &Workspace, signer: &dyn Signer) -> Result<PathBuf, CommandError> {
    let path = package_path(workspace)?;
    let assessment = Workspace::read(&workspace.assessment(), "assess")?;
    let catalog = Workspace::read(&workspace.catalog(), "assess")?;
    let (report, manifest_signature) = signed(workspace, signer)?;
    let certificates = Certificate::to_pem(signer.chain());
    let corroboration = corroboration(workspace, signer)?;
    let manifest_timestamp = manifest_timestamp(workspace)?;
    let contents = Contents {
        bundle: &workspace.bundle(),
        assessment: &assessment,
        catalog: &catalog,
        report: &report,
        manifest_signature: &manifest_signature,
        signer: certificates.as_bytes(),
        corroboration: corroboration.as_ref().map(|one| (&one.text[..], &one.signature[..])),
        manifest_timestamp: manifest_timestamp.as_deref(),
    };
    package::write(&path, &contents, &mut |sums| Ok(sign::detached_cms(signer, sums)?))
        .map_err(CommandError::output)?;
    Ok(path)
}

/// The report and the signature over the manifest. They must hold, be of this bundle, and be by the signer of the package: else
/// it would not verify.
fn signed(workspace: &Workspace, signer: &dyn Signer) -> Result<(Vec<u8>, Vec<u8>), CommandError> {
    let (path, signature_path) = (workspace.report(), workspace.manifest_signature());
    let report = Workspace::read(&path, "sign")?;
    let signature = Workspace::read(&signature_path, "sign")?;
    let manifest = Workspace::read(&workspace.manifest(), "collect")?;
    let pdf = PdfFile::read(&report);
    let checked = pdf.verify(&[]);
    if let Some(fault) = checked.fault() {
        return Err(CommandError::input(format!("{}: {fault}; run `proofpack sign` again", path.display())));
    }
    let of_manifest = cms::verify(&signature, &[&manifest], None, Anchors::default());
    if let Some(problem) = of_manifest.problems.first() {
        let place = signature_path.display();
        return Err(CommandError::input(format!("{place}: {problem}; run `proofpack sign` again")));
    }
    let of_report = checked.signatures.first().and_then(PdfSignature::signer).cloned();
    let own = signer.chain().first().map(Certificate::fingerprint);
    for (path, by) in [(&path, of_report), (&signature_path, of_manifest.signer)] {
        if by.as_ref().map(|by| by.sha256_fingerprint) != own {
            let by = by.map_or_else(|| "nobody".to_owned(), |by| by.subject);
            return Err(CommandError::input(format!(
                "{} was first signed by {by}, who has to sign the package as well: package it with that key, or sign the report with this one",
                path.display()
            )));
        }
    }
    require_of(&manifest, &pdf, &path)?;
    drop(pdf);
    Ok((report, signature))
}

/// What `corroborate` left beside the bundle, and the signature over it.
struct Corroborated {
    text: Vec<u8>,
    signature: Vec<u8>,
}

/// Reads what `corroborate` left. One that somebody else signed would make the package unsound.
fn corroboration(workspace: &Workspace, signer: &dyn Signer) -> Result<Option<Corroborated>, CommandError> {
    let (path, signature_path) = workspace.corroboration();
    if !path.exists() && !signature_path.exists() {
        return Ok(None);
    }
    let text = Workspace::read(&path, "corroborate")?;
    let signature = Workspace::read(&signature_path, "corroborate")?;
    let checked = cms::verify(&signature, &[&text], None, Anchors::default());
    let own = signer.chain().first().map(Certificate::fingerprint);
    let by = checked.chain.first().map(|certificate| certificate.sha256_fingerprint);
    if !checked.intact || by != own {
        return Err(CommandError::input(format!(
            "{} is not signed by the signer of this package, or was altered since: corroborate the bundle again, or move the file away",
            path.display()
        )));
    }
    Ok(Some(Corroborated { text, signature }))
}

/// The timestamp that `sign` left, if it is of this manifest.
fn manifest_timestamp(workspace: &Workspace) -> Result<Option<Vec<u8>>, CommandError> {
    let path = workspace.manifest_timestamp();
    if !path.exists() {
        return Ok(None);
    }
    let token = Workspace::read(&path, "sign")?;
    let manifest = Workspace::read(&workspace.manifest(), "collect")?;
    Token::over(&token, &manifest).map_err(|error| {
        CommandError::input(format!("{}: {error}; run `proofpack sign` again", path.display()))
    })?;
    Ok(Some(token))
}

/// The package is named like the folder in it: by accounts and period.
pub(super) fn package_path(workspace: &Workspace) -> Result<PathBuf, CommandError> {
    let path = workspace.manifest();
    let manifest: Manifest = serde_json::from_slice(&Workspace::read(&path, "collect")?)
        .map_err(|error| CommandError::input(format!("{} is not a manifest: {error}", path.display())))?;
    Ok(workspace.root().join(format!("{}.zip", layout::folder(&manifest))))
}

/// The file name of a path that [`package_path`] made or a person named.
pub(super) fn name_of(path: &Path) -> Result<String, CommandError> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.map(str::to_owned)
        .ok_or_else(|| CommandError::input(format!("{} has no usable file name", path.display())))
}
