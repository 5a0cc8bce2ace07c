//! The redaction rules against AWS's own models: every rule selects something, and what AWS marks as sensitive in
//! the answers that are collected is redacted or kept for a reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::PathBuf;

use flate2::read::GzDecoder;
use proofpack::catalog::Catalog;
use serde_json::Value;

use crate::support::python_environment;

/// Members that AWS marks as sensitive and that are evidence: service, end of the pointer, and why it stays.
const KEPT: &[(&str, &str, &str)] = &[
    ("s3", "KMSMasterKeyID", "which key encrypts"),
    ("s3", "KeyId", "which key encrypts"),
    ("s3", "SSEKMSKeyId", "which key encrypts"),
    ("account", "", "contacts for security and billing are what an auditor asks for"),
    ("organizations", "", "names and addresses of accounts"),
    ("backup", "RecoveryPointTags", "tags; detectors look at them"),
    ("backup", "Tags", "tags; detectors look at them"),
    ("backup", "Metadata", "how a backup was restored; detectors look at it"),
    ("backup", "RestoreMetadata", "how a backup would be restored; detectors look at it"),
    ("backup", "RestoreMetadataOverrides", "how a test restores; detectors look at it"),
    ("backup", "AccessPointMetadata", "detectors look at it"),
    ("lambda", "Message", "why a function's settings could not be read"),
    ("cloudfront", "Comment", "what a distribution is for; detectors look at it"),
    ("guardduty", "", "what a finding is about"),
    ("inspector2", "nextToken", "a page's token"),
    ("sns", "PhoneNumber", "who is told"),
    ("sns", "phoneNumbers/*", "who is told"),
    ("sesv2", "", "what the account sends mail for"),
    ("ses", "", "what the account sends mail for"),
    ("ssm", "Description", "what a window or parameter is for; detectors look at it"),
    ("ssm", "IPAddress", "which machine it is"),
    ("ssm", "IpAddress", "which machine it is"),
    ("ssm", "OwnerInformation", "whose machines they are"),
    ("ssm", "Configuration", "where patches come from; detectors look at it"),
    ("cognito-idp", "ClientId", "which client it is"),
    ("cognito-idp", "Value", "a person's attributes; detectors look at them"),
    ("cognito-idp", "Username", "whose account it is"),
    ("ecs", "repositoryCredentials", "where the credentials are kept, not what they are"),
    ("rds", "InitQuery", "a proxy's first statement; detectors look at it"),
    ("rds", "Value", "options of an engine, encryption among them; detectors look at them"),
    ("stepfunctions", "variableReferences", "names of variables"),
    ("stepfunctions", "definition", "what a machine does; detectors look at it"),
    ("stepfunctions", "description", "what a machine is for; detectors look at it"),
    ("events", "GraphQLOperation", "what is asked; detectors look at it"),
    ("events", "Sql", "what is asked; detectors look at it"),
    ("glue", "CodeGenConfigurationNodes", "how a job is drawn; detectors look at it"),
    ("glue", "Description", "what a result says"),
    ("dms", "SelectionRules", "which tables are moved"),
    ("dms", "PublicIpAddresses", "which addresses it uses"),
    ("dms", "S3ObjectUrl", "where a report is; detectors look at it"),
    ("redshift-serverless", "adminUsername", "who administers it"),
    ("apprunner", "Command", "how it is started; detectors look at it"),
    ("apprunner", "RuntimeEnvironmentSecrets/*", "where secrets are kept, not what they are"),
    ("ec2", "Url", "where an image came from; detectors look at it"),
    ("kms", "AccessKeyId", "which key store credential it is, not its secret"),
    ("emr-serverless", "entryPoint", "which program runs"),
    ("emr-serverless", "initQueryFile", "which file runs"),
];

/// Members whose very name takes their value out, so that no rule needs to (see `[names]`).
const BY_NAME: &[&str] = &[
    "Password",
    "password",
    "Secret",
    "SecretValue",
    "SecretString",
    "SecretAccessKey",
    "SessionToken",
    "PreSharedKey",
];

