//! `proofpack iam-policy`: the rights that a collection needs, out of the same catalog that it follows.

mod athena;
mod forms;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::config::Config;
use super::exit::{CommandError, Exit};
use super::{CommandResult, catalog, output};
use crate::archive::S3Archive;
use crate::aws::Models;
use crate::catalog::Catalog;
use crate::trail::LogSource;
use crate::trail::digest::Place;

/// The most that a managed policy holds, in characters without white space (IAM and AWS STS quotas).
const LARGEST_POLICY: usize = 6_144;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "A managed policy holds at most 6,144 characters. What needs more is printed as several policies, all of which are\nattached: as a JSON list (or one of them with --part), as several resources in Terraform and CloudFormation.\n\nExamples:\n  proofpack iam-policy --part 1 > policy-1.json\n  aws iam create-policy --policy-name proofpack-1 --policy-document file://policy-1.json\n  proofpack iam-policy --config proofpack.toml --format terraform > proofpack.tf\n  proofpack iam-policy --config proofpack.toml --archive --format cloudformation > proofpack.json"
)]
pub(super) struct IamPolicyArguments {
    /// How to print it.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// Configuration file, for the rights to read the log buckets that it names; without it, those alone that the
    /// collectors and LookupEvents need.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Also the right to write into the configured archive, as a statement of its own.
    #[arg(long, requires = "config")]
    archive: bool,
    /// Print this one of several policies alone (JSON).
    #[arg(long, value_name = "NUMBER")]
    part: Option<usize>,
}

/// How a policy is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// The policy document.
    Json,
    /// Terraform: an `aws_iam_policy` for each policy.
    Terraform,
    /// CloudFormation: a template with an `AWS::IAM::ManagedPolicy` for each policy.
    Cloudformation,
}

pub(super) fn run(arguments: &IamPolicyArguments) -> CommandResult {
    let config = arguments.config.as_deref().map(Config::read).transpose()?;
    let catalog = config.as_ref().map_or_else(catalog, Config::catalog)?;
    let statements = statements(&catalog, config.as_ref(), arguments.archive)?;
    let policies = split(&statements)?;
    let chosen = match arguments.part {
        None => policies.as_slice(),
        Some(part) => {
            let chosen = part.checked_sub(1).and_then(|place| policies.get(place..=place));
            chosen.ok_or_else(|| {
                CommandError::input(format!("there is no part {part}: the parts are 1 to {}", policies.len()))
            })?
        }
    };
    let text = match arguments.format {
        Format::Json => forms::json(chosen),
        Format::Terraform => forms::terraform(chosen),
        Format::Cloudformation => forms::cloudformation(chosen),
    };
    println!("{}", text.map_err(CommandError::internal)?.trim_end());
    if policies.len() > 1 && arguments.part.is_none() {
        output::warning(format_args!(
            "a managed policy holds at most {LARGEST_POLICY} characters: these are {} policies, and the collection needs all of them",
            policies.len()
        ));
    }
    Ok(Exit::Success)
}

/// Every statement that a run needs: what the collectors' calls, the excerpts and finding out the enabled regions
/// need, and nothing else.
fn statements(catalog: &Catalog, config: Option<&Config>, archive: bool) -> Result<Vec<Value>, CommandError> {
    let mut actions = BTreeSet::from(["cloudtrail:LookupEvents", "ec2:DescribeRegions"].map(str::to_owned));
    for collector in catalog.collectors.values() {
        actions.extend(collector.calls.iter().filter_map(|call| collector.iam_action(call)));
    }
    let mut statements = vec![json!({
        "Sid": "ProofpackReadsConfiguration", "Effect": "Allow", "Action": actions, "Resource": "*",
    })];
    if let Some(config) = config {
        let partition = partition(config)?;
        statements.extend(entering(config, &partition));
        statements.extend(trail_logs(config, &partition)?);
        statements.extend(athena::statements(config, &partition));
        statements.extend(signing(config));
        if archive {
            statements.extend(archiving(config, &partition)?);
        }
    }
    Ok(statements)
}

