//! CloudFormation templates (JSON) in whose metadata cdk-nag keeps suppressions: `Metadata.cdk_nag.rules_to_suppress`, of a
//! resource or of the whole template.
//!
//! Source: cdk-nag 2.38 (`NagSuppressionHelper`) and cdk-nag 3 with `writeSuppressionsToCloudFormation`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::json::{List, MaybeText, Name, Object, Prose, parse};
use super::text::{Wrong, rule_and_detail};
use super::{Imported, ImportedResource, ImportedResult, LONGEST_PROSE, MOST_RESULTS, ResourceKey, cdk_nag};
use crate::model::{ImportFormat, ImportOutcome};

/// What a suppression of the whole template is about.
const WHOLE: &str = "(the whole stack)";

#[derive(Deserialize)]
struct Template {
    #[serde(rename = "Resources")]
    resources: Object<Resource>,
    #[serde(default, rename = "Metadata")]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(rename = "Type")]
    kind: Name,
    #[serde(default, rename = "Metadata")]
    metadata: Metadata,
    #[serde(default, rename = "Properties")]
    properties: Object<MaybeText>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(rename = "aws:cdk:path")]
    path: Option<Name>,
    cdk_nag: Option<CdkNag>,
}

#[derive(Deserialize)]
struct CdkNag {
    #[serde(default)]
    rules_to_suppress: List<Suppression>,
}

#[derive(Deserialize)]
#[serde(try_from = "WrittenSuppression")]
struct Suppression {
    id: String,
    reason: String,
    applies_to: Vec<String>,
}

#[derive(Deserialize)]
struct WrittenSuppression {
    id: Name,
    reason: Prose,
    #[serde(default)]
    applies_to: List<Part>,
    #[serde(default)]
    is_reason_encoded: bool,
}

/// A finding of a rule, or a pattern of such.
struct Part(String);

impl TryFrom<WrittenSuppression> for Suppression {
    type Error = String;

    fn try_from(written: WrittenSuppression) -> Result<Self, String> {
        // Reasons with characters beyond Latin-1 are kept as base64 of their UTF-8.
        let reason = if written.is_reason_encoded {
            let bytes = STANDARD.decode(&written.reason.0).ok();
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            text.ok_or("is_reason_encoded is true, and the reason is not UTF-8 in base64")?
        } else {
            written.reason.0
        };
        let applies_to = written.applies_to.0.into_iter().map(|part| part.0).collect();
        Ok(Self { id: written.id.0, reason, applies_to })
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Part;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a text or an object with a regex")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Part, E> {
                Ok(Part(text.chars().take(LONGEST_PROSE).collect()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Part, A::Error> {
                let mut regex = None;
                while let Some(name) = access.next_key::<Name>()? {
                    if name.0 == "regex" {
                        regex = Some(access.next_value::<Prose>()?.0);
                    } else {
                        access.next_value::<IgnoredAny>()?;
                    }
                }
                regex.map(Part).ok_or_else(|| A::Error::missing_field("regex"))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Reads the suppressions of a template.
pub(super) fn read(file: &str, text: &str) -> Result<Imported, Wrong> {
    let template: Template = parse(text)?;
    let stacks: Vec<String> = file.strip_suffix(".template.json").into_iter().map(str::to_owned).collect();
    let mut results = Vec::new();
    let mut add = |place: &str, resource: &ImportedResource, metadata: &Metadata| {
        let suppressions = metadata.cdk_nag.iter().flat_map(|cdk_nag| &cdk_nag.rules_to_suppress.0);
        for (number, suppression) in suppressions.enumerate() {
            let (rule, detail) = rule_and_detail(&suppression.id);
            let parts = (!suppression.applies_to.is_empty()).then(|| suppression.applies_to.join(", "));
            results.push(ImportedResult {
                place: format!("{place}/Metadata/cdk_nag/rules_to_suppress/{number}"),
                rule,
                detail: detail.or(parts),
                outcome: ImportOutcome::Suppressed,
                resource: resource.clone(),
                message: String::new(),
                reason: Some(suppression.reason.clone()),
            });
        }
    };
    let whole = ImportedResource { name: WHOLE.into(), account: None, region: None, keys: Vec::new() };
    add("", &whole, &template.metadata);
    for (logical_id, resource) in &template.resources.0 {
        if resource.metadata.cdk_nag.is_some() {
            let place = format!("/Resources/{}", logical_id.replace('~', "~0").replace('/', "~1"));
            add(&place, &named(logical_id, resource, &stacks), &resource.metadata);
        }
    }
    if results.len() > MOST_RESULTS {
        return Err(Wrong::at(1, 1, format!("there are more than {MOST_RESULTS} suppressions")));
    }
    let format = ImportFormat::CloudformationTemplate;
    Ok(Imported { format, tool: "cdk-nag".into(), tool_version: None, made_at: None, results, repeated: 0 })
}

/// The logical id is written here, the stacks that it may be in are those of its construct's path.
fn named(logical_id: &str, resource: &Resource, stacks: &[String]) -> ImportedResource {
    let path = resource.metadata.path.as_ref().map(|path| path.0.as_str());
    let mut keys: Vec<ResourceKey> = Vec::new();
    let of_path = path.map(|path| cdk_nag::resource(path.to_owned(), stacks).keys).unwrap_or_default();
    let of_path = of_path.into_iter().filter_map(|key| match key {
        ResourceKey::Logical { stack, .. } | ResourceKey::Construct { stack, .. } => Some(stack),
        ResourceKey::Arn(_) | ResourceKey::Name(_) => None,
    });
    for stack in stacks.iter().cloned().chain(of_path) {
        let key = ResourceKey::Logical { stack, id: logical_id.to_owned() };
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    // A property such as BucketName or DBInstanceIdentifier names the resource, if it is its own name.
    let own = resource.kind.0.rsplit("::").next().unwrap_or_default();
    let names = resource.properties.0.iter().filter(|(name, _)| {
        let stem = name.strip_suffix("Name").or_else(|| name.strip_suffix("Identifier"));
        stem.is_some_and(|stem| stem.is_empty() || own.ends_with(stem))
    });
    keys.extend(names.filter_map(|(_, value)| Some(ResourceKey::Name(value.0.clone()?))));
    let name = path.map_or_else(|| logical_id.to_owned(), str::to_owned);
    ImportedResource { name, account: None, region: None, keys }
}
