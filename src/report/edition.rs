//! Editions of the report: the template's own manifest says which there are and what is in each.

use serde::Deserialize;

use super::ReportError;
use super::world::template_file;

/// The manifest of a template.
const MANIFEST: &str = "template.toml";

/// An edition of the report.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edition {
    /// Its name on the command line and in file names.
    pub id: String,
    /// Its name on the cover.
    pub title: String,
    /// What it is, where it is not the whole report.
    pub words: Option<String>,
    /// Whether long values on the cover are cut.
    #[serde(default)]
    pub brief: bool,
    /// The sections of the template, in their order.
    pub sections: Vec<String>,
}

/// A template's manifest.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    edition: Vec<Edition>,
}

/// The editions, of which the first is the whole report.
///
/// # Errors
/// When the manifest that is compiled in cannot be read.
pub fn editions() -> Result<Vec<Edition>, ReportError> {
    let embedded = || ReportError::Embedded { path: MANIFEST };
    let text = template_file(MANIFEST).and_then(|bytes| str::from_utf8(bytes).ok()).ok_or_else(embedded)?;
    let manifest: Manifest = toml::from_str(text).map_err(|_| embedded())?;
    if manifest.edition.is_empty() { Err(embedded()) } else { Ok(manifest.edition) }
}

/// The edition of this name; the whole report without one.
pub(super) fn edition(id: Option<&str>) -> Result<Edition, ReportError> {
    let mut editions = editions()?;
    let Some(id) = id else { return Ok(editions.remove(0)) };
    let known = || editions.iter().map(|edition| edition.id.as_str()).collect::<Vec<_>>().join(", ");
    let unknown = || ReportError::UnknownEdition { id: id.to_owned(), known: known() };
    editions.iter().find(|edition| edition.id == id).cloned().ok_or_else(unknown)
}
