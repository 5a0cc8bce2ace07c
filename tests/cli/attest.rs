//! From a person's statement to a package that holds it: `attest`, `bundle amend`, and what verification says.

use std::fs;
use std::path::Path;

use proofpack::canonical::sha256;
use serde_json::Value;

use super::demo::Demo;
use super::place::{Answer, Place, copy, json, package_in};

const PDF: &[u8] = b"%PDF-1.7 a sanction policy";

/// The demonstration's folder, to be changed, with its signing key configured.
fn demo_place() -> Place {
    let place = Place::new();
    copy(&Demo::shared().path(""), place.root());
    let config = fs::read_to_string(place.path("proofpack.toml")).unwrap();
    let signing = "[signing]\ncertificate = \"signer.pem\"\nkey = \"signer-key.pem\"\n";
    place.write("proofpack.toml", format!("{config}\n{signing}"));
    place.write("sanctions.pdf", PDF);
    place
}

fn attest(place: &Place, more: &[&str]) -> Answer {
    let who = ["--by", "Ada Park", "--role", "Security officer"];
    place.run(&[&["attest", "sanction-policy"], &who[..], more].concat())
}

fn status_of(assessment: &Value, control: &str) -> String {
    let all = assessment["frameworks"].as_array().unwrap().iter();
    let found = all
        .flat_map(|framework| framework["controls"].as_array().unwrap())
        .find(|one| one["id"] == control)
        .unwrap();
    found["status"].as_str().unwrap().to_owned()
}

/// Every file of the bag that holds what AWS answered.
fn of_aws(bag: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = crate::support::bundles::files_below(bag)
        .into_iter()
        .filter(|(path, _)| path.starts_with("data/aws/") || path.starts_with("data/trail/"))
        .collect();
    files.sort();
    files
}

#[test]
fn a_statement_becomes_proof_of_its_control_and_the_package_with_it_verifies() {
    let place = demo_place();
    const CONTROL: &str = "164.308(a)(1)(ii)(C)";
    assert_eq!(status_of(&json(&place.path("assessment.json")), CONTROL), "attestation-missing");
    let said = attest(&place, &["--file", "sanctions.pdf"]).ended(0).stdout;
    assert!(said.contains("1 file, 26 bytes") && said.contains("it holds until "), "{said}");
    assert!(said.contains("proofpack bundle amend"), "{said}");

    let before = of_aws(&place.path("bundle"));
    let old = sha256(&fs::read(place.path("bundle/data/manifest.json")).unwrap());
    // The demonstration has gaps, and says so again.
    let said = place.run(&["bundle", "amend"]).ended(5).stdout;
    let kept = format!("bundle-{}", &old.to_string()[..12]);
    assert!(said.contains("1 attestations and imports more, 0 fewer") && said.contains(&kept), "{said}");
    assert_eq!(of_aws(&place.path("bundle")), before);
    assert_eq!(of_aws(&place.path(&kept)), before, "the bundle before is kept");
    let manifest = json(&place.path("bundle/data/manifest.json"));
    assert_eq!(manifest["amends-sha256"], old.to_string());
    let file = format!("bundle/data/manual/files/{}", sha256(PDF));
    assert_eq!(fs::read(place.path(&file)).unwrap(), PDF);
    place.run(&["bundle", "amend"]).ended(0);

    // The steps after it, in order; the package before stays where it is.
    for step in ["assess", "report", "sign", "package"] {
        place.run(&[step]).ended(0);
    }
    let assessment = json(&place.path("assessment.json"));
    assert_ne!(status_of(&assessment, CONTROL), "attestation-missing");
    let register = assessment["attestations"].as_array().unwrap();
    let entry = register.iter().find(|entry| entry["id"] == "sanction-policy").unwrap();
    assert_eq!(entry["state"], "holds");
    assert_eq!(entry["statement"]["files"][0]["name"], "sanctions.pdf");
    let packages: Vec<String> = fs::read_dir(place.root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".zip"))
        .collect();
    assert_eq!(packages.len(), 2, "{packages:?}");
    let package = packages.iter().find(|name| name.contains("-amended-")).unwrap();
    let said = place.run(&["verify", package]).ended(0).stdout;
    assert!(said.contains("VERIFIED, SIGNER NOT TRUSTED"), "{said}");

    // Whoever changes or removes the file in the bundle is found out.
    let bytes = fs::read(place.path(&file)).unwrap();
    fs::write(place.path(&file), b"%PDF-1.7 another policy").unwrap();
    let said = place.run(&["verify", "bundle"]).ended(1).stdout;
    assert!(said.contains("[attached-differs]") && said.contains("[bag-digest]"), "{said}");
    fs::remove_file(place.path(&file)).unwrap();
    let said = place.run(&["verify", "bundle"]).ended(1).stdout;
    assert!(said.contains("[attached-missing]"), "{said}");
    place.run(&["assess"]).failed(3, &["attached-missing"]);
    fs::write(place.path(&file), bytes).unwrap();
    place.run(&["verify", "bundle"]).ended(0);
}

