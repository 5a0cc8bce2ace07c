//! The narrow place where verification asks for signatures to be checked.

use chrono::{DateTime, Utc};

use super::cms::{self, CmsVerdict, Stamped};
use super::pdf;
use super::trust::{Anchors, Trust};
use super::verdict::{SignatureFacts, TimestampFacts};
use crate::model::{Problem, ProblemCode};
use crate::sign::timestamp::Token;
use crate::sign::{CertificateFacts, TimestampError};

/// What checking one signature gave.
#[derive(Debug)]
pub(super) struct Checked {
    /// Everything that speaks against it, in sentences.
    pub(super) faults: Vec<String>,
    /// The certificates in it, the signer's first.
    pub(super) chain: Vec<CertificateFacts>,
    /// When it was made, as the signer claims.
    pub(super) signed_at: Option<DateTime<Utc>>,
    timestamp: Option<Stamped>,
    trust: Trust,
}

impl Checked {
    fn of(mut faults: Vec<String>, signature: Option<CmsVerdict>, signed_at: Option<DateTime<Utc>>) -> Self {
        let Some(verdict) = signature else {
            return Self { faults, chain: Vec::new(), signed_at, timestamp: None, trust: Trust::NotAsked };
        };
        if !verdict.intact && faults.is_empty() {
            faults.push("the signature does not hold".to_owned());
        }
        if verdict.within_validity == Some(false) {
            faults.push("the signer's certificate was not valid at the time of signing".to_owned());
        }
        Self { faults, chain: verdict.chain, signed_at, timestamp: verdict.timestamp, trust: verdict.trust }
    }

    /// What it says, for the verdict.
    pub(super) fn facts(&self, over: &str) -> SignatureFacts {
        let (trusted, distrust) = in_words(&self.trust);
        let timestamp = self.timestamp.as_ref().map(timestamp_facts);
        SignatureFacts {
            over: over.to_owned(),
            holds: self.faults.is_empty(),
            signed_at: self.signed_at,
            timestamp,
            signer: self.chain.first().cloned(),
            trusted,
            distrust,
        }
    }

    /// Its faults as problems.
    pub(super) fn problems<'a>(
        &'a self,
        code: ProblemCode,
        place: &'a str,
    ) -> impl Iterator<Item = Problem> + 'a {
        self.faults.iter().map(move |fault| Problem::new(code, place, fault))
    }
}

fn timestamp_facts(stamped: &Stamped) -> TimestampFacts {
    let (trusted, distrust) = in_words(&stamped.trust);
    TimestampFacts { time: stamped.time, authority: stamped.authority.clone(), trusted, distrust }
}

fn in_words(trust: &Trust) -> (Option<bool>, Vec<String>) {
    match trust {
        Trust::NotAsked => (None, Vec::new()),
        Trust::Trusted { .. } => (Some(true), Vec::new()),
        Trust::Untrusted(reasons) => (Some(false), reasons.iter().map(ToString::to_string).collect()),
    }
}

/// Checks the detached CMS `signature` over `content`. It says no time of its own: `signed_at` is the time at
/// which its certificates are judged.
pub(super) fn check_cms(
    signature: &[u8],
    content: &[u8],
    signed_at: Option<DateTime<Utc>>,
    anchors: Anchors<'_>,
) -> Checked {
    let verdict = cms::verify(signature, &[content], signed_at, anchors);
    let faults = verdict.problems.iter().map(ToString::to_string).collect();
    Checked::of(faults, Some(verdict), signed_at)
}

/// Checks the timestamp `token` over `content`.
pub(super) fn check_timestamp(
    token: &[u8],
    content: &[u8],
    anchors: Anchors<'_>,
) -> Result<TimestampFacts, TimestampError> {
    let token = Token::over(token, content)?;
    let stamped = cms::stamped(&token, anchors.timestamps);
    stamped
        .as_ref()
        .map(timestamp_facts)
        .ok_or_else(|| TimestampError::Unsound("it has no certificate".into()))
}

/// Checks the signature of a PDF, and that it covers the whole file.
pub(super) fn check_pdf(bytes: &[u8], anchors: Anchors<'_>) -> Checked {
    let verdict = pdf::verify(bytes, anchors);
    let faults = verdict.problems.iter().map(ToString::to_string).collect();
    Checked::of(faults, verdict.signature, verdict.claimed_time)
}
