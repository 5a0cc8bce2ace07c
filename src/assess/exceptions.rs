//! `exceptions.toml`: reading it, and matching its entries with failures.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;

use super::functions::wildcards::matches_glob;
use super::text;
use crate::catalog::Catalog;
use crate::model::{Exception, ExceptionProblem, ExceptionReport, Finding, Outcome, Resource};

/// Bounds on the file and its texts; far above what people write.
const LARGEST_FILE: usize = 4 << 20;
const MOST_EXCEPTIONS: usize = 10_000;
const LONGEST_TEXT: usize = 4_096;

/// What is wrong with an exceptions file.
#[derive(Debug, thiserror::Error)]
pub enum ExceptionsError {
    /// It is not TOML, or not of the expected shape.
    #[error(
        "{file} cannot be read as exceptions: {message}\nEach exception is an [[exception]] with check, resource, reason, owner, approver, approved-on and expires."
    )]
    Unreadable {
        /// The file.
        file: String,
        /// What the parser says, with line and column.
        message: String,
    },
    /// It is longer than it can sensibly be.
    #[error("{file} has more than {limit}: split the work or remove what has expired")]
    TooLarge {
        /// The file.
        file: String,
        /// The limit that it exceeds.
        limit: String,
    },
    /// Entries that cannot hold, every one of them.
    #[error("{file} has {} wrong entr{}:\n{}", problems.len(), if problems.len() == 1 { "y" } else { "ies" }, problems.join("\n"))]
    Entries {
        /// The file.
        file: String,
        /// `[[exception]] number n (check, resource): what is wrong`.
        problems: Vec<String>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "exception")]
    exceptions: Vec<Exception>,
}

/// Reads `exceptions.toml`; `file` is its name for messages.
///
/// # Errors
/// When it cannot be read, or any entry names an unknown check, leaves a text empty or ends before it begins.
pub fn read_exceptions(
    toml_text: &str,
    file: &str,
    catalog: &Catalog,
) -> Result<Vec<Exception>, ExceptionsError> {
    let too_large = |limit: String| ExceptionsError::TooLarge { file: file.to_owned(), limit };
    if toml_text.len() > LARGEST_FILE {
        return Err(too_large(format!("{LARGEST_FILE} bytes")));
    }
    let parsed: File = toml::from_str(toml_text)
        .map_err(|error| ExceptionsError::Unreadable { file: file.to_owned(), message: error.to_string() })?;
    if parsed.exceptions.len() > MOST_EXCEPTIONS {
        return Err(too_large(format!("{MOST_EXCEPTIONS} exceptions")));
    }
    let mut problems = Vec::new();
    for (index, entry) in parsed.exceptions.iter().enumerate() {
        let place = format!(
            "[[exception]] number {} ({}, {})",
            index + 1,
            text::safe(&entry.check, 80),
            text::safe(&entry.resource, 120)
        );
        problems.extend(wrong_with(entry, catalog).into_iter().map(|problem| format!("{place}: {problem}")));
    }
    if problems.is_empty() {
        Ok(parsed.exceptions)
    } else {
        Err(ExceptionsError::Entries { file: file.to_owned(), problems })
    }
}

fn wrong_with(entry: &Exception, catalog: &Catalog) -> Vec<String> {
    let mut problems = Vec::new();
    if !catalog.checks.contains_key(&entry.check) {
        let nearest = text::nearest(&entry.check, catalog.checks.keys().map(String::as_str));
        let hint =
            nearest.map_or("`proofpack checks list` shows all".to_owned(), |id| format!("is {id} meant?"));
        problems.push(format!("there is no check {}; {hint}", text::safe(&entry.check, 80)));
    }
    for (name, value) in [
        ("resource", &entry.resource),
        ("reason", &entry.reason),
        ("owner", &entry.owner),
        ("approver", &entry.approver),
    ] {
        if value.trim().is_empty() {
            problems.push(format!("{name} is empty"));
        }
        if value.len() > LONGEST_TEXT {
            problems.push(format!("{name} is longer than {LONGEST_TEXT} bytes"));
        }
    }
    if entry.expires < entry.approved_on {
        problems
            .push(format!("it expires on {}, before its approval on {}", entry.expires, entry.approved_on));
    }
    problems
}

/// Marks the failures that exceptions cover, and reports on every exception.
pub(super) fn apply<'a>(
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
            let problems = problems_of(exception, today, &resources);
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
            if !matches_glob(&exceptions[index].resource, &finding.subject.arn, false) {
                continue;
            }
            matched[index] = true;
            if reports[index].problems.is_empty() {
                reports[index].covers += 1;
                // The first that covers it is the one that is shown beside it.
                finding.exception = finding.exception.or(u32::try_from(index).ok());
            }
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

/// What keeps an exception from covering anything.
fn problems_of(exception: &Exception, today: NaiveDate, resources: &[&Resource]) -> Vec<ExceptionProblem> {
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
    if is_too_broad(&exception.resource, resources) {
        problems.push(ExceptionProblem::TooBroad);
    }
    problems
}

/// Whether a pattern accepts resources of any name, so that it would go on to accept those that do not exist yet.
fn is_too_broad(pattern: &str, resources: &[&Resource]) -> bool {
    if !pattern.contains('*') {
        return false;
    }
    let anything = "arn:\u{1}:\u{1}:\u{1}:\u{1}:\u{1}".to_owned();
    let renamed = resources.iter().map(|resource| renamed(&resource.arn));
    std::iter::once(anything).chain(renamed).any(|arn| matches_glob(pattern, &arn, false))
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
    use crate::canonical::sha256;
    use crate::model::RecordId;
    use proptest::prelude::*;

    fn too_broad(pattern: &str, arn: &str) -> bool {
        let resource = Resource {
            kind: "any".into(),
            id: arn.into(),
            arn: arn.into(),
            account: "123456789012".into(),
            region: "us-east-1".into(),
            tags: BTreeMap::new(),
            properties: BTreeMap::new(),
            record: RecordId(sha256(b"record")),
        };
        is_too_broad(pattern, &[&resource])
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

        #[test]
        fn reading_never_panics(text in ".{0,200}") {
            let _ = toml::from_str::<File>(&text);
        }
    }
}
