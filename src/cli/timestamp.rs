//! Timestamp authorities over HTTP (RFC 3161, section 3.4): the token is signed, so that plain HTTP does.

use std::time::Duration;

use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt, Limited};

use super::config::SigningConfig;
use super::exit::CommandError;
use super::runtime;
use crate::aws::explained;
use crate::sign::TimestampAuthority;
use crate::sign::timestamp::LARGEST_ANSWER;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// How often an authority is asked that does not answer.
const ATTEMPTS: usize = 2;

/// The authorities that the configuration names, in its order.
pub(super) fn authorities(
    signing: Option<&SigningConfig>,
) -> Result<Vec<Box<dyn TimestampAuthority>>, CommandError> {
    let urls = signing.map(|signing| signing.timestamp_authorities.as_slice()).unwrap_or_default();
    urls.iter().map(|url| Ok(Box::new(HttpAuthority::new(url)?) as Box<dyn TimestampAuthority>)).collect()
}

/// An authority behind a URL.
#[derive(Debug)]
struct HttpAuthority {
    url: String,
}

impl HttpAuthority {
    fn new(url: &str) -> Result<Self, CommandError> {
        let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        let host = rest.and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
        if host.is_empty() || host.contains('@') || HttpRequest::empty().set_uri(url).is_err() {
            return Err(CommandError::input(format!(
                "signing.timestamp-authorities: {url:?} is not usable; it must be http:// or https:// with a host, e.g. \"http://timestamp.digicert.com\""
            )));
        }
        Ok(Self { url: url.to_owned() })
    }

    async fn ask(&self, request: &[u8]) -> Result<Vec<u8>, String> {
        let settings =
            HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT);
        let connector = Connector::builder()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
            .connector_settings(settings.build())
            .sleep_impl(TokioSleep::new())
            .build();
        let mut asked = HttpRequest::new(SdkBody::from(request.to_vec()));
        asked.set_uri(self.url.as_str()).map_err(|error| error.to_string())?;
        asked.set_method("POST").map_err(|error| error.to_string())?;
        let headers = asked.headers_mut();
        headers.insert("content-type", "application/timestamp-query");
        headers.insert("accept", "application/timestamp-reply");
        headers.insert("user-agent", concat!("proofpack/", env!("CARGO_PKG_VERSION")));
        let answer = connector.call(asked).await.map_err(|error| explained(&error))?;
        let status = answer.status().as_u16();
        if status != 200 {
            return Err(format!("HTTP status {status}"));
        }
        let body = Limited::new(answer.into_body(), LARGEST_ANSWER).collect();
        let body = tokio::time::timeout(READ_TIMEOUT, body).await.map_err(|_| "its answer takes too long")?;
        body.map(|body| body.to_bytes().to_vec()).map_err(|error| error.to_string())
    }
}

impl TimestampAuthority for HttpAuthority {
    fn name(&self) -> &str {
        &self.url
    }

    fn answer(&self, request: &[u8]) -> Result<Vec<u8>, String> {
        let runtime = runtime().map_err(|error| error.to_string())?;
        let mut answer = Err("it was not asked".to_owned());
        for _ in 0..ATTEMPTS {
            answer = runtime.block_on(self.ask(request));
            if answer.is_ok() {
                break;
            }
        }
        answer
    }
}
