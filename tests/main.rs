//! The integration tests, in one binary: each module mirrors one of `src/`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "clippy.toml allows these in test functions, but not in the helpers that they share"
)]

mod architecture;
mod archive;
mod assess;
mod attest;
mod aws;
mod bundle;
mod catalog;
mod cli;
mod collect;
mod compare;
mod export;
mod package;
mod report;
mod schema;
mod sign;
mod support;
mod tamper;
mod trail;
mod verify;
mod world;
