//! The assessment: `assessment.json`, a pure function of bundle, catalog, exceptions, parameters and `as-of`.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    AccessReview, AttestationEntry, CoverageEntry, Disagreement, ExceptionReport, Finding, GapReason,
    ImportReport, RecordId, RecordKind, Scope, Severity, Sha256Digest, Tool, TrailSource,
};

/// A bundle judged against one framework or several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Assessment {
    /// Version of the assessment format; 1.
    pub version: u32,
    /// The program that assessed.
    pub tool: Tool,
    /// The instant at which ages and expiries are judged.
    pub as_of: DateTime<Utc>,
    /// The bundle that was assessed.
    pub bundle: BundleReference,
    /// Digest of the whole catalog that it was assessed with.
    pub catalog_sha256: Sha256Digest,
    /// The parameters that were used, by name.
    pub parameters: BTreeMap<String, UsedParameter>,
    /// The frameworks that it was assessed against, in the order asked for; they share checks and findings.
    pub frameworks: Vec<FrameworkAssessment>,
    /// The checks that were run, each for at least one of the frameworks, sorted by id.
    pub checks: Vec<AssessedCheck>,
    /// Findings, sorted by check and subject.
    pub findings: Vec<Finding>,
    /// Exceptions in the order of their file.
    pub exceptions: Vec<ExceptionReport>,
    /// The register of attestations, by id and in the order in which they were made.
    pub attestations: Vec<AttestationEntry>,
    /// What other tools found: imported files in the manifest's order, then AWS Security Hub and AWS Config.
    pub imports: Vec<ImportReport>,
    /// Where they and our checks came to opposite results for the same resource, sorted by resource.
    pub disagreements: Vec<Disagreement>,
    /// The resources that the records describe, sorted by kind, account, region and id.
    pub resources: Vec<ResourceEntry>,
    /// Who can do what in the accounts.
    #[serde(default)]
    pub access_review: AccessReview,
    /// How much of the audit period validated CloudTrail log files cover, by account and region; empty where no trail
    /// with digest files was read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coverage: Vec<CoverageEntry>,
    /// What was read of CloudTrail for the excerpts, by account, region and source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trail_sources: Vec<TrailSource>,
    /// Index of every record of the bundle, in the manifest's order.
    pub evidence: Vec<EvidenceEntry>,
}

/// Which bundle was assessed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BundleReference {
    /// SHA-256 of `data/manifest.json`.
    pub manifest_sha256: Sha256Digest,
    /// Root of the Merkle tree over its records.
    pub merkle_root: Sha256Digest,
    /// What it covers.
    pub scope: Scope,
    /// When its first record was obtained.
    pub collection_started: DateTime<Utc>,
    /// When it was sealed.
    pub sealed_at: DateTime<Utc>,
    /// Number of records.
    pub records: u64,
}

/// A threshold that checks were run with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsedParameter {
    /// The value.
    pub value: Value,
    /// The catalog's own value; another than `value` where the configuration set one.
    pub default: Value,
    /// What it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Where the default comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// What the findings say about one framework's controls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrameworkAssessment {
    /// Which framework.
    pub reference: FrameworkReference,
    /// Its controls, in its order.
    pub controls: Vec<ControlResult>,
    /// How many of them have each status, in order of precedence.
    pub summary: Vec<StatusCount>,
}

/// Which framework it was assessed against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FrameworkReference {
    /// Id: `hipaa-security-rule`.
    pub id: String,
    /// Title.
    pub title: String,
    /// Edition of the regulation that the data follows.
    pub edition: String,
}

/// How binding a specification is (45 CFR 164.306(d)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Obligation {
    /// Must be implemented.
    Required,
    /// Must be implemented, or the decision not to must be documented.
    Addressable,
}

/// The status of a control; the order is the order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ControlStatus {
    /// A check failed and no exception covers it.
    NotSatisfied,
    /// Evidence that the control needs could not be seen.
    Indeterminate,
    /// An attestation that the control asks for was not made.
    AttestationMissing,
    /// An attestation that the control asks for no longer holds.
    AttestationExpired,
    /// Satisfied, but for failures that were accepted, or by the documented decision not to implement it.
    SatisfiedWithExceptions,
    /// All evidence supports it.
    Satisfied,
    /// Nothing in scope that it could apply to.
    NotApplicable,
}

