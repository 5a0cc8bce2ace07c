//! Conditions of policies, evaluated on what is known of a request. Follows the IAM User Guide
//! (`reference_policies_elements_condition_operators`, `reference_policies_multi-value-conditions`,
//! `reference_policies_variables`). What the request leaves open stays open: the answer is then [`Truth::Depends`].

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use super::cidr::Cidr;
use super::policy::{Condition, PolicyError, quoted};
use super::wildcards::matches_wildcards;

/// How a condition comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Truth {
    /// It holds for every request of the sort.
    Yes,
    /// It holds for none.
    No,
    /// It holds for some, or it cannot be said for which.
    Depends,
}

/// What is known of a condition key in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fact {
    /// The request has these values.
    Known(Vec<String>),
    /// The request lacks the key.
    Absent,
    /// The request lacks the key, or has a value that no policy names: that of somebody nobody knows.
    Foreign,
}

/// What is known of a request; about all other keys nothing is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Request {
    /// Facts by key, in lower case.
    facts: BTreeMap<String, Fact>,
}

/// Operators of the IAM User Guide, without set prefix and `IfExists`, with how they compare and whether they deny it.
const OPERATORS: [(&str, Comparison, bool); 26] = [
    ("StringEquals", Comparison::Text, false),
    ("StringNotEquals", Comparison::Text, true),
    ("StringEqualsIgnoreCase", Comparison::AnyCase, false),
    ("StringNotEqualsIgnoreCase", Comparison::AnyCase, true),
    ("StringLike", Comparison::Pattern, false),
    ("StringNotLike", Comparison::Pattern, true),
    ("NumericEquals", Comparison::Number(Order::Equal), false),
    ("NumericNotEquals", Comparison::Number(Order::Equal), true),
    ("NumericLessThan", Comparison::Number(Order::Less), false),
    ("NumericLessThanEquals", Comparison::Number(Order::LessOrEqual), false),
    ("NumericGreaterThan", Comparison::Number(Order::Greater), false),
    ("NumericGreaterThanEquals", Comparison::Number(Order::GreaterOrEqual), false),
    ("DateEquals", Comparison::Date(Order::Equal), false),
    ("DateNotEquals", Comparison::Date(Order::Equal), true),
    ("DateLessThan", Comparison::Date(Order::Less), false),
    ("DateLessThanEquals", Comparison::Date(Order::LessOrEqual), false),
    ("DateGreaterThan", Comparison::Date(Order::Greater), false),
    ("DateGreaterThanEquals", Comparison::Date(Order::GreaterOrEqual), false),
    ("Bool", Comparison::Flag, false),
    ("BinaryEquals", Comparison::Text, false),
    ("IpAddress", Comparison::Address, false),
    ("NotIpAddress", Comparison::Address, true),
    ("ArnEquals", Comparison::Arn, false),
    ("ArnLike", Comparison::Arn, false),
    ("ArnNotEquals", Comparison::Arn, true),
    ("ArnNotLike", Comparison::Arn, true),
];

/// Keys that are true or false. Comparing one as text is not documented to work.
const FLAGS: [&str; 5] = [
    "aws:multifactorauthpresent",
    "aws:principalisawsservice",
    "aws:securetransport",
    "aws:viaawsservice",
    "kms:grantisforawsresource",
];

/// Condition keys whose fixed value ties a request to one account, organization, network or resource
/// (S3 User Guide, "The meaning of public", and their like for KMS and SNS).
const NARROWING_KEYS: [&str; 21] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpcarn",
    "aws:sourcevpce",
    "aws:userid",
    "aws:vpcsourceip",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:vpceorgpaths",
    "kms:calleraccount",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Text,
    AnyCase,
    Pattern,
    Number(Order),
    Date(Order),
    Flag,
    Address,
    Arn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// How a condition treats keys with several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    Single,
    ForAll,
    ForAny,
}

/// An operator in its parts.
struct Operator {
    set: Set,
    /// `None` for `Null`.
    comparison: Option<Comparison>,
    negated: bool,
    if_exists: bool,
}

