//! The collection engine with the real client against the test world.

mod faults;
mod killing;
mod seeded;
mod specimens;
