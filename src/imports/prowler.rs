//! Prowler's findings, as CSV or as OCSF detection findings.
//!
//! Source: Prowler 5 (its classes `CSV` and `OCSF`) and the class `detection_finding` of OCSF. Of a finding's many texts
//! only those are kept that say what was found where.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;

use super::json::{List, Name, Prose, parse};
use super::table::{self, Row};
use super::text::Wrong;
use super::{
    Imported, ImportedResource, ImportedResult, LONGEST_NAME, LONGEST_PROSE, MOST_RESULTS, ResourceKey,
};
use crate::model::{ImportFormat, ImportOutcome};

/// The column by which its table is known.
pub(super) const MARK: &str = "CHECK_ID";

const COLUMNS: [&str; 12] = [
    MARK,
    "PROVIDER",
    "STATUS",
    "STATUS_EXTENDED",
    "MUTED",
    "RESOURCE_UID",
    "RESOURCE_NAME",
    "ACCOUNT_UID",
    "REGION",
    "TIMESTAMP",
    "PROWLER_VERSION",
    "FINDING_UID",
];

/// How OCSF says that somebody muted a finding (`status_id` of a finding).
const OCSF_SUPPRESSED: u64 = 3;

#[derive(Deserialize)]
struct Finding {
    #[serde(default)]
    message: Prose,
    status_code: Status,
    status_id: Option<u64>,
    metadata: Metadata,
    resources: List<Resource>,
    cloud: Option<Cloud>,
    time: Option<i64>,
}

#[derive(Deserialize)]
struct Metadata {
    event_code: Name,
    product: Product,
}

#[derive(Deserialize)]
struct Product {
    name: ProductName,
    version: Option<Name>,
}

/// Other tools write OCSF too, and name their rules elsewhere.
#[derive(Deserialize)]
enum ProductName {
    Prowler,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(default)]
    uid: Name,
    #[serde(default)]
    name: Name,
    region: Option<Name>,
}

#[derive(Deserialize)]
struct Cloud {
    account: Option<Account>,
    provider: Provider,
    region: Option<Name>,
}

#[derive(Deserialize)]
struct Account {
    uid: Option<Name>,
}

#[derive(Deserialize)]
enum Provider {
    #[serde(rename = "aws")]
    Aws,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Pass,
    Fail,
    /// Prowler leaves it to a person.
    Manual,
}

impl Status {
    fn of(text: &str) -> Option<Self> {
        Some(match text {
            "PASS" => Self::Pass,
            "FAIL" => Self::Fail,
            "MANUAL" => Self::Manual,
            _ => return None,
        })
    }

    fn outcome(self, muted: bool) -> ImportOutcome {
        match (self, muted) {
            (Self::Fail, true) => ImportOutcome::Suppressed,
            (Self::Fail, false) => ImportOutcome::Fail,
            (Self::Manual, _) => ImportOutcome::Indeterminate,
            (Self::Pass, _) => ImportOutcome::Pass,
        }
    }
}

/// Reads its findings in OCSF.
pub(super) fn read_ocsf(text: &str) -> Result<Imported, Wrong> {
    let findings: List<Finding> = parse(text)?;
    if findings.0.is_empty() {
        return Err(Wrong::form("it is an empty JSON list, which does not say what made it"));
    }
    let latest = findings.0.iter().filter_map(|finding| finding.time).max();
    let made_at = latest.and_then(|seconds| DateTime::<Utc>::from_timestamp(seconds, 0));
    let version =
        findings.0.iter().find_map(|finding| Some(finding.metadata.product.version.as_ref()?.0.clone()));
    let mut results = Vec::new();
    for (index, finding) in findings.0.into_iter().enumerate() {
        let ProductName::Prowler = finding.metadata.product.name;
        let outcome = finding.status_code.outcome(finding.status_id == Some(OCSF_SUPPRESSED));
        let (account, region) = match finding.cloud {
            Some(Cloud { account, provider: Provider::Aws, region }) => {
                (account.and_then(|account| account.uid), region)
            }
            None => (None, None),
        };
        for (number, resource) in finding.resources.0.into_iter().enumerate() {
            if results.len() == MOST_RESULTS {
                return Err(Wrong::at(1, 1, format!("there are more than {MOST_RESULTS} results")));
            }
            let region = resource.region.or_else(|| region.clone());
            results.push(ImportedResult {
                place: format!("/{index}/resources/{number}"),
                rule: finding.metadata.event_code.0.clone(),
                detail: None,
                outcome,
                resource: named(
                    resource.uid.0,
                    resource.name.0,
                    account.as_ref().map(|account| account.0.clone()),
                    region.map(|region| region.0),
                ),
                message: finding.message.0.clone(),
                reason: None,
            });
        }
    }
    Ok(imported(
        ImportFormat::ProwlerOcsf,
        version,
        made_at.map(|instant| instant.to_rfc3339_opts(SecondsFormat::Secs, true)),
        results,
    ))
}

