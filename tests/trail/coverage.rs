//! What validated log files cover: recorded with the excerpts, and weighed where controls rest on them.

use std::fs;
use std::path::Path;

use proofpack::assess::{Inputs, assess};
use proofpack::bundle::{Bundle, read};
use proofpack::catalog::Catalog;
use proofpack::model::{Assessment, ControlStatus, TrailCoverage};
use serde_json::{Value, json};

use crate::support::proofpack;
use crate::support::world::World;

/// A day of deliveries, whole and broken.
fn world() -> World {
    let world = World::start();
    world.deliver(&["--hours", "24", "--break", "altered-log", "missing-digest", "extra-log"]);
    world
}

/// Collects the excerpts of 2026-07-01 out of log files.
fn collected(world: &World, home: &Path, logs: &str, more: &str) -> Bundle {
    let config = home.join("proofpack.toml");
    let settings = format!(
        "organization = \"Example\"\n[scope]\nregions = [\"us-east-1\"]\nperiod-start = 2026-07-01\nperiod-end = 2026-07-01\n\
         [aws]\nendpoint-url = \"{}\"\n[trail]\nlogs = [\"{logs}\"]\n{more}\n",
        world.endpoint()
    );
    fs::write(&config, settings).unwrap();
    let _ = fs::remove_dir_all(home.join("proofpack-out"));
    let output = proofpack().args(["collect", "--config"]).arg(&config).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 5)), "{output:?}");
    read(&home.join("proofpack-out/bundle")).unwrap()
}

fn assessed(bundle: &Bundle) -> Assessment {
    let inputs = Inputs {
        frameworks: vec!["hipaa-security-rule".into()],
        as_of: "2026-10-02T00:00:00Z".parse().unwrap(),
        parameters: [].into(),
        exceptions: vec![],
    };
    assess(bundle, &Catalog::embedded().unwrap(), &inputs).unwrap()
}

fn coverage(bundle: &Bundle) -> Vec<TrailCoverage> {
    let of =
        bundle.records.iter().filter(|stored| stored.record.source.parameters["rule"] == "trail-coverage");
    of.filter_map(|stored| serde_json::from_value(stored.record.response()?.clone()).unwrap()).collect()
}

/// How many of the log files that the bundle's inventory lists are valid, altered ...
fn verdicts(bundle: &Bundle, verdict: &str) -> usize {
    let objects =
        bundle.records.iter().filter(|stored| stored.record.source.parameters["rule"] == "log-objects");
    let listed =
        objects.flat_map(|stored| stored.record.response().unwrap()["objects"].as_array().unwrap().clone());
    listed.filter(|object: &Value| object["validation"] == verdict).count()
}

fn status_of_excerpts(assessment: &Assessment) -> Vec<(usize, ControlStatus)> {
    let controls =
        assessment.controls().filter(|control| control.checks.is_empty() && !control.excerpts.is_empty());
    controls
        .map(|control| {
            (control.excerpts.iter().map(|excerpt| excerpt.not_covered.len()).sum(), control.status)
        })
        .collect()
}

