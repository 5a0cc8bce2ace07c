//! Failed calls, with the code that a gap record will carry.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::error::ProvideErrorMetadata;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use super::operation::ErrorAnswer;
use crate::model::Exchange;

/// Characters of a message that are kept.
const LONGEST_MESSAGE: usize = 1_024;

/// A call that did not give a response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Failure {
    /// AWS's error code (`AccessDenied`), that of STS where a role could not be assumed; `Http<status>` for an
    /// error answer without one; else one of `Timeout`, `Unreachable`, `MalformedResponse`, `NoCredentials`,
    /// `UnknownRegion`, `UnknownOperation`, `NoEndpoint`, `InvalidParameters`.
    pub code: String,
    /// What AWS, or the way to it, said; at most 1,024 characters.
    pub message: String,
    /// The exchanges that took place, that of the failure included.
    pub exchanges: Vec<Exchange>,
    /// URL that was called; empty where there is none.
    pub endpoint: String,
    /// How many whole pages had come before; they are not kept.
    pub pages: usize,
}

impl Failure {
    pub(super) fn new(code: &str, message: impl AsRef<str>, endpoint: &str) -> Self {
        let message = message.as_ref().chars().take(LONGEST_MESSAGE).collect();
        let (exchanges, endpoint) = (Vec::new(), endpoint.to_owned());
        Self { code: code.to_owned(), message, exchanges, endpoint, pages: 0 }
    }

    /// For a caller that has no way to new credentials.
    pub fn cannot_renew() -> Self {
        Self::new("NoCredentials", "the credentials cannot be renewed", "")
    }

    pub(super) fn of_call(error: SdkError<ErrorAnswer, HttpResponse>, endpoint: &str) -> Self {
        let chain = explained(&error);
        match &error {
            SdkError::ServiceError(service) => {
                let answer = service.err();
                let mut failure = Self::new(&answer.code(), answer.message(), endpoint);
                failure.exchanges.push(answer.exchange.clone());
                failure
            }
            _ if has_source::<CredentialsError>(&error) => {
                if let Some((code, said)) = refused_role(&error) {
                    return Self::new(&code, format!("the role could not be assumed: {said}"), endpoint);
                }
                let hint = "AWS credentials could not be obtained; set a profile or AWS_ACCESS_KEY_ID and \
                            AWS_SECRET_ACCESS_KEY, or log in (aws sso login)";
                Self::new("NoCredentials", format!("{hint}: {chain}"), endpoint)
            }
            SdkError::ConstructionFailure(_) => Self::new("InvalidParameters", chain, endpoint),
            SdkError::TimeoutError(_) => Self::new("Timeout", chain, endpoint),
            SdkError::DispatchFailure(dispatch) if dispatch.is_timeout() => {
                Self::new("Timeout", chain, endpoint)
            }
            SdkError::DispatchFailure(_) => Self::new("Unreachable", chain, endpoint),
            // The answer's body ended early or was too long.
            _ => Self::new("MalformedResponse", chain, endpoint),
        }
    }
}

/// What STS said where it refused to let a role be assumed.
fn refused_role(error: &(dyn Error + 'static)) -> Option<(String, String)> {
    let refusal =
        sources(error).find_map(|source| source.downcast_ref::<SdkError<AssumeRoleError, HttpResponse>>())?;
    Some((refusal.code()?.to_owned(), refusal.message().unwrap_or_default().to_owned()))
}

/// The error with its sources: the SDK's own words say only "dispatch failure".
pub(crate) fn explained(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    for source in sources(error) {
        let source = source.to_string();
        if !text.ends_with(&source) {
            text.push_str(": ");
            text.push_str(&source);
        }
    }
    text
}

fn has_source<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    sources(error).any(|source| source.is::<E>())
}

fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let next = |error: &&'a (dyn Error + 'static)| -> Option<&'a (dyn Error + 'static)> { (*error).source() };
    std::iter::successors(error.source(), next).take(16)
}
