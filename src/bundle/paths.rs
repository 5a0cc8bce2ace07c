//! Where in the bag a record stands. The path is a pure function of the record, and every part of it
//! comes out of a strict alphabet, so that no value AWS or a file gives can ever be a path of its own.

use crate::model::{Record, RecordKind, Sha256Digest, Source};

/// `data/manifest.json`: the manifest's place in the bag.
pub const MANIFEST: &str = "data/manifest.json";

/// Folders of the files that came with records, by the kind of the record.
const ATTACHED: [(RecordKind, &str); 2] =
    [(RecordKind::Attestation, "data/manual/files/"), (RecordKind::Import, "data/imports/files/")];

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

/// Where in the bag a file lies that came with a record of this kind; `None` for kinds that no files come with.
pub fn attached(kind: RecordKind, sha256: &Sha256Digest) -> Option<String> {
    ATTACHED.iter().find(|(of, _)| *of == kind).map(|(_, folder)| format!("{folder}{sha256}"))
}

/// Whether a path lies where the files are that came with records.
pub fn is_attached(path: &str) -> bool {
    ATTACHED.iter().any(|(_, folder)| path.starts_with(folder))
}

/// Whether a file of records holds what AWS answered, and not what people stated or other programs found.
pub fn is_of_aws(path: &str) -> bool {
    !path.starts_with("data/manual/") && !path.starts_with("data/imports/")
}

/// Whether a path lies where the files of imports are.
pub fn is_import(path: &str) -> bool {
    ATTACHED.iter().any(|(kind, folder)| *kind == RecordKind::Import && path.starts_with(folder))
}

/// The digest that a file at such a path must have; `None` for any other path.
pub fn attached_digest(path: &str) -> Option<Sha256Digest> {
    ATTACHED.iter().find_map(|(_, folder)| path.strip_prefix(folder))?.parse().ok()
}

/// The file of the bag that `record` belongs into.
///
/// # Errors
/// When a part of its source could not be a file name on every system.
pub fn of(record: &Record) -> Result<String, PathError> {
    let source = &record.source;
    match record.kind {
        RecordKind::ApiCall => Ok(format!(
            "data/aws/{}/{}/{}/{}.ndjson",
            account(&source.account)?,
            region(&source.region)?,
            service(&source.service)?,
            operation(&source.operation)?
        )),
        RecordKind::TrailExcerpt => Ok(format!(
            "data/trail/{}/{}/{}.ndjson",
            account(&source.account)?,
            region(&source.region)?,
            rule(source)?
        )),
        RecordKind::Attestation => Ok(format!("data/manual/attestations/{}.ndjson", attestation(source)?)),
        RecordKind::Import => Ok(format!(
            "data/imports/records/{}/{}.ndjson",
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

fn attestation(source: &Source) -> Result<&str, PathError> {
    let value = source.parameters.get("id").and_then(|id| id.as_str()).unwrap_or_default();
    part(is_kebab(value, 64), "parameter \"id\"", value, "the id of an attestation such as risk-analysis")
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
        assert!(of(&record).is_err(), "an attestation without its id");
        record.kind = RecordKind::Import;
        assert_eq!(of(&record).unwrap(), "data/imports/records/s3/GetBucketPolicy.ndjson");
        record.kind = RecordKind::TrailExcerpt;
        assert!(of(&record).is_err(), "an excerpt without its rule");
        record.source.parameters = json!({"rule": "root-use"});
        assert_eq!(of(&record).unwrap(), "data/trail/123456789012/us-east-1/root-use.ndjson");
        record.kind = RecordKind::Attestation;
        record.source.parameters = json!({"id": "risk-analysis"});
        (record.source.account, record.source.region) = (String::new(), String::new());
        assert_eq!(of(&record).unwrap(), "data/manual/attestations/risk-analysis.ndjson");
        for id in ["", "..", "a/b", "../x", "A", "con"] {
            record.source.parameters = json!({ "id": id });
            assert!(of(&record).is_err(), "{id:?}");
        }
    }

    #[test]
    fn files_that_came_with_records_lie_under_their_digests_and_nowhere_else() {
        let digest = crate::canonical::sha256(b"x");
        for kind in [RecordKind::Attestation, RecordKind::Import] {
            let path = attached(kind, &digest).unwrap();
            assert_eq!((is_attached(&path), attached_digest(&path)), (true, Some(digest)), "{path}");
            assert_eq!(attached_digest(&path.to_uppercase()), None);
            assert_eq!(attached_digest(&format!("{path}/x")), None);
            assert_eq!(attached_digest(&path.replace("files/", "files/../files/")), None);
        }
        assert_eq!(attached(RecordKind::ApiCall, &digest), None);
        assert!(!is_attached("data/manual/attestations/files.ndjson"));
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
