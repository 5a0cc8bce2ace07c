//! The test world itself: that it is what its ground truth says, and that its faults strike.

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
fn the_ground_truth_is_what_the_api_shows() {
    let world = World::start();
    let mut seed = python_tool("python");
    seed.args(["-m", "world.seed", "--verify", "--endpoint", &world.endpoint()]);
    seed.arg("--truth").arg(world.truth_file()).env("PYTHONPATH", root().join("tests/support"));
    succeed(&mut seed);
    let truth = world.truth();
    let resources: usize =
        truth["resources"].as_object().unwrap().values().map(|arns| arns.as_array().unwrap().len()).sum();
    assert!(resources >= 60, "{resources} resources");
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
        &["guardduty", "list-findings", "--detector-id", "d", "--query", "FindingIds", "--output", "json"],
    );
    assert_eq!(serde_json::from_slice::<Vec<String>>(&answer.stdout).unwrap(), ["f1", "f2"], "{answer:?}");
}
