//! The assessment.

mod coverage;
pub mod engine;
pub mod functions;
mod references;
pub mod resources;
mod text;
