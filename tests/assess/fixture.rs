//! A small catalog and a small account, in memory.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use proofpack::assess::Inputs;
use proofpack::bundle::{Bundle, StoredRecord};
use proofpack::canonical::sha256;
use proofpack::catalog::{Catalog, Check, Collector, ExcerptRule, Framework};
use proofpack::model::{
    ApiError, ErrorMeaning, Manifest, Period, Record, RecordKind, RecordOutcome, Scope, Source, Tool,
};
use serde_json::{Value, json};

pub(super) const ACCOUNT: &str = "123456789012";
pub(super) const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];

const COLLECTORS: [&str; 3] = [
    r#"
        service = "sts"
        title = "AWS Security Token Service"
        scope = "global"
        [[call]]
        operation = "GetCallerIdentity"
        [[resource]]
        kind = "aws-account"
        title = "AWS account"
        from = "@account"
        id = "${account}"
        arn = "arn:${partition}:iam::${account}:root"
        [resource.properties]
        password_length = { call = "iam:GetAccountPasswordPolicy", value = "PasswordPolicy.MinimumPasswordLength", absent = 0 }
    "#,
    r#"
        service = "iam"
        title = "AWS Identity and Access Management"
        scope = "global"
        [[call]]
        operation = "GetAccountPasswordPolicy"
        absent = ["NoSuchEntity"]
    "#,
    r#"
        service = "s3"
        title = "Amazon S3"
        scope = "regional"
        [[call]]
        operation = "ListBuckets"
        [[call]]
        operation = "GetBucketVersioning"
        each = { call = "ListBuckets", items = "Buckets[].Name" }
        parameters = { Bucket = "${item}" }
        [[call]]
        operation = "GetBucketEncryption"
        each = { call = "ListBuckets", items = "Buckets[].Name" }
        parameters = { Bucket = "${item}" }
        absent = ["ServerSideEncryptionConfigurationNotFoundError"]
        [[call]]
        operation = "ListKeys"
        [[resource]]
        kind = "bucket"
        title = "Bucket"
        from = "ListBuckets"
        items = "Buckets"
        id = "${item.Name}"
        arn = "arn:${partition}:s3:::${item.Name}"
        [resource.properties]
        name = { value = "Name" }
        [resource.properties.versioning]
        call = "GetBucketVersioning"
        match = { Bucket = "${item.Name}" }
        value = "Status"
        default = "Disabled"
        [resource.properties.key]
        call = "GetBucketEncryption"
        match = { Bucket = "${item.Name}" }
        value = "Key"
        absent = ""
        [[resource]]
        kind = "key"
        title = "Key"
        from = "ListKeys"
        items = "Keys"
        id = "${item.KeyId}"
        arn = "arn:${partition}:kms:${region}:${account}:key/${item.KeyId}"
        [resource.properties]
        manager = { value = "Manager" }
    "#,
];

const CHECKS: [&str; 5] = [
    r#"
        id = "account-password-length"
        title = "Passwords are long"
        resource = "aws-account"
        severity = "high"
        rationale = "Short passwords are guessed."
        needs = ["password_length"]
        expression = "resource.password_length >= parameters.minimum_length"
        message = "Passwords may have ${resource.password_length} characters."
        remediation = "Set a password policy."
        parameters = { minimum_length = 14 }
        case = []
    "#,
    r#"
        id = "bucket-customer-key"
        title = "Buckets are encrypted with a customer managed key"
        resource = "bucket"
        severity = "high"
        rationale = "Whoever holds the key decides who reads."
        needs = ["key"]
        expression = "resource.key != '' && lookup('key', resource.key).manager == 'CUSTOMER'"
        message = "${resource.id} is encrypted with ${resource.key}."
        remediation = "Set default encryption."
        case = []
    "#,
    r#"
        id = "bucket-key-is-ours"
        title = "The keys of buckets are in scope"
        resource = "bucket"
        severity = "low"
        rationale = "Keys elsewhere cannot be assessed."
        needs = ["key"]
        expression = "exists('key', resource.key)"
        message = "The key ${resource.key} is not in scope."
        remediation = "Use a key of the account."
        case = []
    "#,
    r#"
        id = "bucket-versioning"
        title = "Buckets keep versions"
        resource = "bucket"
        severity = "medium"
        rationale = "What is overwritten can be had back."
        needs = ["versioning"]
        expression = "resource.versioning == 'Enabled'"
        message = "${resource.name} is ${resource.versioning}."
        remediation = "Turn versioning on."
        case = []
    "#,
    r#"
        id = "key-of-partner"
        title = "Keys of partners do not exist"
        resource = "key"
        severity = "low"
        rationale = "There is nothing here that it could be about."
        needs = ["manager"]
        applies = "resource.manager == 'PARTNER'"
        expression = "false"
        message = "${resource.id} is a partner's."
        remediation = "Remove it."
        case = []
    "#,
];

