//! An assessment made up for the report's tests: every status, outcome and kind of evidence, in any amount.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use proofpack::canonical::sha256;
use proofpack::model::*;
use serde_json::{Value, json};

use super::{other_tools, trail_coverage};

const ACCOUNT: &str = "123456789012";

/// What varies between the tests.
pub struct Synthetic {
    /// Buckets, each with a record, two findings and a policy record.
    pub buckets: usize,
    /// Records beyond those, which nothing rests on.
    pub filler: usize,
    /// Put into names, messages, reasons and parameters.
    pub text: String,
}

impl Default for Synthetic {
    fn default() -> Self {
        Self { buckets: 14, filler: 30, text: "phi".into() }
    }
}

/// The instant at which everything is judged.
pub fn as_of() -> DateTime<Utc> {
    "2026-07-01T00:00:00Z".parse().unwrap()
}

fn entry(
    service: &str,
    operation: &str,
    region: &str,
    parameters: Value,
    error: Option<&str>,
) -> EvidenceEntry {
    let seed = format!("{service}{operation}{region}{parameters}");
    let seconds = i64::from(sha256(seed.as_bytes()).as_bytes()[0]);
    EvidenceEntry {
        id: RecordId(sha256(seed.as_bytes())),
        kind: RecordKind::ApiCall,
        path: format!("data/aws/{ACCOUNT}/{region}/{service}/{operation}.ndjson"),
        line: 1,
        account: ACCOUNT.into(),
        region: region.into(),
        service: service.into(),
        operation: operation.into(),
        parameters,
        caller: format!("arn:aws:sts::{ACCOUNT}:assumed-role/ProofpackAuditor/collector"),
        collected_at: as_of() - TimeDelta::hours(9) + TimeDelta::seconds(seconds),
        request_ids: vec!["4442587FB7D0A2F9".into()],
        error: error.map(Into::into),
        message: error.map(|error| format!("{error}: not authorized to perform {service}:{operation}")),
        gap: error == Some("AccessDenied"),
        reason: (error == Some("AccessDenied")).then_some(GapReason::AccessDenied),
    }
}

fn finding(
    check: &str,
    kind: &str,
    id: &str,
    outcome: Outcome,
    message: &str,
    proof: Vec<RecordId>,
) -> Finding {
    Finding {
        check: check.into(),
        subject: Subject {
            kind: kind.into(),
            account: ACCOUNT.into(),
            region: "us-east-1".into(),
            arn: if id == "*" { "*".into() } else { format!("arn:aws:s3:::{id}") },
            id: id.into(),
        },
        outcome,
        message: message.into(),
        proof: Proof::new(proof).unwrap(),
        exception: None,
        exception_without_effect: None,
        decided_by: Vec::new(),
    }
}

fn check(id: &str, title: &str, resource: &str, severity: Severity, expression: &str) -> AssessedCheck {
    AssessedCheck {
        id: id.into(),
        title: title.into(),
        resource: resource.into(),
        severity,
        rationale: "Health data at rest must be unreadable to whoever gets hold of the storage, and the key must be the \
                    organization's own, so that its use is logged and can be revoked."
            .into(),
        applies: None,
        expression: expression.into(),
        events: Vec::new(),
        remediation: "Set default encryption to aws:kms with a customer managed key (aws s3api put-bucket-encryption)."
            .into(),
        references: BTreeMap::from([
            ("cdk-nag".to_owned(), vec!["HIPAA.Security-S3DefaultEncryptionKMS".to_owned()]),
            ("security-hub".to_owned(), vec!["S3.17".to_owned(), "KMS.4".to_owned()]),
        ]),
        reads: vec![],
    }
}

