//! The client: one call in, all its pages out, with what proves them.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::endpoint::{self, EndpointError, EndpointRequest};
use super::failure::Failure;
use super::model::Models;
use super::operation;
use super::pagination::Pages;
use super::session::Session;
use crate::model::Exchange;

/// Bytes of all pages of one call together, as received, beyond which no further page is asked for (1 GiB).
const LARGEST_CALL: u64 = 1024 * 1024 * 1024;

/// Calls the operations of the models on behalf of a session. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    models: Arc<Models>,
    session: Arc<Session>,
}

/// What a call gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// What `aws <service> <operation> --output json` prints (times in UTC, ISO 8601), all pages merged.
    pub value: Value,
    /// The HTTP exchanges, one per page.
    pub exchanges: Vec<Exchange>,
    /// URL that answered.
    pub endpoint: String,
}

impl Client {
    /// A client of `session`.
    pub fn new(models: Arc<Models>, session: Arc<Session>) -> Self {
        Self { models, session }
    }

    /// The models.
    pub fn models(&self) -> &Models {
        &self.models
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Name of the partition that has `region`; `None` for what is no region's name.
    pub fn partition_of(&self, region: &str) -> Option<&str> {
        self.models.partition(region)
    }

    /// Region in which a partition's global services are asked; `us-east-1` for an unknown partition.
    pub fn home_region(&self, partition: &str) -> String {
        self.models.home_region(partition).unwrap_or("us-east-1").to_owned()
    }

    /// Makes one call, all its pages, and merges them as the AWS CLI does. The parameters are those of
    /// `--cli-input-json`.
    ///
    /// # Errors
    /// A [`Failure`] with AWS's code or one of our own; it holds the exchanges that took place.
    pub async fn call(
        &self,
        service: &str,
        operation: &str,
        region: &str,
        parameters: &Value,
    ) -> Result<Reply, Failure> {
        if self.models.is_query(service, operation) {
            let message = format!("{service} {operation} does not read: only a query of our own may make it");
            return Err(Failure::new("UnknownOperation", message, ""));
        }
        self.send(service, operation, region, parameters).await
    }

    /// Starts or stops a query that this program wrote: the operations that `operations.toml` lists under `[[query]]`, and no
    /// other.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn query(
        &self,
        service: &str,
        operation: &str,
        region: &str,
        parameters: &Value,
    ) -> Result<Reply, Failure> {
        if !self.models.is_query(service, operation) {
            let message = format!("{service} {operation} is no operation of a query");
            return Err(Failure::new("UnknownOperation", message, ""));
        }
        self.send(service, operation, region, parameters).await
    }

    async fn send(
        &self,
        service: &str,
        operation: &str,
        region: &str,
        parameters: &Value,
    ) -> Result<Reply, Failure> {
        let found = self.models.service(service);
        let found = found.and_then(|service| Some((service, service.operations.get(operation)?)));
        let Some((service, operation)) = found else {
            let message = format!("the AWS models have no operation {service} {operation}");
            return Err(Failure::new("UnknownOperation", message, ""));
        };
        let request = EndpointRequest {
            region,
            override_url: self.session.endpoint_url(),
            fips: self.session.fips(),
            dual_stack: self.session.dual_stack(),
        };
        let endpoint = endpoint::resolve(self.models.partitions(), service, operation, request, parameters)
            .map_err(|error| {
            let code = match error {
                EndpointError::UnknownRegion(_) => "UnknownRegion",
                EndpointError::UnknownOperation { .. } => "UnknownOperation",
                EndpointError::Rules(_) => "NoEndpoint",
            };
            Failure::new(code, error.to_string(), "")
        })?;
        let prepared = operation::prepare(service, operation, &endpoint, &self.session);
        let mut parameters = match parameters {
            Value::Object(parameters) => parameters.clone(),
            Value::Null => Map::new(),
            _ => return Err(Failure::new("InvalidParameters", "the parameters are not a JSON object", "")),
        };
        let mut exchanges: Vec<Exchange> = Vec::new();
        let mut pages = operation.paginator.as_ref().map(Pages::new);
        let value = loop {
            let page = match prepared.invoke(Value::Object(parameters.clone())).await {
                Ok(page) => page,
                Err(error) => {
                    let mut failure = Failure::of_call(error, &endpoint.url);
                    failure.pages = exchanges.len();
                    failure.exchanges.splice(0..0, exchanges);
                    return Err(failure);
                }
            };
            exchanges.push(page.exchange);
            let Some(pages) = &mut pages else { break Value::Object(page.value) };
            let received: u64 = exchanges.iter().map(|exchange| exchange.body_bytes).sum();
            let more = match pages.add(page.value, &mut parameters) {
                Ok(true) if received > LARGEST_CALL => {
                    Err(format!("the pages together are larger than {LARGEST_CALL} bytes"))
                }
                other => other,
            };
            match more {
                Ok(true) => {}
                Ok(false) => break Value::Null,
                Err(problem) => {
                    let failure = Failure::new("MalformedResponse", problem, &endpoint.url);
                    return Err(Failure { pages: exchanges.len(), exchanges, ..failure });
                }
            }
        };
        let value = pages.map_or(value, Pages::finish);
        Ok(Reply { value, exchanges, endpoint: endpoint.url })
    }
}
