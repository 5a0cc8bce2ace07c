//! The assessment.

mod coverage;
pub mod engine;
pub mod functions;
mod references;
mod text;

pub mod resources;
