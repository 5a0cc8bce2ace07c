//! Mistakes in the catalog's files: what is wrong, where, and what to do.

use std::fmt;

use super::Place;
use crate::model::nearest;

/// A mistake in a file of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defect {
    /// The file, by its path in the catalog: `checks/s3-bucket-versioning.toml`.
    pub file: String,
    /// Where in it.
    pub place: Place,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub help: String,
}

impl Defect {
    /// A mistake in `file`.
    pub fn new(
        file: impl Into<String>,
        place: Place,
        what: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { file: file.into(), place, what: what.into(), help: help.into() }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place.to_string();
        let colon = if place.is_empty() { "" } else { ": " };
        write!(formatter, "{}: {place}{colon}{}; {}", self.file, self.what, self.help)
    }
}

/// What to do about a name that does not exist: the one that was perhaps meant, or `otherwise`.
pub fn meant<'a>(name: &str, names: impl IntoIterator<Item = &'a str>, otherwise: &str) -> String {
    match nearest(name, names) {
        Some(near) => format!("did you mean {near}?"),
        None => otherwise.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_defect_in_one_line() {
        let place = Place::file().member("case").element(3).member("outcome");
        let defect = Defect::new("checks/a.toml", place, "there is no outcome passed", "did you mean pass?");
        assert_eq!(
            defect.to_string(),
            "checks/a.toml: case[3].outcome: there is no outcome passed; did you mean pass?"
        );
        let defect = Defect::new("checks/a.toml", Place::file(), "no control names it", "name it");
        assert_eq!(defect.to_string(), "checks/a.toml: no control names it; name it");
    }

    #[test]
    fn the_nearest_name_is_offered() {
        assert_eq!(meant("outcme", ["outcome", "name"], "see"), "did you mean outcome?");
        assert_eq!(meant("entirely-else", ["outcome", "name"], "see"), "see");
    }
}
