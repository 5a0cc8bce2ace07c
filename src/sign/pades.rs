//! PAdES (ETSI EN 319 142-1, level B-B; B-T with a timestamp): an invisible signature over a whole PDF, by incremental update.
//!
//! The bytes of the given file stay as they are; behind them come the changed catalog and first page,
//! the signature field and the signature dictionary. The signature covers every byte of the result but
//! the hexadecimal string that holds it. The widget is printable, locked and has no area (`/F 132 /Rect
//! [0 0 0 0]`): that is what PDF/A-3a and PDF/UA-1 accept without an appearance.

use std::fmt::Write as _;
use std::ops::Range;

use chrono::{DateTime, Utc};
use lopdf::{Dictionary, Document, IncrementalDocument, LoadOptions, Object, ObjectId, StringFormat};

use super::timestamp::{TimestampAuthority, require_same_time};
use super::{SignError, Signer, cms, require_valid_at};

/// How many bytes of CMS fit into the reserved space; twice as many digits stand in the file.
pub(crate) const RESERVED: usize = 16 * 1024;
/// The offsets' place holder: ten digits, as wide as the largest offset that a cross-reference table can hold.
const OFFSET: i64 = 9_999_999_999;
/// The most that one compressed stream of a PDF may unpack to while it is read.
pub(crate) const LARGEST_STREAM: usize = 128 * 1024 * 1024;

/// What the signature dictionary says beside the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureInfo {
    /// When, as claimed by the signer (`/M`); to the second.
    pub signed_at: DateTime<Utc>,
    /// Why (`/Reason`).
    pub reason: Option<String>,
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
        Self { signed_at, reason: None, name: None, location: None, allow_outside_validity: false }
    }
}

