//! Loading a catalog, and everything that must hold across its files.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    AbsentRule, Check, Collector, ExcerptRule, Framework, GapReasons, PropertyRule, Query, Redactions,
    ResourceRule, Sources, TagsRule, Template,
};
use crate::canonical;
use crate::model::{Outcome, Sha256Digest};

/// Everything the catalog holds, validated.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// Services, by name.
    pub collectors: BTreeMap<String, Collector>,
    /// Checks, by id.
    pub checks: BTreeMap<String, Check>,
    /// Frameworks, by id.
    pub frameworks: BTreeMap<String, Framework>,
    /// Excerpt rules, by id.
    pub excerpts: BTreeMap<String, ExcerptRule>,
    /// What is taken out of answers before they are written.
    pub redactions: Redactions,
    /// SHA-256 over the canonical list of file names and their SHA-256 digests.
    pub digest: Sha256Digest,
}

/// What is wrong with the catalog: every problem found, each with its file.
#[derive(Debug, thiserror::Error)]
#[error("the catalog has {} problem(s):\n{}", problems.len(), problems.join("\n"))]
pub struct CatalogError {
    /// `file: what is wrong`.
    pub problems: Vec<String>,
}

impl Catalog {
    /// The catalog that is compiled into the program.
    ///
    /// # Errors
    /// Lists every file that does not parse and every reference that does not resolve.
    pub fn embedded() -> Result<Self, CatalogError> {
        Self::load(&Sources::embedded())
    }

    /// The catalog out of its files.
    ///
    /// # Errors
    /// Lists every file that does not parse and every reference that does not resolve.
    pub fn load(sources: &Sources) -> Result<Self, CatalogError> {
        let mut problems = Vec::new();
        let collectors = parse(sources, "collectors", &mut problems);
        let checks = parse(sources, "checks", &mut problems);
        let frameworks = parse(sources, "frameworks", &mut problems);
        let excerpts = parse(sources, "excerpts", &mut problems);
        if let Err(error) = text(sources, "gap-reasons.toml").and_then(|text| GapReasons::parse(&text)) {
            problems.push(format!("gap-reasons.toml: {error}"));
        }
        let redactions = text(sources, "redactions.toml")
            .and_then(|text| toml::from_str(&text).map_err(|error| error.to_string()))
            .unwrap_or_else(|error| {
                problems.push(format!("redactions.toml: {error}"));
                Redactions::default()
            });
        let digests: BTreeMap<&str, Sha256Digest> =
            sources.files().map(|(path, bytes)| (path, canonical::sha256(bytes))).collect();
        let digest = match canonical::to_string(&digests) {
            Ok(text) => canonical::sha256(text.as_bytes()),
            Err(error) => return Err(CatalogError { problems: vec![error.to_string()] }),
        };
        let catalog = Self { collectors, checks, frameworks, excerpts, redactions, digest };
        catalog.validate(&mut problems);
        if problems.is_empty() { Ok(catalog) } else { Err(CatalogError { problems }) }
    }

    /// The excerpt rules alone, for tests of what reads nothing else.
    #[cfg(test)]
    pub(crate) fn embedded_excerpts() -> BTreeMap<String, ExcerptRule> {
        parse(&Sources::embedded(), "excerpts", &mut Vec::new())
    }

    /// The rule that makes resources of `kind`, with its collector.
    pub fn resource_rule(&self, kind: &str) -> Option<(&Collector, &ResourceRule)> {
        self.collectors
            .values()
            .flat_map(|collector| collector.resources.iter().map(move |rule| (collector, rule)))
            .find(|(_, rule)| rule.kind == kind)
    }

