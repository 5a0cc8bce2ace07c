//! The collection engine with the real client against the test world.

mod faults;
mod seeded;
mod specimens;
