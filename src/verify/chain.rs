//! The chain of an archive: each bundle names the manifest of the one before it. What was taken away, replaced or put in
//! another order shows in what the others name.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Manifest, Period, Scope, Sha256Digest};

/// A bundle of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Link {
    /// Name of the package.
    pub package: String,
    /// SHA-256 of its manifest.
    pub manifest_sha256: Sha256Digest,
    /// What it covers.
    pub scope: Scope,
    /// When it was sealed.
    pub sealed_at: DateTime<Utc>,
    /// SHA-256 of the manifest of the bundle before it.
    pub previous_manifest_sha256: Option<Sha256Digest>,
    /// SHA-256 of the manifest of the bundle that it amends.
    pub amends_sha256: Option<Sha256Digest>,
}

impl Link {
    /// The link of a package with this manifest.
    pub fn new(package: &str, manifest: &Manifest, manifest_sha256: Sha256Digest) -> Self {
        Self {
            package: package.to_owned(),
            manifest_sha256,
            scope: manifest.scope.clone(),
            sealed_at: manifest.sealed_at,
            previous_manifest_sha256: manifest.previous_manifest_sha256,
            amends_sha256: manifest.amends_sha256,
        }
    }

    fn shares_an_account_with(&self, other: &Self) -> bool {
        self.scope.accounts.iter().any(|account| other.scope.accounts.contains(account))
    }
}

/// What is wrong with a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChainFault {
    /// The bundle that one names as the one before it, or as the one that it amends, is not there: it was taken away, or
    /// what is there in its place is another.
    Missing,
    /// It names no bundle before it, though there is an earlier one of the same account: whatever was between them is not known.
    BeginsAgain,
    /// The bundle that it names as the one before it begins later, or was sealed later.
    Order,
    /// Two bundles of the same account name the same one before them, and neither amends the other.
    Fork,
    /// Two packages hold the same bundle.
    Twice,
}

/// One thing that is wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChainProblem {
    /// What sort of thing.
    pub fault: ChainFault,
    /// The package.
    pub package: String,
    /// What was found, and what that means.
    pub message: String,
}

/// A chain, and everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Chain {
    /// Its bundles, in order of their periods.
    pub links: Vec<Link>,
    /// Time between periods that follow each other which no bundle covers: no problem of the chain, and no evidence either.
    pub not_covered: Vec<Period>,
    /// Everything that is wrong.
    pub problems: Vec<ChainProblem>,
}

