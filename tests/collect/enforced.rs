//! The policy that `iam-policy` prints is enough, and none of its actions is too much: with IAM enforced, a collection
//! succeeds with exactly that policy, and whichever action is taken away, its calls become gaps and nothing passes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;

use proofpack::assess::{Inputs, assess};
use proofpack::catalog::{Catalog, Check, Collector};
use proofpack::model::{GapReason, Outcome, Record};
use serde_json::{Value, json};

use super::seeded::{collect_as, sealed};
use crate::support::world::World;
use crate::support::{proofpack, python_tool, root, succeed};

/// Services whose actions moto enforces under AWS's own names.
const ENFORCED: [&str; 8] = ["cloudtrail", "ec2", "iam", "kms", "logs", "rds", "secretsmanager", "sns"];

/// Where moto asks for another action than AWS (Service Authorization Reference): ours, and what it asks for.
const ASKED_INSTEAD: [(&str, &str); 9] = [
    ("s3:ListAllMyBuckets", "s3:ListBucket"),
    ("s3:GetEncryptionConfiguration", "s3:ListBucket"),
    ("s3:GetReplicationConfiguration", "s3:ListBucket"),
    ("s3:GetBucketOwnershipControls", "s3:ListBucket"),
    ("s3:GetBucketObjectLockConfiguration", "s3:ListBucket"),
    ("s3:GetBucketPublicAccessBlock", "s3:GetPublicAccessBlock"),
    ("s3:GetLifecycleConfiguration", "s3:GetLifecycleConfiguration"),
    ("s3:GetAccountPublicAccessBlock", "s3:GetPublicAccessBlock"),
    ("sns:ListSubscriptionsByTopic", "sns:ListSubscriptionsByTopic"),
];

/// A seeded world with IAM enforced: an administrator who may do anything and an auditor who has the policy.
struct Enforced {
    world: World,
    administrator: (String, String),
    auditor: (String, String),
}

impl Enforced {
    fn new(policies: &[Value]) -> Self {
        let world = World::seeded();
        world.clear_faults();
        let of = |name: &str| {
            let aws = |arguments: &[&str]| {
                let mut command = python_tool("aws");
                command
                    .args(["--endpoint-url", &world.endpoint(), "--output", "json", "iam"])
                    .args(arguments);
                let said = succeed(&mut command).stdout;
                serde_json::from_slice::<Value>(&said).unwrap_or(Value::Null)
            };
            aws(&["create-user", "--user-name", name]);
            let key = aws(&["create-access-key", "--user-name", name]);
            let text = |member: &str| key["AccessKey"][member].as_str().unwrap().to_owned();
            (text("AccessKeyId"), text("SecretAccessKey"))
        };
        let enforced = Self { administrator: of("administrator"), auditor: of("auditor"), world };
        let all = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
        enforced.put("administrator", "all", &all);
        enforced.give(policies);
        enforced.reset_auth();
        enforced
    }

    /// From now on every request is authenticated and authorized.
    fn reset_auth(&self) {
        let address = self.world.endpoint().trim_start_matches("http://").to_owned();
        let mut connection = TcpStream::connect(&address).unwrap();
        let request = format!(
            "POST /moto-api/reset-auth HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: 1\r\n\r\n0"
        );
        connection.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    fn put(&self, user: &str, name: &str, policy: &Value) {
        let mut command = python_tool("aws");
        command
            .env("AWS_ACCESS_KEY_ID", &self.administrator.0)
            .env("AWS_SECRET_ACCESS_KEY", &self.administrator.1);
        command.args([
            "--endpoint-url",
            &self.world.endpoint(),
            "iam",
            "put-user-policy",
            "--user-name",
            user,
        ]);
        succeed(command.args(["--policy-name", name, "--policy-document", &policy.to_string()]));
    }

    fn give(&self, policies: &[Value]) {
        for (number, policy) in policies.iter().enumerate() {
            self.put("auditor", &format!("proofpack-{number}"), policy);
        }
    }

    fn collect(&self, catalog: &Catalog) -> Vec<Record> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let credentials = (self.auditor.0.as_str(), self.auditor.1.as_str());
        runtime.block_on(collect_as(credentials, &self.world, catalog)).1
    }
}

/// The documents that the program prints.
fn printed() -> Vec<Value> {
    let output = succeed(proofpack().arg("iam-policy"));
    match serde_json::from_slice(&output.stdout).unwrap() {
        Value::Array(policies) => policies,
        policy => vec![policy],
    }
}

