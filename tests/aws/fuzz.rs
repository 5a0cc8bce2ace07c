//! Random answers, read by us and by botocore's parsers and paginators (`fuzz.py`).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proofpack::aws::{Client, Models, Session, SessionOptions};
use serde::Deserialize;
use serde_json::Value;

use super::canned::{Answer, Canned};
use crate::support::collecting::options;
use crate::support::{python_tool, root, succeed};

const SEEDS: [&str; 3] = ["1", "2", "3"];
/// Cases per operation and seed; the first is an error.
const ROUNDS: &str = "8";

#[derive(Deserialize)]
struct Case {
    service: String,
    protocol: String,
    operation: String,
    parameters: Value,
    answers: Vec<CaseAnswer>,
    expected: Option<Value>,
    code: Option<String>,
}

#[derive(Deserialize)]
struct CaseAnswer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

fn canned(case: &Case) -> Vec<Answer> {
    let answers = case.answers.iter();
    let answer = |answer: &CaseAnswer| Answer {
        status: answer.status,
        headers: answer.headers.clone().into_iter().collect(),
        body: STANDARD.decode(&answer.body).unwrap(),
    };
    answers.map(answer).collect()
}

/// The models of `folder`, which `trim.py` wrote, with the list that it wrote them from.
fn models(folder: &Path, list: &Path) -> Models {
    let mut files = vec![("operations.toml".to_owned(), fs::read(list).unwrap())];
    for (prefix, folder) in [("", folder.to_path_buf()), ("endpoints/", folder.join("endpoints"))] {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_file() && path.extension().is_some_and(|extension| extension == "json") {
                let name = path.file_name().unwrap().to_str().unwrap();
                files.push((format!("{prefix}{name}"), fs::read(&path).unwrap()));
            }
        }
    }
    Models::from_files(files.iter().map(|(name, content)| (name.clone(), content.as_slice()))).unwrap()
}

async fn differences(folder: &Path, models: Models, counts: &mut BTreeMap<String, usize>) -> Vec<String> {
    let http = Canned::default();
    let options = SessionOptions { http_client: Some(http.client()), ..options("http://127.0.0.1:1") };
    let session = Arc::new(Session::load(options).await.unwrap());
    let client = Client::new(Arc::new(models), session);
    let mut differences = Vec::new();
    for seed in SEEDS {
        let script = root().join("tests/aws/fuzz.py");
        let output = succeed(python_tool("python").arg(script).arg(folder).args([seed, ROUNDS]));
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let case: Case = serde_json::from_str(line).unwrap();
            http.refill(canned(&case));
            let parameters = &case.parameters;
            let mut answer = client.call(&case.service, &case.operation, "us-east-1", parameters).await;
            // What starts and stops queries is no call that reads: it goes a way of its own, and its answers are read alike.
            if answer.as_ref().is_err_and(|failure| failure.code == "UnknownOperation") {
                answer = client.query(&case.service, &case.operation, "us-east-1", parameters).await;
            }
            let equal = match (&answer, &case.expected, &case.code) {
                (Ok(reply), Some(expected), _) => reply.value == *expected,
                (Err(failure), None, Some(code)) => failure.code == *code,
                _ => false,
            };
            if !equal {
                let ours =
                    answer.map(|reply| reply.value.to_string()).unwrap_or_else(|failure| failure.to_string());
                let theirs =
                    case.expected.map_or(case.code.unwrap_or_default(), |expected| expected.to_string());
                let bodies: Vec<String> = http
                    .remembered()
                    .into_iter()
                    .map(|answer| format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.body)))
                    .collect();
                let place = format!("seed {seed} {} {}", case.service, case.operation);
                differences
                    .push(format!("{place}\nours     {ours}\nbotocore {theirs}\n{}", bodies.join("\n")));
            }
            *counts.entry(case.protocol).or_default() += 1;
        }
    }
    differences
}

#[tokio::test]
async fn random_answers_read_as_botocore_reads_them() {
    let ours = root().join("evidence-schemas/aws");
    let more = tempfile::tempdir().unwrap();
    let list = root().join("tests/aws/fuzz-operations.toml");
    let nothing = tempfile::tempdir().unwrap();
    succeed(
        python_tool("python")
            .arg(ours.join("trim.py"))
            .args([
                "--operations".as_ref(),
                list.as_os_str(),
                "--collectors".as_ref(),
                nothing.path().as_os_str(),
            ])
            .arg("--output")
            .arg(more.path()),
    );
    let mut counts = BTreeMap::new();
    let mut found = differences(&ours, Models::embedded().unwrap(), &mut counts).await;
    found.extend(differences(more.path(), models(more.path(), &list), &mut counts).await);
    let cases: usize = counts.values().sum();
    assert!(found.is_empty(), "{} of {cases} differ {counts:?}:\n{}", found.len(), found.join("\n\n"));
    let protocols: Vec<&str> = counts.keys().map(String::as_str).collect();
    assert_eq!(protocols, ["ec2", "json", "query", "rest-json", "rest-xml"]);
    assert!(cases > 2_000, "{counts:?}");
}
