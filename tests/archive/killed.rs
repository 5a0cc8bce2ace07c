//! A run of `archive` that is killed at any moment: nothing half under the package's name, never a receipt that is not true.

use std::fs;
use std::process::{Child, Stdio};

use proofpack::canonical::sha256;

use super::{Home, NAME, aws, bucket, receipt};
use crate::support::killing::kill_at_any_moment;
use crate::support::proofpack;
use crate::support::world::World;

fn start(home: &Home, destination: &str) -> Child {
    let mut command = proofpack();
    command.arg("archive").arg(destination).arg("--config").arg(home.path("proofpack.toml"));
    command.arg("--package").arg(home.path(NAME)).current_dir(home.path(""));
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The receipt, if there is one; what it says is true of the package. Takes it away, so that another run writes one.
fn take_receipt(home: &Home, location: &str) -> bool {
    let path = home.path(&format!("{NAME}.receipt.json"));
    if !path.exists() {
        return false;
    }
    let told = receipt(&path);
    assert_eq!(told.sha256, sha256(&home.package()));
    assert!(told.location.ends_with(location), "{} does not end in {location}", told.location);
    fs::remove_file(path).unwrap();
    true
}

#[test]
fn a_directory_holds_the_whole_package_or_nothing_under_its_name() {
    let home = Home::new("");
    let archive = home.path("kept");
    let look = |ended: bool| {
        let stored = archive.join(NAME);
        if stored.exists() {
            assert!(fs::read(&stored).unwrap() == home.package(), "half a package stands under its name");
        }
        let is_done = take_receipt(&home, NAME);
        assert!(!is_done || stored.exists(), "a receipt of what is not there");
        assert!(is_done || !ended);
        if is_done {
            fs::remove_dir_all(&archive).unwrap();
        }
        is_done
    };
    kill_at_any_moment(|| start(&home, "kept"), look);
}

#[test]
fn a_bucket_holds_the_whole_package_or_nothing_under_its_name() {
    let world = World::start();
    bucket(&world, "evidence");
    let home = Home::on(&world, "");
    // What is locked stays: each beginning has a prefix of its own.
    let prefix = std::cell::Cell::new(0);
    let key = || format!("{}/{NAME}", prefix.get());
    let look = |ended: bool| {
        let listed = aws(&world, &["list-objects-v2", "--bucket", "evidence", "--prefix", &key()]);
        let sizes: Vec<u64> = listed["Contents"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| one["Size"].as_u64().unwrap())
            .collect();
        assert!(sizes.is_empty() || sizes == [home.package().len() as u64], "{listed}");
        let is_done = take_receipt(&home, &key());
        assert!(!is_done || !sizes.is_empty(), "a receipt of what is not there");
        assert!(is_done || !ended);
        if is_done {
            let versions = aws(&world, &["list-object-versions", "--bucket", "evidence", "--prefix", &key()]);
            assert_eq!(
                versions["Versions"].as_array().unwrap().len(),
                1,
                "stored once, however often it was begun"
            );
            prefix.set(prefix.get() + 1);
        }
        is_done
    };
    kill_at_any_moment(|| start(&home, &format!("s3://evidence/{}", prefix.get())), look);
}
