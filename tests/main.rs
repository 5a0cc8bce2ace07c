//! The integration tests, in one binary: each module mirrors one of `src/`.

mod architecture;
mod assess;
mod bundle;
mod collect;
mod package;
mod report;
mod schema;
mod sign;
mod support;
mod world;
