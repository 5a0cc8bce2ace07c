//! PEM text (RFC 7468), read leniently: text around the blocks is skipped, as openssl writes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::SignError;

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// One block of a PEM text.
pub(super) struct Block {
    /// What stands between the dashes, e.g. `CERTIFICATE`.
    pub(super) label: String,
    /// The decoded bytes.
    pub(super) contents: Vec<u8>,
    /// Whether the block has the headers of traditional PEM encryption (RFC 1421 `Proc-Type`).
    pub(super) encrypted: bool,
}

/// All blocks, in order.
pub(super) fn blocks(text: &[u8]) -> Result<Vec<Block>, SignError> {
    let text = String::from_utf8_lossy(text);
    let mut found = Vec::new();
    let mut rest: &str = &text;
    while let Some(start) = rest.find(BEGIN) {
        rest = &rest[start + BEGIN.len()..];
        let damaged = |label: &str, reason: &str| SignError::MalformedPem {
            label: label.chars().take(40).collect(),
            reason: reason.into(),
        };
        let label_end = rest.find(DASHES).ok_or_else(|| damaged(rest, "the first line has no end"))?;
        let label = rest[..label_end].to_owned();
        rest = &rest[label_end + DASHES.len()..];
        let end_line = format!("-----END {label}-----");
        let end = rest.find(&end_line).ok_or_else(|| damaged(&label, "its last line is missing"))?;
        let body = &rest[..end];
        rest = &rest[end + end_line.len()..];
        let encrypted = body.contains("Proc-Type:") && body.contains("ENCRYPTED");
        let contents = if encrypted {
            Vec::new()
        } else {
            let digits: String = body.chars().filter(|character| !character.is_whitespace()).collect();
            STANDARD.decode(digits).map_err(|error| damaged(&label, &error.to_string()))?
        };
        found.push(Block { label, contents, encrypted });
    }
    Ok(found)
}

/// One block as text.
pub(super) fn text(label: &str, contents: &[u8]) -> String {
    let digits = STANDARD.encode(contents);
    let lines: Vec<&str> =
        digits.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap_or_default()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_among_other_text_and_written_back() {
        let contents: Vec<u8> = (0..100).collect();
        let written = format!("Bag Attributes\n  x: 1\n{}{}", text("A B", &contents), text("C", b""));
        let read = blocks(written.replace('\n', "\r\n").as_bytes()).unwrap();
        let labels: Vec<&str> = read.iter().map(|block| block.label.as_str()).collect();
        assert_eq!(labels, ["A B", "C"]);
        assert_eq!(read[0].contents, contents);
    }

    #[test]
    fn damaged_blocks_are_errors_and_encrypted_ones_are_said_to_be() {
        for damaged in ["-----BEGIN A", "-----BEGIN A-----\nAA==\n", "-----BEGIN A-----\n?\n-----END A-----"]
        {
            assert!(matches!(blocks(damaged.as_bytes()), Err(SignError::MalformedPem { .. })), "{damaged}");
        }
        let encrypted = "-----BEGIN K-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: x\n\nAAAA\n-----END K-----\n";
        assert!(blocks(encrypted.as_bytes()).unwrap()[0].encrypted);
    }
}
