//! Redaction rules: which values of answers are taken out before a record is written.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Defect, Place};

/// The file `redactions.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redactions {
    /// Values by where they stand.
    #[serde(default, rename = "rule")]
    pub rules: Vec<RedactionRule>,
    /// Values by what they are called.
    #[serde(default)]
    pub names: SecretNames,
    /// Values that are no secret wherever they stand.
    #[serde(default)]
    pub kept: Kept,
    /// Values by what they look like.
    #[serde(default, rename = "detector")]
    pub detectors: Vec<Detector>,
}

impl Redactions {
    /// Rules without effect would be taken for protection: every id is given once, every pointer is one, every
    /// detector can be reached.
    pub(super) fn validate(&self, defects: &mut Vec<Defect>) {
        let mut defect = |place: Place, what: String, help: &str| {
            defects.push(Defect::new("redactions.toml", place, what, help));
        };
        let mut ids = BTreeSet::new();
        for (index, rule) in self.rules.iter().enumerate() {
            let place = Place::file().member("rule").element(index);
            if !ids.insert(&rule.id) {
                let what = format!("the rule {} is listed twice", rule.id);
                defect(place.clone().member("id"), what, "join the two");
            }
            for (call, pointers) in &rule.pointers {
                let named = call.split_once(':').is_some_and(|(service, operation)| {
                    !service.is_empty() && !operation.is_empty() && !pointers.is_empty()
                });
                if !named || pointers.iter().any(|pointer| !pointer.starts_with('/')) {
                    let what = format!(
                        "{}: {call} needs the form service:Operation and pointers that begin with \"/\"",
                        rule.id
                    );
                    defect(place.clone().member("pointers").member(call), what, "write it in that form");
                }
            }
        }
        for (index, detector) in self.detectors.iter().enumerate() {
            if detector.keywords.is_empty() || detector.keywords.iter().any(String::is_empty) {
                let place = Place::file().member("detector").element(index).member("keywords");
                let what = format!("the detector {} has no keyword", detector.id);
                defect(place, what, "give it one: without, it would never be tried");
            }
        }
    }
}

/// Values that are taken out because of where they stand.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedactionRule {
    /// Id; what the record states as the reason.
    pub id: String,
    /// Why such values can hold secrets.
    pub reason: String,
    /// Only where the object around the value has this member.
    pub only: Option<Sibling>,
    /// Not where the object around the value has this member.
    pub unless: Option<Sibling>,
    /// Names of members that are kept: evidence without a secret.
    #[serde(default)]
    pub keep: Vec<String>,
    /// Pointers (RFC 6901 with the wildcards `*`, `**` and `{json}`) by `service:Operation` or `service:*`.
    pub pointers: BTreeMap<String, Vec<String>>,
}

/// A member beside the value, with one of some values.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sibling {
    /// Its name.
    pub member: String,
    /// Its values.
    pub values: Vec<String>,
}

/// Values that are taken out because of what they are called.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SecretNames {
    /// Pattern of names whose value is a secret whatever it looks like.
    pub secret: String,
    /// Pattern of names whose value is a secret if it looks like one.
    pub likely: String,
    /// What such a value looks like.
    pub likely_value: String,
    /// The least entropy of such a value, in bits per character.
    pub likely_entropy: f64,
    /// Pattern of names that are neither.
    pub except: String,
    /// Members of an object of which the first names the second.
    pub pairs: Vec<(String, String)>,
    /// Pattern of a list's element that names the one after it.
    pub flag: String,
}

/// What is never taken out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Patterns of values.
    pub values: Vec<String>,
    /// Members that make an object a reference of CloudFormation, where they stand alone.
    pub references: Vec<String>,
}

/// Values that are taken out because of what they look like.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detector {
    /// Id; what the record states as the reason. Several detectors may share one.
    pub id: String,
    /// Where the look of such values is documented.
    pub source: String,
    /// One of these occurs in the text, in letters of either case, before the pattern is tried.
    pub keywords: Vec<String>,
    /// Pattern. The groups `secret`, `secret2`, ... are what is taken out; where none of them
    /// is in the match, the whole match. The group
    /// `name` is held against the names that are excepted.
    pub pattern: String,
    /// The least entropy of the secret, in bits per character.
    pub entropy: Option<f64>,
    /// Whether the secret must have a digit, a small and a capital letter.
    #[serde(default)]
    pub mixed: bool,
}