/// One control and what proves it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ControlResult {
    /// Citation: `164.312(a)(2)(iv)`.
    pub id: String,
    /// Title in the regulation.
    pub title: String,
    /// The standard that an implementation specification belongs to; `None` for a standard.
    pub parent: Option<String>,
    /// Safeguard group: `Technical safeguards`.
    pub group: String,
    /// Required or addressable; `None` for a standard that has specifications of its own.
    pub obligation: Option<Obligation>,
    /// What it requires, in the regulation's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<String>,
    /// What an auditor examines, in our words.
    pub guidance: String,
    /// Status of the control, that of its specifications included.
    pub status: ControlStatus,
    /// Ids of the checks mapped to it, sorted.
    pub checks: Vec<String>,
    /// Excerpts that it asks for.
    pub excerpts: Vec<ExcerptResult>,
    /// Attestations that it asks for.
    pub attestations: Vec<AttestationResult>,
    /// For an addressable specification: the documented decision not to implement it (45 CFR 164.306(d)(3)), should there
    /// be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternative: Option<AttestationResult>,
    /// Whether its own status would be another without that decision.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rests_on_alternative: bool,
}

/// An excerpt that a control asks for, and the records that hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ExcerptResult {
    /// Rule id.
    pub rule: String,
    /// Title of the rule.
    pub title: String,
    /// Why an auditor wants to see it.
    pub reason: String,
    /// Whether its events tell of something done to the trail or its log files: what is not in them may be missing for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub about_the_trail: bool,
    /// The rule's parameters as its records were made with them; several values where records were made with different ones.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Vec<Value>>,
    /// How many events the records hold; one that several of them hold counts once.
    pub events: u64,
    /// How many matches more than events the records count: events beyond a limit, and events that were delivered again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_kept: u64,
    /// The first of the events, by time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first: Vec<ExcerptEvent>,
    /// The records; empty where no trail was read.
    pub records: Vec<RecordId>,
    /// Those of them that are gaps.
    pub gaps: Vec<RecordId>,
    /// Accounts in scope for which there is no record of the rule, not even a gap.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts_without: Vec<String>,
    /// Records of the rule `trail-coverage` that say that the log files do not cover the whole period, or that they could
    /// not be validated: nobody knows what is not in these log files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_covered: Vec<RecordId>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// An event of an excerpt, as far as it is shown; the records hold it whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ExcerptEvent {
    /// `eventTime`, as it was logged.
    pub time: String,
    /// `eventSource`: the service.
    pub source: String,
    /// `eventName`: the call, or what happened.
    pub name: String,
    /// `awsRegion`.
    pub region: String,
    /// Who: the ARN of `userIdentity`, or the next best that it tells.
    pub principal: Option<String>,
    /// `sourceIPAddress`: an address, or the name of the AWS service that called.
    pub source_address: Option<String>,
    /// `errorCode`, where the call was refused or failed.
    pub error: Option<String>,
    /// The members that the rule wants shown, by their paths.
    pub shown: BTreeMap<String, String>,
    /// The records that hold it.
    pub records: Vec<RecordId>,
}

/// An attestation that a control asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AttestationResult {
    /// What is asked for.
    pub need: AttestationNeed,
    /// The record that holds the one that was made last.
    pub record: Option<RecordId>,
    /// Whether it holds at `as-of`.
    pub holds: bool,
    /// The last day on which it holds or held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds_until: Option<NaiveDate>,
    /// The records of those that it has taken the place of, in the order in which they were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub superseded: Vec<RecordId>,
}

/// What a control wants a person to state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AttestationNeed {
    /// Id: `risk-analysis`.
    pub id: String,
    /// The statement that is asked for.
    pub statement: String,
    /// For how many days one holds.
    pub valid_days: u32,
}

