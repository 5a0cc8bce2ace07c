//! What other tools found: imported files, and what an assessment says of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Outcome, Proof, Sha256Digest, Subject};

/// The form of a file that another tool wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ImportFormat {
    /// cdk-nag 2, `<pack>-<stack>-NagReport.csv`.
    CdkNagCsv,
    /// cdk-nag 2, `<pack>-<stack>-NagReport.json`.
    CdkNagJson,
    /// A CloudFormation template (JSON) with suppressions in its resources' metadata.
    CloudformationTemplate,
    /// AWS CDK, `validation-report.json` or `policy-validation-report.json`; cdk-nag 3 reports there.
    CdkValidationReport,
    /// Prowler's findings as CSV.
    ProwlerCsv,
    /// Prowler's findings as OCSF detection findings (JSON).
    ProwlerOcsf,
}

/// How a rule of another tool came out for one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ImportOutcome {
    /// The tool found a violation.
    Fail,
    /// Somebody told the tool not to report a violation: suppressed, muted, acknowledged.
    Suppressed,
    /// The tool could not decide, or leaves it to a person.
    Indeterminate,
    /// The tool found no violation.
    Pass,
}

/// Where the results of another tool stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ImportOrigin {
    /// In a file that was sealed with the evidence.
    File(ImportedFile),
    /// In the answers of an AWS service, among the evidence.
    Collected,
}

/// A file of another tool, as it was sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ImportedFile {
    /// Its name when it was imported.
    pub name: String,
    /// Its form; `None` where it could not be read again.
    pub format: Option<ImportFormat>,
    /// Its digest: `data/imports/files/<sha256>` in the bag.
    pub sha256: Sha256Digest,
    /// Its length in bytes.
    pub bytes: u64,
    /// When the tool ran, as the file itself states it.
    pub made_at: Option<String>,
}

/// What another tool found, held against our own checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ImportReport {
    /// The tool: `cdk-nag`, `Prowler`, `AWS Security Hub`.
    pub tool: String,
    /// Its version, where it states one.
    pub tool_version: Option<String>,
    /// Where the results stand.
    pub origin: ImportOrigin,
    /// The records that hold them.
    pub records: Proof,
    /// How many results there are of each outcome.
    pub counts: ImportCounts,
    /// How many rows of the file say the same as a row before them; not counted again.
    pub repeated: u64,
    /// What came of the comparison.
    pub compared: ImportComparison,
    /// Its rules, sorted by name.
    pub rules: Vec<ImportedRule>,
    /// Violations that somebody told the tool not to report, in the order of the file.
    pub suppressions: Vec<ImportedSuppression>,
    /// Why a sealed file could not be read again by this version of the program; nothing is taken from it then.
    pub problem: Option<String>,
}

/// How many results have each outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportCounts {
    /// Violations.
    pub fail: u64,
    /// Violations not to be reported.
    pub suppressed: u64,
    /// Undecided.
    pub indeterminate: u64,
    /// No violation.
    pub pass: u64,
}

/// What became of the results; each is counted in one member.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ImportComparison {
    /// Our check of the same resource came to the same result.
    pub agree: u64,
    /// Our check of the same resource came to the opposite: see the disagreements.
    pub disagree: u64,
    /// One of the two sides did not decide, or the two do not ask for the same.
    pub undecided: u64,
    /// The resource is not among those that our check was applied to.
    pub no_such_resource: u64,
    /// No check of ours is named as the rule's equivalent.
    pub no_such_check: u64,
}

/// A rule of another tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ImportedRule {
    /// Its name there.
    pub name: String,
    /// Our checks that name it as an equivalent, sorted; none: its results are listed here only.
    pub checks: Vec<String>,
    /// Its results by outcome.
    pub counts: ImportCounts,
    /// Resources of which it has a violation, and that no check of ours was applied to, sorted; at most
    /// [`ImportedRule::MOST_LISTED`].
    pub not_found: Vec<String>,
    /// How many there are beyond those listed.
    pub more_not_found: u64,
}