/// Signs a PDF with all phases.
///
/// # Errors
/// When the PDF cannot be read or is signed already, the certificate is not valid at the signing
/// time, or the signer fails.
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
    /// Appends the signature field and dictionary to `pdf`.
    ///
    /// # Errors
    /// When the PDF cannot be read, is encrypted, or is signed already.
    pub fn new(pdf: &[u8], info: &SignatureInfo) -> Result<Self, SignError> {
        let options = LoadOptions {
            strict: true,
            max_decompressed_size: Some(LARGEST_STREAM),
            ..LoadOptions::default()
        };
        let document = Document::load_mem_with_options(pdf, options).map_err(malformed)?;
        if document.is_encrypted() {
            return Err(SignError::EncryptedPdf);
        }
        let mut update = Update::start(pdf, document)?;
        let signature_id = update.add_signature(info)?;
        let mut bytes = Vec::with_capacity(pdf.len() + 3 * RESERVED);
        update.document.save_to(&mut bytes).map_err(|error| SignError::MalformedPdf(error.to_string()))?;
        if !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        Self::locate(bytes, pdf.len(), signature_id)
    }

    /// Finds the place holders of the signature dictionary in the appended part and writes the offsets.
    fn locate(mut bytes: Vec<u8>, original: usize, signature_id: ObjectId) -> Result<Self, SignError> {
        let unexpected =
            |what: &str| SignError::MalformedPdf(format!("{what} in the signature just written"));
        let header = format!("\n{} {} obj\n<</Type/Sig", signature_id.0, signature_id.1);
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

/// The objects that are added or changed.
struct Update {
    document: IncrementalDocument,
    catalog: ObjectId,
    page: ObjectId,
}

impl Update {
    fn start(pdf: &[u8], document: Document) -> Result<Self, SignError> {
        let catalog = document.trailer.get(b"Root").and_then(Object::as_reference).map_err(malformed)?;
        let page =
            document.page_iter().next().ok_or_else(|| SignError::MalformedPdf("it has no page".into()))?;
        // Only these belong into the trailer of an update; the rest describes the old cross-reference stream.
        let mut trailer = Dictionary::new();
        for key in ["Root", "Info", "ID"] {
            if let Ok(value) = document.trailer.get(key.as_bytes()) {
                trailer.set(key, value.clone());
            }
        }
        let previous = i64::try_from(document.xref_start)
            .ok()
            .filter(|offset| *offset > 0)
            .ok_or_else(|| SignError::MalformedPdf("its cross-reference table was not found".into()))?;
        trailer.set("Prev", previous);
        let mut document = IncrementalDocument::create_from(pdf.to_vec(), document);
        document.new_document.trailer = trailer;
        Ok(Self { document, catalog, page })
    }

    /// Adds the signature dictionary, its field, and the references to them.
    fn add_signature(&mut self, info: &SignatureInfo) -> Result<ObjectId, SignError> {
        let signature = signature_dictionary(info);
        let signature_id = self.document.new_document.add_object(signature);
        let mut widget = Dictionary::new();
        widget.set("Type", name("Annot"));
        widget.set("Subtype", name("Widget"));
        widget.set("FT", name("Sig"));
        widget.set("T", Object::string_literal("Signature1"));
        widget.set("V", signature_id);
        widget.set("P", self.page);
        widget.set("F", 132); // printed (4) and locked (128)
        widget.set("Rect", vec![0.into(), 0.into(), 0.into(), 0.into()]);
        let widget_id = self.document.new_document.add_object(widget);
        self.add_to_form(widget_id)?;
        self.add_to_page(widget_id)?;
        Ok(signature_id)
    }

    fn add_to_form(&mut self, widget: ObjectId) -> Result<(), SignError> {
        let previous = self.document.get_prev_documents();
        let catalog = previous.get_dictionary(self.catalog).map_err(malformed)?;
        let mut form = match catalog.get_deref(b"AcroForm", previous) {
            Ok(form) => form.as_dict().map_err(malformed)?.clone(),
            Err(_) => Dictionary::new(),
        };
        let mut fields = match form.get_deref(b"Fields", previous) {
            Ok(fields) => fields.as_array().map_err(malformed)?.clone(),
            Err(_) => Vec::new(),
        };
        if !fields.is_empty() {
            return Err(SignError::AlreadySigned);
        }
        fields.push(widget.into());
        form.set("Fields", fields);
        form.set("SigFlags", 3); // signatures exist (1), append only (2)
        self.change(self.catalog)?.set("AcroForm", form);
        Ok(())
    }

    fn add_to_page(&mut self, widget: ObjectId) -> Result<(), SignError> {
        let previous = self.document.get_prev_documents();
        let page = previous.get_dictionary(self.page).map_err(malformed)?;
        let mut annotations = match page.get_deref(b"Annots", previous) {
            Ok(annotations) => annotations.as_array().map_err(malformed)?.clone(),
            Err(_) => Vec::new(),
        };
        annotations.push(widget.into());
        let has_tab_order = page.has(b"Tabs");
        let page = self.change(self.page)?;
        page.set("Annots", annotations);
        if !has_tab_order {
            page.set("Tabs", name("S")); // PDF/UA-1, 7.18.3: pages with annotations follow the structure
        }
        Ok(())
    }

    fn change(&mut self, id: ObjectId) -> Result<&mut Dictionary, SignError> {
        self.document.opt_clone_object_to_new_document(id).map_err(malformed)?;
        self.document.new_document.get_dictionary_mut(id).map_err(malformed)
    }
}

fn signature_dictionary(info: &SignatureInfo) -> Dictionary {
    let mut signature = Dictionary::new();
    signature.set("Type", name("Sig"));
    signature.set("Filter", name("Adobe.PPKLite"));
    signature.set("SubFilter", name("ETSI.CAdES.detached"));
    signature.set("ByteRange", vec![0.into(), OFFSET.into(), OFFSET.into(), OFFSET.into()]);
    signature.set("Contents", Object::String(vec![0; RESERVED], StringFormat::Hexadecimal));
    signature.set("M", Object::string_literal(info.signed_at.format("D:%Y%m%d%H%M%SZ").to_string()));
    for (key, value) in [("Name", &info.name), ("Reason", &info.reason), ("Location", &info.location)] {
        if let Some(value) = value {
            signature.set(key, lopdf::text_string(value));
        }
    }
    signature
}

fn name(value: &str) -> Object {
    Object::Name(value.as_bytes().to_vec())
}

fn malformed(error: lopdf::Error) -> SignError {
    SignError::MalformedPdf(error.to_string())
}

fn find(bytes: &[u8], from: usize, needle: &[u8]) -> Option<usize> {
    let haystack = bytes.get(from..)?;
    haystack.windows(needle.len()).position(|window| window == needle).map(|offset| from + offset)
}

fn find_once(bytes: &[u8], from: usize, needle: &[u8]) -> Option<usize> {
    let first = find(bytes, from, needle)?;
    if find(bytes, first + 1, needle).is_some() { None } else { Some(first) }
}
