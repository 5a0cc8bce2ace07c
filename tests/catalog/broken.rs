//! `catalog validate`: one file for each mistake, and what is said about it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{proofpack, root};

/// A framework that names the check, so that nothing else is wrong with it.
const FRAMEWORK: &str = "id = \"frame\"\ntitle = \"Frame\"\nedition = \"1\"\n[[control]]\nid = \"1\"\ntitle = \"One\"\nkind = \"standard\"\ngroup = \"All\"\nguidance = \"Look.\"\nchecks = [\"broken\"]\n";

fn files() -> Vec<PathBuf> {
    let folder = root().join("tests/catalog/broken");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

/// The first word of a file's name says what it is.
fn catalog_with(file: &Path) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let stem = file.file_stem().unwrap().to_str().unwrap();
    let (sort, mistake) = stem.split_once('-').unwrap();
    let name = if sort == "framework" { "broken-framework" } else { "broken" };
    let folder = home.path().join(format!("own/{sort}s"));
    fs::create_dir_all(&folder).unwrap();
    fs::copy(file, folder.join(format!("{name}.toml"))).unwrap();
    if sort == "check" && mistake != "without-a-control" {
        fs::create_dir_all(home.path().join("own/frameworks")).unwrap();
        fs::write(home.path().join("own/frameworks/frame.toml"), FRAMEWORK).unwrap();
    }
    home
}

fn validate(home: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output =
        proofpack().current_dir(home).args(["catalog", "validate", "own"]).args(arguments).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn every_mistake_is_told_where_it_stands_and_with_what_to_do() {
    let files = files();
    assert!(files.len() > 60, "{}", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let home = catalog_with(&file);
        let (code, said) = validate(home.path(), &[]);
        let is_sound = file.to_str().unwrap().ends_with("with-nothing-wrong.toml");
        if code != Some(if is_sound { 0 } else { 1 }) {
            wrong.push(format!("{} ended with {code:?}:\n{said}", file.display()));
        }
        // How many files there are changes with every check that is added.
        let said = said.replace(said.lines().last().unwrap_or_default(), "");
        let expected_file = file.with_extension("txt");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&expected_file, said.trim_end().to_owned() + "\n").unwrap();
        }
        let expected = fs::read_to_string(&expected_file).unwrap_or_default();
        if said.trim_end() != expected.trim_end() {
            wrong.push(format!("{} gives\n{said}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_expected_text_belongs_to_a_mistake_and_points_into_its_file() {
    for file in files().iter().filter(|file| !file.to_str().unwrap().ends_with("with-nothing-wrong.toml")) {
        let expected = fs::read_to_string(file.with_extension("txt")).unwrap();
        assert!(expected.contains("help: "), "{}: no help:\n{expected}", file.display());
    }
    for file in
        files().iter().filter(|file| !file.to_str().unwrap().ends_with("with-nothing-wrong.toml")).step_by(9)
    {
        let home = catalog_with(file);
        let (_, said) = validate(home.path(), &["--json"]);
        let rows: Vec<Value> = serde_json::from_str(&said).unwrap();
        assert!(!rows.is_empty(), "{}", file.display());
        for row in rows {
            let file = row["file"].as_str().unwrap();
            // A mistake of two files may show in the one that is compiled in.
            let own = home.path().join(file);
            let named = if own.exists() { own } else { root().join("src/catalog").join(file) };
            let text = fs::read_to_string(&named).unwrap_or_else(|e| panic!("{}: {e}", named.display()));
            let line = row["line"].as_u64().unwrap();
            assert!(line >= 1 && line <= text.lines().count() as u64, "{row}");
            assert!(!row["what"].as_str().unwrap().is_empty() && !row["help"].as_str().unwrap().is_empty());
        }
    }
    let folder = root().join("tests/catalog/broken");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert!(path.with_extension("toml").exists(), "{} has no file", path.display());
    }
}

#[test]
fn what_is_not_read_and_what_is_wrong_in_several_files_is_all_told() {
    let home = tempfile::tempdir().unwrap();
    let own = home.path().join("own");
    for folder in ["checks", "check"] {
        fs::create_dir_all(own.join(folder)).unwrap();
    }
    fs::write(own.join("checks/a.yaml"), "").unwrap();
    fs::write(own.join("check/a.toml"), "").unwrap();
    fs::write(own.join("checks/one.toml"), "id = 1").unwrap();
    fs::write(own.join("checks/two.toml"), [0xff]).unwrap();
    let (code, said) = validate(home.path(), &["--json"]);
    assert_eq!(code, Some(1));
    let rows: Vec<Value> = serde_json::from_str(&said).unwrap();
    let told = |file: &str, what: &str| {
        let is = |row: &Value| {
            row["file"].as_str().unwrap().ends_with(file) && row["what"].as_str().unwrap().contains(what)
        };
        assert!(rows.iter().any(is), "{file}: {what} is not in {said}");
    };
    told("own/check", "this folder is not read");
    told("own/checks/a.yaml", "does not end in .toml");
    told("own/checks/one.toml", "invalid type");
    told("own/checks/two.toml", "not UTF-8");
    let output = proofpack().current_dir(home.path()).args(["catalog", "validate", "none"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
}

/// What a file holds may come from anyone.
#[test]
fn nothing_in_a_file_steers_the_terminal() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join("own/checks")).unwrap();
    let text = "id = \"broken\" # \u{1b}[31m\u{9b}\nnonsense \u{1b}[2J\n";
    fs::write(home.path().join("own/checks/broken.toml"), text).unwrap();
    let (code, said) = validate(home.path(), &[]);
    assert_eq!(code, Some(1));
    assert!(!said.chars().any(|c| c.is_control() && c != '\n'), "{said:?}");
}
