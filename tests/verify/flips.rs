use std::fs;

use proofpack::verify::VerdictLine;

use super::{verdict, verdict_on, zip_of};
use crate::support::signed::sample;

/// Positions spread over `length` bytes: the first, the last and about `count` between.
fn spread(length: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..length).step_by(length / count + 1).chain(length.checked_sub(1))
}

#[test]
fn a_flipped_byte_in_any_member_is_found() {
    let members = sample().members();
    for (name, bytes) in &members {
        for position in spread(bytes.len(), 3) {
            let mut altered = members.clone();
            altered.get_mut(name).unwrap()[position] ^= 1 << (position % 8);
            let verdict = verdict_on(&zip_of(&altered).bytes());
            assert_eq!(verdict.verdict, VerdictLine::NotVerified, "{name}, byte {position}");
            assert!(!verdict.problems.is_empty(), "{name}, byte {position}");
        }
    }
}

/// Whoever flips a byte and makes SHA256SUMS again needs the key: without it, its signature does not hold.
#[test]
fn checksums_that_were_made_again_do_not_help() {
    let sample = sample();
    let members = sample.members();
    for (name, bytes) in members.iter().filter(|(name, _)| !name.starts_with("SHA256SUMS")) {
        let mut altered = members.clone();
        altered.get_mut(name).unwrap()[bytes.len() / 2] ^= 1;
        let signature = altered["SHA256SUMS.p7s"].clone();
        sample.seal_again(&mut altered, &sample.signer);
        altered.insert("SHA256SUMS.p7s".into(), signature);
        let verdict = verdict_on(&zip_of(&altered).bytes());
        assert_eq!(verdict.verdict, VerdictLine::NotVerified, "{name}");
        assert!(
            verdict.signatures.iter().any(|signature| signature.over == "SHA256SUMS" && !signature.holds)
        );
    }
}

/// Every single byte is flipped in `tests/package/hostile.rs`; here some go through the whole verification.
#[test]
fn a_flipped_byte_of_the_zip_is_found() {
    let sample = sample();
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("package.zip");
    let mut bytes = sample.zip.clone();
    for position in spread(bytes.len(), 60) {
        bytes[position] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        assert_eq!(verdict(&path).verdict, VerdictLine::NotVerified, "byte {position}");
        bytes[position] ^= 0x10;
    }
}

#[test]
fn a_package_that_is_cut_off_is_found() {
    let bytes = &sample().zip;
    for length in
        spread(bytes.len(), 20).chain([bytes.len() - 81, bytes.len() - 103]).filter(|n| *n < bytes.len())
    {
        assert_eq!(verdict_on(&bytes[..length]).verdict, VerdictLine::NotVerified, "{length} bytes");
    }
}
