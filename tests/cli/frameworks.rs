//! Several frameworks, one's own among them, from the configuration to a package that verifies.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::demo::Demo;
use super::place::{Place, json, package_in};

const OWN: &str = "id = \"our-rules\"\ntitle = \"Our own rules\"\nedition = \"2026\"\n[[control]]\nid = \"keep\"\ntitle = \"Keep what was written\"\nkind = \"standard\"\ngroup = \"All\"\nobligation = \"required\"\nguidance = \"Look at the buckets.\"\nchecks = [\"s3-bucket-versioning\", \"our-buckets-are-named\"]\n";
const OWN_CHECK: &str = "id = \"our-buckets-are-named\"\ntitle = \"Buckets have names\"\nresource = \"s3-bucket\"\nseverity = \"low\"\nrationale = \"They do.\"\nneeds = [\"versioning\"]\nexpression = \"resource.versioning != 'x' && size(resource.id) >= parameters.shortest_name\"\nmessage = \"${resource.id} has a short name.\"\nremediation = \"Name it.\"\n[parameters]\nshortest_name = { default = 1, unit = \"characters\", source = \"Our naming rules\" }\n[[case]]\nname = \"a\"\noutcome = \"pass\"\nproperties = { versioning = \"Enabled\" }\n[[case]]\nname = \"b\"\noutcome = \"fail\"\nproperties = { versioning = \"x\" }\n[[case]]\nname = \"c\"\noutcome = \"indeterminate\"\n";

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// A place with the demonstration's bundle, a framework of its own and a key.
fn place_with_own_framework() -> Place {
    let place = Place::new();
    for folder in ["own/frameworks", "own/checks"] {
        fs::create_dir_all(place.path(folder)).unwrap();
    }
    place.write("own/frameworks/our-rules.toml", OWN);
    place.write("own/checks/our-buckets-are-named.toml", OWN_CHECK);
    copy(&Demo::shared().path("bundle"), &place.path("proofpack-out/bundle"));
    let signing = place.keygen();
    let settings = format!(
        "organization = \"Tests\"\nframework = [\"hipaa-security-rule\", \"our-rules\"]\n[scope]\nregions = [\"us-east-1\"]\n[catalog]\nfolders = [\"own\"]\n[parameters]\nshortest_name = 5\n{signing}"
    );
    place.write("proofpack.toml", settings);
    place
}

fn ids(assessment: &Value) -> Vec<&str> {
    let frameworks = assessment["frameworks"].as_array().unwrap().iter();
    frameworks.map(|framework| framework["reference"]["id"].as_str().unwrap()).collect()
}

#[test]
fn a_package_over_several_frameworks_verifies_with_the_same_catalog() {
    let place = place_with_own_framework();
    assert_eq!(place.run(&["catalog", "validate", "own"]).ended(0).stderr, "");
    let said = place.run(&["assess"]).ended(0).stdout;
    assert!(
        said.contains("Controls of hipaa-security-rule: ") && said.contains("Controls of our-rules: "),
        "{said}"
    );
    let assessment = json(&place.path("proofpack-out/assessment.json"));
    assert_eq!(ids(&assessment), ["hipaa-security-rule", "our-rules"]);
    assert_eq!(
        assessment["parameters"]["shortest_name"],
        serde_json::json!({"value": 5, "default": 1, "unit": "characters", "source": "Our naming rules"})
    );
    for step in ["report", "sign", "package"] {
        place.run(&[step]).ended(0);
    }
    let package = package_in(&place.path("proofpack-out"));
    let verify = |more: &[&str]| {
        let arguments = [&["verify", package.to_str().unwrap(), "--json"], more].concat();
        let answer = place.run(&arguments);
        (answer.code, serde_json::from_str::<Value>(&answer.stdout).unwrap())
    };
    let (code, verdict) = verify(&["--catalog", "own"]);
    assert_eq!((code, &verdict["problems"]), (0, &serde_json::json!([])));
    assert_eq!(verdict["facts"]["frameworks"], serde_json::json!(["hipaa-security-rule", "our-rules"]));
    assert_eq!(verdict["facts"]["own-catalog"], true);
    // Whoever has only the package verifies it with the catalog in it, and is told that this is another than the program's.
    let (code, verdict) = verify(&[]);
    assert_eq!((code, &verdict["problems"]), (0, &serde_json::json!([])));
    assert_eq!(verdict["facts"]["own-catalog"], false);
    let error = verdict["facts"]["today"]["error"].as_str().unwrap();
    assert!(error.contains("no framework our-rules"), "{error}");
}

