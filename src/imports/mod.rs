//! Files that other tools wrote, read as plain data: a pure function of their bytes.
//!
//! A file is read whole or not at all. Its content is hostile: everything is bounded, and what is wrong with it
//! is an error with its line and column. Nothing here knows checks or resources of ours.

mod cdk_nag;
mod construct;
mod json;
mod prowler;
mod table;
mod template;
#[cfg(test)]
mod tests;
mod text;
mod validation;

use std::collections::BTreeSet;

use crate::model::{ImportFormat, ImportOutcome, harmless};
use text::Wrong;

/// Largest file that is read, in bytes.
pub const LARGEST_FILE: u64 = 64 << 20;
/// Most results that a file may hold.
pub const MOST_RESULTS: usize = 200_000;
/// Longest name of a rule or a resource, in bytes.
const LONGEST_NAME: usize = 4 << 10;
/// Longest message or reason, in bytes.
const LONGEST_PROSE: usize = 16 << 10;

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// Its form.
    pub format: ImportFormat,
    /// The tool: `cdk-nag`, `Prowler`.
    pub tool: String,
    /// Its version, where the file states one.
    pub tool_version: Option<String>,
    /// When the tool ran, as the file states it.
    pub made_at: Option<String>,
    /// The results, in the order of the file; each says something that none before it says.
    pub results: Vec<ImportedResult>,
    /// How many more say the same as one before them.
    pub repeated: u64,
}

/// How one rule came out for one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedResult {
    /// Where it stands: `line 12`, or a JSON pointer.
    pub place: String,
    /// Rule, as the tool names it: `HIPAA.Security-S3BucketSSLRequestsOnly`.
    pub rule: String,
    /// What of the rule, where the tool tells it apart: `Action::s3:*`.
    pub detail: Option<String>,
    /// How it came out.
    pub outcome: ImportOutcome,
    /// The resource.
    pub resource: ImportedResource,
    /// What the tool says of it.
    pub message: String,
    /// Why a violation is not to be reported, in the words of whoever said so.
    pub reason: Option<String>,
}

/// A resource, as another tool names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedResource {
    /// An ARN, a construct's path, a logical id.
    pub name: String,
    /// Account, where the tool states it.
    pub account: Option<String>,
    /// Region, where the tool states it.
    pub region: Option<String>,
    /// How it can be found among the resources of an account: the surest way first.
    pub keys: Vec<ResourceKey>,
}

/// A way to find a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceKey {
    /// By its ARN.
    Arn(String),
    /// By its logical id in a CloudFormation stack, both by name.
    Logical {
        /// Name of the stack.
        stack: String,
        /// Logical id.
        id: String,
    },
    /// By a construct's path: the logical id that AWS CDK makes of it is this and eight digits of a hash.
    Construct {
        /// Name of the stack.
        stack: String,
        /// Beginning of the logical id.
        start: String,
    },
    /// By its name within its kind.
    Name(String),
}

/// Why a file cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It is larger than what such tools write.
    #[error(
        "{file} has {bytes} bytes, more than the {} that are read: let the tool report fewer services or accounts at once",
        LARGEST_FILE
    )]
    TooLarge {
        /// Its name.
        file: String,
        /// Its length.
        bytes: u64,
    },
    /// It is not of a form that is known.
    #[error(
        "{file} is of no form that can be imported: {problem}. Known are: {}",
        ImportFormat::ALL.map(ImportFormat::title).join(", ")
    )]
    Unknown {
        /// Its name.
        file: String,
        /// What it looks like.
        problem: String,
    },
    /// It is of a known form and something in it is wrong.
    #[error("{file}, line {line}, column {column}: {problem}; nothing was imported from it")]
    Malformed {
        /// Its name.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1: a byte of the line, or in a CSV the number of the cell.
        column: usize,
        /// What is wrong there.
        problem: String,
    },
}

/// Reads a file; `name` is its name without folders, which some tools say more in than inside.
///
/// # Errors
/// When it is too large, of no known form, or anything in it is not as its tool writes it.
pub fn read(name: &str, bytes: &[u8]) -> Result<Imported, ImportError> {
    let file = harmless(name, 200);
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(ImportError::TooLarge { file, bytes: bytes.len() as u64 });
    }
    let malformed = |wrong: Wrong| match wrong {
        Wrong::Form(problem) => ImportError::Unknown { file: file.clone(), problem },
        Wrong::At { line, column, problem } => {
            ImportError::Malformed { file: file.clone(), line, column, problem: harmless(&problem, 400) }
        }
    };
    let content = text::utf8(bytes).map_err(malformed)?;
    let mut imported = match content.trim_start().as_bytes().first() {
        None => Err(Wrong::form("it is empty")),
        Some(b'{' | b'[') => json::read(name, content),
        Some(_) => table::read(name, content),
    }
    .map_err(malformed)?;
    let before = imported.results.len();
    drop_repeated(&mut imported.results);
    imported.repeated = (before - imported.results.len()) as u64;
    Ok(imported)
}

/// Takes out results that say what an earlier one says.
fn drop_repeated(results: &mut Vec<ImportedResult>) {
    let mut seen = BTreeSet::new();
    let first: Vec<bool> = results
        .iter()
        .map(|result| {
            let ImportedResult { place: _, rule, detail, outcome, resource, message, reason } = result;
            let ImportedResource { name, account, region, keys: _ } = resource;
            seen.insert((rule, detail, *outcome, name, account, region, message, reason))
        })
        .collect();
    let mut first = first.into_iter();
    results.retain(|_| first.next().unwrap_or(true));
}
