//! Editions of the report: the template's own manifest says which there are and what is in each.

use serde::Deserialize;

/// The manifest of a template.
pub(super) const MANIFEST: &str = "template.toml";

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

/// The editions that a manifest names.
pub(super) fn read_editions(text: &[u8]) -> Result<Vec<Edition>, String> {
    let text = str::from_utf8(text).map_err(|error| error.to_string())?;
    let manifest: Manifest = toml::from_str(text).map_err(|error| error.to_string())?;
    if manifest.edition.is_empty() {
        return Err("it names no edition".into());
    }
    // They become names of files.
    let is_name =
        |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match manifest.edition.iter().find(|edition| !is_name(&edition.id)) {
        Some(odd) => Err(format!("{:?} is no id of an edition: letters, digits and hyphens are", odd.id)),
        None => Ok(manifest.edition),
    }
}
