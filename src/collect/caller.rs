//! What the engine needs of an AWS client, so that tests can stand in for it.

use std::future::Future;

use serde_json::Value;

use crate::model::Exchange;

/// A successful call.
#[derive(Debug, Clone)]
pub struct Reply {
    /// All pages, merged as the AWS CLI merges them.
    pub value: Value,
    /// The HTTP exchanges behind it.
    pub exchanges: Vec<Exchange>,
    /// Endpoint URL that answered.
    pub endpoint: String,
}

/// A call that failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// AWS's error code, or the client's own.
    pub code: String,
    /// What came with it.
    pub message: String,
    /// The HTTP exchanges behind it.
    pub exchanges: Vec<Exchange>,
    /// Endpoint URL that was asked.
    pub endpoint: String,
}

/// Makes one call, with all its pages and retries.
pub trait Caller: Clone + Send + Sync + 'static {
    /// Calls `operation` of `service` in `region`.
    fn call(
        &self,
        service: &str,
        operation: &str,
        region: &str,
        parameters: &Value,
    ) -> impl Future<Output = Result<Reply, Failure>> + Send;
}
