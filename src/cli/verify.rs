//! `proofpack verify`: everything that can be checked without AWS, and every problem found.

use std::fs;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::config::CatalogArgument;
use super::exit::{CommandError, Exit};
use super::{CommandResult, encryption, evidence};
use crate::catalog::Catalog;
use crate::model::{ControlStatus, harmless};
use crate::sign::Certificate;
use crate::verify::chain::{Chain, Link, chain};
use crate::verify::{self, Facts, Options, TimestampFacts, Verdict};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  proofpack verify proofpack-123456789012-2026-07-01-2026-09-30.zip --trust company-ca.pem\n  proofpack verify evidence.zip.age --identity key.txt\n  proofpack verify report.pdf\n  proofpack verify --chain archive"
)]
pub(super) struct VerifyArguments {
    /// A package or a sample (zip, also encrypted), a bundle (directory) or a signed report (PDF); with --chain a folder of packages.
    path: PathBuf,
    /// The private key of a package that is encrypted for you: a file with an age key (AGE-SECRET-KEY-1...) or an ssh key; may be given
    /// more than once. The passphrase of an ssh key is asked for, or read from PROOFPACK_IDENTITY_PASSPHRASE.
    #[arg(long, value_name = "FILE")]
    identity: Vec<PathBuf>,
    /// Verify every package of the folder, and that each follows the one that it names: none is missing, replaced or out of order.
    /// (`archive verify` does the same for an archive in S3.)
    #[arg(long)]
    chain: bool,
    #[command(flatten)]
    trust: TrustArguments,
    #[command(flatten)]
    catalog: CatalogArgument,
    /// Print the verdict as JSON.
    #[arg(long)]
    json: bool,
}

/// Which certificates are trusted, for the commands that verify.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct TrustArguments {
    /// Certificates (PEM) that a signer must chain to; may be given more than once.
    #[arg(long, value_name = "FILE")]
    trust: Vec<PathBuf>,
    /// Certificates (PEM) that a timestamp authority must chain to; may be given more than once. They are trusted for nothing else.
    #[arg(long, value_name = "FILE")]
    trust_timestamps: Vec<PathBuf>,
}

impl TrustArguments {
    /// The certificates, read.
    pub(super) fn options(&self) -> Result<Options, CommandError> {
        Ok(Options {
            anchors: certificates(&self.trust)?,
            timestamp_anchors: certificates(&self.trust_timestamps)?,
            identities: Vec::new(),
        })
    }
}

pub(super) fn run(arguments: &VerifyArguments) -> CommandResult {
    let options =
        Options { identities: encryption::identities(&arguments.identity)?, ..arguments.trust.options()? };
    if !arguments.path.exists() {
        return Err(CommandError::input(format!(
            "there is no {}; name a package, a bundle or a signed report",
            arguments.path.display()
        )));
    }
    let catalog = arguments.catalog.read()?;
    if arguments.chain {
        return verify_chain(arguments, &catalog, &options);
    }
    let verdict = verify::verify(&arguments.path, &catalog, &options);
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&verdict).map_err(CommandError::internal)?);
    } else {
        print!("{}", in_words(&verdict));
    }
    Ok(if verdict.is_sound() { Exit::Success } else { Exit::ProblemsFound })
}

/// Verifies every package of a folder, and the chain that they are.
fn verify_chain(arguments: &VerifyArguments, catalog: &Catalog, options: &Options) -> CommandResult {
    let folder = &arguments.path;
    let failed = |error| CommandError::input(format!("cannot list {}: {error}", folder.display()));
    let mut packages = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "zip") {
            packages.push(path);
        }
    }
    packages.sort_unstable();
    if packages.is_empty() {
        return Err(CommandError::input(format!("there is no package (*.zip) in {}", folder.display())));
    }
    let (mut verdicts, mut links) = (Vec::new(), Vec::new());
    for path in &packages {
        let verdict = verify::verify(path, catalog, options);
        if !arguments.json {
            print!("{}", in_words(&verdict));
        }
        verdicts.push(verdict);
        // One whose manifest cannot be read is no link: the one after it misses it.
        if let Ok((manifest, digest)) = evidence::manifest(path) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            links.push(Link::new(&name, &manifest, digest));
        }
    }
    let chain = chain(links);
    if arguments.json {
        let told = serde_json::to_string_pretty(&json!({ "packages": verdicts, "chain": chain }));
        println!("{}", told.map_err(CommandError::internal)?);
    } else {
        print!("{}", chain_in_words(&chain));
    }
    let sound = verdicts.iter().all(Verdict::is_sound) && chain.problems.is_empty();
    Ok(if sound { Exit::Success } else { Exit::ProblemsFound })
}

/// A chain for people: its bundles in order, what nothing covers, every problem, and last the one line.
pub(super) fn chain_in_words(chain: &Chain) -> String {
    let day = |instant: &DateTime<Utc>| instant.format("%Y-%m-%d").to_string();
    let mut text = String::from("Chain\n");
    for link in &chain.links {
        let follows = match link.previous_manifest_sha256 {
            None => "names none before it".to_owned(),
            Some(named) => match chain.links.iter().find(|other| other.manifest_sha256 == named) {
                Some(before) => format!("follows {}", before.package),
                None => "follows one that is not here".to_owned(),
            },
        };
        let period = &link.scope.period;
        let line = format!("{} to {}  {}  {follows}", day(&period.start), day(&period.end), link.package);
        text.push_str(&format!("  {}\n", harmless(&line, 600)));
    }
    for hole in &chain.not_covered {
        text.push_str(&format!("  nothing covers {} to {}\n", day(&hole.start), day(&hole.end)));
    }
    for problem in &chain.problems {
        let line = format!("{}: {}", problem.package, problem.message);
        text.push_str(&format!("  PROBLEM {}\n", harmless(&line, 800)));
    }
    text.push_str(&match chain.problems.len() {
        0 => format!(
            "CHAIN WHOLE: {} packages, none that another names is missing, replaced or out of order (receipts tell of those that none names)\n",
            chain.links.len()
        ),
        problems => format!("CHAIN BROKEN: {problems} problem(s)\n"),
    });
    text
}

