//! Strict verification of a signed report: PAdES signatures that together account for every byte of the file.
//!
//! The first signature covers the document as it was rendered, and everything before its own end; each that follows covers the
//! whole file as it was then. What lies between one revision and the next must be, byte for byte, what signing appends there: it
//! is made again and compared ([`revisions`]). So nothing can be changed between two signatures or behind the last. In each
//! signature, every digit of the hexadecimal string that it leaves out is accounted for; a timestamp's token, which its authority
//! made, is taken as it is if what it signs holds. The signature dictionaries are those that the document's own form leads to,
//! so what is checked is what a reader shows.

mod changes;
mod coverage;
mod fields;
mod problem;
mod revisions;

use chrono::{DateTime, NaiveDateTime, Utc};
use lopdf::{Dictionary, Document, Object};

use super::cms::{self, CmsVerdict, Stamped};
use super::revocation::Revocation;
use super::trust::Anchors;
use crate::sign::CertificateFacts;
use crate::sign::pades::reading::{self, Reading};
use crate::sign::pades::validation_data::ValidationData;
use crate::sign::revocation::require_sound;
use crate::sign::timestamp::Token;
use coverage::Covered;
use fields::Value;
pub use problem::PdfProblem;

/// What is known about a signed PDF after checking it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PdfVerdict {
    /// Whether nothing is wrong: every signature is intact, and together they account for the whole file.
    pub intact: bool,
    /// How much of the file is accounted for; `None` when there is no usable byte range.
    pub coverage: Option<Coverage>,
    /// The signatures, in the order in which they were made; the first is over what was rendered.
    pub signatures: Vec<PdfSignature>,
    /// The timestamps over the document as it was then, in their order.
    pub timestamps: Vec<Stamped>,
    /// What the document holds to check certificates with.
    pub validation_data: ValidationData,
    /// The roles that have a signature field and no signature.
    pub unsigned_roles: Vec<String>,
    /// Everything that is wrong; empty if and only if `intact`.
    pub problems: Vec<PdfProblem>,
}

/// One signature in a PDF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PdfSignature {
    /// In which role it was made: the name of the field.
    pub role: String,
    /// When it was made, as the signer claims (`/M`).
    pub claimed_time: Option<DateTime<Utc>>,
    /// Why it was made, as the signer claims (`/Reason`).
    pub reason: Option<String>,
    /// The signature itself: who signed, and whether the signer is trusted.
    pub signature: Option<CmsVerdict>,
}

impl PdfVerdict {
    /// The first reason why nobody should build on this file: a problem, or that a certificate was revoked or not valid.
    pub fn fault(&self) -> Option<String> {
        if let Some(problem) = self.problems.first() {
            return Some(problem.to_string());
        }
        let mut signatures =
            self.signatures.iter().filter_map(|one| Some((&one.role, one.signature.as_ref()?)));
        signatures.find_map(|(role, signature)| match &signature.revocation {
            Revocation::Revoked { subject, at, .. } => {
                Some(format!("the certificate of {subject}, who signed as {role}, was revoked at {at}"))
            }
            _ if signature.within_validity == Some(false) => {
                Some(format!("the certificate of whoever signed as {role} was not valid then"))
            }
            _ => None,
        })
    }
}

impl PdfSignature {
    /// Who signed, where the certificate can be read.
    pub fn signer(&self) -> Option<&CertificateFacts> {
        self.signature.as_ref()?.signer.as_ref()
    }
}

/// How much of a file its signatures account for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// Every byte but the signatures themselves, and what keeps them checkable.
    WholeFile,
    /// Less.
    Partial {
        /// The number of bytes from the file's first that are accounted for.
        covered: u64,
        /// The size of the file.
        file: u64,
    },
}

/// Verifies a signed PDF. `anchors` are the certificates that the verifier trusts; the certificates are judged at the claimed
/// signing time, or the attested one.
pub fn verify<'a>(pdf: &[u8], anchors: impl Into<Anchors<'a>>) -> PdfVerdict {
    PdfFile::read(pdf).verify(anchors)
}

/// A PDF that was read, once for all that is asked about it.
pub struct PdfFile<'p> {
    bytes: &'p [u8],
    document: Result<Document, String>,
}

impl<'p> PdfFile<'p> {
    /// Reads a PDF; that it cannot be read is told when it is asked about.
    pub fn read(bytes: &'p [u8]) -> Self {
        Self { bytes, document: load(bytes) }
    }

    /// As [`verify`].
    pub fn verify<'a>(&self, anchors: impl Into<Anchors<'a>>) -> PdfVerdict {
        let mut check = Check { pdf: self.bytes, anchors: anchors.into(), verdict: PdfVerdict::default() };
        check.run(&self.document);
        check.verdict.intact = check.verdict.problems.is_empty();
        check.verdict
    }

    /// The document, without most of its structure tree.
    pub(crate) fn document(&self) -> Result<&Document, &str> {
        self.document.as_ref().map_err(String::as_str)
    }
}

struct Check<'a> {
    pdf: &'a [u8],
    anchors: Anchors<'a>,
    verdict: PdfVerdict,
}