const FRAMEWORK: &str = r#"
    id = "test"
    title = "Test"
    edition = "first"
    [[attestation]]
    id = "risk-analysis"
    statement = "A risk analysis was made."
    valid-days = 365
    [[attestation]]
    id = "no-encryption"
    statement = "Why encryption is not reasonable, and what is done instead, is documented."
    valid-days = 365
    [[control]]
    id = "1"
    title = "Standard"
    kind = "standard"
    group = "Technical safeguards"
    guidance = "Look at everything below."
    [[control]]
    id = "1(a)"
    title = "Encryption"
    kind = "specification"
    parent = "1"
    group = "Technical safeguards"
    obligation = "addressable"
    guidance = "Look at the keys."
    checks = ["bucket-key-is-ours", "bucket-customer-key"]
    alternative = "no-encryption"
    [[control]]
    id = "1(b)"
    title = "Versions"
    kind = "specification"
    parent = "1"
    group = "Technical safeguards"
    obligation = "required"
    guidance = "Look at versions and passwords."
    checks = ["account-password-length", "bucket-versioning"]
    [[control]]
    id = "1(c)"
    title = "Partners"
    kind = "specification"
    parent = "1"
    group = "Technical safeguards"
    guidance = "Look for partners."
    checks = ["key-of-partner"]
    [[control]]
    id = "2"
    title = "Use of root"
    kind = "standard"
    group = "Technical safeguards"
    guidance = "Look at the events."
    excerpts = ["root-use"]
    [[control]]
    id = "3"
    title = "Risk analysis"
    kind = "standard"
    group = "Administrative safeguards"
    guidance = "Ask for it."
    attestations = ["risk-analysis"]
    [[control]]
    id = "4"
    title = "Nothing yet"
    kind = "standard"
    group = "Administrative safeguards"
    guidance = "Nothing proves it."
"#;

const EXCERPT: &str = r#"
    id = "root-use"
    title = "Uses of root"
    reason = "Root needs no permission."
    filter = 'event.userIdentity.type == "Root"'
"#;

pub(super) fn catalog() -> Catalog {
    let collectors = COLLECTORS.map(|text| toml::from_str::<Collector>(text).unwrap());
    let checks = CHECKS.map(|text| toml::from_str::<Check>(text).unwrap());
    let framework: Framework = toml::from_str(FRAMEWORK).unwrap();
    let rule: ExcerptRule = toml::from_str(EXCERPT).unwrap();
    Catalog {
        collectors: collectors.into_iter().map(|one| (one.service.clone(), one)).collect(),
        checks: checks.into_iter().map(|one| (one.id.clone(), one)).collect(),
        frameworks: BTreeMap::from([(framework.id.clone(), framework)]),
        excerpts: BTreeMap::from([(rule.id.clone(), rule)]),
        redactions: Default::default(),
        access: proofpack::catalog::AccessRules::embedded().clone(),
        crosswalk: Default::default(),
        sources: proofpack::catalog::Sources::embedded(),
        digest: sha256(b"catalog"),
    }
}

pub(super) fn as_of() -> DateTime<Utc> {
    "2026-07-01T00:00:00Z".parse().unwrap()
}

pub(super) fn inputs() -> Inputs {
    Inputs {
        frameworks: vec!["test".into()],
        as_of: as_of(),
        parameters: BTreeMap::new(),
        exceptions: Vec::new(),
    }
}

pub(super) fn record(
    kind: RecordKind,
    (service, operation, region): (&str, &str, &str),
    parameters: Value,
    outcome: RecordOutcome,
) -> Record {
    Record {
        kind,
        version: Record::VERSION,
        source: Source {
            partition: "aws".into(),
            account: ACCOUNT.into(),
            region: region.into(),
            service: service.into(),
            operation: operation.into(),
            parameters,
            caller: format!("arn:aws:iam::{ACCOUNT}:role/auditor"),
            endpoint: format!("https://{service}.amazonaws.com"),
        },
        collected_at: "2026-06-30T00:00:00Z".parse().unwrap(),
        exchanges: Vec::new(),
        outcome,
        redactions: Vec::new(),
    }
}