#[test]
fn an_amendment_that_was_interrupted_is_finished_and_the_old_bundle_goes_only_when_told() {
    let place = demo_place();
    attest(&place, &[]).ended(0);
    // Killed between the two renames: the bundle before has moved, the new one has not.
    place.run(&["bundle", "amend"]).ended(5);
    fs::rename(place.path("bundle"), place.path("bundle.amended")).unwrap();
    let said = place.run(&["bundle", "amend"]).ended(0).stdout;
    assert!(said.contains("Nothing to amend"), "{said}");
    assert!(place.path("bundle/bagit.txt").exists() && !place.path("bundle.amended").exists());
    // Killed while it was sealing, or before it moved anything: what was begun is begun anew.
    copy(&place.path("bundle"), &place.path("bundle.amended"));
    attest(&place, &["--file", "sanctions.pdf"]).ended(0);
    let count = |place: &Place| {
        let names = fs::read_dir(place.root()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with("bundle-")).count()
    };
    let kept = count(&place);
    let said = place.run(&["bundle", "amend", "--replace"]).ended(5).stdout;
    assert!(said.contains("was removed"), "{said}");
    assert_eq!(count(&place), kept);
    place.run(&["verify", "bundle"]).ended(0);
}

#[test]
fn the_list_shows_what_is_asked_for_and_until_when_it_is_there() {
    let place = demo_place();
    let listed = |place: &Place| -> Value {
        serde_json::from_str(&place.run(&["attest", "--list", "--json"]).ended(0).stdout).unwrap()
    };
    let state = |list: &Value, id: &str| {
        let rows = list["asked-for"].as_array().unwrap();
        rows.iter().find(|row| row["id"] == id).unwrap()["state"].as_str().unwrap().to_owned()
    };
    fs::remove_dir_all(place.path("attestations")).unwrap();
    assert_eq!(state(&listed(&place), "sanction-policy"), "missing");
    attest(&place, &[]).ended(0);
    attest(&place, &["--date", "2020-01-01"]).ended(0);
    let list = listed(&place);
    assert_eq!(state(&list, "sanction-policy"), "holds", "the one that was made last counts");
    let states: Vec<&str> =
        list["made"].as_array().unwrap().iter().map(|entry| entry["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["superseded", "holds"]);
    let words = place.run(&["attest", "--list"]).ended(0).stdout;
    assert!(words.contains("sanction-policy") && words.contains("holds until 20"), "{words}");
    assert!(words.contains("1 hold, 0 expired") && words.contains("MISSING"), "{words}");
    // Every template is one of something that is asked for.
    let template = place.run(&["attest", "--template", "risk-analysis"]).ended(0).stdout;
    assert!(template.starts_with("# ") && template.contains('['), "{template}");
    place.run(&["attest", "--template", "nothing"]).failed(3, &["no template", "risk-analysis"]);
}

#[test]
fn what_cannot_be_attested_is_refused_and_a_broken_folder_is_found_before_collecting() {
    let place = demo_place();
    let before = fs::read_dir(place.path("attestations")).unwrap().count();
    let who = ["--by", "Ada Park", "--role", "Security officer"];
    place
        .run(&[&["attest", "risk-analisys"], &who[..]].concat())
        .failed(3, &["\"risk-analisys\"", "proofpack attest --list"]);
    attest(&place, &["--file", "none.pdf"]).failed(3, &["none.pdf"]);
    attest(&place, &["--valid-until", "2020-01-01"]).failed(3, &["valid until 2020-01-01, before its date"]);
    attest(&place, &["--date", "2999-01-01"]).failed(3, &["after the day on which it was recorded"]);
    let answer = attest(&place, &["--statement", "The password=Tr0ub4dor&3 is in the vault"]);
    answer.failed(3, &["looks like a secret", "say it without it"]);
    assert!(!answer.stderr.contains("Tr0ub4dor"), "{}", answer.stderr);
    place.run(&["attest", "risk-analysis", "--by", "Ada"]).ended(2);
    place.run(&["attest"]).ended(2);
    assert_eq!(
        fs::read_dir(place.path("attestations")).unwrap().count(),
        before,
        "something was left behind"
    );

    place.configure("\"us-east-1\"", "[aws]\nendpoint-url = \"http://127.0.0.1:9\"\n");
    place.write("attestations/notes.txt", "mine");
    place.run(&["collect", "--out", "new"]).failed(3, &["notes.txt", "it is no folder"]);
    let config = fs::read_to_string(place.path("proofpack.toml")).unwrap();
    place.write("proofpack.toml", format!("attestations = \"elsewhere\"\n{config}"));
    place.run(&["collect", "--out", "new"]).failed(3, &["elsewhere", "cannot be listed"]);
    assert!(package_in(place.root()).exists());
}
