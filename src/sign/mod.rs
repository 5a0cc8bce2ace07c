//! Signatures over bytes: detached CMS (RFC 5652) and PAdES (ETSI EN 319 142-1, levels B-B and B-T) over a PDF.
//!
//! Signing runs in phases: *prepare* (pure: what will be signed), *sign* (the only step that needs the
//! private key, and the only one that may be remote one day), *finish* (pure: check the signature
//! against the certificate, then assemble). [`detached_cms`] and [`sign_pdf`] run all three for a
//! [`Signer`] at hand; a key service or a hardware token can drive the phases itself.

mod algorithm;
pub(crate) mod certificate;
pub mod cms;
mod error;
mod keygen;
pub mod pades;
mod pem;
pub mod revocation;
mod software;
pub mod timestamp;

pub use algorithm::{DigestAlgorithm, SignatureAlgorithm};
pub use certificate::{Certificate, CertificateFacts, IssuerProblem};
pub use cms::detached_cms;
pub use error::SignError;
pub use keygen::test_certificate;
pub use pades::{SignatureInfo, sign_pdf};
pub use revocation::{RevocationError, RevocationSource};
pub use software::SoftwareSigner;
pub use timestamp::{TimestampAuthority, TimestampError};

use chrono::{DateTime, Utc};

/// What a signer is asked to sign. A signer needs one of the two forms: software and hardware tokens
/// usually take the message, key services the digest.
#[derive(Debug, Clone, Copy)]
pub struct ToBeSigned<'a> {
    /// The message itself: DER-encoded signed attributes, a few hundred bytes.
    pub message: &'a [u8],
    /// Its digest under [`SignatureAlgorithm::digest`] of the signer.
    pub digest: &'a [u8],
}

/// A private key with its certificate chain.
pub trait Signer {
    /// How this key signs.
    fn algorithm(&self) -> SignatureAlgorithm;

    /// The certificate of the key, then each certificate that issued the one before it. Never empty.
    fn chain(&self) -> &[Certificate];

    /// Signs. The result is PKCS#1 v1.5 bytes for RSA and a DER `ECDSA-Sig-Value` for elliptic curves.
    ///
    /// # Errors
    /// When the key cannot be reached or refuses.
    fn sign(&self, to_be_signed: ToBeSigned<'_>) -> Result<Vec<u8>, SignError>;
}

/// Checks that the signer's own certificate is valid at `instant`.
///
/// # Errors
/// [`SignError::OutsideValidity`] when it is not.
pub fn require_valid_at(signer: &dyn Signer, instant: DateTime<Utc>) -> Result<(), SignError> {
    let leaf = signer.chain().first().ok_or(SignError::NoCertificate)?;
    let facts = leaf.facts();
    if instant < facts.valid_from || instant > facts.valid_until {
        return Err(SignError::OutsideValidity {
            subject: facts.subject,
            instant,
            valid_from: facts.valid_from,
            valid_until: facts.valid_until,
        });
    }
    Ok(())
}
