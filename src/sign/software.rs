//! A signer whose private key is in memory: from PEM files, or from a PKCS#12 file.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _,
    RSA_PKCS1_SHA256, RsaKeyPair,
};

use super::{Certificate, SignError, SignatureAlgorithm, Signer, ToBeSigned};
use super::{certificate, pem};

/// A private key in memory with its certificate chain.
pub struct SoftwareSigner {
    key: PrivateKey,
    algorithm: SignatureAlgorithm,
    chain: Vec<Certificate>,
}

enum PrivateKey {
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
}

impl SoftwareSigner {
    /// From PEM: the certificate chain, the signer's own first, and the private key (PKCS#8 `PRIVATE
    /// KEY`, PKCS#1 `RSA PRIVATE KEY` or SEC1 `EC PRIVATE KEY`). Both may be the same file.
    ///
    /// # Errors
    /// When either cannot be read or used, or they do not belong together; see [`SignError`].
    pub fn from_pem(certificate_chain_pem: &[u8], key_pem: &[u8]) -> Result<Self, SignError> {
        let chain = Certificate::from_pem(certificate_chain_pem)?;
        let blocks = pem::blocks(key_pem)?;
        let keys: Vec<_> = blocks.iter().filter(|block| block.label.ends_with("PRIVATE KEY")).collect();
        let block = match keys.as_slice() {
            [] => return Err(SignError::NoPrivateKey),
            [one] => one,
            several => return Err(SignError::SeveralPrivateKeys(several.len())),
        };
        if block.encrypted || block.label == "ENCRYPTED PRIVATE KEY" {
            return Err(SignError::EncryptedPem);
        }
        Self::new(PrivateKey::from_der(&block.contents)?, chain)
    }

    /// From a PKCS#12 file (RFC 7292) with one private key. Its certificates may be in any order.
    ///
    /// # Errors
    /// When the password is wrong, or the contents cannot be used; see [`SignError`].
    pub fn from_pkcs12(file: &[u8], password: &str) -> Result<Self, SignError> {
        use p12_keystore::error::Error;
        let archive =
            p12_keystore::Pkcs12Archive::from_pkcs12(file, password).map_err(|error| match error {
                Error::MacError(_) | Error::UnpadError => SignError::WrongPassword,
                other => SignError::MalformedPkcs12(other.to_string()),
            })?;
        let key = match archive.keys.as_slice() {
            [] => return Err(SignError::NoPrivateKey),
            [one] => PrivateKey::from_der(one.key.as_der())?,
            several => return Err(SignError::SeveralPrivateKeys(several.len())),
        };
        let mut certificates = archive
            .certs
            .iter()
            .zip(1..)
            .map(|(bag, position)| Certificate::from_der(bag.cert.as_der(), position))
            .collect::<Result<Vec<_>, _>>()?;
        certificates.dedup();
        let first = certificates.first().ok_or(SignError::NoCertificate)?.facts();
        let own = certificates
            .iter()
            .position(|certificate| key.matches(certificate))
            .ok_or(SignError::KeyMismatch { subject: first.subject, serial: first.serial })?;
        let leaf = certificates.swap_remove(own);
        // What belongs to other chains is left out.
        let (chain, _) = certificate::chain(leaf, certificates);
        Self::new(key, chain)
    }

    fn new(key: PrivateKey, chain: Vec<Certificate>) -> Result<Self, SignError> {
        let algorithm = certificate::signing_algorithm(&chain, |leaf| key.matches(leaf))?;
        Ok(Self { key, algorithm, chain })
    }
}

impl Signer for SoftwareSigner {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    fn sign(&self, to_be_signed: ToBeSigned<'_>) -> Result<Vec<u8>, SignError> {
        let random = SystemRandom::new();
        let failed = |error: aws_lc_rs::error::Unspecified| SignError::KeyFailed(error.to_string());
        match &self.key {
            PrivateKey::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, to_be_signed.message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
            PrivateKey::Ec(key) => {
                let signature = key.sign(&random, to_be_signed.message).map_err(failed)?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }
}

impl PrivateKey {
    /// Reads PKCS#8, PKCS#1 or SEC1: the contents tell which it is.
    fn from_der(der: &[u8]) -> Result<Self, SignError> {
        let rsa = RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der));
        let reason = match rsa {
            Ok(key) => return Ok(Self::Rsa(Box::new(key))),
            Err(reason) => reason,
        };
        for algorithm in [&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING] {
            if let Ok(key) = EcdsaKeyPair::from_private_key_der(algorithm, der) {
                return Ok(Self::Ec(Box::new(key)));
            }
        }
        Err(SignError::UnusableKey { reason: reason.to_string() })
    }

    /// Whether the certificate holds the public half of this key.
    fn matches(&self, certificate: &Certificate) -> bool {
        let public = match self {
            Self::Rsa(key) => key.public_key().as_ref(),
            Self::Ec(key) => key.public_key().as_ref(),
        };
        certificate.public_key().subject_public_key.as_bytes() == Some(public)
    }
}

impl fmt::Debug for SoftwareSigner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The key must never reach a log.
        let subject = self.chain.first().map(|leaf| leaf.facts().subject);
        formatter.debug_struct("SoftwareSigner").field("subject", &subject).finish_non_exhaustive()
    }
}
