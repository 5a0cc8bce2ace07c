//! What checks name as their equivalents, against a list that others keep.

use std::collections::BTreeSet;

use proofpack::catalog::Catalog;

use crate::support::{python_tool, succeed};

/// moto has AWS's list of the rules that AWS manages, made of its documentation.
#[test]
fn every_config_rule_that_a_check_names_is_one_that_aws_manages() {
    let script = "import gzip, json, pathlib, moto.config\n\
        path = pathlib.Path(moto.config.__file__).parent / 'resources/aws_managed_rules.json.gz'\n\
        print(json.dumps(list(json.load(gzip.open(path))['ManagedRules'])))";
    let listed = succeed(python_tool("python").args(["-c", script])).stdout;
    let listed: BTreeSet<String> = serde_json::from_slice(&listed).unwrap();
    assert!(listed.len() > 500, "{}", listed.len());
    let catalog = Catalog::embedded().unwrap();
    let named: BTreeSet<&String> = catalog
        .checks
        .values()
        .flat_map(|check| check.references.get("config-rule").into_iter().flatten())
        .collect();
    assert!(named.len() > 200, "{}", named.len());
    let unknown: Vec<_> = named.into_iter().filter(|name| !listed.contains(*name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
