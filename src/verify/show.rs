//! The verdict as text, for people.

use std::fmt;

use super::facet::Facet;
use super::verdict::{Facts, SignatureFacts, Verdict};
use crate::model::harmless;

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.line())?;
        writeln!(formatter, "\n{}", self.path)?;
        if let Some(facts) = &self.facts {
            show_facts(facts, formatter)?;
        }
        for signature in &self.signatures {
            show_signature(signature, formatter)?;
        }
        writeln!(formatter)?;
        for status in &self.facets {
            let mark = match status.holds {
                Some(true) => "ok  ",
                Some(false) => "NOT ",
                None if status.facet == Facet::Trust => "open",
                None => "?   ",
            };
            writeln!(formatter, "  {mark}  {}", status.claim)?;
        }
        if !self.problems.is_empty() {
            writeln!(formatter, "\nProblems:")?;
        }
        for problem in &self.problems {
            writeln!(formatter, "  [{}] {}\n      {}", problem.code.id(), problem.place, problem.message)?;
        }
        Ok(())
    }
}

fn show_facts(facts: &Facts, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    let scope = &facts.scope;
    let accounts = harmless(&scope.accounts.join(", "), 400);
    let (start, end) = (scope.period.start.to_rfc3339(), scope.period.end.to_rfc3339());
    writeln!(formatter, "  accounts        {accounts}")?;
    writeln!(formatter, "  period          {start} to {end}")?;
    writeln!(formatter, "  sealed          {}", facts.sealed_at.to_rfc3339())?;
    writeln!(formatter, "  records         {}, of which gaps: {}", facts.records, facts.gaps)?;
    writeln!(formatter, "  Merkle root     {}", facts.merkle_root)?;
    writeln!(formatter, "  manifest        {}", facts.manifest_sha256)?;
    if let (Some(framework), Some(as_of)) = (&facts.framework, facts.as_of) {
        writeln!(formatter, "  assessed        {}, as of {}", harmless(framework, 200), as_of.to_rfc3339())?;
    }
    Ok(())
}

fn show_signature(signature: &SignatureFacts, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    let holds = if signature.holds { "signed by" } else { "NOT VALIDLY signed by" };
    let Some(signer) = &signature.signer else {
        return writeln!(formatter, "  {}: no signature that could be read", signature.over);
    };
    let trusted = match signature.trusted {
        Some(true) => "trusted",
        Some(false) => "not trusted",
        None => "no certificates to trust were given",
    };
    let subject = harmless(&signer.subject, 400);
    writeln!(
        formatter,
        "  {}: {holds} {subject} ({trusted}; SHA-256 {})",
        signature.over, signer.sha256_fingerprint
    )
}
