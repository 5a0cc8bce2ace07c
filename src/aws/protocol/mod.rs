//! The six protocols that AWS's APIs speak: five from AWS's crates, ec2Query from here.

mod cdata;
mod ec2_query;
mod error_body;
mod well_formed;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use aws_smithy_json::protocol::aws_json_rpc::AwsJsonRpcProtocol;
use aws_smithy_json::protocol::aws_rest_json_1::AwsRestJsonProtocol;
use aws_smithy_query::protocol::AwsQueryProtocol;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, Metadata};
use aws_smithy_schema::codec::Codec;
use aws_smithy_schema::protocol::ClientProtocol;
use aws_smithy_schema::serde::{SerdeError, ShapeDeserializer};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::{ConfigBag, Layer};
use aws_smithy_types::error::metadata::{Builder as ErrorMetadataBuilder, ErrorMetadata};
use aws_smithy_xml::codec::{XmlCodec, XmlCodecSettings};
use aws_smithy_xml::protocol::aws_rest_xml::AwsRestXmlProtocol;
use serde_json::{Map, Value};

pub(super) use error_body::REQUEST_ID;

use super::model::{Operation, Service};
use super::value::{InputStructure, Reader};

/// How a service's requests and answers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// AWS JSON 1.0.
    Json10,
    /// AWS JSON 1.1.
    Json11,
    /// REST with JSON bodies.
    RestJson,
    /// REST with XML bodies.
    RestXml,
    /// Form-encoded requests, XML answers.
    Query,
    /// The variant of Query that EC2 alone speaks.
    Ec2Query,
}

impl Protocol {
    /// The protocol by its name in botocore's models; `None` for one that is not spoken here (CBOR).
    pub(super) fn of_model(name: &str, json_version: Option<&str>) -> Option<Self> {
        Some(match (name, json_version) {
            ("json", Some("1.1")) => Self::Json11,
            ("json", _) => Self::Json10,
            ("rest-json", _) => Self::RestJson,
            ("rest-xml", _) => Self::RestXml,
            ("query", _) => Self::Query,
            ("ec2", _) => Self::Ec2Query,
            _ => return None,
        })
    }

    pub(super) fn is_xml(self) -> bool {
        matches!(self, Self::RestXml | Self::Query | Self::Ec2Query)
    }

    pub(super) fn is_rest(self) -> bool {
        matches!(self, Self::RestJson | Self::RestXml)
    }
}

/// Writes the requests and reads the answers of one operation.
pub(super) struct Wire {
    service: Arc<Service>,
    operation: Arc<Operation>,
    implementation: Implementation,
    /// The query protocol takes the operation's name from here.
    config: ConfigBag,
}

enum Implementation {
    Official(Arc<dyn ClientProtocol>),
    Ec2Query(XmlCodec),
}

impl fmt::Debug for Wire {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Wire({} {})", self.service.name, self.operation.name)
    }
}

impl Wire {
    pub(super) fn new(service: Arc<Service>, operation: Arc<Operation>) -> Self {
        let target = service.target_prefix.clone();
        let official = |protocol: Arc<dyn ClientProtocol>| Implementation::Official(protocol);
        let implementation = match service.protocol {
            Protocol::Json10 => {
                official(Arc::new(AwsJsonRpcProtocol::aws_json_1_0().with_target_prefix(target)))
            }
            Protocol::Json11 => {
                official(Arc::new(AwsJsonRpcProtocol::aws_json_1_1().with_target_prefix(target)))
            }
            Protocol::RestJson => official(Arc::new(AwsRestJsonProtocol::new())),
            Protocol::RestXml => {
                // Only S3 itself writes <Error> without an <ErrorResponse> around it.
                official(Arc::new(AwsRestXmlProtocol::new().with_no_error_wrapping(service.name == "s3")))
            }
            Protocol::Query => {
                let version = service.api_version.clone();
                official(Arc::new(AwsQueryProtocol::new().with_service_version(version)))
            }
            Protocol::Ec2Query => Implementation::Ec2Query(XmlCodec::new(XmlCodecSettings::default())),
        };
        let mut layer = Layer::new("operation");
        layer.store_put(Metadata::new(operation.name.clone(), service.name.clone()));
        let config = ConfigBag::of_layers(vec![layer]);
        Self { service, operation, implementation, config }
    }

