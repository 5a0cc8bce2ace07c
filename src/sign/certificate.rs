//! X.509 certificates (RFC 5280) as signing and verifying need them: what they say, and whether one
//! issued another.

use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, Utc};
use der::{Decode, Encode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};

use super::SignError;
use super::algorithm::{KeyType, SignatureAlgorithm, verify_certificate};
use super::pem;
use crate::canonical;
use crate::model::Sha256Digest;

/// Extensions that are understood, so that marking them critical (RFC 5280, section 4.2) is harmless.
const UNDERSTOOD_EXTENSIONS: [const_oid::ObjectIdentifier; 7] = [
    const_oid::db::rfc5280::ID_CE_BASIC_CONSTRAINTS,
    const_oid::db::rfc5280::ID_CE_KEY_USAGE,
    const_oid::db::rfc5280::ID_CE_EXT_KEY_USAGE,
    const_oid::db::rfc5280::ID_CE_SUBJECT_ALT_NAME,
    const_oid::db::rfc5280::ID_CE_SUBJECT_KEY_IDENTIFIER,
    const_oid::db::rfc5280::ID_CE_AUTHORITY_KEY_IDENTIFIER,
    const_oid::db::rfc5280::ID_CE_CERTIFICATE_POLICIES,
];

/// The extended key usages of those who sign documents: any, e-mail, documents (RFC 9336), Microsoft's and Adobe's.
const DOCUMENT_USAGES: [const_oid::ObjectIdentifier; 5] = [
    const_oid::db::rfc5280::ANY_EXTENDED_KEY_USAGE,
    const_oid::db::rfc5280::ID_KP_EMAIL_PROTECTION,
    const_oid::ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.36"),
    const_oid::ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.10.3.12"),
    const_oid::ObjectIdentifier::new_unwrap("1.2.840.113583.1.1.5"),
];

/// One certificate: its DER bytes and what they mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    parsed: x509_cert::Certificate,
}

/// What a certificate says, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateFacts {
    /// Subject, as RFC 4514 writes names; characters that do not print are escaped.
    pub subject: String,
    /// Issuer, likewise.
    pub issuer: String,
    /// Serial number, hexadecimal pairs with colons.
    pub serial: String,
    /// SHA-256 of the DER bytes.
    pub sha256_fingerprint: Sha256Digest,
    /// First instant of validity.
    pub valid_from: DateTime<Utc>,
    /// Last instant of validity.
    pub valid_until: DateTime<Utc>,
    /// Kind and size of the public key, e.g. `RSA 3072`, `EC P-256`.
    pub key: String,
    /// Whether subject and issuer are the same name.
    pub self_issued: bool,
}

impl CertificateFacts {
    /// The subject's common name, or all of the subject where it has none.
    pub fn common_name(&self) -> &str {
        let mut is_escaped = false;
        let parts = self.subject.split(|character| {
            let ends = character == ',' && !is_escaped;
            is_escaped = character == '\\' && !is_escaped;
            ends
        });
        parts.into_iter().find_map(|part| part.strip_prefix("CN=")).unwrap_or(&self.subject)
    }
}

/// Why a certificate is not the issuer of another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssuerProblem {
    /// Its subject is another than the issuer that the other certificate names.
    #[error("{issuer_subject} is not the issuer that the certificate names ({named})")]
    OtherName {
        /// The supposed issuer's subject.
        issuer_subject: String,
        /// The issuer that the certificate names.
        named: String,
    },
    /// It is no certificate authority.
    #[error("{0} is no certificate authority (basic constraints)")]
    NotAnAuthority(String),
    /// Its key may not sign certificates.
    #[error("{0} may not sign certificates (key usage)")]
    MayNotSignCertificates(String),
    /// There are more certificates below it than it allows.
    #[error("{0} does not allow that many certificates below it (path length)")]
    PathTooLong(String),
    /// It has a critical extension that is not understood.
    #[error("{subject} has a critical extension that is not understood ({oid})")]
    UnknownCriticalExtension {
        /// Whose.
        subject: String,
        /// Its object identifier.
        oid: String,
    },
    /// The certificate is signed with an algorithm that is not accepted.
    #[error("the signature algorithm {0} of a certificate is not accepted")]
    UnacceptedAlgorithm(String),
    /// The certificate's signature does not verify with its key.
    #[error("the certificate's signature does not verify with the key of {0}")]
    BadSignature(String),
}

