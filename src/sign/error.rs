//! Why a signature could not be made, and what to do about it.

use chrono::{DateTime, Utc};

use super::timestamp::TimestampError;
use super::{IssuerProblem, RevocationError};

/// Why signing failed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// No PEM block of a certificate was found, or a PKCS#12 file without one.
    #[error(
        "no certificate found: give the signer's certificate as PEM (`-----BEGIN CERTIFICATE-----`), then those that issued it"
    )]
    NoCertificate,
    /// No PEM block of a private key was found, or a PKCS#12 file without one.
    #[error("no private key found: give it as PEM (PKCS#8, PKCS#1 or SEC1) or inside a PKCS#12 file")]
    NoPrivateKey,
    /// More than one private key: which one to use would be a guess.
    #[error("{0} private keys found: give a file with exactly one")]
    SeveralPrivateKeys(usize),
    /// The PEM text is damaged.
    #[error("the PEM block `{label}` is damaged ({reason}): export it again")]
    MalformedPem {
        /// The label between the dashes.
        label: String,
        /// What is wrong.
        reason: String,
    },
    /// The PEM private key is protected with a passphrase.
    #[error(
        "the PEM private key is encrypted: use a PKCS#12 file with its password, or decrypt it with `openssl pkey -in KEY.pem -out PLAIN.pem`"
    )]
    EncryptedPem,
    /// A certificate cannot be read.
    #[error(
        "certificate {position} cannot be read as DER ({reason}): export it again from where it was issued"
    )]
    MalformedCertificate {
        /// Counted from one.
        position: usize,
        /// What is wrong.
        reason: String,
    },
    /// A certificate is not in the distinguished encoding; what it hashes to would be ambiguous.
    #[error(
        "certificate {position} ({subject}) is not strict DER: have it issued again by a CA that encodes defaults as X.690 demands"
    )]
    CertificateNotStrict {
        /// Counted from one.
        position: usize,
        /// Its subject.
        subject: String,
    },
    /// The certificates do not form a chain.
    #[error(
        "certificate {position} did not issue the one before it: {reason}. Order the file: the signer's certificate first, then each issuer"
    )]
    BrokenChain {
        /// Counted from one: the certificate that should be the issuer.
        position: usize,
        /// Why it is not.
        reason: IssuerProblem,
    },
    /// The certificate's key is of a kind that is not supported.
    #[error(
        "the certificate of {subject} holds a key that is not supported ({key}): use RSA of 2048 bits or more, P-256 or P-384"
    )]
    UnsupportedKey {
        /// The certificate's subject.
        subject: String,
        /// What kind of key.
        key: String,
    },
    /// The private key cannot be used.
    #[error(
        "the private key cannot be used ({reason}): RSA of 2048 bits or more, P-256 and P-384 are supported"
    )]
    UnusableKey {
        /// What the crypto library says.
        reason: String,
    },
    /// Key and certificate do not belong together.
    #[error(
        "the private key does not match the certificate of {subject} (serial {serial}): give the key that this certificate was issued for"
    )]
    KeyMismatch {
        /// The certificate's subject.
        subject: String,
        /// The certificate's serial number.
        serial: String,
    },
    /// The password of the PKCS#12 file is wrong.
    #[error(
        "wrong password for the PKCS#12 file (or the file is damaged: its integrity code does not match)"
    )]
    WrongPassword,
    /// The PKCS#12 file cannot be read.
    #[error(
        "the PKCS#12 file cannot be read ({0}): export it again, e.g. `openssl pkcs12 -export -inkey KEY.pem -in CERT.pem -certfile CHAIN.pem -out KEY.p12`"
    )]
    MalformedPkcs12(String),
    /// The certificate is not valid at the signing time.
    #[error(
        "the certificate of {subject} is valid from {valid_from} until {valid_until}, not at the signing time {instant}: use a current certificate"
    )]
    OutsideValidity {
        /// The certificate's subject.
        subject: String,
        /// The signing time.
        instant: DateTime<Utc>,
        /// The first instant of validity.
        valid_from: DateTime<Utc>,
        /// The last instant of validity.
        valid_until: DateTime<Utc>,
    },
    /// The certificate may not be used for signing documents.
    #[error(
        "the certificate of {0} is not for signing documents: its key usage must hold digitalSignature or nonRepudiation, and its extended key usage, if it has one, documentSigning or emailProtection; use another certificate"
    )]
    UsageForbidsSigning(String),
    /// The signature just made does not verify with the certificate.
    #[error(
        "the signature just made does not verify with the certificate of {0}: the key device and the certificate do not belong together, or the device is faulty"
    )]
    SignatureDoesNotVerify(String),
    /// The key refused or failed.
    #[error("the private key failed to sign: {0}")]
    KeyFailed(String),
    /// DER could not be written.
    #[error("the signature could not be encoded: {0}")]
    Encoding(#[from] der::Error),
    /// The PDF cannot be read.
    #[error("the PDF cannot be read ({0}): render the report again")]
    MalformedPdf(String),
    /// The PDF is signed in that role already.
    #[error(
        "the PDF is signed by the {0} already: sign in another role, or sign the report as it was rendered"
    )]
    AlreadySigned(String),
    /// The PDF has no field for that role.
    #[error(
        "the PDF has signature fields for {}, and none for {role}: fields are made by the first signature, for the roles in signing.roles", .fields.join(", ")
    )]
    NoFieldForRole {
        /// The role.
        role: String,
        /// The roles that have one.
        fields: Vec<String>,
    },
    /// The name of a role cannot be used.
    #[error("{0:?} is no name for a role: up to 32 lower-case letters, digits and hyphens are")]
    RoleName(String),
    /// The PDF is encrypted.
    #[error("the PDF is encrypted: sign the report as it was rendered")]
    EncryptedPdf,
    /// The CMS is larger than the space that was reserved for it.
    #[error(
        "the signature takes {needed} bytes where {reserved} are reserved: leave certificates out that are not part of the chain"
    )]
    SignatureTooLarge {
        /// The size of the CMS in bytes.
        needed: usize,
        /// The reserved space in bytes.
        reserved: usize,
    },
    /// There is no timestamp that can be relied upon.
    #[error(transparent)]
    Timestamp(#[from] TimestampError),
    /// Nobody says that the certificates are not revoked.
    #[error(transparent)]
    Revocation(#[from] RevocationError),
    /// A test certificate could not be made.
    #[error("the test certificate could not be made: {0}")]
    KeyGeneration(#[from] rcgen::Error),
}
