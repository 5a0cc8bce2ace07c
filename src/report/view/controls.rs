//! Controls, and what each asks for.

use serde::Serialize;

use super::answer::Answer;
use super::attestations::AttestationView;
use super::checks::{Checks, ControlChecks};
use super::excerpts::{ControlExcerpts, Excerpts};
use super::summary::{FrameworkSummary, StatusRow, statuses};
use super::{Records, prose};
use crate::model::{Assessment, ControlResult, ControlStatus, FrameworkAssessment, Obligation};

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
    /// What it requires, in the regulation's own words.
    requirement: Option<String>,
    guidance: String,
    status: ControlStatus,
    /// The specifications that belong to it.
    specifications: Vec<SpecificationRow>,
    /// How many of them have each status.
    specification_statuses: Vec<StatusRow>,
    /// What was examined, found and accepted, and what is missing, in a few lines.
    answer: Answer,
    checks: ControlChecks,
    excerpts: ControlExcerpts,
    attestations: Vec<AttestationView>,
    /// The documented decision not to implement it, where there may be one.
    alternative: Option<AttestationView>,
    rests_on_alternative: bool,
}

/// A specification of a standard, and what came of it.
#[derive(Debug, Serialize)]
struct SpecificationRow {
    control: ControlLink,
    title: String,
    status: ControlStatus,
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

/// What an earlier control shows.
#[derive(Debug, Serialize)]
pub(super) struct ByControl<T> {
    control: ControlLink,
    #[serde(flatten)]
    shown: T,
}

/// What `control` shows, among what the earlier ones do.
pub(super) fn under<'g, T: Default>(groups: &'g mut Vec<ByControl<T>>, control: &ControlLink) -> &'g mut T {
    let known = groups.iter().position(|group| group.control.place == control.place);
    let at = known.unwrap_or(groups.len());
    if known.is_none() {
        groups.push(ByControl { control: control.clone(), shown: T::default() });
    }
    &mut groups[at].shown
}

/// The frameworks in order. A check is shown in full under the first control of all that names it.
pub(super) fn frameworks(
    assessment: &Assessment,
    checks: &mut Checks<'_>,
    records: &mut Records<'_>,
) -> Vec<FrameworkView> {
    let mut excerpts = Excerpts::of(assessment);
    let mut start = 0;
    let mut views = Vec::new();
    for framework in &assessment.frameworks {
        views.push(FrameworkView {
            title: framework.reference.title.clone(),
            edition: framework.reference.edition.clone(),
            summary: FrameworkSummary::new(framework),
            states_obligations: framework.controls.iter().any(|control| control.obligation.is_some()),
            controls: controls(assessment, framework, start, (&mut *checks, &mut excerpts), records),
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
    (checks, excerpts): (&mut Checks<'_>, &mut Excerpts),
    records: &mut Records<'_>,
) -> Vec<ControlView> {
    let mut group = None;
    let view = |(number, control): (usize, &ControlResult)| {
        let specifications = specifications(framework, start, control);
        let with = |status| specifications.iter().filter(|row| row.status == status).count();
        let here = ControlLink { place: Some(start + number), id: control.id.clone() };
        ControlView {
            place: start + number,
            id: control.id.clone(),
            title: prose(&control.title),
            group: control.group.clone(),
            opens_group: group.replace(control.group.clone()).as_ref() != Some(&control.group),
            parent: control.parent.as_deref().map(|id| ControlLink::to(framework, start, id)),
            obligation: control.obligation,
            requirement: control.requirement.as_deref().map(prose),
            guidance: prose(&control.guidance),
            status: control.status,
            specification_statuses: statuses(with),
            specifications,
            answer: Answer::new(assessment, control, checks),
            checks: checks.under(&here, &control.checks, records),
            excerpts: excerpts.under(&here, &control.excerpts, records),
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

fn specifications(
    framework: &FrameworkAssessment,
    start: usize,
    control: &ControlResult,
) -> Vec<SpecificationRow> {
    let belongs = |(_, other): &(usize, &ControlResult)| other.parent.as_deref() == Some(control.id.as_str());
    let row = |(number, other): (usize, &ControlResult)| SpecificationRow {
        control: ControlLink { place: Some(start + number), id: other.id.clone() },
        title: prose(&other.title),
        status: other.status,
    };
    framework.controls.iter().enumerate().filter(belongs).map(row).collect()
}
