//! The reports of cdk-nag 2: one file for each rule pack and stack, as CSV or JSON.
//!
//! Source: the class `NagReportLogger` of cdk-nag 2.38. Rows have no finding of a rule with several, so that some are alike.

use serde::Deserialize;

use super::json::{List, Name, Prose, parse};
use super::text::{Wrong, rule_and_detail};
use super::{Imported, ImportedResource, ImportedResult, LONGEST_NAME, LONGEST_PROSE, construct, table};
use crate::model::{ImportFormat, ImportOutcome};

/// The column by which a report is known.
pub(super) const MARK: &str = "Rule ID";

const COLUMNS: [&str; 6] = [MARK, "Resource ID", "Compliance", "Exception Reason", "Rule Level", "Rule Info"];

/// What stands where there is no reason.
const NO_REASON: &str = "N/A";

#[derive(Deserialize)]
struct Report {
    lines: List<Line>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    rule_id: Name,
    resource_id: Name,
    compliance: Compliance,
    exception_reason: Prose,
    rule_info: Prose,
}

#[derive(Clone, Copy, Deserialize)]
enum Compliance {
    Compliant,
    #[serde(rename = "Non-Compliant")]
    NonCompliant,
    Suppressed,
    /// The rule failed to decide: a value is only known when the stack is deployed.
    #[serde(rename = "UNKNOWN")]
    Unknown,
}

impl Compliance {
    fn of(text: &str) -> Option<Self> {
        Some(match text {
            "Compliant" => Self::Compliant,
            "Non-Compliant" => Self::NonCompliant,
            "Suppressed" => Self::Suppressed,
            "UNKNOWN" => Self::Unknown,
            _ => return None,
        })
    }

    fn outcome(self) -> ImportOutcome {
        match self {
            Self::Compliant => ImportOutcome::Pass,
            Self::NonCompliant => ImportOutcome::Fail,
            Self::Suppressed => ImportOutcome::Suppressed,
            Self::Unknown => ImportOutcome::Indeterminate,
        }
    }
}

/// Reads a report in JSON.
pub(super) fn read_json(file: &str, text: &str) -> Result<Imported, Wrong> {
    let report: Report = parse(text)?;
    let stacks = stacks(file);
    let lines = report.lines.0.into_iter().enumerate();
    let results = lines.map(|(index, line)| {
        let place = format!("/lines/{index}");
        let texts = [line.rule_id.0, line.resource_id.0, line.exception_reason.0, line.rule_info.0];
        result(place, texts, line.compliance, &stacks)
    });
    Ok(imported(ImportFormat::CdkNagJson, results.collect()))
}

/// Reads a report in CSV.
pub(super) fn read_csv(file: &str, text: &str) -> Result<Imported, Wrong> {
    let stacks = stacks(file);
    let mut results = Vec::new();
    table::rows(text, b',', &COLUMNS, |row| {
        let compliance = row.cell("Compliance", LONGEST_NAME)?;
        let Some(compliance) = Compliance::of(compliance) else {
            let expected = "Compliant, Non-Compliant, Suppressed or UNKNOWN is expected";
            return Err(row.wrong("Compliance", format!("Compliance is {compliance:?}; {expected}")));
        };
        let rule = row.cell(MARK, LONGEST_NAME)?;
        if rule.is_empty() {
            return Err(row.wrong(MARK, "the row names no rule"));
        }
        let texts = [
            rule,
            row.cell("Resource ID", LONGEST_NAME)?,
            row.cell("Exception Reason", LONGEST_PROSE)?,
            row.cell("Rule Info", LONGEST_PROSE)?,
        ];
        results.push(result(format!("line {}", row.line), texts.map(str::to_owned), compliance, &stacks));
        Ok(())
    })?;
    Ok(imported(ImportFormat::CdkNagCsv, results))
}

fn imported(format: ImportFormat, results: Vec<ImportedResult>) -> Imported {
    Imported { format, tool: "cdk-nag".into(), tool_version: None, made_at: None, results, repeated: 0 }
}

fn result(
    place: String,
    [rule, path, reason, message]: [String; 4],
    compliance: Compliance,
    stacks: &[String],
) -> ImportedResult {
    let (rule, detail) = rule_and_detail(&rule);
    let outcome = compliance.outcome();
    let reason = (outcome == ImportOutcome::Suppressed && reason != NO_REASON).then_some(reason);
    ImportedResult { place, rule, detail, outcome, resource: resource(path, stacks), message, reason }
}

/// The resource behind a construct's path.
pub(super) fn resource(path: String, stacks: &[String]) -> ImportedResource {
    let keys = construct::keys(&path, stacks);
    ImportedResource { name: path, account: None, region: None, keys }
}

/// Names that the stack may have by the file's name: `<pack>-<stack>-NagReport.csv`, in older versions
/// `<pack>--<stack>-NagReport.csv`, with the stage before the stack where there is one.
fn stacks(file: &str) -> Vec<String> {
    let Some((stem, _)) = file.split_once("-NagReport.") else { return Vec::new() };
    let Some((_, stack)) = stem.split_once('-') else { return Vec::new() };
    let stack = stack.trim_start_matches('-');
    let mut stacks = vec![stack.to_owned()];
    stacks.extend(stack.split_once('-').map(|(_, inner)| inner.to_owned()));
    stacks.retain(|stack| !stack.is_empty());
    stacks
}

#[cfg(test)]
mod tests {
    use super::stacks;

    #[test]
    fn the_files_name_tells_the_stack() {
        assert_eq!(stacks("HIPAA.Security-OpenEmr-NagReport.csv"), ["OpenEmr"]);
        assert_eq!(stacks("HIPAA.Security--OpenEmr-NagReport.json"), ["OpenEmr"]);
        assert_eq!(stacks("AwsSolutions-Prod-OpenEmr-NagReport.csv"), ["Prod-OpenEmr", "OpenEmr"]);
        assert!(stacks("report.csv").is_empty());
    }
}
