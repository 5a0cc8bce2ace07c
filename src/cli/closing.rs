//! What a collection came to, for people and for programs.

use std::time::Duration;

use indicatif::{FormattedDuration, HumanBytes};
use serde_json::{Value, json};

use crate::collect::Summary;
use crate::model::{GapReason, Manifest};

/// What a collection came to.
#[derive(Debug, Clone)]
pub(super) struct Closing {
    /// What the accounts' runs came to together.
    pub(super) summary: Summary,
    /// How long it took.
    pub(super) elapsed: Duration,
}

impl Closing {
    /// In words: calls, bytes and time.
    pub(super) fn text(&self) -> String {
        let Summary { kept, calls, bytes, .. } = &self.summary;
        let kept = match kept {
            0 => String::new(),
            1 => ", 1 record kept from the run before".to_owned(),
            kept => format!(", {kept} records kept from the run before"),
        };
        let plural = if *calls == 1 { "" } else { "s" };
        format!(
            "{calls} call{plural}, {} received, in {}{kept}",
            HumanBytes(*bytes),
            FormattedDuration(self.elapsed)
        )
    }

    /// For programs: `manifest` is that of the bundle that was sealed.
    pub(super) fn json(&self, manifest: &Manifest) -> Value {
        let gaps: Vec<Value> = manifest
            .gaps
            .iter()
            .map(|gap| json!({ "reason": gap.reason, "code": gap.code, "count": gap.count }))
            .collect();
        json!({
            "records": manifest.records,
            "records-kept": self.summary.kept,
            "absent": self.summary.absent,
            "gaps": gaps,
            "calls": self.summary.calls,
            "bytes": self.summary.bytes,
            "seconds": self.elapsed.as_secs_f64(),
            "merkle-root": manifest.merkle_root,
        })
    }
}

/// The gaps of a bundle, in a line: `3 gaps: 2 access denied (AccessDenied), 1 throttled (SlowDown)`.
pub(super) fn gaps(manifest: &Manifest) -> String {
    let each = manifest.gaps.iter().map(|gap| match gap.reason {
        GapReason::Other => format!("{} {}", gap.count, gap.code),
        reason => format!("{} {reason} ({})", gap.count, gap.code),
    });
    let each = each.collect::<Vec<_>>().join(", ");
    match manifest.gaps.iter().map(|gap| gap.count).sum::<u64>() {
        0 => "no gaps".to_owned(),
        1 => format!("1 gap: {each}"),
        gaps => format!("{gaps} gaps: {each}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_says_what_was_done_and_what_was_kept() {
        let summary = Summary { calls: 1200, kept: 30, bytes: 3 << 20, ..Summary::default() };
        let closing = Closing { summary, elapsed: Duration::from_secs(75) };
        assert_eq!(
            closing.text(),
            "1200 calls, 3.00 MiB received, in 00:01:15, 30 records kept from the run before"
        );
        let one = Closing { summary: Summary { calls: 1, ..Summary::default() }, elapsed: Duration::ZERO };
        assert_eq!(one.text(), "1 call, 0 B received, in 00:00:00");
    }
}