impl Request {
    /// A request of somebody nobody knows: from no account, organization, network or resource that a policy names.
    pub(crate) fn of_a_stranger() -> Self {
        let mut facts: BTreeMap<String, Fact> =
            NARROWING_KEYS.iter().map(|key| ((*key).to_owned(), Fact::Foreign)).collect();
        facts.insert("aws:principalisawsservice".to_owned(), Fact::Known(vec!["false".to_owned()]));
        Self { facts }
    }

    /// The request with one more fact; `key` is in lower case.
    #[must_use]
    pub(crate) fn with(mut self, key: &str, fact: Fact) -> Self {
        self.facts.insert(key.to_owned(), fact);
        self
    }
}

/// Whether all of `conditions` hold for a request of which `request` is known.
///
/// # Errors
/// When it turns on a condition that is not understood.
pub(crate) fn hold(conditions: &[Condition], request: &Request) -> Result<Truth, PolicyError> {
    let mut all = Truth::Yes;
    let mut undecided = None;
    for condition in conditions {
        match holds(condition, request) {
            // All of them must hold, so that one that does not is enough.
            Ok(Truth::No) => return Ok(Truth::No),
            Ok(Truth::Depends) => all = Truth::Depends,
            Ok(Truth::Yes) => {}
            Err(error) => undecided = Some(error),
        }
    }
    undecided.map_or(Ok(all), Err)
}

/// Whether the condition can only hold where the thing that its key tells of is there: no `IfExists`, no
/// `ForAllValues`, no negation, no `Null`.
///
/// # Errors
/// When the operator is not understood.
pub(crate) fn needs_its_key(condition: &Condition) -> Result<bool, PolicyError> {
    let operator = operator_of(condition)?;
    Ok(operator.comparison.is_some()
        && !operator.negated
        && !operator.if_exists
        && operator.set != Set::ForAll)
}

/// Whether the condition denies what its values say: `StringNotEquals` and the like.
///
/// # Errors
/// When the operator is not understood.
pub(crate) fn is_negated(condition: &Condition) -> Result<bool, PolicyError> {
    operator_of(condition).map(|operator| operator.negated)
}

fn holds(condition: &Condition, request: &Request) -> Result<Truth, PolicyError> {
    let operator = operator_of(condition)?;
    let fact = request.facts.get(&condition.key);
    let Some(comparison) = operator.comparison else { return is_null(condition, fact) };
    if FLAGS.contains(&condition.key.as_str()) && comparison != Comparison::Flag {
        return Err(not_understood(condition));
    }
    match fact {
        None => {
            // A value that cannot be compared is a mistake whatever the request says.
            condition.values.iter().try_for_each(|value| readable(comparison, value))?;
            Ok(Truth::Depends)
        }
        Some(Fact::Absent) => Ok(match operator {
            Operator { if_exists: true, .. } | Operator { set: Set::ForAll, .. } => Truth::Yes,
            Operator { set: Set::ForAny, .. } => Truth::No,
            Operator { negated, .. } => {
                if negated {
                    Truth::Yes
                } else {
                    Truth::No
                }
            }
        }),
        Some(Fact::Foreign) => foreign(condition, &operator, comparison),
        Some(Fact::Known(values)) => known(condition, &operator, comparison, values, request),
    }
}

fn is_null(condition: &Condition, fact: Option<&Fact>) -> Result<Truth, PolicyError> {
    let must_lack = match condition.values.as_slice() {
        [value] if value == "true" => true,
        [value] if value == "false" => false,
        _ => return Err(not_understood(condition)),
    };
    Ok(match fact {
        Some(Fact::Absent) => truth(must_lack),
        Some(Fact::Known(_)) => truth(!must_lack),
        Some(Fact::Foreign) | None => Truth::Depends,
    })
}