pub(super) fn error(code: &str, meaning: ErrorMeaning) -> RecordOutcome {
    RecordOutcome::Error(ApiError { code: code.into(), message: "no".into(), meaning, reason: None })
}

fn call(call: (&str, &str, &str), parameters: Value, response: Value) -> Record {
    record(RecordKind::ApiCall, call, parameters, RecordOutcome::Response(response))
}

pub(super) fn excerpt(response: Value) -> Record {
    let at = ("cloudtrail", "LookupEvents", "us-east-1");
    record(RecordKind::TrailExcerpt, at, json!({"rule": "root-use"}), RecordOutcome::Response(response))
}

/// What somebody stated on a day in January, until when it holds.
pub(super) fn attestation(valid_until: &str) -> Record {
    attested("risk-analysis", "2026-01-15", Some(valid_until))
}

pub(super) fn attested(id: &str, date: &str, valid_until: Option<&str>) -> Record {
    let at = ("attestation", "Attest", "");
    let mut response = json!({
        "statement": "It was made.", "author": "Ada", "role": "Security officer", "date": date, "files": [],
    });
    if let Some(until) = valid_until {
        response["valid-until"] = json!(until);
    }
    record(RecordKind::Attestation, at, json!({ "id": id }), RecordOutcome::Response(response))
}

/// An account in which all is well: two regions, two buckets, a key.
pub(super) fn records() -> Vec<Record> {
    let mut records = vec![
        call(("sts", "GetCallerIdentity", "us-east-1"), json!({}), json!({"Account": ACCOUNT})),
        call(
            ("iam", "GetAccountPasswordPolicy", "us-east-1"),
            json!({}),
            json!({"PasswordPolicy": {"MinimumPasswordLength": 16}}),
        ),
        call(("s3", "ListBuckets", "eu-west-1"), json!({}), json!({"Buckets": []})),
        call(("s3", "ListKeys", "eu-west-1"), json!({}), json!({"Keys": []})),
        call(
            ("s3", "ListBuckets", "us-east-1"),
            json!({}),
            json!({"Buckets": [{"Name": "records"}, {"Name": "logs"}]}),
        ),
        call(
            ("s3", "ListKeys", "us-east-1"),
            json!({}),
            json!({"Keys": [{"KeyId": "k-1", "Manager": "CUSTOMER"}, {"KeyId": "k-2", "Manager": "AWS"}]}),
        ),
        excerpt(json!({"events": []})),
        attestation("2026-12-31"),
    ];
    for bucket in ["records", "logs"] {
        let parameters = json!({ "Bucket": bucket });
        records.push(call(
            ("s3", "GetBucketVersioning", "us-east-1"),
            parameters.clone(),
            json!({"Status": "Enabled"}),
        ));
        records.push(call(("s3", "GetBucketEncryption", "us-east-1"), parameters, json!({"Key": "k-1"})));
    }
    records
}

pub(super) fn bundle(records: Vec<Record>) -> Bundle {
    let stored: Vec<StoredRecord> = records
        .into_iter()
        .enumerate()
        .map(|(index, record)| {
            let (_, id) = record.to_line().unwrap();
            let source = &record.source;
            let path = format!("data/{}/{}.ndjson", source.service, source.operation);
            StoredRecord { id, path, line: index as u64 + 1, record }
        })
        .collect();
    Bundle {
        manifest: Manifest {
            version: Manifest::VERSION,
            tool: Tool::this(),
            catalog_sha256: sha256(b"catalog"),
            scope: Scope::new(
                "aws",
                [ACCOUNT],
                REGIONS.map(str::to_owned).to_vec(),
                Period { start: as_of(), end: as_of() },
            ),
            collection_started: as_of(),
            sealed_at: as_of(),
            records: stored.len() as u64,
            gaps: Vec::new(),
            files: Vec::new(),
            merkle_root: sha256(b"root"),
            previous_manifest_sha256: None,
            shard: None,
            merged_from_sha256: Vec::new(),
            redaction_key_commitment: None,
            amends_sha256: None,
        },
        manifest_sha256: sha256(b"manifest"),
        records: stored,
        imports: BTreeMap::new(),
    }
}

/// The records with the response to one call replaced.
pub(super) fn with(
    mut records: Vec<Record>,
    operation: &str,
    parameters: &Value,
    outcome: RecordOutcome,
) -> Vec<Record> {
    let record = records
        .iter_mut()
        .find(|record| record.source.operation == operation && record.source.parameters == *parameters)
        .unwrap();
    record.outcome = outcome;
    records
}
