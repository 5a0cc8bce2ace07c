use super::*;
use crate::model::ImportCounts;
use proptest::prelude::*;
use serde_json::json;

const NAG_HEADER: &str = "Rule ID,Resource ID,Compliance,Exception Reason,Rule Level,Rule Info\n";

fn nag_row(compliance: &str, reason: &str) -> String {
    format!(
        "\"HIPAA.Security-S3BucketVersioningEnabled\",\"Stack/Logs/Resource\",\"{compliance}\",\"{reason}\",\"Error\",\"The bucket.\"\n"
    )
}

fn prowler(status: &str, muted: &str, message: &str) -> String {
    let header = "AUTH_METHOD;TIMESTAMP;ACCOUNT_UID;FINDING_UID;PROVIDER;CHECK_ID;STATUS;STATUS_EXTENDED;MUTED;RESOURCE_UID;RESOURCE_NAME;REGION;PROWLER_VERSION";
    format!(
        "{header}\r\nprofile: audit;2026-06-01 10:00:00;123456789012;p-1;aws;s3_bucket_object_versioning;{status};{message};{muted};arn:aws:s3:::logs;logs;us-east-1;5.46.0\r\n"
    )
}

fn ocsf(product: &str, status_id: u8) -> serde_json::Value {
    json!({
        "message": "Bucket logs has no versioning.", "status_code": "FAIL", "status_id": status_id, "class_uid": 2004,
        "metadata": {"event_code": "s3_bucket_object_versioning", "product": {"name": product, "version": "5.46.0"}},
        "resources": [{"uid": "arn:aws:s3:::logs", "name": "logs", "region": "us-east-1", "data": {"details": ""}}],
        "cloud": {"account": {"uid": "123456789012"}, "provider": "aws", "region": "us-east-1"},
        "time": 1_780_308_000, "unmapped": {"compliance": {}},
    })
}

fn counts(imported: &Imported) -> ImportCounts {
    let mut counts = ImportCounts::default();
    imported.results.iter().for_each(|result| counts.add(result.outcome));
    counts
}

/// The place and the problem of a file that must not be imported.
#[track_caller]
fn refused(name: &str, bytes: impl AsRef<[u8]>) -> (usize, usize, String) {
    match read(name, bytes.as_ref()).expect_err(name) {
        ImportError::Malformed { line, column, problem, .. } => (line, column, problem),
        ImportError::Unknown { problem, .. } => (0, 0, problem),
        ImportError::TooLarge { bytes, .. } => (0, 0, format!("too large: {bytes}")),
    }
}

#[track_caller]
fn wrong(bytes: impl AsRef<[u8]>, line: usize, column: usize, part: &str) {
    let found = refused("file", bytes);
    assert_eq!((found.0, found.1), (line, column), "{}", found.2);
    assert!(found.2.contains(part), "{}", found.2);
}

#[test]
fn a_nag_report_is_the_same_in_both_forms() {
    let rows: String = [
        ("Compliant", "N/A"),
        ("Non-Compliant", "N/A"),
        ("Suppressed", "Not \"\"now\"\"\nbut later"),
        ("UNKNOWN", "N/A"),
    ]
    .map(|(compliance, reason)| nag_row(compliance, reason))
    .concat();
    let csv = read("HIPAA.Security-Stack-NagReport.csv", format!("{NAG_HEADER}{rows}").as_bytes()).unwrap();
    let line = |compliance: &str, reason: &str| {
        json!({"ruleId": "HIPAA.Security-S3BucketVersioningEnabled", "resourceId": "Stack/Logs/Resource",
            "compliance": compliance, "exceptionReason": reason, "ruleLevel": "Error", "ruleInfo": "The bucket."})
    };
    let lines = [
        line("Compliant", "N/A"),
        line("Non-Compliant", "N/A"),
        line("Suppressed", "Not \"now\"\nbut later"),
        line("UNKNOWN", "N/A"),
    ];
    let report = json!({ "lines": lines }).to_string();
    let json = read("HIPAA.Security-Stack-NagReport.json", report.as_bytes()).unwrap();
    let all_once = ImportCounts { fail: 1, suppressed: 1, indeterminate: 1, pass: 1 };
    assert_eq!((counts(&csv), counts(&json)), (all_once, all_once));
    assert_eq!((csv.format, json.format), (ImportFormat::CdkNagCsv, ImportFormat::CdkNagJson));
    let without_place = |imported: Imported| -> Vec<ImportedResult> {
        imported.results.into_iter().map(|result| ImportedResult { place: String::new(), ..result }).collect()
    };
    assert_eq!(csv.results[2].reason.as_deref(), Some("Not \"now\"\nbut later"));
    assert_eq!((csv.results[3].place.as_str(), json.results[3].place.as_str()), ("line 6", "/lines/3"));
    assert_eq!(without_place(csv), without_place(json));
}

