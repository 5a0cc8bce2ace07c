//! `proofpack iam-policy`: the rights that a collection needs, out of the same catalog that it follows.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::exit::{CommandError, Exit};
use super::{CommandResult, catalog};
use crate::catalog::Catalog;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  proofpack iam-policy > policy.json\n  aws iam create-policy --policy-name proofpack --policy-document file://policy.json"
)]
pub(super) struct IamPolicyArguments {}

pub(super) fn run(_: &IamPolicyArguments) -> CommandResult {
    let policy = policy(&catalog()?);
    println!("{}", serde_json::to_string_pretty(&policy).map_err(CommandError::internal)?);
    Ok(Exit::Success)
}

/// The policy document: every action that the collectors' calls, the excerpts and finding out the enabled regions
/// need, and nothing else.
pub(super) fn policy(catalog: &Catalog) -> Value {
    let mut actions = BTreeSet::from(["cloudtrail:LookupEvents", "ec2:DescribeRegions"].map(str::to_owned));
    for collector in catalog.collectors.values() {
        actions.extend(collector.calls.iter().filter_map(|call| collector.iam_action(call)));
    }
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "ProofpackReadsConfiguration",
            "Effect": "Allow",
            "Action": actions,
            "Resource": "*",
        }],
    })
}
