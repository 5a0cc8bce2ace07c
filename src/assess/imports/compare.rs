//! Holding the results of one tool against our findings, resource by resource.
//!
//! Several of our checks may together ask for what one rule asks for, and several rules for what one check does. So a
//! violation there is opposed by our checks only if all that were applied to the resource pass; and a pass there is
//! opposed by a failure of ours only if every rule that the failed check names was reported as passed too.

use std::collections::{BTreeMap, BTreeSet};

use super::equivalents::Equivalents;
use super::places::Places;
use super::{Source, proof, text};
use crate::imports::ImportedResult;
use crate::model::{
    Disagreement, Finding, FindingError, ImportComparison, ImportCounts, ImportOutcome, ImportReport,
    ImportedRule, ImportedSuppression, OtherSide, Outcome, RecordId, Subject,
};

/// Longest message that is shown of either side, in characters.
const LONGEST_MESSAGE: usize = 600;
/// Longest line of a reason, in characters.
const LONGEST_REASON: usize = 4_000;

/// One tool's results on their way into a report.
pub(super) struct Comparing<'a> {
    equivalents: &'a Equivalents<'a>,
    places: &'a Places<'a>,
    source: &'a Source<'a>,
    compared: ImportComparison,
    counts: ImportCounts,
    rules: BTreeMap<&'a str, ImportedRule>,
    not_found: BTreeMap<&'a str, BTreeSet<&'a str>>,
    suppressions: Vec<ImportedSuppression>,
    /// Where the tool says the opposite.
    pub(super) disagreements: Vec<Disagreement>,
}

/// All results about one resource and rule.
struct Group<'a> {
    subject: &'a Subject,
    checks: Vec<&'a str>,
    results: Vec<usize>,
    /// The one that prevails.
    outcome: ImportOutcome,
}

/// What came of a group.
enum Class {
    Agree,
    Undecided,
    /// With the findings that say the opposite.
    Disagree(Outcome, Vec<usize>),
}

impl<'a> Comparing<'a> {
    pub(super) fn new(
        equivalents: &'a Equivalents<'a>,
        places: &'a Places<'a>,
        source: &'a Source<'a>,
    ) -> Self {
        Self {
            equivalents,
            places,
            source,
            compared: ImportComparison::default(),
            counts: ImportCounts::default(),
            rules: BTreeMap::new(),
            not_found: BTreeMap::new(),
            suppressions: Vec::new(),
            disagreements: Vec::new(),
        }
    }

    /// Compares every result.
    ///
    /// # Errors
    /// When a side has no record to point at.
    pub(super) fn run(&mut self) -> Result<(), FindingError> {
        let mut groups: BTreeMap<(&Subject, String), Group<'a>> = BTreeMap::new();
        let source = self.source;
        for (index, (result, _)) in source.results.iter().enumerate() {
            let canonical = self.equivalents.canonical(source.scheme, &result.rule);
            let checks = self.equivalents.checks(source.scheme, &canonical);
            let subject = self.places.find(&checks, &result.resource);
            self.list(result, &checks, subject);
            if checks.is_empty() {
                self.compared.no_such_check += 1;
                continue;
            }
            let Some(subject) = subject else {
                self.compared.no_such_resource += 1;
                if matches!(result.outcome, ImportOutcome::Fail | ImportOutcome::Suppressed) {
                    self.not_found.entry(&result.rule).or_default().insert(&result.resource.name);
                }
                continue;
            };
            let group = groups.entry((subject, canonical)).or_insert_with(|| Group {
                subject,
                checks,
                results: Vec::new(),
                outcome: result.outcome,
            });
            group.results.push(index);
            group.outcome = group.outcome.min(result.outcome);
        }
        let outcomes: BTreeMap<(&Subject, &str), ImportOutcome> = groups
            .iter()
            .map(|((subject, rule), group)| ((*subject, rule.as_str()), group.outcome))
            .collect();
        for ((_, rule), group) in &groups {
            let findings = self.places.about(&group.checks, group.subject);
            let count = group.results.len() as u64;
            match self.class(rule, group, &findings, &outcomes) {
                Class::Agree => self.compared.agree += count,
                Class::Undecided => self.compared.undecided += count,
                Class::Disagree(ours, which) => {
                    self.compared.disagree += count;
                    let opposed: Vec<&Finding> =
                        which.into_iter().filter_map(|at| findings.get(at).copied()).collect();
                    self.disagree(group, ours, &opposed)?;
                }
            }
        }
        Ok(())
    }

