//! Verification: a good package is verified, and whatever is done to it is found and named.

mod flips;
mod good;
mod samples;
mod tampers;
mod versions;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proofpack::model::ProblemCode;
use proofpack::verify::{self, Options, Verdict};

use crate::support::packages::{RawMember, RawZip};
use crate::support::signed::{catalog, sample};

/// The verdict on a file or directory, without trusted certificates.
fn verdict(path: &Path) -> Verdict {
    verify::verify(path, catalog(), &Options::default())
}

/// The verdict on a package made of these bytes.
fn verdict_on(bytes: &[u8]) -> Verdict {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("package.zip");
    fs::write(&path, bytes).unwrap();
    verdict(&path)
}

/// A zip as proofpack writes it, but for compression, with these files in the sample's folder.
fn zip_of(members: &BTreeMap<String, Vec<u8>>) -> RawZip {
    let folder = &sample().folder;
    RawZip::of(
        members.iter().map(|(name, bytes)| RawMember::stored(&format!("{folder}/{name}"), bytes)).collect(),
    )
}

fn codes(verdict: &Verdict) -> Vec<ProblemCode> {
    verdict.problems.iter().map(|problem| problem.code).collect()
}
