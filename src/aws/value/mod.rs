//! JSON in the AWS CLI's shape: parameters into schemas, answers out of them.

mod read;
mod timestamp;
mod write;

use aws_smithy_schema::serde::SerdeError;
use serde_json::Value;

use super::model::Member;

pub(super) use read::Reader;
pub(super) use timestamp::{format_timestamp, parse_timestamp};
pub(super) use write::InputStructure;

/// The error for a parameter that is not of its member's type.
pub(super) fn unfit(member: &Member, value: &Value) -> SerdeError {
    let mut text = value.to_string();
    if text.len() > 80 {
        text = text.chars().take(80).chain("…".chars()).collect();
    }
    SerdeError::custom(format!(
        "the parameter {} is of type {}; {text} does not fit",
        member.name, member.shape
    ))
}
