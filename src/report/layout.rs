//! Laying out a report in little memory.
//!
//! Typst remembers every result of the layout in case it is asked for again. For a report of a hundred pages that is some
//! hundreds of megabytes, and most of it is never asked for. It also keeps the pages of every pass until the last is done
//! (a report takes two: the page numbers that the second one prints are known from the first), though a pass only asks
//! where things were in the one before.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use typst::comemo;
use typst::diag::{SourceResult, bail};
use typst::engine::Engine;
use typst::foundations::{Content, Output, StyleChain, Target};
use typst::introspection::Introspector;
use typst::syntax::Span;
use typst_layout::{PagedDocument, PagedIntrospector};

use super::world::ReportWorld;

/// How much work is done before anything is forgotten: that of some two hundred pages. The second pass finds most of what the
/// first has worked out then, which is a third of the time.
const SMALL: usize = 60_000;

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

/// Lays out the report of `world`.
///
/// # Errors
/// What the layout complains of.
pub(super) fn lay_out(world: &ReportWorld) -> SourceResult<PagedDocument> {
    let compiled = forgetting(&world.work, || typst::compile::<Pass>(world));
    let last = LAST.take();
    compiled.output?;
    match last {
        Some(document) => Ok(document),
        None => bail!(Span::detached(), "the layout made no document"),
    }
}

thread_local! {
    /// What the last pass of this thread's layout made. Typst makes a pass out of nothing that we could hand it.
    static LAST: Cell<Option<PagedDocument>> = const { Cell::new(None) };
}

/// A pass of the layout: where things are in its pages.
struct Pass(Arc<PagedIntrospector>);

impl Output for Pass {
    fn introspector(&self) -> &dyn Introspector {
        self.0.as_ref()
    }

    fn target() -> Target {
        PagedDocument::target()
    }

    fn create(engine: &mut Engine<'_>, content: &Content, styles: StyleChain<'_>) -> SourceResult<Self> {
        LAST.take(); // the pages of the pass before
        let document = PagedDocument::create(engine, content, styles)?;
        let pass = Self(Arc::clone(document.introspector()));
        LAST.set(Some(document));
        Ok(pass)
    }
}

/// Does `layout`, whose progress `work` tells, while what it has remembered and not asked for lately is forgotten. What
/// is forgotten is worked out again when it is needed, so the result is the same.
fn forgetting<T>(work: &Work, layout: impl FnOnce() -> T) -> T {
    thread::scope(|scope| {
        let (end, ended) = mpsc::channel::<()>();
        scope.spawn(move || {
            let mut next = work.done() + SMALL;
            while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                if work.done() >= next {
                    next = work.done() + WORK;
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
