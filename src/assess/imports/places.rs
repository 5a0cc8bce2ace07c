//! Finding the resource that another tool means among those that our checks were applied to.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::{ImportedResource, ResourceKey};
use crate::model::{Finding, ResourceSet, Subject};

/// How many digits of a hash AWS CDK puts behind a logical id.
const HASH_DIGITS: usize = 8;

/// Tags that CloudFormation gives to what it makes.
const STACK_TAG: &str = "aws:cloudformation:stack-name";
const LOGICAL_ID_TAG: &str = "aws:cloudformation:logical-id";

/// Kinds of which an account has one, or an account and region.
#[derive(Debug, Default)]
pub(super) struct Singles {
    /// One per account.
    pub(super) of_account: BTreeSet<String>,
    /// One per account and region.
    pub(super) of_region: BTreeSet<String>,
}

/// The findings of an assessment by what they are about, and resources by where CloudFormation has them from.
pub(super) struct Places<'a> {
    partition: &'a str,
    singles: Singles,
    by_check: BTreeMap<&'a str, Vec<&'a Finding>>,
    by_arn: BTreeMap<(&'a str, &'a str), Vec<&'a Finding>>,
    by_id: BTreeMap<(&'a str, &'a str), Vec<&'a Finding>>,
    /// ARNs by stack and logical id.
    made: BTreeMap<(&'a str, &'a str), BTreeSet<&'a str>>,
}

impl<'a> Places<'a> {
    pub(super) fn new(
        partition: &'a str,
        singles: Singles,
        set: &'a ResourceSet,
        findings: &'a [Finding],
    ) -> Self {
        let mut places = Self {
            partition,
            singles,
            by_check: BTreeMap::new(),
            by_arn: BTreeMap::new(),
            by_id: BTreeMap::new(),
            made: BTreeMap::new(),
        };
        for finding in findings.iter().filter(|finding| finding.subject.arn != "*") {
            let check = finding.check.as_str();
            places.by_check.entry(check).or_default().push(finding);
            places.by_arn.entry((check, plain_arn(&finding.subject.arn))).or_default().push(finding);
            places.by_id.entry((check, &finding.subject.id)).or_default().push(finding);
        }
        for resource in set.resources.iter() {
            let tag = |name: &str| resource.tags.get(name).map(String::as_str);
            if let (Some(stack), Some(logical_id)) = (tag(STACK_TAG), tag(LOGICAL_ID_TAG)) {
                places.made.entry((stack, logical_id)).or_default().insert(&resource.arn);
            }
        }
        places
    }

    /// The findings of a check.
    pub(super) fn of_check(&self, check: &str) -> &[&'a Finding] {
        self.by_check.get(check).map(Vec::as_slice).unwrap_or_default()
    }

    /// What is meant: the subject of findings of `checks` that one of the ways to find it leads to, and no other subject.
    pub(super) fn find(&self, checks: &[&str], resource: &ImportedResource) -> Option<&'a Subject> {
        let by_key = resource.keys.iter().find_map(|key| self.by_key(checks, resource, key));
        by_key.or_else(|| self.single(checks, resource))
    }

    /// The findings of `checks` about a subject.
    pub(super) fn about(&self, checks: &[&str], subject: &Subject) -> Vec<&'a Finding> {
        let of =
            |check: &&str| self.by_arn.get(&(*check, plain_arn(&subject.arn))).cloned().unwrap_or_default();
        checks.iter().flat_map(of).filter(|finding| finding.subject == *subject).collect()
    }

    fn by_key(&self, checks: &[&str], resource: &ImportedResource, key: &ResourceKey) -> Option<&'a Subject> {
        let with_arn = |arn: &str| -> Vec<&'a Finding> {
            let of = |check: &&str| self.by_arn.get(&(*check, plain_arn(arn))).cloned().unwrap_or_default();
            checks.iter().flat_map(of).collect()
        };
        let found: Vec<&Finding> = match key {
            ResourceKey::Arn(arn) => with_arn(arn),
            ResourceKey::Name(name) => {
                let of = |check: &&str| self.by_id.get(&(*check, name.as_str())).cloned().unwrap_or_default();
                checks.iter().flat_map(of).collect()
            }
            ResourceKey::Logical { stack, id } => {
                let arns = self.made.get(&(stack.as_str(), id.as_str())).into_iter().flatten();
                arns.flat_map(|arn| with_arn(arn)).collect()
            }
            ResourceKey::Construct { stack, start } => {
                let made = self.made.range((stack.as_str(), start.as_str())..);
                let fitting = made
                    .take_while(|((of, id), _)| of == stack && id.starts_with(start.as_str()))
                    .filter(|((_, id), _)| is_hash(&id[start.len()..]));
                fitting.flat_map(|(_, arns)| arns).flat_map(|arn| with_arn(arn)).collect()
            }
        };
        only(found.into_iter().filter(|finding| is_in(resource, &finding.subject)))
    }

    /// A setting that an account, or an account and region, has once: its name elsewhere does not matter.
    fn single(&self, checks: &[&str], resource: &ImportedResource) -> Option<&'a Subject> {
        let account = resource.account.as_deref()?;
        let root = format!("arn:{}:iam::{account}:root", self.partition);
        let whole_account = [root.as_str(), account, "AWS::::Account"].contains(&resource.name.as_str());
        let findings = checks.iter().flat_map(|check| self.of_check(check)).copied();
        only(findings.filter(|finding| {
            let subject = &finding.subject;
            let once = self.singles.of_account.contains(&subject.kind) && whole_account
                || self.singles.of_region.contains(&subject.kind) && resource.region.is_some();
            once && is_in(resource, subject)
        }))
    }
}

/// Whether a subject is where the other tool says.
fn is_in(resource: &ImportedResource, subject: &Subject) -> bool {
    resource.account.as_ref().is_none_or(|account| *account == subject.account)
        && (subject.region == "global"
            || resource.region.as_ref().is_none_or(|region| *region == subject.region || region == "global"))
}

/// The one subject that all findings are about.
fn only<'a>(mut findings: impl Iterator<Item = &'a Finding>) -> Option<&'a Subject> {
    let first = &findings.next()?.subject;
    findings.all(|finding| finding.subject == *first).then_some(first)
}

/// The ARN of a log group is written with and without `:*`.
fn plain_arn(arn: &str) -> &str {
    arn.strip_suffix(":*").unwrap_or(arn)
}

fn is_hash(text: &str) -> bool {
    text.len() == HASH_DIGITS
        && text.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte))
}