impl Check<'_> {
    fn run(&mut self, document: &Result<Document, String>) {
        let document = match document {
            Ok(document) => document,
            Err(reason) => return self.report(PdfProblem::Unreadable(reason.clone())),
        };
        if document.xref_recovery.is_some() {
            self.report(PdfProblem::RepairedStructure);
        }
        if document.is_encrypted() {
            self.report(PdfProblem::Encrypted);
        }
        self.read_validation_data(document);
        let mut signed = Vec::new();
        for value in fields::values(document, &mut self.verdict) {
            if let Some(covered) = self.covered(document, &value) {
                signed.push((covered, value));
            }
        }
        signed.sort_by_key(|(covered, _)| covered.end());
        if signed.windows(2).any(|pair| pair[0].0.end() == pair[1].0.end()) {
            self.report(PdfProblem::SameRevision);
        }
        // What a report shows is vouched for by whoever signed first.
        if signed.first().is_some_and(|(_, value)| value.dictionary.has_type(b"DocTimeStamp")) {
            self.report(PdfProblem::WrongEntry { key: "Type", expected: "Sig" });
        }
        for (covered, value) in &signed {
            self.check(covered, value);
        }
        if let Some((first, _)) = signed.first() {
            let end = revisions::walk(self.pdf, first.end(), &signed, document, &mut self.verdict.problems);
            self.verdict.coverage = Some(if end == self.pdf.len() {
                Coverage::WholeFile
            } else {
                Coverage::Partial { covered: end as u64, file: self.pdf.len() as u64 }
            });
        }
    }

    fn report(&mut self, problem: PdfProblem) {
        self.verdict.problems.push(problem);
    }

    /// The validation data, which must be sound: what nobody signed, nobody put there but to deceive.
    fn read_validation_data(&mut self, document: &Document) {
        match ValidationData::of(document) {
            Ok(data) => {
                if let Err(reason) = require_sound(&data) {
                    self.report(PdfProblem::ValidationData(reason));
                }
                self.verdict.validation_data = data;
            }
            Err(error) => self.report(PdfProblem::ValidationData(error.to_string())),
        }
    }

    /// What a signature covers, if that can be told.
    fn covered(&mut self, document: &Document, value: &Value<'_>) -> Option<Covered> {
        match Covered::of(self.pdf, value.dictionary) {
            Ok(covered) => {
                covered.check_place(self.pdf, document, value.id, &mut self.verdict.problems);
                Some(covered)
            }
            Err(problem) => {
                self.report(problem);
                // What the signature says of itself is told all the same.
                if value.dictionary.has_type(b"Sig") {
                    self.tell(value, None);
                }
                None
            }
        }
    }

    fn check(&mut self, covered: &Covered, value: &Value<'_>) {
        let data = std::mem::take(&mut self.verdict.validation_data);
        self.check_with(&data, covered, value);
        self.verdict.validation_data = data;
    }

    fn check_with(&mut self, data: &ValidationData, covered: &Covered, value: &Value<'_>) {
        let anchors = Anchors { validation_data: Some(data), ..self.anchors };
        let is_timestamp = value.dictionary.has_type(b"DocTimeStamp");
        let (kind, format) =
            if is_timestamp { ("DocTimeStamp", "ETSI.RFC3161") } else { ("Sig", "ETSI.CAdES.detached") };
        for (key, expected) in [("Type", kind), ("Filter", "Adobe.PPKLite"), ("SubFilter", format)] {
            if value.dictionary.get(key.as_bytes()).and_then(Object::as_name).ok()
                != Some(expected.as_bytes())
            {
                self.report(PdfProblem::WrongEntry { key, expected });
            }
        }
        let contents = covered.contents(self.pdf, value.dictionary, &mut self.verdict.problems);
        let parts = covered.parts(self.pdf);
        if is_timestamp {
            let Some(contents) = contents else { return };
            match Token::over_parts(&contents, &parts) {
                Ok(token) => self.verdict.timestamps.extend(cms::stamped(&token, anchors)),
                Err(error) => self.report(error.into()),
            }
            return;
        }
        let claimed_time = claimed_time(value.dictionary);
        if claimed_time.is_none() {
            self.report(PdfProblem::NoSigningTime);
        }
        let signature = contents.map(|contents| cms::verify(&contents, &parts, claimed_time, anchors));
        let problems = signature.iter().flat_map(|signature| &signature.problems).cloned();
        self.verdict.problems.extend(problems.map(PdfProblem::Signature));
        self.tell(value, signature);
    }

    fn tell(&mut self, value: &Value<'_>, signature: Option<CmsVerdict>) {
        let reason = value.dictionary.get(b"Reason").ok();
        self.verdict.signatures.push(PdfSignature {
            role: value.field.clone(),
            claimed_time: claimed_time(value.dictionary),
            reason: reason.and_then(|text| lopdf::decode_text_string(text).ok()),
            signature,
        });
    }
}

fn load(pdf: &[u8]) -> Result<Document, String> {
    // Lenient, so that a damaged file can still be described; a repair is reported as a problem.
    reading::read(pdf, Reading::Lenient).map_err(|error| error.to_string())
}

fn claimed_time(dictionary: &Dictionary) -> Option<DateTime<Utc>> {
    let text = std::str::from_utf8(dictionary.get(b"M").ok()?.as_str().ok()?).ok()?;
    let digits = text.strip_prefix("D:")?.strip_suffix('Z')?;
    if digits.len() != 14 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    NaiveDateTime::parse_from_str(digits, "%Y%m%d%H%M%S").ok().map(|time| time.and_utc())
}
