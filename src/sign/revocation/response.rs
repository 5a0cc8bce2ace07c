//! OCSP requests and responses (RFC 6960).

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{ID_SHA_1, ID_SHA_256};
use der::asn1::{Null, OctetString};
use der::{Any, Decode, Encode};
use spki::AlgorithmIdentifierOwned;
use x509_ocsp::{
    BasicOcspResponse, CertId, CertStatus, OcspGeneralizedTime, OcspRequest, OcspResponse,
    OcspResponseStatus, Request, TbsRequest,
};

use super::super::Certificate;
use super::super::certificate::since_1970;
use super::{Revoked, Signed, Statement};

/// `id-pkix-ocsp-basic`.
const BASIC: ObjectIdentifier = const_oid::db::rfc6960::ID_PKIX_OCSP_BASIC;

/// A request about one certificate. It has no nonce: what is kept for years is told from a replay by its own time.
pub(super) fn request(certificate: &Certificate, issuer: &Certificate) -> Result<Vec<u8>, der::Error> {
    // Responders know certificates by SHA-1 (RFC 5019, section 2.1.1); nothing rests on it being hard to collide.
    let request = Request { req_cert: id(certificate, issuer, ID_SHA_1)?, single_request_extensions: None };
    let tbs_request = TbsRequest { request_list: vec![request], ..TbsRequest::default() };
    OcspRequest { tbs_request, optional_signature: None }.to_der()
}

/// What a response says of a certificate.
pub(super) fn statement(
    der: &[u8],
    certificate: &Certificate,
    issuer: &Certificate,
) -> Result<Statement, String> {
    let response = read(der)?;
    let basic = signed_for(&response, issuer)?;
    for single in &basic.tbs_response_data.responses {
        let expected = id(certificate, issuer, single.cert_id.hash_algorithm.oid);
        if !expected.is_ok_and(|expected| is_same(&expected, &single.cert_id)) {
            continue;
        }
        let revoked = match &single.cert_status {
            CertStatus::Good(_) => None,
            CertStatus::Revoked(info) => {
                Some(Revoked { at: instant(&info.revocation_time), reason: info.revocation_reason })
            }
            CertStatus::Unknown(_) => return Err("the responder does not know the certificate".into()),
        };
        return Ok(Statement {
            revoked,
            this_update: instant(&single.this_update),
            next_update: single.next_update.as_ref().map(instant),
        });
    }
    Err("it is about another certificate".into())
}

/// Whether this is a response for which `issuer` answers.
pub(super) fn is_by(der: &[u8], issuer: &Certificate) -> bool {
    read(der).is_ok_and(|response| signed_for(&response, issuer).is_ok())
}

/// The `BasicOCSPResponse` in a response.
fn read(der: &[u8]) -> Result<Vec<u8>, String> {
    let response = OcspResponse::from_der(der).map_err(|error| format!("it is no OCSP response: {error}"))?;
    if response.to_der().ok().as_deref() != Some(der) {
        return Err("it is not strict DER".into());
    }
    match (response.response_status, response.response_bytes) {
        (OcspResponseStatus::Successful, Some(bytes)) if bytes.response_type == BASIC => {
            Ok(bytes.response.into_bytes())
        }
        (OcspResponseStatus::Successful, _) => Err("it is no basic response".into()),
        (status, _) => Err(format!("the responder says {status:?}")),
    }
}

/// What a response says, if the issuer signed it, or a responder to whom the issuer gave a certificate for that (RFC 6960, section 4.2.2.2).
fn signed_for(response: &[u8], issuer: &Certificate) -> Result<BasicOcspResponse, String> {
    let signed = Signed::read(response)?;
    let basic = BasicOcspResponse::from_der(response).map_err(|error| error.to_string())?;
    let produced_at = instant(&basic.tbs_response_data.produced_at);
    let mut responders = Vec::new();
    for (certificate, position) in basic.certs.iter().flatten().zip(1..) {
        let der = certificate.to_der().map_err(|error| error.to_string())?;
        responders.push(Certificate::from_der(&der, position).map_err(|error| error.to_string())?);
    }
    let is_delegate = |responder: &&Certificate| {
        responder.is_for_ocsp()
            && responder.is_valid_at(produced_at)
            && issuer.check_issued(responder, 0).is_ok()
    };
    let delegates = responders.iter().filter(is_delegate);
    if delegates.chain(std::iter::once(issuer)).any(|signer| signed.is_by(signer)) {
        Ok(basic)
    } else {
        Err("neither the issuer nor a responder of the issuer signed it".into())
    }
}

/// How a certificate is named in requests.
fn id(certificate: &Certificate, issuer: &Certificate, hash: ObjectIdentifier) -> Result<CertId, der::Error> {
    let algorithm = match hash {
        ID_SHA_1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        ID_SHA_256 => &digest::SHA256,
        _ => return Err(der::Error::new(der::ErrorKind::OidUnknown { oid: hash }, der::Length::ZERO)),
    };
    let of = |bytes: &[u8]| OctetString::new(digest::digest(algorithm, bytes).as_ref());
    Ok(CertId {
        hash_algorithm: AlgorithmIdentifierOwned { oid: hash, parameters: Some(Any::from(Null)) },
        issuer_name_hash: of(&certificate.parsed().tbs_certificate.issuer.to_der()?)?,
        issuer_key_hash: of(issuer.public_key().subject_public_key.raw_bytes())?,
        serial_number: certificate.parsed().tbs_certificate.serial_number.clone(),
    })
}

/// Whether two names are of one certificate; some leave the parameters of the hash algorithm out.
fn is_same(one: &CertId, other: &CertId) -> bool {
    one.issuer_name_hash == other.issuer_name_hash
        && one.issuer_key_hash == other.issuer_key_hash
        && one.serial_number == other.serial_number
}

fn instant(time: &OcspGeneralizedTime) -> DateTime<Utc> {
    since_1970(time.0.to_unix_duration())
}
