//! What changed since the bundle before. Lists are cut where they get long, and what is cut is counted: `proofpack diff` shows
//! all of it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::controls::ControlLink;
use super::summary::StatusRow;
use super::{prose, time, value_text};
use crate::model::{
    Assessment, AttestationState, AttestedState, Change, ChangedResource, ComparedSide, Comparison,
    ControlStatus, Drift, ExceptionChange, ExceptionState, FindingChange, FrameworkChange, RecordChange,
    Severity, StatusCount, Subject,
};

/// The most rows of each list.
const MOST_ROWS: usize = 60;
/// The most properties of a resource that are shown.
const MOST_PROPERTIES: usize = 8;
/// The longest value, in characters, that is shown of a property.
const LONGEST_VALUE: usize = 80;

/// The section on what changed.
#[derive(Debug, Serialize)]
pub(super) struct DriftSection {
    before: SideView,
    after: SideView,
    other_catalog: bool,
    frameworks: Vec<Trend>,
    parameters: Vec<Moved>,
    controls: Vec<ControlRow>,
    counts: Counts,
    findings: Vec<FindingGroup>,
    kinds: Vec<KindRow>,
    resources: Vec<ResourceRow>,
    more_resources: usize,
    exceptions: Vec<ExceptionRow>,
    attestations: Vec<Moved>,
    excerpts: Vec<Moved>,
    records: Vec<CallRow>,
    more_records: usize,
}

#[derive(Debug, Serialize)]
struct SideView {
    period_start: String,
    period_end: String,
    sealed_at: String,
    records: u64,
    gaps: u64,
    merkle_root: String,
    manifest_sha256: String,
}

/// The statuses of a framework's controls, before and now.
#[derive(Debug, Serialize)]
struct Trend {
    title: String,
    before: Vec<StatusRow>,
    after: Vec<StatusRow>,
    /// The picture in words.
    text: String,
}

/// Something that has another value.
#[derive(Debug, Serialize)]
struct Moved {
    name: String,
    before: String,
    after: String,
    /// Whether it needs to be looked at.
    alarms: bool,
}

#[derive(Debug, Serialize)]
struct ControlRow {
    control: ControlLink,
    title: String,
    before: Option<ControlStatus>,
    after: Option<ControlStatus>,
    checks: Vec<String>,
}

#[derive(Debug, Default, Serialize)]
struct Counts {
    new_failures: usize,
    not_decided: usize,
    resolved: usize,
    gone: usize,
    accepted: usize,
    not_compared: usize,
    added: usize,
    removed: usize,
    changed: usize,
    first_seen: usize,
    no_longer_seen: usize,
}

#[derive(Debug, Serialize)]
struct FindingGroup {
    title: &'static str,
    rows: Vec<FindingRow>,
    more: usize,
}

#[derive(Debug, Serialize)]
struct FindingRow {
    severity: Severity,
    title: String,
    name: String,
    place: String,
    message: String,
}

/// Counts of one kind of resource.
#[derive(Debug, Default, Serialize)]
struct KindRow {
    kind: String,
    added: usize,
    removed: usize,
    changed: usize,
    first_seen: usize,
    no_longer_seen: usize,
}

/// A resource that came, went or changed.
#[derive(Debug, Serialize)]
struct ResourceRow {
    what: &'static str,
    kind: String,
    name: String,
    place: String,
    properties: Vec<Moved>,
    more: usize,
}

#[derive(Debug, Serialize)]
struct ExceptionRow {
    check: String,
    resource: String,
    lapsed: bool,
    told: String,
}

/// What became of the records of one call.
#[derive(Debug, Default, Serialize)]
struct CallRow {
    call: String,
    account: String,
    region: String,
    appeared: usize,
    vanished: usize,
    otherwise: usize,
}

/// The groups of findings, in the order in which they are read.
const GROUPS: [(Drift, &str); 5] = [
    (Drift::NewFailure, "New failures"),
    (Drift::NoLongerDecided, "Not decided any more"),
    (Drift::Accepted, "Accepted now"),
    (Drift::Resolved, "Resolved"),
    (Drift::Gone, "Gone with their resources"),
];

impl DriftSection {
    /// The section; `assessment` is that of the later side.
    pub(super) fn new(comparison: &Comparison, assessment: &Assessment) -> Self {
        let titles: BTreeMap<&str, &str> =
            assessment.checks.iter().map(|check| (check.id.as_str(), check.title.as_str())).collect();
        let (resources, more_resources) = resources(comparison);
        let (records, more_records) = records(&comparison.records);
        Self {
            before: side(&comparison.before),
            after: side(&comparison.after),
            other_catalog: comparison.before.catalog_sha256 != comparison.after.catalog_sha256,
            frameworks: comparison.frameworks.iter().map(trend).collect(),
            parameters: comparison.parameters.iter().map(|(name, change)| moved(name, change)).collect(),
            controls: controls(comparison, assessment),
            counts: counts(comparison),
            findings: GROUPS
                .iter()
                .filter_map(|(drift, title)| group(comparison, *drift, title, &titles))
                .collect(),
            kinds: kinds(comparison),
            resources,
            more_resources,
            exceptions: comparison.exceptions.iter().map(exception).collect(),
            attestations: comparison.attestations.iter().map(attestation).collect(),
            excerpts: comparison.excerpts.iter().map(excerpt).collect(),
            records,
            more_records,
        }
    }
}

