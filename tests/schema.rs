//! The JSON Schemas under `evidence-schemas/`: up to date, and true of what is written.

use std::fs;

use proofpack::schema;
use serde_json::Value;

use crate::support::bundles::{files_below, sample_records, seal};
use crate::support::packages::empty_assessment;
use crate::support::{python_tool, root, succeed};

/// Validates each line of a file against a schema with Python's jsonschema; says which line fails.
const VALIDATE: &str = "
import json, sys
from jsonschema import Draft202012Validator
schema = json.load(open(sys.argv[1]))
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
for number, line in enumerate(open(sys.argv[2], encoding='utf-8', newline='\\n'), 1):
    for error in validator.iter_errors(json.loads(line)):
        sys.exit(f'{sys.argv[2]}, line {number}: {error.json_path}: {error.message}')
";

#[test]
fn the_schemas_on_disk_are_those_of_the_types() {
    let folder = root().join("evidence-schemas");
    let mut names = vec![];
    for (name, schema) in schema::all() {
        let path = folder.join(format!("{name}.schema.json"));
        let expected = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, &expected).unwrap();
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(found == expected, "{} is out of date: run the tests with UPDATE_EXPECT=1", path.display());
        names.push(path);
    }
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert!(
            path.is_dir() || names.contains(&path),
            "{} describes nothing that is written",
            path.display()
        );
    }
}

pub(crate) fn validate(schema: &str, document: &std::path::Path) -> std::process::Output {
    let schema = root().join(format!("evidence-schemas/{schema}.schema.json"));
    python_tool("python").args(["-c", VALIDATE]).arg(schema).arg(document).output().unwrap()
}

#[test]
fn what_is_written_is_valid_and_what_is_not_written_is_not() {
    let home = tempfile::tempdir().unwrap();
    let bag = seal(home.path(), "bag", &sample_records());
    let assessment = home.path().join("assessment.json");
    fs::write(&assessment, empty_assessment(&bag)).unwrap();
    let mut documents = vec![("assessment", assessment), ("manifest", bag.join("data/manifest.json"))];
    let records = files_below(&bag).into_keys().filter(|path| path.ends_with(".ndjson"));
    documents.extend(records.map(|path| ("record", bag.join(path))));
    assert!(documents.len() > 5);
    for (schema, document) in documents {
        let output = validate(schema, &document);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

        let first = fs::read_to_string(&document).unwrap().lines().next().unwrap().to_owned();
        let mut wrong: Value = serde_json::from_str(&first).unwrap();
        wrong["unknown-member"] = Value::Null;
        let altered = home.path().join("altered.json");
        fs::write(&altered, wrong.to_string()).unwrap();
        assert!(!validate(schema, &altered).status.success(), "the schema of {schema} allows anything");
    }
    succeed(python_tool("python").args(["-c", "import jsonschema"]));
}
