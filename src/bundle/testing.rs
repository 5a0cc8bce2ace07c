//! Records for the unit tests of this module and of those that read bundles.

use serde_json::{Value, json};

use crate::canonical::sha256;
use crate::model::{Exchange, Record, RecordKind, RecordOutcome, Source};

/// A record of one call in the account 123456789012 and us-east-1.
pub(crate) fn api_record(service: &str, operation: &str, parameters: Value) -> Record {
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
            caller: "arn:aws:iam::123456789012:user/auditor".into(),
            endpoint: format!("https://{service}.us-east-1.amazonaws.com"),
        },
        collected_at: "2026-01-02T03:04:05Z".parse().unwrap(),
        exchanges: vec![Exchange {
            request_id: Some("8f1c".into()),
            status: 200,
            body_sha256: sha256(b"{}"),
            body_bytes: 2,
        }],
        outcome: RecordOutcome::Response(json!({})),
        redactions: vec![],
    }
}
