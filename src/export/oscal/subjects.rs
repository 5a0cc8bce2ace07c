//! What is assessed, and with what: resources as inventory items, the accounts and this program as components.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::markup::{line, markdown};
use super::super::uuid::Uuid;
use super::Source;
use super::parts::{property, standard_property};
use crate::model::Subject;

/// The definitions of one result.
pub(super) struct Subjects<'a, 'b>(&'b Source<'a>);

impl<'a, 'b> Subjects<'a, 'b> {
    pub(super) fn new(source: &'b Source<'a>) -> Self {
        Self(source)
    }

    /// A reference to what a finding is about: a resource, or, where it is about a kind, the accounts.
    pub(super) fn reference(&self, subject: &Subject) -> Value {
        if subject.arn == "*" {
            return json!({ "subject-uuid": self.0.system.to_string(), "type": "component", "title": markdown(&subject.kind) });
        }
        json!({ "subject-uuid": uuid(subject).to_string(), "type": "inventory-item", "title": markdown(&subject.id) })
    }

    /// The accounts in scope.
    pub(super) fn system(&self) -> Value {
        let scope = &self.0.index.assessment.bundle.scope;
        json!({
            "uuid": self.0.system.to_string(),
            "type": "this-system",
            "title": "AWS accounts in scope",
            "description": markdown(&format!(
                "Accounts {} in the regions {} of the partition {}.",
                scope.accounts.join(", "), scope.regions.join(", "), scope.partition
            )),
            "status": { "state": "operational" },
        })
    }

    /// The resources that are subjects, each once.
    pub(super) fn inventory(&self, subjects: impl Iterator<Item = &'a Subject>) -> Vec<Value> {
        let subjects: BTreeSet<&Subject> = subjects.filter(|subject| subject.arn != "*").collect();
        subjects
            .into_iter()
            .map(|subject| {
                json!({
                    "uuid": uuid(subject).to_string(),
                    "description": markdown(&format!("{} {}", subject.kind, subject.id)),
                    "props": [
                        standard_property("asset-id", &subject.arn),
                        property("kind", &subject.kind),
                        property("account", &subject.account),
                        property("region", &subject.region),
                    ],
                    "implemented-components": [{ "component-uuid": self.0.system.to_string() }],
                })
            })
            .collect()
    }

    /// This program.
    pub(super) fn assets(&self) -> Value {
        let tool = &self.0.index.assessment.tool;
        let title = markdown(&format!("{} {}", tool.name, tool.version));
        json!({
            "components": [{
                "uuid": self.0.tool.to_string(),
                "type": "software",
                "title": title,
                "description": "Collects answers of AWS APIs as records, seals them, and assesses them with predicates that are printed beside their outcome.",
                "props": [standard_property("version", &tool.version)],
                "status": { "state": "operational" },
            }],
            "assessment-platforms": [{
                "uuid": self.0.tool.of(&["platform"]).to_string(),
                "title": line(&title),
                "uses-components": [{ "component-uuid": self.0.tool.to_string() }],
            }],
        })
    }
}

/// The same resource has the same identifier in every assessment.
fn uuid(subject: &Subject) -> Uuid {
    Uuid::LASTING.of(&[
        "resource",
        &subject.kind,
        &subject.account,
        &subject.region,
        &subject.arn,
        &subject.id,
    ])
}