/// The policies as moto needs them, without one action.
fn for_moto(policies: &[Value], without: Option<&str>) -> Vec<Value> {
    let rename = |action: &str| {
        let asked = ASKED_INSTEAD.iter().find(|(ours, _)| *ours == action);
        asked.map_or(action, |(_, asked)| asked).to_owned()
    };
    let mut policies = policies.to_vec();
    for statement in policies.iter_mut().flat_map(|policy| policy["Statement"].as_array_mut().unwrap()) {
        let actions = statement["Action"].as_array().unwrap().iter().map(|action| action.as_str().unwrap());
        let left: BTreeSet<String> = actions.filter(|action| Some(*action) != without).map(rename).collect();
        statement["Action"] = json!(left);
    }
    policies
}

fn only(catalog: &Catalog, service: &str) -> Catalog {
    let mut catalog = catalog.clone();
    catalog.collectors.retain(|name, _| name == service);
    catalog
}

/// Whether a check looks at what an operation answers.
fn rests_on(check: &Check, collector: &Collector, operation: &str) -> bool {
    let Some(rule) = collector.resources.iter().find(|rule| rule.kind == check.resource) else {
        return false;
    };
    rule.from == operation
        || check.needs.iter().any(|need| rule.properties[need].call.as_deref() == Some(operation))
}

/// The operations of a service to which the test server has a fixed answer.
fn fixed_answers(service: &str) -> toml::Table {
    let path = root().join(format!("tests/support/world/fixtures/{service}.toml"));
    std::fs::read_to_string(path).map(|text| text.parse().unwrap()).unwrap_or_default()
}

/// Some of moto's services refuse with a bare 403, without a code.
fn denied(record: &Record) -> bool {
    record.gap().is_some_and(|gap| gap.reason == Some(GapReason::AccessDenied))
}

#[test]
fn the_printed_policy_is_enough_and_every_action_of_it_is_needed() {
    let catalog = Catalog::embedded().unwrap();
    let policies = printed();
    let enforced = Enforced::new(&for_moto(&policies, None));

    // With all of it, nothing of what moto enforces is denied.
    for service in ENFORCED {
        let records = enforced.collect(&only(&catalog, service));
        let gaps: Vec<String> = records
            .iter()
            .filter(|record| denied(record))
            .map(|record| format!("{}: {:?}", record.source.operation, record.gap()))
            .collect();
        assert_eq!(gaps, Vec::<String>::new(), "{service}");
        assert!(!records.is_empty(), "{service}");
    }

    let inputs = Inputs {
        frameworks: vec!["hipaa-security-rule".into()],
        as_of: "2026-01-01T00:00:00Z".parse().unwrap(),
        parameters: BTreeMap::new(),
        exceptions: Vec::new(),
    };
    let mut tried = 0;
    for service in ENFORCED {
        let collector = &catalog.collectors[service];
        let fixed = fixed_answers(service);
        let mut operations: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for call in &collector.calls {
            // What the server answers without asking moto is allowed to everybody.
            if let Some(action) = collector.iam_action(call)
                && !fixed.contains_key(&call.operation)
            {
                operations.entry(action).or_default().push(&call.operation);
            }
        }
        for (action, operations) in operations {
            enforced.give(&for_moto(&policies, Some(&action)));
            let records = enforced.collect(&only(&catalog, service));
            let calls: Vec<&Record> = records
                .iter()
                .filter(|record| operations.contains(&record.source.operation.as_str()))
                .collect();
            if calls.is_empty() {
                continue; // The world has nothing to ask it about.
            }
            tried += 1;
            assert!(
                calls.iter().all(|record| denied(record)),
                "{action}: {:?}",
                calls.iter().find(|record| !denied(record))
            );
            let others =
                records.iter().filter(|record| !operations.contains(&record.source.operation.as_str()));
            assert!(others.into_iter().all(|record| !denied(record)), "{action} alone is missing");
            let assessment = assess(&sealed(&records), &catalog, &inputs).unwrap();
            for finding in assessment.findings.iter().filter(|finding| finding.outcome == Outcome::Pass) {
                let check = &catalog.checks[&finding.check];
                let rests = operations.iter().any(|operation| rests_on(check, collector, operation));
                assert!(!rests, "without {action}, {} passes for {}", finding.check, finding.subject.arn);
            }
        }
    }
    println!("{tried} actions were taken away, one after the other");
    assert!(tried >= 20, "{tried}");
}