/// Reads its table of findings.
pub(super) fn read_csv(text: &str) -> Result<Imported, Wrong> {
    let (mut version, mut made_at) = (None, None);
    let mut results = Vec::new();
    table::rows(text, b';', &COLUMNS, |row| {
        results.push(row_result(row)?);
        version = row.filled("PROWLER_VERSION", LONGEST_NAME)?.or(version.take());
        made_at = row.filled("TIMESTAMP", LONGEST_NAME)?.or(made_at.take());
        Ok(())
    })?;
    Ok(imported(ImportFormat::ProwlerCsv, version, made_at, results))
}

fn row_result(row: &Row<'_>) -> Result<ImportedResult, Wrong> {
    let provider = row.cell("PROVIDER", LONGEST_NAME)?;
    if provider != "aws" {
        return Err(row.wrong(
            "PROVIDER",
            format!("PROVIDER is {provider:?}; only findings about aws can be imported"),
        ));
    }
    let status = row.cell("STATUS", LONGEST_NAME)?;
    let Some(status) = Status::of(status) else {
        return Err(row.wrong("STATUS", format!("STATUS is {status:?}; PASS, FAIL or MANUAL is expected")));
    };
    let muted = match row.cell("MUTED", LONGEST_NAME)? {
        "True" => true,
        "False" | "" => false,
        other => return Err(row.wrong("MUTED", format!("MUTED is {other:?}; True or False is expected"))),
    };
    let rule = row.cell(MARK, LONGEST_NAME)?;
    if rule.is_empty() {
        return Err(row.wrong(MARK, "the row names no check"));
    }
    Ok(ImportedResult {
        place: format!("line {}", row.line),
        rule: rule.to_owned(),
        detail: None,
        outcome: status.outcome(muted),
        resource: named(
            row.cell("RESOURCE_UID", LONGEST_NAME)?.to_owned(),
            row.cell("RESOURCE_NAME", LONGEST_NAME)?.to_owned(),
            row.filled("ACCOUNT_UID", LONGEST_NAME)?,
            row.filled("REGION", LONGEST_NAME)?,
        ),
        message: row.cell("STATUS_EXTENDED", LONGEST_PROSE)?.to_owned(),
        reason: None,
    })
}

fn imported(
    format: ImportFormat,
    tool_version: Option<String>,
    made_at: Option<String>,
    results: Vec<ImportedResult>,
) -> Imported {
    Imported { format, tool: "Prowler".into(), tool_version, made_at, results, repeated: 0 }
}

/// Its `uid` is mostly an ARN, its name the name within the kind.
fn named(uid: String, name: String, account: Option<String>, region: Option<String>) -> ImportedResource {
    let mut keys = Vec::new();
    if uid.starts_with("arn:") {
        keys.push(ResourceKey::Arn(uid.clone()));
    } else if !uid.is_empty() {
        keys.push(ResourceKey::Name(uid.clone()));
    }
    if !name.is_empty() && name != uid {
        keys.push(ResourceKey::Name(name.clone()));
    }
    ImportedResource { name: if uid.is_empty() { name } else { uid }, account, region, keys }
}
