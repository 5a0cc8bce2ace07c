//! What a timestamp authority signed: a `TSTInfo` in a CMS SignedData (RFC 3161, section 2.4.2).
//!
//! Read strictly: one signer, whose certificate is in the token, is for timestamps and nothing else, was valid at the time, and is
//! the one that the signed attributes name.

use aws_lc_rs::digest;
use chrono::{DateTime, NaiveDateTime, Utc};
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerInfo};
use const_oid::ObjectIdentifier;
use der::asn1::{Int, OctetString};
use der::{Any, Decode, Encode, Sequence, Tag, Tagged};
use spki::AlgorithmIdentifierOwned;
use x509_cert::ext::Extensions;

use super::super::cms::{CONTENT_TYPE, MESSAGE_DIGEST, SIGNED_DATA, SIGNING_CERTIFICATE_V2, chain_of};
use super::super::{Certificate, DigestAlgorithm, algorithm};
use super::{LARGEST_ANSWER, MessageImprint, TimestampError, with_digest};

/// `id-ct-TSTInfo`.
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
/// The signingCertificate attribute (RFC 2634), which holds a SHA-1: RFC 3161 is that old.
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");

/// `TSTInfo`.
#[derive(Debug, Clone, Sequence)]
struct TstInfo {
    version: u8,
    policy: ObjectIdentifier,
    message_imprint: MessageImprint,
    serial_number: Int,
    /// GeneralizedTime, which may have fractions of a second here.
    time: Any,
    accuracy: Option<Accuracy>,
    #[asn1(default = "Default::default")]
    ordering: bool,
    nonce: Option<Int>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    authority: Option<Any>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    extensions: Option<Extensions>,
}

/// `Accuracy`.
#[derive(Debug, Clone, Sequence)]
struct Accuracy {
    seconds: Option<Int>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    milliseconds: Option<Int>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    microseconds: Option<Int>,
}

/// `SigningCertificate` or `SigningCertificateV2`.
#[derive(Sequence)]
struct SigningCertificates {
    certificates: Vec<CertificateId>,
    policies: Option<Any>,
}

/// `ESSCertID` or `ESSCertIDv2`.
#[derive(Sequence)]
struct CertificateId {
    algorithm: Option<AlgorithmIdentifierOwned>,
    hash: OctetString,
    issuer_and_serial: Option<Any>,
}

/// A token whose own signature holds.
#[derive(Debug, Clone)]
pub struct Token {
    der: Vec<u8>,
    info: TstInfo,
    time: DateTime<Utc>,
    chain: Vec<Certificate>,
}

impl Token {
    /// Reads a token and checks that it is what its authority signed. Whether the authority is trusted, and what it stamped, is
    /// not looked at.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn read(der: &[u8]) -> Result<Self, TimestampError> {
        if der.len() > LARGEST_ANSWER {
            return Err(malformed(format!("it has {} bytes; at most {LARGEST_ANSWER} are read", der.len())));
        }
        let content = ContentInfo::from_der(der).map_err(malformed)?;
        if content.content_type != SIGNED_DATA {
            return Err(malformed("it is no SignedData"));
        }
        let signed: SignedData = content.content.decode_as().map_err(malformed)?;
        let inner = &signed.encap_content_info;
        let text = match &inner.econtent {
            Some(text) if inner.econtent_type == TST_INFO => text.decode_as::<OctetString>(),
            _ => return Err(malformed("there is no TSTInfo in it")),
        };
        let text = text.map_err(malformed)?;
        let info = TstInfo::from_der(text.as_bytes()).map_err(malformed)?;
        if info.version != 1 {
            return Err(malformed("the version of its TSTInfo is not 1"));
        }
        let time = instant(&info.time).ok_or_else(|| malformed("its time is none"))?;
        let [signer] = signed.signer_infos.0.as_slice() else {
            return Err(malformed("it does not have one signer"));
        };
        let chain = chain_of(&signed, signer).unwrap_or_default();
        let leaf = chain.first().ok_or_else(|| unsound("the authority's certificate is not in it"))?;
        check_signature(signer, leaf, text.as_bytes())?;
        if !leaf.is_for_timestamps_only() {
            return Err(unsound("the authority's certificate is not for timestamps alone"));
        }
        if !leaf.is_valid_at(time) {
            return Err(unsound("the authority's certificate was not valid at the time that it attests"));
        }
        Ok(Self { der: der.to_vec(), info, time, chain })
    }

    /// Reads a token and checks that it is over this message.
    ///
    /// # Errors
    /// As [`Token::read`], and [`TimestampError::Other`] when it is over another.
    pub fn over(der: &[u8], message: &[u8]) -> Result<Self, TimestampError> {
        Self::over_parts(der, &[message])
    }

    /// As [`Token::over`], of a message in parts.
    pub(crate) fn over_parts(der: &[u8], message: &[&[u8]]) -> Result<Self, TimestampError> {
        let token = Self::read(der)?;
        if token.info.message_imprint.is_of(message) {
            Ok(token)
        } else {
            Err(TimestampError::Other("message imprint"))
        }
    }

    /// The token's bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The time that is attested.
    pub fn time(&self) -> DateTime<Utc> {
        self.time
    }

    /// The certificates in it, the authority's own first; each issued the one before it.
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    pub(super) fn nonce(&self) -> Option<&Int> {
        self.info.nonce.as_ref()
    }
}

