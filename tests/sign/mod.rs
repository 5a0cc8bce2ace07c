//! Signatures against their outside counterparts: openssl makes the keys and checks the CMS, pyHanko and
//! qpdf (through pikepdf) check the PDFs.

mod cms;
mod keys;
mod kms;
pub(crate) mod long_term;
pub(crate) mod pdf;
pub(crate) mod pki;
mod roles;
mod strict_cms;
mod strict_pdf;
pub(crate) mod timestamp;
pub(crate) mod visible;

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use crate::support::proofpack;

/// A folder in which there is something to sign, in `out/`.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(home.out("bundle/data")).unwrap();
        fs::write(home.out("report-unsigned.pdf"), pdf::REPORT).unwrap();
        fs::write(home.out("bundle/data/manifest.json"), "{}\n").unwrap();
        home
    }

    fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join("out").join(name)
    }

    /// `proofpack sign` with these settings beside those that every configuration needs.
    fn sign(&self, settings: &str) -> Output {
        self.run_sign(settings, &[])
    }

    /// As [`Home::sign`], in this role.
    fn sign_as(&self, role: &str, settings: &str) -> Output {
        self.run_sign(settings, &["--role", role])
    }

    fn run_sign(&self, settings: &str, arguments: &[&str]) -> Output {
        self.configure(settings);
        proofpack().arg("sign").args(arguments).current_dir(self.folder.path()).output().unwrap()
    }

    /// Writes a configuration with these settings.
    fn configure(&self, settings: &str) {
        let needed = "organization = \"Tests\"\nframework = \"hipaa-security-rule\"\noutput = \"out\"";
        let configuration = format!("{needed}\n[scope]\nregions = [\"us-east-1\"]\n{settings}\n");
        fs::write(self.folder.path().join("proofpack.toml"), configuration).unwrap();
    }
}
