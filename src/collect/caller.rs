//! What the engine needs of an AWS client, so that tests can stand in for it.

use std::future::Future;

use serde_json::{Value, json};

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

    /// Obtains new credentials after AWS called the old ones expired, and shows with a call that needs no
    /// permission that they hold. The default cannot.
    fn renew(&self) -> impl Future<Output = Result<(), Failure>> + Send {
        async { Err(Failure::cannot_renew()) }
    }
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

    async fn renew(&self) -> Result<(), Failure> {
        self.session().forget_credentials();
        let region = self.session().region().to_owned();
        Self::call(self, "sts", "GetCallerIdentity", &region, &json!({})).await.map(|_| ())
    }
}
