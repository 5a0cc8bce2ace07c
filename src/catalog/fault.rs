//! What is wrong with an expression in CEL, and where in it.

use std::fmt;
use std::ops::Range;

use cel::ParseErrors;
use cel::common::ast::SourceInfo;

/// A mistake in an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub what: String,
    /// Where: bytes of the expression.
    pub at: Range<usize>,
}

impl Fault {
    /// A mistake in the expression as a whole.
    pub(crate) fn whole(expression: &str, what: impl Into<String>) -> Self {
        Self { what: what.into(), at: 0..expression.len() }
    }

    /// What the parser says. Its first line is 1, its first column too; columns count characters.
    pub(crate) fn of_syntax(expression: &str, errors: &ParseErrors) -> Vec<Self> {
        let fault = |error: &cel::ParseError| {
            let line = usize::try_from(error.pos.0).unwrap_or_default().saturating_sub(1);
            let column = usize::try_from(error.pos.1).unwrap_or_default().saturating_sub(1);
            let before: usize = expression.split_inclusive('\n').take(line).map(str::len).sum();
            let rest = expression.get(before..).unwrap_or_default();
            let start = before + byte_of(rest, column);
            Self { what: error.msg.clone(), at: start..word_end(expression, start) }
        };
        errors.errors.iter().map(fault).collect()
    }

    /// A mistake at a node of the parsed expression.
    pub(crate) fn at_node(expression: &str, source: &SourceInfo, node: u64, what: String) -> Self {
        let Some((start, _)) = source.offset_for(node) else { return Self::whole(expression, what) };
        let mut start = (start as usize).min(expression.len());
        while !expression.is_char_boundary(start) {
            start -= 1;
        }
        Self { what, at: start..word_end(expression, start) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.what)
    }
}

fn byte_of(text: &str, number: usize) -> usize {
    text.char_indices().nth(number).map_or(text.len(), |(at, _)| at)
}

/// Where the word ends that begins at `start`; a sign is a word of its own.
fn word_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let is_word = |c: &char| c.is_alphanumeric() || *c == '_';
    let word: usize = rest.chars().take_while(is_word).map(char::len_utf8).sum();
    start + if word == 0 { rest.chars().next().map_or(0, char::len_utf8) } else { word }
}
