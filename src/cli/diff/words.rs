//! A comparison in words, for the terminal.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use crate::model::{
    AttestationState, Change, ComparedSide, Comparison, ControlStatus, Drift, ExceptionState, FindingChange,
    RecordState, Subject, harmless,
};

/// The most characters of a value that are shown.
const LONGEST_VALUE: usize = 100;

/// The comparison, section by section; one in which nothing changed says so.
pub(super) fn of(comparison: &Comparison) -> String {
    let mut text = Text::default();
    sides(&mut text, comparison);
    controls(&mut text, comparison);
    findings(&mut text, comparison);
    resources(&mut text, comparison);
    people(&mut text, comparison);
    excerpts(&mut text, comparison);
    records(&mut text, comparison);
    text.0
}

/// Lines of text; values in them are made harmless.
#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, indent: usize, line: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{:indent$}{}", "", harmless(line, 1_000));
    }

    /// A section's heading: its name and counts; counts of nothing are left out.
    fn section(&mut self, name: &str, counts: &[(usize, &str)]) {
        let counts: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let told = if counts.is_empty() { "no change".to_owned() } else { counts.join(", ") };
        self.line(0, &format!("{name}: {told}"));
    }
}

fn sides(text: &mut Text, comparison: &Comparison) {
    let mut side = |name: &str, side: &ComparedSide| {
        let period = &side.scope.period;
        text.line(
            0,
            &format!(
                "{name}  {} to {}, sealed {}, {} records ({} gaps), Merkle root {}",
                period.start.format("%Y-%m-%d"),
                period.end.format("%Y-%m-%d"),
                side.sealed_at.format("%Y-%m-%d %H:%M UTC"),
                side.records,
                side.gaps,
                side.merkle_root
            ),
        );
    };
    side("before", &comparison.before);
    side("after ", &comparison.after);
    let (before, after) = (&comparison.before, &comparison.after);
    if before.manifest_sha256 == after.manifest_sha256 {
        text.line(0, "Both are of the same bundle.");
    }
    if before.catalog_sha256 != after.catalog_sha256 {
        text.line(
            0,
            "They were assessed with different catalogs: some of this may be for other checks, not for other evidence (--assess-again tells).",
        );
    }
    for (name, change) in &comparison.parameters {
        text.line(0, &format!("Parameter {name}: {}", values(change)));
    }
}

fn controls(text: &mut Text, comparison: &Comparison) {
    text.section("Controls", &[(comparison.controls.len(), "with another status")]);
    for change in &comparison.controls {
        let words = |status: Option<ControlStatus>| status.map_or("not there", ControlStatus::words);
        let checks = match change.checks.as_slice() {
            [] => String::new(),
            checks => format!(" ({})", checks.join(", ")),
        };
        let Change { before, after } = change.status;
        let moved = format!("{} -> {}", words(before), words(after));
        text.line(2, &format!("{}  {moved}  {}{checks}", change.control, change.title));
    }
}

/// What is told of findings, in this order.
const TOLD: [(Drift, &str, &str); 5] = [
    (Drift::NewFailure, "NEW", "new failures"),
    (Drift::NoLongerDecided, "?", "not decided any more"),
    (Drift::Resolved, "resolved", "resolved"),
    (Drift::Gone, "gone", "gone with their resources"),
    (Drift::Accepted, "accepted", "accepted now"),
];

fn findings(text: &mut Text, comparison: &Comparison) {
    let of = |drift: Drift| comparison.findings.iter().filter(move |change| change.drift == drift);
    let counts: Vec<(usize, &str)> =
        TOLD.iter().map(|(drift, _, what)| (of(*drift).count(), *what)).collect();
    let not_compared = of(Drift::NotCompared).count();
    let mut all = counts;
    all.push((not_compared, "of checks that one side did not run"));
    text.section("Findings", &all);
    for (drift, mark, _) in TOLD {
        let mut changes: Vec<&FindingChange> = of(drift).collect();
        changes.sort_by_key(|change| change.severity);
        for change in changes {
            let severity = format!("{:?}", change.severity).to_lowercase();
            let about = place(&change.subject);
            text.line(2, &format!("{mark}  {severity}  {}  {about}: {}", change.check, change.message));
        }
    }
}

fn resources(text: &mut Text, comparison: &Comparison) {
    let changes = &comparison.resources;
    text.section(
        "Resources",
        &[
            (changes.added.len(), "added"),
            (changes.removed.len(), "removed"),
            (changes.changed.len(), "changed"),
            (
                changes.first_seen.len(),
                "seen for the first time (they may be older: before, not everything was seen)",
            ),
            (
                changes.no_longer_seen.len(),
                "not seen any more (they may still be there: not everything is seen)",
            ),
        ],
    );
    let lists = [
        ("+", &changes.added),
        ("-", &changes.removed),
        ("+?", &changes.first_seen),
        ("-?", &changes.no_longer_seen),
    ];
    for (mark, subjects) in lists {
        for subject in subjects {
            text.line(2, &format!("{mark} {}  {}", subject.kind, place(subject)));
        }
    }
    for changed in &changes.changed {
        text.line(2, &format!("~ {}  {}", changed.subject.kind, place(&changed.subject)));
        for (name, change) in &changed.properties {
            text.line(6, &format!("{name}: {}", values(change)));
        }
        for (name, Change { before, after }) in &changed.tags {
            let value = |value: &Option<String>| value.clone().map(Value::String);
            let change = Change { before: value(before), after: value(after) };
            text.line(6, &format!("tag {name}: {}", values(&change)));
        }
    }
}

