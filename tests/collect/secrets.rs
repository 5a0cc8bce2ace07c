//! Secrets that people leave in their accounts: none of them gets into anything that is written or said.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proofpack::bundle::{SealInfo, Writer};
use proofpack::catalog::{Catalog, Redactions};
use proofpack::collect::{RedactionKey, Redactor};
use proofpack::model::{ErrorMeaning, Period, Record, RecordKind, RecordOutcome, Scope, Tool};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::seeded::collect_from;
use crate::support::bundles::{answered, refused};
use crate::support::world::World;
use crate::support::{proofpack, python_tool, root, succeed};

/// A text that occurs nowhere else: 20 letters and digits.
fn canary(number: usize) -> String {
    let digest = Sha256::digest(format!("canary {number}"));
    let alphabet = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let letters =
        digest.iter().take(18).map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()]));
    format!("{}9Z", letters.collect::<String>())
}

/// Every form in which a canary could be written: as it is, in base64 at each of the three places that it can
/// begin at, and percent-encoded.
fn forms(canary: &str) -> Vec<String> {
    let mut forms = vec![canary.to_owned(), canary.bytes().map(|byte| format!("%{byte:02X}")).collect()];
    for shift in 0..3 {
        let mut bytes = vec![0; shift];
        bytes.extend(canary.bytes());
        let encoded = STANDARD.encode(&bytes);
        // Characters that also hold bits of what is around the canary are left out.
        let whole = bytes.len() * 8 / 6;
        forms.push(encoded[[0, 2, 3][shift]..whole].to_owned());
    }
    forms
}

/// Looks for canaries in whatever form.
struct Search {
    automaton: AhoCorasick,
    canaries: Vec<String>,
    each: usize,
}

impl Search {
    fn new(canaries: &[String]) -> Self {
        let all: Vec<Vec<String>> = canaries.iter().map(|canary| forms(canary)).collect();
        let automaton = AhoCorasick::new(all.iter().flatten()).unwrap();
        Self { automaton, canaries: canaries.to_vec(), each: all[0].len() }
    }

    fn found_in(&self, bytes: &[u8]) -> BTreeSet<String> {
        let hits = self.automaton.find_overlapping_iter(bytes);
        hits.map(|hit| self.canaries[hit.pattern().as_usize() / self.each].clone()).collect()
    }

    /// In a file, in what it packs, and in what its PDF streams say.
    fn found_in_file(&self, name: &str, bytes: &[u8]) -> BTreeSet<String> {
        let mut found = self.found_in(bytes);
        if bytes.starts_with(b"PK\x03\x04") {
            let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
            for index in 0..archive.len() {
                let mut member = archive.by_index(index).unwrap();
                let (name, mut content) = (member.name().unwrap().into_owned(), Vec::new());
                member.read_to_end(&mut content).unwrap();
                found.extend(self.found_in_file(&name, &content));
            }
        }
        if name.ends_with(".pdf") {
            let document = lopdf::Document::load_mem(bytes).unwrap();
            let mut streams = 0;
            for object in document.objects.values() {
                if let Ok(stream) = object.as_stream() {
                    streams += 1;
                    found.extend(self.found_in(&stream.decompressed_content().unwrap_or_default()));
                }
            }
            assert!(streams > 5, "{name}: {streams} streams are no report");
        }
        found
    }

    fn found_in_folder(&self, folder: &Path) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(self.found_in_folder(&path));
            } else {
                found.extend(self.found_in_file(path.to_str().unwrap(), &fs::read(&path).unwrap()));
            }
        }
        found
    }
}

/// Adds the record of a call; the answer is made first.
macro_rules! add {
    ($specimens:expr, $service:expr, $operation:expr, $response:expr) => {{
        let response = $response;
        $specimens.add($service, $operation, response);
    }};
}

/// Answers of operations with canaries in every place that the rules and detectors are there for.
struct Specimens {
    canaries: Vec<String>,
    records: Vec<Record>,
}

impl Specimens {
    fn next(&mut self) -> String {
        self.canaries.push(canary(self.canaries.len()));
        self.canaries.last().unwrap().clone()
    }

    fn token(&mut self) -> String {
        format!("ghp_{}0123456789abcdef", self.next())
    }

    fn add(&mut self, service: &str, operation: &str, response: Value) {
        self.records.push(answered(service, operation, json!({ "Number": self.records.len() }), response));
    }

