//! Resources: what the records of a bundle say exists, with the properties that checks look at.
//!
//! [`derive`] is a pure function of the catalog and the bundle. Every property is either known, with the
//! record that gave it, or unknown, with the reason and the gap; every kind of resource says which
//! records listed it and which gaps hide some of it. The order of the records does not matter.

mod decode;
mod expected;
mod index;
mod kind;
mod property;
mod rules;
mod sources;
mod tags;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::bundle::Bundle;
use crate::catalog::{Catalog, TemplateError};
use crate::model::{Resource, ResourceSet};
use crate::parallel;

/// Why no resources could be derived: the catalog is at fault, never the records.
#[derive(Debug, thiserror::Error)]
pub enum DeriveError {
    /// An expression of the catalog cannot be read.
    #[error("{kind}, {part}: {source}; correct collectors/{service}.toml")]
    Catalog {
        /// Service, and the file's stem.
        service: String,
        /// Kind of resource.
        kind: String,
        /// Property or other part of its rule.
        part: String,
        /// What is wrong with it.
        source: Box<TemplateError>,
    },
    /// A rule reads the records of a call that no collector makes.
    #[error("{kind}, {part}: no collector calls {call}; correct collectors/{service}.toml")]
    NoSuchCall {
        /// Service, and the file's stem.
        service: String,
        /// Kind of resource.
        kind: String,
        /// Property or other part of its rule.
        part: String,
        /// `service:Operation`.
        call: String,
    },
}

/// Derives all resources of the catalog's kinds from a bundle's records.
///
/// # Errors
/// When the catalog holds an expression that cannot be read or a call that is not made. What the
/// records hold is never an error: it makes properties unknown and kinds hidden.
pub fn derive(catalog: &Catalog, bundle: &Bundle) -> Result<ResourceSet, DeriveError> {
    let calls = rules::Calls::new(catalog)?;
    let index = index::Index::new(&bundle.records);
    let expected = expected::Expected::new(&bundle.manifest.scope, &index);
    let mut rules = Vec::new();
    for collector in catalog.collectors.values() {
        for rule in &collector.resources {
            rules.push(rules::Rule::new(collector, rule, &calls)?);
        }
    }
    let derived = parallel::each(&rules, |rule| kind::derive(rule, &calls, &index, &expected));
    let mut all: Vec<Resource> = Vec::new();
    let mut kinds = BTreeMap::new();
    for (rule, (resources, sources)) in rules.iter().zip(derived) {
        all.extend(resources);
        kinds.insert(rule.kind.to_owned(), sources);
    }
    all.sort_by(|a, b| {
        (&a.kind, &a.account, &a.region, &a.id, &a.arn).cmp(&(&b.kind, &b.account, &b.region, &b.id, &b.arn))
    });
    Ok(ResourceSet { resources: Arc::new(all), sources: kinds })
}