impl Certificate {
    /// Reads one certificate and holds it to strict DER: encoding it again must give the same bytes.
    ///
    /// # Errors
    /// When the bytes are no certificate, or are not in the distinguished encoding.
    pub fn from_der(der: &[u8], position: usize) -> Result<Self, SignError> {
        let malformed =
            |error: der::Error| SignError::MalformedCertificate { position, reason: error.to_string() };
        let parsed = x509_cert::Certificate::from_der(der).map_err(malformed)?;
        let certificate = Self { der: der.to_vec(), parsed };
        if certificate.parsed.to_der().map_err(malformed)? != der {
            let subject = certificate.facts().subject;
            return Err(SignError::CertificateNotStrict { position, subject });
        }
        Ok(certificate)
    }

    /// All certificates of a PEM text, in its order.
    ///
    /// # Errors
    /// When a block is damaged or no certificate; an empty list is [`SignError::NoCertificate`].
    pub fn from_pem(text: &[u8]) -> Result<Vec<Self>, SignError> {
        let blocks = pem::blocks(text)?;
        let certificates = blocks.iter().filter(|block| block.label == "CERTIFICATE");
        let certificates: Vec<Self> = certificates
            .zip(1..)
            .map(|(block, position)| Self::from_der(&block.contents, position))
            .collect::<Result<_, _>>()?;
        if certificates.is_empty() { Err(SignError::NoCertificate) } else { Ok(certificates) }
    }

    /// The PEM text of certificates, in the order given.
    pub fn to_pem(certificates: &[Self]) -> String {
        certificates.iter().map(|certificate| pem::text("CERTIFICATE", &certificate.der)).collect()
    }

    /// The DER bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The parsed form.
    pub(crate) fn parsed(&self) -> &x509_cert::Certificate {
        &self.parsed
    }

    pub(crate) fn public_key(&self) -> &spki::SubjectPublicKeyInfoOwned {
        &self.parsed.tbs_certificate.subject_public_key_info
    }

    /// SHA-256 of the DER bytes.
    pub fn fingerprint(&self) -> Sha256Digest {
        canonical::sha256(&self.der)
    }

    /// What it says, for people.
    pub fn facts(&self) -> CertificateFacts {
        let tbs = &self.parsed.tbs_certificate;
        CertificateFacts {
            subject: printable(&tbs.subject.to_string()),
            issuer: printable(&tbs.issuer.to_string()),
            serial: tbs.serial_number.to_string(),
            sha256_fingerprint: self.fingerprint(),
            valid_from: instant(&tbs.validity.not_before),
            valid_until: instant(&tbs.validity.not_after),
            key: KeyType::of(self.public_key()).map_or_else(
                || format!("key of type {}", tbs.subject_public_key_info.algorithm.oid),
                |key| key.to_string(),
            ),
            self_issued: self.is_self_issued(),
        }
    }

    /// Whether subject and issuer are the same name.
    pub fn is_self_issued(&self) -> bool {
        self.parsed.tbs_certificate.subject == self.parsed.tbs_certificate.issuer
    }

    /// Whether `instant` lies within its validity.
    pub fn is_valid_at(&self, at: DateTime<Utc>) -> bool {
        let validity = &self.parsed.tbs_certificate.validity;
        instant(&validity.not_before) <= at && at <= instant(&validity.not_after)
    }

    /// Whether its key usage and its extended key usage, if it states them, let its key sign documents: the certificate of a web
    /// server or of a timestamp authority is for something else.
    pub(crate) fn may_sign_documents(&self) -> bool {
        let extended = match self.parsed.tbs_certificate.get::<ExtendedKeyUsage>() {
            Ok(Some((_, usage))) => usage.0.iter().any(|one| DOCUMENT_USAGES.contains(one)),
            Ok(None) => true,
            Err(_) => false,
        };
        extended && self.is_usable(|usage| usage.digital_signature() || usage.non_repudiation())
    }

