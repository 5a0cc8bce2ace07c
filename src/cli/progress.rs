//! How a collection is shown: on a terminal, lines that move; nothing where nobody looks.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanDuration, MultiProgress, ProgressBar, ProgressStyle};

use crate::collect::Progress;
use crate::model::GapReason;
use crate::trail::Reading;

/// Accounts, and services, that are shown at a time: those with most to do.
const SHOWN: usize = 5;
/// The shortest time between two changes of what is shown.
const REFRESH: Duration = Duration::from_millis(150);

/// A line that says how far the reading of log files is.
#[derive(Debug)]
pub(super) struct ReadingDisplay {
    line: ProgressBar,
    state: Mutex<FilesRead>,
    began: Instant,
}

/// Log files, as far as is known.
#[derive(Debug, Default)]
struct FilesRead {
    /// How many there are; 0 where nobody counted them beforehand.
    listed: usize,
    read: usize,
    /// Of those that were read, as stored.
    bytes: u64,
}

impl ReadingDisplay {
    /// A line of its own.
    pub(super) fn new() -> Self {
        Self::on(ProgressBar::new_spinner())
    }

    fn on(line: ProgressBar) -> Self {
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            line.set_style(style);
        }
        Self { line, state: Mutex::default(), began: Instant::now() }
    }

    /// Takes it away.
    pub(super) fn finish(&self) {
        self.line.finish_and_clear();
    }
}

impl Reading for ReadingDisplay {
    fn listed(&self, files: usize) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).listed += files;
    }

    fn read(&self, bytes: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.read += 1;
        state.bytes += bytes;
        self.line.set_message(state.in_words(self.began.elapsed()));
        self.line.tick();
    }
}

impl FilesRead {
    fn in_words(&self, elapsed: Duration) -> String {
        let Self { listed, read, bytes } = *self;
        let of = if listed == 0 { String::new() } else { format!(" of {listed}") };
        let rate = bytes as f64 / elapsed.as_secs_f64().max(0.001);
        format!("{read}{of} log files read, {}, {}/s", HumanBytes(bytes), HumanBytes(rate as u64))
    }
}

/// What is shown on stderr; indicatif draws nothing where stderr is not a terminal.
#[derive(Debug)]
pub(super) struct Display {
    all: MultiProgress,
    total: ProgressBar,
    reading: ReadingDisplay,
    lines: Vec<ProgressBar>,
    state: Mutex<State>,
    began: Instant,
}

/// What is known so far.
#[derive(Debug, Default)]
struct State {
    accounts: BTreeMap<String, Count>,
    services: BTreeMap<String, Count>,
    total: Count,
    /// Where AWS was asked too often last.
    held_back: Option<String>,
    shown: Option<Instant>,
}

/// Calls of an account or a service.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    planned: u64,
    done: u64,
    gaps: u64,
}

impl Display {
    /// A display that begins empty.
    pub(super) fn new() -> Self {
        let all = MultiProgress::new();
        let line = |template: &str| {
            let bar = all.add(ProgressBar::new(0));
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar
        };
        let lines = (0..SHOWN * 2).map(|_| line("  {msg}")).collect();
        let total = line("{spinner} collecting {bar:30} {msg}");
        total.enable_steady_tick(Duration::from_millis(120));
        let reading = ReadingDisplay::on(all.add(ProgressBar::new_spinner()));
        Self { all, total, reading, lines, state: Mutex::default(), began: Instant::now() }
    }

    /// Takes everything away.
    pub(super) fn finish(&self) {
        for line in self.lines.iter().chain([&self.total]) {
            line.finish_and_clear();
        }
        self.reading.finish();
        let _ = self.all.clear();
    }

    fn change(&self, account: &str, service: &str, change: impl Fn(&mut Count)) {
        if self.all.is_hidden() {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(state.accounts.entry(account.to_owned()).or_default());
        change(state.services.entry(service.to_owned()).or_default());
        change(&mut state.total);
        let now = Instant::now();
        if state.shown.is_some_and(|shown| now - shown < REFRESH) {
            return;
        }
        state.shown = Some(now);
        self.total.set_length(state.total.planned);
        self.total.set_position(state.total.done);
        self.total.set_message(state.headline(now - self.began));
        let text = state.lines();
        for (number, line) in self.lines.iter().enumerate() {
            line.set_message(text.get(number).cloned().unwrap_or_default());
        }
    }
}

impl Progress for Display {
    fn planned(&self, account: &str, service: &str, calls: u64) {
        self.change(account, service, |count| count.planned += calls);
    }

