//! What a person asks a sample for: `control:164.312(b)`, `resource:arn:aws:s3:::*`, `random:25`, `random:95/5`.

use std::str::FromStr;

use super::{SampleError, Selection, size_for};

/// Longest seed, in characters.
const LONGEST_SEED: usize = 200;

/// What a sample is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// What proves a control.
    Control(String),
    /// What is said of resources whose ARN or name fits a pattern.
    Resource(String),
    /// So many records by chance.
    Random(u64),
    /// As many records by chance as this confidence and this margin of error need, both in percent.
    RandomFor {
        /// 90, 95 or 99.
        confidence_percent: u32,
        /// 1 to 50.
        margin_percent: u32,
    },
}

impl FromStr for Request {
    type Err = SampleError;

    fn from_str(text: &str) -> Result<Self, SampleError> {
        let malformed = || SampleError::Request(text.to_owned());
        let (by, what) = text.split_once(':').filter(|(_, what)| !what.is_empty()).ok_or_else(malformed)?;
        match (by, what.split_once('/')) {
            ("control", _) => Ok(Self::Control(what.to_owned())),
            ("resource", _) => Ok(Self::Resource(what.to_owned())),
            ("random", None) => what.parse().map(Self::Random).map_err(|_| malformed()),
            ("random", Some((confidence, margin))) => {
                let confidence_percent = confidence.parse().map_err(|_| malformed())?;
                let margin_percent = margin.parse().map_err(|_| malformed())?;
                // Whether they are offered does not depend on the bundle.
                size_for(1, confidence_percent, margin_percent)?;
                Ok(Self::RandomFor { confidence_percent, margin_percent })
            }
            _ => Err(malformed()),
        }
    }
}

impl Request {
    /// What that is for a bundle of so many records, with this seed.
    pub(super) fn selection(&self, population: u64, seed: &str) -> Result<Selection, SampleError> {
        if seed.is_empty() || seed.chars().count() > LONGEST_SEED || seed.contains(char::is_control) {
            return Err(SampleError::Seed);
        }
        let random = |size, percents: Option<(u32, u32)>| Selection::Random {
            size,
            seed: seed.to_owned(),
            confidence_percent: percents.map(|(confidence, _)| confidence),
            margin_percent: percents.map(|(_, margin)| margin),
        };
        Ok(match self {
            Self::Control(id) => Selection::Control { id: id.clone() },
            Self::Resource(pattern) => Selection::Resource { pattern: pattern.clone() },
            Self::Random(0) => return Err(SampleError::Size(0)),
            // More than there are is all of them.
            Self::Random(size) => random((*size).min(population.max(1)), None),
            Self::RandomFor { confidence_percent, margin_percent } => {
                let size = size_for(population, *confidence_percent, *margin_percent)?;
                random(size, Some((*confidence_percent, *margin_percent)))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read_and_nothing_else() {
        for (text, request) in [
            ("control:164.312(b)", Request::Control("164.312(b)".into())),
            ("resource:arn:aws:s3:::a/*", Request::Resource("arn:aws:s3:::a/*".into())),
            ("random:25", Request::Random(25)),
            ("random:99/2", Request::RandomFor { confidence_percent: 99, margin_percent: 2 }),
        ] {
            assert_eq!(text.parse::<Request>().unwrap(), request);
        }
        for text in [
            "",
            "random",
            "random:",
            "random:x",
            "random:95/",
            "random:95/5/1",
            "random:-1",
            "records:5",
            "control:",
        ] {
            assert!(matches!(text.parse::<Request>(), Err(SampleError::Request(_))), "{text}");
        }
        assert!(matches!("random:80/5".parse::<Request>(), Err(SampleError::Confidence(80))));
        assert!(matches!("random:95/0".parse::<Request>(), Err(SampleError::Margin(0))));
    }

    #[test]
    fn sizes_are_bounded_and_seeds_are_one_line() {
        let size = |request: Request| match request.selection(50, "seed").unwrap() {
            Selection::Random { size, .. } => size,
            other => panic!("{other:?}"),
        };
        assert_eq!(size(Request::Random(20)), 20);
        assert_eq!(size(Request::Random(2000)), 50);
        assert_eq!(size(Request::RandomFor { confidence_percent: 95, margin_percent: 5 }), 45);
        assert!(matches!(Request::Random(0).selection(50, "seed"), Err(SampleError::Size(0))));
        for seed in ["", "two\nlines", &"x".repeat(201)] {
            assert!(matches!(Request::Random(1).selection(50, seed), Err(SampleError::Seed)), "{seed:?}");
        }
    }
}