    fn new() -> Self {
        let mut all = Self { canaries: vec![], records: vec![] };
        for _ in 0..4 {
            all.programs();
            all.machines();
            all.stacks();
            all.tags_and_policies();
            all.jobs();
            all.other_records();
        }
        all
    }

    fn programs(&mut self) {
        let variables = json!({"PLAIN": self.next(), "DB_PASSWORD": self.next(), "URL": format!("https://u:{}@h/", self.next()), "T": self.token()});
        let function = json!({"FunctionName": "f", "Environment": {"Variables": variables}, "Description": format!("password={}", self.next())});
        add!(self, "lambda", "ListFunctions", json!({"Functions": [function.clone()]}));
        let location = format!("https://b.s3.amazonaws.com/k?X-Amz-Security-Token={}", self.next());
        add!(
            self,
            "lambda",
            "GetFunction",
            json!({"Configuration": function, "Code": {"Location": location}, "Tags": {"secret": self.next()}})
        );
        let container = json!({"name": "app", "environment": [{"name": "PLAIN", "value": self.next()}, {"name": "API_KEY", "value": self.next()}],
            "command": ["run", "--db-password", self.next(), format!("--token={}", self.next())], "entryPoint": ["sh", "-c", format!("export PASSWORD={}; run", self.next())]});
        add!(
            self,
            "ecs",
            "DescribeTaskDefinition",
            json!({"taskDefinition": {"containerDefinitions": [container]}})
        );
        let build = json!({"name": "b", "environment": {"environmentVariables": [{"name": "PLAIN", "value": self.next(), "type": "PLAINTEXT"}]},
            "source": {"buildspec": format!("env:\n  variables:\n    DB_PASSWORD: {}\n", self.next())}});
        add!(self, "codebuild", "BatchGetProjects", json!({"projects": [build]}));
        add!(
            self,
            "apigateway",
            "GetStages",
            json!({"item": [{"stageName": "prod", "variables": {"plain": self.next()}}]})
        );
    }

    fn machines(&mut self) {
        let encoded = |text: String| STANDARD.encode(text);
        let script = encoded(format!("#!/bin/sh\nJOIN={} run\n", self.next()));
        add!(
            self,
            "ec2",
            "DescribeLaunchTemplateVersions",
            json!({"LaunchTemplateVersions": [{"LaunchTemplateData": {"UserData": script}}]})
        );
        add!(
            self,
            "ec2",
            "DescribeInstanceAttribute",
            json!({"UserData": {"Value": encoded(format!("#cloud-config\nwrite_files: [{}]\n", self.next()))}})
        );
        add!(
            self,
            "autoscaling",
            "DescribeLaunchConfigurations",
            json!({"LaunchConfigurations": [{"UserData": encoded(self.next())}]})
        );
        let hidden = encoded(format!("{{\"password\": \"{}\"}}", self.next()));
        add!(
            self,
            "ssm",
            "DescribeParameters",
            json!({"Parameters": [{"Name": "/x", "Description": format!("secret: {}", self.next())}, {"Description": hidden}]})
        );
        add!(
            self,
            "ssm",
            "GetParametersByPath",
            json!({"Parameters": [{"Name": "/x", "Type": "String", "Value": self.next()}]})
        );
        add!(
            self,
            "ssm",
            "DescribeAssociation",
            json!({"AssociationDescription": {"Parameters": {"commands": [format!("echo {}", self.next())]}}})
        );
    }

    fn stacks(&mut self) {
        let parameters = json!([{"ParameterKey": "Plain", "ParameterValue": self.next()}]);
        let outputs = json!([{"OutputKey": "Url", "OutputValue": self.next()}]);
        add!(
            self,
            "cloudformation",
            "DescribeStacks",
            json!({"Stacks": [{"Parameters": parameters, "Outputs": outputs, "Description": format!("token={}", self.next())}]})
        );
        let template = json!({
            "Parameters": {"Plain": {"Type": "String", "Default": self.next()}}, "Outputs": {"Url": {"Value": self.next()}},
            "Mappings": {"Keys": {"prod": {"key": self.next()}}},
            "Resources": {"F": {"Properties": {"Environment": {"Variables": {"A": self.next()}}, "UserData": {"Fn::Base64": {"Fn::Sub": format!("#!/bin/sh\necho {}", self.next())}},
                "ContainerDefinitions": [{"Environment": [{"Name": "P", "Value": self.next()}]}], "MasterUserPassword": self.next(), "Description": self.token()}}}});
        add!(self, "cloudformation", "GetTemplate", json!({ "TemplateBody": template }));
        let text = template.to_string();
        add!(self, "cloudformation", "DescribeStackSet", json!({"StackSet": {"TemplateBody": text}}));
        let yaml = format!("Parameters:\n  Plain:\n    Default: {}\n", self.next());
        add!(self, "cloudformation", "GetTemplate", json!({ "TemplateBody": yaml }));
    }