#[test]
fn what_this_programs_own_catalog_would_decide_is_told_of_a_package_made_with_another() {
    let place = Place::new();
    fs::create_dir_all(place.path("own/checks")).unwrap();
    let check = fs::read_to_string("src/catalog/checks/s3-bucket-tls-only.toml").unwrap();
    let expression = check.lines().find(|line| line.starts_with("expression = ")).unwrap();
    place.write(
        "own/checks/s3-bucket-tls-only.toml",
        check.replace(expression, "expression = \"resource.policy == resource.policy\""),
    );
    copy(&Demo::shared().path("bundle"), &place.path("proofpack-out/bundle"));
    let signing = place.keygen();
    let catalog = "[catalog]\nfolders = [\"own\"]\nreplaces = true\n";
    place.configure("\"us-east-1\"", &format!("{catalog}{signing}"));
    for step in ["assess", "report", "sign", "package"] {
        place.run(&[step]).ended(0);
    }
    let package = package_in(&place.path("proofpack-out"));
    let words = place.run(&["verify", package.to_str().unwrap()]).ended(0).stdout;
    assert!(
        words.contains("assessed with the catalog in the package, which is not that of this program"),
        "{words}"
    );
    assert!(words.contains("164.312(e)(2)(i): ") && words.contains("; today not satisfied"), "{words}");
    let words = place.run(&["verify", package.to_str().unwrap(), "--catalog", "own"]).ended(0).stdout;
    assert!(!words.contains("which is not that of this program"), "{words}");
}

#[test]
fn frameworks_can_be_named_for_one_run_and_mistakes_are_told() {
    let place = place_with_own_framework();
    let one = place.run(&["assess", "--framework", "our-rules", "--json"]).ended(0).stdout;
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(ids(&one), ["our-rules"]);
    let checks = one["checks"].as_array().unwrap().iter();
    let checks: Vec<&str> = checks.map(|check| check["id"].as_str().unwrap()).collect();
    assert_eq!(checks, ["our-buckets-are-named", "s3-bucket-versioning"]);
    let fails = |arguments: &[&str], parts: &[&str]| {
        place.run(&[&["assess"], arguments].concat()).failed(3, parts);
    };
    fails(&["--framework", "soc-9"], &["no framework \"soc-9\"", "our-rules"]);
    fails(&["--framework", "our-rules", "--framework", "our-rules"], &["twice"]);
}

#[test]
fn controls_and_parameters_are_listed_and_shown() {
    let place = place_with_own_framework();
    let own = ["--catalog", "own"];
    let run = |arguments: &[&str]| place.run(&[arguments, &own].concat()).ended(0).stdout;
    let rows: Value = serde_json::from_str(&run(&["controls", "list", "--json"])).unwrap();
    assert!(rows.as_array().unwrap().len() >= 2);
    let listed = run(&["controls", "list", "--framework", "our-rules"]);
    assert!(listed.contains("keep") && listed.contains("(2 checks)") && !listed.contains("164."), "{listed}");
    let shown = run(&["controls", "show", "keep"]);
    for part in ["Our own rules", "our-buckets-are-named: Buckets have names", "What is examined: Look at"] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    let shown = run(&["controls", "show", "164.312(a)(2)(iv)", "--json"]);
    assert!(serde_json::from_str::<Value>(&shown).unwrap()[0]["checks"].as_array().unwrap().len() > 1);
    let checks = run(&["checks", "list", "--framework", "our-rules"]);
    assert!(checks.ends_with("2 checks; `proofpack checks show ID` tells all about one\n"), "{checks}");
    let parameters = run(&["checks", "parameters"]);
    assert!(
        parameters.contains("shortest_name = 1 characters\n  source  Our naming rules\n"),
        "{parameters}"
    );
    let rows: Value = serde_json::from_str(&run(&["checks", "parameters", "--json"])).unwrap();
    assert!(rows.to_string().contains("\"our-buckets-are-named\""), "{rows}");
    for (arguments, part) in [
        (["controls", "show", "164.312(a)(2)(vi)"], "did you mean"),
        (["checks", "show", "s3-bucket-versionning"], "did you mean s3-bucket-versioning?"),
    ] {
        place.run(&arguments).failed(3, &[part]);
    }
}
