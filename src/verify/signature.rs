//! The narrow place where verification asks for signatures to be checked.

use super::verdict::SignatureFacts;
use crate::model::{Problem, ProblemCode};
use crate::sign::Certificate;

/// What checking one signature gave.
#[derive(Debug)]
pub(super) struct Checked {
    /// Everything that speaks against it, in sentences.
    pub(super) faults: Vec<String>,
    /// The certificates in it, the signer's first.
    pub(super) chain: Vec<Certificate>,
    /// Whether the signer leads to an anchor; `None` without anchors.
    pub(super) trusted: Option<bool>,
}

impl Checked {
    /// What it says, for the verdict.
    pub(super) fn facts(&self, over: &str) -> SignatureFacts {
        SignatureFacts {
            over: over.to_owned(),
            holds: self.faults.is_empty(),
            signer: self.chain.first().map(Certificate::facts),
            trusted: self.trusted,
        }
    }

    /// Its faults as problems.
    pub(super) fn problems<'a>(&'a self, code: ProblemCode, place: &'a str) -> impl Iterator<Item = Problem> + 'a {
        self.faults.iter().map(move |fault| Problem::new(code, place, fault))
    }
}

/// Checks the detached CMS `signature` over `content`.
pub(super) fn check_cms(_signature: &[u8], _content: &[u8], _anchors: &[Certificate]) -> Checked {
    not_yet()
}

/// Checks the signature of a PDF, and that it covers the whole file.
pub(super) fn check_pdf(_pdf: &[u8], _anchors: &[Certificate]) -> Checked {
    not_yet()
}

fn not_yet() -> Checked {
    let faults = vec!["signatures cannot be checked yet by this program".to_owned()];
    Checked { faults, chain: Vec::new(), trusted: None }
}
