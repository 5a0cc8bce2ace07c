//! Identifiers that follow from what they stand for: RFC 9562 UUIDs of version 5.

use std::fmt;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// A UUID; its text form is the usual one, in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Uuid([u8; 16]);

impl Uuid {
    /// The namespace of what keeps its identifier from one assessment to the next. Version 5 of `proofpack:export` in the
    /// namespace of RFC 9562 for URLs; a test makes it again.
    pub(super) const LASTING: Self = Self([
        0x50, 0x4f, 0xab, 0xb9, 0x70, 0x2e, 0x56, 0x7d, 0xa1, 0x17, 0x26, 0x0f, 0x78, 0x02, 0xe5, 0x2b,
    ]);

    /// The UUID of `parts` in this namespace; no two lists of parts are the same name.
    pub(super) fn of(self, parts: &[&str]) -> Self {
        let mut name = Vec::new();
        for part in parts {
            name.extend_from_slice(&(part.len() as u64).to_be_bytes());
            name.extend_from_slice(part.as_bytes());
        }
        self.version_5(&name)
    }

    fn version_5(self, name: &[u8]) -> Self {
        let hashed = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[&self.0, name].concat());
        let mut bytes = [0_u8; 16];
        bytes.iter_mut().zip(hashed.as_ref()).for_each(|(byte, hashed)| *byte = *hashed);
        bytes[6] = bytes[6] & 0x0f | 0x50;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            let dash = if matches!(place, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(formatter, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The namespaces that RFC 9562 gives for names and for URLs.
    const DNS: Uuid =
        Uuid([0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0, 0xc0, 0x4f, 0xd4, 0x30, 0xc8]);
    const URL: Uuid =
        Uuid([0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0, 0xc0, 0x4f, 0xd4, 0x30, 0xc8]);

    #[test]
    fn the_example_of_rfc_9562_comes_out() {
        let example = DNS.version_5(b"www.example.com");
        assert_eq!(example.to_string(), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
    }

    #[test]
    fn our_namespace_is_what_its_name_gives() {
        assert_eq!(URL.version_5(b"proofpack:export"), Uuid::LASTING);
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(DNS.of(&["ab", "c"]), DNS.of(&["a", "bc"]));
        assert_ne!(DNS.of(&["a", ""]), DNS.of(&["a"]));
        assert_eq!(DNS.of(&["a", "b"]), DNS.of(&["a", "b"]));
    }
}