/// What entering other accounts takes, for the identity that enters them: assuming the role in each, and finding the
/// accounts of organizational units. The role in those accounts itself does without.
fn entering(config: &Config, partition: &str) -> Vec<Value> {
    let scope = &config.scope;
    let arn = |account: &str, role: &str| format!("arn:{partition}:iam::{account}:role/{role}");
    let mut roles: BTreeSet<String> =
        scope.named_accounts().iter().map(|account| arn(account, &scope.role_in(account).name)).collect();
    if scope.organization {
        // Which accounts there are is known only when the organization was asked.
        roles.insert(arn("*", &scope.role_in("").name));
    }
    let mut statements = Vec::new();
    if !roles.is_empty() {
        statements.push(json!({
            "Sid": "ProofpackEntersAccounts", "Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": roles,
        }));
    }
    if !scope.organizational_units.is_empty() {
        statements.push(json!({
            "Sid": "ProofpackListsUnits", "Effect": "Allow", "Resource": "*",
            "Action": ["organizations:ListAccountsForParent", "organizations:ListOrganizationalUnitsForParent"],
        }));
    }
    statements
}

/// The partition of the configured regions.
fn partition(config: &Config) -> Result<String, CommandError> {
    let models = Models::embedded().map_err(CommandError::internal)?;
    let region = config.scope.regions.listed().first().map_or("us-east-1", String::as_str);
    Ok(models.partition(region).unwrap_or("aws").to_owned())
}

/// What reading the trail's log objects takes: listing their buckets under the prefixes, reading them, and
/// decrypting what CloudTrail encrypted (AWS CloudTrail User Guide, "Granting decrypt permissions").
fn trail_logs(config: &Config, partition: &str) -> Result<Vec<Value>, CommandError> {
    // The logs of every account: `${account}` would be a variable of the policy's own language.
    let buckets = config.trail.logs.iter().filter(|text| text.starts_with("s3://"));
    let sources = buckets.map(|text| LogSource::parse(&text.replace("${account}", "*"), &config.folder));
    let sources: Vec<LogSource> = sources
        .collect::<Result<_, _>>()
        .map_err(|error| CommandError::input(format!("[trail] logs: {error}")))?;
    let mut statements = Vec::new();
    for (number, source) in sources.iter().enumerate() {
        let LogSource::S3 { bucket, prefix } = source else { continue };
        // Digest files lie beside the log files: `CloudTrail-Digest/` beside `CloudTrail/`. What leads there is listed.
        let prefix = prefix.strip_suffix("CloudTrail/").unwrap_or(prefix);
        let (root, number) = (Place::of(bucket, prefix).prefix, number + 1);
        statements.push(json!({
            "Sid": format!("ProofpackListsTrailLogs{number}"), "Effect": "Allow", "Action": ["s3:ListBucket"],
            "Resource": format!("arn:{partition}:s3:::{bucket}"),
            "Condition": { "StringLike": { "s3:prefix": [format!("{prefix}*"), format!("{root}AWSLogs/")] } },
        }));
        statements.push(json!({
            "Sid": format!("ProofpackReadsTrailLogs{number}"), "Effect": "Allow", "Action": ["s3:GetObject"],
            "Resource": format!("arn:{partition}:s3:::{bucket}/{prefix}*"),
        }));
    }
    if !config.trail.logs.is_empty() {
        statements.push(json!({
            "Sid": "ProofpackReadsCloudTrailsKeys", "Effect": "Allow", "Action": ["cloudtrail:ListPublicKeys"], "Resource": "*",
        }));
    }
    if statements.len() > 1 {
        statements.push(json!({
            "Sid": "ProofpackDecryptsTrailLogs", "Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": "*",
            "Condition": { "Null": { "kms:EncryptionContext:aws:cloudtrail:arn": "false" } },
        }));
    }
    Ok(statements)
}

