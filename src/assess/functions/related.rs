//! What an expression may know of resources other than its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::super::coverage::Coverage;
use super::gathering::{Gathered, Place, Question};
use crate::model::{Property, RecordId, Resource};

/// The resources of an assessment, findable by kind and name.
#[derive(Debug, Default)]
pub(crate) struct World {
    resources: Arc<Vec<Resource>>,
    by_kind: BTreeMap<String, Vec<usize>>,
    /// By kind, then by name.
    by_name: BTreeMap<String, BTreeMap<String, Vec<usize>>>,
    coverage: BTreeMap<String, Coverage>,
    error_codes: BTreeMap<RecordId, String>,
    partial_names: bool,
    /// Answers to `all(kind)`: many resources of a check ask for the same.
    gathered: Mutex<BTreeMap<Question, Arc<Gathered>>>,
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
    /// The resources of a kind hold more than can be looked at.
    #[error("the resources of kind {kind} cannot be looked at together: {reason}")]
    TooMuch {
        /// Kind.
        kind: String,
        /// What there is too much of.
        reason: String,
    },
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

/// Members of a resource by their names.
pub(crate) type Members<'a> = BTreeMap<&'a String, &'a Value>;

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
        resources: impl Into<Arc<Vec<Resource>>>,
        coverage: BTreeMap<String, Coverage>,
        error_codes: BTreeMap<RecordId, String>,
    ) -> Self {
        let resources = resources.into();
        let mut world = Self { resources, coverage, error_codes, ..Self::default() };
        for (index, resource) in Arc::clone(&world.resources).iter().enumerate() {
            world.by_kind.entry(resource.kind.clone()).or_default().push(index);
            let by_name = world.by_name.entry(resource.kind.clone()).or_default();
            for name in names(resource) {
                by_name.entry(name).or_default().push(index);
            }
        }
        world
    }

    /// The world of a check's case: resources bear no ARN there, so an ARN finds the one that its end names.
    pub(crate) fn of_case(resources: Vec<Resource>, coverage: BTreeMap<String, Coverage>) -> Self {
        Self { partial_names: true, ..Self::new(resources, coverage, BTreeMap::new()) }
    }

    /// Whether this is the world of a check's case.
    pub(super) fn is_of_a_case(&self) -> bool {
        self.partial_names
    }

    /// Answers to `all(kind)` that were given before.
    pub(super) fn gathered(&self) -> &Mutex<BTreeMap<Question, Arc<Gathered>>> {
        &self.gathered
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
    ) -> Result<(&Resource, Members<'_>), RelatedError> {
        let Some(resource) = self.find(from, kind, id)? else {
            used.extend(self.listings(kind, &from.account));
            return Err(RelatedError::NotFound { kind: kind.to_owned(), id: short(id) });
        };
        used.extend(records_of_name(resource, id));
        let mut members = Members::new();
        for name in wanted {
            match resource.properties.get_key_value(name) {
                None => {}
                Some((name, Property::Known { value, record })) => {
                    used.push(*record);
                    members.insert(name, value);
                }
                Some((_, Property::Unknown { reason, record })) => {
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
            used.extend(records_of_name(resource, id));
            return Ok(true);
        }
        used.extend(self.listings(kind, &from.account));
        // What is not named by an ARN is in the region of who asks.
        let region = id.split(':').nth(3).filter(|region| id.starts_with("arn:") && !region.is_empty());
        let place = Place::around(&from.account, region.unwrap_or(&from.region));
        let mut complete = self.coverage.get(kind).is_some_and(|coverage| {
            coverage.is_complete_in(&from.account) && self.is_listed(&coverage.listed, &place)
        });
        // A resource whose other names could not be seen may be the one that is meant.
        for resource in self.resources_of(kind).filter(|resource| resource.account == from.account) {
            for property in NAMES.iter().filter_map(|name| resource.properties.get(*name)) {
                match property {
                    Property::Known { record, .. } => used.push(*record),
                    Property::Unknown { record, .. } => {
                        used.extend(record);
                        complete = false;
                    }
                }
            }
        }
        if complete { Ok(false) } else { Err(RelatedError::NotAllSeen(kind.to_owned())) }
    }

    fn find(&self, from: &Viewpoint, kind: &str, id: &str) -> Result<Option<&Resource>, RelatedError> {
        let is_arn = id.starts_with("arn:");
        let named = |name: &str| {
            let indexes = self.by_name.get(kind).and_then(|names| names.get(name));
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

/// Properties by which a resource is called beside its id and ARN: a text, or a list of texts.
const NAMES: [&str; 2] = ["name", "aliases"];

/// The records that say that the resource exists and is called `id`.
fn records_of_name(resource: &Resource, id: &str) -> Vec<RecordId> {
    let mut records = vec![resource.record];
    if id != resource.id && id != resource.arn {
        records.extend(NAMES.iter().filter_map(|name| match resource.properties.get(*name) {
            Some(Property::Known { record, .. }) => Some(*record),
            _ => None,
        }));
    }
    records
}

/// Every name that a resource answers to: its id and ARN, its `name`, and its `aliases`.
fn names(resource: &Resource) -> BTreeSet<String> {
    let mut names = BTreeSet::from([resource.id.clone(), resource.arn.clone()]);
    for property in NAMES.iter().filter_map(|name| resource.properties.get(*name)) {
        match property {
            Property::Known { value: Value::String(name), .. } => {
                names.insert(name.clone());
            }
            Property::Known { value: Value::Array(aliases), .. } => {
                names.extend(aliases.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            Property::Known { .. } | Property::Unknown { .. } => {}
        }
    }
    names
}

fn short(id: &str) -> String {
    id.chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::coverage::Listing;
    use super::*;
    use crate::canonical::sha256;
    use serde_json::json;

    fn record(name: &str) -> RecordId {
        RecordId(sha256(name.as_bytes()))
    }

    fn key(id: &str, account: &str, region: &str, aliases: Value) -> Resource {
        let properties = [
            ("aliases", Property::Known { value: aliases, record: record("aliases") }),
            ("state", Property::Known { value: json!("Enabled"), record: record("state") }),
            ("rotation", Property::Unknown { reason: "denied".into(), record: Some(record("gap")) }),
        ];
        Resource {
            kind: "kms-key".into(),
            id: id.into(),
            arn: format!("arn:aws:kms:{region}:{account}:key/{id}"),
            account: account.into(),
            region: region.into(),
            tags: BTreeMap::new(),
            properties: properties.map(|(name, property)| (name.to_owned(), property)).into(),
            record: record(id),
        }
    }

    fn world(coverage: Coverage) -> World {
        let keys = vec![
            key("k-1", "111111111111", "us-east-1", json!(["alias/records"])),
            key("k-2", "111111111111", "eu-west-1", json!(["alias/records"])),
            key("k-3", "222222222222", "us-east-1", json!([])),
        ];
        World::new(keys, BTreeMap::from([("kms-key".into(), coverage)]), BTreeMap::new())
    }

    fn from(region: &str) -> Viewpoint {
        Viewpoint { account: "111111111111".into(), region: region.into() }
    }

    fn found(id: &str, region: &str) -> Result<String, RelatedError> {
        let world = world(Coverage::default());
        let mut used = Vec::new();
        let found = world.lookup(&from(region), "kms-key", id, &BTreeSet::new(), &mut used);
        found.map(|(resource, _)| resource.id.clone())
    }

    #[test]
    fn a_name_means_the_same_account_and_the_same_region_first() {
        assert_eq!(found("k-1", "eu-west-1").unwrap(), "k-1");
        assert_eq!(found("alias/records", "us-east-1").unwrap(), "k-1");
        assert_eq!(found("alias/records", "eu-west-1").unwrap(), "k-2");
        assert!(matches!(found("alias/records", "eu-north-1"), Err(RelatedError::Ambiguous { .. })));
        assert!(matches!(found("k-3", "us-east-1"), Err(RelatedError::NotFound { .. })));
        assert_eq!(found("arn:aws:kms:us-east-1:222222222222:key/k-3", "us-east-1").unwrap(), "k-3");
        // The end of an ARN is no name: somebody else's key may bear the same.
        assert!(found("arn:aws:kms:us-east-1:333333333333:key/k-1", "us-east-1").is_err());
    }

    #[test]
    fn a_look_up_takes_the_records_of_what_is_read_and_no_others() {
        let world = world(Coverage::default());
        let wanted = |name: &str| BTreeSet::from([name.to_owned()]);
        let mut used = Vec::new();
        let (_, members) =
            world.lookup(&from("us-east-1"), "kms-key", "k-1", &wanted("state"), &mut used).unwrap();
        assert_eq!(members, BTreeMap::from([(&"state".to_owned(), &json!("Enabled"))]));
        assert_eq!(used, [record("k-1"), record("state")]);
        let mut used = Vec::new();
        let error =
            world.lookup(&from("us-east-1"), "kms-key", "k-1", &wanted("rotation"), &mut used).unwrap_err();
        assert!(error.to_string().contains("rotation") && error.to_string().contains("denied"), "{error}");
        assert!(used.contains(&record("gap")));
    }

    #[test]
    fn names_that_could_not_be_seen_leave_it_open_who_is_meant() {
        let mut unnamed = key("k-1", "111111111111", "us-east-1", json!([]));
        let unknown = Property::Unknown { reason: "denied".into(), record: Some(record("gap")) };
        unnamed.properties.insert("aliases".into(), unknown);
        let coverage = BTreeMap::from([("kms-key".to_owned(), Coverage::default())]);
        let world = World::new(vec![unnamed], coverage, BTreeMap::new());
        let mut used = Vec::new();
        assert!(world.exists(&from("us-east-1"), "kms-key", "alias/records", &mut used).is_err());
        assert_eq!(used, [record("gap")]);
        assert_eq!(world.exists(&from("us-east-1"), "kms-key", "k-1", &mut used), Ok(true));
    }

    #[test]
    fn that_something_does_not_exist_takes_a_complete_list() {
        let listing = |account: &str| Listing {
            account: account.into(),
            region: "us-east-1".into(),
            record: record("list"),
        };
        let exists = |coverage: Coverage, id: &str| {
            let mut used = Vec::new();
            let outcome = world(coverage).exists(&from("us-east-1"), "kms-key", id, &mut used);
            outcome.map(|outcome| (outcome, used))
        };
        let complete = Coverage { listed: vec![listing("111111111111")], ..Coverage::default() };
        assert_eq!(exists(complete.clone(), "k-1"), Ok((true, vec![record("k-1")])));
        let not = Ok((false, vec![record("list"), record("aliases"), record("aliases")]));
        assert_eq!(exists(complete.clone(), "k-9"), not);
        let elsewhere = Coverage { gaps: vec![listing("222222222222")], ..complete.clone() };
        assert_eq!(exists(elsewhere, "k-9"), not);
        let hidden = Coverage { gaps: vec![listing("111111111111")], ..complete.clone() };
        assert!(exists(hidden, "k-9").is_err());
        let unseen = Coverage { unseen: vec![("111111111111".into(), "*".into())], ..complete.clone() };
        assert!(exists(unseen, "k-9").is_err());
        // In another region nobody looked, and an ARN says itself where to look.
        let mut used = Vec::new();
        let here = |id: &str, region: &str, used: &mut Vec<RecordId>| {
            world(complete.clone()).exists(&from(region), "kms-key", id, used)
        };
        assert!(here("k-9", "eu-west-1", &mut used).is_err());
        assert_eq!(here("arn:aws:kms:us-east-1:111111111111:key/k-9", "eu-west-1", &mut used), Ok(false));
        assert!(here("arn:aws:kms:eu-west-1:111111111111:key/k-9", "us-east-1", &mut used).is_err());
        assert_eq!(here("arn:aws:s3:::k-9", "us-east-1", &mut used), Ok(false));
        assert_eq!(here("k-9", "global", &mut used), Ok(false));
    }
}
