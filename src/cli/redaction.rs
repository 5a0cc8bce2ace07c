//! `proofpack redaction`: the key under which redacted values are committed to, and what can be shown with it.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::CommandResult;
use super::config::Config;
use super::exit::{CommandError, Exit};
use crate::bundle;
use crate::collect::RedactionKey;
use crate::model::{Record, Redaction};

/// Name of the key's file beside the configuration, where the configuration names no other.
const KEY_FILE: &str = "redaction.key";

/// A value that is compared is no longer than the longest line of a bundle.
const LONGEST_VALUE: u64 = 64 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct RedactionArguments {
    #[command(subcommand)]
    command: RedactionCommand,
}

#[derive(Debug, clap::Subcommand)]
enum RedactionCommand {
    /// Say whether a value (from standard input) is the one that was redacted.
    ///
    /// Needs the key that the bundle was collected with. Nothing is written, and the value is not shown.
    #[command(
        after_help = "Example:\n  aws lambda get-function-configuration --function-name intake --query Environment.Variables.TOKEN --output text |\n    proofpack redaction check proofpack-out/bundle E-0123456789ab /outcome/response/Functions/0/Environment/Variables/TOKEN"
    )]
    Check(CheckArguments),
}

#[derive(Debug, clap::Args)]
struct CheckArguments {
    /// Bundle folder.
    bundle: PathBuf,
    /// Evidence id (E-...) of the record.
    record: String,
    /// Pointer of the redaction, as the record lists it under `redactions`.
    pointer: String,
    /// Key file; otherwise that of the configuration.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Configuration file that says where the key is.
    #[arg(long, short, value_name = "FILE", default_value = "proofpack.toml")]
    config: PathBuf,
}

pub(super) fn run(arguments: &RedactionArguments) -> CommandResult {
    match &arguments.command {
        RedactionCommand::Check(arguments) => check(arguments),
    }
}

fn check(arguments: &CheckArguments) -> CommandResult {
    let key = match &arguments.key {
        Some(path) => read_key(path)?,
        None => {
            let config = Config::read(&arguments.config)?;
            match key_of_variable(&config)? {
                Some(key) => key,
                None => read_key(&key_path(&config))?,
            }
        }
    };
    let record = record(&arguments.bundle, &arguments.record)?;
    let listed: Vec<&Redaction> =
        record.redactions.iter().filter(|redaction| redaction.pointer == arguments.pointer).collect();
    if listed.is_empty() {
        let pointers: Vec<&str> =
            record.redactions.iter().map(|redaction| redaction.pointer.as_str()).collect();
        return Err(CommandError::input(format!(
            "{} has no redaction at {:?}; it has {}",
            arguments.record,
            arguments.pointer,
            if pointers.is_empty() { "none at all".to_owned() } else { pointers.join(", ") }
        )));
    }
    let mut given = String::new();
    std::io::stdin()
        .take(LONGEST_VALUE)
        .read_to_string(&mut given)
        .map_err(|error| CommandError::input(format!("standard input cannot be read as text: {error}")))?;
    let candidates = candidates(&given);
    let equal =
        |redaction: &&&Redaction| candidates.iter().any(|value| key.is_of(&redaction.commitment, value));
    match listed.iter().find(equal) {
        Some(redaction) => {
            println!("equal: the value is the one that {} redacted at {}", redaction.rule, redaction.pointer);
            Ok(Exit::Success)
        }
        None => {
            println!(
                "not equal: with this key, the value is none that was redacted at {}",
                arguments.pointer
            );
            Ok(Exit::ProblemsFound)
        }
    }
}

/// What the given text may mean: itself, itself without the line end that shells add, and the JSON value it is.
fn candidates(given: &str) -> Vec<Value> {
    let trimmed = given.strip_suffix('\n').unwrap_or(given);
    let trimmed = trimmed.strip_suffix('\r').unwrap_or(trimmed);
    let texts = [given, trimmed].map(|text| Value::String(text.to_owned()));
    texts.into_iter().chain(serde_json::from_str(given)).collect()
}

/// The record of a bundle with this evidence id; a part of the id is enough where only one record has it.
fn record(folder: &Path, id: &str) -> Result<Record, CommandError> {
    let bundle = bundle::read(folder).map_err(CommandError::input)?;
    let digits = id.strip_prefix("E-").unwrap_or(id);
    let mut found = bundle.records.into_iter().filter(|stored| stored.id.to_string().starts_with(digits));
    match (found.next(), found.next()) {
        (Some(stored), None) if digits.len() >= 4 => Ok(stored.record),
        (None, _) => Err(CommandError::input(format!("{} has no record {id}", folder.display()))),
        _ => Err(CommandError::input(format!(
            "{id} is too short: several records of {} begin so",
            folder.display()
        ))),
    }
}

/// Where the key is.
fn key_path(config: &Config) -> PathBuf {
    let named = config.collection.redaction_key.as_deref();
    config.resolve(named.unwrap_or(Path::new(KEY_FILE)))
}

/// The key that the configured environment variable holds, where one is configured.
fn key_of_variable(config: &Config) -> Result<Option<RedactionKey>, CommandError> {
    let Some(name) = &config.collection.redaction_key_variable else { return Ok(None) };
    let text = std::env::var(name).map_err(|_| {
        CommandError::input(format!(
            "[collection] redaction-key-variable: the environment has no {name}; it must hold the 64 digits of the redaction key"
        ))
    })?;
    RedactionKey::parse(&text).map(Some).map_err(|error| CommandError::input(format!("{name}: {error}")))
}

fn read_key(path: &Path) -> Result<RedactionKey, CommandError> {
    let text = fs::read_to_string(path).map_err(|error| {
        CommandError::input(format!("cannot read the redaction key {}: {error}", path.display()))
    })?;
    RedactionKey::parse(&text).map_err(|error| CommandError::input(format!("{}: {error}", path.display())))
}

/// The run's key; it is made where there is none yet, readable for its owner only. Several runs may start at
/// once: the one that makes the file first decides.
pub(super) fn key(config: &Config) -> Result<RedactionKey, CommandError> {
    if let Some(key) = key_of_variable(config)? {
        return Ok(key);
    }
    let path = key_path(config);
    if path.exists() {
        return read_key(&path);
    }
    let text = RedactionKey::generate().map_err(CommandError::internal)?;
    let make = || -> std::io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        // Temporary files are made for their owner only, and keep that when they get their name.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(&path) {
            Err(error) if error.error.kind() != std::io::ErrorKind::AlreadyExists => Err(error.error),
            _ => Ok(()),
        }
    };
    make().map_err(|error| {
        CommandError::output(format!(
            "cannot write the redaction key {}: {error}; name another file as redaction-key under [collection]",
            path.display()
        ))
    })?;
    read_key(&path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_may_come_with_a_line_end_or_as_json() {
        assert_eq!(candidates("x\n"), [json!("x\n"), json!("x")]);
        assert_eq!(candidates("12\r\n"), [json!("12\r\n"), json!("12"), json!(12)]);
        assert_eq!(candidates(""), [json!(""), json!("")]);
    }
}
