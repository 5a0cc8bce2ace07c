//! The AWS client against its counterparts: the AWS CLI on a moto server, botocore's parsers and endpoint
//! rules, and servers that misbehave.

mod awscli;
mod canned;
mod cli;
mod endpoints;
mod fuzz;
mod models;
mod retries;
