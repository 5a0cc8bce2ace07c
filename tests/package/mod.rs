//! The package: what is written, what outside tools say of it, and every way in which a zip can lie.

mod browser;
mod encryption;
mod hostile;
mod writing;
