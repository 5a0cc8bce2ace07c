//! The embedded catalog's data: what every check must bring along.

use std::collections::BTreeSet;

use proofpack::catalog::{Catalog, Check};
use proofpack::model::Outcome;

/// The rules of cdk-nag's pack `HIPAA.Security`, by its own names.
const CDK_NAG_RULES: &str = include_str!("../fixtures/rules/cdk-nag-hipaa-security.txt");

fn checks() -> Vec<Check> {
    Catalog::embedded().unwrap().checks.into_values().collect()
}

#[test]
fn every_check_shows_what_it_does_without_evidence() {
    let silent: Vec<String> = checks()
        .into_iter()
        .filter(|check| !check.cases.iter().any(|case| case.outcome == Outcome::Indeterminate))
        .map(|check| check.id)
        .collect();
    assert_eq!(silent, Vec::<String>::new(), "no case of these checks leaves a property out");
}

#[test]
fn every_check_that_is_about_some_resources_shows_one_that_it_is_not_about() {
    let silent: Vec<String> = checks()
        .into_iter()
        .filter(|check| check.applies.is_some())
        .filter(|check| !check.cases.iter().any(|case| case.outcome == Outcome::NotApplicable))
        .map(|check| check.id)
        .collect();
    assert_eq!(silent, Vec::<String>::new(), "no case of these checks is about another resource");
}

#[test]
fn predicates_stay_short_enough_to_be_read_beside_their_proof() {
    for check in checks() {
        assert!(check.expression.lines().count() <= 3, "{}: more than three lines", check.id);
        for line in check.expression.lines().chain(check.applies.iter().flat_map(|text| text.lines())) {
            assert!(line.len() <= 130, "{}: a line of {} characters", check.id, line.len());
        }
    }
}

#[test]
fn references_are_names_that_their_owners_use() {
    let cdk_nag: BTreeSet<&str> = CDK_NAG_RULES.lines().collect();
    let mut wrong = Vec::new();
    for check in checks() {
        for (owner, names) in &check.references {
            for name in names {
                let known = match owner.as_str() {
                    "cdk-nag" => cdk_nag.contains(name.as_str()),
                    "config-rule" => {
                        name.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_')
                    }
                    "prowler" => {
                        name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_')
                    }
                    "security-hub" => name.split_once('.').is_some_and(|(service, number)| {
                        service.bytes().all(|c| c.is_ascii_alphanumeric()) && number.parse::<u16>().is_ok()
                    }),
                    _ => false,
                };
                if !known {
                    wrong.push(format!("{}: {owner} {name}", check.id));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
