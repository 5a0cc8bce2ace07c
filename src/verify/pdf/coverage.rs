//! The bytes that a signature covers, and the string that it leaves out.

use std::ops::Range;

use lopdf::xref::XrefEntry;
use lopdf::{Dictionary, Document, Object, ObjectId};

use super::super::cms::CmsProblem;
use super::PdfProblem;
use crate::sign::pades::der_length;

/// The two parts that a signature covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Covered {
    first: Range<usize>,
    second: Range<usize>,
}

impl Covered {
    /// Reads a signature's byte range.
    pub(super) fn of(pdf: &[u8], signature: &Dictionary) -> Result<Self, PdfProblem> {
        read(signature, pdf.len()).map_err(|reason| PdfProblem::MalformedByteRange(reason.to_owned()))
    }

    /// The end of the revision that is signed.
    pub(super) fn end(&self) -> usize {
        self.second.end
    }

    /// What is left out.
    pub(super) fn gap(&self) -> Range<usize> {
        self.first.end..self.second.start
    }

    /// The covered bytes.
    pub(super) fn parts<'p>(&self, pdf: &'p [u8]) -> [&'p [u8]; 2] {
        [&self.first, &self.second].map(|range| pdf.get(range.clone()).unwrap_or_default())
    }

    /// The first part must begin with the file, and the gap must lie inside the signature dictionary's own object, behind its key.
    pub(super) fn check_place(
        &self,
        pdf: &[u8],
        document: &Document,
        id: ObjectId,
        problems: &mut Vec<PdfProblem>,
    ) {
        if self.first.start != 0 {
            problems.push(PdfProblem::DoesNotStartAtZero(self.first.start as u64));
        }
        let offset = match document.reference_table.get(id.0) {
            Some(XrefEntry::Normal { offset, .. }) => *offset as usize,
            _ => return problems.push(PdfProblem::NotAPlainObject),
        };
        let header = format!("{} {} obj", id.0, id.1);
        let starts_here = pdf.get(offset..).is_some_and(|rest| rest.starts_with(header.as_bytes()));
        let before = pdf.get(offset..self.gap().start).unwrap_or_default();
        let key_before = before.trim_ascii_end().ends_with(b"/Contents");
        let other_object_between = before.windows(6).any(|window| window == b"endobj");
        if !starts_here || !key_before || other_object_between {
            problems.push(PdfProblem::GapElsewhere);
        }
    }

    /// The signature, without the padding behind it.
    pub(super) fn contents(
        &self,
        pdf: &[u8],
        signature: &Dictionary,
        problems: &mut Vec<PdfProblem>,
    ) -> Option<Vec<u8>> {
        let gap = self.gap();
        let contents = match unhexed(pdf.get(gap.clone()).unwrap_or_default(), gap.start) {
            Ok(contents) => contents,
            Err(problem) => {
                problems.push(problem);
                return None;
            }
        };
        if signature.get(b"Contents").and_then(Object::as_str).ok() != Some(&contents[..]) {
            problems.push(PdfProblem::OtherContents);
        }
        // The padding is cut off by the length that DER states; it must be zeros.
        let Some(length) = der_length(&contents).filter(|length| *length <= contents.len()) else {
            let malformed = CmsProblem::Malformed("its length is not that of the reserved space".into());
            problems.push(malformed.into());
            return None;
        };
        let (signature, padding) = contents.split_at(length);
        if let Some(odd) = padding.iter().position(|byte| *byte != 0) {
            problems.push(PdfProblem::PaddingNotZero(gap.start + 1 + 2 * (length + odd)));
        }
        Some(signature.to_vec())
    }
}

/// The bytes that a hexadecimal string, which begins at `start`, stands for.
fn unhexed(text: &[u8], start: usize) -> Result<Vec<u8>, PdfProblem> {
    let digits = text.strip_prefix(b"<").and_then(|text| text.strip_suffix(b">"));
    let digits = digits.ok_or(PdfProblem::GapIsNotTheSignature)?;
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    if let Some(odd) = digits.iter().position(|digit| nibble(*digit).is_none()) {
        let is_bracketed = digits.contains(&b'>') || digits.contains(&b'<');
        let not_hex = PdfProblem::NotLowerCaseHex(start + 1 + odd);
        return Err(if is_bracketed { PdfProblem::GapIsNotTheSignature } else { not_hex });
    }
    if digits.len() % 2 != 0 {
        return Err(PdfProblem::GapIsNotTheSignature);
    }
    let nibbles: Vec<u8> = digits.iter().filter_map(|digit| nibble(*digit)).collect();
    Ok(nibbles.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

fn read(signature: &Dictionary, size: usize) -> Result<Covered, &'static str> {
    let array = signature.get(b"ByteRange").map_err(|_| "it is missing")?;
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
    Ok(Covered { first: first..first_end, second: second..second_end })
}
