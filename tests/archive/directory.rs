//! A directory as archive.

use std::fs;

use proofpack::canonical;

use super::{Home, NAME, PACKAGE, ending, receipt};

#[test]
fn a_package_is_stored_once_with_a_receipt_and_never_overwritten() {
    let home = Home::new("[archive]\ndestination = \"kept\"\n");
    let destination = home.path("evidence/2026");
    let stored = home.archive(destination.to_str().unwrap());
    assert_eq!(ending(&stored).0, 0, "{stored:?}");
    let target = destination.join(NAME);
    assert_eq!(fs::read(&target).unwrap(), PACKAGE);
    let path = home.path(&format!("{NAME}.receipt.json"));
    let first = receipt(&path);
    assert_eq!((first.bytes, first.sha256), (PACKAGE.len() as u64, canonical::sha256(PACKAGE)));
    assert_eq!((first.package.as_str(), first.location.as_str()), (NAME, target.to_str().unwrap()));
    assert_eq!((first.version_id, first.lock_mode, first.retain_until), (None, None, None));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o444);
    }

    let before = fs::read(&path).unwrap();
    fs::write(home.path(NAME), b"another package of the same name").unwrap();
    let (code, said) = ending(&home.archive(destination.to_str().unwrap()));
    assert_eq!(code, 6, "{said}");
    assert!(said.contains("exists already") && said.contains("never overwrites"), "{said}");
    assert_eq!(fs::read(&target).unwrap(), PACKAGE);
    assert_eq!(fs::read_dir(&destination).unwrap().count(), 1, "nothing half-written is left");
    assert_eq!(fs::read(&path).unwrap(), before);

    // Another archive gives another receipt, and the first stays.
    let second = home.archive("kept");
    assert_eq!(ending(&second).0, 0, "{second:?}");
    assert_eq!(fs::read(&path).unwrap(), before);
    let second = receipt(&home.path(&format!("{NAME}.receipt-2.json")));
    assert_eq!(second.location, home.path("kept").join(NAME).to_str().unwrap());
}

#[test]
fn what_cannot_be_stored_is_said() {
    let home = Home::new("");
    fs::write(home.path("file"), b"in the way").unwrap();
    let (code, said) = ending(&home.archive(home.path("file/below").to_str().unwrap()));
    assert_eq!(code, 6, "{said}");
    assert!(said.contains("cannot write") && said.contains("file/below"), "{said}");

    fs::remove_file(home.path(NAME)).unwrap();
    let (code, said) = ending(&home.archive(home.path("evidence").to_str().unwrap()));
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("cannot read the package") && said.contains("proofpack package"), "{said}");
    assert!(!home.path("evidence").exists());
}

#[test]
fn a_receipt_that_cannot_be_written_is_shown_instead() {
    let home = Home::new("");
    let long = format!("{}.zip", "p".repeat(245)); // a name for the package, but not with `.receipt.json` behind it
    fs::rename(home.path(NAME), home.path(&long)).unwrap();
    let mut command = crate::support::proofpack();
    command.arg("archive").arg(home.path("evidence")).arg("--config").arg(home.path("proofpack.toml"));
    let (code, said) = ending(&command.arg("--package").arg(home.path(&long)).output().unwrap());
    assert_eq!(code, 6, "{said}");
    assert!(
        said.contains("the package is stored") && said.contains(&canonical::sha256(PACKAGE).to_string()),
        "{said}"
    );
}
