//! Observations: each finding of ours, each excerpt of a log and each attestation that the framework asks for.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveTime, Utc};
use serde_json::{Value, json};

use super::super::index;
use super::super::markup::markdown;
use super::super::uuid::Uuid;
use super::parts::{origins, property, relevant_evidence, time};
use super::subjects::Subjects;
use super::{Part, Source};
use crate::model::{AttestationResult, ControlResult, ExcerptResult, Finding, RecordId};

/// The observations of one result, and which of them speak of what.
pub(super) struct Observations {
    pub(super) list: Vec<Value>,
    by_check: BTreeMap<String, Vec<Uuid>>,
    others: BTreeMap<(&'static str, String), Uuid>,
}

impl Observations {
    pub(super) fn new(
        source: &Source<'_>,
        part: &Part<'_>,
        subjects: &Subjects<'_, '_>,
        used: &mut BTreeSet<RecordId>,
    ) -> Self {
        let mut made = Self { list: Vec::new(), by_check: BTreeMap::new(), others: BTreeMap::new() };
        for (place, finding) in &part.findings {
            let uuid = uuid(part, *place);
            made.list.push(of_finding(source, &uuid, finding, subjects));
            made.by_check.entry(finding.check.clone()).or_default().push(uuid);
            used.extend(finding.proof.ids());
        }
        for control in &part.framework.controls {
            for excerpt in &control.excerpts {
                made.add(part, ("excerpt", excerpt.rule.clone()), |uuid| of_excerpt(source, uuid, excerpt));
                used.extend(&excerpt.records);
            }
            for attestation in control.attestations.iter().chain(&control.alternative) {
                let key = ("attestation", attestation.need.id.clone());
                made.add(part, key, |uuid| of_attestation(source, uuid, attestation));
                used.extend(&attestation.record);
            }
        }
        made
    }

    /// What several controls ask for is observed once.
    fn add(&mut self, part: &Part<'_>, key: (&'static str, String), make: impl FnOnce(&Uuid) -> Value) {
        if self.others.contains_key(&key) {
            return;
        }
        let uuid = part.uuid.of(&[key.0, &key.1]);
        self.list.push(make(&uuid));
        self.others.insert(key, uuid);
    }

    /// References to the observations that a control rests on.
    pub(super) fn of_control(&self, control: &ControlResult) -> Vec<Value> {
        let checks = control.checks.iter().filter_map(|check| self.by_check.get(check)).flatten();
        let excerpts = control.excerpts.iter().map(|excerpt| ("excerpt", excerpt.rule.clone()));
        let stated = control.attestations.iter().chain(&control.alternative);
        let attestations = stated.map(|attestation| ("attestation", attestation.need.id.clone()));
        let others: BTreeSet<&Uuid> =
            excerpts.chain(attestations).filter_map(|key| self.others.get(&key)).collect();
        checks.chain(others).map(|uuid| json!({ "observation-uuid": uuid.to_string() })).collect()
    }
}

/// The identifier of a finding's observation, by its place in the assessment.
pub(super) fn uuid(part: &Part<'_>, place: usize) -> Uuid {
    part.uuid.of(&["observation", &place.to_string()])
}

fn of_finding(source: &Source<'_>, uuid: &Uuid, finding: &Finding, subjects: &Subjects<'_, '_>) -> Value {
    let index = &source.index;
    let check = index.check(finding);
    let mut props =
        vec![property("check", &finding.check), property("outcome", index::outcome(finding.outcome))];
    let mut remarks = None;
    if let Some(check) = check {
        props.push(property("severity", index::severity(check.severity)));
        props.push(property("expression", &check.expression));
        props.extend(check.applies.iter().map(|applies| property("applies", applies)));
        remarks = Some(markdown(&check.rationale));
    }
    if finding.exception.is_some() {
        props.push(property("accepted", "true"));
    }
    json!({
        "uuid": uuid.to_string(),
        "title": markdown(check.map_or(finding.check.as_str(), |check| &check.title)),
        "description": markdown(&finding.message),
        "props": props,
        "methods": ["TEST"],
        "types": ["control-objective"],
        "origins": origins(source),
        "subjects": [subjects.reference(&finding.subject)],
        "relevant-evidence": evidence(source, finding.proof.ids()),
        "collected": collected(source, finding.proof.ids()),
        "remarks": remarks,
    })
}

fn of_excerpt(source: &Source<'_>, uuid: &Uuid, excerpt: &ExcerptResult) -> Value {
    let mut text = format!("{} events of AWS CloudTrail.", excerpt.events);
    if !excerpt.gaps.is_empty() {
        text.push_str(" Some of them could not be seen.");
    }
    if !excerpt.accounts_without.is_empty() {
        text.push_str(&format!(" Nobody looked in the accounts {}.", excerpt.accounts_without.join(", ")));
    }
    if excerpt.records.is_empty() {
        text = "No trail was read for it.".to_owned();
    }
    json!({
        "uuid": uuid.to_string(),
        "title": markdown(&excerpt.title),
        "description": markdown(&text),
        "props": [property("excerpt", &excerpt.rule), property("events", &excerpt.events.to_string())],
        "methods": ["EXAMINE"],
        "types": ["control-objective"],
        "origins": origins(source),
        "relevant-evidence": evidence(source, &excerpt.records),
        "collected": collected(source, &excerpt.records),
        "remarks": markdown(&excerpt.reason),
    })
}

fn of_attestation(source: &Source<'_>, uuid: &Uuid, attestation: &AttestationResult) -> Value {
    let (state, text) = match (attestation.record, attestation.holds) {
        (None, _) => ("missing", "Nobody has stated this."),
        (Some(_), true) => ("holds", "It was stated, and holds."),
        (Some(_), false) => ("expired", "It was stated, and no longer holds."),
    };
    let records: Vec<RecordId> = attestation.record.into_iter().collect();
    let end = attestation.holds_until.and_then(|date| date.succ_opt());
    json!({
        "uuid": uuid.to_string(),
        "title": markdown(&format!("Attestation {}", attestation.need.id)),
        "description": markdown(&format!("{text} Asked for: {}", attestation.need.statement)),
        "props": [property("attestation", &attestation.need.id), property("state", state)],
        "methods": ["EXAMINE"],
        "types": ["control-objective"],
        "origins": origins(source),
        "relevant-evidence": evidence(source, &records),
        "collected": collected(source, &records),
        "expires": end.map(|end| time(end.and_time(NaiveTime::MIN).and_utc())),
    })
}

fn evidence(source: &Source<'_>, ids: &[RecordId]) -> Vec<Value> {
    ids.iter().map(|id| relevant_evidence(source, id)).collect()
}

/// When the last of the records was obtained; without any, the instant of the assessment.
fn collected(source: &Source<'_>, ids: &[RecordId]) -> String {
    let times = ids.iter().filter_map(|id| source.index.entry(id)).map(|entry| entry.collected_at);
    let last: Option<DateTime<Utc>> = times.max();
    time(last.unwrap_or(source.index.assessment.as_of))
}
