//! Drafts of exceptions: what could be accepted, for people to fill in or to throw away.

use std::collections::BTreeMap;

use super::judge::is_about;
use crate::assess::text;
use crate::catalog::Catalog;
use crate::model::{Assessment, ExceptionProblem, Outcome};

/// Characters of a note or a title in a comment.
const LONGEST_COMMENT: usize = 300;

/// A failure that somebody might accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Check id.
    pub check: String,
    /// ARN of the resource.
    pub resource: String,
    /// Why it might be accepted, where somebody has said so elsewhere.
    pub reason: Option<String>,
    /// Ticket or document, where one is known.
    pub reference: Option<String>,
    /// What the reader of the draft should know; comments.
    pub notes: Vec<String>,
}

/// What could be accepted of an assessment's failures: those that no exception covers; with `only`, of these checks.
pub fn propose(assessment: &Assessment, only: &[String]) -> Vec<Proposal> {
    let open = assessment.findings.iter().filter(|finding| {
        finding.outcome == Outcome::Fail
            && finding.exception.is_none()
            && (only.is_empty() || only.contains(&finding.check))
    });
    open.map(|finding| {
        let mut notes = vec![finding.message.clone()];
        for (index, report) in assessment.exceptions.iter().enumerate() {
            if is_about(&report.exception, finding) {
                let problems: Vec<&str> = report.problems.iter().map(|problem| in_words(*problem)).collect();
                notes.push(format!(
                    "Number {} of the exceptions matches it and covers nothing: {}.",
                    index + 1,
                    problems.join(", ")
                ));
            }
        }
        Proposal {
            check: finding.check.clone(),
            resource: finding.subject.arn.clone(),
            reason: None,
            reference: None,
            notes,
        }
    })
    .collect()
}

fn in_words(problem: ExceptionProblem) -> &'static str {
    match problem {
        ExceptionProblem::Expired => "it has expired",
        ExceptionProblem::NotYetApproved => "it is not yet approved",
        ExceptionProblem::MatchesNothing => "nothing matches it",
        ExceptionProblem::SelfApproved => "owner and approver are the same person",
        ExceptionProblem::TooBroad => "its pattern is too broad",
    }
}

/// The draft of an exceptions file, check by check. What a person has to decide is left as `<...>`, which no exceptions
/// file is accepted with: a draft is never in force by accident.
pub fn draft(proposals: &[Proposal], catalog: &Catalog) -> String {
    let mut by_check: BTreeMap<&str, Vec<&Proposal>> = BTreeMap::new();
    for proposal in proposals {
        by_check.entry(&proposal.check).or_default().push(proposal);
    }
    let mut text = String::from(
        "# A draft of exceptions: nothing in it is in force, and no assessment accepts it as it is.\n\
         # Remove what is going to be repaired, fill in what stands between < and > for the rest, and move it to your\n\
         # exceptions file. `proofpack exceptions lint FILE` says what is still missing.\n",
    );
    for (check, proposals) in by_check {
        text.push('\n');
        let found = catalog.checks.get(check);
        let title = found.map_or_else(String::new, |found| format!(": {}", found.title));
        comment(&mut text, &format!("==== {check}{title}"));
        if let Some(found) = found {
            comment(&mut text, &format!("To repair it instead: {}", found.remediation));
        }
        for proposal in proposals {
            text.push('\n');
            proposal.notes.iter().for_each(|note| comment(&mut text, note));
            entry(&mut text, proposal);
        }
    }
    text
}

fn entry(text: &mut String, proposal: &Proposal) {
    let reason = proposal.reason.as_deref().unwrap_or("<why the failure is accepted>");
    let mut members = vec![
        ("check", proposal.check.as_str()),
        ("resource", proposal.resource.as_str()),
        ("reason", reason),
        ("owner", "<who answers for the risk>"),
        ("approver", "<who approved it; not the owner>"),
        ("approved-on", "<date of the approval, such as 2026-12-31>"),
        ("expires", "<last day on which it holds>"),
        ("compensating-control", "<what reduces the risk instead; or remove this line>"),
    ];
    members.extend(proposal.reference.as_deref().map(|reference| ("reference", reference)));
    text.push_str("[[exception]]\n");
    for (name, value) in members {
        text.push_str(&format!("{name} = {}\n", quoted(value)));
    }
}

/// A comment of one line, whatever the text holds.
fn comment(text: &mut String, comment: &str) {
    let one_line = comment.split_whitespace().collect::<Vec<_>>().join(" ");
    text.push_str(&format!("# {}\n", text::safe(&one_line, LONGEST_COMMENT)));
}

/// A TOML string in which nothing is hidden: control and invisible characters are written out.
fn quoted(value: &str) -> String {
    let mut quoted = String::from("\"");
    for character in value.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            _ if text::is_deceptive(character) => {
                quoted.push_str(&format!("\\U{:08X}", u32::from(character)));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::exceptions::{ExceptionsError, MistakeKind, read_exceptions};
    use proptest::prelude::*;
    use std::sync::OnceLock;

    fn catalog() -> &'static Catalog {
        static CATALOG: OnceLock<Catalog> = OnceLock::new();
        CATALOG.get_or_init(|| Catalog::embedded().unwrap())
    }

    proptest! {
        #[test]
        fn whatever_it_is_about_a_draft_is_refused_for_its_placeholders_alone(
            resource in "\\PC{1,40}|.{1,40}", note in ".{0,80}", reason in proptest::option::of("[a-z\\n\"\\\\#=\u{202e}]{1,40}"),
        ) {
            let check = catalog().checks.keys().next().unwrap().clone();
            prop_assume!(!resource.trim().is_empty() && reason.as_ref().is_none_or(|reason| !reason.trim().is_empty()));
            let proposal = Proposal { check, resource, reason, reference: Some("R-1".into()), notes: vec![note] };
            let text = draft(&[proposal.clone(), proposal], catalog());
            let Err(ExceptionsError::Mistakes { mistakes, .. }) = read_exceptions(&text, "draft.toml", catalog()) else {
                panic!("a draft was accepted:\n{text}");
            };
            prop_assert!(mistakes.iter().all(|mistake| mistake.problem == MistakeKind::Placeholder), "{mistakes:?}\n{text}");
            prop_assert!(mistakes.len() >= 10, "{mistakes:?}");
        }

        #[test]
        fn a_quoted_text_is_read_back(value in ".{0,60}") {
            let read: BTreeMap<String, String> = toml::from_str(&format!("value = {}", quoted(&value))).unwrap();
            prop_assert_eq!(&read["value"], &value);
        }
    }
}