#[test]
fn prowlers_findings_are_the_same_in_both_forms() {
    let csv =
        read("prowler-output.csv", prowler("FAIL", "False", "Bucket logs has no versioning.").as_bytes())
            .unwrap();
    let json = read("prowler-output.ocsf.json", json!([ocsf("Prowler", 1)]).to_string().as_bytes()).unwrap();
    assert_eq!((csv.tool_version.as_deref(), json.tool_version.as_deref()), (Some("5.46.0"), Some("5.46.0")));
    assert_eq!(csv.made_at.as_deref(), Some("2026-06-01 10:00:00"));
    assert_eq!(json.made_at.as_deref(), Some("2026-06-01T10:00:00Z"));
    let (of_csv, of_json) = (&csv.results[0], &json.results[0]);
    assert_eq!(
        (of_csv.outcome, &of_csv.resource, &of_csv.message),
        (of_json.outcome, &of_json.resource, &of_json.message)
    );
    let muted = read("a.ocsf.json", json!([ocsf("Prowler", 3)]).to_string().as_bytes()).unwrap();
    assert_eq!(muted.results[0].outcome, ImportOutcome::Suppressed);
    for (status, muted, outcome) in [
        ("FAIL", "True", ImportOutcome::Suppressed),
        ("PASS", "True", ImportOutcome::Pass),
        ("MANUAL", "False", ImportOutcome::Indeterminate),
    ] {
        assert_eq!(
            read("a.csv", prowler(status, muted, "x").as_bytes()).unwrap().results[0].outcome,
            outcome
        );
    }
}

#[test]
fn a_templates_suppressions_are_read_with_the_names_of_their_resources() {
    let template = json!({
        "Metadata": {"cdk_nag": {"rules_to_suppress": [{"id": "AwsSolutions-VPC7", "reason": "Flow logs elsewhere"}]}},
        "Resources": {
            "LogsBucket9C4D8843": {
                "Type": "AWS::S3::Bucket",
                "Properties": {"BucketName": "logs", "Tags": [{"Key": "a", "Value": {"Ref": "B"}}], "Number": 1},
                "Metadata": {"aws:cdk:path": "Stack/Logs/Resource", "cdk_nag": {"rules_to_suppress": [
                    {"id": "AwsSolutions-IAM5", "reason": "U2llaGUgT3JkbmVyIOKAkyA0", "is_reason_encoded": true,
                     "applies_to": ["Action::s3:*", {"regex": "/^Resource::.*$/g"}]},
                ]}},
            },
            "Other": {"Type": "AWS::SNS::Topic"},
        },
    });
    let imported = read("Stack.template.json", template.to_string().as_bytes()).unwrap();
    let [whole, bucket] = imported.results.as_slice() else { panic!("{:?}", imported.results) };
    assert_eq!((whole.rule.as_str(), whole.resource.keys.len()), ("AwsSolutions-VPC7", 0));
    assert_eq!(bucket.reason.as_deref(), Some("Siehe Ordner – 4"));
    assert_eq!(bucket.detail.as_deref(), Some("Action::s3:*, /^Resource::.*$/g"));
    let logical = ResourceKey::Logical { stack: "Stack".into(), id: "LogsBucket9C4D8843".into() };
    assert_eq!(bucket.resource.keys.first(), Some(&logical));
    assert_eq!(bucket.resource.keys.last(), Some(&ResourceKey::Name("logs".into())));
}

