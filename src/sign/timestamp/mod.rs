//! Timestamps of RFC 3161: an authority's signed word that a signature existed at a time.
//!
//! Whoever signs claims a time; an authority that has nothing to do with it attests one. Its token becomes an unsigned
//! attribute of the signature (RFC 3161, appendix A), which makes PAdES-B-B a PAdES-B-T (ETSI EN 319 142-1).

mod exchange;
mod token;

use chrono::{DateTime, TimeDelta, Utc};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912;
use der::Sequence;
use der::asn1::OctetString;
use spki::AlgorithmIdentifierOwned;

use super::DigestAlgorithm;
use exchange::Request;
pub use token::Token;

/// The attribute that holds the token (RFC 3161, appendix A).
pub(crate) const TOKEN_ATTRIBUTE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.14");

/// The largest answer or token that is read, in bytes: they take 2 to 8 KiB.
pub const LARGEST_ANSWER: usize = 32 * 1024;

/// The most by which the claimed time of a signature may be off the attested one while it is made.
pub(crate) const MOST_DIFFERENCE: TimeDelta = TimeDelta::minutes(5);

/// A timestamp authority that can be asked.
pub trait TimestampAuthority {
    /// What it is called in messages: its URL.
    fn name(&self) -> &str;

    /// Its answer (a DER `TimeStampResp`) to a DER `TimeStampReq`.
    ///
    /// # Errors
    /// Why it gave none.
    fn answer(&self, request: &[u8]) -> Result<Vec<u8>, String>;
}

/// Why there is no timestamp, or none that can be relied upon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// The authority does not give one.
    #[error("the timestamp authority refused (status {status}): {words}")]
    Refused {
        /// PKIStatus (RFC 3161, section 2.4.2).
        status: u8,
        /// What it says to that.
        words: String,
    },
    /// Something in the answer is not what RFC 3161 says.
    #[error("the timestamp cannot be read: {0}")]
    Malformed(String),
    /// It is about something else, or an answer to another request.
    #[error("the timestamp is not for this signature: its {0} is another")]
    Other(&'static str),
    /// Its own signature, or the certificate behind it, does not hold.
    #[error("the timestamp's own signature does not hold: {0}")]
    Unsound(String),
    /// No authority gave one that can be used.
    #[error("no timestamp authority gave a timestamp ({}): name others in signing.timestamp-authorities, or none", .0.join("; "))]
    NoAuthority(Vec<String>),
    /// The clocks differ.
    #[error(
        "this machine's clock says {claimed}, the timestamp authority's {attested}: set the clock, or sign with another authority"
    )]
    Clock {
        /// When the signer says that it was signed.
        claimed: DateTime<Utc>,
        /// When the authority says so.
        attested: DateTime<Utc>,
    },
}

/// What is stamped (RFC 3161, section 2.4.1).
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(crate) struct MessageImprint {
    hash_algorithm: AlgorithmIdentifierOwned,
    hashed_message: OctetString,
}

impl MessageImprint {
    /// The SHA-256 of the message that these parts make.
    fn of(message: &[&[u8]]) -> Result<Self, der::Error> {
        let digest = DigestAlgorithm::Sha256.digest(message);
        let hash_algorithm = DigestAlgorithm::Sha256.identifier();
        Ok(Self { hash_algorithm, hashed_message: OctetString::new(digest)? })
    }

    /// Whether it is of the message that these parts make.
    fn is_of(&self, message: &[&[u8]]) -> bool {
        DigestAlgorithm::of(&self.hash_algorithm.oid)
            .is_some_and(|algorithm| algorithm.digest(message) == self.hashed_message.as_bytes())
    }
}

/// Has a message stamped by the first of the authorities that gives a token which holds.
///
/// # Errors
/// [`TimestampError::NoAuthority`] with what came of each.
pub fn stamp(message: &[u8], authorities: &[Box<dyn TimestampAuthority>]) -> Result<Token, TimestampError> {
    stamp_parts(&[message], authorities)
}

/// As [`stamp`], of a message in parts.
pub(crate) fn stamp_parts(
    message: &[&[u8]],
    authorities: &[Box<dyn TimestampAuthority>],
) -> Result<Token, TimestampError> {
    let mut failures = Vec::new();
    for authority in authorities {
        let stamped = Request::new(message).and_then(|request| {
            let unanswered = |reason| TimestampError::Malformed(format!("no answer ({reason})"));
            let answer = authority.answer(request.der()).map_err(unanswered)?;
            request.token(&answer)
        });
        match stamped {
            Ok(token) => return Ok(token),
            Err(error) => failures.push(format!("{}: {error}", authority.name())),
        }
    }
    Err(TimestampError::NoAuthority(failures))
}

/// Holds the time that a signer claims against the attested one.
///
/// # Errors
/// [`TimestampError::Clock`] when they differ by more than minutes.
pub fn require_same_time(claimed: DateTime<Utc>, token: &Token) -> Result<(), TimestampError> {
    let attested = token.time();
    if (claimed - attested).abs() > MOST_DIFFERENCE {
        return Err(TimestampError::Clock { claimed, attested });
    }
    Ok(())
}

/// The signature algorithm that a name stands for: some authorities name the key alone (`rsaEncryption`), and the digest beside it.
fn with_digest(named: &AlgorithmIdentifierOwned, digest: DigestAlgorithm) -> AlgorithmIdentifierOwned {
    if named.oid != rfc5912::RSA_ENCRYPTION {
        return named.clone();
    }
    let oid = match digest {
        DigestAlgorithm::Sha256 => rfc5912::SHA_256_WITH_RSA_ENCRYPTION,
        DigestAlgorithm::Sha384 => rfc5912::SHA_384_WITH_RSA_ENCRYPTION,
        DigestAlgorithm::Sha512 => rfc5912::SHA_512_WITH_RSA_ENCRYPTION,
    };
    AlgorithmIdentifierOwned { oid, parameters: named.parameters.clone() }
}
