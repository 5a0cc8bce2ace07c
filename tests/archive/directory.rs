//! A directory as archive.

use std::fs;
use std::path::Path;

use super::{Home, NAME, ending, receipt, said};

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
    // An index object that is none.
    fs::create_dir(home.path("evidence/index")).unwrap();
    fs::write(home.path("evidence/index/by-hand.zip.json"), "{}").unwrap();
    let (code, error) = ending(&home.ask(&["list"], destination));
    assert!(code == 3 && error.contains("index/by-hand.zip.json"), "{error}");
}
