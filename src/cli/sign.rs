//! `proofpack sign`: signatures over the report (PAdES) and the bundle's manifest (detached CMS).

use std::path::{Path, PathBuf};
use std::{fs, iter};

use chrono::{DateTime, Utc};

use super::config::{Config, SigningConfig};
use super::exit::{CommandError, Exit};
use super::http::NamedInCertificates;
use super::report::template;
use super::signer::signer;
use super::workspace::Workspace;
use super::{CommandResult, ConfigArgument, timestamp};
use crate::clock::Clock;
use crate::report::{self, Line};
use crate::sign::pades::{Level, sign_to_level, visible};
use crate::sign::timestamp::{Token, stamp};
use crate::sign::{self, Certificate, SignError, SignatureInfo, Signer, TimestampAuthority};
use crate::verify::attachment;
use crate::verify::pdf::{self, PdfFile, PdfSignature};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  proofpack keygen               # once, for a test certificate
  proofpack sign                 # as the first of signing.roles: the report and the bundle's manifest
  proofpack sign --role reviewer # one more signature on the report, behind the first")]
pub(super) struct SignArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// In which role to sign the report; a signature in another role must be there already, unless this is the first.
    #[arg(long)]
    role: Option<String>,
}

pub(super) fn run(arguments: &SignArguments) -> CommandResult {
    let config = arguments.config.read()?;
    let workspace = arguments.config.workspace(&config);
    let signer = signer(&config)?;
    let written = match &arguments.role {
        Some(role) if workspace.report().exists() => add(&config, &workspace, &*signer, role)?,
        role => sign_as(&config, &workspace, &*signer, Clock::System, role.as_deref())?,
    };
    let written: Vec<String> = written.into_iter().map(|path| path.display().to_string()).collect();
    println!("Wrote {}", written.join(", "));
    Ok(Exit::Success)
}

/// Signs the unsigned report and the manifest, in the first role.
pub(super) fn sign_all(
    config: &Config,
    workspace: &Workspace,
    signer: &dyn Signer,
    clock: Clock,
) -> Result<(), CommandError> {
    sign_as(config, workspace, signer, clock, None).map(drop)
}

/// Signs the unsigned report and the manifest; gives what was written.
fn sign_as(
    config: &Config,
    workspace: &Workspace,
    signer: &dyn Signer,
    clock: Clock,
    role: Option<&str>,
) -> Result<Vec<PathBuf>, CommandError> {
    let now = clock.now();
    sign::require_valid_at(signer, now).map_err(CommandError::input)?;
    let unsigned = Workspace::read(&workspace.unsigned_report(), "report")?;
    let manifest = Workspace::read(&workspace.manifest(), "collect")?;
    require_nothing_lost(config, workspace, signer)?;
    let info = info(config, signer, role, now)?;
    let authorities = timestamp::authorities(config.signing.as_ref())?;
    let mut made = vec![(workspace.report(), sign_one(config, &unsigned, signer, &info, &authorities)?)];
    for (unsigned, target) in
        editions(config, workspace)?.into_iter().filter(|(unsigned, _)| unsigned.exists())
    {
        let pdf = Workspace::read(&unsigned, "report")?;
        require_of(&manifest, &PdfFile::read(&pdf), &unsigned)?;
        made.push((target, sign_one(config, &pdf, signer, &info, &authorities)?));
    }
    made.push((
        workspace.manifest_signature(),
        sign::detached_cms(signer, &manifest).map_err(CommandError::input)?,
    ));
    if let Some(token) = manifest_timestamp(workspace, &manifest, &authorities)? {
        made.push((workspace.manifest_timestamp(), token.der().to_vec()));
    }
    write_all(made)
}

/// Adds a signature in another role to the reports that are signed already; gives what was written.
fn add(
    config: &Config,
    workspace: &Workspace,
    signer: &dyn Signer,
    role: &str,
) -> Result<Vec<PathBuf>, CommandError> {
    let now = Clock::System.now();
    sign::require_valid_at(signer, now).map_err(CommandError::input)?;
    let info = info(config, signer, Some(role), now)?;
    let authorities = timestamp::authorities(config.signing.as_ref())?;
    let mut made = Vec::new();
    for (unsigned, path) in reports(config, workspace)? {
        if !path.exists() {
            continue;
        }
        let pdf = Workspace::read(&path, "sign")?;
        if unsigned.exists() && !pdf.starts_with(&Workspace::read(&unsigned, "report")?) {
            return Err(CommandError::input(format!(
                "{} is not the report that was rendered last: that one has to be signed by its first signer before others add theirs",
                path.display()
            )));
        }
        let there = pdf::verify(&pdf, &[]);
        if let Some(fault) = there.fault() {
            return Err(CommandError::input(format!(
                "{} is not signed again, because what is there does not hold: {fault}",
                path.display()
            )));
        }
        // Another edition may have been rendered since.
        let own = signer.chain().first().map(Certificate::fingerprint);
        let is_own =
            |one: &PdfSignature| one.role == role && one.signer().map(|by| by.sha256_fingerprint) == own;
        if there.signatures.iter().any(is_own) {
            continue;
        }
        let signed = sign_one(config, &pdf, signer, &info, &authorities)?;
        made.push((path, signed));
    }
    if made.is_empty() {
        return Err(CommandError::input(SignError::AlreadySigned(role.to_owned())));
    }
    write_all(made)
}

