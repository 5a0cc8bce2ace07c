//! proofpack collects audit evidence from AWS accounts, seals it into hashed bundles, assesses it
//! against a control framework and renders a signed PDF report that maps every control to its proof.
//!
//! The arrows run one way, and each is a file on disk: AWS → records → sealed bundle → assessment →
//! report → signature → package → archive. `ARCHITECTURE.md` shows which module makes which.

pub mod archive;
pub mod assess;
pub mod attest;
pub mod aws;
pub mod bundle;
pub mod canonical;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod collect;
pub mod compare;
pub mod export;
pub mod imports;
pub mod model;
pub mod package;
mod parallel;
pub mod report;
pub mod schema;
pub mod sign;
pub mod trail;
pub mod verify;
