//! The archive: one suite for both kinds, S3 with Object Lock on the test world, S3 that misbehaves, and a directory; through the
//! program.

mod chained;
mod conformance;
mod directory;
mod killed;
mod misbehaving;
mod parts;
mod preflight;
mod s3;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use proofpack::archive::Receipt;
use serde_json::Value;

use crate::schema::validate;
use crate::support::packages::{other_package, unsigned_package};
use crate::support::world::World;
use crate::support::{proofpack, python_tool, succeed};

const NAME: &str = "proofpack-123456789012-2026-07-01-2026-09-30.zip";

/// A folder with a package and a configuration.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    /// `settings` are lines of the configuration, from `[aws]` on.
    fn new(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        unsigned_package(folder.path(), NAME);
        let config = format!("organization = \"Example\"\n[scope]\nregions = [\"us-east-1\"]\n{settings}");
        fs::write(folder.path().join("proofpack.toml"), config).unwrap();
        Self { folder }
    }

    /// With `archive` as that section, on the world.
    fn on(world: &World, archive: &str) -> Self {
        Self::new(&format!("[aws]\nendpoint-url = \"{}\"\n[archive]\n{archive}", world.endpoint()))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn package(&self) -> Vec<u8> {
        fs::read(self.path(NAME)).unwrap()
    }

    /// Puts another package in the place of the one that is there.
    fn replace_package(&self) {
        other_package(self.folder.path(), "other.zip");
        fs::rename(self.path("other.zip"), self.path(NAME)).unwrap();
    }

    /// `proofpack archive DESTINATION` for the package.
    fn archive(&self, destination: &str) -> Output {
        let mut command = proofpack();
        command.arg("archive").arg(destination).arg("--config").arg(self.path("proofpack.toml"));
        command.arg("--package").arg(self.path(NAME));
        command.output().unwrap()
    }

    /// `proofpack archive COMMAND ... --archive DESTINATION`.
    fn ask(&self, arguments: &[&str], destination: &str) -> Output {
        let mut command = proofpack();
        command.arg("archive").args(arguments).arg("--config").arg(self.path("proofpack.toml"));
        command.arg("--archive").arg(destination).current_dir(self.folder.path());
        command.output().unwrap()
    }
}

/// The exit code, and what was said to the error output.
fn ending(output: &Output) -> (i32, String) {
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// What was said to the standard output by a command that ended well.
#[track_caller]
fn said(output: &Output) -> String {
    assert_eq!(ending(output).0, 0, "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A receipt that keeps to its schema.
fn receipt(path: &Path) -> Receipt {
    let valid = validate("receipt", path);
    assert!(valid.status.success(), "{}", String::from_utf8_lossy(&valid.stderr));
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The AWS CLI on the world's S3.
fn aws(world: &World, arguments: &[&str]) -> Value {
    let mut command = python_tool("aws");
    command.args(["--endpoint-url", &world.endpoint(), "--output", "json", "s3api"]).args(arguments);
    let output = succeed(&mut command);
    if output.stdout.is_empty() { Value::Null } else { serde_json::from_slice(&output.stdout).unwrap() }
}

/// A bucket that is fit for an archive.
fn bucket(world: &World, name: &str) {
    aws(world, &["create-bucket", "--bucket", name, "--object-lock-enabled-for-bucket"]);
    let rule = r#"{"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}"#;
    aws(world, &["put-bucket-encryption", "--bucket", name, "--server-side-encryption-configuration", rule]);
    let block =
        "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true";
    aws(world, &["put-public-access-block", "--bucket", name, "--public-access-block-configuration", block]);
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
