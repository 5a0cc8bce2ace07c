//! The digest and signature algorithms that are accepted: RSA PKCS#1 v1.5 with SHA-256, ECDSA P-256
//! with SHA-256, ECDSA P-384 with SHA-384. None other can be made or verified.

use std::fmt;

use aws_lc_rs::{digest, signature};
use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5912, rfc5912::ID_EC_PUBLIC_KEY};
use der::asn1::{Null, Uint};
use der::{Any, Decode, Sequence};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

/// A digest algorithm of FIPS 180-4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestAlgorithm {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512; timestamp authorities sign with it.
    Sha512,
}

/// How a key signs: key type, padding and digest in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017), keys of 2048 to 8192 bits.
    RsaPkcs1Sha256,
    /// ECDSA over P-256 with SHA-256.
    EcdsaP256Sha256,
    /// ECDSA over P-384 with SHA-384.
    EcdsaP384Sha384,
}

impl DigestAlgorithm {
    /// The digest of the concatenation of `parts`.
    pub fn digest(self, parts: &[&[u8]]) -> Vec<u8> {
        let mut context = digest::Context::new(match self {
            DigestAlgorithm::Sha256 => &digest::SHA256,
            DigestAlgorithm::Sha384 => &digest::SHA384,
            DigestAlgorithm::Sha512 => &digest::SHA512,
        });
        for part in parts {
            context.update(part);
        }
        context.finish().as_ref().to_vec()
    }

    /// The identifier as CMS wants it: without parameters (RFC 5754, section 2).
    pub(crate) fn identifier(self) -> AlgorithmIdentifierOwned {
        let oid = match self {
            DigestAlgorithm::Sha256 => rfc5912::ID_SHA_256,
            DigestAlgorithm::Sha384 => rfc5912::ID_SHA_384,
            DigestAlgorithm::Sha512 => rfc5912::ID_SHA_512,
        };
        AlgorithmIdentifierOwned { oid, parameters: None }
    }

    /// The one that an identifier names.
    pub(crate) fn of(oid: &ObjectIdentifier) -> Option<Self> {
        [Self::Sha256, Self::Sha384, Self::Sha512].into_iter().find(|one| one.identifier().oid == *oid)
    }
}

impl SignatureAlgorithm {
    /// How the key of a certificate signs; `None` for keys that are not supported.
    pub(crate) fn of_key(key: &SubjectPublicKeyInfoOwned) -> Option<Self> {
        match KeyType::of(key)? {
            KeyType::Rsa { bits: 2048..=8192 } => Some(Self::RsaPkcs1Sha256),
            KeyType::P256 => Some(Self::EcdsaP256Sha256),
            KeyType::P384 => Some(Self::EcdsaP384Sha384),
            KeyType::Rsa { .. } | KeyType::P521 | KeyType::Ed25519 => None,
        }
    }

    /// The digest that goes with it, for the content and for the signed attributes alike.
    pub fn digest(self) -> DigestAlgorithm {
        match self {
            Self::RsaPkcs1Sha256 | Self::EcdsaP256Sha256 => DigestAlgorithm::Sha256,
            Self::EcdsaP384Sha384 => DigestAlgorithm::Sha384,
        }
    }

    /// The identifier that CMS carries (RFC 5754, section 3): NULL parameters for RSA, none for ECDSA.
    pub(crate) fn identifier(self) -> AlgorithmIdentifierOwned {
        let (oid, parameters) = match self {
            Self::RsaPkcs1Sha256 => (rfc5912::SHA_256_WITH_RSA_ENCRYPTION, Some(Any::from(Null))),
            Self::EcdsaP256Sha256 => (rfc5912::ECDSA_WITH_SHA_256, None),
            Self::EcdsaP384Sha384 => (rfc5912::ECDSA_WITH_SHA_384, None),
        };
        AlgorithmIdentifierOwned { oid, parameters }
    }

    /// Whether `signature` over `message` verifies with the public key.
    pub(crate) fn verify(self, key: &SubjectPublicKeyInfoOwned, message: &[u8], signature: &[u8]) -> bool {
        let algorithm: &'static dyn signature::VerificationAlgorithm = match self {
            Self::RsaPkcs1Sha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::EcdsaP256Sha256 => &signature::ECDSA_P256_SHA256_ASN1,
            Self::EcdsaP384Sha384 => &signature::ECDSA_P384_SHA384_ASN1,
        };
        Self::of_key(key) == Some(self) && verify_with(algorithm, key, message, signature)
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::RsaPkcs1Sha256 => "RSA PKCS#1 v1.5 with SHA-256",
            Self::EcdsaP256Sha256 => "ECDSA P-256 with SHA-256",
            Self::EcdsaP384Sha384 => "ECDSA P-384 with SHA-384",
        })
    }
}

/// `RSAPublicKey` (RFC 8017, appendix A.1.1).
#[derive(Sequence)]
struct RsaPublicKey {
    modulus: Uint,
    #[allow(dead_code, reason = "only the size of the modulus is of interest")]
    public_exponent: Uint,
}

