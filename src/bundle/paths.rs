//! Where in the bag a record stands. The path is a pure function of the record, and every part of it
//! comes out of a strict alphabet, so that no value AWS or a file gives can ever be a path of its own.

use crate::model::{Record, RecordKind, Source};

/// `data/manifest.json`: the manifest's place in the bag.
pub const MANIFEST: &str = "data/manifest.json";

/// Device names that Windows reserves in every directory, whatever the extension.
const RESERVED: [&str; 4] = ["aux", "con", "nul", "prn"];

/// Why a record has no place in a bag.
#[derive(Debug, thiserror::Error)]
#[error("the record's {part} {value:?} cannot be part of a file name: {expected} is expected")]
pub struct PathError {
    /// Which member of the record's source.
    pub part: &'static str,
    /// Its value, cut to 80 characters.
    pub value: String,
    /// What it should look like.
    pub expected: &'static str,
}

/// The file of the bag that `record` belongs into.
///
/// # Errors
/// When a part of its source could not be a file name on every system.
pub fn of(record: &Record) -> Result<String, PathError> {
    let source = &record.source;
    let account = account(&source.account)?;
    match record.kind {
        RecordKind::ApiCall => Ok(format!(
            "data/aws/{account}/{}/{}/{}.ndjson",
            region(&source.region)?,
            service(&source.service)?,
            operation(&source.operation)?
        )),
        RecordKind::TrailExcerpt => {
            Ok(format!("data/trail/{account}/{}/{}.ndjson", region(&source.region)?, rule(source)?))
        }
        RecordKind::Attestation => Ok(format!(
            "data/manual/{account}/{}/{}.ndjson",
            service(&source.service)?,
            operation(&source.operation)?
        )),
        RecordKind::Import => Ok(format!(
            "data/imports/{account}/{}/{}.ndjson",
            service(&source.service)?,
            operation(&source.operation)?
        )),
    }
}

fn account(value: &str) -> Result<&str, PathError> {
    let good = value.len() == 12 && value.bytes().all(|byte| byte.is_ascii_digit());
    part(good, "account", value, "an account id of twelve digits")
}

fn region(value: &str) -> Result<&str, PathError> {
    part(is_kebab(value, 32), "region", value, "a region such as us-east-1")
}

fn service(value: &str) -> Result<&str, PathError> {
    part(is_kebab(value, 64), "service", value, "a service name such as s3 or elbv2")
}

fn operation(value: &str) -> Result<&str, PathError> {
    let good = (1..=128).contains(&value.len())
        && value.starts_with(|first: char| first.is_ascii_uppercase())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && !is_reserved(value);
    part(good, "operation", value, "an operation such as GetBucketPolicy")
}

fn rule(source: &Source) -> Result<&str, PathError> {
    let value = source.parameters.get("rule").and_then(|rule| rule.as_str()).unwrap_or_default();
    part(is_kebab(value, 64), "parameter \"rule\"", value, "the id of an excerpt rule such as root-use")
}

fn part<'a>(
    good: bool,
    part: &'static str,
    value: &'a str,
    expected: &'static str,
) -> Result<&'a str, PathError> {
    if good { Ok(value) } else { Err(PathError { part, value: value.chars().take(80).collect(), expected }) }
}

/// Lower-case letters, digits and single hyphens between them, a letter first.
fn is_kebab(value: &str, longest: usize) -> bool {
    (1..=longest).contains(&value.len())
        && value.starts_with(|first: char| first.is_ascii_lowercase())
        && value.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
        && !is_reserved(value)
}

fn is_reserved(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let port = lower.strip_prefix("com").or_else(|| lower.strip_prefix("lpt"));
    RESERVED.contains(&lower.as_str())
        || port.is_some_and(|number| number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::api_record;
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn each_kind_has_its_folder() {
        let mut record = api_record("s3", "GetBucketPolicy", json!({"Bucket": "b"}));
        assert_eq!(of(&record).unwrap(), "data/aws/123456789012/us-east-1/s3/GetBucketPolicy.ndjson");
        record.kind = RecordKind::Attestation;
        assert_eq!(of(&record).unwrap(), "data/manual/123456789012/s3/GetBucketPolicy.ndjson");
        record.kind = RecordKind::Import;
        assert_eq!(of(&record).unwrap(), "data/imports/123456789012/s3/GetBucketPolicy.ndjson");
        record.kind = RecordKind::TrailExcerpt;
        assert!(of(&record).is_err(), "an excerpt without its rule");
        record.source.parameters = json!({"rule": "root-use"});
        assert_eq!(of(&record).unwrap(), "data/trail/123456789012/us-east-1/root-use.ndjson");
    }

    #[test]
    fn hostile_parts_are_refused() {
        let hostile = [
            "", ".", "..", "../x", "a/b", "a\\b", "/a", "c:", "a\0", "a\n", "A", "é", "con", "lpt1", "a--b",
            "-a",
        ];
        for value in hostile {
            for set in [
                |source: &mut Source, value: &str| source.account = value.into(),
                |source: &mut Source, value: &str| source.region = value.into(),
                |source: &mut Source, value: &str| source.service = value.into(),
            ] {
                let mut record = api_record("s3", "ListBuckets", json!({}));
                set(&mut record.source, value);
                assert!(of(&record).is_err(), "{value:?}");
            }
        }
        for value in ["", "..", "get", "Get/..", "Get.Bucket", "Con", "Nul", "COM1"] {
            let record = api_record("s3", value, json!({}));
            assert!(of(&record).is_err(), "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_gets_through_is_a_plain_relative_path(
            account in "\\PC{0,13}|[0-9]{12}", region in "\\PC{0,12}|[a-z]{2}-[a-z]{4}-[0-9]",
            service in "\\PC{0,12}|[a-z0-9.-]{1,9}", operation in "\\PC{0,12}|[A-Z][a-zA-Z0-9./]{1,9}",
        ) {
            let mut record = api_record(&service, &operation, json!({}));
            record.source.account = account;
            record.source.region = region;
            if let Ok(path) = of(&record) {
                let parts: Vec<&str> = path.split('/').collect();
                prop_assert_eq!(parts.len(), 6);
                prop_assert_eq!((parts[0], parts[1]), ("data", "aws"));
                for part in parts {
                    prop_assert!(!part.is_empty() && !part.starts_with('.') && part.is_ascii());
                    prop_assert!(part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.'));
                }
            }
        }
    }
}
