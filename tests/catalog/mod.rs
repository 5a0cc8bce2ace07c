//! The embedded catalog's data: what every check must bring along.

mod broken;
mod documents;
mod equivalents;
mod excerpts;
mod redactions;

use std::collections::{BTreeMap, BTreeSet};

use proofpack::catalog::{Catalog, Check, Query, context, to_value, to_variable};
use proofpack::model::Outcome;
use serde_json::{Value, json};

/// The rules of cdk-nag's pack `HIPAA.Security`, by its own names.
const CDK_NAG_RULES: &str = include_str!("../fixtures/rules/cdk-nag-hipaa-security.txt");

/// The checks that Prowler 5.46.0 has for AWS.
const PROWLER_CHECKS: &str = include_str!("../fixtures/rules/prowler-5.46-aws.txt");

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
    let prowler: BTreeSet<&str> = PROWLER_CHECKS.lines().collect();
    let mut wrong = Vec::new();
    for check in checks() {
        for (owner, names) in &check.references {
            for name in names {
                let known = match owner.as_str() {
                    "cdk-nag" => cdk_nag.contains(name.as_str()) || name.starts_with("AwsSolutions-"),
                    "config-rule" => {
                        name.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_')
                    }
                    "prowler" => prowler.contains(name.as_str()),
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

/// What a property of an embedded collector makes of an answer.
fn property(service: &str, kind: &str, name: &str, answer: &Value) -> Value {
    let catalog = Catalog::embedded().unwrap();
    let rule = catalog.collectors[service].resources.iter().find(|rule| rule.kind == kind).unwrap();
    let nothing = to_variable(&Value::Null);
    let around = context(&nothing, &nothing, "123456789012", "us-east-1", "aws");
    to_value(
        &Query::parse(&rule.properties[name].value).unwrap().search(&to_variable(answer), &around).unwrap(),
    )
}

#[test]
fn the_tls_parameter_of_a_database_is_its_value_or_the_engines_own_default() {
    let group = |parameter: Value| json!({"Parameters": [{"ParameterName": "port"}, parameter]});
    let ssl = "rds.force_ssl";
    let transport = "require_secure_transport";
    let examples = [
        (json!({"ParameterName": ssl, "ParameterValue": "0", "Source": "user"}), json!("0")),
        (json!({"ParameterName": ssl, "ParameterValue": "1", "Source": "system"}), json!("1")),
        (json!({"ParameterName": transport, "ParameterValue": "ON", "Source": "user"}), json!("ON")),
        (json!({"ParameterName": transport, "Source": "engine-default"}), json!("engine-default")),
        (json!({"ParameterName": transport, "Source": "system"}), Value::Null),
        (json!({"ParameterName": ssl, "Source": "engine-default"}), Value::Null),
        (json!({"ParameterName": "rds.force_ssl_soon", "ParameterValue": "1"}), Value::Null),
    ];
    for kind in ["rds-instance", "rds-cluster"] {
        for (parameter, expected) in &examples {
            let found = property("rds", kind, "tls_parameter", &group(parameter.clone()));
            assert_eq!(found, *expected, "{kind}: {parameter}");
        }
        assert_eq!(property("rds", kind, "tls_parameter", &json!({"Parameters": []})), Value::Null);
    }
}

#[test]
fn a_parameter_group_is_in_effect_when_every_use_of_it_is_in_sync() {
    let instance = |status: &str| json!({"DBParameterGroups": [{"ParameterApplyStatus": status}]});
    let applied = |kind: &str, answer: &Value| property("rds", kind, "parameters_applied", answer);
    assert_eq!(applied("rds-instance", &instance("in-sync")), json!(true));
    assert_eq!(applied("rds-instance", &instance("pending-reboot")), json!(false));
    let member = |status: &str| json!({"DBClusterParameterGroupStatus": status});
    let both = json!({"DBClusterMembers": [member("in-sync"), member("pending-reboot")]});
    assert_eq!(applied("rds-cluster", &both), json!(false));
    assert_eq!(applied("rds-cluster", &json!({"DBClusterMembers": [member("in-sync")]})), json!(true));
    assert_eq!(applied("rds-cluster", &json!({})), json!(true), "nothing runs with it");
}

#[test]
fn every_parameter_says_where_its_default_comes_from() {
    let mut stated: BTreeMap<String, bool> = BTreeMap::new();
    let of_excerpts = Catalog::embedded().unwrap().excerpts.into_values().flat_map(|rule| rule.parameters);
    for (name, parameter) in checks().into_iter().flat_map(|check| check.parameters).chain(of_excerpts) {
        *stated.entry(name).or_default() |= parameter.source.is_some();
    }
    stated.retain(|_, stated| !*stated);
    assert_eq!(stated, BTreeMap::new());
}

#[test]
fn every_control_of_the_security_rule_says_what_the_rule_requires() {
    let framework = &Catalog::embedded().unwrap().frameworks["hipaa-security-rule"];
    let silent: Vec<&str> = framework
        .controls
        .iter()
        .filter(|control| control.requirement.as_ref().is_none_or(|text| text.len() < 20))
        .map(|control| control.id.as_str())
        .collect();
    assert_eq!(silent, [""; 0]);
}
