//! The integration tests, in one binary: each module mirrors one of `src/`.

mod support;
mod world;
