//! Assessment.

pub mod resources;
