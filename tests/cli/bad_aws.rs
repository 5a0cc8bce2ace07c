//! AWS that refuses or does not answer: exit code 4, soon, and a message that says what to do.

use std::net::TcpListener;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::json;

use super::place::{Answer, Place};
use crate::support::world::World;

/// A server whose STS answers differently in each region.
fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let world = World::start();
        for (kind, region) in [
            ("unknown-key", "eu-west-1"),
            ("expired", "eu-west-2"),
            ("html", "eu-west-3"),
            ("deny", "eu-north-1"),
        ] {
            world.plant(json!({"kind": kind, "service": "sts", "region": region}));
        }
        world
    })
}

/// A place whose configuration leads to `endpoint` in one region.
fn place(endpoint: &str, region: &str) -> Place {
    let place = Place::new();
    place.configure(&format!("{region:?}"), &format!("[aws]\nendpoint-url = {endpoint:?}\n"));
    place
}

#[track_caller]
fn fails_in(region: &str, parts: &[&str]) {
    let place = place(&world().endpoint(), region);
    place.run(&["collect"]).failed(4, parts);
    assert!(!place.path("proofpack-out").exists(), "nothing was collected, so nothing is left");
}

#[test]
fn wrong_credentials() {
    fails_in(
        "eu-west-1",
        &["GetCallerIdentity in eu-west-1", "InvalidClientTokenId", "credentials are wrong", "aws sts"],
    );
}

#[test]
fn expired_credentials() {
    fails_in("eu-west-2", &["ExpiredToken", "log in again"]);
}

#[test]
fn a_proxy_that_answers_instead_of_aws() {
    fails_in("eu-west-3", &["GetCallerIdentity in eu-west-3", "Http502", "Check"]);
}

#[test]
fn a_refusal() {
    fails_in("eu-north-1", &["AccessDenied", "Check the credentials"]);
}

#[test]
fn a_region_that_does_not_exist() {
    fails_in("xx-nowhere-9", &["GetCallerIdentity in xx-nowhere-9", "region"]);
}

#[test]
fn no_credentials() {
    let place = place(&world().endpoint(), "us-east-1");
    let mut command = place.command(&["collect"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY").env("HOME", place.root());
    let started = Instant::now();
    Answer::of(&mut command).failed(4, &["NoCredentials", "AWS_PROFILE"]);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[test]
fn a_profile_that_does_not_exist() {
    let place = Place::new();
    let aws = format!("[aws]\nendpoint-url = {:?}\nprofile = \"no-such-profile\"\n", world().endpoint());
    place.configure("\"us-east-1\"", &aws);
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
