//! Bundles: sealing them, what outside tools say of them, and what reading them finds.

mod amending;
mod attached;
mod killing;
mod merging;
mod resuming;
mod sealing;
mod tampering;
