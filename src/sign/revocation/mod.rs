//! Whether a certificate was revoked: what its issuer says in OCSP responses (RFC 6960) and revocation lists (RFC 5280).
//!
//! A statement counts when the issuer, or a responder that the issuer names, signed it. Nothing here asks anybody but
//! [`collect()`], through a [`RevocationSource`].

mod collect;
mod list;
mod response;

use chrono::{DateTime, Utc};
use der::asn1::BitString;
use der::{Any, Decode, Encode, Sequence};
use spki::AlgorithmIdentifierOwned;
use x509_cert::ext::pkix::CrlReason;

use super::Certificate;
use super::algorithm::verify_certificate;
use super::pades::validation_data::ValidationData;
pub use collect::{SigningChain, collect};

/// The largest answer that is read, in bytes: lists of large authorities take some megabytes.
pub const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// Who can be asked over a network, at the addresses that certificates name.
pub trait RevocationSource {
    /// The body that a GET gives.
    ///
    /// # Errors
    /// Why there is none.
    fn get(&self, url: &str) -> Result<Vec<u8>, String>;

    /// The body that a POST of this type gives.
    ///
    /// # Errors
    /// Why there is none.
    fn post(&self, url: &str, content_type: &'static str, body: &[u8]) -> Result<Vec<u8>, String>;
}

/// Why there is nothing to show that a certificate was not revoked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevocationError {
    /// It is revoked.
    #[error("the certificate of {subject} was revoked at {at}{}: sign with another", .reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default())]
    Revoked {
        /// Whose.
        subject: String,
        /// Since when.
        at: DateTime<Utc>,
        /// Why, as the issuer says.
        reason: Option<String>,
    },
    /// It names nobody who could be asked.
    #[error(
        "the certificate of {0} names neither an OCSP responder nor a revocation list: long-term signatures need certificates that do (signing.level = \"B-T\" is the most that this one can have)"
    )]
    NobodyToAsk(String),
    /// Who issued it is not known.
    #[error(
        "the certificate of {subject} comes without that of its issuer ({issuer}): add that to the chain{}", .failure.as_ref().map(|failure| format!("; it could not be had from where the certificate says ({failure})")).unwrap_or_default()
    )]
    NoIssuer {
        /// Whose certificate.
        subject: String,
        /// Who issued it.
        issuer: String,
        /// What came of asking for it.
        failure: Option<String>,
    },
    /// Nobody gave an answer that can be used.
    #[error("nobody says whether the certificate of {subject} is revoked ({})", .failures.join("; "))]
    NoAnswer {
        /// Whose.
        subject: String,
        /// What came of each question.
        failures: Vec<String>,
    },
}

/// That a certificate is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Revoked {
    /// Since when.
    pub(crate) at: DateTime<Utc>,
    /// Why, if the issuer says.
    pub(crate) reason: Option<CrlReason>,
}

impl Revoked {
    /// Why, in words.
    pub(crate) fn in_words(&self) -> Option<&'static str> {
        Some(match self.reason? {
            CrlReason::Unspecified => "unspecified",
            CrlReason::KeyCompromise => "key compromise",
            CrlReason::CaCompromise => "compromise of the authority",
            CrlReason::AffiliationChanged => "affiliation changed",
            CrlReason::Superseded => "superseded",
            CrlReason::CessationOfOperation => "cessation of operation",
            CrlReason::CertificateHold => "on hold",
            CrlReason::RemoveFromCRL => "removed from the list",
            CrlReason::PrivilegeWithdrawn => "privilege withdrawn",
            CrlReason::AaCompromise => "compromise of the attribute authority",
        })
    }

    /// Whether the tokens that a timestamp authority signed before still count (RFC 3161, section 4).
    pub(crate) fn leaves_tokens_valid(&self) -> bool {
        use CrlReason as Reason;
        matches!(
            self.reason,
            Some(
                Reason::Unspecified
                    | Reason::AffiliationChanged
                    | Reason::Superseded
                    | Reason::CessationOfOperation
            )
        )
    }

    fn error(&self, subject: String) -> RevocationError {
        RevocationError::Revoked { subject, at: self.at, reason: self.in_words().map(str::to_owned) }
    }
}

/// What an issuer says of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    /// That it is revoked, if it is.
    pub(crate) revoked: Option<Revoked>,
    /// When this was known to be right.
    pub(crate) this_update: DateTime<Utc>,
    /// By when there would be a newer statement.
    pub(crate) next_update: Option<DateTime<Utc>>,
}

impl Statement {
    /// Whether it tells if the certificate was revoked at this time. Lists may leave out what has expired.
    fn tells_of(&self, certificate: &Certificate, at: DateTime<Utc>) -> bool {
        self.this_update <= certificate.facts().valid_until
            && (self.this_update >= at || self.next_update.is_some_and(|next| next >= at))
    }
}

/// What the data says of a certificate at a time: that it was revoked counts more than that it was not, and what is newest most.
pub(crate) fn statement(
    certificate: &Certificate,
    issuer: &Certificate,
    data: &ValidationData,
    at: DateTime<Utc>,
) -> Option<Statement> {
    let lists = data.lists.iter().filter_map(|der| list::statement(der, certificate, issuer).ok());
    let responses =
        data.responses.iter().filter_map(|der| response::statement(der, certificate, issuer).ok());
    let mut known: Vec<Statement> = lists.chain(responses).collect();
    // A revocation stays one, whenever it was told.
    known.retain(|one| one.revoked.is_some() || one.tells_of(certificate, at));
    known.into_iter().max_by_key(|one| (one.revoked.is_some(), one.this_update))
}

/// Whether each part of the data is what the holder of a certificate among it signed: nothing else belongs there.
///
/// # Errors
/// What does not.
pub(crate) fn require_sound(data: &ValidationData) -> Result<(), String> {
    let known = data.readable_certificates();
    for (der, position) in data.certificates.iter().zip(1..) {
        let certificate = Certificate::from_der(der, position).map_err(|error| error.to_string())?;
        if !known.iter().any(|issuer| issuer.check_signed(&certificate).is_ok()) {
            return Err(format!("certificate {position} is by nobody who is known"));
        }
    }
    for (der, position) in data.lists.iter().zip(1..) {
        if !known.iter().any(|issuer| list::is_by(der, issuer)) {
            return Err(format!("revocation list {position} is by nobody who is known"));
        }
    }
    for (der, position) in data.responses.iter().zip(1..) {
        if !known.iter().any(|issuer| response::is_by(der, issuer)) {
            return Err(format!("OCSP response {position} is by nobody who is known"));
        }
    }
    Ok(())
}

/// The form that lists and responses have in common: what is signed, how, and the signature.
#[derive(Sequence)]
struct Signed {
    content: Any,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    certificates: Option<Any>,
}

impl Signed {
    /// Reads it; in any other encoding than DER, what is signed would be open to interpretation.
    fn read(der: &[u8]) -> Result<Self, String> {
        let signed = Self::from_der(der).map_err(|error| error.to_string())?;
        if signed.to_der().ok().as_deref() == Some(der) {
            Ok(signed)
        } else {
            Err("it is not strict DER".into())
        }
    }

    fn is_by(&self, signer: &Certificate) -> bool {
        let (Ok(content), Some(signature)) = (self.content.to_der(), self.signature.as_bytes()) else {
            return false;
        };
        verify_certificate(signer.public_key(), &self.algorithm, &content, signature) == Ok(true)
    }
}
