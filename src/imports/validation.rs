//! AWS CDK's `validation-report.json`, and `policy-validation-report.json`, in which cdk-nag 3 and other plug-ins report.
//! The second name is the older one: aws-cdk-lib 2.276 writes under it, if asked to, the form from before there was a schema.
//!
//! Source: the schema of AWS CDK's cloud assembly (`PolicyValidationReportJson`) and what aws-cdk-lib wrote before it had one.
//! A plug-in that found nothing may be left out: that a rule is not named is no pass.

use serde::Deserialize;

use super::json::{List, Name, Object, Prose, parse};
use super::text::{Wrong, rule_and_detail};
use super::{Imported, ImportedResource, ImportedResult, MOST_RESULTS, ResourceKey, cdk_nag};
use crate::model::{ImportFormat, ImportOutcome};

/// How the description of a rule begins that failed to decide.
const UNDECIDED: &str = "Rule threw an error during validation";

/// Where a value is not known.
const NOTHING: &str = "N/A";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    plugin_reports: List<Plugin>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Plugin {
    plugin_name: Option<Name>,
    plugin_version: Option<Name>,
    conclusion: Option<Conclusion>,
    metadata: Option<Object<Prose>>,
    #[serde(default)]
    violations: List<Violation>,
    #[serde(default)]
    suppressed_violations: List<Violation>,
    /// Before there was a schema.
    summary: Option<Summary>,
    version: Option<Name>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    plugin_name: Name,
    status: Conclusion,
    metadata: Option<Object<Prose>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Conclusion {
    Success,
    Failure,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Violation {
    rule_name: Name,
    #[serde(default)]
    description: Prose,
    violating_constructs: List<Construct>,
    reason: Option<Prose>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Construct {
    construct_path: Option<Name>,
    cloud_formation_resource: Option<CloudFormationResource>,
    /// Before there was a schema.
    resource_logical_id: Option<Name>,
    template_path: Option<Name>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CloudFormationResource {
    template_path: Name,
    logical_id: Name,
}

/// Reads a report.
pub(super) fn read(text: &str) -> Result<Imported, Wrong> {
    let report: Report = parse(text)?;
    let mut results = Vec::new();
    let mut versions: Vec<String> = Vec::new();
    for (index, plugin) in report.plugin_reports.0.into_iter().enumerate() {
        let summary = plugin.summary;
        let name = plugin.plugin_name.or_else(|| summary.as_ref().map(|summary| summary.plugin_name.clone()));
        let Some(name) = name.map(|name| name.0) else {
            return Err(Wrong::at(1, 1, format!("/pluginReports/{index} does not name its plug-in")));
        };
        let conclusion = plugin.conclusion.or(summary.as_ref().map(|summary| summary.status));
        let metadata = plugin.metadata.or(summary.and_then(|summary| summary.metadata)).unwrap_or_default();
        let version = plugin.plugin_version.or(plugin.version);
        versions.push(version.map_or_else(|| name.clone(), |version| format!("{name} {}", version.0)));
        let empty = plugin.violations.0.is_empty() && plugin.suppressed_violations.0.is_empty();
        if conclusion == Some(Conclusion::Failure) && empty {
            // The plug-in itself failed: what it would have found is not known.
            let error = metadata.0.into_iter().find(|(member, _)| member == "error").map(|(_, text)| text.0);
            results.push(ImportedResult {
                place: format!("/pluginReports/{index}"),
                rule: name.clone(),
                detail: None,
                outcome: ImportOutcome::Indeterminate,
                resource: ImportedResource {
                    name: name.clone(),
                    account: None,
                    region: None,
                    keys: Vec::new(),
                },
                message: error.unwrap_or_else(|| "the plug-in failed".to_owned()),
                reason: None,
            });
        }
        let place = format!("/pluginReports/{index}/violations");
        add(&mut results, &place, plugin.violations.0, false)?;
        let place = format!("/pluginReports/{index}/suppressedViolations");
        add(&mut results, &place, plugin.suppressed_violations.0, true)?;
    }
    versions.dedup();
    Ok(Imported {
        format: ImportFormat::CdkValidationReport,
        tool: "AWS CDK policy validation".into(),
        tool_version: (!versions.is_empty()).then(|| versions.join(", ")),
        made_at: None,
        results,
        repeated: 0,
    })
}

fn add(
    results: &mut Vec<ImportedResult>,
    place: &str,
    violations: Vec<Violation>,
    suppressed: bool,
) -> Result<(), Wrong> {
    for (index, violation) in violations.into_iter().enumerate() {
        let (rule, detail) = rule_and_detail(&violation.rule_name.0);
        let outcome = if suppressed {
            ImportOutcome::Suppressed
        } else if violation.description.0.starts_with(UNDECIDED) {
            ImportOutcome::Indeterminate
        } else {
            ImportOutcome::Fail
        };
        for (number, construct) in violation.violating_constructs.0.into_iter().enumerate() {
            if results.len() == MOST_RESULTS {
                return Err(Wrong::at(1, 1, format!("there are more than {MOST_RESULTS} results")));
            }
            results.push(ImportedResult {
                place: format!("{place}/{index}/violatingConstructs/{number}"),
                rule: rule.clone(),
                detail: detail.clone(),
                outcome,
                resource: named(construct),
                message: violation.description.0.clone(),
                reason: violation.reason.as_ref().filter(|_| suppressed).map(|reason| reason.0.clone()),
            });
        }
    }
    Ok(())
}

fn named(construct: Construct) -> ImportedResource {
    let (template, logical_id) = match construct.cloud_formation_resource {
        Some(resource) => (Some(resource.template_path.0), Some(resource.logical_id.0)),
        None => (construct.template_path.map(|path| path.0), construct.resource_logical_id.map(|id| id.0)),
    };
    let logical_id = logical_id.filter(|id| id != NOTHING);
    let file = template.as_deref().map(|path| path.rsplit(['/', '\\']).next().unwrap_or(path));
    let stacks: Vec<String> =
        file.and_then(|file| file.strip_suffix(".template.json")).into_iter().map(str::to_owned).collect();
    let path = construct.construct_path.map(|path| path.0).filter(|path| !path.is_empty());
    let of_path = path.as_ref().map(|path| cdk_nag::resource(path.clone(), &stacks).keys).unwrap_or_default();
    let mut keys = Vec::new();
    if let Some(id) = &logical_id {
        keys.extend(stacks.into_iter().map(|stack| ResourceKey::Logical { stack, id: id.clone() }));
    }
    keys.extend(of_path);
    let name = path.or(logical_id).unwrap_or_default();
    ImportedResource { name, account: None, region: None, keys }
}
