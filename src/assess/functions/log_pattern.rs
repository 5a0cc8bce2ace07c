//! Filter patterns of CloudWatch Logs in their JSON form, and whether an event matches one.
//!
//! As AWS describes them in "Filter pattern syntax for metric filters, subscription filters, filter log events, and
//! Live Tail". What that page leaves open is not guessed: a comparison with a property that the event does not have
//! decides nothing where it would make the difference, and neither does a pattern in another syntax.

use std::fmt;

use regex::RegexBuilder;
use serde_json::Value;

use super::log_pattern_syntax::parse;

/// Bound on what compiling one regular expression may take.
const REGEX_SIZE: usize = 1 << 18;

/// A pattern that was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Pattern {
    /// All of them hold.
    All(Vec<Pattern>),
    /// One of them holds.
    Any(Vec<Pattern>),
    /// What is asked of the values that a selector leads to.
    Test(Vec<Step>, Test),
}

/// One step of a selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// `.name` or `["name"]`.
    Member(String),
    /// `[n]`.
    Index(usize),
    /// `[*]`.
    Each,
}

/// What is asked of a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    /// `=`.
    Equals(Wanted),
    /// `!=`.
    Differs(Wanted),
    /// `<`, `<=`, `>`, `>=`.
    Compares(Comparison, f64),
    /// `IS NULL`, `IS TRUE`, `IS FALSE`.
    Is(Constant),
    /// `EXISTS`.
    Exists,
    /// `NOT EXISTS`.
    NotExists,
}

/// What a value is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wanted {
    /// A text; `*` at its ends stands for anything.
    Text(String),
    /// A number, as it is written.
    Number(String),
    /// The source of a regular expression.
    Regex(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Constant {
    Null,
    True,
    False,
}

/// Why it cannot be said whether a pattern matches.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatternError {
    /// It is in another syntax, or none.
    #[error("the filter pattern cannot be read at character {at}: {what}")]
    Syntax {
        /// Characters before the place.
        at: usize,
        /// What is wrong there.
        what: String,
    },
    /// It compares with what the event does not have, or has as something else than a text or a number.
    #[error(
        "what the filter pattern makes of {0}, which the event does not have as a text or a number, is not certain"
    )]
    Uncertain(String),
    /// A regular expression that is none, or too large a one.
    #[error("a regular expression of the filter pattern cannot be evaluated")]
    Regex,
}

/// Whether `event` matches `pattern`.
///
/// # Errors
/// When the pattern is not of the JSON form, and when AWS does not say what it makes of the event.
pub(crate) fn matches(pattern: &str, event: &Value) -> Result<bool, PatternError> {
    parse(pattern)?.matches(event)
}

impl Pattern {
    /// Whether it matches. What is not certain of one part does not matter where another decides.
    pub(super) fn matches(&self, event: &Value) -> Result<bool, PatternError> {
        let (parts, decisive) = match self {
            Self::Test(selector, test) => return of_selected(selector, test, event),
            Self::All(parts) => (parts, false),
            Self::Any(parts) => (parts, true),
        };
        let mut outcome = Ok(!decisive);
        for part in parts {
            match part.matches(event) {
                Ok(answer) if answer == decisive => return Ok(decisive),
                Ok(_) => {}
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        outcome
    }
}

fn of_selected(selector: &[Step], test: &Test, event: &Value) -> Result<bool, PatternError> {
    let found = select(selector, event);
    match test {
        Test::Exists => Ok(!found.is_empty()),
        Test::NotExists => Ok(found.is_empty()),
        // Nothing is equal to what does not exist; whether that makes it different AWS does not say.
        _ if found.is_empty() && matches!(test, Test::Differs(_)) => Err(uncertain(selector)),
        _ => {
            let answers: Result<Vec<bool>, PatternError> =
                found.iter().map(|value| of_value(selector, test, value)).collect();
            let answers = answers?;
            let any = answers.contains(&true);
            let apart = any && answers.contains(&false);
            // Of several values one may be different and one not.
            if apart && matches!(test, Test::Differs(_)) { Err(uncertain(selector)) } else { Ok(any) }
        }
    }
}

fn uncertain(selector: &[Step]) -> PatternError {
    PatternError::Uncertain(Selector(selector).to_string())
}

/// The values that a selector leads to: at most one without `[*]`.
fn select<'a>(selector: &[Step], event: &'a Value) -> Vec<&'a Value> {
    let mut found = vec![event];
    for step in selector {
        found = match step {
            Step::Member(name) => found.iter().filter_map(|value| value.get(name)).collect(),
            Step::Index(index) => found.iter().filter_map(|value| value.get(*index)).collect(),
            Step::Each => found.iter().filter_map(|value| value.as_array()).flatten().collect(),
        };
    }
    found
}

