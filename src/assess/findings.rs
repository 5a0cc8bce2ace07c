//! Findings: every check over every resource of its kind, and over what was not seen of the kind.

use std::collections::BTreeMap;

use super::checks::CompiledCheck;
use super::coverage::Coverage;
use super::judge::Court;
use super::text;
use crate::model::{Finding, FindingError, Outcome, Proof, RecordId, Resource, Subject};

/// A kind that no collector makes has been looked for nowhere.
static NOWHERE: Coverage = Coverage { listed: Vec::new(), gaps: Vec::new(), unseen: Vec::new() };

/// What a finding points at when nothing says anything about its kind: who collected, and so could have said it.
pub(super) struct Fallback {
    /// By account.
    pub(super) by_account: BTreeMap<String, Vec<RecordId>>,
    /// Of all accounts, or else any record; never empty.
    pub(super) all: Vec<RecordId>,
}

impl Fallback {
    fn of(&self, account: &str) -> &[RecordId] {
        self.by_account.get(account).unwrap_or(&self.all)
    }
}

/// The findings of one check, sorted by subject; at least one.
///
/// # Errors
/// When not even `fallback` gives a record to point at.
pub(super) fn of_check(
    court: &Court<'_>,
    check: &CompiledCheck<'_>,
    fallback: &Fallback,
) -> Result<Vec<Finding>, FindingError> {
    let kind = check.check.resource.as_str();
    let coverage = court.world.coverage(kind).unwrap_or(&NOWHERE);
    let mut findings = Vec::new();
    let mut not_about: Vec<RecordId> = Vec::new();
    for resource in court.world.resources_of(kind) {
        let verdict = court.judge(check, resource);
        if verdict.outcome == Outcome::NotApplicable {
            not_about.extend(verdict.records);
            continue;
        }
        findings.push(finding(check, subject(resource), verdict.outcome, verdict.message, verdict.records)?);
    }
    findings.extend(hidden(court, check, coverage)?);
    findings.extend(never_seen(court, check, coverage, fallback)?);
    if findings.is_empty() {
        let mut proof: Vec<RecordId> = coverage.listed.iter().map(|listing| listing.record).collect();
        proof.extend(&not_about);
        let (outcome, message) = if proof.is_empty() {
            proof.extend(&fallback.all);
            (Outcome::Indeterminate, format!("No record says whether there are resources of kind {kind}."))
        } else if not_about.is_empty() {
            (Outcome::NotApplicable, format!("There is no resource of kind {kind} in scope."))
        } else {
            (
                Outcome::NotApplicable,
                format!("Of the resources of kind {kind} in scope, the check applies to none."),
            )
        };
        findings.push(finding(check, whole(kind, "*", "*"), outcome, message, proof)?);
    }
    findings.sort_by(|one, other| one.subject.cmp(&other.subject));
    Ok(findings)
}

/// One finding for each account and region in which gaps hide resources of the kind.
fn hidden(
    court: &Court<'_>,
    check: &CompiledCheck<'_>,
    coverage: &Coverage,
) -> Result<Vec<Finding>, FindingError> {
    let mut places: BTreeMap<(&str, &str), Vec<RecordId>> = BTreeMap::new();
    for gap in &coverage.gaps {
        places.entry((&gap.account, &gap.region)).or_default().push(gap.record);
    }
    let kind = check.check.resource.as_str();
    places
        .into_iter()
        .map(|((account, region), records)| {
            let mut codes: Vec<&str> = records.iter().filter_map(|id| court.world.error_code(id)).collect();
            codes.sort_unstable();
            codes.dedup();
            let codes = if codes.is_empty() { String::new() } else { format!(" ({})", codes.join(", ")) };
            let message = format!("Resources of kind {kind} could not be seen{codes}.");
            let message = text::safe(&message, 400);
            finding(check, whole(kind, account, region), Outcome::Indeterminate, message, records)
        })
        .collect()
}

/// One finding for each account and region where nobody looked for the kind, or nobody could.
fn never_seen(
    court: &Court<'_>,
    check: &CompiledCheck<'_>,
    coverage: &Coverage,
    fallback: &Fallback,
) -> Result<Vec<Finding>, FindingError> {
    let kind = check.check.resource.as_str();
    coverage
        .unseen
        .iter()
        .map(|(account, region)| {
            let records = fallback.of(account);
            let code = records.iter().find_map(|id| court.world.error_code(id));
            let message = match code {
                None => format!("Resources of kind {kind} were not collected: no record lists them."),
                Some(code) => format!(
                    "Resources of kind {kind} were not collected: the account could not be entered ({code})."
                ),
            };
            let subject = whole(kind, account, region);
            finding(check, subject, Outcome::Indeterminate, text::safe(&message, 400), records.to_vec())
        })
        .collect()
}

fn finding(
    check: &CompiledCheck<'_>,
    subject: Subject,
    outcome: Outcome,
    message: String,
    records: Vec<RecordId>,
) -> Result<Finding, FindingError> {
    let proof = Proof::new(records)?;
    Ok(Finding {
        check: check.check.id.clone(),
        subject,
        outcome,
        message,
        proof,
        exception: None,
        exception_without_effect: None,
        decided_by: Vec::new(),
    })
}

/// A resource as the subject of a finding.
pub(super) fn subject(resource: &Resource) -> Subject {
    Subject {
        kind: resource.kind.clone(),
        account: resource.account.clone(),
        region: resource.region.clone(),
        arn: resource.arn.clone(),
        id: resource.id.clone(),
    }
}

fn whole(kind: &str, account: &str, region: &str) -> Subject {
    let [kind, account, region, any] = [kind, account, region, "*"].map(str::to_owned);
    Subject { kind, account, region, arn: any.clone(), id: any }
}
