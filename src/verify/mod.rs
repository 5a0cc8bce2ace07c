//! Checks packages, reports and signatures: every problem, not the first.

pub mod cms;
pub mod pdf;
mod pdf_changes;
pub mod trust;
