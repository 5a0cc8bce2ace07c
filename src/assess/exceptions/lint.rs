//! Checking an exceptions file before anything is assessed with it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::Serialize;

use super::judge::{is_about, problems_of};
use super::read::{ExceptionsError, Mistake, MistakeKind, Placed, read};
use crate::catalog::Catalog;
use crate::model::{Assessment, Exception, ExceptionProblem, Finding, Outcome};

/// What checking an exceptions file came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Lint {
    /// How many exceptions it has.
    pub exceptions: usize,
    /// The day on which they were judged.
    pub on: NaiveDate,
    /// Whether they were held against an assessment's failures.
    pub with_assessment: bool,
    /// Everything that is wrong, in the order of the file.
    pub problems: Vec<Mistake>,
}

impl Lint {
    /// Whether the file is refused, rather than that some of its exceptions have no force.
    pub fn refused(&self) -> bool {
        self.problems.iter().any(|mistake| mistake.problem.refuses())
    }
}

/// Checks an exceptions file against the catalog on the day `today`, and against the failures of `assessment`, where
/// there is one; `file` is its name for messages.
///
/// # Errors
/// When it is larger than any such file.
pub fn lint(
    toml_text: &str,
    file: &str,
    catalog: &Catalog,
    today: NaiveDate,
    assessment: Option<&Assessment>,
) -> Result<Lint, ExceptionsError> {
    let read = read(toml_text, file, catalog)?;
    let mut problems = read.mistakes;
    let mut add = |placed: &Placed, member: &str, problem: MistakeKind, message: String| {
        problems.push(read.lines.mistake(placed.place(member), Some(placed.number), problem, message));
    };
    let mut known: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let judged = assessment.map(Judged::new);
    for placed in &read.exceptions {
        let exception = &placed.exception;
        if let Some(first) = known.get(&(exception.check.as_str(), exception.resource.as_str())) {
            let message = format!("number {first} is about the same check and resource already: remove one");
            add(placed, "resource", MistakeKind::Repeated, message);
        } else {
            known.insert((exception.check.as_str(), exception.resource.as_str()), placed.number);
        }
        let arns = judged.iter().flat_map(|judged| judged.arns_of(catalog, &exception.check));
        for problem in problems_of(exception, today, arns) {
            let (member, kind, message) = explained(exception, problem, today);
            add(placed, member, kind, message);
        }
        if let Some(message) = judged.as_ref().and_then(|judged| judged.no_failure_of(exception)) {
            add(placed, "resource", MistakeKind::MatchesNothing, message);
        }
    }
    problems.sort_by_key(|mistake| (mistake.line, mistake.column));
    Ok(Lint { exceptions: read.count, on: today, with_assessment: assessment.is_some(), problems })
}

fn explained(
    exception: &Exception,
    problem: ExceptionProblem,
    today: NaiveDate,
) -> (&'static str, MistakeKind, String) {
    let Exception { owner, expires, approved_on, .. } = exception;
    match problem {
        ExceptionProblem::Expired => (
            "expires",
            MistakeKind::Expired,
            format!("it expired on {expires}: have it approved again, or remove it"),
        ),
        ExceptionProblem::NotYetApproved => (
            "approved-on",
            MistakeKind::NotYetApproved,
            format!("it is approved from {approved_on} on, after {today}: until then it covers nothing"),
        ),
        ExceptionProblem::SelfApproved => (
            "approver",
            MistakeKind::SelfApproved,
            format!("owner and approver are the same, {owner:?}: somebody else has to approve it"),
        ),
        ExceptionProblem::TooBroad => (
            "resource",
            MistakeKind::TooBroad,
            "the pattern would accept resources of any name, also those to come: say more of the name"
                .to_owned(),
        ),
        ExceptionProblem::MatchesNothing => {
            ("resource", MistakeKind::MatchesNothing, "no failure matches it".to_owned())
        }
    }
}

/// An assessment, as exceptions are held against it.
struct Judged<'a> {
    assessment: &'a Assessment,
    checks: BTreeSet<&'a str>,
    findings: BTreeMap<&'a str, Vec<&'a Finding>>,
}

impl<'a> Judged<'a> {
    fn new(assessment: &'a Assessment) -> Self {
        let mut findings: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for finding in &assessment.findings {
            findings.entry(&finding.check).or_default().push(finding);
        }
        let checks = assessment.checks.iter().map(|check| check.id.as_str()).collect();
        Self { assessment, checks, findings }
    }

    /// The ARNs of the resources that a check is about.
    fn arns_of(&self, catalog: &Catalog, check: &str) -> impl Iterator<Item = &'a str> {
        let kind = catalog.checks.get(check).map(|check| check.resource.clone());
        let of_kind = self.assessment.resources.iter();
        of_kind.filter(move |entry| Some(&entry.kind) == kind.as_ref()).map(|entry| entry.arn.as_str())
    }

    /// Why no failure matches an exception; `None` where one does.
    fn no_failure_of(&self, exception: &Exception) -> Option<String> {
        if !self.checks.contains(exception.check.as_str()) {
            return Some(
                "no control of the assessed framework asks for the check: it covers nothing".to_owned(),
            );
        }
        let of_check = self.findings.get(exception.check.as_str()).into_iter().flatten();
        let matched: Vec<Outcome> =
            of_check.filter(|finding| is_about(exception, finding)).map(|finding| finding.outcome).collect();
        let count = |outcome| matched.iter().filter(|found| **found == outcome).count();
        if count(Outcome::Fail) > 0 {
            return None;
        }
        Some(match (count(Outcome::Indeterminate), count(Outcome::Pass)) {
            (0, 0) => "no resource of the assessment that the check is about matches it".to_owned(),
            (0, passed) => format!("{passed} that match it pass: it is not needed any more"),
            (open, _) => {
                format!("none that match it fail; {open} could not be decided, as evidence is missing")
            }
        })
    }
}
