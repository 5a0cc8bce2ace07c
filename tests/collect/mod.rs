//! The collection engine with the real client against the test world.

mod killing;
mod seeded;
