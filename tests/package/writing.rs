use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use proofpack::bundle::files::Files;
use proofpack::canonical::sha256;
use proofpack::package::{self, Contents, Package, PackageError, Source, layout};
use serde_json::json;

use crate::support::bundles::{answered, seal};
use crate::support::packages::{CERTIFICATE, RawZip, catalog_text, empty_assessment, unsigned_package};
use crate::support::{python_tool, succeed};

#[test]
fn the_same_contents_give_the_same_bytes() {
    let home = tempfile::tempdir().unwrap();
    let (one, summary) = unsigned_package(home.path(), "one.zip");
    let (two, again) = unsigned_package(home.path(), "two.zip");
    let bytes = fs::read(&one).unwrap();
    assert!(bytes == fs::read(&two).unwrap());
    assert_eq!(summary, again);
    assert_eq!((summary.sha256, summary.bytes), (sha256(&bytes), bytes.len() as u64));
    assert_eq!(summary.folder, "proofpack-123456789012-2026-07-01-2026-09-30");
}

#[test]
fn outside_tools_accept_a_package() {
    let home = tempfile::tempdir().unwrap();
    let (zip, summary) = unsigned_package(home.path(), "package.zip");
    let test = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); sys.exit(z.testzip() or len(z.namelist()) != int(sys.argv[2]))";
    succeed(python_tool("python").args(["-c", test]).arg(&zip).arg(summary.files.to_string()));
    let unpack = "import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])";
    succeed(python_tool("python").args(["-c", unpack]).arg(&zip).arg(home.path()));
    let folder = home.path().join(&summary.folder);
    succeed(Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(&folder));
    succeed(python_tool("bagit.py").arg("--validate").arg(folder.join("bundle")));
}

#[test]
fn a_package_opens_and_lists_exactly_its_files() {
    let home = tempfile::tempdir().unwrap();
    let (zip, summary) = unsigned_package(home.path(), "package.zip");
    let package = Package::open(&zip).unwrap();
    let prefix = format!("{}/", summary.folder);
    let names: BTreeSet<&str> =
        package.list().keys().map(|name| name.strip_prefix(&prefix).unwrap()).collect();
    for name in layout::BESIDE_BUNDLE {
        assert!(names.contains(name), "{name}");
    }
    assert!(names.contains(layout::MANIFEST));
    for (name, length) in package.list() {
        assert_eq!(package.read(name, 1 << 20).unwrap().len() as u64, *length, "{name}");
    }
    let instructions = package.read(&format!("{prefix}VERIFY.md"), 1 << 20).unwrap();
    let instructions = String::from_utf8(instructions).unwrap();
    assert!(!instructions.contains("{{") && instructions.contains("cms -verify"), "{instructions}");
    // The file as openssl sees it.
    let certificate = home.path().join("signer.pem");
    fs::write(&certificate, CERTIFICATE).unwrap();
    let shown = succeed(
        Command::new("openssl").args(["x509", "-noout", "-fingerprint", "-sha256", "-in"]).arg(&certificate),
    );
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(instructions.contains(shown.trim().split_once('=').unwrap().1), "{shown}");
}

#[test]
fn what_would_look_like_a_bomb_is_stored() {
    let home = tempfile::tempdir().unwrap();
    let monotone = answered("s3", "ListBuckets", json!({}), json!({"Zeros": "0".repeat(3 << 20)}));
    let bag = seal(home.path(), "bag", &[monotone]);
    let zip = home.path().join("package.zip");
    let contents = Contents {
        bundle: &bag,
        assessment: &empty_assessment(&bag),
        catalog: &catalog_text(),
        report: b"",
        manifest_signature: b"x",
        signer: CERTIFICATE.as_bytes(),
        corroboration: None,
        manifest_timestamp: None,
    };
    package::write(&zip, &contents, &mut |_| Ok(vec![])).unwrap();
    let bytes = fs::read(&zip).unwrap();
    assert!(bytes.len() > 3 << 20);
    let (package, problems) = Package::examine(Source::memory(bytes)).unwrap();
    assert!(problems.is_empty(), "{:?}", problems.into_list());
    for name in package.list().keys() {
        package.read(name, 1 << 30).unwrap();
    }
}

#[test]
fn nothing_is_overwritten_and_nothing_unsound_is_packaged() {
    let home = tempfile::tempdir().unwrap();
    let (zip, _) = unsigned_package(home.path(), "package.zip");
    let before = fs::read(&zip).unwrap();
    let bag = home.path().join("package.zip-bag");
    let assessment = empty_assessment(&bag);
    let good = Contents {
        bundle: &bag,
        assessment: &assessment,
        catalog: &catalog_text(),
        report: b"",
        manifest_signature: b"",
        signer: CERTIFICATE.as_bytes(),
        corroboration: None,
        manifest_timestamp: None,
    };
    let sign = &mut |_: &[u8]| Ok(vec![]);
    assert!(matches!(package::write(&zip, &good, sign), Err(PackageError::Exists(_))));
    assert!(fs::read(&zip).unwrap() == before);

    let other = home.path().join("other.zip");
    let other_bag = seal(home.path(), "other-bag", &[]);
    let wrong = Contents { bundle: &other_bag, ..good };
    assert!(matches!(package::write(&other, &wrong, sign), Err(PackageError::OtherBundle { .. })));
    let wrong = Contents { signer: b"no certificate", ..good };
    assert!(matches!(package::write(&other, &wrong, sign), Err(PackageError::Signer(_))));
    let wrong = Contents { assessment: b"{}", ..good };
    assert!(matches!(package::write(&other, &wrong, sign), Err(PackageError::Assessment(_))));
    for catalog in [&b"{}"[..], br#"{"files":{},"version":1}"#] {
        let wrong = Contents { catalog, ..good };
        assert!(matches!(package::write(&other, &wrong, sign), Err(PackageError::Catalog(_))));
    }
    let wrong = Contents { corroboration: Some((b"{}", b"")), ..good };
    assert!(matches!(package::write(&other, &wrong, sign), Err(PackageError::Corroboration(_))));
    let elsewhere = tempfile::tempdir().unwrap();
    let of_another = crate::support::signed::parts(elsewhere.path(), &crate::support::signed::signer("x"));
    let (text, signature) = (&of_another.corroboration.0, &of_another.corroboration.1);
    let wrong = Contents { corroboration: Some((text, signature)), ..good };
    let refused = package::write(&other, &wrong, sign);
    assert!(matches!(refused, Err(PackageError::OtherBundleCorroborated { .. })), "{refused:?}");
    let refuse = &mut |_: &[u8]| Err("the key is locked away".into());
    assert!(matches!(package::write(&other, &good, refuse), Err(PackageError::Sign(_))));
    fs::write(bag.join("bagit.txt"), "altered").unwrap();
    assert!(matches!(package::write(&other, &good, sign), Err(PackageError::Bundle(_))));

    let left: Vec<_> = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        !left.iter().any(|name| name.to_string_lossy().contains("partial") || name == "other.zip"),
        "{left:?}"
    );
}

#[test]
fn taking_a_package_apart_and_putting_it_together_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let (zip, _) = unsigned_package(home.path(), "package.zip");
    let bytes = fs::read(&zip).unwrap();
    assert!(RawZip::parse(&bytes).bytes() == bytes, "the tests' own zip writer disagrees with the program");
}
