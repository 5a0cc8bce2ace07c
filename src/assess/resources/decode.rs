//! Decoding what AWS puts into strings. The content is hostile: bounded, and errors are reasons.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jmespath::{Rcvar, Variable};
use serde_json::{Map, Value};

use crate::canonical;
use crate::catalog::{Decode, to_value};

/// Longest text that is decoded, in bytes. (IAM and S3 policies have at most 20 KB.)
const LONGEST_JSON: usize = 1024 * 1024;
/// Longest base64 text that is decoded, in bytes: a credential report of some 100,000 users.
const LONGEST_BASE64: usize = 64 * 1024 * 1024;
/// Most cells of a CSV that are read.
const MOST_CELLS: usize = 5_000_000;

/// Decodes what a query found; what is no string is taken as it is (the AWS CLI decodes some policies itself).
pub(super) fn decode(found: &Rcvar, how: Option<Decode>) -> Result<Value, String> {
    match (found.as_ref(), how) {
        (Variable::String(text), Some(Decode::Json)) => json(text),
        (Variable::String(text), Some(Decode::Base64Csv)) => base64_csv(text),
        (other, _) => Ok(to_value(other)),
    }
}

fn json(text: &str) -> Result<Value, String> {
    if text.len() > LONGEST_JSON {
        return Err(format!("its JSON document of {} bytes is longer than is read", text.len()));
    }
    let value: Value =
        serde_json::from_str(text).map_err(|error| format!("its JSON document cannot be read: {error}"))?;
    // What canonical JSON refuses could not be written into the assessment either.
    canonical::to_string(&value).map_err(|error| format!("its JSON document cannot be kept: {error}"))?;
    Ok(value)
}

/// A CSV with a header as a list of objects of strings.
fn base64_csv(text: &str) -> Result<Value, String> {
    if text.len() > LONGEST_BASE64 {
        return Err(format!("its base64 text of {} bytes is longer than is read", text.len()));
    }
    let bytes = STANDARD.decode(text).map_err(|error| format!("its base64 text cannot be read: {error}"))?;
    let unreadable = |error: csv::Error| format!("its CSV cannot be read: {error}");
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let header = reader.headers().map_err(unreadable)?.clone();
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row.map_err(unreadable)?;
        if (rows.len() + 1).saturating_mul(header.len()) > MOST_CELLS {
            return Err("its CSV has more cells than are read".into());
        }
        let mut members = Map::new();
        for (name, cell) in header.iter().zip(&row) {
            if members.insert(name.to_owned(), Value::String(cell.to_owned())).is_some() {
                return Err(format!("its CSV names the column {name:?} twice"));
            }
        }
        rows.push(Value::Object(members));
    }
    Ok(Value::Array(rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::to_variable;
    use serde_json::json;

    fn decoded(value: Value, how: Decode) -> Result<Value, String> {
        decode(&to_variable(&value), Some(how))
    }

    #[test]
    fn policies_are_read_and_what_is_decoded_already_is_taken() {
        let policy = json!({"Statement": [{"Effect": "Deny"}]});
        assert_eq!(decoded(json!(policy.to_string()), Decode::Json), Ok(policy.clone()));
        assert_eq!(decoded(policy.clone(), Decode::Json), Ok(policy));
    }

    #[test]
    fn malformed_deep_long_and_inexact_documents_are_errors() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        let long = format!("\"{}\"", "x".repeat(LONGEST_JSON));
        for text in ["", "{", "{}{}", &deep, &long, "[9007199254740993]", "{\"a\":1e999}"] {
            let shown: String = text.chars().take(20).collect();
            assert!(decoded(json!(text), Decode::Json).is_err(), "{shown}");
        }
    }

    #[test]
    fn a_credential_report_becomes_rows() {
        let report = STANDARD.encode("user,arn,mfa_active\nalice,arn:a,true\n\"b,ob\",arn:b,false\n");
        let rows = decoded(json!(report), Decode::Base64Csv).unwrap();
        assert_eq!(rows[1], json!({"user": "b,ob", "arn": "arn:b", "mfa_active": "false"}));
        assert_eq!(rows.as_array().unwrap().len(), 2);
        for text in [
            "%",
            &STANDARD.encode("a,b\n1\n"),
            &STANDARD.encode("a,a\n1,2\n"),
            &STANDARD.encode(b"a\n\xff\n"),
        ] {
            assert!(decoded(json!(text), Decode::Base64Csv).is_err(), "{text}");
        }
    }
}
