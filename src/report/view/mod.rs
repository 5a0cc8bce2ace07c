//! The view: what the report prints, in the order in which it is read. A pure function of the assessment.
//!
//! Strings are as they came; [`super::text`] makes them safe afterwards, all in one place. Members that the
//! template uses as names (`status`, `outcome`, `id` of a control's place) are ours and short.

mod access;
mod answer;
mod attestations;
mod checks;
mod controls;
mod corroboration;
mod drift;
mod evidence;
mod exceptions;
mod excerpts;
mod imports;
mod resources;
mod scope;
mod summary;
mod trail;

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::ReportOptions;
use crate::model::{Assessment, EvidenceEntry, RecordId, RecordKind, UsedParameter, aws_cli};
use access::AccessSection;
use attestations::AttestationSection;
use checks::Checks;
use controls::FrameworkView;
use corroboration::CorroborationSection;
use drift::DriftSection;
use evidence::{EvidenceFile, GapSection};
use exceptions::ExceptionRow;
use imports::ImportSection;
use resources::ResourceKind;
use scope::ScopeView;
use summary::Summary;
use trail::TrailSection;

/// Everything that the template prints.
#[derive(Debug, Serialize)]
pub(super) struct View {
    cover: Cover,
    scope: ScopeView,
    summary: Summary,
    frameworks: Vec<FrameworkView>,
    gaps: GapSection,
    trail: TrailSection,
    corroboration: Option<CorroborationSection>,
    /// What changed since the bundle before, where one was named.
    drift: Option<DriftSection>,
    exceptions: Vec<ExceptionRow>,
    attestations: AttestationSection,
    imports: ImportSection,
    parameters: Vec<ParameterRow>,
    access: AccessSection,
    resources: Vec<ResourceKind>,
    evidence: Vec<EvidenceFile>,
    verify: VerifyExample,
}

#[derive(Debug, Serialize)]
struct Cover {
    organization: String,
    /// Titles of all frameworks, as one text.
    framework: String,
    frameworks: Vec<FrameworkName>,
    demonstration: bool,
    partition: String,
    accounts: Vec<String>,
    /// Accounts beyond those listed.
    more_accounts: usize,
    regions: Vec<String>,
    period_start: String,
    period_end: String,
    as_of: String,
    merkle_root: String,
    manifest_sha256: String,
    catalog_sha256: String,
    tool: String,
}

/// A framework as the cover names it.
#[derive(Debug, Serialize)]
struct FrameworkName {
    title: String,
    edition: String,
}

/// A threshold that checks were run with.
#[derive(Debug, Serialize)]
struct ParameterRow {
    name: String,
    value: String,
    unit: Option<String>,
    /// The catalog's own value, where another one was used.
    in_place_of: Option<String>,
    source: Option<String>,
}

/// A record of this very bundle, for the commands that check one by hand.
#[derive(Debug, Serialize)]
struct VerifyExample {
    path: String,
    line: u64,
    sha256: String,
}

/// The most accounts that the cover lists: the page on scope lists them all.
const MOST_ACCOUNTS: usize = 12;

impl View {
    /// The view of an assessment.
    pub(super) fn new(assessment: &Assessment, options: &ReportOptions) -> Self {
        let mut records = Records::new(&assessment.evidence);
        let corroboration = options.corroboration.as_ref();
        let gaps = GapSection::new(assessment, &mut records);
        let mut checks = Checks::new(assessment);
        let frameworks = controls::frameworks(assessment, &mut checks, &mut records);
        Self {
            cover: cover(assessment, options),
            scope: ScopeView::new(assessment),
            summary: Summary::new(assessment, &checks),
            gaps,
            trail: TrailSection::new(assessment, &mut records),
            corroboration: corroboration.map(|one| CorroborationSection::new(one, &mut records)),
            drift: options.comparison.as_ref().map(|one| DriftSection::new(one, assessment)),
            exceptions: exceptions::exceptions(assessment),
            attestations: AttestationSection::new(assessment, &mut records),
            imports: ImportSection::new(assessment, &mut records),
            parameters: parameters(assessment),
            access: access::access(assessment, &mut records),
            resources: resources::resources(assessment),
            evidence: evidence::files(assessment, &records),
            verify: verify_example(assessment),
            frameworks,
        }
    }
}

/// The evidence by record id, and which records the report points at.
struct Records<'a> {
    entries: BTreeMap<RecordId, (usize, &'a EvidenceEntry)>,
    linked: Vec<bool>,
}

/// A record where something rests on it.
#[derive(Debug, Clone, Serialize)]
struct RecordLink {
    /// `E-` and twelve digits.
    short: String,
    /// Its place in the evidence index; `None` where it does not lead there.
    place: Option<usize>,
}

impl RecordLink {
    /// A record that is only named: a link costs the layout some 20 kB.
    fn name(id: RecordId) -> Self {
        Self { short: id.short(), place: None }
    }
}

