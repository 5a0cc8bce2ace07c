//! The model-driven, read-only AWS client: service models in, the AWS CLI's JSON out.
//!
//! [`Models`] turns the trimmed botocore models of `evidence-schemas/aws/` into schemas and refuses every
//! operation that does not read. [`Session`] has credentials, region, endpoint and one connection pool from
//! AWS's own crates. [`Client::call`] makes one call with all its pages and gives back what
//! `aws <service> <operation> --output json` prints, with the request ids and digests that prove it.
//!
//! The way of a call: `endpoint` (which URL, which signing region) → `operation` (one request through AWS's
//! orchestrator: signing, retries, timeouts) → `protocol` and `value` (bytes to JSON by schema) →
//! `customization` (what the CLI changes by hand) → `pagination` (all pages merged) → `client`.

mod body_limit;
mod client;
mod customization;
mod endpoint;
mod failure;
mod model;
mod operation;
mod pagination;
mod protocol;
pub mod replay;
mod session;
mod value;

pub use client::{Client, Reply};
pub use endpoint::{Endpoint, EndpointError, EndpointRequest};
pub use failure::Failure;
pub(crate) use failure::explained;
pub use model::{ModelError, Models};
pub use protocol::Protocol;
pub use session::{AssumeRole, Session, SessionError, SessionOptions};
