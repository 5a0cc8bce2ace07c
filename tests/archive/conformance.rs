//! What every archive has to do, whichever kind it is.

use std::fs;

use proofpack::archive::IndexEntry;
use proofpack::canonical;
use serde_json::Value;

use super::{Home, NAME, bucket, ending, receipt, said};
use crate::schema::validate;
use crate::support::packages::CERTIFICATE;
use crate::support::world::World;

/// Runs `test` for an empty archive of each kind: with a home, its destination, and what its index objects are called.
fn for_each_kind(test: impl Fn(&Home, &str)) {
    let world = World::start();
    bucket(&world, "evidence");
    let home = Home::on(&world, "");
    test(&home, "s3://evidence/hipaa");
    let home = Home::new("");
    test(&home, home.path("evidence/hipaa").to_str().unwrap());
}

#[test]
fn what_is_stored_is_listed_shown_and_had_again() {
    for_each_kind(|home, destination| {
        assert!(said(&home.ask(&["list"], destination)).contains("0 packages"));
        assert!(said(&home.ask(&["check"], destination)).contains("is fit for an archive"));
        said(&home.archive(destination));
        let written = receipt(&home.path(&format!("{NAME}.receipt.json")));
        let package = home.package();
        assert_eq!((written.bytes, written.sha256), (package.len() as u64, canonical::sha256(&package)));
        assert_eq!(written.package, NAME);

        let list: Vec<IndexEntry> =
            serde_json::from_str(&said(&home.ask(&["list", "--json"], destination))).unwrap();
        assert_eq!((list.len(), list[0].package.as_str(), list[0].sha256), (1, NAME, written.sha256));
        assert_eq!(list[0].manifest_sha256, written.manifest_sha256);
        fs::write(home.path("entry.json"), serde_json::to_vec(&list[0]).unwrap()).unwrap();
        assert!(validate("archive-index", &home.path("entry.json")).status.success());
        let words = said(&home.ask(&["list"], destination));
        assert!(words.contains("2026-07-01 to 2026-10-01") && words.contains("1 packages"), "{words}");

        let shown: Value =
            serde_json::from_str(&said(&home.ask(&["show", NAME, "--json"], destination))).unwrap();
        assert_eq!(shown["index"]["sha256"], written.sha256.to_string());
        assert_eq!(shown["bytes"], package.len());
        assert!(said(&home.ask(&["show", NAME], destination)).contains(&written.sha256.to_string()));

        let told = said(&home.ask(&["fetch", NAME, "--to", "copy.zip"], destination));
        assert!(told.contains("as the index says"), "{told}");
        assert_eq!(fs::read(home.path("copy.zip")).unwrap(), package);
        let (code, error) = ending(&home.ask(&["fetch", NAME, "--to", "copy.zip"], destination));
        assert!(code == 6 && error.contains("exists already"), "{error}");
    });
}

#[test]
fn storing_the_same_again_changes_nothing_and_another_is_refused() {
    for_each_kind(|home, destination| {
        said(&home.archive(destination));
        let path = home.path(&format!("{NAME}.receipt.json"));
        let first = fs::read(&path).unwrap();
        said(&home.archive(destination));
        assert_eq!(fs::read(&path).unwrap(), first, "the receipt is of the run that stored it");
        assert!(!home.path(&format!("{NAME}.receipt-2.json")).exists());
        // A run that ended between the package and its receipt is made again.
        fs::remove_file(&path).unwrap();
        said(&home.archive(destination));
        let again = receipt(&path);
        assert_eq!(again.sha256, canonical::sha256(&home.package()));

        home.replace_package();
        let (code, error) = ending(&home.archive(destination));
        assert_eq!(code, 6, "{error}");
        assert!(error.contains("exists already") && error.contains("never overwrites"), "{error}");
        let told = said(&home.ask(&["fetch", NAME, "--to", "copy.zip"], destination));
        assert!(told.contains(&again.sha256.to_string()), "{told}");
    });
}

#[test]
fn what_is_not_there_or_is_no_name_is_said() {
    for_each_kind(|home, destination| {
        for command in ["show", "fetch"] {
            let (code, error) = ending(&home.ask(&[command, "nothing.zip"], destination));
            assert!(code == 3 && error.contains("there is no") && error.contains("archive list"), "{error}");
            for name in ["../proofpack.toml", "/etc/passwd", "index/../x", ".hidden", "", "a/b"] {
                let (code, error) = ending(&home.ask(&[command, name], destination));
                assert!(code == 3 && error.contains("is not the name"), "{name}: {error}");
            }
        }
        assert!(!home.path("nothing.zip").exists());
        fs::write(home.path(NAME), "not a package").unwrap();
        let (code, error) = ending(&home.archive(destination));
        assert!(code == 3 && error.contains("not a package"), "{error}");
        assert!(said(&home.ask(&["list"], destination)).contains("0 packages"));
    });
}

#[test]
fn an_altered_package_or_index_is_found() {
    for_each_kind(|home, destination| {
        said(&home.archive(destination));
        let receipt = format!("{NAME}.receipt.json");
        // The sample is not signed by anybody: that much is wrong with it from the beginning.
        let before = home.ask(&["verify", "--receipt", &receipt, "--json"], destination);
        let before: Value = serde_json::from_slice(&before.stdout).unwrap();
        assert_eq!(before["packages"][0]["problems"], serde_json::json!([]), "{before:#}");
        assert_eq!(before["chain"]["problems"], serde_json::json!([]));

        // A receipt of something else.
        let text = fs::read_to_string(home.path(&receipt)).unwrap();
        let other = text.replace(&canonical::sha256(&home.package()).to_string(), &"0".repeat(64));
        fs::write(home.path("other.json"), other).unwrap();
        let output = home.ask(&["verify", "--receipt", "other.json"], destination);
        let words = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1));
        assert!(words.contains("the receipt says 0000000"), "{words}");
        // What a receipt promises beyond the digests.
        let held =
            text.replace("\"legal-hold\":false", "\"legal-hold\":true").replace("\"bytes\":", "\"bytes\":1");
        fs::write(home.path("held.json"), held).unwrap();
        let output = home.ask(&["verify", "--receipt", "held.json"], destination);
        let words = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(words.contains("a legal hold is on it") && words.contains("its length is"), "{words}");
        // One of another place is held against the digests, and that is said.
        let elsewhere = text.replace("\"location\":\"", "\"location\":\"s3://elsewhere/");
        fs::write(home.path("elsewhere.json"), elsewhere).unwrap();
        let output = home.ask(&["verify", "--receipt", "elsewhere.json", "--json"], destination);
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(told["packages"][0]["problems"], serde_json::json!([]), "{told:#}");
        assert!(told["packages"][0]["notes"][0].as_str().unwrap().contains("s3://elsewhere/"), "{told:#}");
        // Whoever trusts somebody wants receipts that they signed.
        fs::write(home.path("trusted.pem"), CERTIFICATE).unwrap();
        let trusting = ["verify", "--receipt", &receipt, "--trust", "trusted.pem"];
        let (code, error) = ending(&home.ask(&trusting, destination));
        assert!(code == 3 && error.contains("there is no signature beside it"), "{error}");
        // A receipt of a package that is not there any more.
        fs::write(home.path("gone.json"), text.replace(NAME, "gone.zip")).unwrap();
        let output = home.ask(&["verify", "--receipt", "gone.json"], destination);
        let words = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(words.contains("gone.zip") && words.contains("it is not in the archive"), "{words}");
    });
}