/// What putting a package into the archive takes.
fn archiving(config: &Config, partition: &str) -> Result<Vec<Value>, CommandError> {
    let destination = &config.archive.destination;
    if !destination.starts_with("s3://") {
        return Err(CommandError::input(format!(
            "archive.destination is the folder {destination:?}: it needs no rights in AWS; leave --archive out"
        )));
    }
    let (bucket, prefix) = S3Archive::parse_location(destination).map_err(CommandError::input)?;
    let below = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    let mut statements = vec![
        json!({
            "Sid": "ProofpackLooksAtArchive", "Effect": "Allow",
            "Action": [
                "s3:GetBucketObjectLockConfiguration", "s3:GetBucketPublicAccessBlock", "s3:GetBucketVersioning",
                "s3:GetEncryptionConfiguration", "s3:ListBucket", "s3:ListBucketMultipartUploads",
            ],
            "Resource": format!("arn:{partition}:s3:::{bucket}"),
        }),
        json!({
            "Sid": "ProofpackArchives", "Effect": "Allow",
            "Action": [
                "s3:GetObject", "s3:GetObjectLegalHold", "s3:GetObjectRetention", "s3:GetObjectVersion", "s3:ListMultipartUploadParts",
                "s3:PutObject", "s3:PutObjectLegalHold", "s3:PutObjectRetention", "s3:PutObjectTagging",
            ],
            "Resource": format!("arn:{partition}:s3:::{bucket}/{below}*"),
        }),
    ];
    if let Some(key) = &config.archive.kms_key {
        statements.push(json!({
            "Sid": "ProofpackEncryptsArchive", "Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            // A key may be configured by its id or alias; a policy takes ARNs.
            "Resource": if key.starts_with("arn:") { key } else { "*" },
        }));
    }
    Ok(statements)
}

/// What signing with a key in KMS takes.
fn signing(config: &Config) -> Option<Value> {
    let key = config.signing.as_ref()?.kms_key.as_ref()?;
    Some(json!({
        "Sid": "ProofpackSigns", "Effect": "Allow", "Action": ["kms:GetPublicKey", "kms:Sign"],
        "Resource": if key.starts_with("arn:") && key.contains(":key/") { key } else { "*" },
    }))
}