/// How many controls have a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusCount {
    /// The status.
    pub status: ControlStatus,
    /// How many controls have it.
    pub count: u64,
}

/// A check as it was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AssessedCheck {
    /// Check id.
    pub id: String,
    /// Title.
    pub title: String,
    /// Kind of resource.
    pub resource: String,
    /// Severity of a failure.
    pub severity: Severity,
    /// Why it matters.
    pub rationale: String,
    /// The CEL predicate that says which resources of the kind the check is about; `None`: all of them.
    pub applies: Option<String>,
    /// The CEL predicate, as evaluated.
    pub expression: String,
    /// The sample events that it puts to filters of logs, with CloudTrail's members.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<BTreeMap<String, Value>>,
    /// What to do about a failure.
    pub remediation: String,
    /// Names of equivalent rules elsewhere, by scheme (`cdk-nag`, `config-rule`, `prowler`, `security-hub`).
    pub references: BTreeMap<String, Vec<String>>,
    /// Where the properties that it reads stand in AWS's answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<PropertySource>,
}

/// Where a property of a kind of resources stands in AWS's answers: what decides, for whoever looks at a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PropertySource {
    /// Kind of resource.
    pub kind: String,
    /// Name of the property.
    pub property: String,
    /// Service of the call.
    pub service: String,
    /// Operation of the call.
    pub operation: String,
    /// Where the call lists the resources, and the property is a member of the resource's own element; `None` where the whole
    /// answer is about the resource. A JSON pointer (RFC 6901) into the response that passes through lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<String>,
    /// The members that are read, likewise; `*` stands for every member of an object.
    pub members: Vec<String>,
}

/// One resource of the inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceEntry {
    /// Kind, as the collectors name it.
    pub kind: String,
    /// Account.
    pub account: String,
    /// Region, or `global`.
    pub region: String,
    /// Name within its kind.
    pub id: String,
    /// ARN.
    pub arn: String,
    /// Tags, as AWS gives them: text that anyone who may tag chose.
    pub tags: BTreeMap<String, String>,
    /// The record that says that it exists.
    pub record: RecordId,
}

/// One line of the evidence index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EvidenceEntry {
    /// Record id.
    pub id: RecordId,
    /// Sort of evidence.
    pub kind: RecordKind,
    /// File in the bag.
    pub path: String,
    /// Line in that file, from 1.
    pub line: u64,
    /// Account.
    pub account: String,
    /// Region.
    pub region: String,
    /// Service.
    pub service: String,
    /// Operation.
    pub operation: String,
    /// Parameters of the call.
    pub parameters: Value,
    /// Who called.
    pub caller: String,
    /// When.
    pub collected_at: DateTime<Utc>,
    /// AWS request ids, one per page.
    pub request_ids: Vec<String>,
    /// Error code, where the record is not a response.
    pub error: Option<String>,
    /// What the service said with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whether that error is a gap.
    pub gap: bool,
    /// For a gap: why the thing could not be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<GapReason>,
}

impl ControlStatus {
    /// All of them, in order of precedence.
    pub const ALL: [Self; 7] = [
        Self::NotSatisfied,
        Self::Indeterminate,
        Self::AttestationMissing,
        Self::AttestationExpired,
        Self::SatisfiedWithExceptions,
        Self::Satisfied,
        Self::NotApplicable,
    ];

    /// The status in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotSatisfied => "not satisfied",
            Self::Indeterminate => "indeterminate",
            Self::AttestationMissing => "attestation missing",
            Self::AttestationExpired => "attestation expired",
            Self::SatisfiedWithExceptions => "satisfied with exceptions",
            Self::Satisfied => "satisfied",
            Self::NotApplicable => "not applicable",
        }
    }
}

impl Assessment {
    /// The version that this program writes.
    pub const VERSION: u32 = 1;

    /// The controls of all frameworks, in order.
    pub fn controls(&self) -> impl Iterator<Item = &ControlResult> {
        self.frameworks.iter().flat_map(|framework| &framework.controls)
    }
}
