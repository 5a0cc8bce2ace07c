//! Matching exceptions with failures, and what keeps one from covering any.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::assess::functions::wildcards::matches_glob;
use crate::model::{Exception, ExceptionProblem, ExceptionReport, Finding, Outcome, Resource};

/// Marks the failures that exceptions cover, and reports on every exception.
pub(in crate::assess) fn apply<'a>(
    exceptions: &[Exception],
    findings: impl Iterator<Item = &'a mut Finding>,
    resources_of: impl Fn(&str) -> Vec<&'a Resource>,
    kind_of: impl Fn(&str) -> Option<&'a str>,
    as_of: DateTime<Utc>,
) -> Vec<ExceptionReport> {
    let today = as_of.date_naive();
    let mut reports: Vec<ExceptionReport> = exceptions
        .iter()
        .map(|exception| {
            let resources = kind_of(&exception.check).map(&resources_of).unwrap_or_default();
            let problems =
                problems_of(exception, today, resources.iter().map(|resource| resource.arn.as_str()));
            ExceptionReport { exception: exception.clone(), covers: 0, problems }
        })
        .collect();
    let mut by_check: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, exception) in exceptions.iter().enumerate() {
        by_check.entry(&exception.check).or_default().push(index);
    }
    let mut matched = vec![false; exceptions.len()];
    for finding in findings.filter(|finding| finding.outcome == Outcome::Fail) {
        for index in by_check.get(finding.check.as_str()).into_iter().flatten().copied() {
            if !is_about(&exceptions[index], finding) {
                continue;
            }
            matched[index] = true;
            // The first that covers it is the one that is shown beside it; else the first that would have.
            let number = u32::try_from(index).ok();
            if reports[index].problems.is_empty() {
                reports[index].covers += 1;
                finding.exception = finding.exception.or(number);
            } else {
                finding.exception_without_effect = finding.exception_without_effect.or(number);
            }
        }
        if finding.exception.is_some() {
            finding.exception_without_effect = None;
        }
    }
    for (report, matched) in reports.iter_mut().zip(matched) {
        if !matched {
            report.problems.push(ExceptionProblem::MatchesNothing);
        }
        report.problems.sort_unstable();
    }
    reports
}

/// Whether an exception names a finding's check and resource.
pub(super) fn is_about(exception: &Exception, finding: &Finding) -> bool {
    exception.check == finding.check && matches_glob(&exception.resource, &finding.subject.arn, false)
}

/// What keeps an exception from covering anything; `arns` are those of the resources that its check is about.
pub(super) fn problems_of<'a>(
    exception: &Exception,
    today: NaiveDate,
    arns: impl Iterator<Item = &'a str>,
) -> Vec<ExceptionProblem> {
    let mut problems = Vec::new();
    if exception.expires < today {
        problems.push(ExceptionProblem::Expired);
    }
    if exception.approved_on > today {
        problems.push(ExceptionProblem::NotYetApproved);
    }
    let person = |name: &str| name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    if person(&exception.owner) == person(&exception.approver) {
        problems.push(ExceptionProblem::SelfApproved);
    }
    if is_too_broad(&exception.resource, arns) {
        problems.push(ExceptionProblem::TooBroad);
    }
    problems
}

/// Whether a pattern accepts resources of any name, so that it would go on to accept those that do not exist yet.
fn is_too_broad<'a>(pattern: &str, arns: impl Iterator<Item = &'a str>) -> bool {
    if !pattern.contains('*') {
        return false;
    }
    let anything = "arn:\u{1}:\u{1}:\u{1}:\u{1}:\u{1}".to_owned();
    std::iter::once(anything).chain(arns.map(renamed)).any(|arn| matches_glob(pattern, &arn, false))
}

/// The ARN of a resource of the same type and place with a name that nothing bears.
fn renamed(arn: &str) -> String {
    let mut parts: Vec<&str> = arn.splitn(6, ':').collect();
    let Some(resource) = parts.pop() else { return String::new() };
    let mut name = String::new();
    let typed = resource.contains(['/', ':']);
    for (index, piece) in resource.split_inclusive(['/', ':']).enumerate() {
        if typed && index == 0 {
            // The type: `key/`, `log-group:`.
            name.push_str(piece);
        } else {
            name.push('\u{1}');
            name.extend(piece.chars().last().filter(|end| ['/', ':'].contains(end)));
        }
    }
    parts.push(&name);
    parts.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn too_broad(pattern: &str, arn: &str) -> bool {
        is_too_broad(pattern, std::iter::once(arn))
    }

    #[test]
    fn a_pattern_has_to_say_something_about_the_name() {
        let balancer =
            "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188";
        let group = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/intake:*";
        for (pattern, arn) in [
            ("*", balancer),
            ("*:loadbalancer/*", balancer),
            ("arn:aws:logs:*:log-group:*", group),
            ("arn:aws:kms:us-east-1:123456789012:key/*", "arn:aws:kms:us-east-1:123456789012:key/k-1"),
            ("arn:aws:s3:::*", "arn:aws:s3:::records"),
        ] {
            assert!(too_broad(pattern, arn), "{pattern}");
        }
        for (pattern, arn) in [
            ("*:loadbalancer/app/web/*", balancer),
            ("arn:aws:logs:*:log-group:/aws/lambda/*", group),
            ("arn:aws:kms:us-east-1:123456789012:key/k-*", "arn:aws:kms:us-east-1:123456789012:key/k-1"),
            ("arn:aws:s3:::*-logs", "arn:aws:s3:::access-logs"),
            ("arn:aws:s3:::records", "arn:aws:s3:::records"),
        ] {
            assert!(!too_broad(pattern, arn), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn an_arn_without_wildcards_is_never_too_broad_and_a_star_always_is(arn in "[a-z0-9:/-]{0,40}") {
            prop_assert!(!too_broad(&arn, &arn));
            prop_assert!(too_broad("*", &arn));
        }
    }
}