/// The policies that the statements fit into, in order; a statement that is too long is continued in the next.
fn split(statements: &[Value]) -> Result<Vec<Value>, CommandError> {
    let document = |statements: &[Value]| json!({ "Version": "2012-10-17", "Statement": statements });
    let fits = |statements: &[Value]| document(statements).to_string().len() <= LARGEST_POLICY;
    let mut policies: Vec<Vec<Value>> = vec![Vec::new()];
    for statement in statements {
        let actions = statement.get("Action").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut left = actions.as_slice();
        while !left.is_empty() {
            let Some(policy) = policies.last_mut() else { break };
            let with = |count: usize| {
                let mut part = statement.clone();
                part["Action"] = json!(left.get(..count).unwrap_or_default());
                let mut all = policy.clone();
                all.push(part);
                all
            };
            let taken = (1..=left.len()).rev().find(|count| fits(&with(*count))).unwrap_or(0);
            if taken == 0 && policy.is_empty() {
                return Err(CommandError::internal(format!("the statement {statement} fits no policy")));
            }
            if taken > 0 {
                *policy = with(taken);
                left = left.get(taken..).unwrap_or_default();
            }
            if !left.is_empty() {
                policies.push(Vec::new());
            }
        }
    }
    Ok(policies.iter().map(|statements| document(statements)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actions(policy: &Value) -> Vec<String> {
        let statements = policy["Statement"].as_array().unwrap().iter();
        let lists = statements.flat_map(|statement| statement["Action"].as_array().unwrap());
        lists.map(|action| action.as_str().unwrap().to_owned()).collect()
    }

    fn statement(sid: &str, count: usize) -> Value {
        let actions: Vec<String> =
            (0..count).map(|number| format!("service:Describe{sid}{number:04}")).collect();
        json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": "*" })
    }

    #[test]
    fn what_is_too_long_becomes_several_policies_that_hold_everything_once() {
        let statements = [statement("Reads", 500), statement("Writes", 3)];
        let policies = split(&statements).unwrap();
        assert!(policies.len() > 2, "{}", policies.len());
        for policy in &policies {
            assert!(policy.to_string().len() <= LARGEST_POLICY);
        }
        let found: Vec<String> = policies.iter().flat_map(actions).collect();
        let expected: Vec<String> =
            statements.iter().flat_map(|s| actions(&json!({ "Statement": [s] }))).collect();
        assert_eq!(found, expected);
        assert_eq!(split(&[statement("Reads", 2)]).unwrap().len(), 1);
    }

    #[test]
    fn who_enters_accounts_may_assume_the_role_in_each() {
        let statements_of = |scope: &str| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("proofpack.toml");
            std::fs::write(
                &path,
                format!("organization = \"X\"\n[scope]\nregions = [\"us-east-1\"]\n{scope}"),
            )
            .unwrap();
            entering(&Config::read(&path).unwrap(), "aws")
        };
        assert!(statements_of("").is_empty(), "the account of the credentials is not entered");
        let listed = statements_of(
            "accounts = [\"111122223333\"]\nrole-name = \"reader\"\n[[scope.account]]\nid = \"444455556666\"\nrole-name = \"audit/own\"",
        );
        let roles = ["arn:aws:iam::111122223333:role/reader", "arn:aws:iam::444455556666:role/audit/own"];
        assert_eq!(
            listed.iter().map(|statement| &statement["Resource"]).collect::<Vec<_>>(),
            [&json!(roles)]
        );
        let organization =
            statements_of("organization = true\norganizational-units = [\"ou-ab12-11112222\"]");
        assert_eq!(organization[0]["Resource"], json!(["arn:aws:iam::*:role/proofpack"]));
        assert_eq!(organization[1]["Action"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn logs_and_archive_are_named_by_bucket_and_prefix() {
        let folder = tempfile::tempdir().unwrap();
        let write = |archive: &str| {
            let path = folder.path().join("proofpack.toml");
            let text = format!(
                "organization = \"X\"\n[scope]\nregions = [\"us-gov-west-1\"]\n[trail]\nlogs = [\"s3://trail/AWSLogs/1/\", \".\"]\n[archive]\n{archive}"
            );
            std::fs::write(&path, text).unwrap();
            Config::read(&path).unwrap()
        };
        let config = write(
            "destination = \"s3://kept/hipaa/\"\nkms-key = \"arn:aws-us-gov:kms:us-gov-west-1:1:key/k\"",
        );
        let catalog = Catalog::embedded().unwrap();
        let statements = statements(&catalog, Some(&config), true).unwrap();
        let resources: Vec<&str> =
            statements.iter().map(|statement| statement["Resource"].as_str().unwrap()).collect();
        assert_eq!(
            resources,
            [
                "*",
                "arn:aws-us-gov:s3:::trail",
                "arn:aws-us-gov:s3:::trail/AWSLogs/1/*",
                "*",
                "*",
                "arn:aws-us-gov:s3:::kept",
                "arn:aws-us-gov:s3:::kept/hipaa/*",
                "arn:aws-us-gov:kms:us-gov-west-1:1:key/k"
            ]
        );
        let without = super::statements(&catalog, Some(&config), false).unwrap();
        assert!(without.iter().all(|statement| !statement.to_string().contains("s3:Put")));
        let error = super::statements(&catalog, Some(&write("destination = \"kept\"")), true).unwrap_err();
        assert!(error.to_string().contains("--archive"), "{error}");
    }
}
