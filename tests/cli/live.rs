//! The whole pipeline against a seeded world over real HTTP: what it finds is what is true there.

use proofpack::catalog::Catalog;
use serde_json::Value;

use super::place::{Place, assert_is_truth, json, outcomes, package_in};
use crate::support::collecting::asked_twice;
use crate::support::world::World;

fn run_against(world: &World, regions: &str, trail: &str) -> Place {
    let place = Place::new();
    let signing = place.keygen();
    let aws = format!("[aws]\nendpoint-url = \"{}\"\n", world.endpoint());
    place.configure(regions, &format!("{aws}{trail}{signing}"));
    place
}

/// What `verify --json` says of the run's package.
fn verdict(place: &Place, arguments: &[&str]) -> Value {
    let package = package_in(&place.path("proofpack-out"));
    let mut all = vec!["verify", "--json", package.to_str().unwrap()];
    all.extend(arguments);
    serde_json::from_str(&place.run(&all).ended(0).stdout).unwrap()
}

#[test]
fn a_run_finds_what_is_true_and_ends_with_a_package_that_verifies() {
    let world = World::shared();
    let place = run_against(world, "\"us-west-2\", \"us-east-1\"", "[trail]\nlookup-events = true\n");
    let answer = place.run(&["run"]).ended(5);
    for step in ["Collected", "Assessed", "Signed", "Packaged", "Archived", "Next: read"] {
        assert!(answer.stdout.contains(step), "{}", answer.stdout);
    }
    assert_eq!(answer.stderr, "", "nobody looks: no progress is shown");

    let out = place.path("proofpack-out");
    let assessment = json(&out.join("assessment.json"));
    assert_is_truth(&assessment, &world.truth());
    assert!(outcomes(&assessment).len() > 60);

    let verdict = verdict(&place, &["--trust", "signer.pem"]);
    assert_eq!(verdict["problems"].as_array().map(Vec::len), Some(0), "{verdict:#}");
    assert_eq!(verdict["verdict"], "verified", "{verdict:#}");
    for facet in verdict["facets"].as_array().unwrap() {
        // Nobody says of a test certificate whether it is revoked.
        let expected = if facet["facet"] == "revocation" { Value::Null } else { Value::Bool(true) };
        assert_eq!(facet["holds"], expected, "{facet}");
    }
    assert_eq!(verdict["facts"]["scope"]["regions"], serde_json::json!(["us-east-1", "us-west-2"]));

    // The denials that the world has planted are gaps, and what the event history does not have; nothing else is, and each
    // leaves something undecided.
    let manifest = json(&out.join("bundle/data/manifest.json"));
    let gaps = manifest["gaps"].as_array().unwrap();
    assert!(!gaps.is_empty());
    for gap in gaps {
        let code = gap["code"].as_str().unwrap();
        assert!(code.starts_with("AccessDenied") || code == "DataEventsNotInHistory", "{gap}");
    }
    let undecided = assessment["findings"].as_array().unwrap().iter();
    assert!(undecided.filter(|finding| finding["outcome"] == "indeterminate").count() >= gaps.len());

    // What is in the archive is the package, and the receipt says so.
    let archived = package_in(&place.path("archive"));
    let package = package_in(&out);
    assert_eq!(std::fs::read(&archived).unwrap(), std::fs::read(&package).unwrap());
    let receipt = json(&out.join(format!("{}.receipt.json", package.file_name().unwrap().to_str().unwrap())));
    assert_eq!(receipt["bytes"], std::fs::metadata(&package).unwrap().len());

    // A second run into the same folder replaces nothing.
    place.run(&["run"]).failed(6, &["proofpack-out/bundle exists already", "never overwritten"]);

    // Somebody else neither packages what the first signed nor signs in its place, but adds a signature.
    place
        .run(&["keygen", "--name", "Other", "--certificate", "other.pem", "--key", "other-key.pem"])
        .ended(0);
    let settings = std::fs::read_to_string(place.path("proofpack.toml")).unwrap();
    place.write(
        "proofpack.toml",
        settings.replace("signer.pem", "other.pem").replace("signer-key.pem", "other-key.pem"),
    );
    place.run(&["package"]).failed(3, &["report.pdf was first signed by CN=TEST proofpack"]);
    place.run(&["sign"]).failed(3, &["report.pdf is signed by CN=TEST proofpack", "would drop"]);
    place.run(&["run"]).failed(3, &["report.pdf is signed by CN=TEST proofpack", "would drop"]);
    place.run(&["sign", "--role", "approver"]).ended(0);
    let report = out.join("report.pdf").display().to_string();
    let told =
        place.run(&["verify", &report, "--trust", "signer.pem", "--trust", "other.pem"]).ended(0).stdout;
    assert!(
        told.contains("signed, as approver, by CN=TEST Other") && told.contains("\nVERIFIED: "),
        "{told}"
    );
}

