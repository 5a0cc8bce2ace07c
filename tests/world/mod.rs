//! The test world itself: that it is what its ground truth says, and that its faults strike.

use std::process::Command;

use serde_json::json;

use crate::support::world::World;
use crate::support::{python_tool, root, succeed};

fn aws(world: &World, arguments: &[&str]) -> std::process::Output {
    python_tool("aws")
        .args(["--endpoint-url", &world.endpoint()])
        .args(arguments)
        .env("AWS_MAX_ATTEMPTS", "1")
        .output()
        .unwrap()
}

#[test]
fn the_ground_truth_of_every_world_is_what_the_api_shows() {
    let world = World::start();
    let resources = |name: &str, scale: &str| -> usize {
        verify(&world, name, scale);
        world.truth()["resources"]
            .as_object()
            .unwrap()
            .values()
            .map(|arns| arns.as_array().unwrap().len())
            .sum()
    };
    assert!(resources("bare", "1") >= 10);
    assert!(resources("demo", "1") >= 40);
    // The world of scale 1 and one clinic more, of the fifty that scale 50 has.
    assert!(resources("full", "2") >= 60 + 60);
}

fn verify(world: &World, name: &str, scale: &str) {
    let mut seed = module("world.seed");
    seed.args(["--verify", "--world", name, "--scale", scale, "--endpoint", &world.endpoint()]);
    succeed(seed.arg("--truth").arg(world.truth_file()));
}

/// A module of the world's own Python.
fn module(name: &str) -> Command {
    let mut command = python_tool("python");
    command.args(["-m", name]).env("PYTHONPATH", root().join("tests/support"));
    command
}

#[test]
fn a_fault_strikes_where_it_was_planted_and_as_often_as_it_was_told() {
    let world = World::start();
    for bucket in ["first", "second"] {
        assert!(aws(&world, &["s3api", "create-bucket", "--bucket", bucket]).status.success());
    }
    world.plant(json!({"kind": "deny", "service": "s3", "operation": "GetBucketVersioning", "contains": "/first", "times": 1}));
    let versioning = |bucket: &str| aws(&world, &["s3api", "get-bucket-versioning", "--bucket", bucket]);
    assert!(versioning("second").status.success());
    let denied = versioning("first");
    assert!(String::from_utf8_lossy(&denied.stderr).contains("AccessDenied"), "{denied:?}");
    assert!(versioning("first").status.success());
    let journal = world.journal();
    assert_eq!(journal["s3:GetBucketVersioning:us-east-1:200"], 2, "{journal}");
    assert_eq!(journal["s3:GetBucketVersioning:us-east-1:403"], 1, "{journal}");
}

#[test]
fn a_fixture_answers_for_an_operation_that_the_server_lacks() {
    let world = World::start();
    world.fixture("guardduty:ListFindings", json!({"FindingIds": ["f1", "f2"]}));
    let answer = aws(
        &world,
        &[
            "--region",
            "us-east-1",
            "guardduty",
            "list-findings",
            "--detector-id",
            "d",
            "--query",
            "FindingIds",
            "--output",
            "json",
        ],
    );
    assert_eq!(serde_json::from_slice::<Vec<String>>(&answer.stdout).unwrap(), ["f1", "f2"], "{answer:?}");
}

#[test]
fn a_fixture_may_be_an_error_and_must_fit_the_model() {
    let world = World::start();
    let error = json!({"code": "AccessDeniedException", "message": "Macie is not enabled", "status": 403});
    world.fixture("macie2:GetMacieSession", json!({ "error": error }));
    let answer = aws(&world, &["macie2", "get-macie-session"]);
    let said = String::from_utf8_lossy(&answer.stderr).into_owned();
    assert!(said.contains("AccessDeniedException") && said.contains("Macie is not enabled"), "{answer:?}");
    // The folder of fixed answers names this service by its model, not as it is signed.
    let answer =
        aws(&world, &["accessanalyzer", "list-analyzers", "--query", "analyzers", "--output", "json"]);
    assert_eq!(serde_json::from_slice::<Vec<String>>(&answer.stdout).unwrap(), [""; 0], "{answer:?}");
}

#[test]
fn the_fixed_answers_fit_the_models() {
    succeed(&mut module("world.fixed"));
}

#[test]
fn the_server_knows_every_operation_of_the_models_when_it_is_called() {
    succeed(&mut module("world.identified"));
}

#[test]
fn the_demonstration_is_recorded_from_the_demo_world() {
    let packed = std::fs::read(root().join("examples/demo-account/exchanges.ndjson.gz")).unwrap();
    let recording = proofpack::aws::replay::Recording::read(&packed).unwrap();
    assert!(recording.len() > 100, "{recording:?}");
    let world = World::start_at(&recording.recorded_at().to_rfc3339());
    world.seed("demo");
    let recorded = std::fs::read(root().join("examples/demo-account/ground-truth.json")).unwrap();
    assert_eq!(world.truth(), serde_json::from_slice::<serde_json::Value>(&recorded).unwrap());
}
