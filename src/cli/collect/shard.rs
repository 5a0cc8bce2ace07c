//! `--shard`: which part of a run's accounts this machine collects.

use std::str::FromStr;

use crate::cli::exit::CommandError;
use crate::model::Shard;

/// Where AWS Batch tells the jobs of an array apart, from 0.
const BATCH_INDEX: &str = "AWS_BATCH_JOB_ARRAY_INDEX";
/// Where AWS Batch says how many jobs the array has.
const BATCH_SIZE: &str = "AWS_BATCH_JOB_ARRAY_SIZE";

/// A part as the command line names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShardArgument {
    /// `2/5`: the second of five.
    Number(u32, u32),
    /// `array/5`: one of five, the number as AWS Batch gives it to the jobs of an array.
    Array(u32),
}

impl FromStr for ShardArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("{text:?} names no part: write I/N, e.g. 2/5 for the second of five parts, or array/N")
        };
        let (number, of) = text.split_once('/').ok_or_else(wrong)?;
        let of = digits(of).filter(|of| *of > 0).ok_or_else(wrong)?;
        if number == "array" {
            return Ok(Self::Array(of));
        }
        let number = digits(number).ok_or_else(wrong)?;
        if (1..=of).contains(&number) {
            Ok(Self::Number(number, of))
        } else {
            Err(format!("there is no part {number} of {of}: the parts are numbered from 1 to {of}"))
        }
    }
}

/// Part `number` of `of`, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    number: u32,
    of: u32,
}

/// A number without a sign.
fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

impl ShardArgument {
    /// Which part this machine has. `environment` looks variables up.
    ///
    /// # Errors
    /// When the number is to come from AWS Batch and does not.
    pub(super) fn part(self, environment: impl Fn(&str) -> Option<String>) -> Result<Part, CommandError> {
        let (number, of) = match self {
            Self::Number(number, of) => (number, of),
            Self::Array(of) => (in_array(of, environment)?, of),
        };
        Ok(Part { number, of })
    }
}

impl Part {
    /// The part of these accounts (sorted).
    pub(super) fn of(self, accounts: Vec<String>) -> Shard {
        Shard { number: self.number, of: self.of, accounts }
    }
}

fn in_array(of: u32, environment: impl Fn(&str) -> Option<String>) -> Result<u32, CommandError> {
    let Some(index) = environment(BATCH_INDEX) else {
        return Err(CommandError::input(format!(
            "--shard array/{of}: {BATCH_INDEX} is not set; AWS Batch sets it in the jobs of an array. Elsewhere write --shard I/{of}"
        )));
    };
    if let Some(size) = environment(BATCH_SIZE).filter(|size| *size != of.to_string()) {
        return Err(CommandError::input(format!(
            "--shard array/{of}: the array has {size} jobs ({BATCH_SIZE}): write --shard array/{size}, or accounts would be left out"
        )));
    }
    match index.parse::<u32>() {
        Ok(index) if index < of => Ok(index + 1),
        _ => Err(CommandError::input(format!(
            "--shard array/{of}: {BATCH_INDEX} is {index:?}, which is none of 0 to {}: give the array's size",
            of - 1
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_batch(text: &str, index: Option<&str>, size: Option<&str>) -> Result<u32, String> {
        let argument: ShardArgument = text.parse().unwrap();
        let environment = |name: &str| match name {
            BATCH_INDEX => index.map(str::to_owned),
            BATCH_SIZE => size.map(str::to_owned),
            other => panic!("{other} is not for us"),
        };
        argument.part(environment).map(|part| part.number).map_err(|error| error.message)
    }

    #[test]
    fn a_part_is_named_by_its_number() {
        assert_eq!("2/5".parse(), Ok(ShardArgument::Number(2, 5)));
        assert_eq!("array/5".parse(), Ok(ShardArgument::Array(5)));
        for wrong in [
            "",
            "1",
            "0/5",
            "6/5",
            "1/0",
            "-1/5",
            "+1/5",
            "1/+5",
            "a/5",
            "1/5/9",
            "array/",
            "array/0",
            "1/99999999999",
        ] {
            assert!(wrong.parse::<ShardArgument>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn aws_batch_counts_from_zero() {
        assert_eq!(in_batch("2/5", None, None), Ok(2));
        assert_eq!(in_batch("array/5", Some("0"), None), Ok(1));
        assert_eq!(in_batch("array/5", Some("4"), Some("5")), Ok(5));
        assert!(in_batch("array/5", None, None).unwrap_err().contains("is not set"));
        assert!(in_batch("array/5", Some("5"), None).unwrap_err().contains("none of 0 to 4"));
        assert!(in_batch("array/5", Some("x"), None).is_err());
        assert!(in_batch("array/5", Some("0"), Some("6")).unwrap_err().contains("array/6"));
    }
}