#[test]
fn a_hole_leaves_undecided_what_rests_on_the_log_files() {
    let world = world();
    let home = tempfile::tempdir().unwrap();
    let of = |kind: &str| {
        collected(&world, home.path(), &format!("s3://logs-{kind}/AWSLogs/${{account}}/CloudTrail/"), "")
    };

    let bundle = of("whole");
    let [whole] = coverage(&bundle).try_into().unwrap();
    assert!(whole.is_whole(), "{whole:?}");
    assert_eq!((whole.digests.valid, whole.trails, whole.problems), (24, vec!["audit".to_owned()], vec![]));
    assert_eq!(verdicts(&bundle, "valid"), 23 * 3);
    let assessment = assessed(&bundle);
    assert_eq!(assessment.coverage.len(), 1);
    let excerpts = || assessment.controls().flat_map(|control| &control.excerpts);
    assert!(excerpts().next().is_some() && excerpts().all(|excerpt| excerpt.not_covered.is_empty()));

    let bundle = of("missing-digest");
    let [holes] = coverage(&bundle).try_into().unwrap();
    assert_eq!(
        json!(holes.holes),
        json!([{ "start": "2026-07-01T03:00:00Z", "end": "2026-07-01T04:00:00Z" }])
    );
    assert_eq!((holes.problems.len(), holes.problems[0].kind.as_str()), (1, "digest-missing"));
    assert_eq!((verdicts(&bundle, "valid"), verdicts(&bundle, "not-validated")), (22 * 3, 3));
    let assessment = assessed(&bundle);
    let record = assessment.coverage[0].record;
    for control in assessment.controls().filter(|control| !control.excerpts.is_empty()) {
        assert!(control.excerpts.iter().all(|excerpt| excerpt.not_covered == [record]), "{}", control.id);
        let undecided = [ControlStatus::Indeterminate, ControlStatus::NotSatisfied];
        assert!(undecided.contains(&control.status), "{}: {:?}", control.id, control.status);
    }
    assert!(
        status_of_excerpts(&assessment)
            .iter()
            .all(|(holes, status)| *holes > 0 && *status == ControlStatus::Indeterminate)
    );

    let bundle = of("altered-log");
    assert_eq!((verdicts(&bundle, "altered"), verdicts(&bundle, "valid")), (1, 23 * 3 - 1));
    assert_eq!(coverage(&bundle)[0].logs.invalid, 1);

    // All hours are covered, but there is a file more: its events are nobody's word.
    let bundle = of("extra-log");
    assert_eq!((verdicts(&bundle, "not-in-a-digest"), coverage(&bundle)[0].holes.len()), (1, 0));
    let assessment = assessed(&bundle);
    let mut excerpts = assessment.controls().flat_map(|control| &control.excerpts);
    assert!(excerpts.all(|excerpt| excerpt.not_covered.len() == 1));
}

#[test]
fn log_files_without_digest_files_are_not_validated_and_that_is_a_hole_where_they_are_required() {
    let world = World::start();
    let asker = super::Asker::new(&world);
    asker.make_bucket("trail-logs");
    let key = "AWSLogs/123456789012/CloudTrail/us-east-1/2026/07/01/123456789012_CloudTrail_us-east-1_20260701T0105Z_a.json.gz";
    let event = super::root_event("event", "2026-07-01T01:00:00Z");
    asker.put("trail-logs", key, super::gzip(&super::log_file(&[event])));
    let home = tempfile::tempdir().unwrap();
    let bundle = collected(&world, home.path(), "s3://trail-logs", "");
    assert_eq!((coverage(&bundle).len(), verdicts(&bundle, "not-validated")), (0, 1));
    let bundle = collected(&world, home.path(), "s3://trail-logs", "require-validation = true");
    let [none] = coverage(&bundle).try_into().unwrap();
    assert_eq!((none.covered.len(), none.problems[0].kind.as_str()), (0, "no-digests"));
    assert!(
        assessed(&bundle)
            .controls()
            .flat_map(|control| &control.excerpts)
            .all(|excerpt| !excerpt.not_covered.is_empty())
    );
}

#[test]
fn keys_that_cannot_be_had_are_a_gap() {
    let world = world();
    world.plant(json!({"kind": "deny", "service": "cloudtrail", "operation": "ListPublicKeys"}));
    let home = tempfile::tempdir().unwrap();
    let bundle = collected(&world, home.path(), "s3://logs-whole", "");
    let gaps: Vec<&str> = bundle
        .records
        .iter()
        .filter(|stored| stored.record.source.parameters["rule"] == "trail-coverage")
        .map(|stored| stored.record.gap().unwrap().code.as_str())
        .collect();
    assert_eq!(gaps, ["AccessDeniedException"]);
    assert!(
        assessed(&bundle)
            .controls()
            .flat_map(|control| &control.excerpts)
            .all(|excerpt| !excerpt.not_covered.is_empty())
    );
}
