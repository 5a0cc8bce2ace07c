//! The functions of the endpoint rules language.
//! <https://smithy.io/2.0/additional-specs/rules-engine/standard-library.html>

use std::net::Ipv4Addr;

use percent_encoding::utf8_percent_encode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::ESCAPED;
use super::partitions::Partitions;

/// A function by its name in the rules; a rule set with another one does not load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Function {
    #[serde(rename = "isSet")]
    IsSet,
    #[serde(rename = "not")]
    Not,
    #[serde(rename = "booleanEquals")]
    BooleanEquals,
    #[serde(rename = "stringEquals")]
    StringEquals,
    #[serde(rename = "getAttr")]
    GetAttribute,
    #[serde(rename = "substring")]
    Substring,
    #[serde(rename = "uriEncode")]
    UriEncode,
    #[serde(rename = "isValidHostLabel")]
    IsValidHostLabel,
    #[serde(rename = "parseURL")]
    ParseUrl,
    #[serde(rename = "aws.isVirtualHostableS3Bucket")]
    IsVirtualHostableBucket,
    #[serde(rename = "aws.parseArn")]
    ParseArn,
    #[serde(rename = "aws.partition")]
    Partition,
}

impl Function {
    /// The function's value; `null` where it has none.
    pub(super) fn apply(self, arguments: &[Value], partitions: &Partitions) -> Value {
        let argument = |index: usize| arguments.get(index).unwrap_or(&Value::Null);
        let text = |index: usize| argument(index).as_str().unwrap_or_default();
        let number = |index: usize| {
            argument(index).as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or_default()
        };
        let flag = |index: usize| argument(index) == &Value::Bool(true);
        match self {
            Self::IsSet => Value::Bool(!argument(0).is_null()),
            Self::Not => Value::Bool(matches!(argument(0), Value::Null | Value::Bool(false))),
            Self::BooleanEquals | Self::StringEquals => Value::Bool(argument(0) == argument(1)),
            Self::GetAttribute => attribute(argument(0), text(1)),
            Self::Substring => substring(text(0), number(1), number(2), flag(3)),
            Self::UriEncode => Value::String(utf8_percent_encode(text(0), ESCAPED).to_string()),
            Self::IsValidHostLabel => Value::Bool(labels(text(0), flag(1)).all(is_host_label)),
            Self::ParseUrl => parse_url(text(0)),
            Self::IsVirtualHostableBucket => Value::Bool(is_virtual_hostable(text(0), flag(1))),
            Self::ParseArn => parse_arn(text(0)),
            Self::Partition => partitions.describe(text(0)),
        }
    }
}

/// The value at `a.b[0]`.
pub(super) fn attribute(value: &Value, path: &str) -> Value {
    let mut current = value;
    for segment in path.split('.') {
        let (name, index) = match segment.split_once('[') {
            Some((name, index)) => (name, index.trim_end_matches(']').parse::<usize>().ok()),
            None => (segment, None),
        };
        let named = if name.is_empty() { Some(current) } else { current.get(name) };
        let found = match index {
            Some(index) => named.and_then(|list| list.get(index)),
            None => named,
        };
        let Some(found) = found else { return Value::Null };
        current = found;
    }
    current.clone()
}

fn substring(text: &str, start: usize, stop: usize, from_the_end: bool) -> Value {
    if !text.is_ascii() || start >= stop || stop > text.len() {
        return Value::Null;
    }
    let range = if from_the_end { text.len() - stop..text.len() - start } else { start..stop };
    text.get(range).map_or(Value::Null, Value::from)
}

/// The whole, or its parts between dots.
fn labels(text: &str, with_dots: bool) -> impl Iterator<Item = &str> {
    text.splitn(if with_dots { usize::MAX } else { 1 }, '.')
}

fn is_host_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_virtual_hostable(bucket: &str, with_dots: bool) -> bool {
    (3..=63).contains(&bucket.len())
        && bucket.parse::<Ipv4Addr>().is_err()
        && labels(bucket, with_dots).all(|label| {
            is_host_label(label)
                && !label.ends_with('-')
                && !label.bytes().any(|byte| byte.is_ascii_uppercase())
        })
}

fn parse_arn(text: &str) -> Value {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, service, region, account, resource] = parts.as_slice() else { return Value::Null };
    if *arn != "arn" || partition.is_empty() || service.is_empty() || resource.is_empty() {
        return Value::Null;
    }
    let resource: Vec<&str> = resource.split([':', '/']).collect();
    json!({
        "partition": partition, "service": service, "region": region, "accountId": account, "resourceId": resource,
    })
}

fn parse_url(url: &str) -> Value {
    let Some((scheme, rest)) = url.split_once("://") else { return Value::Null };
    if !matches!(scheme, "http" | "https") || rest.contains(['?', '#']) {
        return Value::Null;
    }
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    let trimmed = path.trim_matches('/');
    let normalized = if trimmed.is_empty() { "/".to_owned() } else { format!("/{trimmed}/") };
    let host = authority.split(':').next().unwrap_or_default();
    let is_ip = host.parse::<Ipv4Addr>().is_ok() || authority.starts_with('[');
    json!({
        "scheme": scheme, "authority": authority, "path": path, "normalizedPath": normalized, "isIp": is_ip,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_that_cannot_be_host_names() {
        for (bucket, with_dots, expected) in [
            ("my-bucket", false, true),
            ("my.bucket", false, false),
            ("my.bucket", true, true),
            ("My-bucket", true, false),
            ("192.168.0.1", true, false),
            ("ab", true, false),
            ("a..b", true, false),
            ("-ab", false, false),
            ("ab-", false, false),
        ] {
            assert_eq!(is_virtual_hostable(bucket, with_dots), expected, "{bucket}");
        }
    }

    #[test]
    fn substrings_never_split_characters() {
        assert_eq!(substring("abcdef", 1, 3, false), json!("bc"));
        assert_eq!(substring("abcdef", 1, 3, true), json!("de"));
        assert_eq!(substring("äbc", 0, 1, false), Value::Null);
        assert_eq!(substring("abc", 2, 9, false), Value::Null);
    }

    #[test]
    fn attributes_and_arns() {
        let arn = parse_arn("arn:aws:s3::123456789012:accesspoint/name:x");
        assert_eq!(attribute(&arn, "resourceId[1]"), json!("name"));
        assert_eq!(attribute(&arn, "resourceId[9]"), Value::Null);
        assert_eq!(attribute(&arn, "nothing.here"), Value::Null);
        assert_eq!(parse_arn("arn:aws::r:a:x"), Value::Null);
        assert_eq!(parse_arn("arn:aws:s3"), Value::Null);
    }
}
