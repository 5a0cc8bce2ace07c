//! `proofpack diff` and what the report says of it: the demonstration's account, and the same a quarter later.

use std::fs;
use std::sync::OnceLock;

use serde_json::Value;

use super::demo::Demo;
use super::place::{Answer, Place};
use crate::support::quarters::next_quarter;

/// The quarter after the demonstration's, assessed: one of its exceptions has lapsed.
fn later() -> &'static Place {
    static LATER: OnceLock<Place> = OnceLock::new();
    LATER.get_or_init(|| {
        let (place, demo) = (Place::new(), Demo::shared());
        next_quarter(&demo.path("bundle"), place.root());
        let exceptions = fs::read_to_string(demo.path("exceptions.toml")).unwrap();
        let lapsed = exceptions.replacen("expires = 2027-06-30", "expires = 2026-12-31", 1);
        assert_ne!(exceptions, lapsed);
        place.write("exceptions.toml", lapsed);
        let configuration = fs::read_to_string(demo.path("proofpack.toml")).unwrap();
        let previous = format!("previous = {:?}\n[scope]", demo.package());
        place.write("proofpack.toml", configuration.replacen("[scope]", &previous, 1));
        place.run(&["assess"]).ended(0);
        place
    })
}

fn diff(arguments: &[&str]) -> Answer {
    let package = Demo::shared().package();
    let later = later().root().to_str().unwrap();
    later_run(&[&["diff", package.to_str().unwrap(), later], arguments].concat())
}

fn later_run(arguments: &[&str]) -> Answer {
    later().run(arguments)
}

fn comparison() -> Value {
    serde_json::from_str(&diff(&["--json"]).ended(0).stdout).unwrap()
}

/// The ids of subjects.
fn ids(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|row| row.get("subject").unwrap_or(row)["id"].as_str().unwrap())
        .collect()
}

/// The resources whose findings of `check` mean this.
fn drifted<'a>(comparison: &'a Value, check: &str, drift: &str) -> Vec<&'a str> {
    let findings = comparison["findings"].as_array().unwrap().iter();
    let of_check = findings.filter(|row| row["check"] == check && row["drift"] == drift);
    of_check.map(|row| row["subject"]["id"].as_str().unwrap()).collect()
}

#[test]
fn what_came_went_and_changed_is_told_and_what_cannot_be_seen_is_not() {
    let comparison = comparison();
    let resources = &comparison["resources"];
    assert_eq!(ids(&resources["added"]), ["arn:aws:sns:us-east-1:123456789012:openemr-new"]);
    assert_eq!(ids(&resources["removed"]), ["openemr-legacy-uploads"]);
    // The queues cannot be listed any more: nobody knows that they are gone.
    assert_eq!(ids(&resources["no-longer-seen"]), ["arn:aws:sqs:us-east-1:123456789012:openemr-mail"]);
    assert_eq!(ids(&resources["first-seen"]), Vec::<&str>::new());
    let changed: Vec<&str> = ids(&resources["changed"]);
    assert!(
        changed.contains(&"openemr-rds-export") && changed.contains(&"openemr-efs-export"),
        "{changed:?}"
    );
    let export = resources["changed"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["subject"]["id"] == "openemr-rds-export");
    assert_eq!(
        export.unwrap()["properties"]["versioning"],
        serde_json::json!({"before": "Enabled", "after": "Suspended"})
    );

    assert_eq!(drifted(&comparison, "s3-bucket-versioning", "new-failure"), ["openemr-rds-export"]);
    assert_eq!(drifted(&comparison, "s3-bucket-versioning", "resolved"), ["openemr-efs-export"]);
    assert_eq!(drifted(&comparison, "s3-bucket-versioning", "gone"), ["openemr-legacy-uploads"]);
    let smtp = drifted(&comparison, "iam-user-no-inline-policies", "new-failure");
    assert_eq!(smtp.len(), 1, "its exception has lapsed: {smtp:?}");
    let lapsed: Vec<&Value> =
        comparison["exceptions"].as_array().unwrap().iter().filter(|row| row["lapsed"] == true).collect();
    assert_eq!(lapsed.len(), 1);
    assert_eq!(lapsed[0]["check"], "iam-user-no-inline-policies");

    // A queue's findings are gone with the list: that is no resolution.
    let queues = comparison["findings"].as_array().unwrap().iter();
    let queues: Vec<&Value> = queues.filter(|row| row["subject"]["kind"] == "sqs-queue").collect();
    assert!(
        !queues.is_empty() && queues.iter().all(|row| row["drift"] != "gone" && row["drift"] != "resolved")
    );
    assert!(queues.iter().any(|row| row["drift"] == "no-longer-decided"), "{queues:#?}");
}

