//! The collection engine with the real client against the test world.

mod seeded;
mod specimens;
