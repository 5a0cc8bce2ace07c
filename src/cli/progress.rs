//! How a collection is shown: a line on a terminal, nothing where nobody looks.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::collect::Progress;

/// A bar on stderr; indicatif draws nothing where stderr is not a terminal.
pub(super) struct Display(ProgressBar);

impl Display {
    /// A bar that begins empty.
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new(0);
        let template = "{spinner} collecting {bar:30} {pos}/{len} calls, {per_sec}, {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Display {
    fn started(&self, calls: u64) {
        // One bar for all accounts: each adds its calls.
        self.0.inc_length(calls);
    }

    fn planned(&self, more: u64) {
        self.0.inc_length(more);
    }

    fn call_done(&self, service: &str, operation: &str, gap: bool) {
        self.0.inc(1);
        self.0.set_message(format!("{service} {operation}"));
        if gap {
            self.0.println(format!("gap: {service} {operation}"));
        }
    }
}
