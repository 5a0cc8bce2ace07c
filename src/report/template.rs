//! The files that a report is laid out by: those that are compiled in, and an organization's own in their place.

use std::collections::BTreeMap;

use super::ReportError;
use super::edition::{Edition, MANIFEST, read_editions};
use super::world::{embedded, embedded_files};

/// The most files of one's own, and the most bytes that they may have together.
const MOST_FILES: usize = 200;
const MOST_BYTES: usize = 16 << 20;

/// A template: without files of one's own, the one that is compiled in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    own: BTreeMap<String, Vec<u8>>,
}

impl Template {
    /// A template in which these files, by their names, stand in the place of those that are compiled in, or beside them. They
    /// see what those see: the report's data, and nothing of the machine.
    ///
    /// # Errors
    /// When there are too many, they are too large, or their `template.toml` is none.
    pub fn with(own: BTreeMap<String, Vec<u8>>) -> Result<Self, ReportError> {
        if own.len() > MOST_FILES || own.values().map(Vec::len).sum::<usize>() > MOST_BYTES {
            return Err(ReportError::OwnTemplate(format!(
                "there are more than {MOST_FILES} files, or more than {MOST_BYTES} bytes"
            )));
        }
        let template = Self { own };
        template.editions()?;
        Ok(template)
    }

    /// The files that are compiled in, for whoever wants to write their own.
    pub fn embedded_files() -> impl Iterator<Item = (&'static str, &'static [u8])> {
        embedded_files()
    }

    /// The editions, of which the first is the whole report.
    ///
    /// # Errors
    /// When `template.toml` cannot be read.
    pub fn editions(&self) -> Result<Vec<Edition>, ReportError> {
        match self.own.get(MANIFEST) {
            Some(text) => {
                read_editions(text).map_err(|error| ReportError::OwnTemplate(format!("{MANIFEST}: {error}")))
            }
            None => embedded(MANIFEST)
                .and_then(|text| read_editions(text).ok())
                .ok_or(ReportError::Embedded { path: MANIFEST }),
        }
    }

    /// The edition of this name; the whole report without one.
    pub(super) fn edition(&self, id: Option<&str>) -> Result<Edition, ReportError> {
        let editions = self.editions()?;
        let known = || editions.iter().map(|edition| edition.id.as_str()).collect::<Vec<_>>().join(", ");
        let found = match id {
            None => editions.first(),
            Some(id) => editions.iter().find(|edition| edition.id == id),
        };
        found.cloned().ok_or_else(|| ReportError::UnknownEdition {
            id: id.unwrap_or_default().to_owned(),
            known: known(),
        })
    }

    /// Whether there are files of one's own.
    pub(super) fn is_own(&self) -> bool {
        !self.own.is_empty()
    }

    /// A file of one's own.
    pub(super) fn own_file(&self, path: &str) -> Option<&Vec<u8>> {
        self.own.get(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, text: &str) -> Result<Template, ReportError> {
        Template::with(BTreeMap::from([(name.to_owned(), text.as_bytes().to_vec())]))
    }

    #[test]
    fn own_files_stand_before_those_that_are_compiled_in() {
        let plain = Template::default();
        assert!(!plain.is_own() && plain.own_file("cover.typ").is_none());
        assert!(Template::embedded_files().any(|(name, _)| name == "cover.typ"));
        let own =
            with("template.toml", "[[edition]]\nid = \"ours\"\ntitle = \"Ours\"\nsections = []").unwrap();
        assert_eq!(own.edition(None).unwrap().id, "ours");
        assert!(own.edition(Some("executive")).is_err(), "the manifest says which editions there are");
        assert_eq!(with("cover.typ", "x").unwrap().edition(Some("executive")).unwrap().id, "executive");
    }

    #[test]
    fn what_is_wrong_with_own_files_is_said() {
        for (text, expected) in [
            ("[[edition]]\nid = 3", "template.toml: "),
            ("edition = []", "no edition"),
            ("[[edition]]\nid = \"../x\"\ntitle = \"\"\nsections = []", "no id"),
        ] {
            let error = with("template.toml", text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(Template::with((0..300).map(|number| (number.to_string(), Vec::new())).collect()).is_err());
    }
}
