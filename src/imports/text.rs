//! Text and its places.

/// What is wrong with a file, before its name is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is of no known form.
    Form(String),
    /// Something in it is wrong.
    At {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What.
        problem: String,
    },
}

impl Wrong {
    pub(super) fn form(problem: impl Into<String>) -> Self {
        Self::Form(problem.into())
    }

    pub(super) fn at(line: usize, column: usize, problem: impl Into<String>) -> Self {
        Self::At { line, column, problem: problem.into() }
    }
}

/// The text of a file, without the mark that some editors put before it.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, Wrong> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(Wrong::at(1, 1, "it is UTF-16; save it as UTF-8, as its tool writes it"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let (line, column) = place(bytes, error.valid_up_to());
        Wrong::at(line, column, "it is not UTF-8: the file is damaged, or was saved in another encoding")
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Line and column of a byte, both from 1.
pub(super) fn place(bytes: &[u8], at: usize) -> (usize, usize) {
    let before = bytes.get(..at).unwrap_or(bytes);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    (line, column)
}

/// Rule and what of it: `AwsSolutions-IAM5[Action::s3:*]`.
pub(super) fn rule_and_detail(id: &str) -> (String, Option<String>) {
    match id.strip_suffix(']').and_then(|id| id.split_once('[')) {
        Some((rule, detail)) if !rule.is_empty() => (rule.to_owned(), Some(detail.to_owned())),
        _ => (id.to_owned(), None),
    }
}
