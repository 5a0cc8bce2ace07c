//! The package for the auditor: one zip with the bundle, the assessment, the signed report, the
//! signatures, and how to check all of it without proofpack.
//!
//! Hashes are over contents, so they do not depend on how a zip library compresses. But every byte of
//! the zip itself is accounted for too: [`structure`] accepts only what [`write()`] writes, and the archive
//! comment holds the digest of everything before the end record.

pub mod browser;
pub mod encryption;
mod instructions;
pub mod layout;
mod members;
pub mod sample;
mod source;
pub mod structure;
mod write;
mod zipping;

pub use instructions::{Facts, SampleFacts, SignerFileError, fingerprint};
pub use members::{OpenError, Package};
pub use source::Source;
pub use write::{Contents, PackageError, SignSums, Summary, write};
