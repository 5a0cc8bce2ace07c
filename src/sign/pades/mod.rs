//! PAdES (ETSI EN 319 142-1, levels B-B to B-LTA): signatures over a whole PDF, each by an incremental update.
//!
//! The bytes of the given file stay as they are; behind them come the objects that are new or changed. A signature covers
//! every byte of its result but the hexadecimal string that holds it. The first one certifies the document (DocMDP, ISO
//! 32000-1, section 12.8.2.2: nothing may change but that signatures are added) and makes a field for every role that is to
//! sign; those that follow only fill theirs.

mod form;
mod long_term;
pub(crate) mod reading;
mod update;
pub mod validation_data;
pub mod visible;

use std::fmt::Write as _;
use std::ops::Range;

use chrono::{DateTime, Utc};
use lopdf::{Dictionary, Object, ObjectId, StringFormat};

use super::timestamp::{TimestampAuthority, require_same_time};
use super::{SignError, Signer, cms, require_valid_at};
pub use long_term::{Level, sign_to_level, timestamp_document};
use update::Update;

/// How many bytes of CMS fit into the reserved space; twice as many digits stand in the file.
pub(crate) const RESERVED: usize = 16 * 1024;
/// The offsets' place holder: ten digits, as wide as the largest offset that a cross-reference table can hold.
const OFFSET: i64 = 9_999_999_999;
/// The most that one stream of objects or cross-references may unpack to while a PDF is read: reports have none.
pub(crate) const LARGEST_STREAM: usize = 1024 * 1024;

/// The roles in which a report is signed, in their order, where nothing else is asked for.
pub const ROLES: [&str; 3] = ["preparer", "reviewer", "approver"];

/// Whether a role can have this name: it becomes that of a signature field.
pub fn is_role(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&name.len()) && name.bytes().all(fits) && !name.starts_with("timestamp-")
}

/// What the signature dictionary says beside the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureInfo {
    /// In which role: the name of the signature field.
    pub role: String,
    /// The roles that are to sign; the first signature makes their fields, and later ones do not look at this.
    pub roles: Vec<String>,
    /// When, as claimed by the signer (`/M`); to the second.
    pub signed_at: DateTime<Utc>,
    /// Why (`/Reason`).
    pub reason: Option<String>,
    /// What is drawn in the box that the document has for the role, if it has one: operators that fill paths, within
    /// [`visible::WIDTH`] and [`visible::HEIGHT`].
    pub appearance: Option<Vec<u8>>,
    /// By whom (`/Name`); the certificate's subject is what counts.
    pub name: Option<String>,
    /// Where (`/Location`).
    pub location: Option<String>,
    /// Sign even when the certificate is not valid at `signed_at`: for recorded demonstrations only.
    pub allow_outside_validity: bool,
}

impl SignatureInfo {
    /// A signature at this instant that says nothing else.
    pub fn new(signed_at: DateTime<Utc>) -> Self {
        Self {
            role: ROLES[0].to_owned(),
            roles: ROLES.map(str::to_owned).to_vec(),
            signed_at,
            reason: None,
            appearance: None,
            name: None,
            location: None,
            allow_outside_validity: false,
        }
    }
}

/// Signs a PDF with all phases.
///
/// # Errors
/// When the PDF cannot be read or is signed in that role already, the certificate is not valid at the signing time, or the
/// signer fails.
pub fn sign_pdf(pdf: &[u8], signer: &dyn Signer, info: &SignatureInfo) -> Result<Vec<u8>, SignError> {
    sign_and_stamp_pdf(pdf, signer, info, &[])
}

/// As [`sign_pdf`], with a timestamp by the first of the authorities that gives one (PAdES-B-T).
///
/// # Errors
/// As [`sign_pdf`], and when no authority stamps the signature or the clocks differ.
pub fn sign_and_stamp_pdf(
    pdf: &[u8],
    signer: &dyn Signer,
    info: &SignatureInfo,
    authorities: &[Box<dyn TimestampAuthority>],
) -> Result<Vec<u8>, SignError> {
    if !info.allow_outside_validity {
        require_valid_at(signer, info.signed_at)?;
    }
    let prepared = PreparedPdf::new(pdf, info)?;
    let digest = signer.algorithm().digest().digest(&prepared.signed_parts());
    let (signature, token) = cms::sign_digest(signer, &digest, authorities)?;
    if let Some(token) = token {
        require_same_time(info.signed_at, &token)?;
    }
    prepared.finish(&signature)
}

/// A PDF that is complete but for its signature: the first phase. Hash
/// [`PreparedPdf::signed_parts`], have a CMS made over it, then [`PreparedPdf::finish`].
#[derive(Debug, Clone)]
pub struct PreparedPdf {
    bytes: Vec<u8>,
    /// The hexadecimal string with its angle brackets.
    gap: Range<usize>,
}

impl PreparedPdf {
    /// Appends the signature dictionary to `pdf`, with the form if it has none.
    ///
    /// # Errors
    /// When the PDF cannot be read, is encrypted, has no field for that role, or is signed in it already.
    pub fn new(pdf: &[u8], info: &SignatureInfo) -> Result<Self, SignError> {
        let mut update = Update::of(pdf)?;
        let mut signature = signature_dictionary(info);
        let id = match form::fields(update.before())? {
            fields if fields.is_empty() => {
                signature.set("Reference", vec![certification().into()]);
                let id = update.add(signature)?;
                form::create(&mut update, info, id)?;
                id
            }
            fields => {
                let field = form::field_to_fill(fields, &info.role)?;
                let id = update.add(signature)?;
                form::fill(&mut update, field, id, info.appearance.as_deref())?;
                id
            }
        };
        Self::locate(update.into_bytes(3 * RESERVED)?, pdf.len(), id)
    }