/// botocore's models: those that are trimmed for the client, whole.
struct Models {
    folder: PathBuf,
    read: BTreeMap<String, Value>,
}

impl Models {
    fn new() -> Self {
        let library = python_environment().join("lib");
        let python = fs::read_dir(&library).unwrap().next().unwrap().unwrap().path();
        Self { folder: python.join("site-packages/botocore/data"), read: BTreeMap::new() }
    }

    fn of(&mut self, service: &str) -> &Value {
        let folder = self.folder.join(service);
        self.read.entry(service.to_owned()).or_insert_with(|| {
            let mut versions: Vec<PathBuf> = fs::read_dir(&folder)
                .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
                .map(|entry| entry.unwrap().path())
                .collect();
            versions.sort();
            let file = fs::File::open(versions.last().unwrap().join("service-2.json.gz")).unwrap();
            let mut text = String::new();
            GzDecoder::new(file).read_to_string(&mut text).unwrap();
            serde_json::from_str(&text).unwrap()
        })
    }
}

/// The shapes below a shape: what stands for the step (a member's name, or `*`), and the shape's name.
fn below(shape: &Value) -> Vec<(String, String)> {
    let name = |reference: &Value| reference["shape"].as_str().unwrap().to_owned();
    match shape["type"].as_str().unwrap() {
        "structure" => shape["members"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(member, reference)| (member.clone(), name(reference)))
            .collect(),
        "list" => vec![("*".to_owned(), name(&shape["member"]))],
        "map" => vec![("*".to_owned(), name(&shape["value"]))],
        _ => vec![],
    }
}

/// Whether a pattern's steps lead anywhere from a shape.
fn leads(shapes: &Value, name: &str, steps: &[&str], seen: &mut BTreeSet<(String, usize)>) -> bool {
    let Some((step, rest)) = steps.split_first() else { return true };
    let shape = &shapes[name];
    if *step == "{json}" {
        return shape["type"] == "string";
    }
    if *step == "**" {
        return seen.insert((name.to_owned(), steps.len()))
            && (leads(shapes, name, rest, seen)
                || below(shape).iter().any(|(_, child)| leads(shapes, child, steps, seen)));
    }
    let open = shape["type"] == "map";
    below(shape)
        .iter()
        .any(|(member, child)| (open || *step == "*" || member == step) && leads(shapes, child, rest, seen))
}

fn output<'a>(model: &'a Value, operation: &str) -> Option<&'a str> {
    model["operations"][operation]["output"]["shape"].as_str()
}

