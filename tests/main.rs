//! The integration tests, in one binary: each module mirrors one of `src/`.

mod architecture;
mod bundle;
mod collect;
mod package;
mod report;
mod sign;
mod support;
mod world;
