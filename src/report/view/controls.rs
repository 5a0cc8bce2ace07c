//! Controls, and what each asks for.

use serde::Serialize;

use super::attestations::AttestationView;
use super::checks::{Checks, ControlChecks};
use super::summary::FrameworkSummary;
use super::{ProofRow, RecordLink, Records, prose};
use crate::model::{
    Assessment, ControlResult, ControlStatus, ExcerptEvent, ExcerptResult, FrameworkAssessment, Obligation,
};

/// One framework: its part of the summary, and its controls.
#[derive(Debug, Serialize)]
pub(super) struct FrameworkView {
    title: String,
    edition: String,
    summary: FrameworkSummary,
    /// Whether it tells required from addressable, as the HIPAA Security Rule does.
    states_obligations: bool,
    controls: Vec<ControlView>,
}

/// One control.
#[derive(Debug, Serialize)]
pub(super) struct ControlView {
    /// Its place among the controls of all frameworks: what links lead to.
    place: usize,
    id: String,
    title: String,
    group: String,
    /// Whether it is the first of its group.
    opens_group: bool,
    /// The standard that it is a specification of.
    parent: Option<ControlLink>,
    obligation: Option<Obligation>,
    guidance: String,
    status: ControlStatus,
    /// How many specifications belong to it.
    specifications: usize,
    checks: ControlChecks,
    excerpts: Vec<ExcerptView>,
    /// Excerpts of which all logs were read, and that no event matched: a line each is enough.
    quiet_excerpts: Vec<QuietExcerpt>,
    attestations: Vec<AttestationView>,
    /// The documented decision not to implement it, where there may be one.
    alternative: Option<AttestationView>,
    rests_on_alternative: bool,
}

#[derive(Debug, Serialize)]
struct ExcerptView {
    title: String,
    rule: String,
    reason: String,
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

#[derive(Debug, Serialize)]
struct QuietExcerpt {
    title: String,
    rule: String,
    proof: Vec<RecordLink>,
    more_proof: usize,
}

/// A control as something to point at.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ControlLink {
    /// Its place in the report; `None` for one that the assessment does not hold.
    pub(super) place: Option<usize>,
    pub(super) id: String,
}

impl ControlLink {
    /// To a control of the same framework, the first of whose controls stands at `start`.
    fn to(framework: &FrameworkAssessment, start: usize, id: &str) -> Self {
        let place = framework.controls.iter().position(|control| control.id == id);
        Self { place: place.map(|place| start + place), id: id.to_owned() }
    }
}

/// The most records that an excerpt lists.
const MOST_EXCERPT_RECORDS: usize = 20;

/// The most events that an excerpt shows.
const MOST_EXCERPT_EVENTS: usize = 10;

/// The most records that an excerpt names which no event matched.
const MOST_QUIET_RECORDS: usize = 4;

/// The frameworks in order. A check is shown in full under the first control of all that names it.
pub(super) fn frameworks(assessment: &Assessment, records: &mut Records<'_>) -> Vec<FrameworkView> {
    let mut checks = Checks::new(assessment);
    let mut start = 0;
    let mut views = Vec::new();
    for framework in &assessment.frameworks {
        views.push(FrameworkView {
            title: framework.reference.title.clone(),
            edition: framework.reference.edition.clone(),
            summary: FrameworkSummary::new(framework),
            states_obligations: framework.controls.iter().any(|control| control.obligation.is_some()),
            controls: controls(assessment, framework, start, &mut checks, records),
        });
        start += framework.controls.len();
    }
    views
}

/// The controls in the framework's order; the first of them stands at `start`.
fn controls(
    assessment: &Assessment,
    framework: &FrameworkAssessment,
    start: usize,
    checks: &mut Checks<'_>,
    records: &mut Records<'_>,
) -> Vec<ControlView> {
    let mut group = None;
    let view = |(number, control): (usize, &ControlResult)| {
        let here = ControlLink { place: Some(start + number), id: control.id.clone() };
        let (quiet, telling): (Vec<_>, Vec<_>) =
            control.excerpts.iter().partition(|excerpt| is_quiet(excerpt));
        ControlView {
            place: start + number,
            id: control.id.clone(),
            title: prose(&control.title),
            group: control.group.clone(),
            opens_group: group.replace(control.group.clone()).as_ref() != Some(&control.group),
            parent: control.parent.as_deref().map(|id| ControlLink::to(framework, start, id)),
            obligation: control.obligation,
            guidance: prose(&control.guidance),
            status: control.status,
            specifications: specifications(framework, control),
            checks: checks.under(&here, &control.checks, records),
            excerpts: telling.into_iter().map(|excerpt| excerpt_view(excerpt, records)).collect(),
            quiet_excerpts: quiet.into_iter().map(|excerpt| quiet_excerpt(excerpt, records)).collect(),
            attestations: control
                .attestations
                .iter()
                .map(|attestation| AttestationView::new(attestation, assessment, records))
                .collect(),
            alternative: control
                .alternative
                .as_ref()
                .map(|decision| AttestationView::new(decision, assessment, records)),
            rests_on_alternative: control.rests_on_alternative,
        }
    };
    framework.controls.iter().enumerate().map(view).collect()
}

fn specifications(framework: &FrameworkAssessment, control: &ControlResult) -> usize {
    let belongs = |other: &&ControlResult| other.parent.as_deref() == Some(control.id.as_str());
    framework.controls.iter().filter(belongs).count()
}

/// Whether everything was read that could hold an event, and none was found.
fn is_quiet(excerpt: &ExcerptResult) -> bool {
    excerpt.events + excerpt.not_kept == 0
        && !excerpt.records.is_empty()
        && excerpt.gaps.is_empty()
        && excerpt.accounts_without.is_empty()
        && excerpt.not_covered.is_empty()
}

fn quiet_excerpt(excerpt: &ExcerptResult, records: &mut Records<'_>) -> QuietExcerpt {
    QuietExcerpt {
        title: prose(&excerpt.title),
        rule: excerpt.rule.clone(),
        proof: excerpt.records.iter().take(MOST_QUIET_RECORDS).map(|id| records.link(*id)).collect(),
        more_proof: excerpt.records.len().saturating_sub(MOST_QUIET_RECORDS),
    }
}

fn excerpt_view(excerpt: &ExcerptResult, records: &mut Records<'_>) -> ExcerptView {
    let shown = excerpt.records.iter().take(MOST_EXCERPT_RECORDS);
    let first: Vec<EventRow> =
        excerpt.first.iter().take(MOST_EXCERPT_EVENTS).map(|event| event_row(event, records)).collect();
    ExcerptView {
        title: prose(&excerpt.title),
        rule: excerpt.rule.clone(),
        reason: prose(&excerpt.reason),
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

fn event_row(event: &ExcerptEvent, records: &mut Records<'_>) -> EventRow {
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
        proof: event.records.iter().take(MOST_QUIET_RECORDS).map(|id| records.link(*id)).collect(),
    }
}
