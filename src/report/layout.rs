//! Keeping the memory of a layout small.
//!
//! Typst remembers every result of the layout in case it is asked for again. For a report of a hundred pages that is some
//! hundreds of megabytes, and most of it is never asked for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use typst::comemo;

/// How much work lies between two forgettings. Less forgets what the layout would have used again, more lets it grow.
const WORK: usize = 1_500;

/// How often the work done is looked at.
const EVERY: Duration = Duration::from_millis(20);

/// How many times in a row a result may go unasked before it is forgotten.
const AGE: usize = 1;

/// Counts the work of a layout: how often it asks for a font. The time that passes would be no measure of it, as it
/// depends on what else the machine does.
#[derive(Debug, Default)]
pub(super) struct Work(AtomicUsize);

impl Work {
    /// Counts one more.
    pub(super) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn done(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Does `layout`, whose progress `work` tells, while what it has remembered and not asked for lately is forgotten. What
/// is forgotten is worked out again when it is needed, so the result is the same.
pub(super) fn forgetting<T>(work: &Work, layout: impl FnOnce() -> T) -> T {
    thread::scope(|scope| {
        let (end, ended) = mpsc::channel::<()>();
        scope.spawn(move || {
            let mut last = work.done();
            while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                if work.done() >= last + WORK {
                    last = work.done();
                    comemo::evict(AGE);
                }
            }
        });
        // Dropped in any case, a panic among them: the thread ends, and with it the scope.
        let _end = end;
        layout()
    })
}

/// Forgets everything, once nothing will ask again.
pub(super) fn forget() {
    comemo::evict(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_done_and_its_end_awaited_even_where_it_panics() {
        let work = Work::default();
        assert_eq!(forgetting(&work, || 7), 7);
        let panicked = std::panic::catch_unwind(|| forgetting(&Work::default(), || panic!("on purpose")));
        assert!(panicked.is_err());
    }
}
