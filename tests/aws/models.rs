//! The committed models are what `evidence-schemas/aws/trim.py` makes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proofpack::aws::Models;

use crate::support::{python_tool, root, succeed};

fn json_files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for (prefix, folder) in [("", folder.to_path_buf()), ("endpoints/", folder.join("endpoints"))] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let name = path.file_name().unwrap().to_str().unwrap();
                files.insert(format!("{prefix}{name}"), fs::read(&path).unwrap());
            }
        }
    }
    files
}

#[test]
fn the_models_are_what_the_script_makes_of_the_collectors() {
    let folder = tempfile::tempdir().unwrap();
    let models = root().join("evidence-schemas/aws");
    succeed(python_tool("python").arg(models.join("trim.py")).arg("--output").arg(folder.path()));
    let (made, committed) = (json_files(folder.path()), json_files(&models));
    // Record schemas may lie beside them one day; what the script makes must be there and equal.
    assert!(made.len() > 20);
    for (file, content) in &made {
        let same = committed.get(file) == Some(content);
        assert!(same, "evidence-schemas/aws/{file} is out of date: run evidence-schemas/aws/trim.py");
    }
    let extra: Vec<_> = committed.keys().filter(|file| !made.contains_key(*file)).collect();
    assert!(extra.is_empty(), "the script does not make {extra:?}: delete them");
}

#[test]
fn the_script_refuses_an_operation_that_writes() {
    let folder = tempfile::tempdir().unwrap();
    let collector = "service = 'kms'\n[[call]]\noperation = 'ScheduleKeyDeletion'\n";
    fs::write(folder.path().join("kms.toml"), collector).unwrap();
    let output = python_tool("python")
        .arg(root().join("evidence-schemas/aws/trim.py"))
        .args(["--output".as_ref(), folder.path(), "--collectors".as_ref(), folder.path()])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("kms ScheduleKeyDeletion does not read"), "{said}");
    assert!(!folder.path().join("kms.json").exists());
}

#[test]
fn what_the_collectors_call_can_be_called() {
    let models = Models::embedded().unwrap();
    let catalog = proofpack::catalog::Catalog::embedded().unwrap();
    let mut calls = 0;
    for collector in catalog.collectors.values() {
        for call in &collector.calls {
            calls += 1;
            assert!(
                models.has(&collector.service, &call.operation),
                "{} {}",
                collector.service,
                call.operation
            );
        }
    }
    assert!(calls > 50);
}
