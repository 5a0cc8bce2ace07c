//! Strict verification of a signed report: one PAdES signature that covers the whole file.
//!
//! Every byte of the file is either under the signature, or inside the one hexadecimal string that holds
//! it; and of that string every digit is accounted for. The signature dictionary is the one that the
//! document's own form leads to, so what is checked is what a reader shows.

use std::ops::Range;

use chrono::{DateTime, NaiveDateTime, Utc};
use lopdf::xref::XrefEntry;
use lopdf::{Dictionary, Document, LoadOptions, Object, ObjectId};

use super::cms::{self, CmsProblem, CmsVerdict};
use super::pdf_changes::changes;
use super::trust::Anchors;
use crate::sign::pades::LARGEST_STREAM;

/// The deepest tree of form fields that is followed.
const DEEPEST_FIELD: usize = 16;
/// The most form fields that are looked at.
const MOST_FIELDS: usize = 10_000;

/// What is known about a signed PDF after checking it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PdfVerdict {
    /// Whether nothing is wrong: the signature is intact and covers the whole file.
    pub intact: bool,
    /// How much of the file is covered; `None` when there is no usable byte range.
    pub coverage: Option<Coverage>,
    /// When it was signed, as the signer claims (`/M`).
    pub claimed_time: Option<DateTime<Utc>>,
    /// Why it was signed, as the signer claims (`/Reason`).
    pub reason: Option<String>,
    /// The signature itself: who signed, and whether the signer is trusted.
    pub signature: Option<CmsVerdict>,
    /// Everything that is wrong; empty if and only if `intact`.
    pub problems: Vec<PdfProblem>,
}

/// How much of a file its signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// Every byte but the signature itself.
    WholeFile,
    /// Less.
    Partial {
        /// The number of bytes that are covered.
        covered: u64,
        /// The size of the file.
        file: u64,
    },
}

/// What is wrong with a signed PDF.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PdfProblem {
    /// It is no PDF that can be read.
    #[error("the PDF cannot be read: {0}")]
    Unreadable(String),
    /// Its cross-reference table is damaged; readers would show different things.
    #[error("the PDF's cross-reference table is damaged; readers may disagree about what it shows")]
    RepairedStructure,
    /// It is encrypted.
    #[error("the PDF is encrypted")]
    Encrypted,
    /// It has no signature.
    #[error("the PDF is not signed: its form has no signature field with a signature")]
    NotSigned,
    /// It has several.
    #[error("the PDF has {0} signatures; exactly one is expected")]
    SeveralSignatures(usize),
    /// A signature dictionary that the form does not lead to.
    #[error("the PDF holds a signature dictionary ({0}) that its form does not lead to")]
    HiddenSignature(String),
    /// The signature dictionary is not an object of its own in the file.
    #[error("the signature dictionary is not a plain object of the file")]
    NotAPlainObject,
    /// An entry of the signature dictionary is not what it must be.
    #[error("the signature dictionary's {key} must be {expected}")]
    WrongEntry {
        /// The entry's key.
        key: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// The byte range is not four whole numbers that fit the file.
    #[error("the byte range is not usable: {0}")]
    MalformedByteRange(String),
    /// The first range does not begin at the file's first byte.
    #[error("the signature does not cover the first {0} bytes of the file")]
    DoesNotStartAtZero(u64),
    /// What the byte range leaves out is not exactly one hexadecimal string with its brackets.
    #[error("the part that the signature leaves out is not exactly its own hexadecimal string")]
    GapIsNotTheSignature,
    /// The gap lies outside of the signature dictionary.
    #[error(
        "the part that the signature leaves out lies outside of the signature dictionary that the form leads to"
    )]
    GapElsewhere,
    /// The signature that the form shows is not the one in the gap.
    #[error("the signature that the form leads to is not the one that the byte range leaves out")]
    OtherContents,
    /// A character in the gap that is no lower-case hexadecimal digit.
    #[error("the signature's hexadecimal string holds something else than lower-case digits at offset {0}")]
    NotLowerCaseHex(usize),
    /// The padding behind the signature is not zero.
    #[error("the padding behind the signature is not zero at offset {0}")]
    PaddingNotZero(usize),
    /// Bytes follow that are not covered and are no revision of the document.
    #[error("{0} bytes were appended after signing")]
    BytesAppended(u64),
    /// A revision was appended (incremental update).
    #[error("the document was changed after signing ({bytes} bytes were appended): {changes}")]
    ChangedAfterSigning {
        /// The number of bytes.
        bytes: u64,
        /// What the later revision changes.
        changes: String,
    },
    /// There is no signing time.
    #[error("the signing time (/M) is missing or malformed: D:YYYYMMDDhhmmssZ is expected")]
    NoSigningTime,
    /// Something is wrong with the signature itself.
    #[error("{0}")]
    Signature(#[from] CmsProblem),
}