/// A record with all that an auditor needs to find and repeat it.
#[derive(Debug, Clone, Serialize)]
struct ProofRow {
    link: RecordLink,
    sha256: String,
    call: String,
    account: String,
    region: String,
    time: String,
    error: Option<String>,
    /// What the service said with it.
    message: Option<String>,
    /// Whether that error hides evidence, or is evidence of absence.
    gap: bool,
    /// The AWS CLI command that repeats the call, word by word: it is broken between words only.
    command: Option<Vec<String>>,
}

impl<'a> Records<'a> {
    fn new(evidence: &'a [EvidenceEntry]) -> Self {
        let entries = evidence.iter().enumerate().map(|(place, entry)| (entry.id, (place, entry))).collect();
        Self { entries, linked: vec![false; evidence.len()] }
    }

    /// Points at a record: its line in the evidence index becomes a target.
    fn link(&mut self, id: RecordId) -> RecordLink {
        let place = self.entries.get(&id).map(|(place, _)| *place);
        if let Some(linked) = place.and_then(|place| self.linked.get_mut(place)) {
            *linked = true;
        }
        RecordLink { short: id.short(), place }
    }

    /// The first `most` of some records that stand near each other in the index: the first leads there.
    fn few(&mut self, ids: &[RecordId], most: usize) -> Vec<RecordLink> {
        let shown = ids.iter().take(most).enumerate();
        shown.map(|(at, id)| if at == 0 { self.link(*id) } else { RecordLink::name(*id) }).collect()
    }

    fn proof(&mut self, id: RecordId) -> ProofRow {
        let link = self.link(id);
        let mut row = ProofRow {
            link,
            sha256: id.to_string(),
            call: "not in this bundle".into(),
            account: String::new(),
            region: String::new(),
            time: String::new(),
            error: None,
            message: None,
            gap: false,
            command: None,
        };
        if let Some((_, entry)) = self.entries.get(&id) {
            row.call = call(entry);
            row.account.clone_from(&entry.account);
            row.region.clone_from(&entry.region);
            row.time = time(entry.collected_at);
            row.error.clone_from(&entry.error);
            row.message = entry.message.as_deref().map(prose);
            row.gap = entry.gap;
            row.command = command(entry);
        }
        row
    }
}

/// The AWS CLI command that repeats a record's call, where it is one.
fn command(entry: &EvidenceEntry) -> Option<Vec<String>> {
    let words = || aws_cli(&entry.service, &entry.operation, &entry.parameters, &entry.region);
    (entry.kind == RecordKind::ApiCall).then(|| words().split(' ').map(str::to_owned).collect())
}

fn call(entry: &EvidenceEntry) -> String {
    format!("{}:{}", entry.service, entry.operation)
}

/// `2026-01-31 14:05:09 UTC`.
fn time(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true).replace('T', " ").replace('Z', " UTC")
}

/// A text of several lines, line by line: a line feed inside a value would be printed as an escape.
fn lines(text: &str) -> Vec<String> {
    text.trim().lines().map(str::to_owned).collect()
}

/// Running text out of the catalog or of a person: its line ends only wrap it.
fn prose(text: &str) -> String {
    text.split(['\n', '\r', ' ']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn cover(assessment: &Assessment, options: &ReportOptions) -> Cover {
    let bundle = &assessment.bundle;
    let references = || assessment.frameworks.iter().map(|framework| &framework.reference);
    let titles: Vec<&str> = references().map(|reference| reference.title.as_str()).collect();
    Cover {
        organization: options.organization.clone(),
        framework: titles.join("; "),
        frameworks: references()
            .map(|reference| FrameworkName {
                title: reference.title.clone(),
                edition: reference.edition.clone(),
            })
            .collect(),
        demonstration: options.demonstration,
        partition: bundle.scope.partition.clone(),
        accounts: bundle.scope.accounts.iter().take(MOST_ACCOUNTS).cloned().collect(),
        more_accounts: bundle.scope.accounts.len().saturating_sub(MOST_ACCOUNTS),
        regions: bundle.scope.regions.clone(),
        period_start: time(bundle.scope.period.start),
        period_end: time(bundle.scope.period.end),
        as_of: time(assessment.as_of),
        merkle_root: bundle.merkle_root.to_string(),
        manifest_sha256: bundle.manifest_sha256.to_string(),
        catalog_sha256: assessment.catalog_sha256.to_string(),
        tool: format!("{} {}", assessment.tool.name, assessment.tool.version),
    }
}

/// A parameter's value as people write it.
fn value_text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn parameters(assessment: &Assessment) -> Vec<ParameterRow> {
    let row = |(name, used): (&String, &UsedParameter)| ParameterRow {
        name: name.clone(),
        value: value_text(&used.value),
        unit: used.unit.clone(),
        in_place_of: (used.value != used.default).then(|| value_text(&used.default)),
        source: used.source.as_deref().map(prose),
    };
    assessment.parameters.iter().map(row).collect()
}

fn verify_example(assessment: &Assessment) -> VerifyExample {
    assessment.evidence.first().map_or_else(
        || VerifyExample { path: "data/aws/...".into(), line: 1, sha256: String::new() },
        |entry| VerifyExample { path: entry.path.clone(), line: entry.line, sha256: entry.id.to_string() },
    )
}
