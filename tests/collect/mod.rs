//! The collection engine with the real client against the test world.

mod enforced;
mod faults;
mod killing;
mod secrets;
mod seeded;
mod specimens;
