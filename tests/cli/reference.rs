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
    let commands = "demo init keygen run collect attest assess access-review report export sign package archive verify plan iam-policy";
    for command in commands.split(' ').chain([
        "bundle amend",
        "bundle merge",
        "checks list",
        "checks show",
        "checks parameters",
        "checks test",
        "checks explain",
        "controls list",
        "controls show",
        "catalog validate",
        "exceptions lint",
        "exceptions propose",
        "redaction check",
    ]) {
        let head = format!("`proofpack {command}`\n");
        let section = sections.iter().find(|section| section.starts_with(&head));
        let section = section.unwrap_or_else(|| panic!("{command} is not in the reference"));
        assert!(section.contains("Example:\n  ") || section.contains("Examples:\n  "), "{section}");
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

/// The policy documents that a printed policy holds: one, or a list of several.
fn documents(printed: &str) -> Vec<Value> {
    match serde_json::from_str(printed).unwrap() {
        Value::Array(documents) => documents,
        document => vec![document],
    }
}

#[test]
fn the_policy_covers_every_call_reads_only_and_grants_nothing_by_wildcard() {
    let printed = Place::new().run(&["iam-policy"]).ended(0);
    let policies = documents(&printed.stdout);
    let statements: Vec<&Value> =
        policies.iter().flat_map(|policy| policy["Statement"].as_array().unwrap()).collect();
    let listed: Vec<&str> = statements
        .iter()
        .flat_map(|statement| statement["Action"].as_array().unwrap())
        .map(|action| action.as_str().unwrap())
        .collect();
    let actions: BTreeSet<&str> = listed.iter().copied().collect();
    assert_eq!(listed.len(), actions.len(), "an action is listed twice");
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
    for (number, policy) in policies.iter().enumerate() {
        let length = policy.to_string().chars().filter(|character| !character.is_whitespace()).count();
        assert!(length <= 6_144, "{length} characters do not fit a managed policy");
        let part = Place::new().run(&["iam-policy", "--part", &(number + 1).to_string()]).ended(0);
        assert_eq!(documents(&part.stdout).as_slice(), std::slice::from_ref(policy));
        assert_eq!(part.stderr, "");
    }
    let said =
        if policies.len() == 1 { "" } else { "warning: a managed policy holds at most 6144 characters" };
    assert!(
        printed.stderr.starts_with(said) && printed.stderr.is_empty() == said.is_empty(),
        "{}",
        printed.stderr
    );
    let beyond = (policies.len() + 1).to_string();
    Place::new().run(&["iam-policy", "--part", &beyond]).failed(3, &["there is no part"]);
}

#[test]
fn every_form_of_the_policy_holds_the_same_documents() {
    let place = Place::new();
    place.configure(
        "\"eu-west-1\"",
        "[trail]\nlogs = [\"s3://trail-logs/AWSLogs/123456789012/\"]\n[archive]\ndestination = \"s3://kept/hipaa\"\n\
         [signing]\ncertificate = \"chain.pem\"\nkms-key = \"arn:aws:kms:eu-west-1:123456789012:key/1\"\n",
    );
    let form = |name: &str| {
        let arguments = ["iam-policy", "--config", "proofpack.toml", "--archive", "--format", name];
        place.run(&arguments).ended(0).stdout
    };
    let policies = documents(&form("json"));
    let text = serde_json::to_string(&policies).unwrap();
    for part in [
        "arn:aws:s3:::trail-logs/AWSLogs/123456789012/*",
        "kms:Decrypt",
        "arn:aws:s3:::kept/hipaa/*",
        "s3:PutObjectRetention",
        "kms:Sign",
        "arn:aws:kms:eu-west-1:123456789012:key/1",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let template: Value = serde_json::from_str(&form("cloudformation")).unwrap();
    let resources = template["Resources"].as_object().unwrap().values();
    let held: Vec<&Value> = resources.map(|resource| &resource["Properties"]["PolicyDocument"]).collect();
    assert_eq!(held, policies.iter().collect::<Vec<_>>());
    let terraform = form("terraform");
    assert_eq!(terraform.matches("resource \"aws_iam_policy\"").count(), policies.len());
    for action in policies
        .iter()
        .flat_map(|policy| policy["Statement"].as_array().unwrap())
        .flat_map(|statement| statement["Action"].as_array().unwrap())
    {
        assert!(terraform.contains(&action.to_string()), "{action}");
    }
    let alone = place.run(&["iam-policy", "--archive"]);
    assert_eq!(alone.code, 2, "the archive is in the configuration: {alone:?}");
}

#[test]
fn the_plan_counts_what_is_known_and_says_what_the_rest_depends_on() {
    let place = Place::new();
    place.configure("\"eu-west-1\", \"us-east-1\"", "[trail]\nlookup-events = true\n");
    let plan: Value = serde_json::from_str(&place.run(&["plan", "--json"]).ended(0).stdout).unwrap();
    let account = &plan["accounts"][0];
    assert_eq!(account["account"], Value::Null, "only AWS knows it");
    let row = |operation: &str, region: &str| {
        let rows = account["calls"].as_array().unwrap().iter();
        let found: Vec<_> =
            rows.filter(|row| row["operation"] == operation && row["region"] == region).cloned().collect();
        assert_eq!(found.len(), 1, "{operation} {region}: {found:?}");
        found[0].clone()
    };
    assert_eq!(
        (row("ListKeys", "eu-west-1")["calls"].clone(), row("ListBuckets", "us-east-1")["calls"].clone()),
        (1.into(), 1.into())
    );
    assert_eq!(row("DescribeKey", "eu-west-1")["basis"], "for-each");
    assert_eq!(row("DescribeKey", "eu-west-1")["for-each-item-of"], "ListKeys");
    assert!(row("LookupEvents", "eu-west-1")["calls"].as_u64().unwrap() > 1);
    let text = place.run(&["plan"]).ended(0).stdout;
    assert!(text.contains("for each of ListKeys") && text.contains("--from BUNDLE"), "{text}");

    // By the bundle of an earlier run nothing is left open.
    let bundle = Demo::shared().path("bundle");
    let text = place.run(&["plan", "--from", bundle.to_str().unwrap()]).ended(0).stdout;
    assert!(text.contains("for what the earlier run found") && !text.contains("for each of"), "{text}");
    place.run(&["plan", "--from", "nothing"]).failed(3, &["nothing"]);
}
