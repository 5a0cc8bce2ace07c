//! The narrow place where verification asks for signatures to be checked.

use std::iter;

use chrono::{DateTime, Utc};

use super::cms::{self, CmsVerdict, Stamped};
use super::pdf::PdfFile;
use super::revocation::Revocation;
use super::trust::{Anchors, Trust};
use super::verdict::{ReportFacts, SignatureFacts, TimestampFacts};
use crate::model::{Problem, ProblemCode, harmless};
use crate::sign::pades::validation_data::ValidationData;
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
    role: Option<String>,
    timestamp: Option<Stamped>,
    trust: Trust,
    revocation: Revocation,
}

impl Checked {
    fn of(mut faults: Vec<String>, signature: Option<CmsVerdict>, signed_at: Option<DateTime<Utc>>) -> Self {
        let Some(verdict) = signature else {
            if faults.is_empty() {
                faults.push("there is no signature".to_owned());
            }
            return Self {
                faults,
                chain: Vec::new(),
                signed_at,
                role: None,
                timestamp: None,
                trust: Trust::NotAsked,
                revocation: Revocation::NotKnown,
            };
        };
        if !verdict.intact && faults.is_empty() {
            faults.push("the signature does not hold".to_owned());
        }
        if verdict.within_validity == Some(false) {
            faults.push("the signer's certificate was not valid at the time of signing".to_owned());
        }
        let CmsVerdict { chain, timestamp, trust, revocation, .. } = verdict;
        Self { faults, chain, signed_at, role: None, timestamp, trust, revocation }
    }

    /// What it says, for the verdict.
    pub(super) fn facts(&self, over: &str) -> SignatureFacts {
        let (trusted, distrust) = in_words(&self.trust);
        let timestamp = self.timestamp.as_ref().map(timestamp_facts);
        SignatureFacts {
            over: over.to_owned(),
            role: self.role.clone(),
            holds: self.faults.is_empty(),
            signed_at: self.signed_at,
            timestamp,
            signer: self.chain.first().cloned(),
            trusted,
            distrust,
            not_revoked_as_of: not_revoked_as_of(&self.revocation),
        }
    }

    /// When it was made: as a trusted authority attests, or else as the signer claims.
    pub(super) fn made_at(&self) -> Option<DateTime<Utc>> {
        let attested = self.timestamp.as_ref().filter(|one| matches!(one.trust, Trust::Trusted { .. }));
        attested.map(|one| one.time).or(self.signed_at)
    }

    /// Its faults as problems, and that a certificate was revoked.
    pub(super) fn problems<'a>(
        &'a self,
        code: ProblemCode,
        place: &'a str,
    ) -> impl Iterator<Item = Problem> + 'a {
        let revocations =
            iter::once(&self.revocation).chain(self.timestamp.iter().map(|one| &one.revocation));
        let faults = self.faults.iter().map(move |fault| Problem::new(code, place, fault));
        faults.chain(revocations.filter_map(move |one| revoked(one, place)))
    }
}

fn timestamp_facts(stamped: &Stamped) -> TimestampFacts {
    let (trusted, distrust) = in_words(&stamped.trust);
    TimestampFacts {
        time: stamped.time,
        authority: stamped.authority.clone(),
        trusted,
        distrust,
        not_revoked_as_of: not_revoked_as_of(&stamped.revocation),
    }
}

fn not_revoked_as_of(revocation: &Revocation) -> Option<DateTime<Utc>> {
    match revocation {
        Revocation::NotRevoked { as_of } => Some(*as_of),
        _ => None,
    }
}

/// The problem that a certificate was revoked, if it was.
fn revoked(revocation: &Revocation, place: &str) -> Option<Problem> {
    let Revocation::Revoked { subject, at, reason } = revocation else { return None };
    let reason = reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let message = format!("the certificate of {subject} was revoked at {at}{reason}, before it signed this");
    Some(Problem::new(ProblemCode::CertificateRevoked, place, message))
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
    let stamped = cms::stamped(&token, anchors);
    stamped
        .as_ref()
        .map(timestamp_facts)
        .ok_or_else(|| TimestampError::Unsound("it has no certificate".into()))
}

/// What checking the signatures of a PDF gave.
#[derive(Debug)]
pub(super) struct CheckedPdf {
    /// The signatures, the certifying one first; one that says nothing where there is none.
    pub(super) signatures: Vec<Checked>,
    /// What else there is to tell.
    pub(super) facts: ReportFacts,
    /// That a certificate of a timestamp over the document was revoked.
    pub(super) revoked: Vec<Problem>,
    /// What it holds to check certificates with.
    pub(super) validation_data: ValidationData,
}

/// Checks the signatures of a PDF, and that they account for the whole file.
pub(super) fn check_pdf(place: &str, file: &PdfFile<'_>, anchors: Anchors<'_>) -> CheckedPdf {
    let verdict = file.verify(anchors);
    let faults: Vec<String> = verdict.problems.iter().map(ToString::to_string).collect();
    let facts = ReportFacts {
        timestamps: verdict.timestamps.iter().map(timestamp_facts).collect(),
        unsigned_roles: verdict.unsigned_roles.iter().map(|role| harmless(role, 100)).collect(),
    };
    // What is wrong with the file speaks against each of its signatures, and is told once.
    let mut signatures: Vec<Checked> = verdict
        .signatures
        .into_iter()
        .map(|one| {
            let mut checked = Checked::of(faults.clone(), one.signature, one.claimed_time);
            checked.role = Some(harmless(&one.role, 100));
            checked
        })
        .collect();
    if signatures.is_empty() {
        signatures.push(Checked::of(faults, None, None));
    }
    let revoked = verdict.timestamps.iter().filter_map(|one| revoked(&one.revocation, place)).collect();
    CheckedPdf { signatures, facts, revoked, validation_data: verdict.validation_data }
}
