//! Small bundles for the tests of what reads them.

use std::fs;
use std::path::{Path, PathBuf};

use proofpack::bundle::{SealInfo, Writer, paths};
use proofpack::canonical::sha256;
use proofpack::catalog::GapReasons;
use proofpack::model::{
    ApiError, ErrorMeaning, Exchange, Period, Record, RecordKind, RecordOutcome, Scope, Source, Tool,
};
use serde_json::{Value, json};

/// A record of one call that was answered with `response`.
pub(crate) fn answered(service: &str, operation: &str, parameters: Value, response: Value) -> Record {
    let exchange = Exchange {
        request_id: Some(format!("{service}-{operation}")),
        status: 200,
        body_sha256: sha256(response.to_string().as_bytes()),
        body_bytes: response.to_string().len() as u64,
    };
    Record {
        kind: RecordKind::ApiCall,
        version: Record::VERSION,
        source: Source {
            partition: "aws".into(),
            account: "123456789012".into(),
            region: "us-east-1".into(),
            service: service.into(),
            operation: operation.into(),
            parameters,
            caller: "arn:aws:sts::123456789012:assumed-role/auditor/run".into(),
            endpoint: format!("https://{service}.us-east-1.amazonaws.com"),
        },
        collected_at: "2026-09-30T12:00:00Z".parse().unwrap(),
        exchanges: vec![exchange],
        outcome: RecordOutcome::Response(response),
        redactions: vec![],
    }
}

/// A record of one call that was answered with an error.
pub(crate) fn refused(
    service: &str,
    operation: &str,
    parameters: Value,
    code: &str,
    meaning: ErrorMeaning,
) -> Record {
    let mut record = answered(service, operation, parameters, json!({}));
    record.exchanges[0].status = 403;
    record.outcome = RecordOutcome::Error(match meaning {
        ErrorMeaning::Absent => ApiError::absent(code, "No."),
        ErrorMeaning::Gap => ApiError::gap(code, "No.", GapReasons::embedded().of(code)),
    });
    record
}

/// Eight records in five files: answers, an absence, two gaps and an excerpt; one with text that needs care.
pub(crate) fn sample_records() -> Vec<Record> {
    let bucket = |name: &str| json!({ "Bucket": name });
    let mut excerpt = answered(
        "cloudtrail",
        "LookupEvents",
        json!({"rule": "root-use", "start": "2026-07-01T00:00:00Z", "end": "2026-10-01T00:00:00Z"}),
        json!({"Events": []}),
    );
    excerpt.kind = RecordKind::TrailExcerpt;
    vec![
        answered("s3", "ListBuckets", json!({}), json!({"Buckets": [{"Name": "alpha"}, {"Name": "beta"}]})),
        answered("s3", "GetBucketVersioning", bucket("alpha"), json!({"Status": "Enabled"})),
        answered(
            "s3",
            "GetBucketVersioning",
            bucket("beta"),
            json!({"Note": "#strong[x] \u{202e}🙂\n\"\\", "Ratio": 0.1}),
        ),
        refused("s3", "GetBucketVersioning", bucket("gamma"), "AccessDenied", ErrorMeaning::Gap),
        refused("s3", "GetBucketPolicy", bucket("alpha"), "NoSuchBucketPolicy", ErrorMeaning::Absent),
        refused("s3", "GetBucketPolicy", bucket("beta"), "AccessDenied", ErrorMeaning::Gap),
        answered("kms", "ListKeys", json!({}), json!({"Keys": []})),
        excerpt,
    ]
}

/// What somebody stated on a day, with these files, and the files' places in a bag.
pub(crate) fn attested(id: &str, date: &str, files: &[(&str, &[u8])]) -> (Record, Vec<(String, Vec<u8>)>) {
    let named: Vec<Value> = files
        .iter()
        .map(|(name, bytes)| json!({"name": name, "sha256": sha256(bytes), "bytes": bytes.len()}))
        .collect();
    let response = json!({
        "statement": "It is so.", "author": "Ada Park", "role": "Security officer", "date": date, "files": named,
    });
    let mut record = answered("attestation", "Attest", json!({ "id": id }), response);
    record.kind = RecordKind::Attestation;
    record.exchanges.clear();
    record.collected_at = format!("{date}T09:00:00Z").parse().unwrap();
    for text in [
        &mut record.source.partition,
        &mut record.source.account,
        &mut record.source.region,
        &mut record.source.caller,
        &mut record.source.endpoint,
    ] {
        text.clear();
    }
    let place = |bytes: &[u8]| paths::attached(RecordKind::Attestation, &sha256(bytes)).unwrap();
    (record, files.iter().map(|(_, bytes)| (place(bytes), bytes.to_vec())).collect())
}

/// Adds an attestation of [`attested`].
pub(crate) fn attach(writer: &mut Writer, (record, files): &(Record, Vec<(String, Vec<u8>)>)) {
    for (place, bytes) in files {
        writer.add_file(place, bytes).unwrap();
    }
    writer.append(record).unwrap();
}

/// What the sample is sealed with.
pub(crate) fn seal_info() -> SealInfo {
    SealInfo {
        tool: Tool { name: "proofpack".into(), version: "0.1.0".into() },
        catalog_sha256: sha256(b"catalog"),
        scope: Scope::new(
            "aws",
            ["123456789012"],
            ["us-east-1"],
            Period {
                start: "2026-07-01T00:00:00Z".parse().unwrap(),
                end: "2026-10-01T00:00:00Z".parse().unwrap(),
            },
        ),
        collection_started: "2026-09-30T11:59:00Z".parse().unwrap(),
        sealed_at: "2026-09-30T12:01:00Z".parse().unwrap(),
        previous_manifest_sha256: None,
        shard: None,
        merged_from_sha256: Vec::new(),
        redaction_key_commitment: None,
        amends_sha256: None,
    }
}

/// Seals `records` as the bundle `home/name`.
pub(crate) fn seal(home: &Path, name: &str, records: &[Record]) -> PathBuf {
    let target = home.join(name);
    let mut writer = Writer::create(&target).unwrap();
    for record in records {
        writer.append(record).unwrap();
    }
    writer.seal(seal_info()).unwrap();
    target
}

/// Every file below `root`, by relative path.
pub(crate) fn files_below(root: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}