#[test]
fn records_that_came_went_or_were_answered_otherwise_are_counted_by_call() {
    let comparison = comparison();
    let of = |operation: &str| -> Vec<&Value> {
        comparison["records"].as_array().unwrap().iter().filter(|row| row["operation"] == operation).collect()
    };
    let gone = of("GetBucketVersioning");
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0]["parameters"]["Bucket"], "openemr-legacy-uploads");
    assert!(gone[0]["record"]["after"].is_null());
    let queues = of("ListQueues");
    assert_eq!((queues.len(), &queues[0]["record"]["after"]["gap"]), (1, &Value::Bool(true)));
    assert!(of("ListTopics").is_empty(), "it was answered on both sides");
}

#[test]
fn a_bundle_does_not_differ_from_itself_and_the_other_way_round_is_the_opposite() {
    let package = Demo::shared().package();
    let package = package.to_str().unwrap();
    let same = later_run(&["diff", package, package]).ended(0).stdout;
    assert!(same.contains("Both are of the same bundle."), "{same}");
    assert_eq!(same.matches(": no change\n").count(), 7, "{same}");
    let back = later_run(&["diff", later().root().to_str().unwrap(), package, "--json"]).ended(0).stdout;
    let back: Value = serde_json::from_str(&back).unwrap();
    assert_eq!(ids(&back["resources"]["added"]), ["openemr-legacy-uploads"]);
    assert_eq!(ids(&back["resources"]["removed"]), ["arn:aws:sns:us-east-1:123456789012:openemr-new"]);
    // It could not be seen on the other side, so nobody knows whether it is new.
    assert_eq!(ids(&back["resources"]["first-seen"]), ["arn:aws:sqs:us-east-1:123456789012:openemr-mail"]);
}

#[test]
fn the_words_are_these() {
    let words = diff(&[]).ended(0).stdout;
    insta::with_settings!({ filters => vec![(r"[0-9a-f]{64}", "<SHA-256>")] }, {
        insta::assert_snapshot!("diff", words);
    });
}

#[test]
fn what_cannot_be_compared_is_refused_with_its_place() {
    let place = Place::new();
    place.run(&["diff", "none.zip", "none.zip"]).failed(3, &["none.zip"]);
    fs::create_dir(place.path("empty")).unwrap();
    let package = Demo::shared().package();
    let package = package.to_str().unwrap();
    place.run(&["diff", package, "empty"]).failed(3, &["empty", "name a package, or a folder with a bundle"]);
    // An assessment of another bundle beside the bundle.
    let (from, to) = (later().path("bundle"), place.path("mixed/bundle"));
    super::place::copy(&from, &to);
    fs::copy(Demo::shared().path("assessment.json"), place.path("mixed/assessment.json")).unwrap();
    place.run(&["diff", package, "mixed"]).failed(3, &["mixed", "assess it again"]);
}

#[test]
fn the_report_says_what_changed_and_refuses_another_predecessor() {
    let place = later();
    place.run(&["report"]).ended(0);
    let pdf = place.path("report-unsigned.pdf");
    let text = crate::support::succeed(
        crate::support::python_tool("python")
            .arg("tests/report/extract_text.py")
            .arg(&pdf)
            .current_dir(crate::support::root()),
    );
    let text = String::from_utf8(text.stdout).unwrap();
    for told in
        ["Since the period before", "New failures", "openemr-rds-export", "not seen any more", "Lapsed:"]
    {
        assert!(text.contains(&told.replace(' ', "")), "{told:?} is not in the report");
    }
    // A bundle that names another predecessor than the configuration does.
    let other = Place::new();
    super::place::copy(place.root(), other.root());
    let configuration = fs::read_to_string(other.path("proofpack.toml")).unwrap();
    let wrong = configuration.replace(Demo::shared().package().to_str().unwrap(), ".");
    other.write("proofpack.toml", wrong);
    other.run(&["report"]).failed(3, &["is not the package that the bundle was collected after"]);
}

#[test]
fn the_period_before_must_begin_earlier() {
    let place = Place::new();
    let signing = place.keygen();
    let previous = Demo::shared().package();
    place.configure(
        r#""us-east-1""#,
        &format!("period-start = 2026-07-01\nperiod-end = 2026-09-30\n{signing}"),
    );
    let configuration = fs::read_to_string(place.path("proofpack.toml")).unwrap();
    place.write("proofpack.toml", format!("previous = {previous:?}\n{configuration}"));
    place.run(&["collect"]).failed(3, &["`previous` names", "2026-07-01", "must begin earlier"]);
}
