//! What was looked at and what was left out: the page on scope and method.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::time;
use crate::model::{Assessment, RecordKind, Scope};

#[derive(Debug, Serialize)]
pub(super) struct ScopeView {
    collection_started: String,
    pub(super) sealed_at: String,
    records: u64,
    api_calls: usize,
    excerpts: usize,
    attestations: usize,
    imports: usize,
    gaps: usize,
    checks: usize,
    findings: usize,
    /// Every account in scope.
    accounts: Vec<String>,
    /// Which regions which accounts have not enabled.
    not_enabled: Vec<NotEnabled>,
    /// Accounts of the organization that are out of scope.
    left_out: Vec<LeftOutRow>,
    /// Who made the calls.
    callers: Vec<String>,
    /// How many callers are not listed.
    more_callers: usize,
    services: Vec<ServiceCount>,
}

/// Accounts that have the same regions not enabled.
#[derive(Debug, Serialize)]
struct NotEnabled {
    accounts: Vec<String>,
    regions: Vec<String>,
}

/// Accounts that are left out for the same reason.
#[derive(Debug, Serialize)]
struct LeftOutRow {
    reason: &'static str,
    accounts: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ServiceCount {
    service: String,
    records: usize,
    gaps: usize,
}

/// The most callers that the scope lists.
const MOST_CALLERS: usize = 20;

impl ScopeView {
    /// The scope of an assessment.
    pub(super) fn new(assessment: &Assessment) -> Self {
        let of_kind = |kind| assessment.evidence.iter().filter(|entry| entry.kind == kind).count();
        let callers: BTreeSet<&str> = assessment.evidence.iter().map(|entry| entry.caller.as_str()).collect();
        let mut callers: Vec<String> =
            callers.into_iter().filter(|caller| !caller.is_empty()).map(str::to_owned).collect();
        let more_callers = callers.len().saturating_sub(MOST_CALLERS);
        callers.truncate(MOST_CALLERS);
        let scope = &assessment.bundle.scope;
        Self {
            collection_started: time(assessment.bundle.collection_started),
            sealed_at: time(assessment.bundle.sealed_at),
            records: assessment.bundle.records,
            api_calls: of_kind(RecordKind::ApiCall),
            excerpts: of_kind(RecordKind::TrailExcerpt),
            attestations: of_kind(RecordKind::Attestation),
            imports: of_kind(RecordKind::Import),
            gaps: assessment.evidence.iter().filter(|entry| entry.gap).count(),
            checks: assessment.checks.len(),
            findings: assessment.findings.len(),
            accounts: scope.accounts.clone(),
            not_enabled: not_enabled(scope),
            left_out: left_out(scope),
            callers,
            more_callers,
            services: services(assessment),
        }
    }
}

/// Most organizations have the same regions enabled everywhere: one row says it for all.
fn not_enabled(scope: &Scope) -> Vec<NotEnabled> {
    let mut by_regions: BTreeMap<&BTreeSet<String>, Vec<String>> = BTreeMap::new();
    for (account, regions) in &scope.regions_not_enabled {
        by_regions.entry(regions).or_default().push(account.clone());
    }
    let row = |(regions, accounts): (&BTreeSet<String>, Vec<String>)| NotEnabled {
        accounts,
        regions: regions.iter().cloned().collect(),
    };
    by_regions.into_iter().map(row).collect()
}

fn left_out(scope: &Scope) -> Vec<LeftOutRow> {
    let mut by_reason: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for (account, reason) in &scope.accounts_left_out {
        by_reason.entry(*reason).or_default().push(account.clone());
    }
    by_reason.into_iter().map(|(reason, accounts)| LeftOutRow { reason: reason.words(), accounts }).collect()
}

fn services(assessment: &Assessment) -> Vec<ServiceCount> {
    let mut services: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for entry in assessment.evidence.iter().filter(|entry| entry.kind == RecordKind::ApiCall) {
        let (records, gaps) = services.entry(&entry.service).or_default();
        *records += 1;
        *gaps += usize::from(entry.gap);
    }
    let count = |(service, (records, gaps)): (&str, (usize, usize))| ServiceCount {
        service: service.to_owned(),
        records,
        gaps,
    };
    services.into_iter().map(count).collect()
}
