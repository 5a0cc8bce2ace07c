//! What the engine needs of an AWS client, so that tests can stand in for it.

use std::future::Future;

use serde_json::Value;

pub use crate::aws::{Failure, Reply};

use crate::aws::Client;

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

impl Caller for Client {
    async fn call(
        &self,
        service: &str,
        operation: &str,
        region: &str,
        parameters: &Value,
    ) -> Result<Reply, Failure> {
        Self::call(self, service, operation, region, parameters).await
    }
}
