//! The only reader of time. Everything else is handed a [`Clock`] or an instant, so that the same
//! inputs give the same bytes, and tests and the demonstration can hold time still.

use chrono::{DateTime, SubsecRound, Utc};

/// Where "now" comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// An instant that never moves: tests and the recorded demonstration.
    Fixed(DateTime<Utc>),
}

impl Clock {
    /// The current instant in UTC, to the whole second: no file format of ours carries more.
    #[allow(clippy::disallowed_methods, reason = "the one place that may read the clock")]
    pub fn now(self) -> DateTime<Utc> {
        match self {
            Clock::System => Utc::now().trunc_subsecs(0),
            Clock::Fixed(instant) => instant,
        }
    }
}