/// Holds the bundles of an archive against what they name.
pub fn chain(mut links: Vec<Link>) -> Chain {
    links.sort_by(|a, b| {
        (a.scope.period.start, a.sealed_at, &a.package).cmp(&(b.scope.period.start, b.sealed_at, &b.package))
    });
    let mut by_manifest: BTreeMap<Sha256Digest, &Link> = BTreeMap::new();
    let mut problems = Vec::new();
    let mut wrong = |fault, link: &Link, message: String| {
        problems.push(ChainProblem { fault, package: link.package.clone(), message });
    };
    for link in &links {
        if let Some(other) = by_manifest.insert(link.manifest_sha256, link) {
            wrong(ChainFault::Twice, link, format!("{} holds the same bundle", other.package));
        }
    }
    let amended = |link: &Link| by_manifest.get(&link.amends_sha256?).copied();
    // Whether one was made out of the other, over however many amendments.
    let comes_from = |link: &Link, origin: &Link| {
        let steps = std::iter::successors(amended(link), |one| amended(one)).take(links.len());
        steps.into_iter().any(|one| one.manifest_sha256 == origin.manifest_sha256)
    };
    let is_fork = |link: &Link, other: &Link| {
        other.shares_an_account_with(link)
            && other.manifest_sha256 != link.manifest_sha256
            && !comes_from(link, other)
            && !comes_from(other, link)
    };
    let mut followers: BTreeMap<Sha256Digest, Vec<&Link>> = BTreeMap::new();
    let mut beginnings: Vec<&Link> = Vec::new();
    for link in &links {
        if let Some(amended) = link.amends_sha256.filter(|amended| !by_manifest.contains_key(amended)) {
            let message = format!("the bundle that it amends, with the manifest {amended}, is not here");
            wrong(ChainFault::Missing, link, message);
        }
        let Some(named) = link.previous_manifest_sha256 else {
            let earlier = links.iter().find(|other| {
                other.scope.period.start < link.scope.period.start && other.shares_an_account_with(link)
            });
            if let Some(earlier) = earlier {
                let message = format!(
                    "it names no bundle before it, though {} is earlier: whatever was between them is not known",
                    earlier.package
                );
                wrong(ChainFault::BeginsAgain, link, message);
            }
            let of_same = |other: &&&Link| other.scope.period == link.scope.period && is_fork(link, other);
            if let Some(other) = beginnings.iter().find(of_same) {
                let message =
                    format!("{} is of the same period, and neither amends the other", other.package);
                wrong(ChainFault::Fork, link, message);
            }
            beginnings.push(link);
            continue;
        };
        match by_manifest.get(&named) {
            None => {
                let message = format!(
                    "the bundle before it, with the manifest {named}, is not here: it was taken away, or replaced by another"
                );
                wrong(ChainFault::Missing, link, message);
            }
            Some(before)
                if before.scope.period.start >= link.scope.period.start
                    || before.sealed_at > link.sealed_at =>
            {
                let message = format!("it names {} as the one before it, which is later", before.package);
                wrong(ChainFault::Order, link, message);
            }
            Some(_) => {}
        }
        let others = followers.entry(named).or_default();
        if let Some(other) = others.iter().find(|other| is_fork(link, other)) {
            let message =
                format!("{} names the same bundle before it, and neither amends the other", other.package);
            wrong(ChainFault::Fork, link, message);
        }
        others.push(link);
    }
    Chain { not_covered: not_covered(&links), links, problems }
}

