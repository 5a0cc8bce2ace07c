//! What searching log files by Amazon Athena takes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::cli::config::{AthenaConfig, Config, Engine};

/// Running queries in the workgroup, reading the table's definition, and, where results are not kept by Athena itself, putting
/// them where they are configured to be (Amazon Athena User Guide, "Control access to Amazon S3 from Athena", "Fine-grained
/// access to databases and tables"). None where Athena is not asked.
pub(super) fn statements(config: &Config, partition: &str) -> Vec<Value> {
    if config.trail.engine != Engine::Athena {
        return Vec::new();
    }
    let AthenaConfig { database, table, workgroup, output_location, region, .. } = &config.trail.athena;
    let region = region.as_ref().or(config.scope.regions.listed().first()).map_or("*", String::as_str);
    let glue = |resource: String| format!("arn:{partition}:glue:{region}:*:{resource}");
    let mut statements = vec![
        json!({
            "Sid": "ProofpackQueriesTrailLogs", "Effect": "Allow",
            "Action": [
                "athena:GetQueryExecution", "athena:GetQueryResults", "athena:StartQueryExecution",
                "athena:StopQueryExecution",
            ],
            "Resource": format!("arn:{partition}:athena:{region}:*:workgroup/{workgroup}"),
        }),
        json!({
            "Sid": "ProofpackReadsTrailTable", "Effect": "Allow", "Action": ["glue:GetDatabase", "glue:GetTable"],
            "Resource": BTreeSet::from([
                glue("catalog".to_owned()),
                glue(format!("database/{database}")),
                glue(format!("table/{database}/{table}")),
            ]),
        }),
        // Athena asks where the buckets are that it reads and writes.
        json!({
            "Sid": "ProofpackLocatesBuckets", "Effect": "Allow", "Action": ["s3:GetBucketLocation"],
            "Resource": format!("arn:{partition}:s3:::*"),
        }),
    ];
    let output = output_location.as_deref().and_then(|location| location.strip_prefix("s3://"));
    if let Some(output) = output {
        let (bucket, prefix) = output.split_once('/').unwrap_or((output, ""));
        statements.push(json!({
            "Sid": "ProofpackKeepsQueryResults", "Effect": "Allow",
            "Action": ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"],
            "Resource": format!("arn:{partition}:s3:::{bucket}/{prefix}*"),
        }));
        statements.push(json!({
            "Sid": "ProofpackListsQueryResults", "Effect": "Allow",
            "Action": ["s3:ListBucket", "s3:ListBucketMultipartUploads"],
            "Resource": format!("arn:{partition}:s3:::{bucket}"),
        }));
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sids(trail: &str) -> Vec<(String, String)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("proofpack.toml");
        let text = format!("organization = \"X\"\n[scope]\nregions = [\"us-east-1\"]\n[trail]\n{trail}");
        std::fs::write(&path, text).unwrap();
        let statements = statements(&Config::read(&path).unwrap(), "aws-us-gov");
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        statements.iter().map(|statement| (text(&statement["Sid"]), text(&statement["Resource"]))).collect()
    }

    #[test]
    fn rights_are_those_of_the_workgroup_the_table_and_the_results() {
        assert!(
            sids("[trail.athena]\ndatabase = \"audit\"").is_empty(),
            "the embedded engine asks Athena nothing"
        );
        let all = sids(
            "engine = \"athena\"\n[trail.athena]\ndatabase = \"audit\"\noutput-location = \"s3://results/q/\"",
        );
        let resource = |sid: &str| all.iter().find(|(of, _)| of == sid).unwrap().1.as_str();
        assert_eq!(
            resource("ProofpackQueriesTrailLogs"),
            "arn:aws-us-gov:athena:us-east-1:*:workgroup/primary"
        );
        assert!(resource("ProofpackReadsTrailTable").contains("table/audit/cloudtrail_logs"));
        assert_eq!(resource("ProofpackKeepsQueryResults"), "arn:aws-us-gov:s3:::results/q/*");
        assert_eq!(all.len(), 5);
        // Where the workgroup says where results are, or keeps them, no right to write is needed here.
        assert_eq!(sids("engine = \"athena\"").len(), 3);
    }
}
