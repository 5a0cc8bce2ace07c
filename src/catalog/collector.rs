//! Collectors: which calls to make of a service, and how their records become resources.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

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
    /// Make the call once per item, or per batch of items.
    pub each: Option<Each>,
    /// Parameters; strings are templates (see [`super::Template`]). One that is nothing but a single
    /// `${expression}` takes the expression's value with its JSON type: a list stays a list, a number a number.
    #[serde(default)]
    pub parameters: BTreeMap<String, Value>,
    /// Errors by which AWS says that the thing does not exist: `"Code"`, or `"Code: part of the message"` where
    /// one code means several things (see [`AbsentRule`]).
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
    /// How much an answer weighs.
    #[serde(default)]
    pub cost: Cost,
}

impl Call {
    /// Operation of the earlier call that this one depends on; `None` for a call that depends on no other.
    pub fn parent(&self) -> Option<&str> {
        self.each.as_ref().and_then(|each| each.call.as_deref())
    }

    /// The earlier calls that this one takes items from, with the JMESPath over their responses: its parent first.
    pub fn sources(&self) -> Vec<(&str, &str)> {
        let Some(each) = &self.each else { return Vec::new() };
        let first = each.call.as_deref().map(|call| (call, each.items.as_str()));
        let more = each.also.iter().map(|more| (more.call.as_str(), more.items.as_str()));
        first.into_iter().chain(more).collect()
    }
}

/// Fan-out: `{ call = "ListServices", items = "serviceArns", batch = 10 }` over an earlier call's responses, or
/// `{ items = "['REGIONAL', 'CLOUDFRONT']" }` over a list that needs no earlier call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Each {
    /// Operation of the earlier call in this collector. Without it the call depends on no other.
    pub call: Option<String>,
    /// JMESPath over the earlier call's response, or, without one, over an object with the members `account`,
    /// `region` and `partition`; its list's elements become `item`. `${region}` and the like inside quotes are
    /// filled in.
    pub items: String,
    /// Make one call for so many items: `item` is then a list of them, the last of which may be shorter.
    pub batch: Option<NonZeroUsize>,
    /// Further earlier calls whose items are taken as well: `also = [{ call = "DescribeServices", items = "..." }]`.
    /// An item that several of them give leads to one call.
    #[serde(default)]
    pub also: Vec<Items>,
}

/// A further source of items.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Items {
    /// Operation of the earlier call in this collector.
    pub call: String,
    /// JMESPath over its response; its list's elements become `item`.
    pub items: String,
}

/// How much an answer weighs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cost {
    /// At most a few megabytes.
    #[default]
    Small,
    /// Tens of megabytes: only few such calls are under way at a time.
    Large,
}

/// One error that means absence, as `absent` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsentRule {
    code: String,
    /// What the message must contain.
    part: Option<String>,
}

/// Codes that say that we may not look. Alone they never prove absence; with a part of the message they can
/// ("Macie is not enabled").
const REFUSALS: [&str; 5] =
    ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "Forbidden"];

impl AbsentRule {
    /// Reads `"Code"` or `"Code: part of the message"`.
    ///
    /// # Errors
    /// Says what is wrong with it: a code or part that is empty, or a refusal without a part.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (code, part) = match text.split_once(": ") {
            Some((code, part)) => (code, Some(part.to_owned())),
            None => (text, None),
        };
        if code.is_empty() || code.contains(char::is_whitespace) {
            return Err(format!("absent: {text:?} does not begin with an error code"));
        }
        if part.as_deref().is_some_and(|part| part.trim().is_empty()) {
            return Err(format!("absent: {text:?} names no part of the message"));
        }
        if part.is_none() && REFUSALS.contains(&code) {
            return Err(format!(
                "absent: {code} alone is a refusal and proves no absence; add a part of the message"
            ));
        }
        Ok(Self { code: code.to_owned(), part })
    }

    /// Whether an error is this one. Case counts.
    pub fn matches(&self, code: &str, message: &str) -> bool {
        self.code == code && self.part.as_deref().is_none_or(|part| message.contains(part))
    }
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
    /// Parameters that the call's record must have been made with (templates); of a parameter that is a list (a
    /// batch) one element. Records of the resource's account count; of its region too where both services are
    /// regional.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absence_is_a_code_or_a_code_with_a_part_of_its_message() {
        let plain = AbsentRule::parse("NoSuchBucketPolicy").unwrap();
        assert!(plain.matches("NoSuchBucketPolicy", "whatever"));
        assert!(!plain.matches("NoSuchBucket", "NoSuchBucketPolicy"));
        let part = AbsentRule::parse("AccessDeniedException: Macie is not enabled").unwrap();
        assert!(part.matches("AccessDeniedException", "Sorry: Macie is not enabled."));
        for (code, message) in [
            ("AccessDeniedException", "User is not authorized to perform: macie2:GetMacieSession"),
            ("AccessDeniedException", "macie is not enabled"),
            ("AccessDenied", "Macie is not enabled"),
            ("AccessDeniedException", ""),
        ] {
            assert!(!part.matches(code, message), "{code}: {message}");
        }
    }

    #[test]
    fn absence_that_proves_nothing_is_refused() {
        for text in ["", ": x", "Code: ", "Code:  ", "two words", "AccessDenied", "UnauthorizedOperation"] {
            assert!(AbsentRule::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_batch_is_at_least_one_item() {
        let each = |batch: i64| toml::from_str::<Each>(&format!("items = \"a\"\nbatch = {batch}"));
        assert_eq!(each(10).unwrap().batch.map(NonZeroUsize::get), Some(10));
        assert!(each(0).is_err() && each(-1).is_err());
    }
}
