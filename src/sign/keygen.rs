//! A self-signed certificate for tests and demonstrations, plainly marked as such.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, date_time_ymd,
};

use super::SignError;

/// Document signing (RFC 9336, `id-kp-documentSigning`).
const DOCUMENT_SIGNING: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 3, 36];

/// Makes a new P-256 key and a self-signed certificate whose subject says `TEST`, `subject` and `NOT FOR
/// PRODUCTION`. Returns the certificate and the private key (PKCS#8), both PEM.
///
/// # Errors
/// When `subject` cannot be written into a name, or the crypto library fails.
pub fn test_certificate(
    subject: &str,
    valid_from: DateTime<Utc>,
    valid_until: DateTime<Utc>,
) -> Result<(String, String), SignError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "TEST - NOT FOR PRODUCTION");
    name.push(DnType::CommonName, format!("TEST {subject} NOT FOR PRODUCTION"));
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = name;
    // Instants before 1970 become 1970: certificates written today have no use for them.
    let since_epoch =
        |instant: DateTime<Utc>| Duration::from_secs(u64::try_from(instant.timestamp()).unwrap_or(0));
    parameters.not_before = date_time_ymd(1970, 1, 1) + since_epoch(valid_from);
    parameters.not_after = date_time_ymd(1970, 1, 1) + since_epoch(valid_until);
    parameters.is_ca = IsCa::NoCa;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
    parameters.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::Other(DOCUMENT_SIGNING.to_vec()),
        // Some validators (NSS, and with it pdfsig) judge a document's signer by this usage alone.
        ExtendedKeyUsagePurpose::EmailProtection,
    ];
    let certificate = parameters.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}