#[test]
fn every_rule_selects_something_in_an_answer_of_aws() {
    let mut models = Models::new();
    let mut wrong = Vec::new();
    for rule in Catalog::embedded().unwrap().redactions.rules {
        for (call, pointers) in &rule.pointers {
            let (service, operation) = call.split_once(':').unwrap();
            let model = models.of(service);
            let operations: Vec<&String> = model["operations"].as_object().unwrap().keys().collect();
            let reads =
                |name: &str| ["Get", "List", "Describe", "Batch"].iter().any(|start| name.starts_with(start));
            let meant: Vec<&&String> = operations
                .iter()
                .filter(|name| **name == operation || operation == "*" && reads(name))
                .collect();
            for pointer in pointers {
                let steps: Vec<&str> = pointer.split('/').skip(1).collect();
                let selects = |name: &str| {
                    output(model, name)
                        .is_some_and(|shape| leads(&model["shapes"], shape, &steps, &mut BTreeSet::new()))
                };
                if !meant.iter().any(|name| selects(name)) {
                    wrong.push(format!("{}: {call} {pointer}", rule.id));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "no answer of these operations has such members");
}

/// The places in an answer that AWS marks as sensitive, as `/Members/*/Name`.
fn sensitive(shapes: &Value, name: &str, place: &str, above: &mut Vec<String>, found: &mut BTreeSet<String>) {
    let shape = &shapes[name];
    if shape["sensitive"] == true {
        found.insert(place.to_owned());
    } else if !above.iter().any(|known| known == name) {
        above.push(name.to_owned());
        for (step, child) in below(shape) {
            sensitive(shapes, &child, &format!("{place}/{step}"), above, found);
        }
        above.pop();
    }
}

/// Whether a pattern selects a place, or something below it.
fn covers(steps: &[&str], place: &[&str]) -> bool {
    match (steps, place) {
        (_, []) => true,
        ([], _) => false,
        (["**", rest @ ..], _) => (0..=place.len())
            .any(|skipped| covers(rest, &place[skipped..]) && (skipped < place.len() || rest.is_empty())),
        ([step, rest @ ..], [member, below @ ..]) => (*step == "*" || step == member) && covers(rest, below),
    }
}

#[test]
fn what_aws_marks_as_sensitive_in_collected_answers_is_redacted_or_kept_for_a_reason() {
    let catalog = Catalog::embedded().unwrap();
    let mut models = Models::new();
    let mut open = Vec::new();
    for collector in catalog.collectors.values() {
        let service = collector.service.as_str();
        for call in &collector.calls {
            let model = models.of(service);
            let Some(shape) = output(model, &call.operation) else { continue };
            let mut found = BTreeSet::new();
            sensitive(&model["shapes"], shape, "", &mut Vec::new(), &mut found);
            for place in found {
                let steps: Vec<&str> = place.split('/').skip(1).collect();
                let ruled = catalog.redactions.rules.iter().flat_map(|rule| &rule.pointers).any(
                    |(call_of, pointers)| {
                        (*call_of == format!("{service}:{}", call.operation)
                            || *call_of == format!("{service}:*"))
                            && pointers.iter().any(|pointer| {
                                covers(&pointer.split('/').skip(1).collect::<Vec<_>>(), &steps)
                            })
                    },
                );
                let named = BY_NAME.iter().any(|name| steps.last().is_some_and(|last| last.ends_with(name)));
                let kept = KEPT.iter().any(|(of, end, _)| *of == service && place.ends_with(end));
                if !ruled && !named && !kept {
                    open.push(format!("{service}:{} {place}", call.operation));
                }
            }
        }
    }
    assert_eq!(open, Vec::<String>::new(), "add a rule to redactions.toml, or a reason to KEPT");
}

#[test]
fn the_comparison_itself_tells_a_covered_place_from_an_open_one() {
    let split = |text: &'static str| text.split('/').skip(1).collect::<Vec<_>>();
    for (pattern, place) in [
        ("/**/Environment/Variables/*", "/Functions/*/Environment/Variables"),
        ("/**/UserData", "/LaunchTemplateVersions/*/LaunchTemplateData/UserData"),
        (
            "/Endpoints/*/OracleSettings/SecurityDbEncryption",
            "/Endpoints/*/OracleSettings/SecurityDbEncryption",
        ),
        ("/Code/Location", "/Code/Location"),
    ] {
        assert!(covers(&split(pattern), &split(place)), "{pattern} {place}");
    }
    for (pattern, place) in [
        ("/**/UserData", "/LaunchTemplateVersions/*/LaunchTemplateData/KeyName"),
        ("/**/Environment/Variables/*", "/Functions/*/Environment/Error/Message"),
        ("/Code/Location", "/Code/ImageUri"),
    ] {
        assert!(!covers(&split(pattern), &split(place)), "{pattern} {place}");
    }
    let mut models = Models::new();
    let model = models.of("lambda");
    let mut found = BTreeSet::new();
    sensitive(&model["shapes"], output(model, "ListFunctions").unwrap(), "", &mut Vec::new(), &mut found);
    assert!(found.contains("/Functions/*/Environment/Variables"), "{found:?}");
}