/// The kinds of public keys that certificates are signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyType {
    Rsa { bits: usize },
    P256,
    P384,
    P521,
    Ed25519,
}

impl KeyType {
    pub(crate) fn of(key: &SubjectPublicKeyInfoOwned) -> Option<Self> {
        if key.algorithm.oid == rfc5912::RSA_ENCRYPTION {
            let bytes = key.subject_public_key.as_bytes()?;
            let modulus = RsaPublicKey::from_der(bytes).ok()?.modulus;
            let leading = modulus.as_bytes().first()?.leading_zeros() as usize;
            return Some(KeyType::Rsa { bits: modulus.as_bytes().len() * 8 - leading });
        }
        if key.algorithm.oid == const_oid::db::rfc8410::ID_ED_25519 {
            return Some(KeyType::Ed25519);
        }
        if key.algorithm.oid != ID_EC_PUBLIC_KEY {
            return None;
        }
        match key.algorithm.parameters.as_ref()?.decode_as::<ObjectIdentifier>().ok()? {
            rfc5912::SECP_256_R_1 => Some(KeyType::P256),
            rfc5912::SECP_384_R_1 => Some(KeyType::P384),
            rfc5912::SECP_521_R_1 => Some(KeyType::P521),
            _ => None,
        }
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyType::Rsa { bits } => write!(formatter, "RSA {bits}"),
            KeyType::P256 => formatter.write_str("EC P-256"),
            KeyType::P384 => formatter.write_str("EC P-384"),
            KeyType::P521 => formatter.write_str("EC P-521"),
            KeyType::Ed25519 => formatter.write_str("Ed25519"),
        }
    }
}

/// Whether a certificate's signature verifies with its issuer's key. CAs sign with more algorithms
/// than we do; SHA-1, RSA-PSS and RSA below 2048 bits are not among those that are accepted.
pub(crate) fn verify_certificate(
    key: &SubjectPublicKeyInfoOwned,
    algorithm: &AlgorithmIdentifierOwned,
    message: &[u8],
    signature: &[u8],
) -> Result<bool, ObjectIdentifier> {
    use rfc5912::{
        ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384, ECDSA_WITH_SHA_512, SHA_256_WITH_RSA_ENCRYPTION,
        SHA_384_WITH_RSA_ENCRYPTION, SHA_512_WITH_RSA_ENCRYPTION,
    };
    let unsupported = algorithm.oid;
    let Some(key_type) = KeyType::of(key) else { return Err(unsupported) };
    let verification: &'static dyn signature::VerificationAlgorithm = match (key_type, algorithm.oid) {
        (KeyType::Rsa { .. }, SHA_256_WITH_RSA_ENCRYPTION) => &signature::RSA_PKCS1_2048_8192_SHA256,
        (KeyType::Rsa { .. }, SHA_384_WITH_RSA_ENCRYPTION) => &signature::RSA_PKCS1_2048_8192_SHA384,
        (KeyType::Rsa { .. }, SHA_512_WITH_RSA_ENCRYPTION) => &signature::RSA_PKCS1_2048_8192_SHA512,
        (KeyType::P256, ECDSA_WITH_SHA_256) => &signature::ECDSA_P256_SHA256_ASN1,
        (KeyType::P256, ECDSA_WITH_SHA_384) => &signature::ECDSA_P256_SHA384_ASN1,
        (KeyType::P256, ECDSA_WITH_SHA_512) => &signature::ECDSA_P256_SHA512_ASN1,
        (KeyType::P384, ECDSA_WITH_SHA_256) => &signature::ECDSA_P384_SHA256_ASN1,
        (KeyType::P384, ECDSA_WITH_SHA_384) => &signature::ECDSA_P384_SHA384_ASN1,
        (KeyType::P384, ECDSA_WITH_SHA_512) => &signature::ECDSA_P384_SHA512_ASN1,
        (KeyType::P521, ECDSA_WITH_SHA_256) => &signature::ECDSA_P521_SHA256_ASN1,
        (KeyType::P521, ECDSA_WITH_SHA_384) => &signature::ECDSA_P521_SHA384_ASN1,
        (KeyType::P521, ECDSA_WITH_SHA_512) => &signature::ECDSA_P521_SHA512_ASN1,
        (KeyType::Ed25519, const_oid::db::rfc8410::ID_ED_25519) => &signature::ED25519,
        _ => return Err(unsupported),
    };
    Ok(verify_with(verification, key, message, signature))
}

fn verify_with(
    algorithm: &'static dyn signature::VerificationAlgorithm,
    key: &SubjectPublicKeyInfoOwned,
    message: &[u8],
    signature: &[u8],
) -> bool {
    key.subject_public_key.as_bytes().is_some_and(|bytes| {
        signature::UnparsedPublicKey::new(algorithm, bytes).verify(message, signature).is_ok()
    })
}
