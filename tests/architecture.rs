//! The import rules of ARCHITECTURE.md, held against the `use crate::` lines of `src/`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::root;

/// What each module may import; `verify` and `cli` may import everything.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &["canonical"]),
    ("canonical", &["model"]),
    ("clock", &[]),
    ("parallel", &[]),
    ("aws", &["model", "canonical"]),
    ("catalog", &["model", "canonical"]),
    ("collect", &["aws", "catalog", "model", "canonical", "clock"]),
    ("trail", &["catalog", "model", "canonical", "clock"]),
    ("bundle", &["model", "canonical", "parallel"]),
    ("attest", &["bundle", "model", "canonical"]),
    ("imports", &["model"]),
    ("assess", &["bundle", "catalog", "imports", "model", "canonical", "parallel"]),
    ("compare", &["model", "canonical"]),
    ("report", &["model", "canonical"]),
    ("export", &["model", "canonical"]),
    ("sign", &["model", "canonical"]),
    ("package", &["model", "canonical", "bundle", "parallel"]),
    ("archive", &["model", "canonical"]),
    ("schema", &["model", "bundle", "package", "verify", "archive"]),
];

#[test]
fn modules_import_only_what_the_architecture_allows() {
    let mut problems = Vec::new();
    for file in rust_files(&root().join("src")) {
        let relative = file.strip_prefix(root().join("src")).unwrap().to_path_buf();
        let module = module_of(&relative);
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == module) else {
            assert!(["verify", "cli", "lib", "main"].contains(&module.as_str()), "no rule for {module}");
            continue;
        };
        for imported in imports(&fs::read_to_string(&file).unwrap()) {
            if imported != module && !allowed.contains(&imported.as_str()) {
                problems.push(format!("{}: {module} must not import {imported}", relative.display()));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_check_itself_sees_an_import() {
    let text = "use crate::aws::Client;\n    use crate::{model, bundle::Bundle};\nlet x = crate::clock::Clock::System;";
    let found = imports(text);
    assert_eq!(found, ["aws", "bundle", "clock", "model"].map(String::from).into());
}

#[test]
fn paths_that_the_documents_name_exist() {
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "examples/README.md"] {
        let text = fs::read_to_string(root().join(document)).unwrap_or_else(|e| panic!("{document}: {e}"));
        // Code spans at odd positions; those with a slash and no blank are meant as paths.
        for span in text.split('`').skip(1).step_by(2) {
            let path = span.trim_end_matches('/');
            let first = path.split('/').next().unwrap();
            let ours = ["src", "tests", "examples", "docs", "report-templates", "evidence-schemas", ".ci"];
            if span.contains('/') && !span.contains([' ', '*', '<', '\n']) && ours.contains(&first) {
                assert!(root().join(path).exists(), "{document} names {span}, which does not exist");
            }
        }
    }
}

fn module_of(relative: &Path) -> String {
    let first = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The modules that a file names after `crate::`, wherever it does.
fn imports(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for after in line.split("crate::").skip(1) {
            match after.strip_prefix('{') {
                Some(group) => {
                    // Names at the group's own depth: `{model, bundle::Bundle}`.
                    let mut depth = 0;
                    for part in group.split(',') {
                        if depth == 0 {
                            found.insert(name(part.trim()));
                        }
                        depth += part.matches('{').count() as i32 - part.matches('}').count() as i32;
                    }
                }
                None => {
                    found.insert(name(after));
                }
            }
        }
    }
    found.remove("");
    found
}

fn name(text: &str) -> String {
    text.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect()
}
