//! Excerpt rules: which CloudTrail events a control asks for.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Defect, Fault, Filter, Parameter, Place};

/// Events kept per account and region where a rule does not say.
const MOST_EVENTS: usize = 1_000;

/// One file of `excerpts/`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExcerptRule {
    /// Id: the file's stem.
    pub id: String,
    /// What the events show.
    pub title: String,
    /// Why an auditor wants to see them.
    pub reason: String,
    /// Which events are selected: a subset of CEL over `event` and `parameters`, see [`Filter`].
    pub filter: String,
    /// Members of the event, dotted (`requestParameters.keyId`), that are shown beside when, what, who and from where.
    #[serde(default)]
    pub show: Vec<String>,
    /// How many of the matching events are kept per account and region, at most; all of them are counted.
    #[serde(rename = "most-events", default = "most_events")]
    pub most_events: usize,
    /// The events are data events (reads and writes of objects, calls of functions, ...): they are in log files, where
    /// the trail records them, and never in the event history that `LookupEvents` reads.
    #[serde(rename = "data-events", default)]
    pub data_events: bool,
    /// The events tell of something done to a trail or to its log files, so that others may be missing.
    #[serde(rename = "about-the-trail", default)]
    pub about_the_trail: bool,
    /// `LookupEvents` takes one attribute; this one narrows the look-up where the rule allows it:
    /// an attribute key (`EventName`) and the values to look up one after the other.
    pub lookup: Option<Lookup>,
    /// Default values of the parameters that the filter reads; `proofpack.toml` overrides them.
    #[serde(default)]
    pub parameters: BTreeMap<String, Parameter>,
    /// Its cases: at least one event that is selected and one that is not.
    #[serde(default)]
    pub cases: Vec<ExcerptCase>,
}

/// How a rule narrows `LookupEvents`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// `EventName`, `EventSource`, `Username`, ...
    pub attribute: String,
    /// Values, each a look-up of its own.
    pub values: Vec<String>,
}

/// One example that a rule must decide as stated, with the parameters' defaults.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExcerptCase {
    /// What the example shows.
    pub what: String,
    /// Whether the rule must select it.
    pub selected: bool,
    /// Members of the event, as far as they matter.
    pub event: Value,
}

fn most_events() -> usize {
    MOST_EVENTS
}

impl ExcerptRule {
    /// The values of its parameters: what `given` sets, the defaults else.
    pub fn values(&self, given: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
        let value = |(name, parameter): (&String, &Parameter)| {
            (name.clone(), given.get(name).unwrap_or(&parameter.default).clone())
        };
        self.parameters.iter().map(value).collect()
    }

    /// Its filter, with the values of parameters that `given` sets in the place of their defaults.
    ///
    /// # Errors
    /// Everything that is wrong with the filter, or with a value for the place where the filter reads it.
    pub fn filter(&self, given: &BTreeMap<String, Value>) -> Result<Filter, Vec<Fault>> {
        Filter::parse(&self.filter, &self.values(given))
    }

    /// The cases that do not come out as stated; none where the filter cannot be read.
    pub(super) fn wrong_cases(&self) -> Vec<Defect> {
        let Ok(filter) = self.filter(&BTreeMap::new()) else { return Vec::new() };
        let wrong = |(index, case): (usize, &ExcerptCase)| {
            (filter.selects(&case.event) != case.selected).then(|| {
                let place = Place::file().member("cases").element(index).member("selected");
                let (found, stated) =
                    if case.selected { ("not selected", "is") } else { ("selected", "is not") };
                Defect::new(
                    format!("excerpts/{}.toml", self.id),
                    place,
                    format!(
                        "the event of this case ({}) is {found}; the case says that it {stated}",
                        case.what
                    ),
                    "correct the filter or the case",
                )
            })
        };
        self.cases.iter().enumerate().filter_map(wrong).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Catalog, Sources};

    #[test]
    fn every_rule_of_the_catalog_decides_its_cases_as_stated() {
        let (catalog, _) = Catalog::examine(&Sources::embedded());
        assert!(!catalog.excerpts.is_empty());
        for rule in catalog.excerpts.values() {
            assert!(rule.cases.len() >= 2, "{}", rule.id);
            let wrong: Vec<String> = rule.wrong_cases().iter().map(ToString::to_string).collect();
            assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        }
    }
}