fn control(id: &str, title: &str, group: &str, status: ControlStatus) -> ControlResult {
    let depth = id.matches('(').count();
    let parent = id.rsplit_once('(').map(|(parent, _)| parent.to_owned()).filter(|_| depth > 1);
    ControlResult {
        id: id.into(),
        title: title.into(),
        obligation: parent.as_ref().map(|_| Obligation::Addressable),
        parent,
        group: group.into(),
        requirement: Some(
            "Implement a mechanism to encrypt and decrypt electronic protected health information.".into(),
        ),
        guidance:
            "Examine how electronic protected health information is encrypted and decrypted, which keys are \
                   used, who may use them, and whether the mechanism covers every place where it is kept."
                .into(),
        status,
        checks: vec![],
        excerpts: vec![],
        attestations: vec![],
        alternative: None,
        rests_on_alternative: false,
    }
}

fn attestation(id: &str, statement: &str, record: Option<RecordId>, holds: bool) -> AttestationResult {
    let need = AttestationNeed { id: id.into(), statement: statement.into(), valid_days: 365 };
    let until = record.map(|_| NaiveDate::from_ymd_opt(if holds { 2027 } else { 2025 }, 3, 31).unwrap());
    AttestationResult { need, record, holds, holds_until: until, superseded: vec![] }
}

impl Synthetic {
    /// The assessment.
    /// A bucket whose tags carry the text too.
    fn resources(&self) -> Vec<ResourceEntry> {
        let tags = BTreeMap::from([
            ("note".to_owned(), self.text.to_string()),
            (self.text.to_string(), String::new()),
        ]);
        let id = format!("{}-tagged", self.text);
        let arn = format!("arn:aws:s3:::{id}");
        let record = entry("s3", "ListBuckets", "us-east-1", json!({}), None).id;
        vec![ResourceEntry {
            kind: "s3-bucket".into(),
            account: ACCOUNT.into(),
            region: "global".into(),
            id,
            arn,
            tags,
            record,
        }]
    }

