//! OSCAL assessment results (JSON): one `result` for each framework.
//!
//! A control becomes an OSCAL *finding* with its target's status, a finding of ours an *observation* with its subject and
//! its evidence, an accepted exception or a check with open failures a *risk*. Records are resources of the back matter,
//! referenced by what rests on them.

mod controls;
mod identifiers;
mod observations;
mod parts;
mod risks;
mod subjects;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use self::identifiers::ControlIds;
use self::observations::Observations;
use self::parts::{property, resource_of, time};
use self::subjects::Subjects;
use super::ExportError;
use super::index::Index;
use super::markup::markdown;
use super::uuid::Uuid;
use crate::canonical;
use crate::model::{Assessment, Finding, FrameworkAssessment, RecordId};

/// The version of OSCAL that the document follows.
pub const VERSION: &str = "1.2.1";

/// What the parts of the document are made from.
struct Source<'a> {
    index: Index<'a>,
    /// Namespace of the document's identifiers.
    document: Uuid,
    /// The component that stands for this program.
    tool: Uuid,
    /// The component that stands for the accounts in scope.
    system: Uuid,
    ids: ControlIds,
}

/// One framework's result while it is made.
struct Part<'a> {
    framework: &'a FrameworkAssessment,
    /// Place of the framework in the assessment.
    number: usize,
    /// Namespace of the result's identifiers, and its own identifier.
    uuid: Uuid,
    /// The findings of the framework's checks, with their places in the assessment.
    findings: Vec<(usize, &'a Finding)>,
}

/// Writes the document.
pub(super) fn export(assessment: &Assessment) -> Result<Vec<u8>, ExportError> {
    let digest = canonical::sha256(canonical::to_string(assessment)?.as_bytes()).to_string();
    let document = Uuid::LASTING.of(&["assessment-results", &digest]);
    let bundle = &assessment.bundle;
    let source = Source {
        index: Index::new(assessment),
        document,
        tool: Uuid::LASTING.of(&["tool", &assessment.tool.name, &assessment.tool.version]),
        system: Uuid::LASTING.of(&[
            &["system"],
            &bundle.scope.accounts.iter().map(String::as_str).collect::<Vec<_>>()[..],
        ]
        .concat()),
        ids: ControlIds::new(assessment),
    };
    let mut used = BTreeSet::new();
    let results: Vec<Value> = assessment
        .frameworks
        .iter()
        .enumerate()
        .map(|(number, framework)| result(&source, number, framework, &mut used))
        .collect();
    let titles: Vec<&str> =
        assessment.frameworks.iter().map(|framework| framework.reference.title.as_str()).collect();
    let plan = document.of(&["plan"]);
    let mut resources = vec![plan_of(&plan, &source)];
    resources.extend(used.iter().map(|id| resource_of(&source, id)));
    let document = json!({ "assessment-results": {
        "uuid": document.to_string(),
        "metadata": {
            "title": markdown(&format!("Assessment results: {}", titles.join("; "))),
            "last-modified": time(assessment.as_of),
            "version": &digest[..12],
            "oscal-version": VERSION,
            "props": [
                property("assessment-sha256", &digest),
                property("bundle-manifest-sha256", &bundle.manifest_sha256.to_string()),
                property("bundle-merkle-root", &bundle.merkle_root.to_string()),
                property("catalog-sha256", &assessment.catalog_sha256.to_string()),
            ],
            "remarks": "This states evidence, not legal compliance. OSCAL knows two states of an objective; only what is satisfied in every part is given as satisfied. The property status of a finding holds the status as assessed.",
        },
        "import-ap": { "href": format!("#{plan}"), "remarks": "There is no assessment plan in OSCAL: the catalog of checks is the plan." },
        "local-definitions": {
            "objectives-and-methods": controls::objectives(&source),
        },
        "results": results,
        "back-matter": { "resources": resources },
    }});
    let mut document = document;
    without_empty(&mut document);
    Ok(canonical::to_file_bytes(&document)?)
}

/// OSCAL has no empty lists: what would be one is left out.
fn without_empty(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(without_empty);
            members.retain(|_, member| {
                !matches!(member, Value::Null)
                    && member.as_array().is_none_or(|items| !items.is_empty())
                    && member.as_object().is_none_or(|members| !members.is_empty())
            });
        }
        Value::Array(items) => items.iter_mut().for_each(without_empty),
        _ => {}
    }
}

fn plan_of(uuid: &Uuid, source: &Source<'_>) -> Value {
    let assessment = source.index.assessment;
    json!({
        "uuid": uuid.to_string(),
        "title": "Catalog of checks",
        "description": markdown(&format!(
            "{} checks of {} {}, each with its predicate in the observations that it made; the catalog's SHA-256 is {}.",
            assessment.checks.len(), assessment.tool.name, assessment.tool.version, assessment.catalog_sha256
        )),
    })
}

fn result<'a>(
    source: &Source<'a>,
    number: usize,
    framework: &'a FrameworkAssessment,
    used: &mut BTreeSet<RecordId>,
) -> Value {
    let assessment = source.index.assessment;
    let checks: BTreeSet<&str> =
        framework.controls.iter().flat_map(|control| &control.checks).map(String::as_str).collect();
    let part = Part {
        framework,
        number,
        uuid: source.document.of(&["result", &number.to_string(), &framework.reference.id]),
        findings: assessment
            .findings
            .iter()
            .enumerate()
            .filter(|(_, finding)| checks.contains(finding.check.as_str()))
            .collect(),
    };
    let subjects = Subjects::new(source);
    let observations = Observations::new(source, &part, &subjects, used);
    let risks = risks::risks(source, &part, &subjects);
    let without_force = assessment.exceptions.iter().filter(|report| !report.problems.is_empty()).count();
    let remarks = match without_force {
        0 => None,
        count => Some(format!(
            "{count} of {} exceptions are not in force (expired, not yet approved, approved by their owner, or matching nothing) and cover nothing.",
            assessment.exceptions.len()
        )),
    };
    let reference = &framework.reference;
    let bundle = &assessment.bundle;
    json!({
        "uuid": part.uuid.to_string(),
        "title": markdown(&reference.title),
        "description": markdown(&format!(
            "Evidence of {} AWS accounts in {} regions, held against {} ({}) as of {}.",
            bundle.scope.accounts.len(), bundle.scope.regions.len(), reference.title, reference.edition, time(assessment.as_of)
        )),
        "start": time(bundle.collection_started),
        "end": time(bundle.sealed_at),
        "props": [
            property("framework", &reference.id),
            property("edition", &reference.edition),
            property("as-of", &time(assessment.as_of)),
            property("period-start", &time(bundle.scope.period.start)),
            property("period-end", &time(bundle.scope.period.end)),
        ],
        "local-definitions": {
            "components": [subjects.system()],
            "inventory-items": subjects.inventory(part.findings.iter().map(|(_, finding)| &finding.subject)),
            "assessment-assets": subjects.assets(),
        },
        "reviewed-controls": controls::reviewed(source, &part),
        "observations": observations.list,
        "risks": risks.list,
        "findings": controls::findings(source, &part, &observations, &risks),
        "remarks": remarks,
    })
}
