//! What holds for every log file: bounds, and why one could not be read.

use std::fmt;

/// A log object as stored, at most, in bytes; AWS delivers a few MB.
pub(super) const LARGEST_OBJECT: u64 = 64 << 20;
/// A log file after decompression, at most, in bytes.
pub(super) const LARGEST_TEXT: u64 = 256 << 20;

/// Why a log file, or the list of them, could not be read: the code and message of a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// AWS's error code, or one of our own.
    pub(super) code: String,
    /// What happened.
    pub(super) message: String,
}

impl Unreadable {
    pub(super) fn new(code: &str, message: impl fmt::Display) -> Self {
        Self { code: code.to_owned(), message: message.to_string() }
    }

    /// A file of more bytes than a log object may have.
    pub(super) fn too_large() -> Self {
        Self::new("LogObjectTooLarge", format!("more than {LARGEST_OBJECT} bytes"))
    }
}