    pub fn assessment(&self) -> Assessment {
        let mut evidence = vec![entry("s3", "ListBuckets", "us-east-1", json!({}), None)];
        let listed = evidence[0].id;
        let mut findings = Vec::new();
        for number in 0..self.buckets {
            let name = format!("{}-records-{number:04}-us-east-1-a-rather-long-bucket-name", self.text);
            let error = match number % 7 {
                3 => Some("AccessDenied"),
                5 => Some("ServerSideEncryptionConfigurationNotFoundError"),
                _ => None,
            };
            let mut record = entry("s3", "GetBucketEncryption", "us-east-1", json!({"Bucket": name}), error);
            record.line = number as u64 + 1;
            let (outcome, message) = match number % 7 {
                3 => (Outcome::Indeterminate, "GetBucketEncryption was denied (AccessDenied)".to_owned()),
                5 | 6 => (Outcome::Fail, format!("{name} is not encrypted with a customer managed key")),
                _ => (Outcome::Pass, "encrypted with a customer managed key".to_owned()),
            };
            let mut made = finding(
                "s3-bucket-customer-key",
                "s3-bucket",
                &name,
                outcome,
                &message,
                vec![listed, record.id],
            );
            made.exception = (number % 7 == 6).then_some(0);
            made.exception_without_effect = (number == 5).then_some(1);
            findings.push(made);
            findings.push(finding(
                "s3-bucket-versioning",
                "s3-bucket",
                &name,
                Outcome::Pass,
                "on",
                vec![listed],
            ));
            evidence.push(record);
        }
        findings.push(finding(
            "kms-key-rotation-enabled",
            "kms-key",
            "*",
            Outcome::NotApplicable,
            "no key",
            vec![listed],
        ));
        findings.sort_by(|a, b| (&a.check, &a.subject).cmp(&(&b.check, &b.subject)));
        for number in 0..self.filler {
            let parameters = json!({"UserName": format!("user-{number}"), "MaxItems": 100});
            let mut record = entry("iam", "ListAttachedUserPolicies", "us-east-1", parameters, None);
            record.line = number as u64 + 1;
            evidence.push(record);
        }
        let mut excerpt = entry("cloudtrail", "LookupEvents", "us-east-1", json!({"rule": "root-use"}), None);
        excerpt.kind = RecordKind::TrailExcerpt;
        excerpt.path = "data/trail/root-use.ndjson".into();
        let mut stated = entry("", "", "", json!({"id": "risk-analysis"}), None);
        stated.kind = RecordKind::Attestation;
        stated.path = "data/manual/attestations.ndjson".into();
        let mut imported = entry("cdk-nag", "NagReport", "", json!({"file": self.text}), None);
        imported.kind = RecordKind::Import;
        imported.path = "data/imports/records/cdk-nag/NagReport.ndjson".into();
        let (excerpt_id, stated_id, imported_id) = (excerpt.id, stated.id, imported.id);
        evidence.extend([excerpt, stated, imported]);
        let controls = self.controls(excerpt_id, stated_id);
        let statuses = controls.iter().map(|control| control.status);
        let mut summary: BTreeMap<ControlStatus, u64> = BTreeMap::new();
        statuses.for_each(|status| *summary.entry(status).or_default() += 1);
        let period = Period {
            start: "2026-04-01T00:00:00Z".parse().unwrap(),
            end: "2026-07-01T00:00:00Z".parse().unwrap(),
        };
        Assessment {
            version: Assessment::VERSION,
            resources: self.resources(),
            tool: Tool { name: "proofpack".into(), version: "0.1.0".into() },
            as_of: as_of(),
            bundle: BundleReference {
                manifest_sha256: sha256(b"manifest"),
                merkle_root: sha256(b"root"),
                scope: Scope::new("aws", [ACCOUNT], ["us-east-1", "us-west-2"], period),
                collection_started: as_of() - TimeDelta::hours(9),
                sealed_at: as_of() - TimeDelta::hours(8),
                records: evidence.len() as u64,
            },
            catalog_sha256: sha256(b"catalog"),
            parameters: BTreeMap::from([
                (
                    "access-key-age-days".to_owned(),
                    UsedParameter {
                        value: json!(60),
                        default: json!(90),
                        unit: Some("days".into()),
                        source: Some("CIS AWS Foundations Benchmark".into()),
                    },
                ),
                (
                    "listener-tls-policies".to_owned(),
                    UsedParameter {
                        value: json!(["ELBSecurityPolicy-TLS13-1-2-2021-06", self.text]),
                        default: json!(["ELBSecurityPolicy-TLS13-1-2-2021-06", self.text]),
                        unit: None,
                        source: None,
                    },
                ),
            ]),
            frameworks: vec![FrameworkAssessment {
                reference: FrameworkReference {
                    id: "hipaa-security-rule".into(),
                    title: "HIPAA Security Rule".into(),
                    edition: "45 CFR Part 164, Subpart C, as amended to 2026".into(),
                },
                summary: summary.into_iter().map(|(status, count)| StatusCount { status, count }).collect(),
                controls,
            }],
            checks: vec![
                check(
                    "kms-key-rotation-enabled",
                    "Customer managed keys are rotated every year",
                    "kms-key",
                    Severity::Medium,
                    "resource.rotation_enabled == true",
                ),
                check(
                    "s3-bucket-customer-key",
                    "Buckets are encrypted with a customer managed KMS key",
                    "s3-bucket",
                    Severity::High,
                    "resource.encryption.algorithm == 'aws:kms' &&\nlookup('kms-key', resource.encryption.key).manager == 'CUSTOMER'",
                ),
                check(
                    "s3-bucket-versioning",
                    "Buckets keep every version of their objects",
                    "s3-bucket",
                    Severity::Medium,
                    "resource.versioning == 'Enabled'",
                ),
            ],
            findings,
            exceptions: self.exceptions(),
            access_review: self.access_review(listed),
            attestations: self.register(stated_id),
            imports: other_tools::imports(&self.text, imported_id),
            disagreements: other_tools::disagreements(&self.text, imported_id),
            trail_sources: vec![TrailSource {
                account: ACCOUNT.into(),
                region: "us-east-1".into(),
                source: self.text.clone(),
                operation: "GetObject".into(),
                rules: 60,
                objects: 38,
                events: 147,
                gaps: 1,
            }],
            coverage: trail_coverage::coverage(&self.text, period, excerpt_id),
            evidence,
        }
    }