fn side(side: &ComparedSide) -> SideView {
    SideView {
        period_start: time(side.scope.period.start),
        period_end: time(side.scope.period.end),
        sealed_at: time(side.sealed_at),
        records: side.records,
        gaps: side.gaps,
        merkle_root: side.merkle_root.to_string(),
        manifest_sha256: side.manifest_sha256.to_string(),
    }
}

fn trend(change: &FrameworkChange) -> Trend {
    let rows = |counts: &[StatusCount]| counts.iter().map(StatusRow::from).collect();
    let words = |counts: &[StatusCount]| {
        let counts = counts.iter().filter(|count| count.count > 0);
        counts.map(|count| format!("{} {}", count.count, count.status.words())).collect::<Vec<_>>().join(", ")
    };
    Trend {
        title: change.title.clone(),
        before: rows(&change.before),
        after: rows(&change.after),
        text: format!(
            "Controls by status. Before: {}. Now: {}.",
            words(&change.before),
            words(&change.after)
        ),
    }
}

fn controls(comparison: &Comparison, assessment: &Assessment) -> Vec<ControlRow> {
    let place = |framework: &str, control: &str| {
        let all = assessment
            .frameworks
            .iter()
            .flat_map(|f| f.controls.iter().map(move |c| (&f.reference.id, &c.id)));
        all.enumerate().find(|(_, (f, c))| *f == framework && *c == control).map(|(place, _)| place)
    };
    let rows = comparison.controls.iter().map(|change| ControlRow {
        control: ControlLink { place: place(&change.framework, &change.control), id: change.control.clone() },
        title: change.title.clone(),
        before: change.status.before,
        after: change.status.after,
        checks: change.checks.clone(),
    });
    rows.collect()
}

fn counts(comparison: &Comparison) -> Counts {
    let of = |drift: Drift| comparison.findings.iter().filter(|change| change.drift == drift).count();
    let resources = &comparison.resources;
    Counts {
        new_failures: of(Drift::NewFailure),
        not_decided: of(Drift::NoLongerDecided),
        resolved: of(Drift::Resolved),
        gone: of(Drift::Gone),
        accepted: of(Drift::Accepted),
        not_compared: of(Drift::NotCompared),
        added: resources.added.len(),
        removed: resources.removed.len(),
        changed: resources.changed.len(),
        first_seen: resources.first_seen.len(),
        no_longer_seen: resources.no_longer_seen.len(),
    }
}

fn group(
    comparison: &Comparison,
    drift: Drift,
    title: &'static str,
    titles: &BTreeMap<&str, &str>,
) -> Option<FindingGroup> {
    let mut changes: Vec<&FindingChange> =
        comparison.findings.iter().filter(|change| change.drift == drift).collect();
    changes.sort_by_key(|change| change.severity);
    let row = |change: &&FindingChange| FindingRow {
        severity: change.severity,
        title: titles.get(change.check.as_str()).unwrap_or(&change.check.as_str()).to_string(),
        name: change.subject.id.clone(),
        place: place(&change.subject),
        message: prose(&change.message),
    };
    (!changes.is_empty()).then(|| FindingGroup {
        title,
        rows: changes.iter().take(MOST_ROWS).map(row).collect(),
        more: changes.len().saturating_sub(MOST_ROWS),
    })
}

fn kinds(comparison: &Comparison) -> Vec<KindRow> {
    let changes = &comparison.resources;
    let mut kinds: BTreeMap<String, KindRow> = BTreeMap::new();
    let mut count = |subjects: &mut dyn Iterator<Item = &Subject>, of: fn(&mut KindRow) -> &mut usize| {
        for subject in subjects {
            let row = kinds.entry(subject.kind.clone()).or_default();
            row.kind.clone_from(&subject.kind);
            *of(row) += 1;
        }
    };
    count(&mut changes.added.iter(), |row| &mut row.added);
    count(&mut changes.removed.iter(), |row| &mut row.removed);
    count(&mut changes.first_seen.iter(), |row| &mut row.first_seen);
    count(&mut changes.no_longer_seen.iter(), |row| &mut row.no_longer_seen);
    count(&mut changes.changed.iter().map(|changed| &changed.subject), |row| &mut row.changed);
    kinds.into_values().collect()
}

