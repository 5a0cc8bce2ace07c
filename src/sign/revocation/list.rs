//! Certificate revocation lists (RFC 5280, section 5).

use const_oid::db::rfc5280::{
    ID_CE_CRL_REASONS, ID_CE_DELTA_CRL_INDICATOR, ID_CE_ISSUING_DISTRIBUTION_POINT,
};
use der::{Decode, Encode};
use x509_cert::crl::CertificateList;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::crl::dp::IssuingDistributionPoint;
use x509_cert::ext::pkix::name::DistributionPointName;
use x509_cert::ext::pkix::{CrlDistributionPoints, CrlReason};

use super::super::Certificate;
use super::super::certificate::instant;
use super::{Revoked, Signed, Statement};

/// What a list says of a certificate.
pub(super) fn statement(
    der: &[u8],
    certificate: &Certificate,
    issuer: &Certificate,
) -> Result<Statement, String> {
    let list = read(der)?;
    let is_signed = is_signed_by(&list, der, issuer);
    let list = list.tbs_cert_list;
    if list.issuer != certificate.parsed().tbs_certificate.issuer {
        return Err("it is of another issuer".into());
    }
    if !is_signed {
        return Err("the issuer did not sign it".into());
    }
    for extension in list.crl_extensions.iter().flatten() {
        require_about(extension, certificate)?;
    }
    let serial = &certificate.parsed().tbs_certificate.serial_number;
    let entry = list.revoked_certificates.iter().flatten().find(|entry| entry.serial_number == *serial);
    let mut all = list.revoked_certificates.iter().flatten().flat_map(|entry| &entry.crl_entry_extensions);
    if all.any(|extensions| extensions.iter().any(|one| one.critical && one.extn_id != ID_CE_CRL_REASONS)) {
        return Err("an entry has a critical extension that is not understood".into());
    }
    let revoked = entry.map(|entry| {
        let extensions = entry.crl_entry_extensions.iter().flatten();
        let reason = extensions.filter(|one| one.extn_id == ID_CE_CRL_REASONS);
        let reason = reason.filter_map(|one| CrlReason::from_der(one.extn_value.as_bytes()).ok()).next();
        Revoked { at: instant(&entry.revocation_date), reason }
    });
    Ok(Statement {
        revoked,
        this_update: instant(&list.this_update),
        next_update: list.next_update.as_ref().map(instant),
    })
}

/// Whether this is a list that `issuer` signed, and may.
pub(super) fn is_by(der: &[u8], issuer: &Certificate) -> bool {
    read(der).is_ok_and(|list| is_signed_by(&list, der, issuer))
}

fn is_signed_by(list: &CertificateList, der: &[u8], issuer: &Certificate) -> bool {
    list.tbs_cert_list.issuer == issuer.parsed().tbs_certificate.subject
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

/// An extension must not take the certificate out of what the list is about, whether it is critical or not.
fn require_about(extension: &Extension, certificate: &Certificate) -> Result<(), String> {
    match extension.extn_id {
        ID_CE_ISSUING_DISTRIBUTION_POINT => {}
        ID_CE_DELTA_CRL_INDICATOR => return Err("it holds only what is new".into()),
        oid if extension.critical => {
            return Err(format!("it has a critical extension that is not understood ({oid})"));
        }
        _ => return Ok(()),
    }
    let scope = IssuingDistributionPoint::from_der(extension.extn_value.as_bytes());
    let scope = scope.map_err(|error| error.to_string())?;
    let of_other_kinds = if certificate.is_authority() {
        scope.only_contains_user_certs
    } else {
        scope.only_contains_ca_certs
    };
    let is_restricted = of_other_kinds
        || scope.only_contains_attribute_certs
        || scope.indirect_crl
        || scope.only_some_reasons.is_some();
    if is_restricted {
        return Err("it is restricted to other certificates, or to some reasons".into());
    }
    // Of several lists that share the certificates of an authority, one counts: that which the certificate names.
    let Some(point) = &scope.distribution_point else { return Ok(()) };
    let named = certificate.parsed().tbs_certificate.get::<CrlDistributionPoints>();
    let named = named.ok().flatten().map(|(_, points)| points.0).unwrap_or_default();
    let names = |point: &DistributionPointName| match point {
        DistributionPointName::FullName(names) => names.clone(),
        DistributionPointName::NameRelativeToCRLIssuer(_) => Vec::new(),
    };
    let own = names(point);
    let is_named = named
        .iter()
        .filter_map(|one| one.distribution_point.as_ref())
        .any(|one| names(one).iter().any(|name| own.contains(name)));
    if is_named { Ok(()) } else { Err("it is another part of the list than that of the certificate".into()) }
}
