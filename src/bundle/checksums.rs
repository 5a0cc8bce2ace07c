//! Checksum files as `sha256sum` writes and checks them, and as BagIt wants them: one line
//! `<64 digits>  <path>` per file, in order of the paths.

use std::collections::BTreeMap;

use crate::model::{Problem, ProblemCode, Sha256Digest};

/// The checksum file over `digests`.
pub fn to_text(digests: &BTreeMap<String, Sha256Digest>) -> String {
    digests.iter().map(|(path, digest)| format!("{digest}  {path}\n")).collect()
}

/// The problem codes under which a checksum file's faults are reported.
#[derive(Debug, Clone, Copy)]
pub struct Codes {
    /// The file has not the form that we write.
    pub malformed: ProblemCode,
    /// A digest is another.
    pub mismatch: ProblemCode,
    /// A file is listed and not there.
    pub missing: ProblemCode,
    /// A file is there and not listed.
    pub unlisted: ProblemCode,
}

/// Compares the checksum file `text`, called `name`, with the digests of the files that there are.
/// No problem means that the file is byte for byte what [`to_text`] gives for them.
pub fn compare(
    name: &str,
    text: &[u8],
    actual: &BTreeMap<String, Sha256Digest>,
    codes: Codes,
) -> Vec<Problem> {
    if text == to_text(actual).as_bytes() {
        return Vec::new();
    }
    let listed = match parse(text) {
        Ok(listed) => listed,
        Err((line, what)) => {
            let message = format!("{what}; the checksum file was altered or not written by proofpack");
            return vec![Problem::new(codes.malformed, format!("{name}, line {line}"), message)];
        }
    };
    let mut problems = Vec::new();
    for (path, digest) in &listed {
        match actual.get(path) {
            None => {
                let message =
                    format!("{name} lists it, but there is no such file: it was removed or renamed");
                problems.push(Problem::new(codes.missing, path, message));
            }
            Some(found) if found != digest => {
                let message =
                    format!("its SHA-256 is {found}, but {name} says {digest}: one of the two was altered");
                problems.push(Problem::new(codes.mismatch, path, message));
            }
            Some(_) => {}
        }
    }
    for path in actual.keys().filter(|path| !listed.contains_key(*path)) {
        let message = format!("{name} does not list it: it was added after the checksums were made");
        problems.push(Problem::new(codes.unlisted, path, message));
    }
    if problems.is_empty() {
        let message = "its lines are right, but not in the order or the spelling that proofpack writes";
        problems.push(Problem::new(codes.malformed, name, message));
    }
    problems
}

fn parse(text: &[u8]) -> Result<BTreeMap<String, Sha256Digest>, (usize, String)> {
    let text = std::str::from_utf8(text).map_err(|_| (1, "it is not UTF-8 text".to_owned()))?;
    let mut listed = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let parsed = line.split_once("  ").and_then(|(digest, path)| Some((digest.parse().ok()?, path)));
        let Some((digest, path)) = parsed else {
            return Err((index + 1, format!("{line:?} is not a digest, two spaces and a path")));
        };
        if listed.insert(path.to_owned(), digest).is_some() {
            return Err((index + 1, format!("{path:?} is listed twice")));
        }
    }
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::sha256;

    const CODES: Codes = Codes {
        malformed: ProblemCode::BagManifest,
        mismatch: ProblemCode::BagDigest,
        missing: ProblemCode::BagFileMissing,
        unlisted: ProblemCode::BagFileUnlisted,
    };

    fn digests() -> BTreeMap<String, Sha256Digest> {
        [("a".to_owned(), sha256(b"a")), ("b".to_owned(), sha256(b"b"))].into()
    }

    fn codes(text: &str) -> Vec<ProblemCode> {
        compare("sums", text.as_bytes(), &digests(), CODES).iter().map(|problem| problem.code).collect()
    }

    #[test]
    fn what_is_written_compares_equal_and_nothing_else_does() {
        let good = to_text(&digests());
        assert_eq!(codes(&good), []);
        for position in 0..good.len() {
            for bit in 0..8 {
                let mut text = good.clone().into_bytes();
                text[position] ^= 1 << bit;
                assert!(!compare("sums", &text, &digests(), CODES).is_empty(), "byte {position}, bit {bit}");
            }
        }
    }

    #[test]
    fn each_fault_has_its_code() {
        let (a, b) = (format!("{}  a\n", sha256(b"a")), format!("{}  b\n", sha256(b"b")));
        assert_eq!(codes(&a), [ProblemCode::BagFileUnlisted]);
        assert_eq!(codes(&format!("{a}{b}{}", b.replace("  b", "  c"))), [ProblemCode::BagFileMissing]);
        assert_eq!(codes(&format!("{a}{}  b\n", sha256(b"x"))), [ProblemCode::BagDigest]);
        for malformed in
            [format!("{b}{a}"), format!("{a}{b}\n"), format!("{a}{a}{b}"), format!("{a}{b}").to_uppercase()]
        {
            assert_eq!(codes(&malformed), [ProblemCode::BagManifest], "{malformed}");
        }
    }
}