/// Signs a PDF up to the level that the configuration asks for. What would not hold afterwards is not given away.
fn sign_one(
    config: &Config,
    pdf: &[u8],
    signer: &dyn Signer,
    info: &SignatureInfo,
    authorities: &[Box<dyn TimestampAuthority>],
) -> Result<Vec<u8>, CommandError> {
    let level = config.signing.as_ref().map_or(Level::Basic, SigningConfig::level);
    let signed = sign_to_level(pdf, signer, info, level, authorities, &NamedInCertificates)
        .map_err(CommandError::input)?;
    match pdf::verify(&signed, &[]).fault() {
        None => Ok(signed),
        Some(fault) => Err(CommandError::input(format!("the signature just made does not hold: {fault}"))),
    }
}

/// What the signatures say, at this time.
fn info(
    config: &Config,
    signer: &dyn Signer,
    role: Option<&str>,
    now: DateTime<Utc>,
) -> Result<SignatureInfo, CommandError> {
    let mut info = SignatureInfo::new(now);
    if let Some(signing) = &config.signing {
        info.reason.clone_from(&signing.reason);
        info.roles.clone_from(&signing.roles);
    }
    if let Some(role) = role.or(info.roles.first().map(String::as_str)) {
        info.role = role.to_owned();
    }
    info.appearance = Some(appearance(&info, signer)?);
    Ok(info)
}

/// What is drawn in the signature's box.
fn appearance(info: &SignatureInfo, signer: &dyn Signer) -> Result<Vec<u8>, CommandError> {
    let facts = signer
        .chain()
        .first()
        .map(Certificate::facts)
        .ok_or_else(|| CommandError::input(SignError::NoCertificate))?;
    let line = |size: f32, grey: f32, text: String| Line { text, size, grey };
    let mut lines = vec![
        line(11.0, 0.1, facts.common_name().to_owned()),
        line(
            7.5,
            0.3,
            format!(
                "as {}, {} by the signer's clock",
                info.role,
                info.signed_at.format("%Y-%m-%d %H:%M:%S UTC")
            ),
        ),
    ];
    lines.extend(info.reason.as_ref().map(|reason| line(7.5, 0.3, reason.clone())));
    let fingerprint: String = facts.sha256_fingerprint.to_string().chars().take(32).collect();
    lines.push(line(6.0, 0.4, format!("certificate with the SHA-256 {fingerprint}…")));
    #[allow(clippy::cast_precision_loss, reason = "small numbers are exact")]
    let (width, height) = (visible::WIDTH as f32, visible::HEIGHT as f32);
    report::outlined(&lines, width, height).map_err(CommandError::internal)
}

/// The editions of the report: where each is before and after it is signed.
fn editions(config: &Config, workspace: &Workspace) -> Result<Vec<(PathBuf, PathBuf)>, CommandError> {
    let editions = template(config)?.editions().map_err(CommandError::internal)?;
    Ok(editions.iter().map(|edition| workspace.edition(&edition.id)).collect())
}

/// The report and its editions, likewise.
fn reports(config: &Config, workspace: &Workspace) -> Result<Vec<(PathBuf, PathBuf)>, CommandError> {
    let report = (workspace.unsigned_report(), workspace.report());
    Ok(iter::once(report).chain(editions(config, workspace)?).collect())
}

fn write_all(made: Vec<(PathBuf, Vec<u8>)>) -> Result<Vec<PathBuf>, CommandError> {
    made.into_iter()
        .map(|(path, bytes)| {
            Workspace::write(&path, &bytes)?;
            Ok(path)
        })
        .collect()
}

/// Signing from the beginning must not drop what others have signed, whatever it is that they signed.
pub(super) fn require_nothing_lost(
    config: &Config,
    workspace: &Workspace,
    signer: &dyn Signer,
) -> Result<(), CommandError> {
    let own = signer.chain().first().map(Certificate::fingerprint);
    for (_, path) in reports(config, workspace)?.into_iter().filter(|(_, path)| path.exists()) {
        let there = pdf::verify(&Workspace::read(&path, "sign")?, &[]);
        let mut signers = there.signatures.iter().filter_map(PdfSignature::signer);
        let other = signers.find(|by| Some(by.sha256_fingerprint) != own);
        if let Some(other) = other {
            return Err(CommandError::input(format!(
                "{} is signed by {}, which signing it again would drop: `proofpack sign --role` adds a signature; to begin again, move the file away",
                path.display(),
                other.subject
            )));
        }
    }
    Ok(())
}

/// A report that is still there from another bundle must not be signed or packaged with this one.
pub(super) fn require_of(manifest: &[u8], pdf: &PdfFile<'_>, path: &Path) -> Result<(), CommandError> {
    let attached = attachment::attached(pdf, "manifest.json").map_err(CommandError::input)?;
    if attached.iter().any(|one| one == manifest) {
        return Ok(());
    }
    Err(CommandError::input(format!(
        "{} is of another bundle: render it again (`proofpack report`) and sign it, or remove it",
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