#[test]
fn a_validation_report_is_read_before_and_after_it_had_a_schema() {
    let now = json!({"version": "53.0.0", "title": "Validation Report", "pluginReports": [
        {"pluginName": "HIPAA.Security", "pluginVersion": "3.0.1", "conclusion": "failure", "violations": [
            {"ruleName": "HIPAA.Security-S3BucketVersioningEnabled", "description": "No.", "severity": "error",
             "violatingConstructs": [{"constructPath": "Stack/Logs/Resource"}]},
            {"ruleName": "HIPAA.Security-VPCFlowLogsEnabled", "description": "Rule threw an error during validation. X",
             "severity": "error", "violatingConstructs": [{"constructPath": "Stack/Vpc/Resource"}]},
        ], "suppressedViolations": [
            {"ruleName": "AwsSolutions-IAM5[Action::s3:*]", "description": "Wild.", "severity": "error", "reason": "Needed",
             "acknowledgedId": "AwsSolutions-IAM5[Action::s3:*]", "violatingConstructs": [{"constructPath": "",
             "cloudFormationResource": {"templatePath": "cdk.out/Stack.template.json", "logicalId": "Role1"}}]},
        ]},
        {"pluginName": "Broken", "conclusion": "failure", "metadata": {"error": "it crashed"}, "violations": []},
    ]});
    let imported = read("policy-validation-report.json", now.to_string().as_bytes()).unwrap();
    assert_eq!(counts(&imported), ImportCounts { fail: 1, suppressed: 1, indeterminate: 2, pass: 0 });
    assert_eq!(imported.tool_version.as_deref(), Some("HIPAA.Security 3.0.1, Broken"));
    let suppressed = &imported.results[2];
    assert_eq!(
        (suppressed.rule.as_str(), suppressed.detail.as_deref()),
        ("AwsSolutions-IAM5", Some("Action::s3:*"))
    );
    assert_eq!(
        suppressed.resource.keys,
        [ResourceKey::Logical { stack: "Stack".into(), id: "Role1".into() }]
    );
    assert_eq!(imported.results[3].message, "it crashed");
    let before = json!({"title": "Validation Report", "pluginReports": [{"version": "2.1", "summary": {"pluginName": "Guard",
        "status": "failure"}, "violations": [{"ruleName": "R1", "description": "No.", "violatingResources": [],
        "violatingConstructs": [{"constructPath": "Stack/A/B", "resourceLogicalId": "N/A", "templatePath": "N/A"}]}]}]});
    let imported = read("policy-validation-report.json", before.to_string().as_bytes()).unwrap();
    assert_eq!(imported.tool_version.as_deref(), Some("Guard 2.1"));
    assert_eq!(imported.results[0].resource.name, "Stack/A/B");
}

#[test]
fn rows_that_say_the_same_are_counted_once_and_said() {
    let rows =
        [nag_row("Compliant", "N/A"), nag_row("Compliant", "N/A"), nag_row("Non-Compliant", "N/A")].concat();
    let imported = read("a-NagReport.csv", format!("{NAG_HEADER}{rows}").as_bytes()).unwrap();
    assert_eq!((imported.results.len(), imported.repeated), (2, 1));
}

#[test]
fn a_formula_is_a_text_like_any_other() {
    let rows = nag_row("Suppressed", "=cmd|' /C calc'!A0");
    let imported = read("a-NagReport.csv", format!("{NAG_HEADER}{rows}").as_bytes()).unwrap();
    assert_eq!(imported.results[0].reason.as_deref(), Some("=cmd|' /C calc'!A0"));
}

#[test]
fn what_is_wrong_with_a_table_is_said_with_its_place() {
    let good = nag_row("Compliant", "N/A");
    let table = |rows: &str| format!("{NAG_HEADER}{rows}");
    wrong(table(&format!("{good}{}", nag_row("Maybe", "N/A"))), 3, 3, "\"Maybe\"; Compliant, Non-Compliant");
    wrong(table("\"a\",\"b\"\n"), 2, 2, "2 cells, the first line names 6 columns");
    wrong(
        table(&format!("{good}\"a\",\"b\",\"Compliant\",\"N/A\",\"Error\",\"cut of")),
        3,
        35,
        "never closed",
    );
    wrong(table(&format!("{good}a,b,Compliant,N/A,Error,cut of")), 3, 30, "in the middle of a row");
    wrong(
        table(&nag_row("Compliant", &"x".repeat(LONGEST_PROSE + 1))),
        2,
        4,
        "Exception Reason has 16385 bytes",
    );
    wrong(table(",b,Compliant,N/A,Error,x\n"), 2, 1, "names no rule");
    wrong(
        "Rule ID,Rule ID,Resource ID,Compliance,Exception Reason,Rule Level,Rule Info\n",
        1,
        2,
        "Rule ID is there twice",
    );
    wrong("Rule ID,Resource ID,Compliance\n", 1, 1, "no column Exception Reason");
    wrong(prowler("SKIP", "False", "x"), 2, 7, "\"SKIP\"; PASS, FAIL or MANUAL");
    wrong(prowler("PASS", "yes", "x"), 2, 9, "\"yes\"; True or False");
    wrong(prowler("PASS", "False", "x").replace(";aws;", ";azure;"), 2, 5, "only findings about aws");
    let many = good.repeat(MOST_RESULTS + 1);
    wrong(table(&many), MOST_RESULTS + 2, 1, "more than 200000 rows");
}

