//! AWS that refuses or does not answer: exit code 4, soon, and a message that says what to do.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::json;

use super::place::{Answer, Place};
use crate::support::world::World;

/// A place whose configuration leads to `endpoint` in one region.
fn place(endpoint: &str, region: &str) -> Place {
    let place = Place::new();
    place.configure(&format!("{region:?}"), &format!("[aws]\nendpoint-url = {endpoint:?}\n"));
    place
}

/// Who we are is asked in the partition's home region, whichever are listed: it is enabled in every account.
#[test]
fn an_answer_that_is_none() {
    let world = World::start();
    let place = place(&world.endpoint(), "eu-west-1");
    for (kind, parts) in [
        ("unknown-key", &["InvalidClientTokenId", "credentials are wrong", "aws sts"][..]),
        ("expired", &["ExpiredToken", "log in again"]),
        // A proxy that answers in place of AWS.
        ("html", &["Http502", "Check"]),
        ("deny", &["AccessDenied", "Check the credentials"]),
    ] {
        world.plant(json!({"kind": kind, "service": "sts"}));
        let answer = place.run(&["collect"]);
        answer.failed(4, parts);
        answer.failed(4, &["GetCallerIdentity in us-east-1"]);
        assert!(!place.path("proofpack-out").exists(), "nothing was collected, so nothing is left");
        world.clear_faults();
    }
}

#[test]
fn a_region_that_does_not_exist() {
    let place = place("http://127.0.0.1:9", "xx-nowhere-9");
    place.run(&["collect"]).failed(3, &["xx-nowhere-9", "no AWS partition", "describe-regions"]);
}

#[test]
fn no_credentials() {
    let place = place("http://127.0.0.1:9", "us-east-1");
    let mut command = place.command(&["collect"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY").env("HOME", place.root());
    let started = Instant::now();
    Answer::of(&mut command).failed(4, &["NoCredentials", "AWS_PROFILE"]);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[test]
fn a_profile_that_does_not_exist() {
    let place = Place::new();
    let aws = "[aws]\nendpoint-url = \"http://127.0.0.1:9\"\nprofile = \"no-such-profile\"\n";
    place.configure("\"us-east-1\"", aws);
    let mut command = place.command(&["collect"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY").env("HOME", place.root());
    Answer::of(&mut command).failed(4, &["NoCredentials", "no-such-profile"]);
}

#[test]
fn no_network() {
    // A port that was free a moment ago: whoever connects is refused.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = place(&format!("http://127.0.0.1:{port}"), "us-east-1");
    let started = Instant::now();
    place.run(&["collect"]).failed(4, &["Unreachable", "check the network, the proxy"]);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[test]
fn an_endpoint_that_is_no_url() {
    place("ftp//nowhere", "us-east-1").run(&["collect"]).failed(4, &["ftp//nowhere", "must be http://"]);
}