    /// The HTTP request for `parameters`, without an endpoint.
    pub(super) fn request(&self, parameters: &Value) -> Result<HttpRequest, SerdeError> {
        let input = InputStructure::new(&self.service.shapes, &self.operation.input, parameters)?;
        match &self.implementation {
            Implementation::Official(protocol) => {
                protocol.serialize_request(&input, self.operation.input.schema, "", &self.config)
            }
            Implementation::Ec2Query(_) => ec2_query::request(&self.service, &self.operation, parameters),
        }
    }

    /// The output out of a successful answer, in the shape of the AWS CLI.
    pub(super) fn output(&self, response: &HttpResponse) -> Result<Map<String, Value>, SerdeError> {
        if self.operation.output.members.is_empty() {
            return Ok(Map::new()); // nothing is modelled, so an empty body is in order
        }
        self.refuse_foreign_document(response)?;
        if self.answers_in_xml()
            && let Cow::Owned(text) = cdata::as_text(body(response))
        {
            let mut rewritten = HttpResponse::new(response.status(), SdkBody::from(text));
            *rewritten.headers_mut() = response.headers().clone();
            return self.decode(&rewritten);
        }
        self.decode(response)
    }

    /// S3's bucket policies are JSON although the protocol is XML: the body is the string itself.
    fn answers_in_xml(&self) -> bool {
        self.service.protocol.is_xml() && !self.operation.has_raw_payload()
    }

    fn decode(&self, response: &HttpResponse) -> Result<Map<String, Value>, SerdeError> {
        let mut deserializer: Box<dyn ShapeDeserializer> = match &self.implementation {
            Implementation::Official(protocol) => {
                protocol.deserialize_response(response, self.operation.output.schema, &self.config)?
            }
            Implementation::Ec2Query(codec) => Box::new(codec.create_deserializer(body(response))),
        };
        Reader::new(&self.service.shapes).structure(&self.operation.output, &mut *deserializer)
    }

    /// Code, message and request id out of an error answer; empty where the body has none.
    pub(super) fn error(&self, response: &HttpResponse) -> ErrorMetadataBuilder {
        match &self.implementation {
            Implementation::Official(protocol) if !self.service.protocol.is_xml() => protocol
                .parse_error_metadata(response, &self.config)
                .unwrap_or_else(|_| ErrorMetadata::builder()),
            // AwsQueryProtocol leaves codes out and ec2Query is ours; one scan serves every XML envelope.
            _ => error_body::read(body(response)),
        }
    }

    /// Codecs skip what they do not know, so a document of another kind (an HTML page of a proxy, the
    /// answer to another call) would read as "nothing is configured". That must never count as evidence.
    fn refuse_foreign_document(&self, response: &HttpResponse) -> Result<(), SerdeError> {
        if body(response).is_empty() && self.operation.has_body() {
            return Err(SerdeError::custom("the answer is empty"));
        }
        if !self.answers_in_xml() {
            return Ok(()); // what is not JSON is no JSON
        }
        if looks_like_html(body(response)) {
            return Err(SerdeError::custom("the answer is an HTML page"));
        }
        if self.operation.has_body() {
            well_formed::check(body(response)).map_err(SerdeError::custom)?;
        }
        let Some(expected) = self.expected_root() else { return Ok(()) };
        match error_body::root_name(body(response)) {
            Some(root) if root == expected => Ok(()),
            Some(root) => {
                Err(SerdeError::custom(format!("the answer is <{root}> where <{expected}> is due")))
            }
            None => Err(SerdeError::custom(format!("the answer has no <{expected}>"))),
        }
    }

    /// The root element, where the model says what it is: botocore leaves it out for most REST outputs.
    fn expected_root(&self) -> Option<String> {
        match self.service.protocol {
            Protocol::Query | Protocol::Ec2Query => Some(format!("{}Response", self.operation.name)),
            Protocol::RestXml => self.operation.payload_root().map(str::to_owned),
            _ => None,
        }
    }
}

fn looks_like_html(body: &[u8]) -> bool {
    let start = String::from_utf8_lossy(body.get(..256).unwrap_or(body)).to_ascii_lowercase();
    let start = start.trim_start();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}

fn body(response: &HttpResponse) -> &[u8] {
    response.body().bytes().unwrap_or_default()
}