#[test]
fn what_is_wrong_with_json_is_said_with_its_place() {
    let line = |compliance: &str| {
        format!(
            "{{\"ruleId\":\"r\",\"resourceId\":\"s\",\"compliance\":\"{compliance}\",\n\"exceptionReason\":\"N/A\",\"ruleInfo\":\"i\"}}"
        )
    };
    wrong(
        format!("{{\"lines\":[\n{},\n{}\n]}}", line("Compliant"), line("Maybe")),
        4,
        51,
        "unknown variant `Maybe`",
    );
    wrong("{\"lines\":[\n{\"ruleId\":1}]}", 2, 11, "expected a text");
    wrong("{\"lines\":[\n{\"ruleId\":\"r\"}]}", 2, 14, "missing field `resourceId`");
    wrong("{\"lines\":[\n", 2, 1, "EOF while parsing");
    wrong("{\"lines\":[]}\n{}", 2, 1, "trailing characters");
    wrong("{\"lines\":[],\n\"lines\":[]}", 2, 7, "duplicate field `lines`");
    let (_, _, problem) = refused("a.json", json!([ocsf("Other Tool", 1)]).to_string());
    assert!(problem.contains("unknown variant `Other Tool`, expected `Prowler`"), "{problem}");
    let huge = format!(
        "{{\"lines\":[{}]}}",
        line("Compliant").replace("\"s\"", &format!("\"{}\"", "s".repeat(5_000)))
    );
    wrong(huge, 1, 5_039, "a text of 5000 bytes, expected a text of at most 4096 bytes");
    let encoded = json!({"Resources": {"A": {"Type": "T", "Metadata": {"cdk_nag": {"rules_to_suppress": [
        {"id": "r", "reason": "%", "is_reason_encoded": true}]}}}}});
    assert!(refused("a.template.json", encoded.to_string()).2.contains("not UTF-8 in base64"));
    wrong("{\"Resources\":{\"A\":{\"Type\":\"T\"},\n\"A\":{\"Type\":\"T\"}}}", 2, 3, "\"A\" is there twice");
}

#[test]
fn files_of_no_known_form_are_refused() {
    for (content, part) in [
        ("", "empty"),
        (" \n", "empty"),
        ("[]", "empty JSON list"),
        ("{}", "without `lines`"),
        ("{\"lines\":[],\"Resources\":{}}", "several forms"),
        ("a,b\n1,2\n", "neither JSON nor a CSV"),
        ("PROVIDER;DESCRIPTION;REQUIREMENTS_ID;STATUS\n", "one compliance framework"),
        ("%PDF-1.7", "neither JSON nor a CSV"),
    ] {
        let (line, _, problem) = refused("file", content);
        assert!(line == 0 && problem.contains(part), "{content}: {problem}");
    }
}

#[test]
fn hostile_sizes_and_encodings_are_refused() {
    let large = vec![b' '; 100 << 20];
    assert!(refused("a.json", large).2.contains("too large: 104857600"));
    let deep = "[".repeat(1_000_000);
    assert!(refused("a.json", &deep).2.contains("invalid type: sequence"));
    let deep = format!("{{\"lines\":{}1{}}}", "[".repeat(500_000), "]".repeat(500_000));
    assert!(refused("a.json", &deep).2.contains("invalid type: sequence"));
    let nested = format!(
        "{{\"Resources\":{{\"A\":{{\"Type\":\"T\",\"Properties\":{{\"B\":{}1{}}}}}}}}}",
        "[".repeat(500_000),
        "]".repeat(500_000)
    );
    assert!(read("a.template.json", nested.as_bytes()).is_ok(), "what is not kept may be nested");
    wrong(b"{\"lines\":[\n\"a\xffb\"]}", 2, 3, "not UTF-8");
    wrong(b"\xff\xfe{\0}\0", 1, 1, "UTF-16");
    let marked = format!("\u{feff}{NAG_HEADER}{}", nag_row("Compliant", "N/A"));
    assert_eq!(read("a-NagReport.csv", marked.as_bytes()).unwrap().results.len(), 1);
}

proptest! {
    #[test]
    fn nothing_makes_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read("a", &bytes);
    }

    #[test]
    fn no_table_makes_reading_panic(rows in "[a,;\"\n\r|=]{0,120}", nag in any::<bool>()) {
        let header = if nag { NAG_HEADER.to_owned() } else { prowler("PASS", "False", "") };
        let _ = read("a", format!("{header}{rows}").as_bytes());
    }

    #[test]
    fn a_report_that_is_cut_off_anywhere_is_refused(at in 0_usize..100_000, json in any::<bool>()) {
        let report = match json {
            true => json!([ocsf("Prowler", 1), ocsf("Prowler", 3)]).to_string(),
            false => format!("{NAG_HEADER}{}{}", nag_row("Suppressed", "a\nb"), nag_row("Compliant", "N/A")),
        };
        let whole = read("a", report.as_bytes()).unwrap();
        let cut = &report[..at % report.len()];
        if let Ok(imported) = read("a", cut.as_bytes()) {
            // Between two rows a table can be cut without a trace.
            prop_assert!(!json && cut.ends_with('\n') && imported.results.len() < whole.results.len());
        }
    }
}