/// Verifies a signed PDF. `anchors` are the certificates that the verifier trusts; the certificates are
/// judged at the claimed signing time.
pub fn verify<'a>(pdf: &[u8], anchors: impl Into<Anchors<'a>>) -> PdfVerdict {
    let mut check = Check { pdf, problems: Vec::new() };
    let mut verdict = PdfVerdict {
        intact: false,
        coverage: None,
        claimed_time: None,
        reason: None,
        signature: None,
        problems: Vec::new(),
    };
    check.run(anchors.into(), &mut verdict);
    verdict.intact = check.problems.is_empty();
    verdict.problems = check.problems;
    verdict
}

struct Check<'a> {
    pdf: &'a [u8],
    problems: Vec<PdfProblem>,
}

/// The two covered ranges.
#[derive(Clone, Copy)]
struct Ranges {
    first: (usize, usize),
    second: (usize, usize),
}

impl Check<'_> {
    fn run(&mut self, anchors: Anchors<'_>, verdict: &mut PdfVerdict) {
        let document = match load(self.pdf) {
            Ok(document) => document,
            Err(reason) => return self.problems.push(PdfProblem::Unreadable(reason)),
        };
        if document.xref_recovery.is_some() {
            self.problems.push(PdfProblem::RepairedStructure);
        }
        if document.is_encrypted() {
            self.problems.push(PdfProblem::Encrypted);
        }
        let Some((id, dictionary)) = self.only_signature(&document) else { return };
        self.check_entries(dictionary);
        verdict.claimed_time = dictionary.get(b"M").ok().and_then(signing_time);
        if verdict.claimed_time.is_none() {
            self.problems.push(PdfProblem::NoSigningTime);
        }
        verdict.reason = dictionary.get(b"Reason").ok().and_then(|text| lopdf::decode_text_string(text).ok());
        let Some(ranges) = self.ranges(dictionary) else { return };
        verdict.coverage = Some(self.check_coverage(ranges, &document));
        let gap = ranges.first.1..ranges.second.0;
        self.check_place(&document, id, &gap);
        let Some(contents) = self.contents(&gap) else { return };
        if dictionary.get(b"Contents").and_then(Object::as_str).ok() != Some(&contents[..]) {
            self.problems.push(PdfProblem::OtherContents);
        }
        let Some(signature) = self.without_padding(&contents, gap.start) else { return };
        let covered = [self.part(ranges.first), self.part(ranges.second)];
        let signature = cms::verify(signature, &covered, verdict.claimed_time, anchors);
        self.problems.extend(signature.problems.iter().cloned().map(PdfProblem::Signature));
        verdict.signature = Some(signature);
    }

    /// The signature dictionary that the document's form leads to, if it is the only one.
    fn only_signature<'d>(&mut self, document: &'d Document) -> Option<(ObjectId, &'d Dictionary)> {
        let mut values = Vec::new();
        let form = document.catalog().and_then(|catalog| catalog.get_deref(b"AcroForm", document));
        if let Ok(fields) =
            form.and_then(Object::as_dict).and_then(|form| form.get_deref(b"Fields", document))
        {
            signature_values(document, fields, DEEPEST_FIELD, &mut 0, &mut values);
        }
        let reached: Vec<ObjectId> = values.iter().filter_map(|value| value.as_reference().ok()).collect();
        for (id, object) in &document.objects {
            let is_signature = object.as_dict().is_ok_and(|dictionary| {
                dictionary.has_type(b"Sig")
                    || dictionary.has_type(b"DocTimeStamp")
                    || dictionary.has(b"ByteRange")
            });
            if is_signature && !reached.contains(id) {
                self.problems.push(PdfProblem::HiddenSignature(format!("{} {}", id.0, id.1)));
            }
        }
        match values.as_slice() {
            [] => self.problems.push(PdfProblem::NotSigned),
            [only] => match only.as_reference().map(|id| (id, document.get_dictionary(id))) {
                Ok((id, Ok(dictionary))) => return Some((id, dictionary)),
                _ => self.problems.push(PdfProblem::NotAPlainObject),
            },
            several => self.problems.push(PdfProblem::SeveralSignatures(several.len())),
        }
        None
    }

    fn check_entries(&mut self, dictionary: &Dictionary) {
        for (key, expected) in
            [("Type", "Sig"), ("Filter", "Adobe.PPKLite"), ("SubFilter", "ETSI.CAdES.detached")]
        {
            let found = dictionary.get(key.as_bytes()).and_then(Object::as_name);
            if found.ok() != Some(expected.as_bytes()) {
                self.problems.push(PdfProblem::WrongEntry { key, expected });
            }
        }
    }

    fn ranges(&mut self, dictionary: &Dictionary) -> Option<Ranges> {
        match read_ranges(dictionary, self.pdf.len()) {
            Ok(ranges) => Some(ranges),
            Err(reason) => {
                self.problems.push(PdfProblem::MalformedByteRange(reason.into()));
                None
            }
        }
    }

    fn check_coverage(&mut self, ranges: Ranges, document: &Document) -> Coverage {
        if ranges.first.0 != 0 {
            self.problems.push(PdfProblem::DoesNotStartAtZero(ranges.first.0 as u64));
        }
        let appended = self.pdf.len() - ranges.second.1;
        if appended > 0 {
            let bytes = appended as u64;
            let signed = load(&self.pdf[..ranges.second.1]);
            let changes = signed.map(|signed| changes(&signed, document)).unwrap_or_default();
            self.problems.push(if changes.is_empty() {
                PdfProblem::BytesAppended(bytes)
            } else {
                PdfProblem::ChangedAfterSigning { bytes, changes: changes.join(", ") }
            });
        }
        let covered = (ranges.first.1 - ranges.first.0) + (ranges.second.1 - ranges.second.0);
        let gap = ranges.second.0 - ranges.first.1;
        if covered + gap == self.pdf.len() {
            Coverage::WholeFile
        } else {
            Coverage::Partial { covered: covered as u64, file: self.pdf.len() as u64 }
        }
    }

    /// The gap must lie inside the signature dictionary's own object, behind its key.
    fn check_place(&mut self, document: &Document, id: ObjectId, gap: &Range<usize>) {
        let offset = match document.reference_table.get(id.0) {
            Some(XrefEntry::Normal { offset, .. }) => *offset as usize,
            _ => return self.problems.push(PdfProblem::NotAPlainObject),
        };
        let header = format!("{} {} obj", id.0, id.1);
        let starts_here = self.pdf.get(offset..).is_some_and(|rest| rest.starts_with(header.as_bytes()));
        let before = self.pdf.get(offset..gap.start).unwrap_or_default();
        let key_before = before.trim_ascii_end().ends_with(b"/Contents");
        let other_object_between = before.windows(6).any(|window| window == b"endobj");
        if !starts_here || !key_before || other_object_between {
            self.problems.push(PdfProblem::GapElsewhere);
        }
    }

    /// The bytes that the hexadecimal string in the gap stands for.
    fn contents(&mut self, gap: &Range<usize>) -> Option<Vec<u8>> {
        let text = self.pdf.get(gap.clone()).unwrap_or_default();
        let Some(digits) = text.strip_prefix(b"<").and_then(|text| text.strip_suffix(b">")) else {
            self.problems.push(PdfProblem::GapIsNotTheSignature);
            return None;
        };
        let nibble = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        if let Some(odd) = digits.iter().position(|digit| nibble(*digit).is_none()) {
            self.problems.push(if digits.contains(&b'>') || digits.contains(&b'<') {
                PdfProblem::GapIsNotTheSignature
            } else {
                PdfProblem::NotLowerCaseHex(gap.start + 1 + odd)
            });
            return None;
        }
        if digits.len() % 2 != 0 {
            self.problems.push(PdfProblem::GapIsNotTheSignature);
            return None;
        }
        let nibbles: Vec<u8> = digits.iter().filter_map(|digit| nibble(*digit)).collect();
        Some(nibbles.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
    }

    /// Cuts the padding off by the length that DER states; it must be zeros.
    fn without_padding<'c>(&mut self, contents: &'c [u8], gap_start: usize) -> Option<&'c [u8]> {
        let Some(length) = der_length(contents).filter(|length| *length <= contents.len()) else {
            let malformed = CmsProblem::Malformed("its length is not that of the reserved space".into());
            self.problems.push(malformed.into());
            return None;
        };
        let (signature, padding) = contents.split_at(length);
        if let Some(odd) = padding.iter().position(|byte| *byte != 0) {
            self.problems.push(PdfProblem::PaddingNotZero(gap_start + 1 + 2 * (length + odd)));
        }
        Some(signature)
    }

    fn part(&self, range: (usize, usize)) -> &[u8] {
        self.pdf.get(range.0..range.1).unwrap_or_default()
    }
}

