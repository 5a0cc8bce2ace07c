//! How the program ends: one number per kind of ending, documented by the same table that `--help` prints.

use std::fmt;
use std::process::ExitCode;

/// An ending and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All done; for `verify`: verified.
    Success = 0,
    /// `verify`, `trail validate`, `corroborate`, `exceptions lint` or `catalog validate` found problems, or `checks test` a case that came
    /// out wrong.
    ProblemsFound = 1,
    /// The command line is wrong.
    Usage = 2,
    /// A configuration, exception, key or other input file is missing or wrong.
    Input = 3,
    /// AWS could not be reached, or refused the credentials or the archive: nothing was collected, or nothing was archived.
    Aws = 4,
    /// Finished, but some evidence could not be seen: the gaps are in the bundle and the report.
    Incomplete = 5,
    /// A file could not be written, or the target exists already.
    Output = 6,
    /// A defect in proofpack itself.
    Internal = 70,
    /// Stopped by Ctrl-C or a signal: nothing was sealed, and the same command goes on from there.
    Interrupted = 130,
}

impl Exit {
    /// Every ending, in order of its number.
    pub const ALL: [Self; 9] = [
        Self::Success,
        Self::ProblemsFound,
        Self::Usage,
        Self::Input,
        Self::Aws,
        Self::Incomplete,
        Self::Output,
        Self::Internal,
        Self::Interrupted,
    ];

    /// What the number means, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Success => "all done; for `verify`: verified",
            Self::ProblemsFound => {
                "`verify`, `trail validate`, `corroborate`, `exceptions lint` or `catalog validate` found problems, or `checks test` a wrong case"
            }
            Self::Usage => "the command line is wrong",
            Self::Input => "a configuration, exception, key or other input file is missing or wrong",
            Self::Aws => {
                "AWS could not be reached, or refused: nothing was collected, or what was packaged is not archived"
            }
            Self::Incomplete => "finished, but some evidence could not be seen: the report lists the gaps",
            Self::Output => "a file could not be written, or the target exists already",
            Self::Internal => "a defect in proofpack itself",
            Self::Interrupted => "stopped by Ctrl-C: nothing was sealed; the same command goes on from there",
        }
    }

    /// The table of endings, one line each.
    pub fn table() -> String {
        let mut text = String::from("Exit codes:\n");
        for exit in Self::ALL {
            text.push_str(&format!("  {:>3}  {}\n", exit as u8, exit.meaning()));
        }
        text
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not finish: what to say, and how to end.
#[derive(Debug)]
pub(super) struct CommandError {
    /// How the program ends.
    pub(super) exit: Exit,
    /// What failed, where, and what to do next.
    pub(super) message: String,
}

impl CommandError {
    /// An ending with a message.
    pub(super) fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self { exit, message: message.to_string() }
    }

    /// For `map_err`: an input that is missing or wrong.
    pub(super) fn input(message: impl fmt::Display) -> Self {
        Self::new(Exit::Input, message)
    }

    /// For `map_err`: something that could not be written.
    pub(super) fn output(message: impl fmt::Display) -> Self {
        Self::new(Exit::Output, message)
    }

    /// For `map_err`: AWS.
    pub(super) fn aws(message: impl fmt::Display) -> Self {
        Self::new(Exit::Aws, message)
    }

    /// For `map_err`: what cannot happen unless proofpack is wrong.
    pub(super) fn internal(message: impl fmt::Display) -> Self {
        Self::new(Exit::Internal, message)
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}
