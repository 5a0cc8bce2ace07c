//! What was read of CloudTrail, what was done to it, and how much of the period its validated log files cover: a strip of
//! days for each account and region.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveTime, Utc};
use serde::Serialize;

use super::controls::ControlLink;
use super::excerpts::matched;
use super::{ProofRow, Records, prose, time};
use crate::model::{Assessment, CoverageEntry, Period, TrailCoverage, TrailSource};

/// The most accounts and regions that are drawn; those with holes come first.
const MOST_STRIPS: usize = 120;
/// The most sources that are listed.
const MOST_SOURCES: usize = 120;
/// The most holes and problems that each lists.
const MOST_LISTED: usize = 12;

/// The section: what was read, and how much of the period validated log files cover (empty where none were validated).
#[derive(Debug, Serialize)]
pub(super) struct TrailSection {
    sources: Vec<SourceRow>,
    more_sources: usize,
    /// Excerpts with events about a trail or its log files, in the words of their titles.
    doubts: Vec<Doubt>,
    strips: Vec<Strip>,
    more_strips: usize,
    period_start: String,
    period_end: String,
    /// How many are covered whole, of all.
    whole: usize,
    all: usize,
    /// What a reading aid says in place of the picture.
    picture_text: String,
}

/// What was read.
#[derive(Debug, Serialize)]
struct SourceRow {
    account: String,
    region: String,
    source: String,
    /// Whether it is the event history, of which CloudTrail keeps 90 days.
    event_history: bool,
    objects: u64,
    events: u64,
    gaps: u64,
}

/// An excerpt whose events say that other events may be missing.
#[derive(Debug, Serialize)]
struct Doubt {
    title: String,
    events: u64,
    control: ControlLink,
}

#[derive(Debug, Serialize)]
struct Strip {
    account: String,
    region: String,
    source: String,
    trails: Vec<String>,
    /// What of each day is covered, in runs of days that are alike.
    runs: Vec<Run>,
    covered_hours: String,
    all_hours: String,
    whole: bool,
    digests_valid: u64,
    digests_all: u64,
    logs_valid: u64,
    logs_all: u64,
    logs_not_in_a_digest: u64,
    holes: Vec<Span>,
    more_holes: usize,
    problems: Vec<ProblemRow>,
    more_problems: u64,
    proof: ProofRow,
}

/// Days that follow each other and are covered alike.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Run {
    days: u64,
    /// `all`, `part` or `none`.
    covered: &'static str,
}

#[derive(Debug, Serialize)]
struct Span {
    start: String,
    end: String,
}

#[derive(Debug, Serialize)]
struct ProblemRow {
    alarming: bool,
    start: String,
    end: String,
    message: String,
    location: String,
}

impl TrailSection {
    /// What the assessment says about it.
    pub(super) fn new(assessment: &Assessment, records: &mut Records<'_>) -> Self {
        let mut entries: Vec<&CoverageEntry> = assessment.coverage.iter().collect();
        entries.sort_by_key(|entry| entry.coverage.is_whole()); // stable: by account and region
        let whole = entries.iter().filter(|entry| entry.coverage.is_whole()).count();
        let strips: Vec<Strip> =
            entries.iter().take(MOST_STRIPS).map(|entry| strip(entry, records)).collect();
        let period = assessment.bundle.scope.period;
        let sentence = |strip: &Strip| {
            let more = if strip.holes.is_empty() { "" } else { ", with holes" };
            format!(
                "account {}, {}: {} of {} hours{more}",
                strip.account, strip.region, strip.covered_hours, strip.all_hours
            )
        };
        let sentences: Vec<String> = strips.iter().map(sentence).collect();
        let sources = &assessment.trail_sources;
        Self {
            sources: sources.iter().take(MOST_SOURCES).map(source_row).collect(),
            more_sources: sources.len().saturating_sub(MOST_SOURCES),
            doubts: doubts(assessment),
            picture_text: format!(
                "For each account and region, the days of the period that validated log files cover. {}.",
                sentences.join("; ")
            ),
            more_strips: entries.len().saturating_sub(MOST_STRIPS),
            strips,
            period_start: time(period.start),
            period_end: time(period.end),
            whole,
            all: entries.len(),
        }
    }
}

fn source_row(source: &TrailSource) -> SourceRow {
    SourceRow {
        account: source.account.clone(),
        region: source.region.clone(),
        source: source.source.clone(),
        event_history: source.operation == "LookupEvents",
        objects: source.objects,
        events: source.events,
        gaps: source.gaps,
    }
}

