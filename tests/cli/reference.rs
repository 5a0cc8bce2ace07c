//! What the program says of itself: its reference, its help, its checks, its policy.

use std::collections::BTreeSet;
use std::fs;

use proofpack::catalog::Catalog;
use serde_json::Value;

use super::demo::Demo;
use super::place::Place;
use crate::support::root;

#[test]
fn the_reference_on_disk_is_that_of_the_command_line() {
    let path = root().join("CLI.md");
    let expected = proofpack::cli::cli_reference();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "CLI.md is out of date: run the tests with UPDATE_EXPECT=1");
}

#[test]
fn every_command_shows_an_example_in_its_help() {
    let reference = proofpack::cli::cli_reference();
    let sections: Vec<&str> = reference.split("\n## ").skip(1).collect();
    let commands = "demo init keygen run collect assess report sign package archive verify iam-policy";
    for command in commands.split(' ').chain(["bundle merge", "checks list", "checks show", "checks test"]) {
        let head = format!("`proofpack {command}`\n");
        let section = sections.iter().find(|section| section.starts_with(&head));
        let section = section.unwrap_or_else(|| panic!("{command} is not in the reference"));
        assert!(section.contains("Example:\n  "), "{section}");
        assert!(section.contains(&format!("proofpack {command}")), "{section}");
    }
    let place = Place::new();
    let help = place.run(&["--help"]).ended(0).stdout;
    assert!(help.contains("Exit codes:"), "{help}");
    let short = place.run(&["verify", "-h"]).ended(0).stdout;
    assert!(short.contains("Example:"), "{short}");
    assert_eq!(
        place.run(&["--version"]).ended(0).stdout,
        concat!("proofpack ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn one_check_as_it_is_shown() {
    let place = Place::new();
    let shown = place.run(&["checks", "show", "s3-bucket-tls-only"]).ended(0).stdout;
    insta::assert_snapshot!("checks_show_s3_bucket_tls_only", shown);
    let by_rule = place.run(&["checks", "show", "S3BucketSSLRequestsOnly"]).ended(0).stdout;
    assert_eq!(shown, by_rule, "found by the name of an equivalent rule");
}

#[test]
fn the_list_of_checks_is_whole_and_their_cases_hold() {
    let place = Place::new();
    let catalog = Catalog::embedded().unwrap();
    let listed = place.run(&["checks", "list"]).ended(0).stdout;
    let rows: Value =
        serde_json::from_str(&place.run(&["checks", "list", "--json"]).ended(0).stdout).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), catalog.checks.len());
    for (row, (id, check)) in rows.as_array().unwrap().iter().zip(&catalog.checks) {
        assert_eq!(
            (row["id"].as_str(), row["title"].as_str()),
            (Some(id.as_str()), Some(check.title.as_str()))
        );
        assert!(
            listed.lines().any(|line| line.starts_with(&format!("{id} ")) && line.ends_with(&check.title))
        );
    }
    let tested = place.run(&["checks", "test"]).ended(0).stdout;
    assert!(tested.ends_with("checks, 0 wrong\n"), "{tested}");
}

#[test]
fn the_verdict_in_words() {
    let demo = Demo::shared();
    let place = Place::new();
    let package = demo.package();
    let said = place.run(&["verify", package.to_str().unwrap()]).ended(0).stdout;
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(&regex_of(package.to_str().unwrap()), "[package]");
    settings.add_filter("SHA-256 [0-9a-f]{64}", "SHA-256 [fingerprint]");
    settings.bind(|| insta::assert_snapshot!("verdict_of_the_demonstration", said));
}

fn regex_of(text: &str) -> String {
    text.replace('.', "\\.")
}

#[test]
fn the_policy_covers_every_call_reads_only_and_grants_nothing_by_wildcard() {
    let text = Place::new().run(&["iam-policy"]).ended(0).stdout;
    let policy: Value = serde_json::from_str(&text).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let actions: BTreeSet<&str> = statements
        .iter()
        .flat_map(|statement| statement["Action"].as_array().unwrap())
        .map(|action| action.as_str().unwrap())
        .collect();
    for action in &actions {
        let (service, name) = action.split_once(':').unwrap();
        assert!(!action.contains('*') && !service.is_empty(), "{action}");
        // Those that begin otherwise only read as well: a report that IAM keeps of itself, recorded events, and what
        // API Gateway names after the HTTP method.
        let reads = ["Get", "List", "Describe", "BatchGet"].iter().any(|kind| name.starts_with(kind));
        let others = ["iam:GenerateCredentialReport", "cloudtrail:LookupEvents", "apigateway:GET"];
        assert!(reads || others.contains(action), "{action}");
    }
    let catalog = Catalog::embedded().unwrap();
    for collector in catalog.collectors.values() {
        for call in &collector.calls {
            if let Some(action) = collector.iam_action(call) {
                assert!(actions.contains(action.as_str()), "{action} is missing");
            } else {
                assert_eq!(
                    call.operation, "GetCallerIdentity",
                    "{}: only this needs no right",
                    call.operation
                );
            }
        }
    }
    // What IAM itself limits: a managed policy holds at most 6,144 characters without white space.
    let without_white_space = text.chars().filter(|character| !character.is_whitespace()).count();
    assert!(without_white_space <= 6_144, "{without_white_space} characters do not fit a managed policy");
    insta::assert_snapshot!("iam_policy", text);
}