/// The time between the first period and the last that none covers.
fn not_covered(links: &[Link]) -> Vec<Period> {
    let mut holes = Vec::new();
    let mut covered: Option<DateTime<Utc>> = None;
    for period in links.iter().map(|link| link.scope.period) {
        if let Some(until) = covered.filter(|until| *until < period.start) {
            holes.push(Period { start: until, end: period.start });
        }
        covered = covered.max(Some(period.end));
    }
    holes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::sha256;

    /// The bundle of a quarter of 2026 after the one that is named so.
    fn quarter(number: u32, previous: Option<&str>) -> Link {
        let month = |quarter: u32| format!("{}-{:02}-01T00:00:00Z", 2026 + quarter / 4, quarter % 4 * 3 + 1);
        let (start, end) = (month(number - 1).parse().unwrap(), month(number).parse().unwrap());
        Link {
            package: format!("q{number}.zip"),
            manifest_sha256: sha256(format!("q{number}").as_bytes()),
            scope: Scope::new("aws", ["123456789012"], ["us-east-1"], Period { start, end }),
            sealed_at: end,
            previous_manifest_sha256: previous.map(|name| sha256(name.as_bytes())),
            amends_sha256: None,
        }
    }

    fn faults(links: Vec<Link>) -> Vec<(ChainFault, String)> {
        chain(links).problems.into_iter().map(|problem| (problem.fault, problem.package)).collect()
    }

    fn year() -> Vec<Link> {
        vec![quarter(4, Some("q3")), quarter(1, None), quarter(3, Some("q2")), quarter(2, Some("q1"))]
    }

    #[test]
    fn a_whole_year_is_a_chain_in_whatever_order_it_is_listed() {
        let whole = chain(year());
        assert_eq!((whole.problems, whole.not_covered), (vec![], vec![]));
        let order: Vec<&str> = whole.links.iter().map(|link| link.package.as_str()).collect();
        assert_eq!(order, ["q1.zip", "q2.zip", "q3.zip", "q4.zip"]);
        assert_eq!(faults(vec![]), []);
    }

    #[test]
    fn what_was_taken_away_or_replaced_is_missed_by_the_one_after_it() {
        for (index, missing) in [(1, "q2.zip"), (3, "q3.zip"), (2, "q4.zip")] {
            let mut links = year();
            links.remove(index);
            assert_eq!(faults(links), [(ChainFault::Missing, missing.to_owned())]);
        }
        let mut links = year();
        links[1].manifest_sha256 = sha256(b"another first quarter");
        assert_eq!(faults(links), [(ChainFault::Missing, "q2.zip".to_owned())]);
    }

    #[test]
    fn the_time_that_nothing_covers_is_told_and_is_no_fault() {
        let without = chain(vec![quarter(1, None), quarter(3, Some("q1"))]);
        assert_eq!(without.problems, []);
        assert_eq!(without.not_covered, [quarter(2, None).scope.period]);
    }

    #[test]
    fn beginning_again_forks_and_wrong_order_are_faults() {
        let mut links = year();
        links[0].previous_manifest_sha256 = None;
        assert_eq!(faults(links), [(ChainFault::BeginsAgain, "q4.zip".to_owned())]);
        // Another account's chain begins where it begins.
        let mut other = quarter(3, None);
        other.scope.accounts = vec!["999999999999".into()];
        other.manifest_sha256 = sha256(b"other");
        assert_eq!(faults([year(), vec![other]].concat()), []);

        let mut fork = quarter(2, Some("q1"));
        (fork.package, fork.manifest_sha256) = ("q2b.zip".into(), sha256(b"q2b"));
        assert_eq!(faults([year(), vec![fork.clone()]].concat()), [(ChainFault::Fork, "q2b.zip".to_owned())]);
        // Unless it amends the other.
        fork.amends_sha256 = Some(sha256(b"q2"));
        assert_eq!(faults([year(), vec![fork.clone()]].concat()), []);
        fork.amends_sha256 = Some(sha256(b"gone"));
        let told = [ChainFault::Missing, ChainFault::Fork].map(|fault| (fault, "q2b.zip".to_owned()));
        assert_eq!(faults([year(), vec![fork]].concat()), told);

        let mut links = year();
        links[1].previous_manifest_sha256 = Some(sha256(b"q4"));
        assert_eq!(faults(links), [(ChainFault::Order, "q1.zip".to_owned())]);
        let mut twice = quarter(2, Some("q1"));
        twice.package = "copy.zip".into();
        let found = faults([year(), vec![twice]].concat());
        assert!(found.iter().any(|(fault, _)| *fault == ChainFault::Twice), "{found:?}");
    }

    #[test]
    fn a_fork_is_found_whoever_stands_between() {
        // One bundle of two accounts; after it one of each, and one more of the first.
        let mut both = quarter(1, None);
        both.scope.accounts = vec!["1".into(), "2".into()];
        let of = |package: &str, account: &str, amends: Option<&str>| {
            let mut link = quarter(2, Some("q1"));
            link.package = package.into();
            link.manifest_sha256 = sha256(package.as_bytes());
            link.scope.accounts = vec![account.into()];
            link.amends_sha256 = amends.map(|name| sha256(name.as_bytes()));
            link
        };
        let faults = |links: Vec<Link>| -> Vec<ChainFault> {
            chain(links).problems.iter().map(|one| one.fault).collect()
        };
        let (a, b) = (of("a", "1", None), of("b", "2", None));
        assert_eq!(faults(vec![both.clone(), a.clone(), b.clone()]), []);
        assert_eq!(faults(vec![both.clone(), a.clone(), b.clone(), of("c", "1", None)]), [ChainFault::Fork]);
        // What amends the sibling, over however many steps, is no fork; what amends something else is one.
        let (second, third) = (of("a2", "1", Some("a")), of("a3", "1", Some("a2")));
        assert_eq!(faults(vec![both.clone(), a.clone(), b.clone(), second, third]), []);
        assert_eq!(faults(vec![both.clone(), a.clone(), b, of("c", "1", Some("b"))]), [ChainFault::Fork]);
        // Two of one period that name none before them.
        let mut other = quarter(1, None);
        other.package = "other.zip".into();
        other.manifest_sha256 = sha256(b"other");
        assert_eq!(faults(vec![quarter(1, None), other]), [ChainFault::Fork]);
    }
}
