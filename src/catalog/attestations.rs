//! Templates for attestations: texts for people to fill in. They decide nothing and are no part of the catalog's digest.

use include_dir::{Dir, include_dir};

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/catalog/attestations");

/// The template for an attestation, in Markdown; `None` where there is none.
pub fn attestation_template(id: &str) -> Option<&'static str> {
    TEMPLATES.get_file(format!("{id}.md"))?.contents_utf8()
}

/// The ids of the attestations that there are templates for, sorted.
pub fn attestation_templates() -> Vec<&'static str> {
    let stem = |file: &'static include_dir::File<'static>| file.path().file_stem()?.to_str();
    let mut ids: Vec<&str> = TEMPLATES.files().filter_map(stem).collect();
    ids.sort_unstable();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    /// Longest template, in bytes.
    const LONGEST: usize = 16 * 1024;

    #[test]
    fn every_template_is_for_an_attestation_that_some_framework_asks_for() {
        let catalog = Catalog::embedded().unwrap();
        let needs = || catalog.frameworks.values().flat_map(|framework| &framework.attestations);
        assert!(!attestation_templates().is_empty());
        for id in attestation_templates() {
            assert!(needs().any(|need| need.id == id), "no framework asks for {id}");
            let text = attestation_template(id).unwrap();
            assert!(text.starts_with("# ") && text.contains('[') && text.len() <= LONGEST, "{id}");
        }
        assert_eq!(attestation_template("no-such-attestation"), None);
        assert_eq!(attestation_template("../checks/x"), None);
    }
}
