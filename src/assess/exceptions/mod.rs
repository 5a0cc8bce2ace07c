//! `exceptions.toml`: reading it, matching its entries with failures, checking it, and drafting new entries.

mod draft;
mod judge;
mod lint;
mod read;

pub use draft::{Proposal, draft, propose};
pub use lint::{Lint, lint};
pub use read::{ExceptionsError, Mistake, MistakeKind, read_exceptions};

pub(super) use judge::apply;
