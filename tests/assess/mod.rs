//! The assessment, from outside.

mod catalog;