/// The resources that came, went or changed, the first of each; and how many more there are.
fn resources(comparison: &Comparison) -> (Vec<ResourceRow>, usize) {
    let changes = &comparison.resources;
    let lists = [
        ("added", &changes.added),
        ("removed", &changes.removed),
        ("seen for the first time", &changes.first_seen),
        ("not seen any more", &changes.no_longer_seen),
    ];
    let mut rows = Vec::new();
    let mut more = changes.changed.len().saturating_sub(MOST_ROWS);
    for (what, subjects) in lists {
        more += subjects.len().saturating_sub(MOST_ROWS);
        rows.extend(subjects.iter().take(MOST_ROWS).map(|subject| resource(what, subject)));
    }
    rows.extend(changes.changed.iter().take(MOST_ROWS).map(changed));
    (rows, more)
}

fn resource(what: &'static str, subject: &Subject) -> ResourceRow {
    ResourceRow {
        what,
        kind: subject.kind.clone(),
        name: subject.id.clone(),
        place: place(subject),
        properties: Vec::new(),
        more: 0,
    }
}

fn changed(changed: &ChangedResource) -> ResourceRow {
    let properties = changed.properties.iter().map(|(name, change)| moved(name, change));
    let tags = changed.tags.iter().map(|(name, Change { before, after })| {
        let value = |value: &Option<String>| value.clone().map(Value::String);
        moved(&format!("tag {name}"), &Change { before: value(before), after: value(after) })
    });
    let mut properties: Vec<Moved> = properties.chain(tags).collect();
    let more = properties.len().saturating_sub(MOST_PROPERTIES);
    properties.truncate(MOST_PROPERTIES);
    ResourceRow { properties, more, ..resource("changed", &changed.subject) }
}

fn moved(name: &str, change: &Change<Value>) -> Moved {
    let value = |value: &Option<Value>| match value {
        None => "not known".to_owned(),
        Some(value) => {
            let text = value_text(value);
            match text.char_indices().nth(LONGEST_VALUE) {
                Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
                None => text,
            }
        }
    };
    Moved { name: name.to_owned(), before: value(&change.before), after: value(&change.after), alarms: false }
}

fn exception(change: &ExceptionChange) -> ExceptionRow {
    let until = |state: &ExceptionState| format!("until {}, covering {}", state.expires, state.covers);
    let told = match (&change.state.before, &change.state.after) {
        (before, None) => format!("taken back; before: {}", before.as_ref().map(until).unwrap_or_default()),
        (None, Some(after)) => format!("new: {}", until(after)),
        (Some(before), Some(after)) => format!("{}; before: {}", until(after), until(before)),
    };
    ExceptionRow {
        check: change.check.clone(),
        resource: change.resource.clone(),
        lapsed: change.lapsed,
        told,
    }
}

fn attestation(change: &crate::model::AttestationChange) -> Moved {
    let words = |state: Option<AttestedState>| {
        let Some(AttestedState { state, holds_until }) = state else { return "none".to_owned() };
        let until = holds_until.map(|day| format!(" until {day}")).unwrap_or_default();
        format!("{}{until}", attested(state))
    };
    let Change { before, after } = change.state;
    Moved {
        name: change.id.clone(),
        before: words(before),
        after: words(after),
        alarms: after.is_none_or(|after| after.state == AttestationState::Expired),
    }
}

fn attested(state: AttestationState) -> &'static str {
    match state {
        AttestationState::Holds => "holds",
        AttestationState::Expired => "held",
        AttestationState::NotYetMade => "made later",
        AttestationState::Superseded => "superseded",
        AttestationState::NotAskedFor => "not asked for",
        AttestationState::Unreadable => "unreadable",
    }
}

fn excerpt(change: &crate::model::ExcerptChange) -> Moved {
    let count = |count: Option<u64>| count.map_or("unknown".to_owned(), |count| count.to_string());
    let (before, after) = (count(change.events.before), count(change.events.after));
    Moved { name: change.title.clone(), before, after, alarms: change.events.after.is_none() }
}

/// The calls that have records on one side only, or other answers: the first of them, and how many more there are.
fn records(changes: &[RecordChange]) -> (Vec<CallRow>, usize) {
    let mut calls: BTreeMap<(&str, &str, &str, &str), CallRow> = BTreeMap::new();
    for change in changes {
        let key = (&*change.service, &*change.operation, &*change.account, &*change.region);
        let row = calls.entry(key).or_default();
        match (&change.record.before, &change.record.after) {
            (None, _) => row.appeared += 1,
            (_, None) => row.vanished += 1,
            _ => row.otherwise += 1,
        }
    }
    let more = calls.len().saturating_sub(MOST_ROWS);
    let rows =
        calls.into_iter().take(MOST_ROWS).map(|((service, operation, account, region), row)| CallRow {
            call: format!("{service}:{operation}"),
            account: account.to_owned(),
            region: region.to_owned(),
            ..row
        });
    (rows.collect(), more)
}

fn place(subject: &Subject) -> String {
    format!("{}, {}", subject.account, subject.region)
}
