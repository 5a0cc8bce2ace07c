//! What must hold across the catalog's files, and what should.

mod checks;
mod collectors;
mod crosswalk;
mod excerpts;
mod frameworks;
mod parameters;

use std::collections::BTreeSet;

use super::{Catalog, Defect, Place, Query, Template, TemplateError};

/// What is known of a catalog beside what could be read of it.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Files that could not be read: nobody else is to blame for naming what they hold.
    pub(super) unreadable: BTreeSet<String>,
}

impl Known {
    /// Whether something of this id may be in a file that could not be read.
    fn may_have(&self, folder: &str, id: &str) -> bool {
        self.unreadable.contains(&format!("{folder}/{id}.toml"))
    }

    /// Whether any file of a folder could not be read: what has no file of its own may be in there.
    fn lacks_some_of(&self, folder: &str) -> bool {
        self.unreadable.iter().any(|path| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
    }
}

/// What must hold for the catalog to work: every reference resolves, every expression can be read.
pub(super) fn sound(catalog: &Catalog, known: &Known, defects: &mut Vec<Defect>) {
    collectors::sound(catalog, known, defects);
    checks::sound(catalog, known, defects);
    parameters::sound(catalog, defects);
    excerpts::sound(catalog, defects);
    frameworks::sound(catalog, known, defects);
    catalog.redactions.validate(defects);
}

/// What a catalog should have that people rely on: cases for what can be missing, nothing that is declared in vain,
/// references to what exists elsewhere.
pub(super) fn complete(catalog: &Catalog, known: &Known, defects: &mut Vec<Defect>) {
    checks::complete(catalog, defects);
    excerpts::complete(catalog, defects);
    crosswalk::complete(catalog, known, defects);
}

fn check_file(id: &str) -> String {
    format!("checks/{id}.toml")
}

fn excerpt_file(id: &str) -> String {
    format!("excerpts/{id}.toml")
}

/// Reports a text that is not JMESPath.
fn jmespath(file: &str, place: Place, expression: &str, defects: &mut Vec<Defect>) {
    if let Err(error) = Query::parse(expression) {
        defects.push(wrong_text(file, place, expression, &error, "this is not JMESPath"));
    }
}

/// Reports a text whose `${...}` places cannot be read.
fn template(file: &str, place: Place, text: &str, defects: &mut Vec<Defect>) {
    if let Err(error) = Template::parse(text) {
        defects.push(wrong_text(file, place, text, &error, "a ${...} in this cannot be read"));
    }
}

fn wrong_text(file: &str, place: Place, text: &str, error: &TemplateError, what: &str) -> Defect {
    let at = error.at().unwrap_or_default().min(text.len());
    let next = text[at..].chars().next().map_or(0, char::len_utf8);
    let why = match error {
        TemplateError::Expression { message, .. } => message.clone(),
        other => other.to_string(),
    };
    let help = "the language is described at https://jmespath.org; what a template sees, in CONTRIBUTING.md";
    Defect::new(file, place.text(at..at + next), format!("{what}: {why}"), help)
}
