//! CloudTrail excerpts under their controls: each in full once, and in a line where nothing matched or where an earlier
//! control shows it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::controls::{ByControl, ControlLink, under};
use super::{ProofRow, RecordLink, Records, prose, value_text};
use crate::model::{Assessment, ExcerptEvent, ExcerptResult};

/// The excerpts of one control.
#[derive(Debug, Default, Serialize)]
pub(super) struct ControlExcerpts {
    full: Vec<ExcerptView>,
    /// Those of which all logs were read, and that no event matched: a line each is enough.
    quiet: Vec<QuietExcerpt>,
    /// Those that an earlier control shows.
    elsewhere: Vec<ByControl<ElsewhereExcerpts>>,
    /// How many there are of all sorts.
    count: usize,
    /// The regions whose logs were asked for.
    regions: String,
}

/// Excerpts that an earlier control shows.
#[derive(Debug, Default, Serialize)]
struct ElsewhereExcerpts {
    excerpts: Vec<BriefExcerpt>,
}

/// An excerpt in a word.
#[derive(Debug, Serialize)]
struct BriefExcerpt {
    title: String,
    events: u64,
    /// Whether all of it could be seen.
    whole: bool,
}

#[derive(Debug, Serialize)]
struct ExcerptView {
    title: String,
    rule: String,
    reason: String,
    parameters: Vec<ParameterValue>,
    events: u64,
    /// Matches that the records count beyond the events that they hold.
    not_kept: u64,
    first: Vec<EventRow>,
    more_events: u64,
    /// Whether any trail was read for it.
    read: bool,
    proof: Vec<ProofRow>,
    more_proof: usize,
    gaps: usize,
    /// Accounts in scope for which no log was read.
    accounts_without: Vec<String>,
    /// Records that say that the log files do not cover the whole period.
    not_covered: Vec<RecordLink>,
}

/// An event that a person looks at.
#[derive(Debug, Serialize)]
struct EventRow {
    time: String,
    name: String,
    source: String,
    region: String,
    who: String,
    from: Option<String>,
    error: Option<String>,
    /// `path: value`
    shown: Vec<String>,
    proof: Vec<RecordLink>,
}

/// What a rule's filter was read with.
#[derive(Debug, Serialize)]
struct ParameterValue {
    name: String,
    value: String,
}

#[derive(Debug, Serialize)]
struct QuietExcerpt {
    title: String,
    rule: String,
    parameters: Vec<ParameterValue>,
    proof: Vec<RecordLink>,
    more_proof: usize,
}

/// The most records that an excerpt lists.
const MOST_EXCERPT_RECORDS: usize = 20;

/// The most events that an excerpt shows.
const MOST_EXCERPT_EVENTS: usize = 10;

/// The most records that an excerpt names which no event matched.
const MOST_QUIET_RECORDS: usize = 4;

/// Excerpts, and the control under which each was shown.
pub(super) struct Excerpts {
    shown: BTreeMap<String, ControlLink>,
    regions: String,
}

impl Excerpts {
    /// None is shown yet.
    pub(super) fn of(assessment: &Assessment) -> Self {
        Self { shown: BTreeMap::new(), regions: assessment.bundle.scope.regions.join(", ") }
    }

    /// The excerpts of the control `here`: each in full the first time, then as a reference to there.
    pub(super) fn under(
        &mut self,
        here: &ControlLink,
        excerpts: &[ExcerptResult],
        records: &mut Records<'_>,
    ) -> ControlExcerpts {
        let mut shown = ControlExcerpts {
            count: excerpts.len(),
            regions: self.regions.clone(),
            ..ControlExcerpts::default()
        };
        for excerpt in excerpts {
            if let Some(earlier) = self.shown.get(&excerpt.rule) {
                under(&mut shown.elsewhere, earlier).excerpts.push(BriefExcerpt {
                    title: prose(&excerpt.title),
                    events: matched(excerpt),
                    whole: is_whole(excerpt),
                });
                continue;
            }
            self.shown.insert(excerpt.rule.clone(), here.clone());
            if is_quiet(excerpt) {
                shown.quiet.push(quiet_excerpt(excerpt, records));
            } else {
                shown.full.push(excerpt_view(excerpt, records));
            }
        }
        shown
    }
}

/// Events that matched, kept or not.
pub(super) fn matched(excerpt: &ExcerptResult) -> u64 {
    excerpt.events + excerpt.not_kept
}

/// Whether everything was read that could hold an event.
pub(super) fn is_whole(excerpt: &ExcerptResult) -> bool {
    !excerpt.records.is_empty()
        && excerpt.gaps.is_empty()
        && excerpt.accounts_without.is_empty()
        && excerpt.not_covered.is_empty()
}

fn is_quiet(excerpt: &ExcerptResult) -> bool {
    matched(excerpt) == 0 && is_whole(excerpt)
}

fn quiet_excerpt(excerpt: &ExcerptResult, records: &mut Records<'_>) -> QuietExcerpt {
    QuietExcerpt {
        title: prose(&excerpt.title),
        rule: excerpt.rule.clone(),
        parameters: parameters(excerpt),
        proof: records.few(&excerpt.records, MOST_QUIET_RECORDS),
        more_proof: excerpt.records.len().saturating_sub(MOST_QUIET_RECORDS),
    }
}

fn excerpt_view(excerpt: &ExcerptResult, records: &mut Records<'_>) -> ExcerptView {
    let shown = excerpt.records.iter().take(MOST_EXCERPT_RECORDS);
    let first: Vec<EventRow> = excerpt.first.iter().take(MOST_EXCERPT_EVENTS).map(event_row).collect();
    ExcerptView {
        title: prose(&excerpt.title),
        rule: excerpt.rule.clone(),
        reason: prose(&excerpt.reason),
        parameters: parameters(excerpt),
        events: excerpt.events,
        not_kept: excerpt.not_kept,
        more_events: excerpt.events.saturating_sub(first.len() as u64),
        first,
        read: !excerpt.records.is_empty(),
        proof: shown.map(|id| records.proof(*id)).collect(),
        more_proof: excerpt.records.len().saturating_sub(MOST_EXCERPT_RECORDS),
        gaps: excerpt.gaps.len(),
        accounts_without: excerpt.accounts_without.clone(),
        not_covered: excerpt
            .not_covered
            .iter()
            .take(MOST_EXCERPT_RECORDS)
            .map(|id| records.link(*id))
            .collect(),
    }
}

fn parameters(excerpt: &ExcerptResult) -> Vec<ParameterValue> {
    let of_name = |(name, values): (&String, &Vec<serde_json::Value>)| ParameterValue {
        name: name.clone(),
        value: values.iter().map(value_text).collect::<Vec<_>>().join("; "),
    };
    excerpt.parameters.iter().map(of_name).collect()
}

fn event_row(event: &ExcerptEvent) -> EventRow {
    // The names of the members without the part that they all share.
    let name = |path: &str| path.strip_prefix("requestParameters.").unwrap_or(path).to_owned();
    EventRow {
        time: event.time.clone(),
        name: event.name.clone(),
        source: event.source.strip_suffix(".amazonaws.com").unwrap_or(&event.source).to_owned(),
        region: event.region.clone(),
        who: event.principal.clone().unwrap_or_else(|| "not told".into()),
        from: event.source_address.clone(),
        error: event.error.clone(),
        shown: event.shown.iter().map(|(path, value)| format!("{}: {value}", name(path))).collect(),
        proof: event.records.iter().take(MOST_QUIET_RECORDS).map(|id| RecordLink::name(*id)).collect(),
    }
}
