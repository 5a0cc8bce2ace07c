//! Who we are to AWS: the first call of an account, and the one that tells wrong credentials from all else.

use serde_json::{Value, json};

use crate::aws::Client;
use crate::cli::config::Config;
use crate::cli::exit::CommandError;
use crate::clock::Clock;
use crate::collect::call_once;
use crate::model::{ApiError, GapReason, Record, RecordOutcome, Source};

/// Where in AWS a run takes place.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// `aws`, `aws-us-gov` or `aws-cn`.
    pub(super) partition: String,
    /// Where the partition's global services are asked, and where it keeps their events. It is enabled in every account.
    pub(super) home_region: String,
}

/// Who the credentials belong to.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    /// Account id (12 digits).
    pub(super) account: String,
    /// ARN.
    pub(super) arn: String,
    /// The record that says so.
    pub(super) record: Record,
}

impl Place {
    /// The place that the configured regions, or else the session's, are in.
    ///
    /// # Errors
    /// When a region is in no partition, or they are in more than one.
    pub(super) fn of(config: &Config, client: &Client) -> Result<Self, CommandError> {
        let start = client.session().region().to_owned();
        let listed = config.scope.regions.listed();
        let regions = if listed.is_empty() { std::slice::from_ref(&start) } else { listed };
        let mut found: Option<(&str, String)> = None;
        for region in regions {
            let Some(partition) = client.partition_of(region) else {
                return Err(CommandError::input(format!(
                    "{region:?} is a region of no AWS partition: check scope.regions (`aws ec2 describe-regions --all-regions` lists them)"
                )));
            };
            match &found {
                Some((first, other)) if *other != partition => {
                    return Err(CommandError::input(format!(
                        "scope.regions: {first} is in the partition {other} and {region} in {partition}: a run covers one partition"
                    )));
                }
                Some(_) => {}
                None => found = Some((region, partition.to_owned())),
            }
        }
        let partition = found.map_or_else(|| "aws".to_owned(), |(_, partition)| partition);
        let home_region = client.home_region(&partition);
        Ok(Self { partition, home_region })
    }

    /// The source of a call in the home region.
    pub(super) fn source(&self, account: &str, caller: &str, service: &str, operation: &str) -> Source {
        Source {
            partition: self.partition.clone(),
            account: account.to_owned(),
            region: self.home_region.clone(),
            service: service.to_owned(),
            operation: operation.to_owned(),
            parameters: json!({}),
            caller: caller.to_owned(),
            endpoint: String::new(),
        }
    }
}

/// Asks who the credentials belong to. Without an answer there is nothing to be collected.
///
/// # Errors
/// When AWS does not answer, or refuses the credentials.
pub(super) async fn own(
    client: &Client,
    place: &Place,
    config: &Config,
    clock: Clock,
) -> Result<Identity, CommandError> {
    let mut record = call_once(client, place.source("", "", "sts", "GetCallerIdentity"), clock).await;
    let answer = match &record.outcome {
        RecordOutcome::Response(answer) => answer,
        RecordOutcome::Error(error) => {
            return Err(CommandError::aws(format!(
                "AWS did not say who we are (sts GetCallerIdentity in {}{}): {}: {}\n{}",
                place.home_region,
                config.aws.profile.as_ref().map_or_else(String::new, |name| format!(", profile {name:?}")),
                error.code,
                error.message,
                advice(&error.code)
            )));
        }
    };
    let (Some(account), Some(arn)) = (text(answer, "Account"), text(answer, "Arn")) else {
        return Err(CommandError::aws(
            "AWS answered sts GetCallerIdentity without an account; check the endpoint",
        ));
    };
    record.source.account.clone_from(&account);
    record.source.caller.clone_from(&arn);
    Ok(Identity { account, arn, record })
}

/// Asks who we are in `account`, whose role is assumed with this call. An error is a gap: the account could
/// not be entered. `assumer` is who assumes the role, `role` its ARN.
pub(super) async fn assumed(
    client: &Client,
    place: &Place,
    account: &str,
    assumer: &str,
    role: &str,
    clock: Clock,
) -> Result<Identity, (ApiError, Record)> {
    let mut record =
        call_once(client, place.source(account, assumer, "sts", "GetCallerIdentity"), clock).await;
    let problem = match &record.outcome {
        RecordOutcome::Response(answer) => match (text(answer, "Account"), text(answer, "Arn")) {
            (Some(found), Some(arn)) if found == account => {
                record.source.caller.clone_from(&arn);
                return Ok(Identity { account: found, arn, record });
            }
            (found, _) => {
                let found =
                    found.map_or_else(|| "unknown".to_owned(), |found| found.chars().take(20).collect());
                let message = format!("{role} led into account {found}: check the endpoint");
                ApiError::gap("OtherAccount", message, GapReason::Other)
            }
        },
        RecordOutcome::Error(error) => {
            let message: String = format!("{role}: {}", error.message).chars().take(1024).collect();
            ApiError { message, ..error.clone() }
        }
    };
    record.outcome = RecordOutcome::Error(problem.clone());
    Err((problem, record))
}

fn text(answer: &Value, member: &str) -> Option<String> {
    answer.get(member).and_then(Value::as_str).map(str::to_owned)
}

fn advice(code: &str) -> &'static str {
    match code {
        "NoCredentials" => {
            "Give credentials as for the AWS CLI: AWS_PROFILE, AWS_ACCESS_KEY_ID, `aws sso login`, or [aws] profile in proofpack.toml."
        }
        "InvalidClientTokenId" | "SignatureDoesNotMatch" | "UnrecognizedClientException" | "AuthFailure" => {
            "The credentials are wrong: check `aws sts get-caller-identity` with the same profile."
        }
        "ExpiredToken" | "ExpiredTokenException" => "The credentials have expired: log in again.",
        "Timeout" | "Unreachable" => {
            "No answer: check the network, the proxy, and that the region exists (`aws ec2 describe-regions --all-regions`)."
        }
        _ => "Check the credentials, and [aws] in proofpack.toml.",
    }
}
