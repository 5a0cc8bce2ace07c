//! Which URL answers for a service in a region, and what the signature names: AWS's own endpoint rules.

mod functions;
mod partitions;
mod rules;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

pub(super) use partitions::Partitions;
pub(super) use rules::RuleSet;

use super::model::{Models, Operation, Service};

/// RFC 3986's unreserved characters stay as they are.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Where a call goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// URL, with a bucket in host or path where the call is about one.
    pub url: String,
    /// Region that the signature names.
    pub signing_region: String,
    /// Service that the signature names.
    pub signing_name: String,
}

/// What decides about the endpoint besides service, operation and parameters.
#[derive(Debug, Clone, Copy, Default)]
pub struct EndpointRequest<'a> {
    /// Region.
    pub region: &'a str,
    /// URL to use in place of AWS's own, for all services.
    pub override_url: Option<&'a str>,
    /// FIPS endpoints.
    pub fips: bool,
    /// Endpoints that answer over IPv6 too.
    pub dual_stack: bool,
}

/// Why there is no endpoint.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// No partition has such a region.
    #[error("{0:?} is no AWS region; check the regions that are configured")]
    UnknownRegion(String),
    /// The models do not have it.
    #[error("the AWS models have no operation {service} {operation}")]
    UnknownOperation {
        /// Service.
        service: String,
        /// Operation.
        operation: String,
    },
    /// AWS's rules say that there is none.
    #[error("no endpoint: {0}")]
    Rules(String),
}

impl Models {
    /// The endpoint of an operation.
    ///
    /// # Errors
    /// When region or operation are unknown, or AWS's rules know no endpoint.
    pub fn endpoint(
        &self,
        service: &str,
        operation: &str,
        request: EndpointRequest<'_>,
        parameters: &Value,
    ) -> Result<Endpoint, EndpointError> {
        let model = self.service(service);
        let found = model.and_then(|model| Some((model, model.operations.get(operation)?)));
        let Some((model, operation)) = found else {
            return Err(EndpointError::UnknownOperation {
                service: service.to_owned(),
                operation: operation.to_owned(),
            });
        };
        resolve(self.partitions(), model, operation, request, parameters)
    }

    /// Name of the partition that has `region`: `aws`, `aws-us-gov`, `aws-cn`, ...
    pub fn partition(&self, region: &str) -> Option<&str> {
        self.partitions().of_region(region)
    }

    /// Region in which a partition's global services are asked: `us-east-1`, `us-gov-west-1`, ...
    pub fn home_region(&self, partition: &str) -> Option<&str> {
        self.partitions().home_region(partition)
    }
}

pub(super) fn resolve(
    partitions: &Partitions,
    service: &Service,
    operation: &Operation,
    request: EndpointRequest<'_>,
    parameters: &Value,
) -> Result<Endpoint, EndpointError> {
    if partitions.of_region(request.region).is_none() {
        return Err(EndpointError::UnknownRegion(request.region.to_owned()));
    }
    // S3 answers questions about a bucket's location anywhere, but only under a path: the name in the host
    // would lead to the very region that is asked for.
    let path_style = request.override_url.is_some() || operation.name == "GetBucketLocation";
    let mut arguments: Map<String, Value> = Map::new();
    for (name, built_in) in service.rules.built_ins() {
        let value = match built_in {
            "AWS::Region" => json!(request.region),
            "AWS::UseFIPS" => json!(request.fips),
            "AWS::UseDualStack" => json!(request.dual_stack),
            "AWS::S3::ForcePathStyle" => json!(path_style),
            _ => continue,
        };
        arguments.insert(name.to_owned(), value);
    }
    arguments.extend(operation.endpoint_constants.clone());
    for (name, member) in &operation.endpoint_members {
        if let Some(value) = parameters.get(member).filter(|value| !value.is_null()) {
            arguments.insert(name.clone(), value.clone());
        }
    }
    let resolved = service.rules.resolve(&arguments, partitions).map_err(EndpointError::Rules)?;
    let url = match request.override_url {
        None => resolved.url,
        // The URL is taken as it is: no account or bucket in front of a host that we do not know.
        Some(url) => match arguments.get("Bucket").and_then(Value::as_str) {
            Some(bucket) => {
                format!("{}/{}", url.trim_end_matches('/'), utf8_percent_encode(bucket, ESCAPED))
            }
            None => url.to_owned(),
        },
    };
    Ok(Endpoint {
        url,
        signing_region: resolved.signing_region.unwrap_or_else(|| request.region.to_owned()),
        signing_name: resolved.signing_name.unwrap_or_else(|| service.signing_name.clone()),
    })
}