    fn class(
        &self,
        rule: &str,
        group: &Group<'a>,
        findings: &[&'a Finding],
        outcomes: &BTreeMap<(&Subject, &str), ImportOutcome>,
    ) -> Class {
        let Some(ours) = combined(findings) else { return Class::Undecided };
        let violated = match group.outcome {
            ImportOutcome::Fail => true,
            ImportOutcome::Suppressed => self.source.suppression_is_violation || ours == Outcome::Fail,
            ImportOutcome::Indeterminate | ImportOutcome::Pass => false,
        };
        match (group.outcome, ours) {
            (ImportOutcome::Indeterminate, _) | (_, Outcome::Indeterminate | Outcome::NotApplicable) => {
                Class::Undecided
            }
            (ImportOutcome::Fail | ImportOutcome::Suppressed, Outcome::Fail) => Class::Agree,
            (ImportOutcome::Fail | ImportOutcome::Suppressed, Outcome::Pass) if violated => {
                Class::Disagree(Outcome::Pass, (0..findings.len()).collect())
            }
            (ImportOutcome::Fail | ImportOutcome::Suppressed, Outcome::Pass) => Class::Undecided,
            (ImportOutcome::Pass, Outcome::Pass) => Class::Agree,
            (ImportOutcome::Pass, Outcome::Fail) => {
                let all_passed = |finding: &Finding| {
                    let mut rules = self.rules_of(finding, group);
                    rules.all(|other| {
                        other == rule || outcomes.get(&(group.subject, other)) == Some(&ImportOutcome::Pass)
                    })
                };
                let opposed: Vec<usize> = (0..findings.len())
                    .filter(|at| {
                        findings.get(*at).is_some_and(|it| it.outcome == Outcome::Fail && all_passed(it))
                    })
                    .collect();
                if opposed.is_empty() { Class::Undecided } else { Class::Disagree(Outcome::Fail, opposed) }
            }
        }
    }

    /// The rules that a finding's check names, of the tool's scheme.
    fn rules_of(&self, finding: &Finding, group: &Group<'a>) -> impl Iterator<Item = &str> {
        let check = group.checks.iter().find(|check| **check == finding.check).copied().unwrap_or_default();
        self.equivalents.rules(check, self.source.scheme)
    }

    fn disagree(
        &mut self,
        group: &Group<'a>,
        ours: Outcome,
        findings: &[&Finding],
    ) -> Result<(), FindingError> {
        let source = self.source;
        let prevailing =
            |at: &&usize| source.results.get(**at).is_some_and(|(result, _)| result.outcome == group.outcome);
        let Some((result, records)) =
            group.results.iter().find(prevailing).and_then(|at| source.results.get(*at))
        else {
            return Ok(());
        };
        let messages: BTreeSet<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
        let messages: Vec<&str> = messages.into_iter().collect();
        let records_of_ours: Vec<RecordId> =
            findings.iter().flat_map(|finding| finding.proof.ids()).copied().collect();
        let checks: BTreeSet<&str> = findings.iter().map(|finding| finding.check.as_str()).collect();
        self.disagreements.push(Disagreement {
            subject: group.subject.clone(),
            checks: checks.into_iter().map(str::to_owned).collect(),
            ours,
            message: one_line(&messages.join(" ")),
            proof: proof(&records_of_ours)?,
            theirs: OtherSide {
                tool: source.tool.clone(),
                rule: text::safe(&result.rule, 200),
                outcome: result.outcome,
                resource: text::safe(&result.resource.name, 400),
                message: one_line(result.reason.as_ref().unwrap_or(&result.message)),
                place: (!result.place.is_empty()).then(|| text::safe(&result.place, 400)),
                proof: proof(records)?,
            },
        });
        Ok(())
    }

    /// Counts a result, and lists it where it is a suppression.
    fn list(&mut self, result: &'a ImportedResult, checks: &[&'a str], subject: Option<&Subject>) {
        self.counts.add(result.outcome);
        let names = || checks.iter().map(|check| (*check).to_owned()).collect::<Vec<_>>();
        let rule = self.rules.entry(&result.rule).or_insert_with(|| ImportedRule {
            name: text::safe(&result.rule, 200),
            checks: names(),
            counts: ImportCounts::default(),
            not_found: Vec::new(),
            more_not_found: 0,
        });
        rule.counts.add(result.outcome);
        if result.outcome == ImportOutcome::Suppressed {
            self.suppressions.push(ImportedSuppression {
                place: text::safe(&result.place, 400),
                rule: text::safe(&result.rule, 200),
                detail: result.detail.as_ref().map(|detail| text::safe(detail, 400)),
                resource: text::safe(&result.resource.name, 400),
                reason: result.reason.as_deref().map(lines),
                checks: names(),
                subject: subject.cloned(),
                ours: subject.and_then(|subject| combined(&self.places.about(checks, subject))),
            });
        }
    }

    /// What came of it all.
    ///
    /// # Errors
    /// When there is no record to point at.
    pub(super) fn report(mut self) -> Result<ImportReport, FindingError> {
        for (name, resources) in &self.not_found {
            let Some(rule) = self.rules.get_mut(name) else { continue };
            rule.not_found =
                resources.iter().take(ImportedRule::MOST_LISTED).map(|name| text::safe(name, 400)).collect();
            rule.more_not_found = resources.len().saturating_sub(ImportedRule::MOST_LISTED) as u64;
        }
        let source = self.source;
        Ok(ImportReport {
            tool: text::safe(&source.tool, 80),
            tool_version: source.tool_version.as_ref().map(|version| text::safe(version, 200)),
            origin: source.origin.clone(),
            records: proof(&source.records)?,
            counts: self.counts,
            repeated: source.repeated,
            compared: self.compared,
            rules: self.rules.into_values().collect(),
            suppressions: self.suppressions,
            problem: source.problem.clone(),
        })
    }
}

/// A message in one line.
fn one_line(text: &str) -> String {
    text::safe(&text.split_whitespace().collect::<Vec<_>>().join(" "), LONGEST_MESSAGE)
}

/// A text of several lines, each made safe.
fn lines(text: &str) -> String {
    text.lines().map(|line| text::safe(line, LONGEST_REASON)).collect::<Vec<_>>().join("\n")
}

/// How our checks came out for a resource together: the outcome that prevails.
fn combined(findings: &[&Finding]) -> Option<Outcome> {
    findings.iter().map(|finding| finding.outcome).min()
}
