//! What the AWS CLI changes by hand in answers, beyond their models.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::model::{Kind, Member, Operation, Service, Shapes, Structure};

/// The shape of IAM's policy documents: URL-encoded JSON.
const POLICY_SHAPE: &str = "policyDocumentType";

/// Whether the body is a member's content without an element around it. (Smithy's `s3UnwrappedXmlOutput`,
/// which botocore's models do not have.)
pub(super) fn has_unwrapped_output(service: &str, operation: &str) -> bool {
    (service, operation) == ("s3", "GetBucketLocation")
}

/// Applies the CLI's handlers to one page.
pub(super) fn apply(service: &Service, operation: &Operation, page: &mut Map<String, Value>) {
    match (service.name.as_str(), operation.name.as_str()) {
        ("iam", _) => decode_policies(&service.shapes, &operation.output, page),
        ("s3", "GetBucketLocation") => {
            // Buckets of us-east-1 answer with an empty element; the CLI prints null.
            let location = page.entry("LocationConstraint").or_insert(Value::Null);
            if location.as_str().is_some_and(str::is_empty) {
                *location = Value::Null;
            }
        }
        _ => {}
    }
}

fn decode_policies(shapes: &Shapes, structure: &Structure, values: &mut Map<String, Value>) {
    for member in &structure.members {
        if let Some(value) = values.get_mut(member.name) {
            decode_policies_in(shapes, member, value);
        }
    }
}

fn decode_policies_in(shapes: &Shapes, member: &Member, value: &mut Value) {
    match (&member.kind, value) {
        (Kind::Structure(index), Value::Object(values)) => {
            decode_policies(shapes, shapes.structure(*index), values);
        }
        (Kind::List(element), Value::Array(items)) => {
            items.iter_mut().for_each(|item| decode_policies_in(shapes, element, item));
        }
        (Kind::Map(_, element), Value::Object(entries)) => {
            entries.values_mut().for_each(|entry| decode_policies_in(shapes, element, entry));
        }
        (Kind::String, value) if member.shape == POLICY_SHAPE => {
            let decoded = value.as_str().and_then(|text| percent_decode_str(text).decode_utf8().ok());
            if let Some(policy) = decoded.and_then(|text| serde_json::from_str(&text).ok()) {
                *value = policy;
            }
        }
        _ => {}
    }
}
