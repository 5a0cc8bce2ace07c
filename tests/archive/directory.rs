//! A directory as archive.

use std::fs;
use std::path::Path;

use super::{Home, NAME, ending, receipt, said};
use crate::support::packages::{RawMember, RawZip};

/// Files below a folder, temporary ones too.
fn count(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
}

#[test]
fn a_package_is_stored_read_only_with_nothing_half_written_beside_it() {
    let home = Home::new("[archive]\ndestination = \"kept\"\n");
    let destination = home.path("evidence/2026");
    said(&home.archive(destination.to_str().unwrap()));
    let target = destination.join(NAME);
    assert_eq!(fs::read(&target).unwrap(), home.package());
    let first = receipt(&home.path(&format!("{NAME}.receipt.json")));
    assert_eq!(first.location, target.to_str().unwrap());
    assert_eq!((first.version_id, first.lock_mode, first.retain_until), (None, None, None));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o444);
    }
    assert_eq!(count(&destination), 2, "the package and its index object");

    // Another archive gives another receipt, and the first stays.
    let before = fs::read(home.path(&format!("{NAME}.receipt.json"))).unwrap();
    said(&home.archive("kept"));
    assert_eq!(fs::read(home.path(&format!("{NAME}.receipt.json"))).unwrap(), before);
    let second = receipt(&home.path(&format!("{NAME}.receipt-2.json")));
    assert_eq!(second.location, home.path("kept").join(NAME).to_str().unwrap());
}

#[test]
fn what_cannot_be_stored_is_said() {
    let home = Home::new("");
    fs::write(home.path("file"), b"in the way").unwrap();
    let (code, said) = ending(&home.archive(home.path("file/below").to_str().unwrap()));
    assert_eq!(code, 6, "{said}");
    assert!(said.contains("cannot read or write") && said.contains("file/below"), "{said}");
    let (code, said) = ending(&home.archive(home.path("file").to_str().unwrap()));
    assert!(code == 3 && said.contains("is a file: name a directory"), "{said}");

    fs::remove_file(home.path(NAME)).unwrap();
    let (code, said) = ending(&home.archive(home.path("evidence").to_str().unwrap()));
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("there is no package") && said.contains("proofpack package"), "{said}");
    assert!(!home.path("evidence").exists());
}

#[test]
fn a_receipt_that_cannot_be_written_can_be_had_by_the_same_command() {
    let home = Home::new("");
    let long = format!("{}.zip", "p".repeat(245)); // a name for the package, but not with `.receipt.json` behind it
    fs::rename(home.path(NAME), home.path(&long)).unwrap();
    let mut command = crate::support::proofpack();
    command.arg("archive").arg(home.path("evidence")).arg("--config").arg(home.path("proofpack.toml"));
    let (code, said) = ending(&command.arg("--package").arg(home.path(&long)).output().unwrap());
    assert_eq!(code, 6, "{said}");
    assert!(
        !home.path("evidence").join(&long).exists() || said.contains("run the same command again"),
        "{said}"
    );
}

#[test]
fn a_package_that_was_put_there_by_hand_is_listed_and_verified_too() {
    let home = Home::new("");
    let destination = home.path("evidence");
    fs::create_dir(&destination).unwrap();
    fs::copy(home.path(NAME), destination.join("by-hand.zip")).unwrap();
    let destination = destination.to_str().unwrap();
    let list = said(&home.ask(&["list"], destination));
    assert!(list.contains("(no index object)") && list.contains("by-hand.zip"), "{list}");
    let output = home.ask(&["verify"], destination);
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(words.contains("there is no index object of it"), "{words}");
    // An index object that is none is as good as none, and what lies beside it stops nothing.
    fs::create_dir(home.path("evidence/index")).unwrap();
    fs::write(home.path("evidence/index/by-hand.zip.json"), "{}").unwrap();
    fs::write(home.path("evidence/index/notes.txt"), "notes").unwrap();
    let list = said(&home.ask(&["list"], destination));
    assert!(list.contains("(no index object)") && list.contains("by-hand.zip"), "{list}");
    let output = home.ask(&["verify"], destination);
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(words.contains("there is no index object of it that can be read"), "{words}");
}

#[test]
fn an_index_that_says_otherwise_than_the_package_is_found() {
    let home = Home::new("");
    said(&home.archive(home.path("kept").to_str().unwrap()));
    let index = home.path(&format!("kept/index/{NAME}.json"));
    let text = fs::read_to_string(&index).unwrap();
    let mut entry: serde_json::Value = serde_json::from_str(&text).unwrap();
    for field in ["sha256", "manifest-sha256", "merkle-root"] {
        let good = entry[field].clone();
        entry[field] = "0".repeat(64).into();
        fs::remove_file(&index).unwrap();
        fs::write(&index, entry.to_string()).unwrap();
        let output = home.ask(&["verify"], "kept");
        let words = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(words.contains("the index object says otherwise"), "{field}: {words}");
        entry[field] = good;
    }
}

#[test]
fn what_is_altered_or_not_there_is_no_archive() {
    let home = Home::new("");
    let (code, error) = ending(&home.ask(&["verify"], "empty"));
    assert!(code == 3 && error.contains("nothing was verified"), "{error}");
    // A file of the package is another than its list says, and the zip is made again around it.
    let mut zip = RawZip::parse(&home.package());
    let report = |member: &&mut RawMember| String::from_utf8_lossy(&member.central).ends_with("report.pdf");
    let member = zip.members.iter_mut().find(report).unwrap();
    *member = RawMember::stored("proofpack-123456789012-2026-07-01-2026-09-30/report.pdf", b"another");
    fs::write(home.path(NAME), zip.bytes()).unwrap();
    let (code, error) = ending(&home.archive(home.path("kept").to_str().unwrap()));
    assert!(code == 3 && error.contains("not those that its SHA256SUMS lists"), "{error}");
    assert!(!home.path("kept").join(NAME).exists());
}
