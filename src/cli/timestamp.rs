//! Timestamp authorities over HTTP (RFC 3161, section 3.4).

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

use super::config::SigningConfig;
use super::exit::CommandError;
use super::http::Question;
use crate::sign::TimestampAuthority;
use crate::sign::timestamp::LARGEST_ANSWER;

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
}

impl TimestampAuthority for HttpAuthority {
    fn name(&self) -> &str {
        &self.url
    }

    fn answer(&self, request: &[u8]) -> Result<Vec<u8>, String> {
        let body = Some(("application/timestamp-query", request));
        Question { url: &self.url, body, accept: "application/timestamp-reply", largest: LARGEST_ANSWER }
            .ask()
    }
}
