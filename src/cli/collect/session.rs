//! Sessions with AWS: that of the credentials, and clients of AWS's own crates on it.

use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::aws::{AssumeRole, Session, SessionError, SessionOptions};
use crate::cli::config::{Config, Regions};
use crate::cli::exit::CommandError;

/// Where a run starts that nobody told a region.
const FIRST_REGION: &str = "us-east-1";

/// Opens a session as the configuration says. `http` replaces the network (the demonstration).
pub(in crate::cli) async fn session(
    config: &Config,
    http: Option<SharedHttpClient>,
) -> Result<Session, CommandError> {
    let listed = config.scope.regions.listed().first().cloned();
    match open(config, http.clone(), listed).await {
        // Which regions are enabled can be asked anywhere in the partition: nobody has to name one.
        Err(SessionError::NoRegion) if config.scope.regions == Regions::Enabled => {
            open(config, http, Some(FIRST_REGION.to_owned())).await
        }
        other => other,
    }
    .map_err(CommandError::aws)
}

async fn open(
    config: &Config,
    http: Option<SharedHttpClient>,
    region: Option<String>,
) -> Result<Session, SessionError> {
    let assume_role = config.aws.role_arn.clone().map(|arn| AssumeRole {
        arn,
        external_id: config.aws.external_id.clone(),
        session_name: "proofpack".to_owned(),
        region: None,
    });
    let options = SessionOptions {
        profile: config.aws.profile.clone(),
        region,
        endpoint_url: match http {
            // A recording was made at one address for all services; `.invalid` leads nowhere (RFC 2606).
            Some(_) => Some("http://recording.invalid".to_owned()),
            None => config.aws.endpoint_url.clone(),
        },
        assume_role,
        // The demonstration replays a recording: it needs no credentials, and must not look for any.
        static_credentials: http.is_some().then(|| ("demonstration".to_owned(), "demonstration".to_owned())),
        http_client: http,
        ..SessionOptions::default()
    };
    Session::load(options).await
}

/// An S3 client on the session; buckets in the path where the endpoint is not AWS's own.
pub(in crate::cli) fn s3_client(session: &Session) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(session.sdk_config())
        .force_path_style(session.endpoint_url().is_some())
        .build();
    aws_sdk_s3::Client::from_conf(config)
}