pub(super) fn load(pdf: &[u8]) -> Result<Document, String> {
    // Lenient, so that a damaged file can still be described; a repair is reported as a problem.
    let options = LoadOptions { max_decompressed_size: Some(LARGEST_STREAM), ..LoadOptions::default() };
    Document::load_mem_with_options(pdf, options).map_err(|error| error.to_string())
}

/// Collects the values of all signature fields of a field tree.
fn signature_values<'d>(
    document: &'d Document,
    fields: &'d Object,
    depth: usize,
    seen: &mut usize,
    values: &mut Vec<&'d Object>,
) {
    let Ok(fields) = fields.as_array() else { return };
    for field in fields {
        *seen += 1;
        let Ok((_, Object::Dictionary(field))) = document.dereference(field) else { continue };
        if depth == 0 || *seen > MOST_FIELDS {
            return;
        }
        if let Ok(value) = field.get(b"V")
            && field.get_deref(b"FT", document).and_then(Object::as_name).ok() == Some(b"Sig")
        {
            values.push(value);
        }
        if let Ok(kids) = field.get_deref(b"Kids", document) {
            signature_values(document, kids, depth - 1, seen, values);
        }
    }
}

fn read_ranges(dictionary: &Dictionary, size: usize) -> Result<Ranges, &'static str> {
    let array = dictionary.get(b"ByteRange").map_err(|_| "it is missing")?;
    let numbers = array.as_array().map_err(|_| "it is no array")?;
    let numbers: Vec<usize> = numbers
        .iter()
        .map(|number| number.as_i64().ok().and_then(|number| usize::try_from(number).ok()))
        .collect::<Option<_>>()
        .ok_or("it holds something else than whole numbers of zero or more")?;
    let [first, first_length, second, second_length] = numbers[..] else {
        return Err("it does not hold four numbers");
    };
    let first_end = first.checked_add(first_length).ok_or("it reaches beyond the file's end")?;
    let second_end = second.checked_add(second_length).ok_or("it reaches beyond the file's end")?;
    if second_end > size || second > size {
        return Err("it reaches beyond the file's end");
    }
    if first_end >= second {
        return Err("its parts overlap or leave no room for the signature");
    }
    Ok(Ranges { first: (first, first_end), second: (second, second_end) })
}

/// The total length of the DER element that `bytes` starts with.
fn der_length(bytes: &[u8]) -> Option<usize> {
    use der::{Decode, Encode};
    let mut reader = der::SliceReader::new(bytes).ok()?;
    let header = der::Header::decode(&mut reader).ok()?;
    let header_length = usize::try_from(header.encoded_len().ok()?).ok()?;
    header_length.checked_add(usize::try_from(header.length).ok()?)
}

fn signing_time(value: &Object) -> Option<DateTime<Utc>> {
    let text = std::str::from_utf8(value.as_str().ok()?).ok()?;
    let digits = text.strip_prefix("D:")?.strip_suffix('Z')?;
    if digits.len() != 14 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    NaiveDateTime::parse_from_str(digits, "%Y%m%d%H%M%S").ok().map(|time| time.and_utc())
}
