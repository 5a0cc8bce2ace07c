//! The demonstration's account a quarter later: the same records with changes made on purpose.

use std::fs;
use std::path::Path;

use proofpack::bundle::{self, SealInfo, Writer};
use proofpack::catalog::GapReasons;
use proofpack::model::{ApiError, Period, Record, RecordKind, RecordOutcome};
use serde_json::{Value, json};

/// Seals at `home/bundle` what the account of the bundle `before` looks like in the last quarter of 2026:
/// the bucket `openemr-rds-export` is not versioned any more, `openemr-efs-export` is, `openemr-legacy-uploads` is deleted,
/// there is a topic more, and the queues cannot be listed.
pub(crate) fn next_quarter(before: &Path, home: &Path) {
    let earlier = bundle::read(before).unwrap();
    let mut writer = Writer::create(&home.join("bundle")).unwrap();
    for stored in &earlier.records {
        if let Some(mut record) = later(stored.record.clone()) {
            if record.kind == RecordKind::ApiCall {
                record.collected_at += chrono::TimeDelta::days(92);
            }
            writer.append(&record).unwrap();
        }
    }
    for entry in fs::read_dir(before.join("data/manual/files")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        writer.add_file(&format!("data/manual/files/{name}"), &fs::read(&path).unwrap()).unwrap();
    }
    let mut scope = earlier.manifest.scope.clone();
    scope.period = Period {
        start: "2026-10-01T00:00:00Z".parse().unwrap(),
        end: "2027-01-01T00:00:00Z".parse().unwrap(),
    };
    let info = SealInfo {
        tool: earlier.manifest.tool.clone(),
        catalog_sha256: earlier.manifest.catalog_sha256,
        scope,
        collection_started: "2027-01-01T06:00:00Z".parse().unwrap(),
        sealed_at: "2027-01-01T06:10:00Z".parse().unwrap(),
        previous_manifest_sha256: Some(earlier.manifest_sha256),
        shard: None,
        merged_from_sha256: Vec::new(),
        redaction_key_commitment: earlier.manifest.redaction_key_commitment,
        amends_sha256: None,
    };
    writer.seal(info).unwrap();
}

/// A record a quarter later; `None` for one that is not made any more.
fn later(mut record: Record) -> Option<Record> {
    const DELETED: &str = "openemr-legacy-uploads";
    let bucket = record.source.parameters["Bucket"].as_str().unwrap_or_default().to_owned();
    // What is not listed is not asked about.
    if bucket == DELETED || record.source.operation == "GetQueueAttributes" {
        return None;
    }
    let operation = record.source.operation.clone();
    if operation == "ListQueues" {
        let reason = GapReasons::embedded().of("AccessDenied");
        record.outcome = RecordOutcome::Error(ApiError::gap("AccessDenied", "No.", reason));
    }
    if let RecordOutcome::Response(response) = &mut record.outcome {
        match (operation.as_str(), bucket.as_str()) {
            ("GetBucketVersioning", "openemr-rds-export") => *response = json!({"Status": "Suspended"}),
            ("GetBucketVersioning", "openemr-efs-export") => *response = json!({"Status": "Enabled"}),
            ("ListBuckets", _) => {
                let buckets = response["Buckets"].as_array_mut().unwrap();
                buckets.retain(|bucket: &Value| bucket["Name"] != DELETED);
            }
            ("ListTopics", _) => {
                let topics = response["Topics"].as_array_mut().unwrap();
                topics.push(json!({"TopicArn": "arn:aws:sns:us-east-1:123456789012:openemr-new"}));
            }
            _ => {}
        }
    }
    Some(record)
}