/// Each such excerpt once, with the first control that shows it.
fn doubts(assessment: &Assessment) -> Vec<Doubt> {
    let mut told = BTreeSet::new();
    let mut doubts = Vec::new();
    for (place, control) in assessment.controls().enumerate() {
        for excerpt in control.excerpts.iter().filter(|excerpt| excerpt.about_the_trail) {
            if matched(excerpt) > 0 && told.insert(&excerpt.rule) {
                doubts.push(Doubt {
                    title: prose(&excerpt.title),
                    events: matched(excerpt),
                    control: ControlLink { place: Some(place), id: control.id.clone() },
                });
            }
        }
    }
    doubts
}

fn strip(entry: &CoverageEntry, records: &mut Records<'_>) -> Strip {
    let coverage = &entry.coverage;
    let span = |hole: &Period| Span { start: time(hole.start), end: time(hole.end) };
    let all = |count: crate::model::FileCount| count.valid + count.invalid + count.unknown;
    Strip {
        account: coverage.account.clone(),
        region: coverage.region.clone(),
        source: coverage.source.clone(),
        trails: coverage.trails.clone(),
        runs: runs(coverage),
        covered_hours: hours(&coverage.covered),
        all_hours: hours(std::slice::from_ref(&coverage.period)),
        whole: coverage.is_whole(),
        digests_valid: coverage.digests.valid + coverage.backfill_digests.valid,
        digests_all: all(coverage.digests) + all(coverage.backfill_digests),
        logs_valid: coverage.logs.valid,
        logs_all: all(coverage.logs),
        logs_not_in_a_digest: coverage.logs_not_in_a_digest,
        holes: coverage.holes.iter().take(MOST_LISTED).map(span).collect(),
        more_holes: coverage.holes.len().saturating_sub(MOST_LISTED),
        problems: coverage
            .problems
            .iter()
            .take(MOST_LISTED)
            .map(|problem| ProblemRow {
                alarming: problem.alarming,
                start: time(problem.period.start),
                end: time(problem.period.end),
                message: problem.message.clone(),
                location: problem.location.clone(),
            })
            .collect(),
        more_problems: coverage.problems.len().saturating_sub(MOST_LISTED) as u64 + coverage.more_problems,
        proof: records.proof(entry.record),
    }
}

/// Hours, with one decimal where they are not whole.
fn hours(spans: &[Period]) -> String {
    let minutes: i64 = spans.iter().map(|span| (span.end - span.start).num_minutes()).sum();
    if minutes % 60 == 0 { (minutes / 60).to_string() } else { format!("{:.1}", minutes as f64 / 60.0) }
}

/// The days of the period in runs.
fn runs(coverage: &TrailCoverage) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut day = coverage.period.start;
    // A century of days is more than any trail has.
    for _ in 0..36_525 {
        if day >= coverage.period.end {
            break;
        }
        let midnight = day
            .date_naive()
            .checked_add_days(Days::new(1))
            .map(|next| next.and_time(NaiveTime::MIN).and_utc());
        let next: DateTime<Utc> = midnight.unwrap_or(coverage.period.end).min(coverage.period.end);
        let covered = in_words(&coverage.covered, day, next);
        match runs.last_mut() {
            Some(run) if run.covered == covered => run.days += 1,
            _ => runs.push(Run { days: 1, covered }),
        }
        day = next;
    }
    runs
}

fn in_words(spans: &[Period], start: DateTime<Utc>, end: DateTime<Utc>) -> &'static str {
    let inside = |span: &Period| (span.end.min(end) - span.start.max(start)).num_seconds().max(0);
    match spans.iter().map(inside).sum::<i64>() {
        0 => "none",
        seconds if seconds >= (end - start).num_seconds() => "all",
        _ => "part",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_told_in_runs() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let span = |start: &str, end: &str| Period { start: at(start), end: at(end) };
        let coverage = TrailCoverage {
            source: String::new(),
            account: String::new(),
            region: String::new(),
            period: span("2026-07-01T00:00:00Z", "2026-07-06T12:00:00Z"),
            trails: Vec::new(),
            digests: Default::default(),
            backfill_digests: Default::default(),
            logs: Default::default(),
            logs_not_in_a_digest: 0,
            covered: vec![
                span("2026-07-01T00:00:00Z", "2026-07-03T06:30:00Z"),
                span("2026-07-06T00:00:00Z", "2026-07-06T12:00:00Z"),
            ],
            holes: Vec::new(),
            problems: Vec::new(),
            more_problems: 0,
        };
        let found: Vec<(u64, &str)> = runs(&coverage).iter().map(|run| (run.days, run.covered)).collect();
        assert_eq!(found, [(2, "all"), (1, "part"), (2, "none"), (1, "all")]);
        assert_eq!(hours(&coverage.covered), "66.5");
        assert_eq!(hours(&[coverage.period]), "132");
    }
}
