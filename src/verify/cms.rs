//! Strict verification of a detached CMS signature as [`crate::sign::cms`] makes it.
//!
//! Common verifiers accept a wide language of signatures; this one accepts a single sentence. What was
//! read is built again from its parts and compared, so that no byte can be changed, added or hidden.

use chrono::{DateTime, Utc};
use cms::cert::CertificateChoices;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use const_oid::ObjectIdentifier;
use der::asn1::OctetString;
use der::{Any, Decode, Encode};

use super::revocation::{self, Revocation, Signed};
use super::trust::{self, Anchors, Trust, TrustProblem};
use crate::canonical;
use crate::sign::certificate::chain;
use crate::sign::cms::{
    CONTENT_TYPE, CONTENT_TYPE_DATA, MESSAGE_DIGEST, MOST_CERTIFICATES, PreparedCms, SIGNED_DATA,
    SIGNING_CERTIFICATE_V2, SigningCertificateV2,
};
use crate::sign::timestamp::{self, TOKEN_ATTRIBUTE, Token};
use crate::sign::{Certificate, CertificateFacts, SignatureAlgorithm, TimestampError};

/// The largest signature that is read, in bytes: ours take 1 to 8 KiB.
pub const LARGEST_SIGNATURE: usize = 64 * 1024;

/// What is known about a signature after checking it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CmsVerdict {
    /// Whether nothing is wrong with it: the structure is exact, the content is what was signed, and the
    /// signature verifies with the signer's certificate. Says nothing about who that is.
    pub intact: bool,
    /// How it was signed.
    pub algorithm: Option<SignatureAlgorithm>,
    /// The signer's certificate.
    pub signer: Option<CertificateFacts>,
    /// The chain that the signature carries, the signer first; each issued the one before it.
    pub chain: Vec<CertificateFacts>,
    /// Whether the signer's certificate was valid at the signing time; `None` when either is not known.
    pub within_validity: Option<bool>,
    /// Whether the signer is trusted.
    pub trust: Trust,
    /// Whether a certificate of the signer's chain was revoked.
    pub revocation: Revocation,
    /// The timestamp over the signature, if it has one that holds.
    pub timestamp: Option<Stamped>,
    /// Everything that is wrong; empty if and only if `intact`.
    pub problems: Vec<CmsProblem>,
}

/// A timestamp whose own signature holds, over the signature that carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// The attested time.
    pub time: DateTime<Utc>,
    /// The certificate of the authority.
    pub authority: CertificateFacts,
    /// Whether that is trusted.
    pub trust: Trust,
    /// Whether a certificate of its chain was revoked.
    pub revocation: Revocation,
}

