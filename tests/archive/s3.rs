//! S3 with Object Lock, read back by the AWS CLI.

use chrono::{DateTime, Days, Utc};
use proofpack::archive::{LockMode, S3Target, put_s3};
use proofpack::aws::{Session, SessionOptions};
use proofpack::canonical;
use serde_json::{Value, json};

use super::{Home, NAME, PACKAGE, ending, receipt};
use crate::support::world::World;
use crate::support::{python_tool, succeed};

fn aws(world: &World, arguments: &[&str]) -> Value {
    let mut command = python_tool("aws");
    command.args(["--endpoint-url", &world.endpoint(), "--output", "json", "s3api"]).args(arguments);
    let output = succeed(&mut command);
    if output.stdout.is_empty() { Value::Null } else { serde_json::from_slice(&output.stdout).unwrap() }
}

fn home(world: &World, archive: &str) -> Home {
    Home::new(&format!("[aws]\nendpoint-url = \"{}\"\n[archive]\n{archive}", world.endpoint()))
}

#[test]
fn a_package_is_stored_with_checksum_and_retention_once_and_for_all() {
    let world = World::start();
    aws(&world, &["create-bucket", "--bucket", "evidence", "--object-lock-enabled-for-bucket"]);
    let key_id = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let home_of_world =
        home(&world, &format!("retention-days = 2192\nmode = \"COMPLIANCE\"\nkms-key = \"{key_id}\"\n"));
    let stored = home_of_world.archive("s3://evidence/hipaa/2026/");
    assert_eq!(ending(&stored).0, 0, "{stored:?}");
    let said = String::from_utf8(stored.stdout).unwrap();
    let key = format!("hipaa/2026/{NAME}");
    assert!(said.contains(&format!("s3://evidence/{key}")), "{said}");

    let written = receipt(&home_of_world.path(&format!("{NAME}.receipt.json")));
    let head =
        || aws(&world, &["head-object", "--bucket", "evidence", "--key", &key, "--checksum-mode", "ENABLED"]);
    let object = head();
    let digest = base64(canonical::sha256(PACKAGE).as_bytes());
    assert_eq!(object["ChecksumSHA256"], digest, "{object}");
    assert_eq!(object["ContentLength"], PACKAGE.len());
    assert_eq!(object["ContentType"], "application/zip");
    assert_eq!(object["ObjectLockMode"], "COMPLIANCE");
    assert_eq!(object["ServerSideEncryption"], "aws:kms");
    assert!(object["SSEKMSKeyId"].as_str().unwrap().ends_with(key_id), "{object}");
    let until: DateTime<Utc> = object["ObjectLockRetainUntilDate"].as_str().unwrap().parse().unwrap();
    assert_eq!(written.retain_until, Some(until));
    assert_eq!(until, written.stored_at + Days::new(2192));
    assert_eq!(written.version_id.as_deref(), object["VersionId"].as_str());
    assert!(written.version_id.is_some());
    assert_eq!(written.lock_mode.as_deref(), Some("COMPLIANCE"));
    assert_eq!((written.bytes, written.sha256), (PACKAGE.len() as u64, canonical::sha256(PACKAGE)));
    assert_eq!(written.location, format!("s3://evidence/{key}"));

    std::fs::write(home_of_world.path(NAME), b"another package of the same name").unwrap();
    let (code, said) = ending(&home_of_world.archive("s3://evidence/hipaa/2026"));
    assert_eq!(code, 6, "{said}");
    assert!(said.contains("exists already") && said.contains("never overwrites"), "{said}");
    assert_eq!(head(), object);
    let versions = aws(&world, &["list-object-versions", "--bucket", "evidence"]);
    assert_eq!(versions["Versions"].as_array().unwrap().len(), 1);

    // Under another prefix it may go; without a mode of its own the lock is the softer one.
    let home = home(&world, "");
    assert_eq!(ending(&home.archive("s3://evidence")).0, 0);
    let object = aws(&world, &["head-object", "--bucket", "evidence", "--key", NAME]);
    assert_eq!(object["ObjectLockMode"], "GOVERNANCE");
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn what_s3_refuses_is_said_with_what_to_do_and_leaves_no_receipt() {
    let world = World::start();
    aws(&world, &["create-bucket", "--bucket", "plain"]);
    aws(&world, &["create-bucket", "--bucket", "evidence", "--object-lock-enabled-for-bucket"]);
    let home = home(&world, "");
    let refused = |destination: &str, exit: i32, parts: &[&str]| {
        let (code, said) = ending(&home.archive(destination));
        assert_eq!(code, exit, "{destination}: {said}");
        for part in parts {
            assert!(said.contains(part), "{destination}: {part} is not in: {said}");
        }
        assert!(!home.path(&format!("{NAME}.receipt.json")).exists());
    };
    refused("s3://plain/p", 4, &["InvalidRequest", "Object Lock"]);
    refused("s3://no-such-bucket", 4, &["NoSuchBucket", "create the bucket with Object Lock"]);
    refused("s3:///prefix", 3, &["s3://BUCKET"]);
    for (kind, code, advice) in
        [("deny", "AccessDenied", "s3:PutObjectRetention"), ("expired", "ExpiredToken", "archive it again")]
    {
        world.plant(json!({"kind": kind, "service": "s3", "operation": "PutObject"}));
        refused("s3://evidence/p", 4, &[code, advice]);
        world.clear_faults();
    }
    let listed = |bucket: &str| aws(&world, &["list-objects-v2", "--bucket", bucket])["Contents"].clone();
    assert_eq!((listed("plain"), listed("evidence")), (Value::Null, Value::Null));
}

#[test]
fn a_retention_that_object_lock_does_not_take_is_refused_before_anything_is_sent() {
    for days in [0, 36_501, u32::MAX] {
        let home = Home::new(&format!(
            "[aws]\nendpoint-url = \"http://127.0.0.1:1\"\n[archive]\nretention-days = {days}\n"
        ));
        let (code, said) = ending(&home.archive("s3://evidence"));
        assert_eq!(code, 3, "{said}");
        assert!(said.contains(&days.to_string()) && said.contains("archive.retention-days"), "{said}");
    }
}

#[test]
fn what_keeps_s3_from_answering_is_an_error_with_its_code() {
    let world = World::start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let session = runtime.block_on(Session::load(SessionOptions {
        region: Some("us-east-1".into()),
        endpoint_url: Some(world.endpoint()),
        static_credentials: Some(("testing".into(), "testing".into())),
        max_attempts: 1,
        ..SessionOptions::default()
    }));
    let settings = aws_sdk_s3::config::Builder::from(session.unwrap().sdk_config()).force_path_style(true);
    let client = aws_sdk_s3::Client::from_conf(settings.build());
    let target = S3Target {
        bucket: "evidence".into(),
        prefix: String::new(),
        mode: LockMode::Governance,
        retention_days: 1,
        kms_key: None,
    };
    let now = "2026-10-01T00:00:00Z".parse().unwrap();
    for (kind, code, advice) in [
        ("throttle", "SlowDown", "archive it again"),
        ("close", "Unreachable", "check the network"),
        ("html", "Unreachable", "check the network"),
    ] {
        world.plant(json!({"kind": kind, "service": "s3", "operation": "PutObject"}));
        let error = runtime.block_on(put_s3(&client, &target, NAME, PACKAGE.to_vec(), now)).unwrap_err();
        let said = error.to_string();
        assert!(said.contains(&format!("s3://evidence/{NAME}: {code}: ")) && said.contains(advice), "{said}");
        world.clear_faults();
    }
}