fn people(text: &mut Text, comparison: &Comparison) {
    let lapsed = comparison.exceptions.iter().filter(|change| change.lapsed).count();
    let others = comparison.exceptions.len() - lapsed;
    text.section("Exceptions", &[(lapsed, "lapsed"), (others, "with other changes")]);
    for change in &comparison.exceptions {
        let mark = if change.lapsed { "LAPSED" } else { "~" };
        let told = match (&change.state.before, &change.state.after) {
            (None, Some(state)) => format!("new, {}, covers {} failures", until(state), state.covers),
            (Some(state), None) => {
                format!("taken back; it covered {} failures, {}", state.covers, until(state))
            }
            (Some(before), Some(after)) => format!(
                "{} -> {}, covers {} -> {} failures",
                until(before),
                until(after),
                before.covers,
                after.covers
            ),
            (None, None) => continue,
        };
        text.line(2, &format!("{mark}  {}  {}: {told}", change.check, change.resource));
    }
    let expired = |state: Option<AttestationState>| state == Some(AttestationState::Expired);
    let of_state =
        |change: &crate::model::AttestationChange| expired(change.state.after.map(|after| after.state));
    let gone = comparison.attestations.iter().filter(|change| of_state(change)).count();
    let others = comparison.attestations.len() - gone;
    text.section("Attestations", &[(gone, "expired"), (others, "with other changes")]);
    for change in &comparison.attestations {
        let state = |state: Option<crate::model::AttestedState>| {
            state.map_or("none".to_owned(), |state| {
                let until = state.holds_until.map(|day| format!(" until {day}")).unwrap_or_default();
                format!("{}{until}", attested(state.state))
            })
        };
        let Change { before, after } = change.state;
        text.line(2, &format!("{}: {} -> {}", change.id, state(before), state(after)));
    }
}

fn until(state: &ExceptionState) -> String {
    let problems: Vec<&str> = state.problems.iter().map(|problem| problem.words()).collect();
    let wrong = if problems.is_empty() { String::new() } else { format!(" ({})", problems.join(", ")) };
    format!("until {}{wrong}", state.expires)
}

fn attested(state: AttestationState) -> &'static str {
    match state {
        AttestationState::Holds => "holds",
        AttestationState::Expired => "expired",
        AttestationState::NotYetMade => "made after the date of the assessment",
        AttestationState::Superseded => "superseded",
        AttestationState::NotAskedFor => "not asked for",
        AttestationState::Unreadable => "unreadable",
    }
}

fn excerpts(text: &mut Text, comparison: &Comparison) {
    text.section("Excerpts of CloudTrail", &[(comparison.excerpts.len(), "with another number of events")]);
    for change in &comparison.excerpts {
        let count = |count: Option<u64>| count.map_or("unknown".to_owned(), |count| count.to_string());
        let Change { before, after } = change.events;
        text.line(2, &format!("{}: {} -> {}  {}", change.rule, count(before), count(after), change.title));
    }
}

/// What became of the records of one call.
#[derive(Default)]
struct Tally {
    appeared: usize,
    vanished: usize,
    now_gaps: usize,
    no_longer_gaps: usize,
    otherwise: usize,
}

fn records(text: &mut Text, comparison: &Comparison) {
    let mut all = Tally::default();
    let mut calls: BTreeMap<(&str, &str, &str, &str), Tally> = BTreeMap::new();
    for change in &comparison.records {
        let call = (&*change.service, &*change.operation, &*change.account, &*change.region);
        for tally in [&mut all, calls.entry(call).or_default()] {
            *tally.place(&change.record) += 1;
        }
    }
    text.section("Records", &all.counts());
    for ((service, operation, account, region), tally) in calls {
        let counts: Vec<String> = tally
            .counts()
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        text.line(2, &format!("{service}:{operation} ({account}, {region}): {}", counts.join(", ")));
    }
}

impl Tally {
    fn place(&mut self, record: &Change<RecordState>) -> &mut usize {
        match (&record.before, &record.after) {
            (None, _) => &mut self.appeared,
            (_, None) => &mut self.vanished,
            (Some(before), Some(after)) if !before.gap && after.gap => &mut self.now_gaps,
            (Some(before), Some(after)) if before.gap && !after.gap => &mut self.no_longer_gaps,
            (Some(_), Some(_)) => &mut self.otherwise,
        }
    }

    fn counts(&self) -> [(usize, &'static str); 5] {
        [
            (self.appeared, "appeared"),
            (self.vanished, "vanished"),
            (self.now_gaps, "answered before and gaps now"),
            (self.no_longer_gaps, "gaps before and answered now"),
            (self.otherwise, "answered otherwise"),
        ]
    }
}

/// `name (123456789012, eu-west-1)`.
fn place(subject: &Subject) -> String {
    format!("{} ({}, {})", subject.id, subject.account, subject.region)
}

fn values(change: &Change<Value>) -> String {
    let value = |value: &Option<Value>| {
        value.as_ref().map_or("(not known)".to_owned(), |value| harmless(&value.to_string(), LONGEST_VALUE))
    };
    format!("{} -> {}", value(&change.before), value(&change.after))
}