#[test]
fn a_collection_asks_no_question_twice() {
    let world = World::seeded();
    let place = run_against(&world, "\"us-west-2\", \"us-east-1\"", "[trail]\nlookup-events = true\n");
    place.run(&["collect"]).ended(5);
    let twice = asked_twice(&world, &Catalog::embedded().unwrap());
    assert!(twice.is_empty(), "{}", twice.join("\n"));
}

#[test]
fn a_bare_account_is_told_truly_too() {
    let world = World::start();
    world.seed("bare");
    let place = run_against(&world, "\"us-east-1\"", "");
    let answer = place.run(&["run"]);
    let out = place.path("proofpack-out");
    let assessment = json(&out.join("assessment.json"));
    assert_is_truth(&assessment, &world.truth());
    let gaps = json(&out.join("bundle/data/manifest.json"))["gaps"].as_array().unwrap().len();
    assert_eq!(answer.code, if gaps == 0 { 0 } else { 5 }, "{answer:?}");
    let absent = assessment["findings"].as_array().unwrap().iter();
    assert!(absent.filter(|finding| finding["outcome"] == "not-applicable").count() > 10);
    assert_eq!(verdict(&place, &[])["verdict"], "signer-not-trusted");
}

#[test]
fn quarters_that_are_run_one_after_the_other_form_a_chain() {
    let world = World::start();
    world.seed("bare");
    let place = Place::new();
    let signing = place.keygen();
    let quarter = |start: &str, end: &str| {
        let aws = format!("[aws]\nendpoint-url = \"{}\"\n", world.endpoint());
        let more = format!("period-start = \"{start}\"\nperiod-end = \"{end}\"\n{aws}{signing}");
        place.configure("\"us-east-1\"", &more);
        let configuration = std::fs::read_to_string(place.path("proofpack.toml")).unwrap();
        place.write("proofpack.toml", format!("previous = \"archive\"\n{configuration}"));
        let _ = std::fs::remove_dir_all(place.path("proofpack-out"));
        let answer = place.run(&["run", "--json"]);
        assert!([0, 5].contains(&answer.code));
        let told: Value = serde_json::from_str(&answer.stdout).unwrap();
        assert!(
            told["assessed"]["frameworks"][0]["controls"]["not-satisfied"].as_u64().unwrap() > 0,
            "{told:#}"
        );
        assert!(told["assessed"]["findings"]["fail"].as_u64().unwrap() > 0, "{told:#}");
        assert!(place.path(told["package"].as_str().unwrap()).exists(), "{told:#}");
        assert_eq!(told["archived"]["package"].as_str().map(|name| name.ends_with(".zip")), Some(true));
        json(&place.path("proofpack-out/bundle/data/manifest.json"))["previous-manifest-sha256"].clone()
    };
    assert!(quarter("2026-01-01", "2026-03-31").is_null(), "the archive is empty");
    let first = quarter("2026-04-01", "2026-06-30");
    let second = quarter("2026-07-01", "2026-09-30");
    assert!(first.is_string() && second.is_string() && first != second);
    let told = place.run(&["archive", "verify"]).ended(0).stdout;
    assert!(told.contains("CHAIN WHOLE: 3 packages"), "{told}");
    // The copy that the report was compared with stays beside the rest.
    assert!(place.path("proofpack-out/previous.zip").exists());
    let told = place.run(&["diff", "proofpack-out/previous.zip", "proofpack-out"]).ended(0).stdout;
    assert!(told.contains("Controls:"), "{told}");
}

#[test]
fn a_throttled_and_an_expired_call_are_gaps_and_never_a_pass() {
    let world = World::start();
    world.seed("bare");
    world.plant(
        serde_json::json!({"kind": "expired", "service": "iam", "operation": "GetAccountPasswordPolicy"}),
    );
    world.plant(serde_json::json!({"kind": "html", "service": "guardduty", "operation": "ListDetectors"}));
    let place = run_against(&world, "\"us-east-1\"", "");
    place.run(&["collect"]).ended(5);
    place.run(&["assess"]).ended(0);
    let found = outcomes(&json(&place.path("proofpack-out/assessment.json")));
    for check in ["iam-password-policy", "guardduty-enabled"] {
        for (arn, outcome) in &found[check] {
            assert_eq!(outcome, "indeterminate", "{check} {arn}");
        }
    }
}