/// The certificates of PEM files.
fn certificates(paths: &[PathBuf]) -> Result<Vec<Certificate>, CommandError> {
    let mut all = Vec::new();
    for path in paths {
        let pem = fs::read(path).map_err(|error| {
            CommandError::input(format!("cannot read the certificates {}: {error}", path.display()))
        })?;
        let certificates = Certificate::from_pem(&pem)
            .map_err(|error| CommandError::input(format!("{}: {error}", path.display())))?;
        all.extend(certificates);
    }
    Ok(all)
}

/// The verdict for people: what was looked at, who signed, every problem, and last the one line.
fn in_words(verdict: &Verdict) -> String {
    let mut text = format!("{}\n", verdict.path);
    if let Some(facts) = &verdict.facts {
        text.push_str(&format!(
            "  {} records ({} gaps) of account {}, sealed {}\n  Merkle root {}\n",
            facts.records,
            facts.gaps,
            facts.scope.accounts.join(", "),
            facts.sealed_at.format("%Y-%m-%d %H:%M:%S UTC"),
            facts.merkle_root
        ));
    }
    if let Some(sample) = verdict.facts.as_ref().and_then(|facts| facts.sample.as_ref()) {
        text.push_str(&format!(
            "  a SAMPLE of {} of these records: {}\n",
            sample.records,
            sample.chosen.join("; ")
        ));
    }
    if let Some(told) = verdict.facts.as_ref().and_then(|facts| facts.corroborated) {
        text.push_str(&format!(
            "  {} of {} API calls confirmed by CloudTrail's signed log files",
            told.confirmed, told.calls
        ));
        if told.mismatches > 0 {
            text.push_str(&format!("; {} requests logged OTHERWISE", told.mismatches));
        }
        text.push('\n');
    }
    if let Some(facts) = &verdict.facts {
        text.push_str(&other_catalog(facts));
    }
    for status in &verdict.facets {
        let mark = match status.holds {
            Some(true) => "holds",
            Some(false) => "WRONG",
            None => "open ",
        };
        text.push_str(&format!("  {mark}  {}\n", status.claim));
    }
    for signature in &verdict.signatures {
        let signer = signature.signer.as_ref().map_or_else(
            || "an unreadable certificate".to_owned(),
            |signer| format!("{} (SHA-256 {})", signer.subject, signer.sha256_fingerprint),
        );
        let role = signature.role.as_ref().map(|role| format!(", as {role},")).unwrap_or_default();
        text.push_str(&format!("  {} signed{role} by {signer}\n", signature.over));
        if let Some(stamped) = &signature.timestamp {
            text.push_str(&format!("    at {}\n", attested(stamped)));
        }
        if let Some(as_of) = signature.not_revoked_as_of {
            text.push_str(&format!(
                "    not revoked, as the issuers said at {}\n",
                as_of.format("%Y-%m-%d %H:%M:%S UTC")
            ));
        }
    }
    if let Some(report) = &verdict.report {
        for stamped in &report.timestamps {
            text.push_str(&format!("  the report with its signatures existed at {}\n", attested(stamped)));
        }
        if !report.unsigned_roles.is_empty() {
            text.push_str(&format!("  nobody has signed as {} yet\n", report.unsigned_roles.join(", ")));
        }
    }
    for problem in &verdict.problems {
        text.push_str(&format!("  PROBLEM {problem}\n"));
    }
    text.push_str(&format!("{}\n", verdict.line()));
    text
}

/// What this program's own catalog would decide, where the assessment was made with another.
pub(super) fn other_catalog(facts: &Facts) -> String {
    /// The most controls that are named.
    const MOST: usize = 20;
    if facts.own_catalog != Some(false) {
        return String::new();
    }
    let mut text =
        String::from("  assessed with the catalog in the package, which is not that of this program\n");
    let Some(today) = &facts.today else { return text };
    if let Some(error) = &today.error {
        text.push_str(&format!("    this program's own cannot assess it: {error}\n"));
        return text;
    }
    match today.otherwise.len() {
        0 => text.push_str("    this program's own decides every control alike\n"),
        several => {
            text.push_str(&format!("    this program's own would decide {several} controls otherwise:\n"))
        }
    }
    let words = |status: Option<ControlStatus>| status.map_or("not there", ControlStatus::words);
    for one in today.otherwise.iter().take(MOST) {
        let (stated, today) = (words(one.stated), words(one.today));
        text.push_str(&format!("      {}  {}: {stated}; today {today}\n", one.framework, one.control));
    }
    if today.otherwise.len() > MOST {
        text.push_str(&format!("      and {} more (--json)\n", today.otherwise.len() - MOST));
    }
    text
}

fn attested(stamped: &TimestampFacts) -> String {
    let trusted = match stamped.trusted {
        Some(true) => ", which is trusted",
        Some(false) => ", which no given certificate vouches for",
        None => "",
    };
    let time = stamped.time.format("%Y-%m-%d %H:%M:%S UTC");
    format!("{time}, attested by {}{trusted}", stamped.authority.subject)
}
