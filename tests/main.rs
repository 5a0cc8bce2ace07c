//! The integration tests, in one binary: each module mirrors one of `src/`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "clippy.toml allows these in test functions, but not in the helpers that they share"
)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

mod architecture;
mod assess;
mod aws;
mod bundle;
mod catalog;
mod cli;
mod collect;
mod package;
mod report;
mod schema;
mod sign;
mod support;
mod verify;
mod world;