    /// Whether its key usage, if it states one, is such.
    fn is_usable(&self, such: impl FnOnce(KeyUsage) -> bool) -> bool {
        match self.parsed.tbs_certificate.get::<KeyUsage>() {
            Ok(Some((_, usage))) => such(usage),
            Ok(None) => true,
            Err(_) => false,
        }
    }

    /// Whether it is that of an authority.
    pub(crate) fn is_authority(&self) -> bool {
        matches!(self.parsed.tbs_certificate.get::<BasicConstraints>(), Ok(Some((_, constraints))) if constraints.ca)
    }

    /// Whether it is for timestamps and nothing else, and says so critically (RFC 3161, section 2.3).
    pub(crate) fn is_for_timestamps_only(&self) -> bool {
        match self.parsed.tbs_certificate.get::<ExtendedKeyUsage>() {
            Ok(Some((critical, usage))) => {
                critical && usage.0 == [const_oid::db::rfc5280::ID_KP_TIME_STAMPING]
            }
            _ => false,
        }
    }

    /// Whether it is for OCSP responses (RFC 6960, section 4.2.2.2).
    pub(crate) fn is_for_ocsp(&self) -> bool {
        match self.parsed.tbs_certificate.get::<ExtendedKeyUsage>() {
            Ok(Some((_, usage))) => usage.0.contains(&const_oid::db::rfc5280::ID_KP_OCSP_SIGNING),
            _ => false,
        }
    }

    /// Whether its key usage, if it states one, lets its key sign revocation lists.
    pub(crate) fn may_sign_revocation_lists(&self) -> bool {
        self.is_usable(|usage| usage.crl_sign())
    }

    /// The first critical extension that is not understood.
    pub(crate) fn unknown_critical_extension(&self) -> Option<String> {
        let extensions = self.parsed.tbs_certificate.extensions.as_deref().unwrap_or_default();
        let unknown = |extension: &&x509_cert::ext::Extension| {
            extension.critical && !UNDERSTOOD_EXTENSIONS.contains(&extension.extn_id)
        };
        extensions.iter().find(unknown).map(|extension| extension.extn_id.to_string())
    }

    /// Checks that `self` issued `subject`: name, authority, usage, path length and signature.
    /// `below` is how many intermediate certificates stand between `self` and the signer's.
    ///
    /// # Errors
    /// The first reason why it did not.
    pub(crate) fn check_issued(&self, subject: &Self, below: usize) -> Result<(), IssuerProblem> {
        let own = &self.parsed.tbs_certificate;
        let name = || printable(&own.subject.to_string());
        if own.subject != subject.parsed.tbs_certificate.issuer {
            let named = printable(&subject.parsed.tbs_certificate.issuer.to_string());
            return Err(IssuerProblem::OtherName { issuer_subject: name(), named });
        }
        match own.get::<BasicConstraints>() {
            Ok(Some((_, constraints))) if constraints.ca => {
                if constraints.path_len_constraint.is_some_and(|most| below > usize::from(most)) {
                    return Err(IssuerProblem::PathTooLong(name()));
                }
            }
            _ => return Err(IssuerProblem::NotAnAuthority(name())),
        }
        if !self.is_usable(|usage| usage.key_cert_sign()) {
            return Err(IssuerProblem::MayNotSignCertificates(name()));
        }
        if let Some(oid) = self.unknown_critical_extension() {
            return Err(IssuerProblem::UnknownCriticalExtension { subject: name(), oid });
        }
        self.check_signed(subject)
    }

    /// Checks only that the signature of `subject` verifies with this certificate's key.
    pub(crate) fn check_signed(&self, subject: &Self) -> Result<(), IssuerProblem> {
        let name = || printable(&self.parsed.tbs_certificate.subject.to_string());
        let signed = &subject.parsed;
        if signed.signature_algorithm != signed.tbs_certificate.signature {
            return Err(IssuerProblem::BadSignature(name()));
        }
        let (Ok(message), Some(signature)) = (signed.tbs_certificate.to_der(), signed.signature.as_bytes())
        else {
            return Err(IssuerProblem::BadSignature(name()));
        };
        match verify_certificate(self.public_key(), &signed.signature_algorithm, &message, signature) {
            Ok(true) => Ok(()),
            Ok(false) => Err(IssuerProblem::BadSignature(name())),
            Err(oid) => Err(IssuerProblem::UnacceptedAlgorithm(oid.to_string())),
        }
    }
}

