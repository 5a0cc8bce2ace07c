//! The examples of running it every quarter: what they call exists, what they configure is read, and the script tells how a run
//! ended.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::place::Place;
use crate::support::world::World;
use crate::support::{hermetic, python_tool, root, succeed};

fn folder() -> PathBuf {
    root().join("examples/operations")
}

fn text(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap()
}

#[test]
fn every_file_is_explained_and_every_command_exists() {
    let readme = text("README.md");
    let mut commands = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            name == "README.md" || readme.contains(&format!("`{name}`")),
            "README.md does not mention {name}"
        );
        for line in text(&name).lines() {
            let Some((_, call)) = line.split_once("proofpack ") else { continue };
            let words: Vec<&str> = call
                .split([' ', '`'])
                .take_while(|word| !["", ">", "|", "||", "&&"].contains(word))
                .collect();
            let is_command = words.first().is_some_and(|word| ["run", "archive", "verify"].contains(word));
            if is_command && !line.trim_start().starts_with(['#', '|', 'D']) {
                let arguments: Vec<&str> = words.iter().copied().chain(["--help"]).collect();
                Place::new().run(&arguments).ended(0);
                commands += 1;
            }
        }
    }
    assert!(commands >= 3, "{commands}");
}

#[test]
fn the_configuration_is_read_and_the_units_and_the_workflow_are_well_formed() {
    let place = Place::new();
    fs::copy(folder().join("proofpack.toml"), place.path("proofpack.toml")).unwrap();
    let policy = place.run(&["iam-policy", "--config", "proofpack.toml", "--archive"]).ended(0).stdout;
    assert!(
        policy.contains("arn:aws:s3:::example-evidence/hipaa/*") && policy.contains("kms:Sign"),
        "{policy}"
    );
    let check = r#"
import configparser, sys, yaml
folder = sys.argv[1]
for unit in ("service", "timer"):
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str
    parser.read(f"{folder}/proofpack-quarterly.{unit}")
    print(unit, *parser.sections())
workflow = yaml.safe_load(open(f"{folder}/github-actions.yml"))
assert workflow["permissions"] == {"contents": "read", "id-token": "write"}
print(*[step.get("name", step.get("uses")) for step in workflow["jobs"]["quarter"]["steps"]])
"#;
    let output = succeed(python_tool("python").args(["-c", check]).arg(folder()));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("service Unit Service") && said.contains("timer Unit Timer Install"), "{said}");
    assert!(said.contains("Collect, sign and archive the quarter"), "{said}");
}

#[test]
fn the_script_tells_how_a_run_ended() {
    let world = World::start();
    world.seed("bare");
    let place = Place::new();
    let signing = place.keygen();
    place.configure(
        "\"us-east-1\"",
        &format!("period = \"previous-quarter\"\n[aws]\nendpoint-url = \"{}\"\n{signing}", world.endpoint()),
    );
    place.write("notify", "#!/bin/sh\nprintf '%s\\n' \"$1\" > told\ncat > told.json\n");
    succeed(Command::new("chmod").arg("+x").arg(place.path("notify")));
    let run = |config: &str| {
        let mut bash = Command::new("bash");
        hermetic(&mut bash).arg(folder().join("quarterly.sh")).arg(config).current_dir(place.root());
        bash.env("PROOFPACK", env!("CARGO_BIN_EXE_proofpack")).env("NOTIFY", place.path("notify"));
        bash.env("OUT", place.path("quarters"));
        let code = bash.output().unwrap().status.code().unwrap();
        (code, fs::read_to_string(place.path("told")).unwrap())
    };
    let (code, told) = run("proofpack.toml");
    let expected = if code == 0 { "evidence archived\n" } else { "evidence archived, with gaps\n" };
    assert!([0, 5].contains(&code) && told == format!("proofpack: {expected}"), "{code}: {told}");
    let summary: Value = serde_json::from_slice(&fs::read(place.path("told.json")).unwrap()).unwrap();
    assert!(summary["archived"]["location"].as_str().unwrap().ends_with(".zip"), "{summary:#}");
    // What is there is not made again: not the package, not the report, not the bundle.
    let folder = fs::read_dir(place.path("quarters")).unwrap().next().unwrap().unwrap().path();
    let package = || {
        let mut names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        names.find(|path| path.extension().is_some_and(|extension| extension == "zip")).unwrap()
    };
    let bytes = fs::read(package()).unwrap();
    assert_eq!(run("proofpack.toml"), (0, "proofpack: evidence archived\n".to_owned()));
    assert!(fs::read(package()).unwrap() == bytes);
    fs::remove_file(package()).unwrap();
    fs::remove_dir_all(place.path("archive")).unwrap();
    for name in ["report.pdf", "manifest.json.p7s"] {
        fs::remove_file(folder.join(name)).unwrap();
    }
    assert_eq!(run("proofpack.toml"), (0, "proofpack: evidence archived\n".to_owned()));
    let (code, told) = run("nothing.toml");
    assert!(code == 3 && told.contains("no evidence was archived (exit code 3)"), "{code}: {told}");
}