    fn tags_and_policies(&mut self) {
        let named = json!({"Key": "db-password", "Value": self.next()});
        let formed = json!({"Key": "deploy", "Value": self.token()});
        let hidden = json!({"Key": self.token(), "Value": "x"});
        add!(self, "s3", "GetBucketTagging", json!({"TagSet": [named, formed, hidden]}));
        let statement = json!({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*",
            "Condition": {"StringEquals": {"aws:Referer": format!("Bearer {}", self.next()), "aws:UserAgent": self.token()}}});
        let policy = json!({"Version": "2012-10-17", "Id": format!("password={}", self.next()), "Statement": [statement]});
        add!(self, "s3", "GetBucketPolicy", json!({ "Policy": policy.to_string() }));
        add!(
            self,
            "iam",
            "GetAccountAuthorizationDetails",
            json!({"Policies": [{"PolicyVersionList": [{"Document": policy, "IsDefaultVersion": true}]}]})
        );
    }

    fn jobs(&mut self) {
        add!(
            self,
            "glue",
            "GetConnections",
            json!({"ConnectionList": [{"ConnectionProperties": {"PASSWORD": self.next(), "JDBC_CONNECTION_URL": format!("jdbc:x://h/{}", self.next())}}]})
        );
        add!(self, "glue", "GetJobs", json!({"Jobs": [{"DefaultArguments": {"--plain": self.next()}}]}));
        add!(
            self,
            "emr",
            "DescribeCluster",
            json!({"Cluster": {"Configurations": [{"Classification": "hive-site", "Properties": {"plain": self.next()}}]}})
        );
        add!(
            self,
            "emr",
            "ListSteps",
            json!({"Steps": [{"Config": {"Args": ["spark-submit", self.next()]}}]})
        );
        let definition = json!({"States": {"A": {"Parameters": {"password": self.next(), "headers": {"Authorization": [format!("Basic {}", STANDARD.encode(format!("u:{}", self.next())))]}}}}});
        add!(self, "stepfunctions", "DescribeStateMachine", json!({ "definition": definition.to_string() }));
        add!(
            self,
            "events",
            "ListTargetsByRule",
            json!({"Targets": [{"Input": format!("{{\"plain\": \"{}\"}}", self.next())}]})
        );
    }

    fn other_records(&mut self) {
        let mut denied =
            refused("s3", "GetBucketAcl", json!({"Bucket": self.token()}), "AccessDenied", ErrorMeaning::Gap);
        if let RecordOutcome::Error(error) = &mut denied.outcome {
            error.message = format!("user with password={} is not authorized", self.next());
        }
        self.records.push(denied);
        let event = json!({"eventName": "CreateLoginProfile", "requestParameters": {"password": self.next()},
            "responseElements": {"credentials": {"accessKeyId": "ASIAIOSFODNN7EXAMPLE", "sessionToken": self.next()}}});
        let mut excerpt =
            answered("cloudtrail", "LookupEvents", json!({"rule": "root-use"}), json!({"events": [event]}));
        excerpt.kind = RecordKind::TrailExcerpt;
        self.records.push(excerpt);
    }
}

fn redactor(redactions: &Redactions) -> Redactor {
    Redactor::new(redactions, RedactionKey::from_bytes(&[7; 32])).unwrap()
}

fn seal(records: &[Record], folder: &Path) {
    let mut writer = Writer::create(folder).unwrap();
    for record in records {
        writer.append(record).unwrap();
    }
    let instant = "2026-01-01T00:00:00Z".parse().unwrap();
    let info = SealInfo {
        tool: Tool::this(),
        catalog_sha256: Catalog::embedded().unwrap().digest,
        scope: Scope::new("aws", ["123456789012"], ["us-east-1"], Period { start: instant, end: instant }),
        collection_started: instant,
        sealed_at: instant,
        previous_manifest_sha256: None,
        shard: None,
        merged_from_sha256: Vec::new(),
        redaction_key_commitment: None,
        amends_sha256: None,
    };
    writer.seal(info).unwrap();
}

/// A folder with a configuration; what commands say there is gathered.
struct Run {
    folder: tempfile::TempDir,
    said: Vec<u8>,
}

