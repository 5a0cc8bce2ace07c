//! Detached CMS SignedData (RFC 5652) in strict DER, with the signed attributes of CAdES/PAdES
//! baseline B: contentType, messageDigest and signingCertificateV2 (RFC 5035).
//!
//! One structure and nothing optional, so that a verifier can rebuild it and compare every byte.

use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{
    CertificateSet, EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo, SignerInfos,
};
use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5911, rfc6268};
use der::asn1::{OctetString, SetOfVec};
use der::{Any, Decode, Encode, Sequence};
use x509_cert::attr::{Attribute, Attributes};
use x509_cert::ext::pkix::SubjectKeyIdentifier;

use super::timestamp::{self, TOKEN_ATTRIBUTE, TimestampAuthority, Token};
use super::{Certificate, SignError, SignatureAlgorithm, Signer, ToBeSigned, certificate};
use crate::canonical;

/// `id-data` (RFC 5652, section 4): the content is plain bytes.
pub(crate) const CONTENT_TYPE_DATA: ObjectIdentifier = rfc5911::ID_DATA;
/// `id-signedData`.
pub(crate) const SIGNED_DATA: ObjectIdentifier = rfc5911::ID_SIGNED_DATA;
/// The contentType attribute.
pub(crate) const CONTENT_TYPE: ObjectIdentifier = rfc6268::ID_CONTENT_TYPE;
/// The messageDigest attribute.
pub(crate) const MESSAGE_DIGEST: ObjectIdentifier = rfc6268::ID_MESSAGE_DIGEST;
/// The signingCertificateV2 attribute (RFC 5035, section 3).
pub(crate) const SIGNING_CERTIFICATE_V2: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");

/// The most certificates that are read from one structure.
pub(crate) const MOST_CERTIFICATES: usize = 16;

/// `SigningCertificateV2` (RFC 5035) without policies.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(crate) struct SigningCertificateV2 {
    pub(crate) certificates: Vec<EssCertificateId>,
}

/// `ESSCertIDv2` (RFC 5035) whose hash algorithm is the default, SHA-256, and which thus only holds the hash.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(crate) struct EssCertificateId {
    pub(crate) hash: OctetString,
}

/// Signs `content` with all phases: the DER bytes of a detached signature, which
/// `openssl cms -verify -binary -inform DER -content FILE` checks.
///
/// # Errors
/// When the signer fails, or its signature does not verify with its own certificate.
pub fn detached_cms(signer: &dyn Signer, content: &[u8]) -> Result<Vec<u8>, SignError> {
    let digest = signer.algorithm().digest().digest(&[content]);
    Ok(sign_digest(signer, &digest, &[])?.0)
}

/// As [`detached_cms`], for content that was hashed already with the signer's digest algorithm; with a timestamp if authorities
/// are given.
///
/// # Errors
/// As [`detached_cms`], and when no authority stamps the signature.
pub fn sign_digest(
    signer: &dyn Signer,
    content_digest: &[u8],
    authorities: &[Box<dyn TimestampAuthority>],
) -> Result<(Vec<u8>, Option<Token>), SignError> {
    let prepared = PreparedCms::new(signer.algorithm(), signer.chain(), content_digest)?;
    let signature = signer.sign(prepared.to_be_signed())?;
    prepared.check(&signature)?;
    let token = if authorities.is_empty() { None } else { Some(timestamp::stamp(&signature, authorities)?) };
    let cms = prepared.assemble(&signature, token.as_ref().map(Token::der))?;
    Ok((cms, token))
}

/// A signature before it is made: the first phase. Sign [`PreparedCms::to_be_signed`], then
/// [`PreparedCms::finish`].
#[derive(Debug, Clone)]
pub struct PreparedCms {
    algorithm: SignatureAlgorithm,
    chain: Vec<Certificate>,
    signed_attributes: Attributes,
    message: Vec<u8>,
    digest: Vec<u8>,
}

impl PreparedCms {
    /// Prepares a signature over content with this digest (of `algorithm.digest()`).
    ///
    /// # Errors
    /// When the chain is empty or the attributes cannot be encoded.
    pub fn new(
        algorithm: SignatureAlgorithm,
        chain: &[Certificate],
        content_digest: &[u8],
    ) -> Result<Self, SignError> {
        let signed_attributes = signed_attributes(chain, content_digest)?;
        // RFC 5652, section 5.4: what is signed is the attributes as an explicit SET OF, in DER.
        let message = signed_attributes.to_der()?;
        let digest = algorithm.digest().digest(&[&message]);
        Ok(Self { algorithm, chain: chain.to_vec(), signed_attributes, message, digest })
    }

