//! The names of members: plain relative paths that mean the same file on every system.

use std::collections::BTreeSet;

use super::directory::CentralEntry;
use crate::model::{ProblemCode, Problems};
use crate::package::layout;

/// What is wrong with a name, if anything.
pub(super) fn fault(name: &[u8]) -> Option<&'static str> {
    if name.is_empty() || name.len() > layout::LONGEST_NAME {
        return Some("is empty or too long");
    }
    if !name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._/".contains(byte)) {
        return Some("has characters other than ASCII letters, digits, '-', '.', '_' and '/'");
    }
    if name[0] == b'/' {
        return Some("is absolute");
    }
    let parts = || name.split(|byte| *byte == b'/');
    if parts().any(|part| part == b"." || part == b"..") {
        return Some("leads to another folder");
    }
    if parts().any(<[u8]>::is_empty) {
        return Some("is a folder, or has an empty part");
    }
    // Windows drops a final dot, so that two names would mean one file.
    parts().any(|part| part.ends_with(b".")).then_some("has a part that ends in a dot")
}

/// Reports names that are unsafe, not in order, or the same as another's.
pub(super) fn check(entries: &[CentralEntry], problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for entry in entries {
        if let Some(what) = fault(&entry.name) {
            let message = format!(
                "the member's name {what}: proofpack writes no such names; do not unpack this archive"
            );
            problems.add(ProblemCode::ZipName, entry.place(), message);
        }
        if !seen.insert(entry.name.to_ascii_lowercase()) {
            let message = "another member has the same name, or one that differs in case only: programs disagree about which of them is the file";
            problems.add(ProblemCode::ZipTwin, entry.place(), message);
        }
    }
    for pair in entries.windows(2).filter(|pair| pair[0].name > pair[1].name) {
        let message = "the members are not in order of their names, as proofpack writes them: the archive was packed again";
        problems.add(ProblemCode::ZipOrder, pair[1].place(), message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_pass() {
        for good in
            ["a", "a/b.c", "proofpack-1/bundle/data/aws/1/us-east-1/s3/ListBuckets.ndjson", "a/.b", "a/..b"]
        {
            assert_eq!(fault(good.as_bytes()), None, "{good}");
        }
        let long = "a".repeat(layout::LONGEST_NAME + 1);
        let bad = [
            "", "/a", "//a", "../a", "a/../b", "a/..", "..", ".", "./a", "a//b", "a/", "a\\b", "..\\a",
            "c:/a", "C:a", "a\0", "a\n", "é", "a b", "a.", "a./b", "a*", &long,
        ];
        for name in bad {
            assert!(fault(name.as_bytes()).is_some(), "{name:?}");
        }
        assert!(fault(b"caf\xe9").is_some());
    }
}
