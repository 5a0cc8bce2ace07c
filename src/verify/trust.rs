//! Whether a signer is trusted, given certificates that the verifier trusts (anchors).
//!
//! Trust is apart from integrity: a signature can be perfect and its signer unknown.

use chrono::{DateTime, Utc};

use crate::model::Sha256Digest;
use crate::sign::pades::validation_data::ValidationData;
use crate::sign::{Certificate, CertificateFacts};

/// The certificates that the verifier trusts. Those for signers and those for timestamps are apart: under the roots of public
/// authorities for timestamps there are millions of certificates, and none of their holders is a signer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Anchors<'a> {
    /// A signer must chain to one of these.
    pub signers: &'a [Certificate],
    /// A timestamp authority must chain to one of these.
    pub timestamps: &'a [Certificate],
    /// What tells whether certificates were revoked. Nobody needs to be trusted for it: it is signed.
    pub validation_data: Option<&'a ValidationData>,
}

impl<'a> From<&'a [Certificate]> for Anchors<'a> {
    fn from(signers: &'a [Certificate]) -> Self {
        Self { signers, ..Self::default() }
    }
}

impl<'a, const N: usize> From<&'a [Certificate; N]> for Anchors<'a> {
    fn from(signers: &'a [Certificate; N]) -> Self {
        signers.as_slice().into()
    }
}

impl<'a> From<&'a Vec<Certificate>> for Anchors<'a> {
    fn from(signers: &'a Vec<Certificate>) -> Self {
        signers.as_slice().into()
    }
}

/// Whether the signer is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// No anchors were given, so nothing can be said.
    NotAsked,
    /// The signer's certificate is an anchor, or its chain leads to one.
    Trusted {
        /// Fingerprint of the anchor.
        anchor: Sha256Digest,
    },
    /// It is not, for these reasons.
    Untrusted(Vec<TrustProblem>),
}

/// Why a signer is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustProblem {
    /// The chain ends without meeting an anchor.
    #[error(
        "no given anchor issued {subject} (issuer {issuer}): give the certificate of an authority that you trust"
    )]
    NoPathToAnchor {
        /// The last certificate of the chain.
        subject: String,
        /// Who issued it, as it says.
        issuer: String,
    },
    /// A certificate of the path was not valid at the signing time.
    #[error(
        "the certificate of {subject} was valid from {valid_from} until {valid_until}, not at the signing time {signed_at}"
    )]
    NotValidAtSigning {
        /// The certificate's subject.
        subject: String,
        /// The first instant of validity.
        valid_from: DateTime<Utc>,
        /// The last instant of validity.
        valid_until: DateTime<Utc>,
        /// The signing time.
        signed_at: DateTime<Utc>,
    },
    /// The signature does not hold, so the certificate that it names signed nothing.
    #[error("the signature does not hold, so nobody is known to have signed")]
    SignatureDoesNotHold,
    /// Without a signing time, validity cannot be judged.
    #[error("the signing time is not known, so the certificates' validity cannot be judged")]
    NoSigningTime,
    /// The signer's certificate has a critical extension that is not understood.
    #[error("the certificate of {subject} has a critical extension that is not understood ({oid})")]
    UnknownCriticalExtension {
        /// The certificate's subject.
        subject: String,
        /// The extension's object identifier.
        oid: String,
    },
}

/// Judges a chain whose links were verified already (each issued the one before it), signer first.
pub(super) fn judge(
    chain: &[Certificate],
    anchors: &[Certificate],
    signed_at: Option<DateTime<Utc>>,
) -> Trust {
    if anchors.is_empty() {
        return Trust::NotAsked;
    }
    let mut problems = Vec::new();
    if let Some(leaf) = chain.first()
        && let Some(oid) = leaf.unknown_critical_extension()
    {
        problems.push(TrustProblem::UnknownCriticalExtension { subject: leaf.facts().subject, oid });
    }
    let path = path_to_anchor(chain, anchors);
    let judged: Vec<&Certificate> = match &path {
        Some((length, anchor)) => chain.iter().take(*length).chain(std::iter::once(*anchor)).collect(),
        None => chain.iter().collect(),
    };
    match signed_at {
        None => problems.push(TrustProblem::NoSigningTime),
        Some(signed_at) => {
            problems.extend(judged.iter().filter(|one| !one.is_valid_at(signed_at)).map(|one| {
                let CertificateFacts { subject, valid_from, valid_until, .. } = one.facts();
                TrustProblem::NotValidAtSigning { subject, valid_from, valid_until, signed_at }
            }))
        }
    }
    match path {
        Some((_, anchor)) if problems.is_empty() => Trust::Trusted { anchor: anchor.fingerprint() },
        Some(_) => Trust::Untrusted(problems),
        None => {
            if let Some(last) = chain.last() {
                let CertificateFacts { subject, issuer, .. } = last.facts();
                problems.push(TrustProblem::NoPathToAnchor { subject, issuer });
            }
            Trust::Untrusted(problems)
        }
    }
}

/// The nearest anchor, and how many certificates of the chain stand before it.
fn path_to_anchor<'a>(chain: &[Certificate], anchors: &'a [Certificate]) -> Option<(usize, &'a Certificate)> {
    chain.iter().enumerate().find_map(|(position, certificate)| {
        if let Some(same) = anchors.iter().find(|anchor| *anchor == certificate) {
            return Some((position, same));
        }
        let issuer = anchors.iter().find(|anchor| anchor.check_issued(certificate, position).is_ok())?;
        Some((position + 1, issuer))
    })
}
