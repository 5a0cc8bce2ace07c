//! What other tools found, made up for the report's tests.

use proofpack::canonical::sha256;
use proofpack::model::*;

/// An imported report of cdk-nag, one that cannot be read again, and findings of Security Hub; `text` is put into names
/// and reasons.
pub fn imports(text: &str, record: RecordId) -> Vec<ImportReport> {
    let proof = || Proof::new([record]).unwrap();
    let rule = |name: &str, checks: &[&str], fail: u64, suppressed: u64| ImportedRule {
        name: name.into(),
        checks: checks.iter().map(|check| (*check).to_owned()).collect(),
        counts: ImportCounts { fail, suppressed, indeterminate: 1, pass: 20 },
        not_found: (0..fail).map(|number| format!("OpenEmr/{text}/Bucket{number}/Resource")).collect(),
        more_not_found: 0,
    };
    let file = |name: &str, format| {
        ImportOrigin::File(ImportedFile {
            name: format!("{name}{text}.csv"),
            format,
            sha256: sha256(name.as_bytes()),
            bytes: 23_792,
            made_at: None,
        })
    };
    let suppression = |resource: &str, ours| ImportedSuppression {
        place: "line 12".into(),
        rule: "HIPAA.Security-S3BucketReplicationEnabled".into(),
        detail: Some("Action::s3:*".into()),
        resource: format!("OpenEmr/{resource}/Resource"),
        reason: Some(format!("Copies of {text} are kept by AWS Backup.\nSee the plan.")),
        checks: vec!["s3-bucket-versioning".into()],
        subject: None,
        ours,
    };
    let report = |tool: &str, origin, problem: Option<&str>| ImportReport {
        tool: tool.into(),
        tool_version: Some("5.46.0".into()),
        origin,
        records: proof(),
        counts: ImportCounts { fail: 7, suppressed: 2, indeterminate: 2, pass: 40 },
        repeated: 3,
        compared: ImportComparison {
            agree: 30,
            disagree: 2,
            undecided: 5,
            no_such_resource: 4,
            no_such_check: 10,
        },
        rules: vec![
            rule("AwsSolutions-IAM4", &[], 2, 1),
            rule("HIPAA.Security-S3BucketVersioningEnabled", &["s3-bucket-versioning"], 7, 0),
        ],
        suppressions: vec![suppression("Logs", Some(Outcome::Fail)), suppression(text, None)],
        problem: problem.map(str::to_owned),
    };
    let unread = ImportReport {
        rules: vec![],
        suppressions: vec![],
        counts: ImportCounts::default(),
        compared: ImportComparison::default(),
        repeated: 0,
        ..report("prowler", file("prowler", None), Some("line 3, column 5: it is damaged"))
    };
    vec![
        report("cdk-nag", file("HIPAA.Security-OpenEmr-NagReport", Some(ImportFormat::CdkNagCsv)), None),
        unread,
        report("AWS Security Hub", ImportOrigin::Collected, None),
    ]
}

/// Both ways to disagree.
pub fn disagreements(text: &str, record: RecordId) -> Vec<Disagreement> {
    let disagreement = |ours, theirs| Disagreement {
        subject: Subject {
            kind: "s3-bucket".into(),
            account: "123456789012".into(),
            region: "us-east-1".into(),
            arn: format!("arn:aws:s3:::{text}-records-0001"),
            id: format!("{text}-records-0001"),
        },
        checks: vec!["s3-bucket-versioning".into()],
        ours,
        message: format!("{text} keeps versions."),
        proof: Proof::new([record]).unwrap(),
        theirs: OtherSide {
            tool: "Prowler".into(),
            rule: "s3_bucket_object_versioning".into(),
            outcome: theirs,
            resource: format!("arn:aws:s3:::{text}-records-0001"),
            message: format!("S3 Bucket {text} has versioning disabled."),
            place: Some("/12/resources/0".into()),
            proof: Proof::new([record]).unwrap(),
        },
    };
    vec![
        disagreement(Outcome::Pass, ImportOutcome::Fail),
        disagreement(Outcome::Pass, ImportOutcome::Suppressed),
        disagreement(Outcome::Fail, ImportOutcome::Pass),
    ]
}
