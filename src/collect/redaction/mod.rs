//! Redaction: what can be a secret is taken out of an answer before it is hashed and written.
//!
//! Two things decide: rules say where values stand that can hold secrets, detectors know secrets by their name or
//! their look wherever they stand. Both are data (`catalog/redactions.toml`). In place of what is taken out stands
//! a marker, `[redacted:<rule>:<beginning of the commitment>]`; the record lists each with its pointer, the rule and
//! a commitment: HMAC-SHA-256 of the value under the key of the run's owner, by whom it can be shown later that a
//! value is equal, and by nobody else. A rule that is followed by a detector (`environment/github-token`) says that
//! the detector knows what stood there for a secret.

mod detect;
mod key;
mod pass;
mod pointer;
mod rules;
#[cfg(test)]
mod tests;
mod walk;

use serde_json::{Value, json};

pub use key::{RedactionKey, RedactionKeyError};

use crate::catalog::Redactions;
use crate::model::{Record, RecordOutcome, Redaction, Sha256Digest};
use detect::Detectors;
use pass::Pass;
use rules::Rules;

/// Takes secrets out of answers and records.
#[derive(Debug)]
pub struct Redactor {
    key: RedactionKey,
    rules: Rules,
    detectors: Detectors,
}

/// Why the rules cannot be used: they are part of the program, so each is a defect of its build.
#[derive(Debug, thiserror::Error)]
pub enum RedactionError {
    /// Not a pattern.
    #[error("the redaction rule {id} has a pattern that cannot be used: {message}; correct redactions.toml")]
    Pattern {
        /// Detector.
        id: String,
        /// What is wrong with it.
        message: String,
    },
    /// Not a pointer.
    #[error(
        "the redaction rule {id} has the pointer {pointer:?}, which does not begin with \"/\"; correct redactions.toml"
    )]
    Pointer {
        /// Rule.
        id: String,
        /// The pointer.
        pointer: String,
    },
}

impl Redactor {
    /// A redactor for the catalog's rules that commits under `key`.
    ///
    /// # Errors
    /// When a rule cannot be read.
    pub fn new(redactions: &Redactions, key: RedactionKey) -> Result<Self, RedactionError> {
        Ok(Self { key, rules: Rules::new(redactions)?, detectors: Detectors::new(redactions)? })
    }

    /// What tells bundles that were made with the same key from others: a commitment to a text that everybody knows.
    pub fn key_commitment(&self) -> Sha256Digest {
        self.key.commitment(&json!("proofpack redaction key"))
    }

    /// Takes secrets out of the answer to a call. The pointers lead into the answer.
    pub fn redact(&self, service: &str, operation: &str, value: &mut Value) -> Vec<Redaction> {
        self.redact_below("", service, operation, value)
    }

    /// Takes secrets out of a record: of its answer, its error's message and its parameters. The pointers lead
    /// into the record.
    pub fn redact_record(&self, record: &mut Record) {
        let mut found = Vec::new();
        let (service, operation) = (record.source.service.clone(), record.source.operation.clone());
        found.extend(self.redact_below("/source/parameters", "", "", &mut record.source.parameters));
        match &mut record.outcome {
            RecordOutcome::Response(response) => {
                found.extend(self.redact_below("/outcome/response", &service, &operation, response));
            }
            RecordOutcome::Error(error) => {
                found.extend(self.redact_text("/outcome/error/message", &mut error.message))
            }
        }
        if found.iter().any(|redaction| redaction.pointer.starts_with("/outcome")) {
            // A plain digest of the body would let short values be guessed: all else in the body is in the record.
            for exchange in &mut record.exchanges {
                exchange.body_sha256 = self.key.commitment(&json!({ "body-sha256": exchange.body_sha256 }));
            }
        }
        record.redactions.extend(found);
    }

    /// Takes secrets out of a text that stands at `pointer`.
    pub fn redact_text(&self, pointer: &str, text: &mut String) -> Vec<Redaction> {
        let mut pass = Pass::new(self, pointer, 0);
        pass.text(text, None);
        pass.redactions
    }

    fn redact_below(
        &self,
        pointer: &str,
        service: &str,
        operation: &str,
        value: &mut Value,
    ) -> Vec<Redaction> {
        let mut pass = Pass::new(self, pointer, 0);
        self.rules.apply(service, operation, value, &mut pass);
        pass.value(value, None);
        pass.redactions
    }
}
