//! `proofpack sign`: signatures over the report (PAdES) and the bundle's manifest (detached CMS).

use std::fs;
use std::io::IsTerminal;
use std::path::Path;

use super::config::{Config, SigningConfig};
use super::exit::{CommandError, Exit};
use super::kms::KmsSigner;
use super::workspace::Workspace;
use super::{CommandResult, ConfigArgument, timestamp};
use crate::clock::Clock;
use crate::report;
use crate::sign::pades::sign_and_stamp_pdf;
use crate::sign::timestamp::{Token, stamp};
use crate::sign::{self, Certificate, SignatureInfo, Signer, SoftwareSigner, TimestampAuthority};
use crate::verify::attachment;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  proofpack keygen   # once, for a test certificate\n  proofpack sign")]
pub(super) struct SignArguments {
    #[command(flatten)]
    config: ConfigArgument,
}

pub(super) fn run(arguments: &SignArguments) -> CommandResult {
    let config = arguments.config.read()?;
    let workspace = arguments.config.workspace(&config);
    let signer = signer(&config)?;
    sign_all(&config, &workspace, &*signer, Clock::System)?;
    let stamped = Some(workspace.manifest_timestamp()).filter(|path| path.exists());
    let written = [Some(workspace.report()), Some(workspace.manifest_signature()), stamped];
    let written: Vec<String> = written.into_iter().flatten().map(|path| path.display().to_string()).collect();
    println!("Wrote {}", written.join(", "));
    Ok(Exit::Success)
}

/// Signs the unsigned report and the manifest.
pub(super) fn sign_all(
    config: &Config,
    workspace: &Workspace,
    signer: &dyn Signer,
    clock: Clock,
) -> Result<(), CommandError> {
    let now = clock.now();
    sign::require_valid_at(signer, now).map_err(CommandError::input)?;
    let report = Workspace::read(&workspace.unsigned_report(), "report")?;
    let manifest = Workspace::read(&workspace.manifest(), "collect")?;
    let mut info = SignatureInfo::new(now);
    info.reason = config.signing.as_ref().and_then(|signing| signing.reason.clone());
    let authorities = timestamp::authorities(config.signing.as_ref())?;
    let signed = sign_and_stamp_pdf(&report, signer, &info, &authorities).map_err(CommandError::input)?;
    let signature = sign::detached_cms(signer, &manifest).map_err(CommandError::input)?;
    for edition in report::editions().map_err(CommandError::internal)? {
        let (unsigned, target) = workspace.edition(&edition.id);
        if unsigned.exists() {
            let pdf = Workspace::read(&unsigned, "report")?;
            require_of(&manifest, &pdf, &unsigned)?;
            let signed =
                sign_and_stamp_pdf(&pdf, signer, &info, &authorities).map_err(CommandError::input)?;
            Workspace::write(&target, &signed)?;
        }
    }
    let token = manifest_timestamp(workspace, &manifest, &authorities)?;
    Workspace::write(&workspace.report(), &signed)?;
    if let Some(token) = token {
        Workspace::write(&workspace.manifest_timestamp(), token.der())?;
    }
    Workspace::write(&workspace.manifest_signature(), &signature)
}

/// An edition that is still there from another bundle must not be signed with this one.
fn require_of(manifest: &[u8], pdf: &[u8], path: &Path) -> Result<(), CommandError> {
    let attached = attachment::attached(pdf, "manifest.json").map_err(CommandError::input)?;
    if attached.iter().any(|one| one == manifest) {
        return Ok(());
    }
    Err(CommandError::input(format!(
        "{} is of another bundle: render it again with `proofpack report --edition`, or remove it",
        path.display()
    )))
}

/// A new timestamp over the manifest. One that is there stays if it is of this manifest: it attests an earlier time.
fn manifest_timestamp(
    workspace: &Workspace,
    manifest: &[u8],
    authorities: &[Box<dyn TimestampAuthority>],
) -> Result<Option<Token>, CommandError> {
    let path = workspace.manifest_timestamp();
    if path.exists() {
        let there = Workspace::read(&path, "sign")?;
        if Token::over(&there, manifest).is_ok() {
            return Ok(None);
        }
        let failed = |error| CommandError::output(format!("cannot remove {}: {error}", path.display()));
        fs::remove_file(&path).map_err(failed)?;
    }
    if authorities.is_empty() {
        return Ok(None);
    }
    stamp(manifest, authorities).map(Some).map_err(CommandError::input)
}

/// The key that the configuration names.
pub(super) fn signer(config: &Config) -> Result<Box<dyn Signer>, CommandError> {
    let Some(signing) = &config.signing else {
        return Err(CommandError::input(
            "the configuration has no [signing] section: name a certificate and key there; `proofpack keygen` makes a test certificate",
        ));
    };
    timestamp::authorities(Some(signing))?; // a setting that cannot be used is found before anything is done
    let read = |path: &Path| {
        let path = config.resolve(path);
        fs::read(&path).map_err(|error| {
            CommandError::input(format!(
                "cannot read {}, which [signing] names: {error}; `proofpack keygen` makes a test certificate",
                path.display()
            ))
        })
    };
    match signing {
        SigningConfig { pkcs12: Some(file), .. } => {
            let (path, bytes) = (config.resolve(file), read(file)?);
            let password = password(config, signing, &path)?;
            let signer = SoftwareSigner::from_pkcs12(&bytes, &password)
                .map_err(|error| CommandError::input(format!("{}: {error}", path.display())))?;
            Ok(Box::new(signer))
        }
        SigningConfig { certificate: Some(certificate), kms_key: Some(kms_key), key: None, .. } => {
            let chain = Certificate::from_pem(&read(certificate)?).map_err(|error| {
                CommandError::input(format!("{}: {error}", config.resolve(certificate).display()))
            })?;
            Ok(Box::new(KmsSigner::open(config, kms_key, chain)?))
        }
        SigningConfig { certificate: Some(certificate), key: Some(key), kms_key: None, .. } => {
            let signer = SoftwareSigner::from_pem(&read(certificate)?, &read(key)?).map_err(|error| {
                let (certificate, key) = (config.resolve(certificate), config.resolve(key));
                CommandError::input(format!("{} with {}: {error}", certificate.display(), key.display()))
            })?;
            Ok(Box::new(signer))
        }
        _ => Err(CommandError::input(
            "[signing] needs either `certificate` and `key`, `certificate` and `kms-key`, or `pkcs12`",
        )),
    }
}

/// The password of the PKCS#12 file `of`: out of the environment, a file, or from whoever sits there; empty where nobody does.
fn password(config: &Config, signing: &SigningConfig, of: &Path) -> Result<String, CommandError> {
    if let Some(variable) = &signing.password_variable {
        return std::env::var(variable).map_err(|_| {
            CommandError::input(format!(
                "the environment variable {variable} (signing.password-variable) does not hold the PKCS#12 file's password"
            ))
        });
    }
    if let Some(file) = &signing.password_file {
        let path = config.resolve(file);
        let text = fs::read_to_string(&path).map_err(|error| {
            CommandError::input(format!("cannot read {} (signing.password-file): {error}", path.display()))
        })?;
        return Ok(text.lines().next().unwrap_or_default().to_owned());
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(String::new());
    }
    rpassword::prompt_password(format!("Password of {}: ", of.display()))
        .map_err(|error| CommandError::input(format!("the password could not be read: {error}")))
}