/// The condition on a value that no policy names, or that the request lacks.
fn foreign(condition: &Condition, operator: &Operator, comparison: Comparison) -> Result<Truth, PolicyError> {
    // Without values nothing is said of whom the request must come from.
    let mut fixed = !condition.values.is_empty();
    for value in &condition.values {
        fixed &= match comparison {
            Comparison::Address => !address(value)?.is_world(),
            // StringEquals takes wildcards for what they are: characters that no such value contains.
            Comparison::Text | Comparison::AnyCase => is_fixed(&condition.key, value, false),
            Comparison::Pattern | Comparison::Arn => is_fixed(&condition.key, value, true),
            Comparison::Number(_) | Comparison::Date(_) | Comparison::Flag => false,
        };
    }
    Ok(match (fixed, operator.negated) {
        (false, _) => Truth::Depends,
        // Both hold for a request without the key: an anonymous one.
        (true, false) if operator.if_exists || operator.set == Set::ForAll => Truth::Depends,
        (true, false) => Truth::No,
        (true, true) if operator.set == Set::ForAny => Truth::Depends,
        (true, true) => Truth::Yes,
    })
}

/// Whether a value pins its key down, however much of it is wildcard.
fn is_fixed(key: &str, value: &str, wildcards: bool) -> bool {
    // A policy variable takes its value from the request.
    if value.is_empty() || value.contains("${") {
        return false;
    }
    if !wildcards || !value.contains(['*', '?']) {
        return true;
    }
    let before_wildcard = value.split(['*', '?']).next().unwrap_or_default();
    match key {
        // An ARN is somebody's if its account is written out.
        "aws:sourcearn" | "aws:principalarn" | "aws:sourcevpcarn" | "s3:dataaccesspointarn" => {
            is_account(value.split(':').nth(4).unwrap_or_default())
        }
        // `o-organization/r-root/...` and `AROAEXAMPLEID:session-name`.
        "aws:principalorgpaths" | "aws:sourceorgpaths" | "aws:vpceorgpaths" => before_wildcard.contains('/'),
        "aws:userid" => before_wildcard.contains(':'),
        _ => false,
    }
}

/// Whether a text is an account id.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn known(
    condition: &Condition,
    operator: &Operator,
    comparison: Comparison,
    values: &[String],
    request: &Request,
) -> Result<Truth, PolicyError> {
    let mut each = Vec::new();
    for value in values {
        let mut matched = Truth::No;
        for wanted in &condition.values {
            readable(comparison, wanted)?;
            matched = match filled(wanted, request) {
                None if matched == Truth::No => Truth::Depends,
                Some(wanted) if compare(comparison, value, &wanted)? => Truth::Yes,
                _ => matched,
            };
            if matched == Truth::Yes {
                break;
            }
        }
        each.push(match (operator.negated, matched) {
            (true, Truth::Yes) => Truth::No,
            (true, Truth::No) => Truth::Yes,
            (_, matched) => matched,
        });
    }
    let (decides, otherwise) = match operator.set {
        Set::ForAny => (Truth::Yes, Truth::No),
        Set::ForAll | Set::Single => (Truth::No, Truth::Yes),
    };
    Ok(if each.contains(&decides) {
        decides
    } else if each.contains(&Truth::Depends) {
        Truth::Depends
    } else {
        otherwise
    })
}