fn malformed(what: impl std::fmt::Display) -> TimestampError {
    TimestampError::Malformed(what.to_string())
}

fn unsound(what: impl std::fmt::Display) -> TimestampError {
    TimestampError::Unsound(what.to_string())
}

/// `20260701080910Z`, or with a fraction of a second, which is left out.
fn instant(time: &Any) -> Option<DateTime<Utc>> {
    if time.tag() != Tag::GeneralizedTime {
        return None;
    }
    let text = std::str::from_utf8(time.value()).ok()?.strip_suffix('Z')?;
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if seconds.len() != 14 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    NaiveDateTime::parse_from_str(seconds, "%Y%m%d%H%M%S").ok().map(|time| time.and_utc())
}

fn check_signature(signer: &SignerInfo, leaf: &Certificate, text: &[u8]) -> Result<(), TimestampError> {
    let digest = DigestAlgorithm::of(&signer.digest_alg.oid)
        .ok_or_else(|| unsound(format!("its digest algorithm {} is not accepted", signer.digest_alg.oid)))?;
    let attributes = signer.signed_attrs.as_ref().ok_or_else(|| malformed("it has no signed attributes"))?;
    let value = |oid: ObjectIdentifier| {
        let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
        match (found.next(), found.next()) {
            (Some(only), None) if only.values.len() == 1 => only.values.get(0),
            _ => None,
        }
    };
    let content_type = value(CONTENT_TYPE).and_then(|value| value.decode_as::<ObjectIdentifier>().ok());
    if content_type != Some(TST_INFO) {
        return Err(unsound("its signed attributes are of another type of content"));
    }
    let signed_digest = value(MESSAGE_DIGEST).and_then(|value| value.decode_as::<OctetString>().ok());
    if signed_digest.as_ref().map(OctetString::as_bytes) != Some(&digest.digest(&[text])) {
        return Err(unsound("its content is not what was signed"));
    }
    let named = [SIGNING_CERTIFICATE_V2, SIGNING_CERTIFICATE].map(|oid| (oid, value(oid)));
    let Some((oid, named)) = named.into_iter().find_map(|(oid, value)| Some((oid, value?))) else {
        return Err(unsound("its signed attributes do not name the authority's certificate"));
    };
    let named: SigningCertificates = named.decode_as().map_err(malformed)?;
    if !named.certificates.first().is_some_and(|id| id.is_of(leaf, oid)) {
        return Err(unsound("its signed attributes name another certificate"));
    }
    let message = attributes.to_der().map_err(malformed)?;
    let algorithm = with_digest(&signer.signature_algorithm, digest);
    let signature = signer.signature.as_bytes();
    match algorithm::verify_certificate(leaf.public_key(), &algorithm, &message, signature) {
        Ok(true) => Ok(()),
        Ok(false) => Err(unsound("it does not verify with the authority's certificate")),
        Err(oid) => Err(unsound(format!("its signature algorithm {oid} is not accepted"))),
    }
}

impl CertificateId {
    fn is_of(&self, certificate: &Certificate, attribute: ObjectIdentifier) -> bool {
        let hash = match (&self.algorithm, attribute) {
            (None, SIGNING_CERTIFICATE) => {
                digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, certificate.der()).as_ref().to_vec()
            }
            (None, _) => DigestAlgorithm::Sha256.digest(&[certificate.der()]),
            (Some(named), SIGNING_CERTIFICATE_V2) => match DigestAlgorithm::of(&named.oid) {
                Some(algorithm) => algorithm.digest(&[certificate.der()]),
                None => return false,
            },
            (Some(_), _) => return false,
        };
        self.hash.as_bytes() == hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_second() {
        let time =
            |text: &str| Any::new(Tag::GeneralizedTime, text.as_bytes()).map(|any| instant(&any)).unwrap();
        let expected = "2026-07-01T08:09:10Z".parse().ok();
        assert_eq!(time("20260701080910Z"), expected);
        assert_eq!(time("20260701080910.987Z"), expected);
        for text in ["20260701080910", "202607010809Z", "20260701080910.x9Z", "20261301080910Z", ""] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn bytes_that_are_no_token_are_refused() {
        for bytes in [&b""[..], b"\x30\x03\x02\x01\x01", &[0x30; 40_000]] {
            assert!(matches!(Token::read(bytes), Err(TimestampError::Malformed(_))));
        }
    }
}