/// A violation that somebody told a tool not to report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ImportedSuppression {
    /// Where it stands: a line of the file, or a JSON pointer into it.
    pub place: String,
    /// Rule, as the tool names it.
    pub rule: String,
    /// What of the rule, where the tool tells it apart: `Action::s3:*`.
    pub detail: Option<String>,
    /// The resource, as the tool names it.
    pub resource: String,
    /// Why, in the words of whoever suppressed it.
    pub reason: Option<String>,
    /// Our checks that name the rule as an equivalent, sorted.
    pub checks: Vec<String>,
    /// The resource among those collected, where it could be found.
    pub subject: Option<Subject>,
    /// How our checks came out for it together.
    pub ours: Option<Outcome>,
}

/// Two opposite results for one resource; both are shown, neither is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Disagreement {
    /// The resource.
    pub subject: Subject,
    /// Our checks, sorted.
    pub checks: Vec<String>,
    /// How they came out: a pass against their violation, or a failure against their pass.
    pub ours: Outcome,
    /// What was found, in a sentence.
    pub message: String,
    /// The records that our result rests on.
    pub proof: Proof,
    /// The other side.
    pub theirs: OtherSide,
}

/// What another tool says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OtherSide {
    /// The tool.
    pub tool: String,
    /// Its rule.
    pub rule: String,
    /// How it came out there.
    pub outcome: ImportOutcome,
    /// The resource, as the tool names it.
    pub resource: String,
    /// What it says; of a suppressed violation, the reason.
    pub message: String,
    /// Where: a line of the file, or a JSON pointer into it.
    pub place: Option<String>,
    /// The records that hold it.
    pub proof: Proof,
}

impl ImportFormat {
    /// Every format.
    pub const ALL: [Self; 6] = [
        Self::CdkNagCsv,
        Self::CdkNagJson,
        Self::CloudformationTemplate,
        Self::CdkValidationReport,
        Self::ProwlerCsv,
        Self::ProwlerOcsf,
    ];

    /// The format for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::CdkNagCsv => "cdk-nag report (CSV)",
            Self::CdkNagJson => "cdk-nag report (JSON)",
            Self::CloudformationTemplate => "CloudFormation template with suppressions",
            Self::CdkValidationReport => "AWS CDK policy validation report",
            Self::ProwlerCsv => "Prowler findings (CSV)",
            Self::ProwlerOcsf => "Prowler findings (OCSF)",
        }
    }

    /// The scheme under which checks name its rules as equivalents.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::CdkNagCsv | Self::CdkNagJson | Self::CloudformationTemplate | Self::CdkValidationReport => {
                "cdk-nag"
            }
            Self::ProwlerCsv | Self::ProwlerOcsf => "prowler",
        }
    }

    /// What its records have as operation, and so as the name of their file.
    pub fn operation(self) -> &'static str {
        match self {
            Self::CdkNagCsv | Self::CdkNagJson => "NagReport",
            Self::CloudformationTemplate => "Template",
            Self::CdkValidationReport => "PolicyValidationReport",
            Self::ProwlerCsv | Self::ProwlerOcsf => "Findings",
        }
    }

    /// Whether a suppression in such a file says that there is a violation; a template only declares it, found or not.
    pub fn suppression_is_violation(self) -> bool {
        self != Self::CloudformationTemplate
    }
}

impl ImportOutcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Fail, Self::Suppressed, Self::Indeterminate, Self::Pass];

    /// The outcome in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Suppressed => "suppressed",
            Self::Indeterminate => "undecided",
            Self::Pass => "pass",
        }
    }
}

impl ImportCounts {
    /// Counts one more result.
    pub fn add(&mut self, outcome: ImportOutcome) {
        let count = match outcome {
            ImportOutcome::Fail => &mut self.fail,
            ImportOutcome::Suppressed => &mut self.suppressed,
            ImportOutcome::Indeterminate => &mut self.indeterminate,
            ImportOutcome::Pass => &mut self.pass,
        };
        *count += 1;
    }

    /// All results.
    pub fn total(&self) -> u64 {
        self.fail + self.suppressed + self.indeterminate + self.pass
    }

    /// How many have an outcome.
    pub fn of(&self, outcome: ImportOutcome) -> u64 {
        match outcome {
            ImportOutcome::Fail => self.fail,
            ImportOutcome::Suppressed => self.suppressed,
            ImportOutcome::Indeterminate => self.indeterminate,
            ImportOutcome::Pass => self.pass,
        }
    }
}

impl ImportedRule {
    /// How many resources are listed that no check was applied to.
    pub const MOST_LISTED: usize = 50;
}
