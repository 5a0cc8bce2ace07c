//! What keeps signatures checkable for years: PAdES-B-LT has the validation data in the document, B-LTA a timestamp over both.

use chrono::{DateTime, Utc};
use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use der::{Decode, Encode};
use lopdf::{Dictionary, Object};
use serde::{Deserialize, Serialize};

use super::super::revocation::SigningChain;
use super::super::timestamp::{self, TOKEN_ATTRIBUTE, TimestampAuthority, Token};
use super::super::{RevocationSource, SignError, Signer, cms as signed_cms, revocation};
use super::update::Update;
use super::validation_data::ValidationData;
use super::{PreparedPdf, SignatureInfo, der_length, form, sign_and_stamp_pdf};

/// A level of ETSI EN 319 142-1, section 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// A signature.
    #[serde(rename = "B-B")]
    Basic,
    /// With a timestamp over it.
    #[serde(rename = "B-T")]
    Timestamp,
    /// With what is needed to check it when nobody answers any more.
    #[serde(rename = "B-LT")]
    LongTerm,
    /// With a timestamp over all of that.
    #[serde(rename = "B-LTA")]
    Archive,
}

/// Signs a PDF up to a level. The authorities are asked from [`Level::Timestamp`] on, the source from [`Level::LongTerm`] on.
///
/// # Errors
/// As [`sign_and_stamp_pdf`]; and when a certificate is revoked, or nobody says that it is not.
pub fn sign_to_level(
    pdf: &[u8],
    signer: &dyn Signer,
    info: &SignatureInfo,
    level: Level,
    authorities: &[Box<dyn TimestampAuthority>],
    source: &dyn RevocationSource,
) -> Result<Vec<u8>, SignError> {
    let asked = if level >= Level::Timestamp { authorities } else { &[] };
    let mut signed = sign_and_stamp_pdf(pdf, signer, info, asked)?;
    if level >= Level::LongTerm {
        signed = add_validation_data(signed, source, info.signed_at)?;
    }
    if level >= Level::Archive {
        signed = timestamp_document(&signed, authorities)?;
        // Nothing is added where the authority is one that stamped the signature too.
        signed = add_validation_data(signed, source, info.signed_at)?;
    }
    Ok(signed)
}

/// Adds what is needed to check every signature and timestamp in `pdf`, as far as it is not there yet.
fn add_validation_data(
    pdf: Vec<u8>,
    source: &dyn RevocationSource,
    now: DateTime<Utc>,
) -> Result<Vec<u8>, SignError> {
    let update = Update::of(&pdf)?;
    let known = ValidationData::of(update.before())?;
    let mut chains = Vec::new();
    for dictionary in form::values(update.before())? {
        chains.extend(chains_of(dictionary, now)?);
    }
    let needed = revocation::collect(chains, known, source)?;
    Ok(needed.append(&pdf)?.unwrap_or(pdf))
}

/// Has the whole document stamped.
///
/// # Errors
/// When the PDF cannot be read, or no authority gives a timestamp.
pub fn timestamp_document(
    pdf: &[u8],
    authorities: &[Box<dyn TimestampAuthority>],
) -> Result<Vec<u8>, SignError> {
    let prepared = PreparedPdf::document_timestamp(pdf)?;
    let token = timestamp::stamp_parts(&prepared.signed_parts(), authorities)?;
    prepared.finish(token.der())
}

/// The chains of a signature and of the timestamp on it, or of a timestamp over the document, and when each signed: where no
/// timestamp tells, now.
fn chains_of(signature: &Dictionary, now: DateTime<Utc>) -> Result<Vec<SigningChain>, SignError> {
    let malformed = |what: String| SignError::MalformedPdf(format!("a signature in it: {what}"));
    let contents =
        signature.get(b"Contents").and_then(Object::as_str).map_err(|error| malformed(error.to_string()))?;
    let length = der_length(contents).filter(|length| *length <= contents.len());
    let der = &contents[..length.ok_or_else(|| malformed("it is no DER".into()))?];
    if signature.has_type(b"DocTimeStamp") {
        let token = Token::read(der)?;
        return Ok(vec![of_token(&token)]);
    }
    let signed: SignedData = ContentInfo::from_der(der)?.content.decode_as()?;
    let mut chains = Vec::new();
    for signer in signed.signer_infos.0.iter() {
        let attributes = signer.unsigned_attrs.iter().flat_map(|all| all.iter());
        let tokens = attributes.filter(|one| one.oid == TOKEN_ATTRIBUTE).filter_map(|one| one.values.get(0));
        let tokens =
            tokens.map(|token| Ok(Token::read(&token.to_der()?)?)).collect::<Result<Vec<_>, SignError>>()?;
        let signed_at = tokens.iter().map(Token::time).fold(now, DateTime::min);
        chains.extend(
            signed_cms::chain_of(&signed, signer)
                .map(|certificates| SigningChain { certificates, signed_at }),
        );
        chains.extend(tokens.iter().map(of_token));
    }
    Ok(chains)
}

fn of_token(token: &Token) -> SigningChain {
    SigningChain { certificates: token.chain().to_vec(), signed_at: token.time() }
}