/// What is wrong with a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CmsProblem {
    /// It is larger than any signature of ours.
    #[error("the signature is {0} bytes long; at most {LARGEST_SIGNATURE} are read")]
    TooLarge(usize),
    /// It is not DER of a CMS structure.
    #[error("the signature is no CMS structure in DER: {0}")]
    Malformed(String),
    /// The structure is not SignedData.
    #[error("the CMS structure is no SignedData (content type {0})")]
    NotSignedData(String),
    /// The CMS version of a part is not 1.
    #[error("the version of {0} is not 1")]
    WrongVersion(&'static str),
    /// It does not say that it signs plain data.
    #[error("the signature is over content of type {0}, not plain data")]
    WrongContentType(String),
    /// The content is inside; whoever reads it there reads something else than the file.
    #[error("the signature holds content of its own; it must be detached")]
    NotDetached,
    /// It holds revocation lists, which nothing protects.
    #[error("the signature holds revocation lists, which are not covered by it")]
    RevocationLists,
    /// Not exactly one signer.
    #[error("the signature has {0} signers; exactly one is expected")]
    SignerCount(usize),
    /// More certificates than are read.
    #[error("the signature holds {0} certificates; at most {MOST_CERTIFICATES} are read")]
    TooManyCertificates(usize),
    /// A certificate cannot be read, or is of another kind.
    #[error("{0}")]
    BadCertificate(String),
    /// The signer's certificate is not in the signature.
    #[error("the signer's certificate is not in the signature")]
    NoSignerCertificate,
    /// A certificate that belongs to no chain of the signer.
    #[error("the certificate of {0} is not part of the signer's chain")]
    StrayCertificate(String),
    /// The signer's key is of a kind that is not accepted.
    #[error("the signer's key is not accepted ({0}): RSA of 2048 bits or more, P-256 or P-384 are")]
    UnacceptedKey(String),
    /// An algorithm is named that is not accepted for the signer's key.
    #[error("the {role} {oid} is not accepted with the signer's key")]
    UnacceptedAlgorithm {
        /// Digest or signature algorithm.
        role: &'static str,
        /// Its object identifier.
        oid: String,
    },
    /// The signer's certificate does not allow signatures.
    #[error("the signer's certificate is not for signing documents (key usage, extended key usage)")]
    UsageForbidsSigning,
    /// There are no signed attributes.
    #[error("the signature has no signed attributes")]
    NoSignedAttributes,
    /// A signed attribute is missing, or occurs more than once.
    #[error("the signed attribute {0} must occur exactly once, with one value")]
    AttributeCount(&'static str),
    /// A signed attribute that we never write.
    #[error("the signed attribute {0} is not expected")]
    UnexpectedAttribute(String),
    /// An unsigned attribute: whatever it says, nothing protects it.
    #[error("the unsigned attribute {0} is not covered by the signature and not expected")]
    UnsignedAttribute(String),
    /// The timestamp over the signature does not hold.
    #[error("{0}")]
    Timestamp(#[from] TimestampError),
    /// The signer claims another time than that at which the signature was stamped, which is done at once.
    #[error("it claims to be signed at {claimed}; a trusted authority attests that it was at {attested}")]
    ClaimedOtherwise {
        /// The claim.
        claimed: DateTime<Utc>,
        /// The attested time.
        attested: DateTime<Utc>,
    },
    /// A signed attribute's value cannot be read.
    #[error("the value of the signed attribute {0} cannot be read")]
    MalformedAttribute(&'static str),
    /// The content is not what was signed.
    #[error("the content is not what was signed (its digest differs)")]
    ContentChanged,
    /// The signed attributes name another certificate than the one that is used.
    #[error("the signature was made for another certificate than the one it carries")]
    OtherCertificate,
    /// The signature value does not verify.
    #[error("the signature does not verify with the signer's certificate")]
    BadSignature,
    /// Building the structure again from its parts gives other bytes.
    #[error("the signature holds bytes that do not belong there: built again from its parts it is different")]
    NotExact,
}

/// Verifies `signature` over the concatenation of `content`. `signed_at` is the time at which the
/// certificates must have been valid; `anchors` are the certificates that the verifier trusts.
pub fn verify<'a>(
    signature: &[u8],
    content: &[&[u8]],
    signed_at: Option<DateTime<Utc>>,
    anchors: impl Into<Anchors<'a>>,
) -> CmsVerdict {
    let anchors = anchors.into();
    let mut check = Check::default();
    check.run(signature, content);
    let timestamp = check.token.as_ref().and_then(|token| stamped(token, anchors));
    // The word of an authority that nobody trusts is worth no more than the signer's own.
    let attested = timestamp.as_ref().filter(|one| matches!(one.trust, Trust::Trusted { .. }));
    let attested = attested.map(|one| one.time);
    if let (Some(claimed), Some(attested)) = (signed_at, attested)
        && (claimed - attested).abs() > timestamp::MOST_DIFFERENCE
    {
        check.problems.push(CmsProblem::ClaimedOtherwise { claimed, attested });
    }
    let signed_at = attested.or(signed_at);
    let leaf = check.chain.first();
    CmsVerdict {
        intact: check.problems.is_empty(),
        algorithm: check.algorithm,
        signer: leaf.map(Certificate::facts),
        within_validity: leaf.zip(signed_at).map(|(leaf, at)| leaf.is_valid_at(at)),
        trust: match leaf {
            // Trust in a signer whose signature does not hold would be trust in a claim.
            Some(_) if check.signature_holds => trust::judge(&check.chain, anchors.signers, signed_at),
            _ if anchors.signers.is_empty() => Trust::NotAsked,
            _ => Trust::Untrusted(vec![TrustProblem::SignatureDoesNotHold]),
        },
        revocation: revocation::judge(
            &check.chain,
            anchors,
            attested.map_or(Signed::Claimed, Signed::Attested),
        ),
        chain: check.chain.iter().map(Certificate::facts).collect(),
        timestamp,
        problems: check.problems,
    }
}

pub(super) fn stamped(token: &Token, anchors: Anchors<'_>) -> Option<Stamped> {
    let (time, chain) = (token.time(), token.chain());
    Some(Stamped {
        time,
        authority: chain.first()?.facts(),
        trust: trust::judge(chain, anchors.timestamps, Some(time)),
        revocation: revocation::judge(chain, anchors, Signed::ByAuthority(time)),
    })
}

#[derive(Default)]
struct Check {
    problems: Vec<CmsProblem>,
    chain: Vec<Certificate>,
    algorithm: Option<SignatureAlgorithm>,
    signature_holds: bool,
    token: Option<Token>,
}

impl Check {
    fn run(&mut self, signature: &[u8], content: &[&[u8]]) {
        if signature.len() > LARGEST_SIGNATURE {
            return self.problems.push(CmsProblem::TooLarge(signature.len()));
        }
        let signed_data = match ContentInfo::from_der(signature) {
            Err(error) => return self.problems.push(CmsProblem::Malformed(error.to_string())),
            Ok(info) if info.content_type != SIGNED_DATA => {
                return self.problems.push(CmsProblem::NotSignedData(info.content_type.to_string()));
            }
            Ok(info) => match info.content.decode_as::<SignedData>() {
                Err(error) => return self.problems.push(CmsProblem::Malformed(error.to_string())),
                Ok(signed_data) => signed_data,
            },
        };
        self.check_frame(&signed_data);
        let certificates = self.certificates(&signed_data);
        let [signer] = signed_data.signer_infos.0.as_slice() else {
            return self.problems.push(CmsProblem::SignerCount(signed_data.signer_infos.0.len()));
        };
        self.order_chain(certificates, signer);
        self.check_signer(signer, content);
        self.check_exact(signer, signature);
    }

    fn check_frame(&mut self, signed_data: &SignedData) {
        if signed_data.version != CmsVersion::V1 {
            self.problems.push(CmsProblem::WrongVersion("SignedData"));
        }
        let inner = &signed_data.encap_content_info;
        if inner.econtent_type != CONTENT_TYPE_DATA {
            self.problems.push(CmsProblem::WrongContentType(inner.econtent_type.to_string()));
        }
        if inner.econtent.is_some() {
            self.problems.push(CmsProblem::NotDetached);
        }
        if signed_data.crls.is_some() {
            self.problems.push(CmsProblem::RevocationLists);
        }
    }

    fn certificates(&mut self, signed_data: &SignedData) -> Vec<Certificate> {
        let Some(set) = &signed_data.certificates else { return Vec::new() };
        if set.0.len() > MOST_CERTIFICATES {
            self.problems.push(CmsProblem::TooManyCertificates(set.0.len()));
        }
        let mut certificates = Vec::new();
        for (choice, position) in set.0.iter().take(MOST_CERTIFICATES).zip(1..) {
            let read = match choice {
                CertificateChoices::Certificate(certificate) => certificate
                    .to_der()
                    .map_err(|error| error.to_string())
                    .and_then(|der| Certificate::from_der(&der, position).map_err(|error| error.to_string())),
                CertificateChoices::Other(other) => {
                    Err(format!("certificate {position} is of another format ({})", other.other_cert_format))
                }
            };
            match read {
                Ok(certificate) => certificates.push(certificate),
                Err(reason) => self.problems.push(CmsProblem::BadCertificate(reason)),
            }
        }
        certificates
    }

    /// Finds the signer's certificate and follows the issuers; what is left over belongs to nobody.
    fn order_chain(&mut self, mut certificates: Vec<Certificate>, signer: &SignerInfo) {
        let own = certificates.iter().position(|certificate| match &signer.sid {
            SignerIdentifier::IssuerAndSerialNumber(named) => {
                let tbs = &certificate.parsed().tbs_certificate;
                tbs.issuer == named.issuer && tbs.serial_number == named.serial_number
            }
            SignerIdentifier::SubjectKeyIdentifier(_) => false,
        });
        let Some(own) = own else { return self.problems.push(CmsProblem::NoSignerCertificate) };
        let leaf = certificates.remove(own);
        let strays;
        (self.chain, strays) = chain(leaf, certificates);
        let strays = strays.iter().map(|stray| CmsProblem::StrayCertificate(stray.facts().subject));
        self.problems.extend(strays);
    }

    fn check_signer(&mut self, signer: &SignerInfo, content: &[&[u8]]) {
        if signer.version != CmsVersion::V1 {
            self.problems.push(CmsProblem::WrongVersion("SignerInfo"));
        }
        self.check_unsigned(signer);
        let leaf = self.chain.first().cloned();
        if let Some(leaf) = &leaf {
            self.algorithm = SignatureAlgorithm::of_key(leaf.public_key());
            if self.algorithm.is_none() {
                self.problems.push(CmsProblem::UnacceptedKey(leaf.facts().key));
            }
            if !leaf.may_sign_documents() {
                self.problems.push(CmsProblem::UsageForbidsSigning);
            }
        }
        if let Some(algorithm) = self.algorithm {
            let named = [
                ("digest algorithm", &signer.digest_alg, algorithm.digest().identifier()),
                ("signature algorithm", &signer.signature_algorithm, algorithm.identifier()),
            ];
            for (role, found, expected) in named {
                if *found != expected {
                    let oid = found.oid.to_string();
                    self.problems.push(CmsProblem::UnacceptedAlgorithm { role, oid });
                }
            }
        }
        let Some(attributes) = &signer.signed_attrs else {
            return self.problems.push(CmsProblem::NoSignedAttributes);
        };
        self.check_attributes(signer, content);
        if let (Some(algorithm), Some(leaf)) = (self.algorithm, leaf) {
            let holds = attributes.to_der().is_ok_and(|message| {
                algorithm.verify(leaf.public_key(), &message, signer.signature.as_bytes())
            });
            self.signature_holds = holds;
            if !holds {
                self.problems.push(CmsProblem::BadSignature);
            }
        }
    }

    /// The one unsigned attribute that has a meaning, because an authority's signature protects it, is a timestamp.
    fn check_unsigned(&mut self, signer: &SignerInfo) {
        let unexpected =
            signer.unsigned_attrs.iter().flat_map(|all| all.iter()).filter(|one| one.oid != TOKEN_ATTRIBUTE);
        self.problems.extend(unexpected.map(|one| CmsProblem::UnsignedAttribute(one.oid.to_string())));
        let Some(token) = token_of(signer) else { return };
        match Token::over(&token, signer.signature.as_bytes()) {
            Ok(token) => self.token = Some(token),
            Err(error) => self.problems.push(error.into()),
        }
    }

    fn check_attributes(&mut self, signer: &SignerInfo, content: &[&[u8]]) {
        const KNOWN: [ObjectIdentifier; 3] = [CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE_V2];
        for attribute in signer.signed_attrs.iter().flat_map(|attributes| attributes.iter()) {
            if !KNOWN.contains(&attribute.oid) {
                self.problems.push(CmsProblem::UnexpectedAttribute(attribute.oid.to_string()));
            }
        }
        if let Some(value) = self.only_value(signer, CONTENT_TYPE, "contentType") {
            match value.decode_as::<ObjectIdentifier>() {
                Ok(CONTENT_TYPE_DATA) => {}
                Ok(other) => self.problems.push(CmsProblem::WrongContentType(other.to_string())),
                Err(_) => self.problems.push(CmsProblem::MalformedAttribute("contentType")),
            }
        }
        if let Some(value) = self.only_value(signer, MESSAGE_DIGEST, "messageDigest") {
            match (value.decode_as::<OctetString>(), self.algorithm) {
                (Ok(signed), Some(algorithm)) => {
                    if signed.as_bytes() != algorithm.digest().digest(content) {
                        self.problems.push(CmsProblem::ContentChanged);
                    }
                }
                (Ok(_), None) => {} // said already: the key is not accepted, or missing
                (Err(_), _) => self.problems.push(CmsProblem::MalformedAttribute("messageDigest")),
            }
        }
        if let Some(value) = self.only_value(signer, SIGNING_CERTIFICATE_V2, "signingCertificateV2") {
            match value.decode_as::<SigningCertificateV2>() {
                Ok(named) => {
                    let first = named.certificates.first().map(|id| id.hash.as_bytes());
                    let own = self.chain.first().map(|leaf| canonical::sha256(leaf.der()));
                    if own.is_some_and(|own| first != Some(own.as_bytes())) {
                        self.problems.push(CmsProblem::OtherCertificate);
                    }
                }
                Err(_) => self.problems.push(CmsProblem::MalformedAttribute("signingCertificateV2")),
            }
        }
    }

    fn only_value(&mut self, signer: &SignerInfo, oid: ObjectIdentifier, name: &'static str) -> Option<Any> {
        let attributes = signer.signed_attrs.as_ref()?;
        let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
        match (found.next(), found.next()) {
            (Some(only), None) if only.values.len() == 1 => only.values.get(0).cloned(),
            _ => {
                self.problems.push(CmsProblem::AttributeCount(name));
                None
            }
        }
    }

    /// Builds the signature again out of what was understood of it.
    fn check_exact(&mut self, signer: &SignerInfo, signature: &[u8]) {
        let attributes = signer.signed_attrs.iter().flat_map(|attributes| attributes.iter());
        let digest = attributes
            .filter(|attribute| attribute.oid == MESSAGE_DIGEST)
            .find_map(|attribute| attribute.values.get(0)?.decode_as::<OctetString>().ok());
        let (Some(algorithm), Some(digest)) = (self.algorithm, digest) else { return };
        let rebuilt = PreparedCms::new(algorithm, &self.chain, digest.as_bytes())
            .and_then(|prepared| prepared.assemble(signer.signature.as_bytes(), token_of(signer).as_deref()));
        if rebuilt.is_ok_and(|bytes| bytes == signature) {
            return;
        }
        self.problems.push(CmsProblem::NotExact);
    }
}

/// The bytes of the timestamp that a signature carries. Where there are several, building it again tells.
fn token_of(signer: &SignerInfo) -> Option<Vec<u8>> {
    let mut attributes = signer.unsigned_attrs.iter().flat_map(|all| all.iter());
    attributes.find(|one| one.oid == TOKEN_ATTRIBUTE)?.values.get(0)?.to_der().ok()
}
