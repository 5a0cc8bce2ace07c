//! The inventory: the resources that the evidence describes, with their tags.

use serde::Serialize;

use super::RecordLink;
use crate::model::{Assessment, ResourceEntry};

/// The resources of one kind.
#[derive(Debug, Serialize)]
pub(super) struct ResourceKind {
    kind: String,
    resources: Vec<ResourceRow>,
}

/// One resource.
#[derive(Debug, Serialize)]
struct ResourceRow {
    name: String,
    account: String,
    region: String,
    /// `key=value`, sorted by key.
    tags: Vec<String>,
    record: RecordLink,
}

/// All resources, by kind.
pub(super) fn resources(assessment: &Assessment) -> Vec<ResourceKind> {
    let kinds = assessment.resources.chunk_by(|a, b| a.kind == b.kind);
    kinds
        .map(|resources| ResourceKind {
            kind: resources.first().map(|first| first.kind.clone()).unwrap_or_default(),
            resources: resources.iter().map(row).collect(),
        })
        .collect()
}

fn row(resource: &ResourceEntry) -> ResourceRow {
    ResourceRow {
        name: resource.id.clone(),
        account: resource.account.clone(),
        region: resource.region.clone(),
        tags: resource.tags.iter().map(|(key, value)| format!("{key}={value}")).collect(),
        record: RecordLink::name(resource.record),
    }
}
