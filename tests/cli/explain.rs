//! `checks explain`: what it shows is what the assessment says, with the values behind it.

use std::collections::BTreeMap;

use proofpack::assess::{Explained, Explainer};
use proofpack::bundle;
use proofpack::catalog::Catalog;
use proofpack::model::{Assessment, Outcome};
use serde_json::Value;

use super::demo::Demo;
use super::place::Place;

fn assessment() -> Assessment {
    serde_json::from_value(Demo::shared().assessment()).unwrap()
}

#[test]
fn every_finding_is_explained_as_it_was_judged() {
    let assessment = assessment();
    let bundle = bundle::read(&Demo::shared().path("bundle")).unwrap();
    let catalog = Catalog::embedded().unwrap();
    let given: BTreeMap<String, Value> =
        assessment.parameters.iter().map(|(name, used)| (name.clone(), used.value.clone())).collect();
    let explainer = Explainer::new(&bundle, &catalog, &given, assessment.as_of).unwrap();
    let mut explained = BTreeMap::new();
    for finding in assessment.findings.iter().filter(|finding| finding.subject.arn != "*") {
        let what = Explained::parse(&finding.subject.arn);
        let all = explainer.explain(&finding.check, &what).unwrap();
        let one = all.iter().find(|one| one.subject == finding.subject);
        let one = one.unwrap_or_else(|| panic!("{} of {:?}", finding.check, finding.subject));
        let place = format!("{} of {}", finding.check, finding.subject.arn);
        assert_eq!(
            (one.outcome, one.message.as_str()),
            (finding.outcome, finding.message.as_str()),
            "{place}"
        );
        assert_eq!(one.proof, finding.proof.ids(), "{place}");
        let whole = one.predicate.first().unwrap_or_else(|| panic!("{place}: no predicate"));
        match finding.outcome {
            Outcome::Pass => assert_eq!(whole.value, Some(Value::Bool(true)), "{place}"),
            Outcome::Fail => assert_eq!(whole.value, Some(Value::Bool(false)), "{place}"),
            // A need that is not known makes a finding indeterminate even where the predicate could do without.
            Outcome::Indeterminate => assert!(
                whole.value.is_none() || one.properties.iter().any(|property| property.value.is_none()),
                "{place}: {one:?}"
            ),
            Outcome::NotApplicable => panic!("{place}: not applicable to one resource"),
        }
        *explained.entry(finding.outcome).or_insert(0) += 1;
    }
    for outcome in [Outcome::Pass, Outcome::Fail, Outcome::Indeterminate] {
        assert!(explained.contains_key(&outcome), "{explained:?}");
    }
}

#[test]
fn a_failure_is_explained_from_a_package_by_its_resource_and_by_its_proof() {
    let assessment = assessment();
    let is_shown = |finding: &&proofpack::model::Finding| {
        finding.check == "s3-bucket-versioning" && finding.outcome == Outcome::Fail
    };
    let finding = assessment.findings.iter().find(is_shown).unwrap();
    let package = Demo::shared().package();
    let from = ["--from", package.to_str().unwrap()];
    let place = Place::new();
    let explain = |what: &str, more: &[&str]| {
        let arguments = [&["checks", "explain", what, &finding.check], &from[..], more].concat();
        place.run(&arguments).ended(0).stdout
    };
    let said = explain(&finding.subject.arn, &[]);
    for part in [
        "outcome: fail",
        finding.message.as_str(),
        "resource.versioning == 'Enabled' -> false",
        "resource.versioning -> \"",
        "versioning = \"",
    ] {
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
    for record in finding.proof.ids() {
        assert!(said.contains(&record.short()), "{record} is not in:\n{said}");
    }
    // By the record that gives the property: of this resource, and of no other.
    let rows: Vec<Value> = serde_json::from_str(&explain(&finding.subject.arn, &["--json"])).unwrap();
    let record = rows[0]["properties"][0]["record"].as_str().unwrap().to_owned();
    let by_record: Vec<Value> =
        serde_json::from_str(&explain(&format!("E-{}", &record[..12]), &["--json"])).unwrap();
    assert_eq!(by_record, rows);

    let failed = |what: &str, check: &str, parts: &[&str]| {
        place.run(&[&["checks", "explain", what, check], &from[..]].concat()).failed(3, parts);
    };
    failed("arn:aws:s3:::nothing", &finding.check, &["is about arn:aws:s3:::nothing"]);
    failed("E-000000000000", &finding.check, &["E-000000000000"]);
    failed(&finding.subject.arn, "s3-bucket-versionning", &["is s3-bucket-versioning meant?"]);
    place.run(&["checks", "explain", "a", "b", "--from", "nothing"]).failed(3, &["nothing"]);
}
