//! The program as people use it: through its command line, its files and its exit codes.

mod access_review;
mod accounts;
mod attest;
mod bad_aws;
mod bad_keys;
mod bad_packages;
mod bad_settings;
mod cloudformation;
pub(crate) mod demo;
mod determinism;
mod diff;
mod examples;
mod exceptions;
mod explain;
mod frameworks;
mod imports;
mod killed;
mod live;
mod operations;
pub(crate) mod place;
mod redaction;
mod reference;
mod sampling;
mod trail;
mod verification;
