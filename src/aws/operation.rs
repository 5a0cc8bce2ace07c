//! One request through AWS's orchestrator: signing, retries, timeouts, error classification.

use std::fmt;

use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_runtime::user_agent::{ApiMetadata, UserAgentInterceptor};
use aws_smithy_runtime::client::orchestrator::operation::Operation as Orchestrated;
use aws_smithy_runtime::client::retries::RetryPartition;
use aws_smithy_runtime::client::retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier};
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{
    AuthSchemeOptionResolverParams, SharedAuthScheme, SharedAuthSchemeOptionResolver,
};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::config_bag::{FrozenLayer, Layer};
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};
use aws_types::SigningName;
use aws_types::region::{Region, SigningRegion};
use aws_types::request_id::RequestId;
use serde_json::{Map, Value};

use super::customization;
use super::endpoint::Endpoint;
use super::model::{Operation, Service};
use super::protocol::{REQUEST_ID, Wire};
use super::session::Session;
use crate::canonical::sha256;
use crate::model::Exchange;
use std::sync::Arc;

/// One page of an answer.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) value: Map<String, Value>,
    pub(super) exchange: Exchange,
}

/// An answer that is an error, or that cannot be read.
#[derive(Debug)]
pub(super) struct ErrorAnswer {
    metadata: Box<ErrorMetadata>,
    /// Why a successful answer could not be read.
    unreadable: Option<String>,
    pub(super) exchange: Exchange,
}

impl ErrorAnswer {
    pub(super) fn code(&self) -> String {
        match (&self.unreadable, self.metadata.code()) {
            (Some(_), _) => "MalformedResponse".to_owned(),
            (None, Some(code)) if !code.is_empty() => code.chars().take(128).collect(),
            _ => format!("Http{}", self.exchange.status),
        }
    }

    pub(super) fn message(&self) -> String {
        let said = self.unreadable.as_deref().or(self.metadata.message());
        said.map_or_else(|| format!("HTTP status {}", self.exchange.status), str::to_owned)
    }
}

impl fmt::Display for ErrorAnswer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code(), self.message())
    }
}

impl std::error::Error for ErrorAnswer {}

/// What the classifiers of retries look at.
impl ProvideErrorMetadata for ErrorAnswer {
    fn meta(&self) -> &ErrorMetadata {
        &self.metadata
    }
}

/// The operation, ready to be sent to `endpoint` with changing parameters.
pub(super) fn prepare(
    service: &Arc<Service>,
    operation: &Arc<Operation>,
    endpoint: &Endpoint,
    session: &Session,
) -> Orchestrated<Value, Page, ErrorAnswer> {
    let wire = Arc::new(Wire::new(Arc::clone(service), Arc::clone(operation)));
    let (writer, reader) = (Arc::clone(&wire), wire);
    let (reader_service, reader_operation) = (Arc::clone(service), Arc::clone(operation));
    let components = RuntimeComponentsBuilder::new("proofpack")
        .with_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(
            StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]),
        )))
        .with_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()))
        .with_identity_resolver(SCHEME_ID, session.identity())
        .with_identity_cache(Some(session.identity_cache()))
        .with_retry_classifier(HttpStatusCodeClassifier::default())
        .with_retry_classifier(TransientErrorClassifier::<ErrorAnswer>::new())
        .with_retry_classifier(AwsErrorCodeClassifier::<ErrorAnswer>::new())
        .with_interceptor(SharedInterceptor::permanent(UserAgentInterceptor::new()));
    let mut builder = Orchestrated::builder()
        .service_name(service.name.clone())
        .operation_name(operation.name.clone())
        .behavior_version(BehaviorVersion::latest())
        .http_client(session.bounded_http_client())
        .endpoint_url(&endpoint.url)
        .timeout_config(session.timeouts())
        .standard_retry(&session.retries())
        .serializer(move |parameters: Value| writer.request(&parameters).map_err(Into::into))
        .deserializer(move |response: &HttpResponse| {
            read(&reader, &reader_service, &reader_operation, response)
        })
        .runtime_plugin(
            StaticRuntimePlugin::new()
                .with_config(configuration(service, endpoint))
                .with_runtime_components(components),
        );
    if let Some(sleep) = session.sdk_config().sleep_impl() {
        builder = builder.sleep_impl(sleep);
    }
    if let Some(time) = session.sdk_config().time_source() {
        builder = builder.time_source(time);
    }
    builder.build()
}

fn configuration(service: &Service, endpoint: &Endpoint) -> FrozenLayer {
    let mut options = SigningOptions::default();
    if endpoint.signing_name == "s3" {
        // S3 signs the path as it is sent and wants the body's digest in a header.
        options.double_uri_encode = false;
        options.normalize_uri_path = false;
        options.content_sha256_header = true;
    }
    let mut layer = Layer::new("proofpack");
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(SigV4OperationSigningConfig {
        region: Some(SigningRegion::from(Region::new(endpoint.signing_region.clone()))),
        name: Some(SigningName::from(endpoint.signing_name.clone())),
        signing_options: options,
        ..Default::default()
    });
    // Throttling in one region must not use up the retries of another.
    layer.store_put(RetryPartition::new(format!("{}-{}", service.name, endpoint.signing_region)));
    layer.store_put(ApiMetadata::new("proofpack", env!("CARGO_PKG_VERSION")));
    layer.freeze()
}

fn read(
    wire: &Wire,
    service: &Service,
    operation: &Operation,
    response: &HttpResponse,
) -> Result<Page, OrchestratorError<ErrorAnswer>> {
    let body = response.body().bytes().unwrap_or_default();
    let status = response.status().as_u16();
    let headers = response.headers();
    let mut exchange = Exchange {
        request_id: headers.request_id().or_else(|| headers.get("x-amz-id-2")).map(str::to_owned),
        status,
        body_sha256: sha256(body),
        body_bytes: body.len() as u64,
    };
    if !(200..300).contains(&status) {
        let metadata = Box::new(wire.error(response).build());
        if exchange.request_id.is_none() {
            exchange.request_id = metadata.extra(REQUEST_ID).map(str::to_owned);
        }
        let answer = ErrorAnswer { metadata, unreadable: None, exchange };
        return Err(OrchestratorError::operation(answer));
    }
    match wire.output(response) {
        Ok(mut value) => {
            customization::apply(service, operation, &mut value);
            Ok(Page { value, exchange })
        }
        Err(error) => Err(OrchestratorError::operation(ErrorAnswer {
            metadata: Box::new(ErrorMetadata::builder().build()),
            unreadable: Some(error.to_string()),
            exchange,
        })),
    }
}
