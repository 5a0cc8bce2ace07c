//! The integration tests, in one binary: each module mirrors one of `src/`.

mod architecture;
mod aws;
mod report;
mod bundle;
mod package;
mod sign;
mod support;
mod world;
