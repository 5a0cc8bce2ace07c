//! What an expression may know of resources other than its own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::coverage::Coverage;
use crate::model::{Property, RecordId, Resource};

/// The resources of an assessment, findable by kind and name.
#[derive(Debug, Default)]
pub(crate) struct World {
    resources: Vec<Resource>,
    by_kind: BTreeMap<String, Vec<usize>>,
    by_name: BTreeMap<(String, String), Vec<usize>>,
    coverage: BTreeMap<String, Coverage>,
    error_codes: BTreeMap<RecordId, String>,
    partial_names: bool,
}

/// Why another resource could not be consulted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RelatedError {
    /// There is no such resource among those collected.
    #[error("no {kind} {id:?} was collected")]
    NotFound {
        /// Kind.
        kind: String,
        /// What was looked for.
        id: String,
    },
    /// More than one resource answers to the name.
    #[error("more than one {kind} is called {id:?}")]
    Ambiguous {
        /// Kind.
        kind: String,
        /// What was looked for.
        id: String,
    },
    /// Resources of the kind may exist that were not seen.
    #[error("resources of kind {0} could not all be seen")]
    NotAllSeen(String),
    /// A property that the expression reads is unknown.
    #[error("{property} of {kind} {id:?} is not known: {reason}")]
    Unknown {
        /// Kind.
        kind: String,
        /// What was looked for.
        id: String,
        /// Property.
        property: String,
        /// Why.
        reason: String,
    },
}

/// Who asks: names are resolved from there.
#[derive(Debug, Clone)]
pub(crate) struct Viewpoint {
    /// Account.
    pub(crate) account: String,
    /// Region.
    pub(crate) region: String,
}

impl World {
    /// The world of these resources and of what is known about the kinds as a whole.
    pub(crate) fn new(
        resources: Vec<Resource>,
        coverage: BTreeMap<String, Coverage>,
        error_codes: BTreeMap<RecordId, String>,
    ) -> Self {
        let mut world = Self { resources, coverage, error_codes, ..Self::default() };
        for (index, resource) in world.resources.iter().enumerate() {
            world.by_kind.entry(resource.kind.clone()).or_default().push(index);
            for name in names(resource) {
                world.by_name.entry((resource.kind.clone(), name)).or_default().push(index);
            }
        }
        world
    }

    /// The world of a check's case: resources bear no ARN there, so an ARN finds the one that its end names.
    pub(crate) fn of_case(resources: Vec<Resource>, coverage: BTreeMap<String, Coverage>) -> Self {
        Self { partial_names: true, ..Self::new(resources, coverage, BTreeMap::new()) }
    }

    /// The resources of a kind, in their order.
    pub(crate) fn resources_of(&self, kind: &str) -> impl Iterator<Item = &Resource> {
        let indexes = self.by_kind.get(kind);
        indexes.into_iter().flatten().filter_map(|index| self.resources.get(*index))
    }

    /// What is known about a kind as a whole.
    pub(crate) fn coverage(&self, kind: &str) -> Option<&Coverage> {
        self.coverage.get(kind)
    }

    /// The error code of a record that is no response.
    pub(crate) fn error_code(&self, record: &RecordId) -> Option<&str> {
        self.error_codes.get(record).map(String::as_str)
    }

    /// `lookup(kind, id)`: the members of another resource. Into `used` goes every record that the answer rests on.
    ///
    /// # Errors
    /// When the resource was not collected, is not unique, or one of the `wanted` properties is unknown.
    pub(crate) fn lookup(
        &self,
        from: &Viewpoint,
        kind: &str,
        id: &str,
        wanted: &BTreeSet<String>,
        used: &mut Vec<RecordId>,
    ) -> Result<(&Resource, BTreeMap<String, Value>), RelatedError> {
        let Some(resource) = self.find(from, kind, id)? else {
            used.extend(self.listings(kind, &from.account));
            return Err(RelatedError::NotFound { kind: kind.to_owned(), id: short(id) });
        };
        used.push(resource.record);
        let mut members = BTreeMap::new();
        for name in wanted {
            match resource.properties.get(name) {
                None => {}
                Some(Property::Known { value, record }) => {
                    used.push(*record);
                    members.insert(name.clone(), value.clone());
                }
                Some(Property::Unknown { reason, record }) => {
                    used.extend(record);
                    return Err(RelatedError::Unknown {
                        kind: kind.to_owned(),
                        id: short(id),
                        property: name.clone(),
                        reason: reason.clone(),
                    });
                }
            }
        }
        Ok((resource, members))
    }

    /// `exists(kind, id)`.
    ///
    /// # Errors
    /// When it was not found, but not all resources of the kind could be seen; when it is not unique.
    pub(crate) fn exists(
        &self,
        from: &Viewpoint,
        kind: &str,
        id: &str,
        used: &mut Vec<RecordId>,
    ) -> Result<bool, RelatedError> {
        if let Some(resource) = self.find(from, kind, id)? {
            used.push(resource.record);
            return Ok(true);
        }
        used.extend(self.listings(kind, &from.account));
        let complete = self.coverage.get(kind).is_some_and(|coverage| coverage.is_complete_in(&from.account));
        if complete { Ok(false) } else { Err(RelatedError::NotAllSeen(kind.to_owned())) }
    }

    fn find(&self, from: &Viewpoint, kind: &str, id: &str) -> Result<Option<&Resource>, RelatedError> {
        let is_arn = id.starts_with("arn:");
        let named = |name: &str| {
            let indexes = self.by_name.get(&(kind.to_owned(), name.to_owned()));
            indexes.into_iter().flatten().filter_map(|index| self.resources.get(*index))
        };
        // An ARN says its account itself; a name means a resource of the same account.
        let mut found: Vec<&Resource> =
            named(id).filter(|resource| is_arn || resource.account == from.account).collect();
        if found.is_empty() && is_arn && self.partial_names {
            let end = id.rsplit(['/', ':']).next().unwrap_or_default();
            found = named(end).collect();
        }
        if found.len() > 1 {
            found.retain(|resource| resource.region == from.region);
            if found.len() != 1 {
                return Err(RelatedError::Ambiguous { kind: kind.to_owned(), id: short(id) });
            }
        }
        Ok(found.first().copied())
    }

    fn listings<'a>(&'a self, kind: &str, account: &'a str) -> impl Iterator<Item = RecordId> + 'a {
        let coverage = self.coverage.get(kind);
        let places = coverage.into_iter().flat_map(|coverage| coverage.listed.iter().chain(&coverage.gaps));
        places.filter(move |place| place.account == account).map(|place| place.record)
    }
}

/// Every name that a resource answers to: its id and ARN, its `name`, and its `aliases`.
fn names(resource: &Resource) -> BTreeSet<String> {
    let known = |property: &str| match resource.properties.get(property) {
        Some(Property::Known { value, .. }) => Some(value),
        _ => None,
    };
    let mut names = BTreeSet::from([resource.id.clone(), resource.arn.clone()]);
    names.extend(known("name").and_then(Value::as_str).map(str::to_owned));
    let aliases = known("aliases").and_then(Value::as_array);
    names.extend(aliases.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
    names
}

fn short(id: &str) -> String {
    id.chars().take(120).collect()
}
