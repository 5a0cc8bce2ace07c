//! Plain HTTP to timestamp authorities and to those who say whether certificates are revoked: what they answer is signed, so that
//! it needs no protection on its way.

use std::time::Duration;

use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt, Limited};

use super::runtime;
use crate::aws::explained;
use crate::sign::RevocationSource;
use crate::sign::revocation::LARGEST_ANSWER;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// How often somebody is asked who does not answer.
const ATTEMPTS: usize = 2;

/// One question.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) url: &'a str,
    /// The type of what is sent, and that; asked with GET where there is nothing to send.
    pub(super) body: Option<(&'static str, &'a [u8])>,
    pub(super) accept: &'static str,
    /// The largest answer that is read, in bytes.
    pub(super) largest: usize,
}

impl Question<'_> {
    /// The answer's body, at the second attempt if the first fails.
    pub(super) fn ask(self) -> Result<Vec<u8>, String> {
        let runtime = runtime().map_err(|error| error.to_string())?;
        let mut answer = Err("nobody was asked".to_owned());
        for _ in 0..ATTEMPTS {
            answer = runtime.block_on(self.ask_once());
            if answer.is_ok() {
                break;
            }
        }
        answer
    }

    async fn ask_once(self) -> Result<Vec<u8>, String> {
        let settings =
            HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT);
        let connector = Connector::builder()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
            .connector_settings(settings.build())
            .sleep_impl(TokioSleep::new())
            .build();
        let sent = self.body.map(|(_, bytes)| bytes.to_vec()).unwrap_or_default();
        let mut asked = HttpRequest::new(SdkBody::from(sent));
        asked.set_uri(self.url).map_err(|error| error.to_string())?;
        let method = if self.body.is_some() { "POST" } else { "GET" };
        asked.set_method(method).map_err(|error| error.to_string())?;
        let headers = asked.headers_mut();
        if let Some((content_type, _)) = self.body {
            headers.insert("content-type", content_type);
        }
        headers.insert("accept", self.accept);
        headers.insert("user-agent", concat!("proofpack/", env!("CARGO_PKG_VERSION")));
        let answer = connector.call(asked).await.map_err(|error| explained(&error))?;
        let status = answer.status().as_u16();
        if status != 200 {
            return Err(format!("HTTP status {status}"));
        }
        let body = Limited::new(answer.into_body(), self.largest).collect();
        let body = tokio::time::timeout(READ_TIMEOUT, body).await.map_err(|_| "its answer takes too long")?;
        body.map(|body| body.to_bytes().to_vec()).map_err(|error| error.to_string())
    }
}

/// Those whom certificates name.
#[derive(Debug, Clone, Copy)]
pub(super) struct NamedInCertificates;

impl RevocationSource for NamedInCertificates {
    fn get(&self, url: &str) -> Result<Vec<u8>, String> {
        Question { url, body: None, accept: "*/*", largest: LARGEST_ANSWER }.ask()
    }

    fn post(&self, url: &str, content_type: &'static str, body: &[u8]) -> Result<Vec<u8>, String> {
        Question { url, body: Some((content_type, body)), accept: "*/*", largest: LARGEST_ANSWER }.ask()
    }
}
