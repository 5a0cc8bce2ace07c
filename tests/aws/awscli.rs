//! The AWS CLI as a co-process, and how what it prints is held against what our client gives.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use proofpack::aws::{Failure, Reply};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::{python_tool, root};

/// A call of a service's operation, in a region, with parameters.
pub(super) type Call<'a> = (&'a str, &'a str, &'a str, &'a Value);

/// The AWS CLI as a co-process (`cli.py`).
pub(super) struct Cli {
    process: Child,
    calls: ChildStdin,
    answers: BufReader<ChildStdout>,
    _configuration: tempfile::TempDir,
}

#[derive(Deserialize)]
pub(super) struct CliAnswer {
    status: i32,
    printed: String,
    complained: String,
}

impl Cli {
    pub(super) fn start() -> Self {
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

    pub(super) fn call(
        &mut self,
        endpoint: &str,
        (service, operation, region, parameters): Call<'_>,
    ) -> CliAnswer {
        let call = json!({"service": service, "operation": operation, "region": region, "endpoint": endpoint,
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

/// What came of comparing answers.
#[derive(Default)]
pub(super) struct Comparison {
    /// Operations that were answered, and alike.
    pub(super) answered: BTreeSet<(String, String)>,
    /// How many calls came out alike, errors among them.
    pub(super) equal: usize,
    pub(super) differences: Vec<String>,
}

impl Comparison {
    pub(super) fn add(&mut self, call: Call<'_>, ours: Result<Reply, Failure>, cli: &CliAnswer) {
        let (service, operation, region, parameters) = call;
        let place = format!("{service} {operation} in {region} with {parameters:.300}");
        match (ours, cli.status) {
            (Ok(reply), 0) => {
                let printed = as_the_cli_prints(&reply.value);
                if printed == cli.printed {
                    self.equal += 1;
                    self.answered.insert((service.to_owned(), operation.to_owned()));
                } else {
                    let difference = first_difference(&printed, &cli.printed);
                    self.differences.push(format!("{place}: ours / the CLI's: {difference}"));
                }
            }
            (Err(failure), status) if status != 0 => {
                let theirs = code_of(&cli.complained).map(|code| match code.parse::<u16>() {
                    Ok(status) => format!("Http{status}"), // botocore's word for an error without a code
                    Err(_) => code.to_owned(),
                });
                if theirs.as_ref() == Some(&failure.code)
                    || theirs.is_none() && failure.code == "MalformedResponse"
                {
                    self.equal += 1;
                } else {
                    self.differences.push(format!("{place}: {failure}; the CLI: {}", cli.complained));
                }
            }
            (ours, _) => self.differences.push(format!(
                "{place}: ours {:?}; the CLI: {:.1000} {:.1000}",
                ours.map(|reply| reply.value.to_string().chars().take(1000).collect::<String>()),
                cli.printed,
                cli.complained
            )),
        }
    }
}
