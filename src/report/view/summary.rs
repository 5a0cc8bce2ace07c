//! The summary: counts, the chart's data, and what to look at first.

use serde::Serialize;

use super::attestations::NeedState;
use super::checks::{Checks, name};
use crate::model::{Assessment, ControlStatus, Finding, FrameworkAssessment, Outcome, Severity, StatusCount};

/// One framework's part of the summary.
#[derive(Debug, Serialize)]
pub(super) struct FrameworkSummary {
    controls: usize,
    statuses: Vec<StatusRow>,
    groups: Vec<GroupRow>,
    /// The chart in words, for those who cannot see it.
    chart_text: String,
}

/// What all frameworks have in common.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    outcomes: OutcomeCounts,
    attention: Vec<AttentionRow>,
    /// Failing checks beyond those listed.
    more_attention: usize,
    attestations_asked: usize,
    attestations_held: usize,
    attestations_expired: usize,
    attestations_missing: usize,
    exceptions: usize,
    exceptions_with_problems: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct StatusRow {
    status: ControlStatus,
    count: u64,
}

impl From<&StatusCount> for StatusRow {
    fn from(count: &StatusCount) -> Self {
        Self { status: count.status, count: count.count }
    }
}

/// One bar of the chart.
#[derive(Debug, Serialize)]
struct GroupRow {
    group: String,
    controls: usize,
    statuses: Vec<StatusRow>,
}

/// How the findings of a check, or of all, came out.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct OutcomeCounts {
    pub(super) fail: usize,
    pub(super) indeterminate: usize,
    pub(super) excepted: usize,
    pub(super) pass: usize,
    pub(super) not_applicable: usize,
}

/// A check with failures that nobody accepted.
#[derive(Debug, Serialize)]
struct AttentionRow {
    severity: Severity,
    title: String,
    failures: usize,
    /// The first of the resources.
    resources: Vec<String>,
    /// First control that names it: its place in the report.
    control: Option<usize>,
    citation: String,
}

/// The most checks that the summary points at.
const MOST_ATTENTION: usize = 30;

/// The most resources that each of them names.
const MOST_NAMES: usize = 3;

impl OutcomeCounts {
    /// Whether there are findings, and all passed.
    pub(super) fn are_passes(&self) -> bool {
        self.pass > 0 && *self == Self { pass: self.pass, ..Self::default() }
    }

    /// Whether there are findings, and all say that there is no such resource.
    pub(super) fn are_about_nothing(&self) -> bool {
        self.not_applicable > 0 && *self == Self { not_applicable: self.not_applicable, ..Self::default() }
    }

    /// Counts findings.
    pub(super) fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        let mut counts = Self::default();
        for finding in findings {
            match (finding.outcome, finding.exception) {
                (Outcome::Fail, None) => counts.fail += 1,
                (Outcome::Fail, Some(_)) => counts.excepted += 1,
                (Outcome::Indeterminate, _) => counts.indeterminate += 1,
                (Outcome::Pass, _) => counts.pass += 1,
                (Outcome::NotApplicable, _) => counts.not_applicable += 1,
            }
        }
        counts
    }
}

impl FrameworkSummary {
    /// The summary of one framework.
    pub(super) fn new(framework: &FrameworkAssessment) -> Self {
        let groups = groups(framework);
        let with = |status| framework.controls.iter().filter(|control| control.status == status).count();
        Self {
            controls: framework.controls.len(),
            statuses: statuses(with),
            chart_text: chart_text(&groups),
            groups,
        }
    }
}

impl Summary {
    /// The summary of an assessment.
    pub(super) fn new(assessment: &Assessment, checks: &Checks<'_>) -> Self {
        let mut attention = attention(assessment, checks);
        let more_attention = attention.len().saturating_sub(MOST_ATTENTION);
        attention.truncate(MOST_ATTENTION);
        let asked = || assessment.controls().flat_map(|control| &control.attestations);
        let in_state = |state: NeedState| {
            let of_state = asked().filter(|attestation| NeedState::of(attestation) == state);
            distinct(of_state.map(|attestation| attestation.need.id.as_str()))
        };
        Self {
            outcomes: OutcomeCounts::of(&assessment.findings),
            attention,
            more_attention,
            attestations_asked: distinct(asked().map(|attestation| attestation.need.id.as_str())),
            attestations_held: in_state(NeedState::Holds),
            attestations_expired: in_state(NeedState::Expired),
            attestations_missing: in_state(NeedState::Missing),
            exceptions: assessment.exceptions.len(),
            exceptions_with_problems: assessment
                .exceptions
                .iter()
                .filter(|exception| !exception.problems.is_empty())
                .count(),
        }
    }
}

fn distinct<'a>(ids: impl Iterator<Item = &'a str>) -> usize {
    ids.collect::<std::collections::BTreeSet<_>>().len()
}

/// How many have each status; `count` counts one.
pub(super) fn statuses(count: impl Fn(ControlStatus) -> usize) -> Vec<StatusRow> {
    ControlStatus::ALL
        .iter()
        .map(|status| StatusRow { status: *status, count: count(*status) as u64 })
        .collect()
}

fn groups(framework: &FrameworkAssessment) -> Vec<GroupRow> {
    let mut names: Vec<&str> = Vec::new();
    for control in &framework.controls {
        if !names.contains(&control.group.as_str()) {
            names.push(&control.group);
        }
    }
    let row = |name: &str| {
        let inside = || framework.controls.iter().filter(|control| control.group == name);
        GroupRow {
            group: name.to_owned(),
            controls: inside().count(),
            statuses: statuses(|status| inside().filter(|control| control.status == status).count()),
        }
    };
    names.into_iter().map(row).collect()
}

fn chart_text(groups: &[GroupRow]) -> String {
    let row = |group: &GroupRow| {
        let counts: Vec<String> = group
            .statuses
            .iter()
            .filter(|row| row.count > 0)
            .map(|row| format!("{} {}", row.count, row.status.words()))
            .collect();
        format!("{}: {}", group.group, counts.join(", "))
    };
    format!("Controls by status. {}.", groups.iter().map(row).collect::<Vec<_>>().join(". "))
}

/// Checks with open failures: the worst severity first, then the most resources.
fn attention(assessment: &Assessment, checks: &Checks<'_>) -> Vec<AttentionRow> {
    let mut rows: Vec<AttentionRow> = assessment
        .checks
        .iter()
        .map(|check| {
            let failing = checks
                .findings(&check.id)
                .iter()
                .filter(|finding| finding.outcome == Outcome::Fail && finding.exception.is_none());
            let control =
                assessment.controls().enumerate().find(|(_, control)| control.checks.contains(&check.id));
            AttentionRow {
                severity: check.severity,
                title: check.title.clone(),
                failures: failing.clone().count(),
                resources: failing.take(MOST_NAMES).map(|finding| name(finding)).collect(),
                citation: control.map(|(_, control)| control.id.clone()).unwrap_or_default(),
                control: control.map(|(place, _)| place),
            }
        })
        .filter(|row| row.failures > 0)
        .collect();
    rows.sort_by_key(|row| (row.severity, std::cmp::Reverse(row.failures)));
    rows
}
