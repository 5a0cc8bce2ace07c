//! Printing. The standard macros panic where standard output cannot be written, which `proofpack … | head`
//! is enough for; the macros in `mod.rs` that shadow them come here instead.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;

/// The first failure to print, if there was one.
static FAILURE: OnceLock<String> = OnceLock::new();

/// Prints on standard output. A reader that went away has seen what it wanted; other failures are kept for the end.
pub(super) fn write(text: fmt::Arguments<'_>) {
    keep_failure(io::stdout().lock().write_fmt(text));
}

/// What could not be printed, for the ending to tell: a report that was cut off must not look complete.
pub(super) fn failure() -> Option<&'static str> {
    keep_failure(io::stdout().lock().flush());
    FAILURE.get().map(String::as_str)
}

/// Prints an error; where even that is not possible, the exit code has to do.
pub(super) fn error(message: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "error: {message}");
}

/// Prints what somebody should know who reads along; nothing depends on it.
pub(super) fn warning(message: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "warning: {}", crate::model::harmless(&message.to_string(), 1_500));
}

fn keep_failure(result: io::Result<()>) {
    if let Err(error) = result
        && error.kind() != ErrorKind::BrokenPipe
    {
        let _ = FAILURE.set(error.to_string());
    }
}