    fn validate(&self, problems: &mut Vec<String>) {
        let mut kinds = BTreeSet::new();
        for collector in self.collectors.values() {
            self.validate_collector(collector, &mut kinds, problems);
        }
        for check in self.checks.values() {
            self.validate_check(check, problems);
        }
        for rule in self.excerpts.values() {
            for condition in &rule.conditions {
                if condition.any_of.is_some() == condition.none_of.is_some() {
                    problems.push(format!(
                        "excerpts/{}.toml: the condition on {} needs either any_of or none_of",
                        rule.id, condition.field
                    ));
                }
            }
        }
        let mut mapped = BTreeSet::new();
        for framework in self.frameworks.values() {
            self.validate_framework(framework, &mut mapped, problems);
        }
        self.redactions.validate(problems);
        for id in self.checks.keys().filter(|id| !mapped.contains(id.as_str())) {
            problems.push(format!("checks/{id}.toml: no control names this check"));
        }
    }

    fn validate_collector<'a>(
        &self,
        collector: &'a Collector,
        kinds: &mut BTreeSet<&'a str>,
        problems: &mut Vec<String>,
    ) {
        let file = format!("collectors/{}.toml", collector.service);
        let mut earlier: BTreeSet<&str> = BTreeSet::new();
        for call in &collector.calls {
            for (parent, items) in call.sources() {
                if !earlier.contains(parent) {
                    problems.push(format!(
                        "{file}: {} fans out over {parent}, which no earlier call makes",
                        call.operation
                    ));
                }
                check_jmespath(&file, items, problems);
            }
            if let Some(each) = call.each.as_ref().filter(|each| each.call.is_none()) {
                check_jmespath(&file, &each.items, problems);
                if !each.also.is_empty() {
                    problems.push(format!("{file}: {} has `also` without a call", call.operation));
                }
            }
            for problem in call.absent.iter().filter_map(|text| AbsentRule::parse(text).err()) {
                problems.push(format!("{file}: {}: {problem}", call.operation));
            }
            let mut texts = Vec::new();
            call.parameters.values().for_each(|value| strings(value, &mut texts));
            for text in texts.into_iter().chain(call.region.as_deref()) {
                check_template(&file, text, problems);
            }
            if !earlier.insert(&call.operation) {
                problems.push(format!("{file}: {} is listed twice", call.operation));
            }
        }
        for rule in &collector.resources {
            if !kinds.insert(&rule.kind) {
                problems.push(format!("{file}: the kind {} is defined twice", rule.kind));
            }
            if !rule.from.starts_with('@') && !earlier.contains(rule.from.as_str()) {
                problems.push(format!("{file}: {} comes from {}, which is not called", rule.kind, rule.from));
            }
            check_jmespath(&file, &rule.items, problems);
            check_template(&file, &rule.id, problems);
            check_template(&file, &rule.arn, problems);
            for (name, property) in &rule.properties {
                self.validate_property(collector, &format!("{}.{name}", rule.kind), property, problems);
            }
            match &rule.tags {
                None => {}
                Some(TagsRule::Item(query)) => check_jmespath(&file, query, problems),
                Some(TagsRule::Call(property)) => {
                    self.validate_property(collector, &format!("{}.tags", rule.kind), property, problems);
                }
            }
        }
    }

    fn validate_property(
        &self,
        collector: &Collector,
        name: &str,
        property: &PropertyRule,
        problems: &mut Vec<String>,
    ) {
        let file = format!("collectors/{}.toml", collector.service);
        if let Some(call) = &property.call {
            let (service, operation) = call.split_once(':').unwrap_or((&collector.service, call));
            let called = self
                .collectors
                .get(service)
                .is_some_and(|other| other.calls.iter().any(|c| c.operation == operation));
            if !called {
                problems.push(format!("{file}: {name} reads {call}, which no collector calls"));
            }
        }
        for text in property.matching.values() {
            check_template(&file, text, problems);
        }
        check_jmespath(&file, &property.value, problems);
    }

    fn validate_check(&self, check: &Check, problems: &mut Vec<String>) {
        let file = format!("checks/{}.toml", check.id);
        match self.resource_rule(&check.resource) {
            None => problems.push(format!("{file}: no collector makes resources of kind {}", check.resource)),
            Some((_, rule)) => {
                for need in check.needs.iter().filter(|need| !rule.properties.contains_key(*need)) {
                    problems.push(format!("{file}: {} has no property {need}", check.resource));
                }
                let properties = check.cases.iter().flat_map(|case| case.properties.keys());
                for name in properties.filter(|name| !rule.properties.contains_key(*name)) {
                    problems
                        .push(format!("{file}: a case sets {name}, which {} does not have", check.resource));
                }
            }
        }
        for related in check.cases.iter().flat_map(|case| &case.related) {
            if self.resource_rule(&related.kind).is_none() {
                problems.push(format!("{file}: a case relates to the unknown kind {}", related.kind));
            }
        }
        for outcome in [Outcome::Pass, Outcome::Fail] {
            if !check.cases.iter().any(|case| case.outcome == outcome) {
                problems.push(format!("{file}: no case comes out as {outcome:?}"));
            }
        }
    }

    fn validate_framework<'a>(
        &self,
        framework: &'a Framework,
        mapped: &mut BTreeSet<&'a str>,
        problems: &mut Vec<String>,
    ) {
        let file = format!("frameworks/{}.toml", framework.id);
        let mut seen = BTreeSet::new();
        for control in &framework.controls {
            if !seen.insert(control.id.as_str()) {
                problems.push(format!("{file}: {} is listed twice", control.id));
            }
            if let Some(parent) = control.parent.as_deref().filter(|parent| !seen.contains(parent)) {
                problems.push(format!(
                    "{file}: {} belongs to {parent}, which does not come before it",
                    control.id
                ));
            }
            for check in &control.checks {
                mapped.insert(check);
                if !self.checks.contains_key(check) {
                    problems.push(format!("{file}: {} names the unknown check {check}", control.id));
                }
            }
            for rule in control.excerpts.iter().filter(|rule| !self.excerpts.contains_key(*rule)) {
                problems.push(format!("{file}: {} names the unknown excerpt rule {rule}", control.id));
            }
            for id in &control.attestations {
                if !framework.attestations.iter().any(|attestation| attestation.id == *id) {
                    problems.push(format!("{file}: {} names the unknown attestation {id}", control.id));
                }
            }
        }
    }
}

