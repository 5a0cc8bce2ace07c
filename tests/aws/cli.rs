//! Byte equality with the AWS CLI: every operation of the models, on the same server.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use proofpack::aws::{Client, Failure, Models, Reply};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::world::{World, client, options};
use crate::support::{python_tool, root};

const REGION: &str = "us-east-1";
const MOST_ITEMS: usize = 12;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Calls {
    call: BTreeMap<String, CallRule>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallRule {
    parameters: Option<Value>,
    each: Option<String>,
    items: Option<String>,
    parameter: Option<String>,
    #[serde(default)]
    prepare: bool,
    #[serde(default)]
    volatile: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unanswered {
    operation: Vec<UnansweredOperation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnansweredOperation {
    service: String,
    operation: String,
    code: String,
    reason: String,
    instead: Option<Value>,
}

/// The AWS CLI as a co-process (`cli.py`).
struct Cli {
    process: Child,
    calls: ChildStdin,
    answers: BufReader<ChildStdout>,
    _configuration: tempfile::TempDir,
}

#[derive(Deserialize)]
struct CliAnswer {
    status: i32,
    printed: String,
    complained: String,
}

impl Cli {
    fn start() -> Self {
        let configuration = tempfile::tempdir().unwrap();
        let file = configuration.path().join("config");
        let settings = "[default]\ncli_timestamp_format = iso8601\nmax_attempts = 1\ns3 =\n    addressing_style = path\n";
        fs::write(&file, settings).unwrap();
        let mut process = python_tool("python")
            .arg(root().join("tests/aws/cli.py"))
            .env("AWS_CONFIG_FILE", &file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (calls, answers) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { process, calls, answers: BufReader::new(answers), _configuration: configuration }
    }

    fn call(&mut self, endpoint: &str, service: &str, operation: &str, parameters: &Value) -> CliAnswer {
        let call = json!({"service": service, "operation": operation, "region": REGION, "endpoint": endpoint,
            "parameters": parameters});
        writeln!(self.calls, "{call}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{service} {operation}: {error}: {line:?}"))
    }
}

impl Drop for Cli {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the CLI would have printed for our value.
fn as_the_cli_prints(value: &Value) -> String {
    if value == &json!({}) {
        return String::new();
    }
    let mut text = Vec::new();
    let indented = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut text, indented)).unwrap();
    String::from_utf8(text).unwrap() + "\n"
}

/// The code in `An error occurred (Code) when calling the ...`.
fn code_of(complaint: &str) -> Option<&str> {
    Some(complaint.split_once("An error occurred (")?.1.split_once(')')?.0)
}

/// The text without the values of members that the server makes anew for each answer.
fn without(volatile: &[String], printed: &str) -> String {
    let name_of = |line: &str| Some(line.trim_start().strip_prefix('"')?.split_once("\": ")?.0.to_owned());
    let keep = |line: &&str| !name_of(line).is_some_and(|name| volatile.contains(&name));
    printed.lines().filter(keep).collect::<Vec<_>>().join("\n")
}

/// Where two texts part.
fn first_difference(ours: &str, theirs: &str) -> String {
    let lines = ours.lines().zip(theirs.lines()).enumerate();
    let part = lines.into_iter().find(|(_, (ours, theirs))| ours != theirs);
    part.map_or_else(
        || {
            format!(
                "{} lines, the CLI {}: {ours:.400} / {theirs:.400}",
                ours.lines().count(),
                theirs.lines().count()
            )
        },
        |(line, (ours, theirs))| format!("line {}: {ours} / {theirs}", line + 1),
    )
}

#[derive(Default)]
struct Comparison {
    equal: usize,
    answered: BTreeSet<(String, String)>,
    codes: BTreeMap<(String, String), BTreeSet<String>>,
    differences: Vec<String>,
}

impl Comparison {
    fn add(
        &mut self,
        service: &str,
        operation: &str,
        volatile: &[String],
        ours: Result<Reply, Failure>,
        cli: &CliAnswer,
    ) {
        let place = (service.to_owned(), operation.to_owned());
        match (ours, cli.status) {
            (Ok(reply), 0) => {
                let printed = as_the_cli_prints(&reply.value);
                if printed == cli.printed
                    || !volatile.is_empty() && without(volatile, &printed) == without(volatile, &cli.printed)
                {
                    self.equal += 1;
                    self.answered.insert(place);
                } else {
                    let difference = first_difference(&printed, &cli.printed);
                    self.differences.push(format!("{service} {operation} ours / the CLI's: {difference}"));
                }
            }
            (Err(failure), status) if status != 0 => {
                let theirs = code_of(&cli.complained).map(|code| match code.parse::<u16>() {
                    Ok(status) => format!("Http{status}"), // botocore's word for an error without a code
                    Err(_) => code.to_owned(),
                });
                if theirs.as_ref() == Some(&failure.code) {
                    self.equal += 1;
                } else if theirs.is_some() || failure.code != "MalformedResponse" {
                    self.differences
                        .push(format!("{service} {operation}: {failure}; the CLI: {}", cli.complained));
                }
                self.codes.entry(place).or_default().insert(failure.code);
            }
            (ours, _) => self.differences.push(format!(
                "{service} {operation}: ours {:?}; the CLI: {} {}",
                ours.map(|reply| reply.value),
                cli.printed,
                cli.complained
            )),
        }
    }
}

/// Parameters and what they were answered with, call by call.
type Answers = Vec<(Value, Result<Reply, Failure>)>;

/// Makes one operation's calls, after those that they depend on, and keeps the answers for others.
struct Caller<'a> {
    client: &'a Client,
    rules: &'a Calls,
    answers: BTreeMap<String, Answers>,
}

impl Caller<'_> {
    async fn make(&mut self, name: &str) {
        let mut pending = vec![name.to_owned()];
        while let Some(next) = pending.last().cloned() {
            let each = self.rules.call.get(&next).and_then(|rule| rule.each.clone());
            match each {
                Some(first) if !self.answers.contains_key(&first) => pending.push(first),
                _ => {
                    if !self.answers.contains_key(&next) {
                        let answers = self.make_now(&next).await;
                        self.answers.insert(next.clone(), answers);
                    }
                    pending.pop();
                }
            }
        }
    }

    async fn make_now(&self, name: &str) -> Vec<(Value, Result<Reply, Failure>)> {
        let (service, operation) = name.split_once(' ').unwrap();
        let mut answers = Vec::new();
        for parameters in self.parameters(name) {
            if self.rules.call.get(name).is_some_and(|rule| rule.prepare) {
                let _ = self.client.call(service, operation, REGION, &parameters).await;
            }
            let answer = self.client.call(service, operation, REGION, &parameters).await;
            answers.push((parameters, answer));
        }
        answers
    }

    fn parameters(&self, name: &str) -> Vec<Value> {
        let Some(rule) = self.rules.call.get(name) else { return vec![json!({})] };
        let constant = rule.parameters.clone().unwrap_or_else(|| json!({}));
        let Some(each) = &rule.each else { return vec![constant] };
        let items = jmespath::compile(rule.items.as_deref().unwrap()).unwrap();
        let parameter = rule.parameter.as_deref().unwrap();
        let found =
            self.answers[each].iter().filter_map(|(_, answer)| answer.as_ref().ok()).flat_map(|reply| {
                let found = items.search(&reply.value).unwrap();
                serde_json::from_value::<Vec<String>>(serde_json::to_value(&*found).unwrap())
                    .unwrap_or_default()
            });
        let with = |item: String| {
            let mut parameters = constant.clone();
            match parameter.strip_suffix("[]") {
                Some(list) => parameters[list] = json!([item]),
                None => parameters[parameter] = json!(item),
            }
            parameters
        };
        found.take(MOST_ITEMS).map(with).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_prints_what_the_aws_cli_prints() {
    let rules: Calls =
        toml::from_str(&fs::read_to_string(root().join("tests/aws/calls.toml")).unwrap()).unwrap();
    let unanswered = fs::read_to_string(root().join("tests/aws/unanswered.toml")).unwrap();
    let unanswered: Unanswered = toml::from_str(&unanswered).unwrap();
    let world = World::start();
    let mut cli = Cli::start();
    let client = client(options(&world.endpoint)).await;
    let mut caller = Caller { client: &client, rules: &rules, answers: BTreeMap::new() };
    let models = Models::embedded().unwrap();
    let mut comparison = Comparison::default();
    for (service, operation) in models.operations() {
        let name = format!("{service} {operation}");
        caller.make(&name).await;
        let volatile = rules.call.get(&name).map(|rule| rule.volatile.as_slice()).unwrap_or_default();
        for (parameters, ours) in &caller.answers[&name] {
            let theirs = cli.call(&world.endpoint, service, operation, parameters);
            comparison.add(service, operation, volatile, ours.clone(), &theirs);
        }
    }
    let failed = std::mem::take(&mut comparison.answered);
    for listed in &unanswered.operation {
        let (service, operation) = (listed.service.as_str(), listed.operation.as_str());
        let Some(instead) = &listed.instead else { continue };
        let fixture = json!({format!("{service}:{operation}"): instead});
        world.control("fixtures", &fixture);
        let name = format!("{service} {operation}");
        let (parameters, _) = caller.answers[&name].first().unwrap_or_else(|| panic!("{name}: no call"));
        let ours = client.call(service, operation, REGION, parameters).await;
        let theirs = cli.call(&world.endpoint, service, operation, parameters);
        comparison.add(service, operation, &[], ours, &theirs);
        if !comparison.answered.contains(&(service.to_owned(), operation.to_owned())) {
            comparison.differences.push(format!("{service} {operation}: not answered with what was told"));
        }
    }
    comparison.answered = failed;
    for name in rules.call.keys() {
        let (service, operation) = name.split_once(' ').unwrap();
        assert!(models.has(service, operation), "calls.toml names {name}, which the models do not have");
    }
    let mut problems = comparison.differences;
    for (service, operation) in models.operations() {
        let place = (service.to_owned(), operation.to_owned());
        let listed = unanswered.operation.iter().find(|o| o.service == service && o.operation == operation);
        let codes = comparison.codes.get(&place).cloned().unwrap_or_default();
        match (listed, comparison.answered.contains(&place)) {
            (None, true) => {}
            (None, false) => problems.push(format!("{service} {operation} was never answered: {codes:?}")),
            (Some(_), true) => {
                problems.push(format!(
                    "{service} {operation} is answered by now; take it out of unanswered.toml"
                ));
            }
            (Some(listed), false) => {
                assert!(!listed.reason.is_empty());
                if !codes.iter().eq([&listed.code]) {
                    problems.push(format!("{service} {operation} fails with {codes:?}, not {}", listed.code));
                }
            }
        }
    }
    assert!(
        problems.is_empty(),
        "{}\n{} problems, {} equal",
        problems.join("\n"),
        problems.len(),
        comparison.equal
    );
}