/// A value with its policy variables filled in, wildcards that stand for themselves included; `None` where the
/// request leaves one open.
fn filled(value: &str, request: &Request) -> Option<String> {
    let mut out = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${") {
        let (inside, after) = after.split_once('}')?;
        out.push_str(before);
        let (key, default) = match inside.split_once(',') {
            Some((key, default)) => (key.trim(), Some(default.trim().trim_matches('\''))),
            None => (inside, None),
        };
        match (key, request.facts.get(&key.to_lowercase()), default) {
            // The character itself and no wildcard: what it is compared with would have to know that.
            ("*" | "?" | "$", _, _) => return None,
            (_, Some(Fact::Known(values)), _) => match values.as_slice() {
                [one] if !one.contains(['*', '?']) => out.push_str(one),
                _ => return None,
            },
            (_, Some(Fact::Absent), Some(default)) => out.push_str(default),
            _ => return None,
        }
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

fn compare(comparison: Comparison, value: &str, wanted: &str) -> Result<bool, PolicyError> {
    Ok(match comparison {
        Comparison::Text => value == wanted,
        Comparison::AnyCase => value.to_lowercase() == wanted.to_lowercase(),
        Comparison::Pattern => matches_wildcards(wanted, value),
        Comparison::Flag => value.eq_ignore_ascii_case(wanted),
        // A request's value that cannot be read does not match.
        Comparison::Number(order) => match (value.parse::<f64>(), wanted.parse::<f64>()) {
            (Ok(value), Ok(wanted)) => value.partial_cmp(&wanted).is_some_and(|found| order.allows(found)),
            _ => false,
        },
        Comparison::Date(order) => match (instant(value), instant(wanted)) {
            (Some(value), Some(wanted)) => order.allows(value.cmp(&wanted)),
            _ => false,
        },
        Comparison::Address => {
            let wanted = address(wanted)?;
            Cidr::parse(value).is_ok_and(|value| wanted.contains(&value))
        }
        Comparison::Arn => matches_arn(wanted, value),
    })
}

/// Each of the six parts of an ARN is matched by itself.
fn matches_arn(pattern: &str, arn: &str) -> bool {
    let (pattern, arn): (Vec<&str>, Vec<&str>) =
        (pattern.splitn(6, ':').collect(), arn.splitn(6, ':').collect());
    pattern.len() == arn.len()
        && pattern.iter().zip(&arn).all(|(pattern, part)| matches_wildcards(pattern, part))
}

/// Whether a policy's value is one that can be compared in this way.
fn readable(comparison: Comparison, value: &str) -> Result<(), PolicyError> {
    let wrong = |what: &str| {
        Err(PolicyError::Undecidable(format!(
            "a condition compares with {}, which is no {what}",
            quoted(value)
        )))
    };
    if value.contains("${") {
        return Ok(());
    }
    match comparison {
        Comparison::Number(_) if value.parse::<f64>().is_err() => wrong("number"),
        Comparison::Date(_) if instant(value).is_none() => wrong("date"),
        Comparison::Flag if !["true", "false"].contains(&value.to_lowercase().as_str()) => {
            wrong("true or false")
        }
        Comparison::Address => address(value).map(|_| ()),
        _ => Ok(()),
    }
}

fn address(text: &str) -> Result<Cidr, PolicyError> {
    Cidr::parse(text).map_err(|error| PolicyError::Undecidable(error.to_string()))
}

/// An instant in ISO 8601 or in seconds since 1970.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(seconds) = text.parse::<i64>() {
        return DateTime::from_timestamp(seconds, 0);
    }
    let with_offset = DateTime::parse_from_rfc3339(text).map(|instant| instant.to_utc()).ok();
    let without = || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok().map(|t| t.and_utc());
    let day = || Some(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN).and_utc());
    with_offset.or_else(without).or_else(day)
}

impl Order {
    fn allows(self, found: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => found.is_eq(),
            Self::Less => found.is_lt(),
            Self::LessOrEqual => found.is_le(),
            Self::Greater => found.is_gt(),
            Self::GreaterOrEqual => found.is_ge(),
        }
    }
}

/// `ForAnyValue:StringLikeIfExists` in its parts.
fn operator_of(condition: &Condition) -> Result<Operator, PolicyError> {
    let (set, rest) = match condition.operator.split_once(':') {
        Some(("ForAllValues", rest)) => (Set::ForAll, rest),
        Some(("ForAnyValue", rest)) => (Set::ForAny, rest),
        Some(_) => return Err(not_understood(condition)),
        None => (Set::Single, condition.operator.as_str()),
    };
    if rest == "Null" {
        return Ok(Operator { set, comparison: None, negated: false, if_exists: false });
    }
    let (plain, if_exists) = match rest.strip_suffix("IfExists") {
        Some(plain) => (plain, true),
        None => (rest, false),
    };
    let (_, comparison, negated) =
        OPERATORS.iter().find(|(name, ..)| *name == plain).ok_or_else(|| not_understood(condition))?;
    Ok(Operator { set, comparison: Some(*comparison), negated: *negated, if_exists })
}

fn truth(yes: bool) -> Truth {
    if yes { Truth::Yes } else { Truth::No }
}

fn not_understood(condition: &Condition) -> PolicyError {
    PolicyError::Undecidable(format!(
        "the condition {} on {} is not understood",
        quoted(&condition.operator),
        quoted(&condition.key)
    ))
}