/// What has an id that must be its file's stem.
trait Identified {
    fn id(&self) -> &str;
}

impl Identified for Collector {
    fn id(&self) -> &str {
        &self.service
    }
}

impl Identified for Check {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Identified for Framework {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Identified for ExcerptRule {
    fn id(&self) -> &str {
        &self.id
    }
}

fn parse<T: DeserializeOwned + Identified>(
    sources: &Sources,
    folder: &str,
    problems: &mut Vec<String>,
) -> BTreeMap<String, T> {
    let mut items = BTreeMap::new();
    for (stem, bytes) in sources.of_folder(folder) {
        let path = format!("{folder}/{stem}.toml");
        let Ok(text) = std::str::from_utf8(bytes) else {
            problems.push(format!("{path}: not UTF-8"));
            continue;
        };
        match toml::from_str::<T>(text) {
            Ok(item) if item.id() == stem => {
                items.insert(stem.to_owned(), item);
            }
            Ok(item) => {
                problems.push(format!("{path}: its id is {}, which is not its file's name", item.id()))
            }
            Err(error) => problems.push(format!("{path}: {error}")),
        }
    }
    items
}

fn text(sources: &Sources, name: &str) -> Result<String, String> {
    let bytes = sources.file(name).ok_or("the file is missing")?;
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| "not UTF-8".to_owned())
}

/// All strings of a parameter, however deep.
fn strings<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(members) => members.values().for_each(|member| strings(member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => (),
    }
}

fn check_jmespath(file: &str, expression: &str, problems: &mut Vec<String>) {
    if let Err(error) = Query::parse(expression) {
        problems.push(format!("{file}: {expression:?} is not JMESPath: {error}"));
    }
}

fn check_template(file: &str, template: &str, problems: &mut Vec<String>) {
    if let Err(error) = Template::parse(template) {
        problems.push(format!("{file}: {error}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_catalog_is_sound() {
        if let Err(error) = Catalog::embedded() {
            panic!("{error}");
        }
    }
}
