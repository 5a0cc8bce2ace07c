//! Reading resources: their properties, with the records behind them and what is not known.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::text;
use crate::model::{FindingError, Proof, Property, RecordId, Resource, ResourceSet};

const LONGEST_REASON: usize = 300;

/// All resources, by kind and by kind, account and ARN.
pub(super) struct Estate<'a> {
    by_kind: BTreeMap<&'a str, Vec<&'a Resource>>,
    by_arn: BTreeMap<(&'a str, &'a str, &'a str), &'a Resource>,
}

impl<'a> Estate<'a> {
    /// The resources of a bundle.
    pub(super) fn new(set: &'a ResourceSet) -> Self {
        let mut estate = Self { by_kind: BTreeMap::new(), by_arn: BTreeMap::new() };
        for resource in set.resources.iter() {
            estate.by_kind.entry(&resource.kind).or_default().push(resource);
            let key = (resource.kind.as_str(), resource.account.as_str(), resource.arn.as_str());
            estate.by_arn.insert(key, resource);
        }
        estate
    }

    /// The resources of a kind, sorted by account, region and id.
    pub(super) fn of_kind(&self, kind: &str) -> &[&'a Resource] {
        self.by_kind.get(kind).map(Vec::as_slice).unwrap_or_default()
    }

    /// One resource by its ARN, as an account sees it.
    pub(super) fn by_arn(&self, kind: &str, account: &str, arn: &str) -> Option<&'a Resource> {
        self.by_arn.get(&(kind, account, arn)).copied()
    }
}

/// What a statement rests on, and what it leaves open.
#[derive(Debug, Clone, Default)]
pub(super) struct Basis {
    /// The records.
    pub(super) records: BTreeSet<RecordId>,
    /// What is not known, in sentences.
    pub(super) unknown: Vec<String>,
}

impl Basis {
    /// That a resource exists.
    pub(super) fn of(resource: &Resource) -> Self {
        Self { records: [resource.record].into(), unknown: Vec::new() }
    }

    /// A property's value; one that is not known is written down.
    pub(super) fn read<'a>(&mut self, resource: &'a Resource, name: &str) -> Option<&'a Value> {
        match resource.properties.get(name) {
            Some(Property::Known { value, record }) => {
                self.records.insert(*record);
                Some(value)
            }
            Some(Property::Unknown { reason, record }) => {
                self.records.extend(record);
                self.doubt(format!("{name} of {} is not known: {reason}", resource.id));
                None
            }
            None => {
                self.doubt(format!("{name} of {} was not collected", resource.id));
                None
            }
        }
    }

    /// A property's value as text; an empty one is none.
    pub(super) fn text(&mut self, resource: &Resource, name: &str) -> Option<String> {
        let value = self.read(resource, name)?;
        value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// Writes down what is not known.
    pub(super) fn doubt(&mut self, what: impl AsRef<str>) {
        let what = text::safe(what.as_ref(), LONGEST_REASON);
        if !self.unknown.contains(&what) {
            self.unknown.push(what);
        }
    }

    /// The records as proof.
    pub(super) fn proof(&self) -> Result<Proof, FindingError> {
        Proof::new(self.records.iter().copied())
    }
}
