//! The assessment, from outside.

mod catalog;
mod exceptions;
mod fail_closed;
mod fixture;
mod imports;
mod status;
