//! Runs that are killed at any moment.

use std::process::Child;
use std::thread;
use std::time::Instant;

/// How many runs are killed before their end.
const KILLS: u32 = 20;

/// How many come to their end, at least.
const FINISHED: u32 = 6;

/// Starts runs and kills them (SIGKILL) at moments spread over what one takes, until [`KILLS`] were killed before their end and some
/// came to it. `look` is asked after each, with whether it ended well; it says whether all is done, and then begins anew.
///
/// How long a run takes differs with what else the machine does: what is assumed grows with every run that was killed and shrinks with
/// every one that came to its end.
pub(crate) fn kill_at_any_moment(mut start: impl FnMut() -> Child, mut look: impl FnMut(bool) -> bool) {
    let undisturbed = Instant::now();
    assert!(start().wait().unwrap().success());
    let mut takes = undisturbed.elapsed();
    assert!(look(true), "a run that nobody disturbs does all that there is to do");
    let (mut killed, mut finished) = (0, 0);
    for attempt in 0..400 {
        let mut child = start();
        thread::sleep(takes * (attempt * 7 % 20 + 1) / 20);
        let _ = child.kill();
        let ended = child.wait().unwrap().success();
        if look(ended) {
            finished += 1;
            takes = takes * 4 / 5;
        } else {
            assert!(!ended, "attempt {attempt}: the run ended well and did not do all that there is to do");
            killed += 1;
            takes = takes * 21 / 20;
        }
        if killed >= KILLS && finished >= FINISHED {
            return;
        }
    }
    panic!("{killed} runs were killed before their end and {finished} came to it: that shows nothing");
}