    /// Somebody of every sort, whose names and policies carry the text.
    fn access_review(&self, record: RecordId) -> AccessReview {
        let proof = || Proof::new([record]).unwrap();
        let text = || self.text.clone();
        let principal = |kind: PrincipalKind| ReviewedPrincipal {
            kind,
            account: ACCOUNT.into(),
            name: format!("{}-{}", self.text, kind.words()),
            arn: text(),
            created: Some("2024-01-01T00:00:00+00:00".into()),
            password: Some(Credential { name: "password".into(), since: None, last_used: None }),
            mfa: Some(false),
            access_keys: vec![],
            last_used: Some("2026-06-01T00:00:00+00:00".into()),
            groups: vec![text()],
            members: vec![text()],
            policies: vec![format!("inline: {}", self.text)],
            boundary: None,
            admin_paths: vec![AdminPath {
                kind: AdminPathKind::Role,
                description: format!("can assume a role that is an administrator: {}", self.text),
                roles: vec![text(), text()],
            }],
            trusted: vec![text()],
            outsiders: vec![text()],
            unused: vec!["access key 1: no use on record".into()],
            unknown: vec![format!("what {} allows was not seen", self.text)],
            proof: proof(),
        };
        use PrincipalKind::{Group, Role, Root, User};
        AccessReview {
            unused_days: 90,
            principals: [Root, User, Group, Role].map(principal).into(),
            shared: vec![SharedResource {
                kind: "s3-bucket".into(),
                account: ACCOUNT.into(),
                region: "global".into(),
                id: text(),
                arn: text(),
                outsiders: vec![text()],
                unknown: None,
                proof: proof(),
            }],
            gaps: vec![AccessGap {
                account: ACCOUNT.into(),
                region: "*".into(),
                kind: "iam-policy".into(),
                records: vec![],
            }],
        }
    }

    fn controls(&self, excerpt: RecordId, stated: RecordId) -> Vec<ControlResult> {
        const ADMINISTRATIVE: &str = "Administrative safeguards";
        const PHYSICAL: &str = "Physical safeguards";
        const TECHNICAL: &str = "Technical safeguards";
        use ControlStatus::*;
        let mut controls = vec![
            control("164.308(a)(1)(i)", "Security management process", ADMINISTRATIVE, AttestationMissing),
            control("164.308(a)(1)(i)(A)", "Risk analysis", ADMINISTRATIVE, Satisfied),
            control("164.308(a)(1)(i)(C)", "Sanction policy", ADMINISTRATIVE, AttestationMissing),
            control("164.308(a)(5)(i)(C)", "Log-in monitoring", ADMINISTRATIVE, AttestationExpired),
            control("164.310(a)(1)", "Facility access controls", PHYSICAL, NotApplicable),
            control("164.312(a)(1)", "Access control", TECHNICAL, NotSatisfied),
            control("164.312(a)(1)(iv)", "Encryption and decryption", TECHNICAL, NotSatisfied),
            control("164.312(b)", "Audit controls", TECHNICAL, Indeterminate),
            control("164.312(c)(1)", "Integrity", TECHNICAL, SatisfiedWithExceptions),
        ];
        controls[1].attestations = vec![attestation(
            "risk-analysis",
            "A risk analysis was made and is current.",
            Some(stated),
            true,
        )];
        controls[2].attestations = vec![attestation(
            "sanction-policy",
            "A sanction policy is in force and was applied.",
            None,
            false,
        )];
        controls[3].attestations =
            vec![attestation("log-review", "Log-ins were reviewed every month.", Some(stated), false)];
        controls[3].excerpts = vec![ExcerptResult {
            rule: "root-use".into(),
            title: "Use of the root user".into(),
            reason: format!("The root user of {} must not be used for daily work.", self.text),
            about_the_trail: true,
            parameters: BTreeMap::from([(self.text.clone(), vec![json!([self.text]), json!(1)])]),
            events: 3,
            not_kept: 2,
            first: vec![ExcerptEvent {
                time: "2026-07-03T09:00:00Z".into(),
                source: "signin.amazonaws.com".into(),
                name: "ConsoleLogin".into(),
                region: "us-east-1".into(),
                principal: Some(self.text.clone()),
                source_address: Some(self.text.clone()),
                error: Some(self.text.clone()),
                shown: BTreeMap::from([(self.text.clone(), self.text.clone())]),
                records: vec![excerpt],
            }],
            records: vec![excerpt],
            gaps: vec![],
            accounts_without: vec![],
            not_covered: vec![excerpt],
        }];
        controls[6].alternative = Some(attestation(
            "no-encryption",
            "Why encryption is not reasonable here, and what is done instead, is documented.",
            Some(stated),
            true,
        ));
        controls[6].rests_on_alternative = true;
        controls[8].alternative = Some(attestation("no-integrity", "Why it is not done.", None, false));
        controls[6].checks = vec!["kms-key-rotation-enabled".into(), "s3-bucket-customer-key".into()];
        controls[8].checks = vec!["s3-bucket-customer-key".into(), "s3-bucket-versioning".into()];
        controls
    }

