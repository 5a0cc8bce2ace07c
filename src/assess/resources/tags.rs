//! Tags, in the shapes that AWS's services give them.

use std::collections::BTreeMap;

use serde_json::Value;

/// Reads a list of `{Key, Value}` (or `{key, value}`, `{TagKey, TagValue}`), an object, or either of them
/// under `TagSet` or `Tags`. What is no tag is passed over.
pub(super) fn read(value: &Value) -> BTreeMap<String, String> {
    match value {
        Value::Array(items) => items.iter().filter_map(pair).collect(),
        Value::Object(members) => match members.get("TagSet").or_else(|| members.get("Tags")) {
            Some(inner @ (Value::Array(_) | Value::Object(_))) => read_flat(inner),
            _ => read_flat(value),
        },
        _ => BTreeMap::new(),
    }
}

fn read_flat(value: &Value) -> BTreeMap<String, String> {
    match value {
        Value::Array(items) => items.iter().filter_map(pair).collect(),
        Value::Object(members) => members
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect(),
        _ => BTreeMap::new(),
    }
}

fn pair(tag: &Value) -> Option<(String, String)> {
    let member = |names: [&str; 3]| names.into_iter().find_map(|name| tag.get(name)).and_then(Value::as_str);
    let key = member(["Key", "key", "TagKey"])?;
    Some((key.to_owned(), member(["Value", "value", "TagValue"]).unwrap_or_default().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn all_shapes_read_alike() {
        let expected = BTreeMap::from([("env".to_owned(), "prod".to_owned()), ("phi".into(), String::new())]);
        for shape in [
            json!([{"Key": "env", "Value": "prod"}, {"Key": "phi"}]),
            json!([{"key": "env", "value": "prod"}, {"key": "phi", "value": ""}]),
            json!([{"TagKey": "env", "TagValue": "prod"}, {"TagKey": "phi", "TagValue": ""}]),
            json!({"TagSet": [{"Key": "env", "Value": "prod"}, {"Key": "phi", "Value": ""}]}),
            json!({"env": "prod", "phi": ""}),
            json!({"Tags": {"env": "prod", "phi": ""}}),
        ] {
            assert_eq!(read(&shape), expected, "{shape}");
        }
    }

    #[test]
    fn what_is_no_tag_is_passed_over() {
        assert_eq!(read(&json!([1, null, {"Value": "x"}, {"Key": 3}])), BTreeMap::new());
        assert_eq!(read(&json!("env=prod")), BTreeMap::new());
        assert_eq!(read(&json!({"Tags": "the tag called Tags"})).len(), 1);
    }
}
