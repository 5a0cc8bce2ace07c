//! A bucket that is not what an archive has to be is refused before anything is stored, with everything that is wrong with it.

use serde_json::json;

use super::{Home, NAME, aws, bucket, ending, said};
use crate::support::world::World;

#[test]
fn everything_that_a_bucket_lacks_is_told_at_once() {
    let world = World::start();
    aws(&world, &["create-bucket", "--bucket", "plain"]);
    bucket(&world, "evidence");
    aws(&world, &["delete-bucket-encryption", "--bucket", "plain"]);
    aws(&world, &["delete-public-access-block", "--bucket", "plain"]);
    let home = Home::on(&world, "");
    let (code, error) = ending(&home.archive("s3://plain/p"));
    assert_eq!(code, 3, "{error}");
    for told in [
        "s3://plain/p/ is not fit for an archive, and nothing was stored",
        "it has no Object Lock",
        "its versioning is not on",
        "it has no default encryption",
        "public access to it is not blocked whole",
        "put-public-access-block",
    ] {
        assert!(error.contains(told), "{told} is not in: {error}");
    }
    assert!(!home.path(&format!("{NAME}.receipt.json")).exists());
    let objects = aws(&world, &["list-objects-v2", "--bucket", "plain"]);
    assert!(objects.get("Contents").is_none(), "{objects}");
    let checked = home.ask(&["check"], "s3://plain");
    assert_eq!(checked.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&checked.stdout).matches("PROBLEM").count(), 4, "{checked:?}");
    assert!(said(&home.ask(&["check"], "s3://evidence")).contains("Object Lock, versioning, encryption"));

    let half =
        "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=false,RestrictPublicBuckets=true";
    aws(
        &world,
        &["put-public-access-block", "--bucket", "evidence", "--public-access-block-configuration", half],
    );
    let (code, error) = ending(&home.archive("s3://evidence"));
    assert!(code == 3 && error.contains("not blocked whole") && !error.contains("versioning"), "{error}");
}

#[test]
fn a_bucket_that_is_not_there_or_may_not_be_asked_about_is_told_with_what_to_do() {
    let world = World::start();
    bucket(&world, "evidence");
    let home = Home::on(&world, "");
    let (code, error) = ending(&home.archive("s3://no-such-bucket"));
    assert!(code == 3 && error.contains("there is no bucket no-such-bucket"), "{error}");
    assert!(error.contains("--object-lock-enabled-for-bucket"), "{error}");
    for (operation, right) in [
        ("GetObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration"),
        ("GetBucketVersioning", "s3:GetBucketVersioning"),
        ("GetBucketEncryption", "s3:GetEncryptionConfiguration"),
        ("GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock"),
    ] {
        world.plant(json!({"kind": "deny", "service": "s3", "operation": operation}));
        let (code, error) = ending(&home.archive("s3://evidence"));
        assert_eq!(code, 3, "{operation}: {error}");
        assert!(error.contains(&format!("{operation} was denied")) && error.contains(right), "{error}");
        world.clear_faults();
    }
    world.plant(json!({"kind": "deny", "service": "s3", "operation": "HeadBucket"}));
    let (code, error) = ending(&home.archive("s3://evidence"));
    assert!(code == 3 && error.contains("s3:ListBucket"), "{error}");
    world.clear_faults();
    said(&home.archive("s3://evidence"));
}
