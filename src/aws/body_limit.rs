//! A bound on the size of answers: whatever a server sends, only so much of it is read.

use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;

/// An HTTP client whose answers fail to be read beyond a limit.
#[derive(Debug)]
pub(super) struct BodyLimit {
    inner: SharedHttpClient,
    bytes: usize,
}

#[derive(Debug)]
struct LimitedConnector {
    inner: SharedHttpConnector,
    bytes: usize,
}

impl BodyLimit {
    /// Bounds the answers of `inner` to so many bytes; its connections are shared.
    pub(super) fn over(inner: SharedHttpClient, bytes: usize) -> SharedHttpClient {
        SharedHttpClient::new(Self { inner, bytes })
    }
}

impl HttpClient for BodyLimit {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(LimitedConnector { inner, bytes: self.bytes })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.inner.connector_metadata()
    }
}

impl HttpConnector for LimitedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (answer, bytes) = (self.inner.call(request), self.bytes);
        HttpConnectorFuture::new(async move {
            Ok(answer.await?.map(|body| SdkBody::from_body_1_x(Limited::new(body, bytes))))
        })
    }
}
