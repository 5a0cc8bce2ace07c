//! `proofpack access-review` over the demonstration's account.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::demo::Demo;
use super::place::{Place, copy};

fn prepared() -> Place {
    let place = Place::new();
    copy(&Demo::shared().path("bundle"), &place.path("proofpack-out/bundle"));
    place.configure("\"us-east-1\"", "");
    place
}

fn texts<'a>(items: &'a Value, member: &str) -> Vec<&'a str> {
    items.as_array().unwrap().iter().map(|item| item[member].as_str().unwrap()).collect()
}

#[test]
fn every_user_group_and_role_of_the_evidence_is_reviewed_and_every_row_names_its_records() {
    let place = prepared();
    let review: Value =
        serde_json::from_str(&place.run(&["access-review", "--json"]).ended(0).stdout).unwrap();
    let assessment = Demo::shared().assessment();
    assert_eq!(review, assessment["access-review"], "the report shows the same review");

    let reviewed: BTreeSet<&str> = texts(&review["principals"], "arn").into_iter().collect();
    let kinds = ["iam-user", "iam-group", "iam-role"];
    let resources = assessment["resources"].as_array().unwrap();
    let there = resources.iter().filter(|one| kinds.contains(&one["kind"].as_str().unwrap()));
    let there: BTreeSet<&str> = there.map(|one| one["arn"].as_str().unwrap()).collect();
    assert!(there.len() > 5 && there.is_subset(&reviewed), "{there:?} {reviewed:?}");
    assert_eq!(reviewed.len() - there.len(), 1, "and the root user");

    let evidence: BTreeSet<&str> = texts(&assessment["evidence"], "id").into_iter().collect();
    for row in review["principals"].as_array().unwrap().iter().chain(review["shared"].as_array().unwrap()) {
        let proof = row["proof"].as_array().unwrap();
        assert!(!proof.is_empty());
        assert!(proof.iter().all(|id| evidence.contains(id.as_str().unwrap())), "{row}");
    }
}

#[test]
fn the_csv_has_a_row_for_everything_and_room_for_the_decision() {
    let place = prepared();
    let told = place.run(&["access-review", "--csv", "review.csv"]).ended(0).stdout;
    assert!(told.contains("Wrote review.csv") && told.contains("Administrators"), "{told}");
    let written = fs::read_to_string(place.path("review.csv")).unwrap();
    assert_eq!(place.run(&["access-review", "--csv", "-"]).ended(0).stdout, written);
    let rows: Vec<&str> = written.split("\r\n").filter(|row| !row.is_empty()).collect();
    let review = &Demo::shared().assessment()["access-review"];
    let expected = ["principals", "shared", "gaps"].iter().map(|part| review[part].as_array().unwrap().len());
    assert_eq!(rows.len(), 1 + expected.sum::<usize>());
    assert!(rows[0].ends_with(",decision,reviewer,date,comment"), "{}", rows[0]);
    assert!(rows[1..].iter().all(|row| row.ends_with(",,,,")), "decided already");
}

#[test]
fn without_a_bundle_it_says_what_makes_one() {
    let place = Place::new();
    place.configure("\"us-east-1\"", "");
    place.run(&["access-review"]).failed(3, &["proofpack-out/bundle", "proofpack collect"]);
}
