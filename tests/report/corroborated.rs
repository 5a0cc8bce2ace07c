//! A made-up corroboration: most is confirmed, some is open, one request was logged otherwise.

use std::collections::BTreeMap;

use proofpack::model::{
    Assessment, Corroboration, Difference, Mismatch, NotConfirmed, Open, ReadLogs, RecordId, Tool,
};

/// Of the records of an assessment. `text` stands where a log file or AWS says what.
pub fn corroboration(text: &str, assessment: &Assessment) -> Corroboration {
    let records: Vec<RecordId> = assessment.evidence.iter().map(|entry| entry.id).collect();
    let period = assessment.bundle.scope.period;
    let reasons = [NotConfirmed::NotLogged, NotConfirmed::Mismatch];
    Corroboration {
        version: Corroboration::VERSION,
        tool: Tool::this(),
        made_at: assessment.as_of,
        manifest_sha256: assessment.bundle.manifest_sha256,
        merkle_root: assessment.bundle.merkle_root,
        sources: vec![format!("s3://{text}")],
        logs: vec![ReadLogs {
            account: "123456789012".into(),
            region: "us-east-1".into(),
            period,
            covered: vec![period],
            valid: 40,
            invalid: 0,
        }],
        records: 730,
        confirmed: 700,
        not_confirmed: BTreeMap::from([(NotConfirmed::NotLogged, 29), (NotConfirmed::Mismatch, 1)]),
        mismatches: vec![Mismatch {
            record: records[0],
            request_id: text.into(),
            event_id: format!("event {text}"),
            log: format!("s3://{text}/AWSLogs/123456789012/CloudTrail/us-east-1/2026/06/30/a.json.gz"),
            differences: vec![Difference {
                what: "principal".into(),
                record: text.into(),
                event: "arn:aws:iam::123456789012:user/somebody-else".into(),
            }],
        }],
        confirmations: vec![],
        open: records.iter().zip(reasons).map(|(record, reason)| Open { record: *record, reason }).collect(),
    }
}
