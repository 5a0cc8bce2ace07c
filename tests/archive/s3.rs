//! S3 with Object Lock, read back by the AWS CLI.

use chrono::{DateTime, Utc};
use proofpack::archive::{Archive, Parcel, S3Archive};
use proofpack::canonical;
use serde_json::{Value, json};

use super::misbehaving::{client_that_tries, entry, keep};
use super::{Home, NAME, aws, base64, bucket, ending, receipt, said};
use crate::support::world::World;

#[test]
fn a_package_is_stored_with_checksum_and_retention_once_and_for_all() {
    let world = World::start();
    bucket(&world, "evidence");
    let key_id = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let home = Home::on(
        &world,
        &format!(
            "retention-days = 2192\nmode = \"COMPLIANCE\"\nkms-key = \"{key_id}\"\nlegal-hold = true\ntags = {{ Project = \"a b\" }}\n"
        ),
    );
    let key = format!("hipaa/2026/{NAME}");
    let told = said(&home.archive("s3://evidence/hipaa/2026/"));
    assert!(
        told.contains(&format!("s3://evidence/{key}")) && told.contains("The receipt is not signed"),
        "{told}"
    );

    let written = receipt(&home.path(&format!("{NAME}.receipt.json")));
    let head =
        || aws(&world, &["head-object", "--bucket", "evidence", "--key", &key, "--checksum-mode", "ENABLED"]);
    let (object, package) = (head(), home.package());
    let digest = base64(canonical::sha256(&package).as_bytes());
    assert_eq!(object["ChecksumSHA256"], digest, "{object}");
    assert_eq!(object["ContentLength"], package.len());
    assert_eq!(object["ContentType"], "application/zip");
    assert_eq!(object["ObjectLockMode"], "COMPLIANCE");
    assert_eq!(object["ObjectLockLegalHoldStatus"], "ON");
    assert_eq!(object["ServerSideEncryption"], "aws:kms");
    assert!(object["SSEKMSKeyId"].as_str().unwrap().ends_with(key_id), "{object}");
    // Six years from the end of the period.
    let until: DateTime<Utc> = object["ObjectLockRetainUntilDate"].as_str().unwrap().parse().unwrap();
    assert_eq!(until, "2032-10-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
    assert_eq!((written.retain_until, written.legal_hold), (Some(until), true));
    assert_eq!(written.checksum, Some(digest));
    assert_eq!(written.version_id.as_deref(), object["VersionId"].as_str());
    assert!(written.version_id.is_some() && written.kms_key.is_some());
    assert_eq!(written.lock_mode.as_deref(), Some("COMPLIANCE"));
    assert_eq!(written.location, format!("s3://evidence/{key}"));
    let tags = aws(&world, &["get-object-tagging", "--bucket", "evidence", "--key", &key]);
    assert_eq!(tags["TagSet"], json!([{"Key": "Project", "Value": "a b"}]));
    // The index object is locked as the package is.
    let index = format!("hipaa/2026/index/{NAME}.json");
    let index = aws(&world, &["head-object", "--bucket", "evidence", "--key", &index]);
    assert_eq!(index["ObjectLockRetainUntilDate"], object["ObjectLockRetainUntilDate"]);

    home.replace_package();
    let (code, error) = ending(&home.archive("s3://evidence/hipaa/2026"));
    assert_eq!(code, 6, "{error}");
    assert_eq!(head(), object);
    let versions = aws(&world, &["list-object-versions", "--bucket", "evidence"]);
    assert_eq!(versions["Versions"].as_array().unwrap().len(), 2);

    // Under another prefix it may go; without a mode of its own the lock is the softer one.
    let home = Home::on(&world, "");
    said(&home.archive("s3://evidence"));
    let object = aws(&world, &["head-object", "--bucket", "evidence", "--key", NAME]);
    assert_eq!(object["ObjectLockMode"], "GOVERNANCE");
}

#[test]
fn a_lock_that_was_shortened_or_an_object_that_was_replaced_contradicts_the_receipt() {
    let world = World::start();
    bucket(&world, "evidence");
    let home = Home::on(&world, "");
    said(&home.archive("s3://evidence"));
    let receipt = format!("{NAME}.receipt.json");
    let problems = || {
        let output = home.ask(&["verify", "--receipt", &receipt, "--json"], "s3://evidence");
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        told["packages"][0]["problems"].to_string()
    };
    assert_eq!(problems(), "[]");
    let lock = r#"{"Mode": "GOVERNANCE", "RetainUntilDate": "2027-01-01T00:00:00Z"}"#;
    aws(
        &world,
        &[
            "put-object-retention",
            "--bucket",
            "evidence",
            "--key",
            NAME,
            "--bypass-governance-retention",
            "--retention",
            lock,
        ],
    );
    let told = problems();
    assert!(told.contains("its retention was shortened") && told.contains("2032-10-01"), "{told}");

    // Stored under the old settings, asked for with longer ones: it is not told to be kept as asked.
    let (code, error) = ending(&home.archive("s3://evidence"));
    assert!(code == 4 && error.contains("put-object-retention"), "{error}");

    home.replace_package();
    let path = home.path(NAME);
    aws(&world, &["put-object", "--bucket", "evidence", "--key", NAME, "--body", path.to_str().unwrap()]);
    let told = problems();
    for what in
        ["its version is", "its checksum is", "the checksum that the archive tells", "nothing locks it"]
    {
        assert!(told.contains(what), "{what} is not in {told}");
    }
}

#[test]
fn what_s3_refuses_is_said_with_what_to_do_and_leaves_no_receipt() {
    let world = World::start();
    bucket(&world, "evidence");
    let home = Home::on(&world, "");
    let refused = |destination: &str, exit: i32, parts: &[&str]| {
        let (code, error) = ending(&home.archive(destination));
        assert_eq!(code, exit, "{destination}: {error}");
        for part in parts {
            assert!(error.contains(part), "{destination}: {part} is not in: {error}");
        }
        assert!(!home.path(&format!("{NAME}.receipt.json")).exists());
    };
    refused("s3:///prefix", 3, &["s3://BUCKET"]);
    for (kind, code, advice) in
        [("deny", "AccessDenied", "iam-policy --archive"), ("expired", "ExpiredToken", "archive it again")]
    {
        world.plant(json!({"kind": kind, "service": "s3", "operation": "PutObject"}));
        refused("s3://evidence/p", 4, &["PutObject", code, advice]);
        world.clear_faults();
    }
    let listed = aws(&world, &["list-objects-v2", "--bucket", "evidence"])["Contents"].clone();
    assert_eq!(listed, Value::Null);
    // The package is there, its index object could not be written: no receipt, and the next run mends it.
    world.plant(json!({"kind": "deny", "service": "s3", "operation": "PutObject", "contains": "/index/"}));
    refused("s3://evidence/p", 4, &["PutObject", "index/"]);
    world.clear_faults();
    said(&home.archive("s3://evidence/p"));
    assert!(said(&home.ask(&["list"], "s3://evidence/p")).contains("1 packages"));
}

#[test]
fn a_retention_that_object_lock_does_not_take_is_refused_before_anything_is_sent() {
    for (days, told) in [
        (0, "archive.retention-days"),
        (36_501, "archive.retention-days"),
        (u32::MAX, "archive.retention-days"),
        (1, "which is past"),
    ] {
        let home = Home::new(&format!(
            "[aws]\nendpoint-url = \"http://127.0.0.1:1\"\n[archive]\nretention-days = {days}\n"
        ));
        let (code, error) = ending(&home.archive("s3://evidence"));
        assert_eq!(code, 3, "{error}");
        assert!(error.contains(told), "{error}");
    }
}

#[tokio::test]
async fn what_keeps_s3_from_answering_is_an_error_with_its_code() {
    let world = World::start();
    bucket(&world, "evidence");
    let home = Home::new("");
    let path = home.path(NAME);
    let parcel = Parcel::of(&path, NAME).unwrap();
    let s3 = S3Archive::new(client_that_tries(&world.endpoint(), 1).await, "s3://evidence").unwrap();
    let archive = Archive::S3(Box::new(s3));
    for (kind, code, advice) in [
        ("throttle", "SlowDown", "archive it again"),
        ("close", "Unreachable", "check the network"),
        ("html", "Unreachable", "check the network"),
    ] {
        world.plant(json!({"kind": kind, "service": "s3", "operation": "PutObject"}));
        let error = archive.put(&parcel, &keep(), &entry(&parcel)).await.unwrap_err().to_string();
        assert!(
            error.contains(&format!("s3://evidence/{NAME}: {code}: ")) && error.contains(advice),
            "{error}"
        );
        world.clear_faults();
    }
}
