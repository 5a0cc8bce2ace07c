//! Certificate revocation lists (RFC 5280, section 5).

use der::{Decode, Encode};
use x509_cert::crl::CertificateList;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::CrlReason;
use x509_cert::ext::pkix::crl::dp::IssuingDistributionPoint;

use super::super::Certificate;
use super::super::certificate::instant;
use super::{Signed, Statement};

/// What a list says of a certificate.
pub(super) fn statement(
    der: &[u8],
    certificate: &Certificate,
    issuer: &Certificate,
) -> Result<Statement, String> {
    let list = read(der)?.tbs_cert_list;
    if list.issuer != certificate.parsed().tbs_certificate.issuer {
        return Err("it is of another issuer".into());
    }
    if !is_by(der, issuer) {
        return Err("the issuer did not sign it".into());
    }
    for extension in list.crl_extensions.iter().flatten().filter(|extension| extension.critical) {
        require_complete(extension)?;
    }
    let serial = &certificate.parsed().tbs_certificate.serial_number;
    let entry = list.revoked_certificates.iter().flatten().find(|entry| entry.serial_number == *serial);
    let revoked = entry.map(|entry| {
        let extensions = entry.crl_entry_extensions.iter().flatten();
        let reason = extensions.filter(|one| one.extn_id == const_oid::db::rfc5280::ID_CE_CRL_REASONS);
        let reason = reason.filter_map(|one| CrlReason::from_der(one.extn_value.as_bytes()).ok()).next();
        (instant(&entry.revocation_date), reason.map(in_words))
    });
    Ok(Statement {
        revoked,
        this_update: instant(&list.this_update),
        next_update: list.next_update.as_ref().map(instant),
    })
}

/// Whether this is a list that `issuer` signed, and may.
pub(super) fn is_by(der: &[u8], issuer: &Certificate) -> bool {
    read(der).is_ok_and(|list| list.tbs_cert_list.issuer == issuer.parsed().tbs_certificate.subject)
        && issuer.may_sign_revocation_lists()
        && Signed::read(der).is_ok_and(|signed| signed.is_by(issuer))
}

fn read(der: &[u8]) -> Result<CertificateList, String> {
    let list =
        CertificateList::from_der(der).map_err(|error| format!("it is no revocation list: {error}"))?;
    if list.signature_algorithm != list.tbs_cert_list.signature {
        return Err("it names two signature algorithms".into());
    }
    if list.to_der().ok().as_deref() != Some(der) {
        return Err("it is not strict DER".into());
    }
    Ok(list)
}

/// The one critical extension that is understood says what a list is restricted to; one that leaves certificates out tells nothing
/// of those.
fn require_complete(extension: &Extension) -> Result<(), String> {
    let oid = extension.extn_id;
    if oid != const_oid::db::rfc5280::ID_CE_ISSUING_DISTRIBUTION_POINT {
        return Err(format!("it has a critical extension that is not understood ({oid})"));
    }
    let scope = IssuingDistributionPoint::from_der(extension.extn_value.as_bytes());
    let scope = scope.map_err(|error| error.to_string())?;
    let is_restricted = scope.only_contains_user_certs
        || scope.only_contains_ca_certs
        || scope.only_contains_attribute_certs
        || scope.indirect_crl
        || scope.only_some_reasons.is_some();
    if is_restricted { Err("it is restricted to some certificates or reasons".into()) } else { Ok(()) }
}

pub(super) fn in_words(reason: CrlReason) -> String {
    match reason {
        CrlReason::Unspecified => "unspecified",
        CrlReason::KeyCompromise => "key compromise",
        CrlReason::CaCompromise => "compromise of the authority",
        CrlReason::AffiliationChanged => "affiliation changed",
        CrlReason::Superseded => "superseded",
        CrlReason::CessationOfOperation => "cessation of operation",
        CrlReason::CertificateHold => "on hold",
        CrlReason::RemoveFromCRL => "removed from the list",
        CrlReason::PrivilegeWithdrawn => "privilege withdrawn",
        CrlReason::AaCompromise => "compromise of the attribute authority",
    }
    .to_owned()
}
