//! The files that the configuration names, and the records that they become.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::json;

use super::secrets::Detector;
use crate::assess::matches_glob;
use crate::bundle::{Addition, Attachment};
use crate::canonical;
use crate::catalog::Catalog;
use crate::cli::config::Config;
use crate::cli::exit::CommandError;
use crate::imports::{self, Imported, LARGEST_FILE};
use crate::model::{
    AttachedFile, ImportCounts, Record, RecordKind, RecordOutcome, Sha256Digest, Source, harmless,
};

/// What stands for any characters in the last part of a path.
const ANY: char = '*';

/// A file that can be imported.
pub(super) struct Prepared {
    pub(super) path: PathBuf,
    pub(super) name: String,
    /// When the file was last written.
    pub(super) written_at: DateTime<Utc>,
    pub(super) bytes: Vec<u8>,
    pub(super) sha256: Sha256Digest,
    pub(super) imported: Imported,
    pub(super) counts: ImportCounts,
    /// How many rules it has results of.
    pub(super) rules: usize,
}

/// The files that the configuration names, each with the record that it becomes: the same file gives the same record.
///
/// # Errors
/// When a file cannot be read, is of no known form or wrong, or holds a secret: all of that.
pub(in crate::cli) fn additions(config: &Config, catalog: &Catalog) -> Result<Vec<Addition>, CommandError> {
    let paths = named(config)?;
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let detector = Detector::new(catalog)?;
    let mut problems = Vec::new();
    let mut prepared: Vec<Prepared> = Vec::new();
    let mut seen: BTreeMap<Sha256Digest, PathBuf> = BTreeMap::new();
    for path in paths {
        match prepare(&path, &detector) {
            Ok(file) => match seen.insert(file.sha256, path.clone()) {
                None => prepared.push(file),
                Some(other) => problems.push(format!(
                    "{} and {} are the same file: name one of them",
                    other.display(),
                    path.display()
                )),
            },
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(prepared.into_iter().map(addition).collect())
    } else {
        Err(CommandError::input(format!("[imports] files:\n{}", problems.join("\n"))))
    }
}

/// The files that the configuration names; `*` in the last part of a path stands for any characters.
///
/// # Errors
/// When a pattern matches nothing: then what was meant to be imported is not there.
pub(super) fn named(config: &Config) -> Result<Vec<PathBuf>, CommandError> {
    let mut paths = Vec::new();
    for path in &config.imports.files {
        let path = config.resolve(path);
        let pattern = path.file_name().and_then(|name| name.to_str()).filter(|name| name.contains(ANY));
        let Some(pattern) = pattern else {
            paths.push(path);
            continue;
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let unreadable = |error| {
            CommandError::input(format!("[imports] files: cannot list {}: {error}", folder.display()))
        };
        let mut found = BTreeSet::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name();
            if name.to_str().is_some_and(|name| matches_glob(pattern, name, false)) {
                found.insert(folder.join(name));
            }
        }
        if found.is_empty() {
            return Err(CommandError::input(format!(
                "[imports] files: nothing in {} is called {pattern}",
                folder.display()
            )));
        }
        paths.extend(found);
    }
    Ok(paths)
}

/// Reads a file and everything in it.
pub(super) fn prepare(path: &Path, detector: &Detector) -> Result<Prepared, String> {
    let shown = harmless(&path.display().to_string(), 400);
    let unreadable = |error: std::io::Error| format!("{shown} cannot be read: {error}");
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(format!("{shown} is not a file"));
    }
    let written_at = DateTime::<Utc>::from(metadata.modified().map_err(unreadable)?).trunc_subsecs(0);
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let imported = imports::read(&name, &bytes).map_err(|error| format!("{shown}: {error}"))?;
    if let Some(secret) = detector.find(&bytes) {
        return Err(format!("{shown}{secret}"));
    }
    let mut counts = ImportCounts::default();
    imported.results.iter().for_each(|result| counts.add(result.outcome));
    let rules = imported.results.iter().map(|result| &result.rule).collect::<BTreeSet<_>>().len();
    let sha256 = canonical::sha256(&bytes);
    Ok(Prepared { path: path.to_owned(), name, written_at, bytes, sha256, imported, counts, rules })
}

/// What the record of an import says: what was imported, and what was found in it. It is about no single account and
/// nobody's call.
fn addition(prepared: Prepared) -> Addition {
    let imported = &prepared.imported;
    let file = AttachedFile {
        name: prepared.name.clone(),
        sha256: prepared.sha256,
        bytes: prepared.bytes.len() as u64,
    };
    let response = json!({
        "format": imported.format,
        "tool": imported.tool,
        "tool-version": imported.tool_version,
        "made-at": imported.made_at,
        "counts": prepared.counts,
        "repeated": imported.repeated,
        "files": [file],
    });
    let record = Record {
        kind: RecordKind::Import,
        version: Record::VERSION,
        source: Source {
            partition: String::new(),
            account: String::new(),
            region: String::new(),
            service: imported.format.scheme().to_owned(),
            operation: imported.format.operation().to_owned(),
            parameters: json!({ "file": prepared.name, "sha256": prepared.sha256 }),
            caller: String::new(),
            endpoint: String::new(),
        },
        collected_at: prepared.written_at,
        exchanges: Vec::new(),
        outcome: RecordOutcome::Response(response),
        redactions: Vec::new(),
    };
    Addition { record, files: vec![Attachment::Bytes(prepared.bytes)] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name) in [
            ("*-NagReport.csv", "HIPAA.Security-A-NagReport.csv"),
            ("HIPAA*Report*", "HIPAA.Security-A-NagReport.csv"),
            ("*", ""),
            ("a*b*c", "a--b--b-c"),
        ] {
            assert!(matches_glob(pattern, name, false), "{pattern} {name}");
        }
        for (pattern, name) in [("*.csv", "a.json"), ("a*a", "a"), ("a*b*c", "a-c-b"), ("*x*x*", "x")] {
            assert!(!matches_glob(pattern, name, false), "{pattern} {name}");
        }
    }
}
