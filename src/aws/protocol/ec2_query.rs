//! Requests of the ec2Query protocol, which AWS's crates do not have. Its answers are plain XML.

use std::fmt::Write;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_schema::serde::SerdeError;
use aws_smithy_schema::traits::TimestampFormat;
use aws_smithy_types::body::SdkBody;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::aws::model::{Kind, Member, Operation, Service, Shapes};
use crate::aws::value::{format_timestamp, parse_timestamp, unfit};

/// What AWS leaves unescaped: RFC 3986's unreserved characters.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

pub(super) fn request(
    service: &Service,
    operation: &Operation,
    parameters: &Value,
) -> Result<HttpRequest, SerdeError> {
    let mut form = format!("Action={}&Version={}", operation.name, service.api_version);
    for member in &operation.input.members {
        if let Some(value) = parameters.get(member.name) {
            write(&service.shapes, member, value, member.ec2_name, &mut form)?;
        }
    }
    let mut request = HttpRequest::new(SdkBody::from(form));
    request.set_method("POST").map_err(|error| SerdeError::custom(error.to_string()))?;
    request.set_uri("/").map_err(|error| SerdeError::custom(error.to_string()))?;
    request.headers_mut().insert("content-type", "application/x-www-form-urlencoded");
    Ok(request)
}

fn write(
    shapes: &Shapes,
    member: &Member,
    value: &Value,
    key: &str,
    form: &mut String,
) -> Result<(), SerdeError> {
    let mut pair = |text: &str| {
        let (key, text) = (utf8_percent_encode(key, ESCAPED), utf8_percent_encode(text, ESCAPED));
        write!(form, "&{key}={text}").map_err(|error| SerdeError::custom(error.to_string()))
    };
    match (&member.kind, value) {
        (_, Value::Null) => Ok(()),
        (Kind::Structure(index), Value::Object(_)) => {
            for child in &shapes.structure(*index).members {
                if let Some(value) = value.get(child.name) {
                    write(shapes, child, value, &format!("{key}.{}", child.ec2_name), form)?;
                }
            }
            Ok(())
        }
        (Kind::List(element), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                write(shapes, element, item, &format!("{key}.{}", index + 1), form)?;
            }
            Ok(())
        }
        (Kind::Timestamp, _) => {
            let format = member.timestamp_format.unwrap_or(TimestampFormat::DateTime);
            pair(&format_timestamp(&parse_timestamp(member, value)?, format))
        }
        (Kind::String, Value::String(text)) => pair(text),
        (Kind::Boolean, Value::Bool(flag)) => pair(if *flag { "true" } else { "false" }),
        (Kind::Integer | Kind::Float, Value::Number(number)) => pair(&number.to_string()),
        _ => Err(unfit(member, value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::Models;
    use serde_json::json;

    fn form(operation: &str, parameters: &Value) -> Result<String, SerdeError> {
        let models = Models::embedded().unwrap();
        let ec2 = models.service("ec2").unwrap();
        let request = request(ec2, &ec2.operations[operation], parameters)?;
        Ok(String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap())
    }

    #[test]
    fn lists_and_structures_are_numbered_and_escaped() {
        let parameters = json!({
            "Filters": [{"Name": "tag:a b", "Values": ["x&y", "*"]}], "VpcIds": ["vpc-1", "vpc-2"], "MaxResults": 5,
        });
        assert_eq!(
            form("DescribeVpcs", &parameters).unwrap(),
            "Action=DescribeVpcs&Version=2016-11-15&Filter.1.Name=tag%3Aa%20b&Filter.1.Value.1=x%26y\
             &Filter.1.Value.2=%2A&VpcId.1=vpc-1&VpcId.2=vpc-2&MaxResults=5"
        );
    }

    #[test]
    fn a_parameter_of_the_wrong_type_is_refused() {
        assert!(form("DescribeVpcs", &json!({"VpcIds": "vpc-1"})).is_err());
        assert!(form("DescribeVpcs", &json!({"MaxResults": "5"})).is_err());
    }
}
