//! What was appended since the first signature: each revision must be what signing appends to the one before it.
//!
//! Nothing is looked for in a revision, and no list says what it may change: it is made again out of what it says, with the code
//! that makes it for a signer, and must be the same, byte for byte, but for the signature itself.

use lopdf::Document;

use super::changes::changes;
use super::coverage::Covered;
use super::fields::Value;
use super::{PdfProblem, claimed_time, load};
use crate::sign::SignatureInfo;
use crate::sign::pades::PreparedPdf;
use crate::sign::pades::validation_data::ValidationData;

/// The end of every revision.
const END: &[u8] = b"\n%%EOF\n";
/// The most revisions that are followed: signatures, and renewals for a hundred years.
const MOST: usize = 256;

/// Follows the revisions from the end of the first signature on, as long as they are what signing appends; gives where that ends.
pub(super) fn walk(
    pdf: &[u8],
    first_end: usize,
    signed: &[(Covered, Value<'_>)],
    document: &Document,
    problems: &mut Vec<PdfProblem>,
) -> usize {
    let mut end = first_end;
    for _ in 0..MOST {
        if end == pdf.len() {
            return end;
        }
        let Some(next) = next_end(pdf, end) else { break };
        let made = match signed.iter().find(|(covered, _)| covered.end() == next) {
            Some((covered, value)) => signature_again(pdf, end, covered, value),
            None => validation_data_again(pdf, end, next),
        };
        if !made {
            break;
        }
        end = next;
    }
    let bytes = (pdf.len() - end) as u64;
    let changes = load(&pdf[..end]).map(|known| changes(&known, document)).unwrap_or_default();
    problems.push(if changes.is_empty() {
        PdfProblem::BytesAppended(bytes)
    } else {
        PdfProblem::ChangedAfterSigning { bytes, changes: changes.join(", ") }
    });
    end
}

fn next_end(pdf: &[u8], from: usize) -> Option<usize> {
    let rest = pdf.get(from..)?;
    rest.windows(END.len()).position(|window| window == END).map(|found| from + found + END.len())
}

/// Whether making this signature's revision again gives the same.
fn signature_again(pdf: &[u8], end: usize, covered: &Covered, value: &Value<'_>) -> bool {
    let before = &pdf[..end];
    let made = if value.dictionary.has_type(b"DocTimeStamp") {
        PreparedPdf::document_timestamp(before)
    } else {
        let text = |key: &[u8]| value.dictionary.get(key).and_then(lopdf::decode_text_string).ok();
        let Some(signed_at) = claimed_time(value.dictionary) else { return false };
        let info = SignatureInfo {
            role: value.field.clone(),
            reason: text(b"Reason"),
            name: text(b"Name"),
            appearance: value.drawn.clone(),
            location: text(b"Location"),
            ..SignatureInfo::new(signed_at)
        };
        PreparedPdf::new(before, &info)
    };
    made.is_ok_and(|made| made.signed_parts() == covered.parts(pdf))
}

/// Whether what lies here adds to the document security store, and nothing else.
fn validation_data_again(pdf: &[u8], end: usize, next: usize) -> bool {
    let Some(now) = load(&pdf[..next]).ok().and_then(|document| ValidationData::of(&document).ok()) else {
        return false;
    };
    now.append(&pdf[..end]).is_ok_and(|made| made.as_deref() == Some(&pdf[..next]))
}
