//! What can be wrong with a signed PDF.

use super::super::cms::CmsProblem;
use crate::sign::TimestampError;

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
    /// It has more fields than are looked at.
    #[error("the PDF's form has more fields than are looked at, or they are nested too deeply")]
    TooManyFields,
    /// Two signatures end at the same byte: at most one of them can be the one of that revision.
    #[error("two signatures claim to cover the same revision of the PDF")]
    SameRevision,
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
    /// The timestamp over the document does not hold.
    #[error("the timestamp over the document: {0}")]
    Timestamp(#[from] TimestampError),
    /// What the document holds to check certificates with is not what those signed who could.
    #[error("the validation data in the document: {0}")]
    ValidationData(String),
    /// Bytes follow that are not covered and are no revision of the document.
    #[error("{0} bytes were appended after signing")]
    BytesAppended(u64),
    /// A revision was appended (incremental update) that is not what signing appends.
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