fn of_value(selector: &[Step], test: &Test, value: &Value) -> Result<bool, PatternError> {
    match test {
        Test::Exists | Test::NotExists => Ok(matches!(test, Test::Exists)),
        Test::Is(Constant::Null) => Ok(value.is_null()),
        Test::Is(Constant::True) => Ok(*value == Value::Bool(true)),
        Test::Is(Constant::False) => Ok(*value == Value::Bool(false)),
        Test::Compares(comparison, bound) => match value {
            Value::Number(number) => number
                .as_f64()
                .map(|number| match comparison {
                    Comparison::Less => number < *bound,
                    Comparison::LessOrEqual => number <= *bound,
                    Comparison::Greater => number > *bound,
                    Comparison::GreaterOrEqual => number >= *bound,
                })
                .ok_or_else(|| uncertain(selector)),
            Value::Array(_) | Value::Object(_) => Ok(false),
            _ => Err(uncertain(selector)),
        },
        Test::Equals(wanted) | Test::Differs(wanted) => {
            let equal = match value {
                Value::String(text) => equals(wanted, text)?,
                Value::Number(number) => match wanted {
                    Wanted::Number(wanted) => wanted.parse() == Ok(number.as_f64().unwrap_or(f64::NAN)),
                    _ => equals(wanted, &number.to_string())?,
                },
                // "The filter is not applied" to them, whatever it asks.
                Value::Array(_) | Value::Object(_) => return Ok(false),
                Value::Null | Value::Bool(_) => return Err(uncertain(selector)),
            };
            Ok(equal == matches!(test, Test::Equals(_)))
        }
    }
}

fn equals(wanted: &Wanted, text: &str) -> Result<bool, PatternError> {
    match wanted {
        Wanted::Text(pattern) => Ok(matches_at_ends(pattern, text)),
        Wanted::Number(number) => Ok(number == text),
        Wanted::Regex(source) => Ok(regex(source)?.is_match(text)),
    }
}

/// Stars at the ends of a pattern stand for anything; one between other characters is a plain one.
fn matches_at_ends(pattern: &str, text: &str) -> bool {
    let core = pattern.trim_matches('*');
    match (pattern.starts_with('*'), pattern.ends_with('*')) {
        (true, true) => text.contains(core),
        (true, false) => text.ends_with(core),
        (false, true) => text.starts_with(core),
        (false, false) => text == core,
    }
}

/// A regular expression of a pattern, compiled within bounds.
pub(super) fn regex(source: &str) -> Result<regex::Regex, PatternError> {
    let mut builder = RegexBuilder::new(source);
    builder.size_limit(REGEX_SIZE).dfa_size_limit(REGEX_SIZE).nest_limit(16);
    builder.build().map_err(|_| PatternError::Regex)
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{{ {} }}", Part(self))
    }
}

/// A part of a pattern, as it is written between the braces.
struct Part<'a>(&'a Pattern);

impl fmt::Display for Part<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, operator) = match self.0 {
            Pattern::Test(selector, test) => return write!(formatter, "{}{test}", Selector(selector)),
            Pattern::All(parts) => (parts, " && "),
            Pattern::Any(parts) => (parts, " || "),
        };
        for (index, part) in parts.iter().enumerate() {
            let before = if index == 0 { "" } else { operator };
            match part {
                Pattern::Test(..) => write!(formatter, "{before}{}", Part(part))?,
                _ => write!(formatter, "{before}({})", Part(part))?,
            }
        }
        Ok(())
    }
}

struct Selector<'a>(&'a [Step]);

impl fmt::Display for Selector<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("$")?;
        for step in self.0 {
            match step {
                Step::Member(name) if name.chars().all(super::log_pattern_syntax::is_of_name) => {
                    write!(formatter, ".{name}")?;
                }
                Step::Member(name) => write!(formatter, "[{}]", Quoted(name))?,
                Step::Index(index) => write!(formatter, "[{index}]")?,
                Step::Each => formatter.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Test {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equals(wanted) => write!(formatter, " = {wanted}"),
            Self::Differs(wanted) => write!(formatter, " != {wanted}"),
            Self::Compares(Comparison::Less, bound) => write!(formatter, " < {bound}"),
            Self::Compares(Comparison::LessOrEqual, bound) => write!(formatter, " <= {bound}"),
            Self::Compares(Comparison::Greater, bound) => write!(formatter, " > {bound}"),
            Self::Compares(Comparison::GreaterOrEqual, bound) => write!(formatter, " >= {bound}"),
            Self::Is(Constant::Null) => formatter.write_str(" IS NULL"),
            Self::Is(Constant::True) => formatter.write_str(" IS TRUE"),
            Self::Is(Constant::False) => formatter.write_str(" IS FALSE"),
            Self::Exists => formatter.write_str(" EXISTS"),
            Self::NotExists => formatter.write_str(" NOT EXISTS"),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => Quoted(text).fmt(formatter),
            Self::Number(number) => formatter.write_str(number),
            Self::Regex(source) => write!(formatter, "%{source}%"),
        }
    }
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}
