//! Long packages are sent in parts, and an interrupted upload is gone on with.

use std::fs;
use std::path::{Path, PathBuf};

use proofpack::archive::{Archive, ArchiveError, Keep, LockMode, Parcel, S3Archive};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::misbehaving::{client, entry, keep};
use super::{aws, base64, bucket};
use crate::support::world::World;

/// The shortest part that S3 takes.
const PART: usize = 5 << 20;
const KEY: &str = "p/long.zip";

/// A bucket that is fit for an archive, and a long file to keep there.
struct Begun {
    world: World,
    archive: Archive,
    folder: tempfile::TempDir,
    path: PathBuf,
}

async fn begun() -> Begun {
    let world = World::start();
    bucket(&world, "evidence");
    let folder = tempfile::tempdir().unwrap();
    let path = long(folder.path());
    let archive = archive(&world).await;
    Begun { world, archive, folder, path }
}

/// A file of two parts and a bit, in which no part is another's.
fn long(folder: &Path) -> PathBuf {
    let bytes: Vec<u8> =
        (0..2 * PART as u64 + 77).map(|at| (at ^ (at >> 8) ^ (at >> 16) ^ 0x5a) as u8).collect();
    let path = folder.join("long.zip");
    fs::write(&path, bytes).unwrap();
    path
}

async fn archive(world: &World) -> Archive {
    let s3 = S3Archive::new(client(&world.endpoint()).await, "s3://evidence/p").unwrap();
    Archive::S3(Box::new(s3.with_parts_of(PART as u64)))
}

fn uploads(world: &World) -> Vec<Value> {
    let uploads = aws(world, &["list-multipart-uploads", "--bucket", "evidence"]);
    uploads["Uploads"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_long_package_is_sent_in_parts_locked_and_read_back() {
    let Begun { world, archive, folder, path } = begun().await;
    let parcel = Parcel::of(&path, "long.zip").unwrap();
    let keep = Keep {
        lock: Some(LockMode::Compliance),
        legal_hold: true,
        tags: vec![("Project".into(), "a b".into())],
        ..keep()
    };
    let stored = archive.put(&parcel, &keep, &entry(&parcel)).await.unwrap();
    let bytes = fs::read(&path).unwrap();
    let digests: Vec<u8> = bytes.chunks(PART).flat_map(|part| Sha256::digest(part).to_vec()).collect();
    let composite = format!("{}-3", base64(&Sha256::digest(digests)));
    assert_eq!(stored.checksum.as_deref(), Some(composite.as_str()));
    assert_eq!((stored.bytes, stored.legal_hold), (bytes.len() as u64, true));
    assert_eq!(stored.lock_mode.as_deref(), Some("COMPLIANCE"));
    assert_eq!(stored.retain_until, keep.retain_until);
    assert!(stored.version_id.is_some());
    let head =
        aws(&world, &["head-object", "--bucket", "evidence", "--key", KEY, "--checksum-mode", "ENABLED"]);
    assert_eq!(head["ChecksumSHA256"], composite);
    assert_eq!(head["ContentType"], "application/zip");
    let tags = aws(&world, &["get-object-tagging", "--bucket", "evidence", "--key", KEY]);
    assert_eq!(tags["TagSet"], json!([{"Key": "Project", "Value": "a b"}]));
    assert!(uploads(&world).is_empty());

    // Again: nothing is sent, and the same is told.
    let again = archive.put(&parcel, &keep, &entry(&parcel)).await.unwrap();
    assert_eq!((again.version_id, again.checksum), (stored.version_id, stored.checksum));
    let copy = folder.path().join("copy.zip");
    assert_eq!(archive.fetch("long.zip", &copy).await.unwrap(), parcel.sha256);
}

#[tokio::test]
async fn what_was_sent_is_not_sent_again_and_what_is_of_another_package_is() {
    let Begun { world, archive, folder: _folder, path } = begun().await;
    let parcel = Parcel::of(&path, "long.zip").unwrap();
    // The second part is refused for good.
    world.plant(
        json!({"kind": "deny", "service": "s3", "operation": "UploadPart", "contains": "partNumber=2"}),
    );
    let error = archive.put(&parcel, &keep(), &entry(&parcel)).await.unwrap_err();
    assert!(matches!(&error, ArchiveError::S3 { operation: "UploadPart", .. }), "{error}");
    world.clear_faults();
    let begun = uploads(&world);
    assert_eq!(begun.len(), 1, "what was begun is kept to be gone on with");
    assert!(archive.stat("long.zip").await.unwrap().is_none(), "nothing stands under the name yet");

    // Whatever sends the first part again would be refused.
    world.plant(
        json!({"kind": "deny", "service": "s3", "operation": "UploadPart", "contains": "partNumber=1"}),
    );
    let stored = archive.put(&parcel, &keep(), &entry(&parcel)).await.unwrap();
    world.clear_faults();
    assert!(archive.is_checksum_of(&stored, &path).unwrap());
    assert!(uploads(&world).is_empty());
}

#[tokio::test]
async fn parts_of_another_package_under_the_name_are_sent_anew() {
    let Begun { world, archive, folder, path } = begun().await;
    world.plant(json!({"kind": "deny", "service": "s3", "operation": "CompleteMultipartUpload"}));
    let parcel = Parcel::of(&path, "long.zip").unwrap();
    archive.put(&parcel, &keep(), &entry(&parcel)).await.unwrap_err();
    world.clear_faults();
    let mut bytes = fs::read(&path).unwrap();
    bytes[PART + 3] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let parcel = Parcel::of(&path, "long.zip").unwrap();
    let stored = archive.put(&parcel, &keep(), &entry(&parcel)).await.unwrap();
    assert!(archive.is_checksum_of(&stored, &path).unwrap());
    let copy = folder.path().join("copy.zip");
    assert_eq!(archive.fetch("long.zip", &copy).await.unwrap(), parcel.sha256);
}

#[tokio::test]
async fn passing_faults_are_outlasted_and_lasting_ones_reported() {
    let Begun { world, archive, folder: _folder, path } = begun().await;
    let parcel = Parcel::of(&path, "long.zip").unwrap();
    for (operation, kind) in [
        ("HeadObject", "http500"),
        ("CreateMultipartUpload", "http500"),
        ("UploadPart", "throttle"),
        ("UploadPart", "close"),
        ("CompleteMultipartUpload", "http500"),
        ("PutObject", "close"),
    ] {
        world.plant(json!({"kind": kind, "service": "s3", "operation": operation, "times": 1}));
    }
    let stored = archive.put(&parcel, &keep(), &entry(&parcel)).await.unwrap();
    assert!(archive.is_checksum_of(&stored, &path).unwrap());
    assert_eq!(archive.list().await.unwrap().0.len(), 1);

    world.plant(json!({"kind": "http500", "service": "s3", "operation": "HeadObject"}));
    let error = archive.put(&parcel, &keep(), &entry(&parcel)).await.unwrap_err();
    assert!(matches!(&error, ArchiveError::S3 { operation: "HeadObject", .. }), "{error}");
}
