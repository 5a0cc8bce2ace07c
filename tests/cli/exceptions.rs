//! `proofpack exceptions`: from failures to a draft, from a draft to a file that is in force.

use std::fs;

use serde_json::Value;

use super::demo::Demo;
use super::place::{Answer, Place, copy, json};

/// The demonstration's folder, to be changed.
fn demo_place() -> Place {
    let place = Place::new();
    copy(&Demo::shared().path(""), place.root());
    place
}

fn run(place: &Place, arguments: &[&str]) -> Answer {
    place.run(&[arguments, &["--out", "."]].concat())
}

#[test]
fn a_draft_holds_the_open_failures_and_is_in_force_only_when_it_is_filled_in() {
    let place = demo_place();
    let open = |place: &Place| {
        let assessment = json(&place.path("assessment.json"));
        let findings = assessment["findings"].as_array().unwrap();
        findings.iter().filter(|one| one["outcome"] == "fail" && one["exception"].is_null()).count()
    };
    let failures = open(&place);
    assert!(failures > 3);
    run(&place, &["exceptions", "propose"]).ended(0);
    let draft = fs::read_to_string(place.path("exceptions-draft.toml")).unwrap();
    assert_eq!(draft.matches("[[exception]]").count(), failures);
    // The bucket with the hostile tag is in it, and nothing of it acts.
    assert!(!draft.contains(['\u{202e}', '\u{200d}', '\u{1b}']));

    // A draft is refused as it is, by lint and by assess, with the place of what is missing.
    let lint = run(&place, &["exceptions", "lint", "exceptions-draft.toml"]).ended(1).stdout;
    assert!(lint.contains("exceptions-draft.toml, line ") && lint.contains("owner is still"), "{lint}");
    assert!(lint.contains("the file is not accepted as it is"), "{lint}");
    fs::copy(place.path("exceptions-draft.toml"), place.path("exceptions.toml")).unwrap();
    run(&place, &["assess"]).failed(3, &["exceptions.toml, line ", "owner is still", "exceptions lint"]);

    // Filled in it is accepted, and no failure is left.
    let filled = draft
        .replace("<why the failure is accepted>", "r")
        .replace("<who answers for the risk>", "o")
        .replace("<who approved it; not the owner>", "a")
        .replace("<date of the approval, such as 2026-12-31>", "2026-01-01")
        .replace("<last day on which it holds>", "2999-12-31")
        .replace("<what reduces the risk instead; or remove this line>", "c");
    place.write("exceptions.toml", filled);
    run(&place, &["exceptions", "lint"]).ended(0);
    run(&place, &["assess"]).ended(0);
    // Those that the demonstration's own exceptions covered are open again, as these no longer stand in the file.
    let again = run(&place, &["exceptions", "propose", "second.toml"]).ended(0).stdout;
    assert!(again.contains("second.toml") && open(&place) > 0, "{again}");
    let covered = json(&place.path("assessment.json"))["exceptions"].as_array().unwrap().len();
    assert_eq!(covered, failures);
}

#[test]
fn a_draft_overwrites_nothing_and_can_be_of_one_check() {
    let place = demo_place();
    place.write("exceptions-draft.toml", "mine");
    run(&place, &["exceptions", "propose"])
        .failed(6, &["exceptions-draft.toml exists already", "another file"]);
    assert_eq!(fs::read_to_string(place.path("exceptions-draft.toml")).unwrap(), "mine");
    let assessment = json(&place.path("assessment.json"));
    let failed = assessment["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["outcome"] == "fail" && finding["exception"].is_null());
    let check = failed.unwrap()["check"].as_str().unwrap();
    run(&place, &["exceptions", "propose", "--check", check, "one.toml"]).ended(0);
    let draft = fs::read_to_string(place.path("one.toml")).unwrap();
    assert_eq!(draft.matches("# ==== ").count(), 1);
    assert_eq!(
        draft.matches("[[exception]]").count(),
        draft.matches(&format!("check = \"{check}\"")).count()
    );
    run(&place, &["exceptions", "propose", "--check", "nothing", "two.toml"])
        .failed(3, &["no check \"nothing\""]);
    assert!(!place.path("two.toml").exists());
}

#[test]
fn lint_is_for_people_and_for_scripts() {
    let place = demo_place();
    // As of the demonstration one of its exceptions has expired.
    let on = json(&place.path("assessment.json"))["as-of"].as_str().unwrap()[..10].to_owned();
    let words = run(&place, &["exceptions", "lint", "--on", &on]).ended(1).stdout;
    assert!(
        words.contains("exceptions.toml, line ") && words.contains("it expired on 2026-08-31"),
        "{words}"
    );
    assert!(words.contains("6 exceptions on ") && words.contains("1 problem\n"), "{words}");
    let printed = run(&place, &["exceptions", "lint", "--on", &on, "--json"]).ended(1).stdout;
    let printed: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((&printed["exceptions"], &printed["refused"]), (&Value::from(6), &Value::from(false)));
    let problem = &printed["problems"][0];
    assert_eq!(problem["problem"], "expired");
    let line = usize::try_from(problem["line"].as_u64().unwrap()).unwrap();
    let file = fs::read_to_string(place.path("exceptions.toml")).unwrap();
    assert_eq!(file.lines().nth(line - 1), Some("expires = 2026-08-31"));

    fs::remove_file(place.path("assessment.json")).unwrap();
    let alone = run(&place, &["exceptions", "lint", "--on", "2026-08-01"]).ended(0).stdout;
    assert!(alone.contains("no problem") && alone.contains("not judged: there is no"), "{alone}");
    place.write("exceptions.toml", "[[exception]\n");
    run(&place, &["exceptions", "lint"]).ended(1);
    run(&place, &["exceptions", "lint", "none.toml"]).failed(3, &["none.toml"]);
    let place = Place::new();
    place.configure("\"us-east-1\"", "");
    place.run(&["exceptions", "lint"]).failed(3, &["names no exceptions"]);
    place.run(&["exceptions", "propose"]).failed(3, &["assessment.json", "proofpack assess"]);
}
