//! Keeping the memory of a layout small.
//!
//! Typst remembers every result of the layout in case it is asked for again. For a report of a hundred pages that is some
//! hundreds of megabytes, and most of it is never asked for.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use typst::comemo;

/// How often what was not asked for is forgotten. Shorter forgets what the layout would have used again, longer lets it
/// grow.
const EVERY: Duration = Duration::from_millis(300);

/// How many times in a row a result may go unasked before it is forgotten.
const AGE: usize = 1;

/// Does `work` while what it has remembered, and not asked for lately, is forgotten. What is forgotten is worked out
/// again when it is needed, so the result is the same.
pub(super) fn forgetting<T>(work: impl FnOnce() -> T) -> T {
    thread::scope(|scope| {
        let (end, ended) = mpsc::channel::<()>();
        scope.spawn(move || {
            while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                comemo::evict(AGE);
            }
        });
        // Dropped in any case, a panic among them: the thread ends, and with it the scope.
        let _end = end;
        work()
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
    fn the_work_is_done_and_its_end_awaited_even_where_it_panics() {
        assert_eq!(forgetting(|| 7), 7);
        let panicked = std::panic::catch_unwind(|| forgetting(|| panic!("on purpose")));
        assert!(panicked.is_err());
    }
}