    /// What the private key must sign.
    pub fn to_be_signed(&self) -> ToBeSigned<'_> {
        ToBeSigned { message: &self.message, digest: &self.digest }
    }

    /// Checks the signature against the signer's certificate and assembles the CMS.
    ///
    /// # Errors
    /// [`SignError::SignatureDoesNotVerify`] when key and certificate do not belong together.
    pub fn finish(self, signature: &[u8]) -> Result<Vec<u8>, SignError> {
        self.check(signature)?;
        self.assemble(signature, None)
    }

    fn check(&self, signature: &[u8]) -> Result<(), SignError> {
        let leaf = self.chain.first().ok_or(SignError::NoCertificate)?;
        if self.algorithm.verify(leaf.public_key(), &self.message, signature) {
            Ok(())
        } else {
            Err(SignError::SignatureDoesNotVerify(leaf.facts().subject))
        }
    }

    /// Assembles without checking the signature, with the DER of a timestamp token over it if there is one: what a verifier
    /// compares with.
    pub(crate) fn assemble(&self, signature: &[u8], token: Option<&[u8]>) -> Result<Vec<u8>, SignError> {
        let unsigned_attrs = token.map(|token| {
            let value = Any::from_der(token)?;
            Attributes::try_from(vec![attribute(TOKEN_ATTRIBUTE, value)?])
        });
        let leaf = &self.chain.first().ok_or(SignError::NoCertificate)?.parsed().tbs_certificate;
        let signer_info = SignerInfo {
            version: CmsVersion::V1,
            sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
                issuer: leaf.issuer.clone(),
                serial_number: leaf.serial_number.clone(),
            }),
            digest_alg: self.algorithm.digest().identifier(),
            signed_attrs: Some(self.signed_attributes.clone()),
            signature_algorithm: self.algorithm.identifier(),
            signature: OctetString::new(signature)?,
            unsigned_attrs: unsigned_attrs.transpose()?,
        };
        let certificates: Vec<CertificateChoices> = self
            .chain
            .iter()
            .map(|certificate| CertificateChoices::Certificate(certificate.parsed().clone()))
            .collect();
        let signed_data = SignedData {
            version: CmsVersion::V1,
            digest_algorithms: SetOfVec::try_from(vec![self.algorithm.digest().identifier()])?,
            encap_content_info: EncapsulatedContentInfo { econtent_type: CONTENT_TYPE_DATA, econtent: None },
            certificates: Some(CertificateSet(SetOfVec::try_from(certificates)?)),
            crls: None,
            signer_infos: SignerInfos(SetOfVec::try_from(vec![signer_info])?),
        };
        let content_info =
            ContentInfo { content_type: SIGNED_DATA, content: Any::encode_from(&signed_data)? };
        Ok(content_info.to_der()?)
    }
}

/// The certificate of a signer, and those above it that the structure holds.
pub(crate) fn chain_of(signed: &SignedData, signer: &SignerInfo) -> Option<Vec<Certificate>> {
    let set = signed.certificates.iter().flat_map(|set| set.0.iter()).take(MOST_CERTIFICATES);
    let certificate = |(choice, position): (&CertificateChoices, usize)| match choice {
        CertificateChoices::Certificate(one) => Certificate::from_der(&one.to_der().ok()?, position).ok(),
        CertificateChoices::Other(_) => None,
    };
    // One that cannot be read proves nothing, and does no harm.
    let mut certificates: Vec<Certificate> = set.zip(1..).filter_map(certificate).collect();
    let own = certificates.iter().position(|one| {
        let tbs = &one.parsed().tbs_certificate;
        match &signer.sid {
            SignerIdentifier::IssuerAndSerialNumber(named) => {
                tbs.issuer == named.issuer && tbs.serial_number == named.serial_number
            }
            SignerIdentifier::SubjectKeyIdentifier(named) => {
                matches!(tbs.get::<SubjectKeyIdentifier>(), Ok(Some((_, own))) if own == *named)
            }
        }
    })?;
    let leaf = certificates.remove(own);
    Some(certificate::chain(leaf, certificates).0)
}

fn attribute(oid: ObjectIdentifier, value: Any) -> Result<Attribute, der::Error> {
    Ok(Attribute { oid, values: SetOfVec::try_from(vec![value])? })
}

fn signed_attributes(chain: &[Certificate], content_digest: &[u8]) -> Result<Attributes, SignError> {
    let leaf = chain.first().ok_or(SignError::NoCertificate)?;
    // RFC 5035: hashes after the first restrict the chain to these certificates, so all must be known
    // down to the root. Then every certificate in the CMS is under the signature, not the first alone.
    let complete = chain.last().is_some_and(Certificate::is_self_issued);
    let bound = if complete { chain } else { std::slice::from_ref(leaf) };
    let certificates = bound
        .iter()
        .map(|certificate| {
            let hash = OctetString::new(canonical::sha256(certificate.der()).as_bytes().to_vec())?;
            Ok(EssCertificateId { hash })
        })
        .collect::<Result<Vec<_>, der::Error>>()?;
    Ok(Attributes::try_from(vec![
        attribute(CONTENT_TYPE, Any::encode_from(&CONTENT_TYPE_DATA)?)?,
        attribute(MESSAGE_DIGEST, Any::encode_from(&OctetString::new(content_digest)?)?)?,
        attribute(SIGNING_CERTIFICATE_V2, Any::encode_from(&SigningCertificateV2 { certificates })?)?,
    ])?)
}
