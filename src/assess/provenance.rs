//! Where the properties that a check reads stand in AWS's answers, as the catalog's rules say.

use std::collections::{BTreeMap, BTreeSet};

use super::checks::CompiledCheck;
use crate::catalog::{Catalog, Collector, PropertyRule, Query, ResourceRule, TagsRule};
use crate::model::PropertySource;

/// The sources of all properties that `check` reads, of its own kind of resource first; each sorted by name.
pub(super) fn of_check(catalog: &Catalog, check: &CompiledCheck<'_>) -> Vec<PropertySource> {
    let own = check.check.resource.as_str();
    let mut by_kind: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    by_kind.entry(own).or_default().extend(check.check.needs.iter().map(String::as_str));
    for program in check.applies.iter().chain([&check.expression]) {
        let references = program.references();
        by_kind.entry(own).or_default().extend(references.properties.iter().map(String::as_str));
        for (kind, members) in references.looked_up.iter().chain(&references.listed) {
            by_kind.entry(kind).or_default().extend(members.iter().map(String::as_str));
        }
    }
    let mut sources = by_kind.remove(own).map(|names| of_kind(catalog, own, &names)).unwrap_or_default();
    for (kind, names) in &by_kind {
        sources.extend(of_kind(catalog, kind, names));
    }
    sources
}

fn of_kind(catalog: &Catalog, kind: &str, names: &BTreeSet<&str>) -> Vec<PropertySource> {
    let Some((collector, rule)) = catalog.resource_rule(kind) else { return Vec::new() };
    names.iter().filter_map(|name| of_property(collector, rule, name)).collect()
}

/// `None` for what every resource has (its id, its ARN), and where the rule gives no place in an answer.
fn of_property(collector: &Collector, rule: &ResourceRule, name: &str) -> Option<PropertySource> {
    let (call, value) = match (rule.properties.get(name), &rule.tags) {
        (Some(PropertyRule { call, value, .. }), _) => (call.as_deref(), value.as_str()),
        (None, Some(TagsRule::Item(value))) if name == "tags" => (None, value.as_str()),
        (None, Some(TagsRule::Call(PropertyRule { call, value, .. }))) if name == "tags" => {
            (call.as_deref(), value.as_str())
        }
        _ => return None,
    };
    let mut members = Query::parse(value).ok()?.members();
    if members.is_empty() {
        // A constant: that there is an answer, or an item, is what it says.
        members.insert(String::new());
    }
    let (service, operation, items, members) = match call {
        Some(call) => {
            let (service, operation) = call.split_once(':').unwrap_or((&collector.service, call));
            (service, operation, None, members)
        }
        None if rule.from.starts_with('@') => return None,
        None => {
            // The list itself comes first; what its conditions look at lies below it.
            let items = Query::parse(&rule.items).ok()?.members().into_iter().next()?;
            // What an item is decoded from stands in the answer as one text.
            let members = if rule.decode.is_some() { BTreeSet::from([String::new()]) } else { members };
            let members = members.iter().map(|member| format!("{items}{member}")).collect();
            (collector.service.as_str(), rule.from.as_str(), Some(items), members)
        }
    };
    Some(PropertySource {
        kind: rule.kind.clone(),
        property: name.to_owned(),
        service: service.to_owned(),
        operation: operation.to_owned(),
        items,
        members: members.into_iter().collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::checks;
    use super::super::engine::Engine;
    use super::*;

    #[test]
    fn every_property_that_a_check_of_the_catalog_needs_has_a_place_in_an_answer() {
        let catalog = Catalog::embedded().unwrap();
        let compiled = checks::compile(&catalog, &Engine::default()).unwrap();
        for check in compiled.values() {
            let sources = of_check(&catalog, check);
            for need in check.check.needs.iter().filter(|need| *need != "tags") {
                let found = sources
                    .iter()
                    .find(|source| source.kind == check.check.resource && source.property == *need);
                let found = found.unwrap_or_else(|| panic!("{}: {need} comes from nowhere", check.check.id));
                assert!(!found.members.is_empty(), "{}: {need} is read from no member", check.check.id);
            }
        }
    }

    #[test]
    fn properties_of_items_stand_below_their_list_and_others_in_their_own_answer() {
        let catalog = Catalog::embedded().unwrap();
        let names = BTreeSet::from(["name", "encryption_algorithm"]);
        let sources = of_kind(&catalog, "s3-bucket", &names);
        assert_eq!(
            (sources[0].operation.as_str(), sources[0].items.as_deref()),
            ("GetBucketEncryption", None)
        );
        assert_eq!(
            sources[0].members,
            ["/ServerSideEncryptionConfiguration/Rules/ApplyServerSideEncryptionByDefault/SSEAlgorithm"]
        );
        assert_eq!(sources[1].items.as_deref(), Some("/Buckets"));
        assert_eq!(sources[1].members, ["/Buckets/Name"]);
    }
}