    fn done(&self, account: &str, service: &str, _operation: &str, gap: Option<GapReason>) {
        self.change(account, service, |count| {
            count.done += 1;
            count.gaps += u64::from(gap.is_some());
        });
    }

    fn held_back(&self, account: &str, service: &str, region: &str, pause: Duration) {
        let text = format!("{service} in {region} of {account} held back for {:.1} s", pause.as_secs_f64());
        self.state.lock().unwrap_or_else(PoisonError::into_inner).held_back = Some(text);
    }
}

impl Reading for Display {
    fn listed(&self, files: usize) {
        self.reading.listed(files);
    }

    fn read(&self, bytes: u64) {
        self.reading.read(bytes);
    }
}

impl State {
    /// Counts, rate and time left of all accounts.
    fn headline(&self, elapsed: Duration) -> String {
        let Count { planned, done, gaps } = self.total;
        let mut text = format!("{done}/{planned} calls");
        let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
        if done > 0 {
            let left = Duration::from_secs_f64(planned.saturating_sub(done) as f64 / rate);
            text.push_str(&format!(", {rate:.0}/s, {} left", HumanDuration(left)));
        }
        if gaps > 0 {
            text.push_str(&format!(", {gaps} gap{}", if gaps == 1 { "" } else { "s" }));
        }
        if let Some(held_back) = &self.held_back {
            text.push_str(&format!("; {held_back}"));
        }
        text
    }

    /// The accounts and services with most to do, each on a line.
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for counts in [&self.accounts, &self.services] {
            let mut open: Vec<(&String, &Count)> =
                counts.iter().filter(|(_, count)| count.left() > 0).collect();
            open.sort_by_key(|(_, count)| std::cmp::Reverse(count.left()));
            lines.extend(open.into_iter().take(SHOWN).map(|(name, count)| {
                let Count { planned, done, gaps } = count;
                let gaps = if *gaps > 0 { format!("  {gaps} without an answer") } else { String::new() };
                format!("{name:<20} {done:>6}/{planned}{gaps}")
            }));
        }
        lines
    }
}

impl Count {
    /// Calls that are not answered yet. (What cannot be asked is done without having been planned.)
    fn left(&self) -> u64 {
        self.planned.saturating_sub(self.done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_most_to_do_is_shown() {
        let mut state = State::default();
        for (number, planned) in [3, 90, 7, 1, 50, 20, 60].into_iter().enumerate() {
            let count = Count { planned, done: 1, gaps: u64::from(planned == 90) };
            state.services.insert(format!("service-{number}"), count);
        }
        state.accounts.insert("123456789012".into(), Count { planned: 231, done: 7, gaps: 1 });
        let lines = state.lines();
        assert_eq!(
            lines,
            [
                "123456789012              7/231  1 without an answer",
                "service-1                 1/90  1 without an answer",
                "service-6                 1/60",
                "service-4                 1/50",
                "service-5                 1/20",
                "service-2                 1/7",
            ]
        );
        state.total = Count { planned: 300, done: 100, gaps: 1 };
        assert_eq!(state.headline(Duration::from_secs(10)), "100/300 calls, 10/s, 20 seconds left, 1 gap");
        assert_eq!(State::default().headline(Duration::ZERO), "0/0 calls");
    }

    #[test]
    fn log_files_are_counted_with_their_bytes() {
        let mut files = FilesRead { listed: 0, read: 3, bytes: 6 << 20 };
        assert_eq!(files.in_words(Duration::from_secs(2)), "3 log files read, 6.00 MiB, 3.00 MiB/s");
        files.listed = 40;
        assert_eq!(files.in_words(Duration::from_secs(1)), "3 of 40 log files read, 6.00 MiB, 6.00 MiB/s");
    }
}