    fn register(&self, record: RecordId) -> Vec<AttestationEntry> {
        let entry = |id: &str, state, files| AttestationEntry {
            id: id.into(),
            record,
            state,
            holds_until: NaiveDate::from_ymd_opt(2027, 3, 31),
            statement: Some(Statement {
                statement: format!("A risk analysis of {} was made.\nIts report is at hand.", self.text),
                author: "Ada Park".into(),
                role: "Security officer".into(),
                date: NaiveDate::from_ymd_opt(2026, 4, 1).unwrap(),
                valid_until: NaiveDate::from_ymd_opt(2027, 3, 31),
                files,
            }),
        };
        let file =
            |name: &str| AttachedFile { name: name.into(), sha256: sha256(name.as_bytes()), bytes: 48_213 };
        let mut unreadable = entry("risk-analysis", AttestationState::Unreadable, vec![]);
        unreadable.statement = None;
        vec![
            entry(
                "risk-analysis",
                AttestationState::Holds,
                vec![file("risk analysis 2026.pdf"), file(&self.text)],
            ),
            entry("log-review", AttestationState::Superseded, vec![]),
            entry("log-review", AttestationState::Expired, vec![]),
            entry("log-review", AttestationState::NotYetMade, vec![]),
            entry(
                "penetration-test",
                AttestationState::NotAskedFor,
                (0..45).map(|n| file(&n.to_string())).collect(),
            ),
            unreadable,
        ]
    }

    fn exceptions(&self) -> Vec<ExceptionReport> {
        let exception = |resource: &str, year: i32| Exception {
            check: "s3-bucket-customer-key".into(),
            resource: resource.into(),
            reason: format!("Log delivery of {} cannot write to KMS-encrypted buckets.", self.text),
            owner: "Jo Berg".into(),
            approver: "Sam Ode".into(),
            approved_on: NaiveDate::from_ymd_opt(2026, 1, 15).unwrap(),
            expires: NaiveDate::from_ymd_opt(year, 12, 31).unwrap(),
            compensating_control: Some("The bucket holds no health data and is SSE-S3 encrypted.".into()),
            reference: Some("SEC-1042".into()),
        };
        vec![
            ExceptionReport {
                exception: exception("arn:aws:s3:::phi-records-*", 2026),
                covers: 2,
                problems: vec![],
            },
            ExceptionReport {
                exception: exception("arn:aws:s3:::phi-records-0005*", 2025),
                covers: 0,
                problems: vec![ExceptionProblem::Expired],
            },
        ]
    }
}
