//! The documents that seal, assess and corroborate leave: one canonical JSON text each, of a version that is known.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::canonical;
use crate::model::{ProblemCode, Problems};

/// What a document must be, and how to say that it is not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Document<'a> {
    /// What it is: "a manifest".
    pub(crate) what: &'a str,
    /// Where it lies.
    pub(crate) place: &'a str,
    /// The version of its format that this program reads.
    pub(crate) version: u32,
    /// What writes it.
    pub(crate) writer: &'a str,
    /// What is wrong if it is not one.
    pub(crate) code: ProblemCode,
}

impl Document<'_> {
    /// Reads it: `None`, with a problem, if it is none. `version_of` is the version that it states.
    pub(crate) fn read<T: DeserializeOwned + Serialize>(
        &self,
        bytes: &[u8],
        version_of: impl FnOnce(&T) -> u32,
        problems: &mut Problems,
    ) -> Option<T> {
        let Self { what, place, version, writer, code } = *self;
        let document: T = match serde_json::from_slice(bytes) {
            Ok(document) => document,
            Err(error) => {
                let message =
                    format!("it is not {what} ({error}): it was altered or written by something else");
                problems.add(code, place, message);
                return None;
            }
        };
        let stated = version_of(&document);
        if stated != version {
            let message = format!(
                "its format has version {stated}, this program reads version {version}: use the version of proofpack that wrote it"
            );
            problems.add(code, place, message);
        }
        if canonical::to_file_bytes(&document).ok().as_deref() != Some(bytes) {
            let message =
                format!("it is not in canonical form (RFC 8785 and a line feed), as {writer} writes it");
            problems.add(code, place, message);
        }
        Some(document)
    }
}
