//! `proofpack verify`: everything that can be checked without AWS, and every problem found.

use std::fs;
use std::path::PathBuf;

use super::CommandResult;
use super::config::CatalogArgument;
use super::exit::{CommandError, Exit};
use crate::sign::Certificate;
use crate::verify::{self, Options, TimestampFacts, Verdict};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  proofpack verify proofpack-123456789012-2026-07-01-2026-09-30.zip --trust company-ca.pem\n  proofpack verify report.pdf"
)]
pub(super) struct VerifyArguments {
    /// A package (zip), a bundle (directory) or a signed report (PDF).
    path: PathBuf,
    /// Certificates (PEM) that a signer must chain to; may be given more than once.
    #[arg(long, value_name = "FILE")]
    trust: Vec<PathBuf>,
    /// Certificates (PEM) that a timestamp authority must chain to; may be given more than once. They are trusted for nothing else.
    #[arg(long, value_name = "FILE")]
    trust_timestamps: Vec<PathBuf>,
    #[command(flatten)]
    catalog: CatalogArgument,
    /// Print the verdict as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &VerifyArguments) -> CommandResult {
    let options = Options {
        anchors: certificates(&arguments.trust)?,
        timestamp_anchors: certificates(&arguments.trust_timestamps)?,
    };
    if !arguments.path.exists() {
        return Err(CommandError::input(format!(
            "there is no {}; name a package, a bundle or a signed report",
            arguments.path.display()
        )));
    }
    let verdict = verify::verify(&arguments.path, &arguments.catalog.read()?, &options);
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&verdict).map_err(CommandError::internal)?);
    } else {
        print!("{}", in_words(&verdict));
    }
    Ok(if verdict.is_sound() { Exit::Success } else { Exit::ProblemsFound })
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

fn attested(stamped: &TimestampFacts) -> String {
    let trusted = match stamped.trusted {
        Some(true) => ", which is trusted",
        Some(false) => ", which no given certificate vouches for",
        None => "",
    };
    let time = stamped.time.format("%Y-%m-%d %H:%M:%S UTC");
    format!("{time}, attested by {}{trusted}", stamped.authority.subject)
}