/// How the key of a chain's first certificate signs, if the chain is one to sign with: `matches` says whether the key at hand
/// belongs to that certificate.
///
/// # Errors
/// The first reason why nothing can be signed with it.
pub(crate) fn signing_algorithm(
    chain: &[Certificate],
    matches: impl FnOnce(&Certificate) -> bool,
) -> Result<SignatureAlgorithm, SignError> {
    let leaf = chain.first().ok_or(SignError::NoCertificate)?;
    let facts = leaf.facts();
    let algorithm = SignatureAlgorithm::of_key(leaf.public_key())
        .ok_or_else(|| SignError::UnsupportedKey { subject: facts.subject.clone(), key: facts.key })?;
    if !matches(leaf) {
        return Err(SignError::KeyMismatch { subject: facts.subject, serial: facts.serial });
    }
    if !leaf.may_sign_documents() {
        return Err(SignError::UsageForbidsSigning(facts.subject));
    }
    for (below, pair) in chain.windows(2).enumerate() {
        pair[1]
            .check_issued(&pair[0], below)
            .map_err(|reason| SignError::BrokenChain { position: below + 2, reason })?;
    }
    Ok(algorithm)
}

/// The certificate `leaf` and those of `others` that issued it, one above the other; and those that did not.
pub(crate) fn chain(leaf: Certificate, mut others: Vec<Certificate>) -> (Vec<Certificate>, Vec<Certificate>) {
    let mut chain = vec![leaf];
    let longest = chain.len() + others.len();
    extend(&mut chain, &mut others, longest);
    (chain, others)
}

/// Moves issuers out of `pool` to the end of a chain, as long as there is one and the chain is shorter than `longest`.
pub(crate) fn extend(chain: &mut Vec<Certificate>, pool: &mut Vec<Certificate>, longest: usize) {
    while let Some(last) = chain.last().filter(|last| !last.is_self_issued() && chain.len() < longest) {
        let below = chain.len() - 1;
        match pool.iter().position(|candidate| candidate.check_issued(last, below).is_ok()) {
            Some(issuer) => chain.push(pool.remove(issuer)),
            None => break,
        }
    }
}

/// A certificate's or list's time.
pub(crate) fn instant(time: &x509_cert::time::Time) -> DateTime<Utc> {
    since_1970(time.to_unix_duration())
}

/// The instant that lies so long after the beginning of 1970; the latest that there is where it cannot be said.
pub(crate) fn since_1970(duration: Duration) -> DateTime<Utc> {
    let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// A name out of a certificate is hostile text: whatever could reorder or hide what is printed is escaped.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars().take(2000) {
        let hidden = matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        );
        if character.is_control() || hidden {
            // Writing to a String cannot fail.
            let _ = write!(shown, "⟨U+{:04X}⟩", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_reorder_or_hide_text() {
        assert_eq!(printable("CN=a\u{202e}b\u{200b}c\nd é"), "CN=a⟨U+202E⟩b⟨U+200B⟩c⟨U+000A⟩d é");
    }

    #[test]
    fn common_names_end_at_a_comma_that_is_not_escaped() {
        let (certificate, _) =
            crate::sign::test_certificate("A, B", DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH).unwrap();
        let mut facts = Certificate::from_pem(certificate.as_bytes()).unwrap()[0].facts();
        for (subject, name) in
            [("CN=a\\,b,O=c", "a\\,b"), ("O=c,CN=a", "a"), ("O=c", "O=c"), ("CN=a\\\\,O=c", "a\\\\")]
        {
            facts.subject = subject.into();
            assert_eq!(facts.common_name(), name);
        }
    }

    #[test]
    fn bytes_that_are_no_certificate_are_refused() {
        assert!(matches!(
            Certificate::from_der(b"\x30\x03\x02\x01\x01", 3),
            Err(SignError::MalformedCertificate { position: 3, .. })
        ));
        assert!(matches!(Certificate::from_pem(b"nothing here"), Err(SignError::NoCertificate)));
    }
}
