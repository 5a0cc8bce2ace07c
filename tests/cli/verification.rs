//! `docs/verification.md`: its commands do what it says, and fail on a package that was altered.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::demo::Demo;
use super::place::Place;
use crate::support::{hermetic, python_tool, root, succeed};

/// The commands of the document, but for those of programs that `tests/outside/run` brings and runs.
fn commands() -> String {
    let text = fs::read_to_string(root().join("docs/verification.md")).unwrap();
    // A sample is another folder; `sampling.rs` has one.
    let (text, _) = text.split_once("\n## 11. A sample").unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let elsewhere = |line: &&str| !line.starts_with("unzip ") && !line.starts_with("pdfsig ");
    let lines: Vec<&str> = blocks.flat_map(str::lines).filter(elsewhere).collect();
    assert!(lines.len() > 40 && lines.iter().filter(|line| line.starts_with("openssl")).count() == 3);
    lines.join("\n")
}

/// A folder with the demonstration's package, unpacked, and its receipt.
fn unpacked() -> Place {
    let place = Place::new();
    let package = Demo::shared().package();
    let name = package.file_name().unwrap().to_str().unwrap();
    for file in [name.to_owned(), format!("{name}.receipt.json"), format!("{name}.receipt.json.p7s")] {
        fs::copy(Demo::shared().path(&file), place.path(&file)).unwrap();
    }
    succeed(python_tool("python").args(["-m", "zipfile", "-e", name, "."]).current_dir(place.root()));
    place
}

fn run(place: &Place) -> Output {
    let tools = python_tool("python").get_program().to_str().unwrap().trim_end_matches("/python").to_owned();
    let mut bash = Command::new("bash");
    hermetic(&mut bash).args(["-euo", "pipefail", "-c", &commands()]).current_dir(place.root());
    bash.env("PATH", format!("{tools}:{}", std::env::var("PATH").unwrap())).output().unwrap()
}

fn folder(place: &Place) -> std::path::PathBuf {
    let entries = fs::read_dir(place.root()).unwrap().map(|entry| entry.unwrap().path());
    entries.into_iter().find(|path| path.is_dir()).unwrap()
}

#[test]
fn the_commands_of_the_document_check_a_package() {
    let output = run(&unpacked());
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    for told in ["630 records, Merkle root ", "from this bundle", "follows None"] {
        assert!(said.contains(told), "{told}: {said}");
    }
}

#[test]
fn they_fail_on_a_package_that_was_altered() {
    let change = |name: &'static str, alter: fn(&Path)| {
        let place = unpacked();
        alter(&folder(&place).join(name));
        let output = run(&place);
        assert!(!output.status.success(), "{name} was altered, and no command minds: {output:?}");
    };
    let flip = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    for name in
        ["report.pdf", "bundle/data/manifest.json", "assessment.json", "catalog.json", "manifest.json.p7s"]
    {
        change(name, flip);
    }
    change("added.txt", |path| fs::write(path, "a").unwrap());
    change("assessment.json", |path| fs::remove_file(path).unwrap());
    let place = unpacked();
    let receipt = fs::read_dir(place.root()).unwrap().map(|entry| entry.unwrap().path());
    let receipt = receipt.into_iter().find(|path| path.to_string_lossy().ends_with(".receipt.json")).unwrap();
    let text = fs::read_to_string(&receipt).unwrap();
    fs::write(&receipt, text.replace("\"version\":1", "\"version\":2")).unwrap();
    assert!(!run(&place).status.success());
}
