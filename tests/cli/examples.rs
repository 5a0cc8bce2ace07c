//! Every example runs, offline, in an empty folder.

use std::fs;
use std::process::Command;

use super::place::Place;
use crate::support::{hermetic, root, succeed};

#[test]
fn every_example_does_what_it_shows() {
    let mut scripts: Vec<_> = fs::read_dir(root().join("examples"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sh"))
        .collect();
    scripts.sort();
    assert!(scripts.len() >= 3, "{scripts:?}");
    let readme = fs::read_to_string(root().join("examples/README.md")).unwrap();
    for script in scripts {
        let name = script.file_name().unwrap().to_str().unwrap();
        assert!(readme.contains(name), "examples/README.md does not mention {name}");
        let place = Place::new();
        let mut bash = Command::new("bash");
        hermetic(&mut bash);
        bash.arg(&script).current_dir(place.root()).env("PROOFPACK", env!("CARGO_BIN_EXE_proofpack"));
        let output = succeed(&mut bash);
        let said = String::from_utf8(output.stdout).unwrap();
        let last = said.lines().last().unwrap_or_default();
        assert!(last.starts_with("VERIFIED") || last == "all checks passed", "{name}: {said}");
    }
}
