//! A file is sealed as it is or not at all: one in which a detector finds a secret is refused.

use serde_json::Value;

use crate::catalog::Catalog;
use crate::cli::exit::CommandError;
use crate::collect::{RedactionKey, Redactor};
use crate::model::harmless;

/// Looks for secrets in files.
pub(super) struct Detector {
    redactor: Redactor,
}

impl Detector {
    /// With the catalog's detectors. Nothing is committed to, so that any key will do.
    pub(super) fn new(catalog: &Catalog) -> Result<Self, CommandError> {
        let key = RedactionKey::from_bytes(&[0; 32]);
        Ok(Self { redactor: Redactor::new(&catalog.redactions, key).map_err(CommandError::internal)? })
    }

    /// What is wrong with a file, to be put behind its name: the place of the first secret and the rule that knows it.
    pub(super) fn find(&self, bytes: &[u8]) -> Option<String> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (place, rule) = self.in_values(text).or_else(|| self.in_text(text))?;
        Some(format!(
            "{place}: there is what looks like a secret (rule {rule} of src/catalog/redactions.toml). A sealed file cannot be changed later: take it out, rotate it if it is one, and let the tool report again"
        ))
    }

    /// By the values of a JSON document and their names.
    fn in_values(&self, text: &str) -> Option<(String, String)> {
        let mut value: Value = serde_json::from_str(text).ok()?;
        let found = self.redactor.redact("", "", &mut value).into_iter().next()?;
        let line = self.in_text(text).map(|(place, _)| place).unwrap_or_default();
        Some((format!("{line}, at {}", harmless(&found.pointer, 400)), found.rule))
    }

    /// By the text itself.
    fn in_text(&self, text: &str) -> Option<(String, String)> {
        let mut copy = text.to_owned();
        let found = self.redactor.redact_text("", &mut copy).into_iter().next()?;
        let same = text.bytes().zip(copy.bytes()).take_while(|(one, other)| one == other).count();
        let before = text.as_bytes().get(..same).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        Some((format!(", line {line}, column {column}"), found.rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<String> {
        let catalog = Catalog::embedded().unwrap();
        Detector::new(&catalog).unwrap().find(text.as_bytes())
    }

    #[test]
    fn a_secret_is_named_by_its_place_and_rule_and_not_shown() {
        let token = format!("ghp_{}", "a1B2".repeat(9));
        let csv = found(&format!("a,b\n1,{token}\n")).unwrap();
        assert!(csv.contains(", line 2, column 3") && csv.contains("github"), "{csv}");
        let json = found(&format!("{{\"data\":\n {{\"DB_PASSWORD\": \"hunter-{token}\"}}}}")).unwrap();
        assert!(json.contains("/data/DB_PASSWORD"), "{json}");
        assert!(!csv.contains(&token) && !json.contains(&token));
        assert_eq!(found("a,b\n1,2\n"), None);
    }
}
