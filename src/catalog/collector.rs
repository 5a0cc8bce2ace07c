//! Collectors: which calls to make of a service, and how their records become resources.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// One file of `collectors/`: a service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collector {
    /// Service as the AWS CLI's models name it, and the file's stem: `s3`, `elbv2`.
    pub service: String,
    /// Name for people: `Amazon S3`.
    pub title: String,
    /// Once per account, or once per account and region.
    pub scope: ServiceScope,
    /// Prefix of the service's IAM actions, where it is not the service's own name.
    pub action_prefix: Option<String>,
    /// Calls, each after the one that it depends on.
    #[serde(default, rename = "call")]
    pub calls: Vec<Call>,
    /// Kinds of resources that its records describe.
    #[serde(default, rename = "resource")]
    pub resources: Vec<ResourceRule>,
}

impl Collector {
    /// The IAM action that allows a call (AWS Service Authorization Reference); `None` where none is needed.
    pub fn iam_action(&self, call: &Call) -> Option<String> {
        let prefix = self.action_prefix.as_deref().unwrap_or(&self.service);
        match call.action.as_deref() {
            Some("") => None,
            Some(action) => Some(format!("{prefix}:{action}")),
            None => Some(format!("{prefix}:{}", call.operation)),
        }
    }
}

/// Where a service is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceScope {
    /// Once per account, in the partition's home region.
    Global,
    /// In every region in scope.
    Regional,
}

/// One API operation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Operation: `GetBucketEncryption`. Once per collector.
    pub operation: String,
    /// Make the call once per item of an earlier call's responses.
    pub each: Option<Each>,
    /// Parameters; strings are templates (see [`super::Template`]).
    #[serde(default)]
    pub parameters: BTreeMap<String, Value>,
    /// Error codes by which AWS says that the thing does not exist.
    #[serde(default)]
    pub absent: Vec<String>,
    /// IAM action that allows the call, where it is not named like the operation; empty where none is needed.
    pub action: Option<String>,
    /// Template of the region to call, where it is not the run's own (buckets).
    pub region: Option<String>,
    /// Error codes after which the call is made again (a report that is still being generated), at
    /// most ten times, a second apart.
    #[serde(default)]
    pub again: Vec<String>,
}

/// Fan-out over an earlier call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Each {
    /// Operation of the earlier call in this collector.
    pub call: String,
    /// JMESPath over its response; its list's elements become `item`. `${region}` and the like inside
    /// quotes are filled in.
    pub items: String,
}

/// How one kind of resource comes out of records.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceRule {
    /// Kind: `s3-bucket`. Unique in the catalog.
    pub kind: String,
    /// Name for people, singular: `S3 bucket`.
    pub title: String,
    /// Operation of this collector whose records list the resources; or `@account` (one resource per
    /// account in scope) or `@region` (one per account and region in scope).
    pub from: String,
    /// JMESPath over the response: a list of items, or one object. The default is the response itself.
    #[serde(default = "whole")]
    pub items: String,
    /// How to decode what `items` selects before it is used.
    pub decode: Option<Decode>,
    /// Template: name within the kind, by which other resources refer to it.
    pub id: String,
    /// Template: ARN.
    pub arn: String,
    /// Its tags, as a list of `{Key, Value}` or an object: JMESPath over `item`, or a rule as for a property.
    /// Tags that could not be seen are left out; checks that judge tags need a property for them.
    pub tags: Option<TagsRule>,
    /// Properties by name.
    pub properties: BTreeMap<String, PropertyRule>,
}

/// Where a resource's tags come from.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum TagsRule {
    /// JMESPath over the item.
    Item(String),
    /// Another call's record: `tags = { call = "GetBucketTagging", match = { Bucket = "${item.Name}" }, value = "TagSet" }`.
    Call(PropertyRule),
}

/// Where one property's value comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PropertyRule {
    /// `Operation` of this collector or `service:Operation` of another; absent: the item itself.
    pub call: Option<String>,
    /// Parameters that the call's record must have been made with (templates). Records of the
    /// resource's account count; of its region too where both services are regional.
    #[serde(default, rename = "match")]
    pub matching: BTreeMap<String, String>,
    /// JMESPath over the item or the call's response; `${...}` inside quotes is filled in, escaped.
    pub value: String,
    /// How to decode the value.
    pub decode: Option<Decode>,
    /// The value where the record says that the thing does not exist. Without it: unknown.
    pub absent: Option<Value>,
    /// The value where the response has no such member (null). Without it: unknown.
    pub default: Option<Value>,
}

/// Encodings that AWS puts into strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decode {
    /// A JSON document in a string (policies).
    Json,
    /// A base64 CSV with a header (the IAM credential report): a list of objects of strings.
    Base64Csv,
}

fn whole() -> String {
    "@".into()
}
