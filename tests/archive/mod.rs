//! The archive: S3 with Object Lock on the test world, S3 that misbehaves, and a directory, through the program.

mod directory;
mod misbehaving;
mod s3;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use proofpack::archive::Receipt;

use crate::schema::validate;
use crate::support::proofpack;

/// What stands for a package: the archive sees bytes.
const PACKAGE: &[u8] = b"PK\x05\x06 not quite a zip, but bytes that must not change";
const NAME: &str = "proofpack-123456789012-2026-10-01.zip";

/// A folder with a package and a configuration.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    /// `settings` are lines of the configuration, from `[aws]` on.
    fn new(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(NAME), PACKAGE).unwrap();
        let config = format!("organization = \"Example\"\n[scope]\nregions = [\"us-east-1\"]\n{settings}");
        fs::write(folder.path().join("proofpack.toml"), config).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `proofpack archive DESTINATION` for the package.
    fn archive(&self, destination: &str) -> Output {
        let mut command = proofpack();
        command.arg("archive").arg(destination).arg("--config").arg(self.path("proofpack.toml"));
        command.arg("--package").arg(self.path(NAME));
        command.output().unwrap()
    }
}

/// The exit code, and what was said to the error output.
fn ending(output: &Output) -> (i32, String) {
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A receipt that keeps to its schema.
fn receipt(path: &Path) -> Receipt {
    let valid = validate("receipt", path);
    assert!(valid.status.success(), "{}", String::from_utf8_lossy(&valid.stderr));
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}
