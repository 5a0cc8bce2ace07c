//! What AWS, or the way to it, said where an object or a list could not be had.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata};

/// How many errors behind an error are looked at.
const DEEPEST: usize = 16;

/// Code and message: AWS's own, or ours where nobody answered.
pub(crate) fn refusal<E: ProvideErrorMetadata + Error + 'static>(error: &E) -> (String, String) {
    let said = || error.message().map_or_else(|| DisplayErrorContext(error).to_string(), str::to_owned);
    if let Some(code) = error.code() {
        return (code.to_owned(), said());
    }
    type Behind<'e> = &'e (dyn Error + 'static);
    fn next<'e>(error: &Behind<'e>) -> Option<Behind<'e>> {
        (*error).source()
    }
    let behind = std::iter::successors(error.source(), next);
    if behind.take(DEEPEST).any(|error| error.is::<CredentialsError>()) {
        let message = "AWS credentials could not be obtained: set AWS_PROFILE, AWS_ACCESS_KEY_ID or [aws] profile in proofpack.toml, or log in (aws sso login)";
        return ("NoCredentials".to_owned(), message.to_owned());
    }
    ("Unreachable".to_owned(), said())
}