    /// Appends to `pdf` what holds a timestamp over the whole document (ETSI EN 319 142-1, section 5.4.3): have
    /// [`PreparedPdf::signed_parts`] stamped, then [`PreparedPdf::finish`] with the token.
    ///
    /// # Errors
    /// When the PDF cannot be read or is encrypted.
    pub fn document_timestamp(pdf: &[u8]) -> Result<Self, SignError> {
        let mut update = Update::of(pdf)?;
        let number = form::fields(update.before())?.len() + 1;
        let id = update.add(place_holder("DocTimeStamp", "ETSI.RFC3161"))?;
        form::add_timestamp(&mut update, number, id)?;
        Self::locate(update.into_bytes(3 * RESERVED)?, pdf.len(), id)
    }

    /// Finds the place holders of the signature dictionary in the appended part and writes the offsets.
    fn locate(mut bytes: Vec<u8>, original: usize, signature_id: ObjectId) -> Result<Self, SignError> {
        let unexpected =
            |what: &str| SignError::MalformedPdf(format!("{what} in the signature just written"));
        let header = format!("\n{} {} obj\n<</Type/", signature_id.0, signature_id.1);
        let object =
            find_once(&bytes, original, header.as_bytes()).ok_or_else(|| unexpected("no dictionary"))?;
        let ranges_text = format!("/ByteRange[0 {OFFSET} {OFFSET} {OFFSET}]");
        let ranges =
            find(&bytes, object, ranges_text.as_bytes()).ok_or_else(|| unexpected("no byte range"))?;
        let contents_key = find(&bytes, object, b"/Contents<").ok_or_else(|| unexpected("no contents"))?;
        let start = contents_key + b"/Contents".len();
        let gap = start..start + 2 * RESERVED + 2;
        if bytes.get(gap.end - 1) != Some(&b'>') {
            return Err(unexpected("no end of the contents"));
        }
        let (second, rest) = (gap.end, bytes.len() - gap.end);
        let written = format!("/ByteRange[0 {start:<10} {second:<10} {rest:<10}]");
        if written.len() != ranges_text.len() {
            return Err(SignError::MalformedPdf("the file is larger than a byte range can say".into()));
        }
        bytes[ranges..ranges + written.len()].copy_from_slice(written.as_bytes());
        Ok(Self { bytes, gap })
    }

    /// The two parts of the file that the signature covers, in order.
    pub fn signed_parts(&self) -> [&[u8]; 2] {
        [&self.bytes[..self.gap.start], &self.bytes[self.gap.end..]]
    }

    /// Writes the CMS into its place.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn finish(mut self, cms: &[u8]) -> Result<Vec<u8>, SignError> {
        if cms.len() > RESERVED {
            return Err(SignError::SignatureTooLarge { needed: cms.len(), reserved: RESERVED });
        }
        let mut digits = String::with_capacity(2 * RESERVED);
        for byte in cms {
            // Writing to a String cannot fail.
            let _ = write!(digits, "{byte:02x}");
        }
        while digits.len() < 2 * RESERVED {
            digits.push('0');
        }
        self.bytes[self.gap.start + 1..self.gap.end - 1].copy_from_slice(digits.as_bytes());
        Ok(self.bytes)
    }
}

/// A signature dictionary with room for the signature and for where it stands.
fn place_holder(kind: &str, format: &str) -> Dictionary {
    let mut signature = Dictionary::new();
    signature.set("Type", name(kind));
    signature.set("Filter", name("Adobe.PPKLite"));
    signature.set("SubFilter", name(format));
    signature.set("ByteRange", vec![0.into(), OFFSET.into(), OFFSET.into(), OFFSET.into()]);
    signature.set("Contents", Object::String(vec![0; RESERVED], StringFormat::Hexadecimal));
    signature
}

fn signature_dictionary(info: &SignatureInfo) -> Dictionary {
    let mut signature = place_holder("Sig", "ETSI.CAdES.detached");
    signature.set("M", Object::string_literal(info.signed_at.format("D:%Y%m%d%H%M%SZ").to_string()));
    for (key, value) in [("Name", &info.name), ("Reason", &info.reason), ("Location", &info.location)] {
        if let Some(value) = value {
            signature.set(key, lopdf::text_string(value));
        }
    }
    signature
}

/// What a certification signature permits: signatures in fields that are there (2), and what keeps them checkable.
fn certification() -> Dictionary {
    let parameters = lopdf::dictionary! { "Type" => "TransformParams", "P" => 2, "V" => "1.2" };
    lopdf::dictionary! { "Type" => "SigRef", "TransformMethod" => "DocMDP", "TransformParams" => parameters }
}

/// The total length of the DER element that `bytes` starts with: what of a signature's room is used.
pub(crate) fn der_length(bytes: &[u8]) -> Option<usize> {
    use der::{Decode, Encode};
    let mut reader = der::SliceReader::new(bytes).ok()?;
    let header = der::Header::decode(&mut reader).ok()?;
    let header_length = usize::try_from(header.encoded_len().ok()?).ok()?;
    header_length.checked_add(usize::try_from(header.length).ok()?)
}

fn name(value: &str) -> Object {
    Object::Name(value.as_bytes().to_vec())
}

fn find(bytes: &[u8], from: usize, needle: &[u8]) -> Option<usize> {
    let haystack = bytes.get(from..)?;
    haystack.windows(needle.len()).position(|window| window == needle).map(|offset| from + offset)
}

fn find_once(bytes: &[u8], from: usize, needle: &[u8]) -> Option<usize> {
    let first = find(bytes, from, needle)?;
    if find(bytes, first + 1, needle).is_some() { None } else { Some(first) }
}
