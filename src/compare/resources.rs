//! Resources: which came, which went, and what is another about those that stayed.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Side, differing, keys};
use crate::model::{ChangedResource, Property, Resource, ResourceChanges, Scope, Subject};

/// The region of resources that belong to none.
const GLOBAL: &str = "global";

pub(super) fn changes(before: Side<'_>, after: Side<'_>) -> ResourceChanges {
    let mut changes = ResourceChanges::default();
    let (there, here) = (by_subject(before), by_subject(after));
    for subject in keys(&there, &here) {
        match (there.get(subject), here.get(subject)) {
            (None, Some(_)) if is_seen(before, after, subject) => changes.added.push(subject.clone()),
            (None, Some(_)) => changes.first_seen.push(subject.clone()),
            (Some(_), None) if is_seen(after, before, subject) => changes.removed.push(subject.clone()),
            (Some(_), None) => changes.no_longer_seen.push(subject.clone()),
            (Some(one), Some(other)) => changes.changed.extend(changed(subject, one, other)),
            (None, None) => {}
        }
    }
    changes
}

fn by_subject(side: Side<'_>) -> BTreeMap<Subject, &Resource> {
    side.resources.resources.iter().map(|resource| (subject(resource), resource)).collect()
}

fn subject(resource: &Resource) -> Subject {
    Subject {
        kind: resource.kind.clone(),
        account: resource.account.clone(),
        region: resource.region.clone(),
        arn: resource.arn.clone(),
        id: resource.id.clone(),
    }
}

/// Whether `side` would have seen the resource, which `other` saw: it looked where the resource is, and nothing of the kind was
/// hidden from it there.
fn is_seen(side: Side<'_>, other: Side<'_>, subject: &Subject) -> bool {
    let (scope, wider) = (&side.assessment.bundle.scope, &other.assessment.bundle.scope);
    let looked_in = |scope: &Scope| {
        scope.regions.contains(&subject.region) && !is_not_enabled(scope, &subject.account, &subject.region)
    };
    if !scope.accounts.contains(&subject.account) || (looked_in(wider) && !looked_in(scope)) {
        return false;
    }
    let hides = |account: &str, region: &str| {
        let everywhere = region == GLOBAL || subject.region == GLOBAL;
        account == subject.account && (everywhere || region == subject.region)
    };
    side.resources.sources.get(&subject.kind).is_some_and(|sources| {
        !sources.gaps.iter().any(|(_, account, region)| hides(account, region))
            && !sources.missing.iter().any(|(account, region)| hides(account, region))
    })
}

fn is_not_enabled(scope: &Scope, account: &str, region: &str) -> bool {
    scope.regions_not_enabled.get(account).is_some_and(|regions| regions.contains(region))
}

fn changed(subject: &Subject, before: &Resource, after: &Resource) -> Option<ChangedResource> {
    let properties = differing(known(before), known(after));
    let tags = differing(before.tags.clone(), after.tags.clone());
    (!properties.is_empty() || !tags.is_empty()).then(|| ChangedResource {
        subject: subject.clone(),
        properties,
        tags,
    })
}

/// The properties whose values are known.
fn known(resource: &Resource) -> BTreeMap<String, Value> {
    let value = |(name, property): (&String, &Property)| match property {
        Property::Known { value, .. } => Some((name.clone(), value.clone())),
        Property::Unknown { .. } => None,
    };
    resource.properties.iter().filter_map(value).collect()
}
