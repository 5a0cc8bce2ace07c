//! The excerpt rules' data: what every rule must bring along, and what its filter must not overlook.

use std::collections::{BTreeMap, BTreeSet};

use proofpack::catalog::{Catalog, ExcerptRule, Filter, Literal, Operand, Path};
use serde_json::{Value, json};

/// Rules that are about who acts, where, or with what result, whatever the service.
const OF_ANY_SERVICE: [&str; 4] =
    ["access-denied", "activity-in-unexpected-regions", "break-glass-role-used", "root-use"];

/// Values of one attribute that `LookupEvents` may be asked for by one rule, at two calls a second.
const MOST_LOOK_UPS: usize = 8;

fn rules() -> Vec<ExcerptRule> {
    Catalog::embedded().unwrap().excerpts.into_values().collect()
}

fn filter(rule: &ExcerptRule) -> Filter {
    rule.filter(&BTreeMap::new()).unwrap()
}

/// The texts that a filter compares a member of the event with, or that the member must begin with.
fn texts(filter: &Filter, member: &str, found: &mut BTreeSet<String>) {
    let is_it = |path: &Path| path.members.iter().map(String::as_str).eq([member]);
    let mut add = |path: &Path, value: &Literal| match value {
        Literal::Text(text) if is_it(path) => drop(found.insert(text.clone())),
        _ => {}
    };
    match filter {
        Filter::Equals(Operand::Member(path), Operand::Value(value))
        | Filter::Equals(Operand::Value(value), Operand::Member(path)) => add(path, value),
        Filter::OneOf(path, values) => values.iter().for_each(|value| add(path, value)),
        Filter::Text(path, _, text) => add(path, &Literal::Text(text.clone())),
        Filter::All(filters) | Filter::Any(filters) => {
            filters.iter().for_each(|filter| texts(filter, member, found));
        }
        Filter::Not(filter) => texts(filter, member, found),
        _ => {}
    }
}

#[test]
fn every_rule_shows_what_it_selects_and_what_only_looks_like_it() {
    for rule in rules() {
        let selected = rule.cases.iter().filter(|case| case.selected).count();
        assert!(selected >= 1, "{}: no case is selected", rule.id);
        assert!(rule.cases.len() - selected >= 2, "{}: too few cases are not selected", rule.id);
        assert!(!rule.show.is_empty(), "{}: shows nothing of its events", rule.id);
        let reason = rule.reason.chars().count();
        assert!((60..=420).contains(&reason), "{}: a reason of {reason} characters", rule.id);
    }
}

/// Names of calls are not unique among AWS's services: `StartSession`, `DeleteTable`, `CreateRoute`, ...
#[test]
fn the_same_call_of_another_service_is_not_selected() {
    for rule in rules() {
        let filter = filter(&rule);
        for case in rule.cases.iter().filter(|case| case.selected) {
            let mut event = case.event.clone();
            event["eventSource"] = json!("elsewhere.amazonaws.com");
            let any = OF_ANY_SERVICE.contains(&rule.id.as_str());
            assert_eq!(filter.selects(&event), any, "{}: {}", rule.id, case.what);
        }
    }
}

/// An attempt is evidence too: whether a call was refused does not decide whether it is shown.
#[test]
fn refused_attempts_are_selected() {
    for rule in rules() {
        let filter = filter(&rule);
        for case in rule.cases.iter().filter(|case| case.selected && case.event.get("errorCode").is_none()) {
            let mut event = case.event.clone();
            event["errorCode"] = json!("AccessDenied");
            assert!(filter.selects(&event), "{}: {}", rule.id, case.what);
        }
    }
}

/// What the look-ups do not ask for, `LookupEvents` does not give: an event name that only the filter has would
/// be missed in silence.
#[test]
fn the_look_ups_of_a_rule_ask_for_all_that_its_filter_names() {
    for rule in rules() {
        let Some(lookup) = &rule.lookup else { continue };
        assert!(lookup.values.len() <= MOST_LOOK_UPS, "{}: {} look-ups", rule.id, lookup.values.len());
        let values: BTreeSet<&str> = lookup.values.iter().map(String::as_str).collect();
        assert_eq!(values.len(), lookup.values.len(), "{}: a look-up twice", rule.id);
        let looked_up = |event: &Value| match lookup.attribute.as_str() {
            "EventName" => event["eventName"].as_str().is_some_and(|name| values.contains(name)),
            "Username" => event["userIdentity"]["type"] == "Root" && values.contains("root"),
            "ReadOnly" => values.contains(event["readOnly"].to_string().as_str()),
            other => panic!("{}: cases cannot be looked up by {other}", rule.id),
        };
        for case in rule.cases.iter().filter(|case| case.selected) {
            assert!(looked_up(&case.event), "{}: {} is not looked up", rule.id, case.what);
        }
        if lookup.attribute == "EventName" {
            let mut named = BTreeSet::new();
            texts(&filter(&rule), "eventName", &mut named);
            for name in &named {
                // Where a filter has the beginning of a name, the look-ups have names that begin so.
                assert!(values.iter().any(|value| value.starts_with(name)), "{}: {name}", rule.id);
            }
            for value in values {
                assert!(named.iter().any(|name| value.starts_with(name)), "{}: {value} in vain", rule.id);
            }
        }
    }
}

#[test]
fn every_rule_is_evidence_for_a_control_of_every_framework() {
    let catalog = Catalog::embedded().unwrap();
    for framework in catalog.frameworks.values() {
        let mapped: BTreeSet<&String> =
            framework.controls.iter().flat_map(|control| &control.excerpts).collect();
        let lost: Vec<&String> = catalog.excerpts.keys().filter(|id| !mapped.contains(id)).collect();
        assert!(lost.is_empty(), "{}: {lost:?}", framework.id);
    }
}