impl Run {
    fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "organization = \"Tests\"\n[scope]\nregions = [\"us-east-1\"]\n{more}\n[signing]\ncertificate = \"signer.pem\"\nkey = \"signer-key.pem\"\n"
        );
        fs::write(folder.path().join("proofpack.toml"), text).unwrap();
        let mut run = Self { folder, said: Vec::new() };
        run.does("keygen", &[0]);
        run
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    #[track_caller]
    fn does(&mut self, command: &str, endings: &[i32]) {
        let output = proofpack().current_dir(self.folder.path()).args(command.split(' ')).output().unwrap();
        assert!(endings.contains(&output.status.code().unwrap()), "{command}: {output:?}");
        self.said.extend(output.stdout);
        self.said.extend(output.stderr);
    }

    /// The report's text, as a reader sees it.
    fn report_text(&self) -> Vec<u8> {
        let mut command = python_tool("python");
        succeed(
            command
                .arg(root().join("tests/report/extract_text.py"))
                .arg(self.path("proofpack-out/report.pdf")),
        )
        .stdout
    }
}

#[test]
fn no_canary_gets_from_an_answer_into_bundle_package_or_report() {
    let specimens = Specimens::new();
    let search = Search::new(&specimens.canaries);
    assert!(specimens.canaries.len() >= 200, "{} canaries", specimens.canaries.len());
    let all: BTreeSet<String> = specimens.canaries.iter().cloned().collect();

    let redacted = |redactions: &Redactions| {
        let redactor = redactor(redactions);
        let mut records = specimens.records.clone();
        records.iter_mut().for_each(|record| redactor.redact_record(record));
        records
    };
    // Without rules every one of them is there to be found.
    let off = tempfile::tempdir().unwrap();
    seal(&redacted(&Redactions::default()), &off.path().join("bundle"));
    assert_eq!(search.found_in_folder(off.path()), all);

    let mut run = Run::new("");
    seal(&redacted(&Catalog::embedded().unwrap().redactions), &run.path("proofpack-out/bundle"));
    for step in ["assess", "report", "sign", "package"] {
        run.does(step, &[0]);
    }
    let package = fs::read_dir(run.path("proofpack-out")).unwrap().map(|entry| entry.unwrap().path());
    let package =
        package.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "zip")).unwrap();
    run.does(&format!("verify {}", package.display()), &[0, 1]);
    let none = BTreeSet::new();
    assert_eq!(search.found_in_folder(run.folder.path()), none);
    assert_eq!(search.found_in(&run.said), none);
    assert_eq!(search.found_in(&run.report_text()), none);
}

#[test]
fn no_canary_gets_from_an_account_into_anything_that_a_run_writes_or_says() {
    let world = World::start();
    let canaries: Vec<String> = (1000..1200).map(canary).collect();
    let mut plant = python_tool("python");
    plant.arg(root().join("tests/collect/plant.py")).arg(world.endpoint());
    let mut child = plant.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(serde_json::to_string(&canaries).unwrap().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let planted: Vec<String> = serde_json::from_slice(&output.stdout).unwrap();
    let search = Search::new(&planted);

    let mut run = Run::new(&format!("[aws]\nendpoint-url = \"{}\"\n", world.endpoint()));
    run.does("run", &[0, 5]);
    let none = BTreeSet::new();
    assert_eq!(search.found_in_folder(run.folder.path()), none);
    assert_eq!(search.found_in(&run.said), none);
    assert_eq!(search.found_in(&run.report_text()), none);

    // The same collection without rules: what the answers hold of them.
    let catalog = Catalog::embedded().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (_, records) = runtime.block_on(collect_from(&world, &catalog));
    let off = tempfile::tempdir().unwrap();
    seal(&records, &off.path().join("bundle"));
    let seen = search.found_in_folder(off.path());
    println!("{} of {} planted canaries are in what is collected", seen.len(), planted.len());
    assert!(
        seen.len() >= 50,
        "only {} of {} are collected: the test would not notice",
        seen.len(),
        planted.len()
    );
}

#[test]
fn the_search_itself_finds_every_form() {
    let name = canary(0);
    let search = Search::new(std::slice::from_ref(&name));
    let hidden = |text: &str| !search.found_in(text.as_bytes()).is_empty();
    for before in ["", "x", "xy", "xyz"] {
        assert!(hidden(&STANDARD.encode(format!("{before}{name} and more"))), "{before}");
    }
    assert!(hidden(&format!("-{name}-")));
    assert!(hidden(&name.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>()));
    assert!(!hidden(&name[1..]) && !hidden(&canary(1)));
}
