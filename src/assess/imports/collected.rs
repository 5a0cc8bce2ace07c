//! What AWS Security Hub and AWS Config found, out of the resources that were derived from their answers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Source;
use super::equivalents::Equivalents;
use super::places::Places;
use crate::imports::{ImportedResource, ImportedResult, ResourceKey};
use crate::model::{ImportOrigin, ImportOutcome, Property, RecordId, Resource, ResourceSet};

/// How Security Hub and Config name an account among resources.
const ACCOUNT: &str = "AWS::::Account";

/// Security Hub's failed controls. It collects active failures of high and critical severity only, so that what it does not
/// name is no pass.
pub(super) fn security_hub<'a>(partition: &str, set: &ResourceSet) -> Option<Source<'a>> {
    let mut results = Vec::new();
    for finding in of_kind(set, "securityhub-finding") {
        let control = text(finding, "control").filter(|control| !control.is_empty());
        let title = text(finding, "title").unwrap_or_default();
        let outcome = match text(finding, "workflow") {
            Some("SUPPRESSED") => ImportOutcome::Suppressed,
            _ => ImportOutcome::Fail,
        };
        let resources = value(finding, "resources").and_then(Value::as_array);
        for name in resources.into_iter().flatten().filter_map(Value::as_str) {
            let account = name.strip_prefix(ACCOUNT).and_then(|rest| rest.strip_prefix(':'));
            let arn = match account {
                Some(account) => format!("arn:{partition}:iam::{account}:root"),
                None => name.to_owned(),
            };
            let resource = ImportedResource {
                name: if account.is_some() { arn.clone() } else { name.to_owned() },
                account: Some(finding.account.clone()),
                region: Some(finding.region.clone()),
                keys: vec![ResourceKey::Arn(arn)],
            };
            results.push((
                result(control.unwrap_or(title), outcome, resource, title, &finding.id),
                records(finding),
            ));
        }
    }
    source("AWS Security Hub", "security-hub", results)
}

/// What AWS Config's rules found: the resources that are not compliant, and for a rule that finds all of its resources
/// compliant every resource that our equivalent checks were applied to in the same account and region.
pub(super) fn config<'a>(
    set: &ResourceSet,
    equivalents: &Equivalents<'a>,
    places: &Places<'a>,
) -> Option<Source<'a>> {
    let mut results = Vec::new();
    let mut identifiers: BTreeMap<(&str, &str, &str), &str> = BTreeMap::new();
    for rule in of_kind(set, "config-rule") {
        let Some(identifier) = text(rule, "source").filter(|_| text(rule, "owner") == Some("AWS")) else {
            continue;
        };
        identifiers.insert((&rule.account, &rule.region, &rule.id), identifier);
        if text(rule, "compliance") != Some("COMPLIANT") {
            continue;
        }
        let message = format!("The rule {} finds nothing non-compliant in {}.", rule.id, rule.region);
        let mut subjects = BTreeSet::new();
        for check in equivalents.checks("config-rule", identifier) {
            let in_place = places.of_check(check).iter().map(|finding| &finding.subject).filter(|subject| {
                subject.account == rule.account
                    && ["global", rule.region.as_str()].contains(&subject.region.as_str())
            });
            subjects.extend(in_place);
        }
        for subject in subjects {
            let resource = ImportedResource {
                name: subject.arn.clone(),
                account: Some(subject.account.clone()),
                region: Some(rule.region.clone()),
                keys: vec![ResourceKey::Arn(subject.arn.clone())],
            };
            results
                .push((result(identifier, ImportOutcome::Pass, resource, &message, &rule.id), records(rule)));
        }
    }
    for found in of_kind(set, "config-non-compliant-resource") {
        let (Some(rule), Some(name)) = (text(found, "rule"), text(found, "resource")) else { continue };
        let identifier = identifiers.get(&(found.account.as_str(), found.region.as_str(), rule)).copied();
        let whole_account = text(found, "resource_type") == Some(ACCOUNT);
        let key = if name.starts_with("arn:") {
            ResourceKey::Arn(name.to_owned())
        } else {
            ResourceKey::Name(name.to_owned())
        };
        let resource = ImportedResource {
            name: if whole_account { ACCOUNT.to_owned() } else { name.to_owned() },
            account: Some(found.account.clone()),
            region: Some(found.region.clone()),
            keys: if whole_account { Vec::new() } else { vec![key] },
        };
        let annotation = text(found, "annotation").filter(|annotation| !annotation.is_empty());
        let message =
            annotation.map_or_else(|| format!("The rule {rule} finds it non-compliant."), str::to_owned);
        results.push((
            result(identifier.unwrap_or(rule), ImportOutcome::Fail, resource, &message, &found.id),
            records(found),
        ));
    }
    source("AWS Config", "config-rule", results)
}

fn of_kind<'s>(set: &'s ResourceSet, kind: &str) -> impl Iterator<Item = &'s Resource> {
    set.resources.iter().filter(move |resource| resource.kind == kind)
}

fn value<'r>(resource: &'r Resource, property: &str) -> Option<&'r Value> {
    match resource.properties.get(property)? {
        Property::Known { value, .. } => Some(value),
        Property::Unknown { .. } => None,
    }
}

fn text<'r>(resource: &'r Resource, property: &str) -> Option<&'r str> {
    value(resource, property).and_then(Value::as_str)
}

/// The records that a resource and what is known of it come from.
fn records(resource: &Resource) -> Vec<RecordId> {
    let known = resource.properties.values().filter_map(|property| match property {
        Property::Known { record, .. } => Some(*record),
        Property::Unknown { .. } => None,
    });
    let all: BTreeSet<RecordId> = known.chain([resource.record]).collect();
    all.into_iter().collect()
}

fn result(
    rule: &str,
    outcome: ImportOutcome,
    resource: ImportedResource,
    message: &str,
    place: &str,
) -> ImportedResult {
    ImportedResult {
        place: place.to_owned(),
        rule: rule.to_owned(),
        detail: None,
        outcome,
        resource,
        message: message.to_owned(),
        reason: None,
    }
}

fn source<'a>(
    tool: &str,
    scheme: &'a str,
    results: Vec<(ImportedResult, Vec<RecordId>)>,
) -> Option<Source<'a>> {
    if results.is_empty() {
        return None;
    }
    let records: BTreeSet<RecordId> = results.iter().flat_map(|(_, records)| records).copied().collect();
    Some(Source {
        tool: tool.to_owned(),
        tool_version: None,
        origin: ImportOrigin::Collected,
        scheme,
        suppression_is_violation: true,
        results,
        repeated: 0,
        records: records.into_iter().collect(),
        problem: None,
    })
}
