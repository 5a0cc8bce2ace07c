//! What an answer means: a response, proof of absence, or a gap.

use serde_json::Value;

use super::caller::{Failure, Reply};
use crate::canonical::{self, CanonicalError};
use crate::catalog::AbsentRule;
use crate::model::{ApiError, ErrorMeaning, Exchange, RecordOutcome};

const LONGEST_MESSAGE: usize = 1024;
const LONGEST_CODE: usize = 128;

/// Gap codes of our own, for what never was a call or cannot be written down.
pub(super) mod code {
    /// A parameter or region of the call could not be made out of the earlier answer.
    pub(in crate::collect) const TEMPLATE_UNFILLED: &str = "TemplateUnfilled";
    /// The items of the earlier answer could not be read.
    pub(in crate::collect) const ITEMS_UNREADABLE: &str = "ItemsUnreadable";
    /// The earlier answer has more items than are followed up.
    pub(in crate::collect) const FAN_OUT_CUT: &str = "FanOutCut";
    /// The answer holds an integer that canonical JSON cannot hold.
    pub(in crate::collect) const UNREPRESENTABLE_NUMBER: &str = "UnrepresentableNumber";
    /// The answer has no canonical JSON for another reason.
    pub(in crate::collect) const UNREPRESENTABLE_RESPONSE: &str = "UnrepresentableResponse";
    /// The client broke off: a defect of this program.
    pub(in crate::collect) const CLIENT_BROKE: &str = "ClientBroke";
    /// The error came without a code.
    pub(in crate::collect) const UNKNOWN: &str = "Unknown";
}

/// What becomes of one answer.
pub(super) struct Answer {
    pub(super) outcome: RecordOutcome,
    pub(super) exchanges: Vec<Exchange>,
    pub(super) endpoint: String,
}

/// Judges an answer: the errors in `absent` say that the thing does not exist, all others that it could not
/// be seen.
pub(super) fn judge(result: Result<Reply, Failure>, absent: &[AbsentRule]) -> Answer {
    match result {
        Ok(Reply { value, exchanges, endpoint }) => {
            Answer { outcome: representable(value), exchanges, endpoint }
        }
        Err(Failure { code, message, exchanges, endpoint }) => {
            let is_absent = absent.iter().any(|rule| rule.matches(&code, &message));
            let meaning = if is_absent { ErrorMeaning::Absent } else { ErrorMeaning::Gap };
            Answer { outcome: error(&code, &message, meaning), exchanges, endpoint }
        }
    }
}

/// The outcome of what could not be seen.
pub(super) fn gap(code: &str, message: &str) -> RecordOutcome {
    error(code, message, ErrorMeaning::Gap)
}

/// The response, if it can be written down without being altered.
fn representable(value: Value) -> RecordOutcome {
    match canonical::to_string(&value) {
        Ok(_) => RecordOutcome::Response(value),
        Err(error @ CanonicalError::InexactInteger(_)) => {
            gap(code::UNREPRESENTABLE_NUMBER, &format!("the response is not kept: {error}"))
        }
        Err(error) => gap(code::UNREPRESENTABLE_RESPONSE, &format!("the response is not kept: {error}")),
    }
}

fn error(code: &str, message: &str, meaning: ErrorMeaning) -> RecordOutcome {
    let code = one_line(code, LONGEST_CODE);
    let code = if code.is_empty() { code::UNKNOWN.to_owned() } else { code };
    RecordOutcome::Error(ApiError { code, message: one_line(message, LONGEST_MESSAGE), meaning })
}

/// `text` without control characters (line ends and tabs become spaces) and with at most `longest` characters.
fn one_line(text: &str, longest: usize) -> String {
    text.chars()
        .filter_map(|character| match character {
            '\n' | '\r' | '\t' => Some(' '),
            control if control.is_control() => None,
            other => Some(other),
        })
        .take(longest)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn failure(code: &str, message: &str) -> Result<Reply, Failure> {
        Err(Failure {
            code: code.into(),
            message: message.into(),
            exchanges: Vec::new(),
            endpoint: "http://127.0.0.1".into(),
        })
    }

    fn error_of(result: Result<Reply, Failure>) -> ApiError {
        let absent = [
            AbsentRule::parse("NoSuchBucketPolicy").unwrap(),
            AbsentRule::parse("AccessDeniedException: is not subscribed").unwrap(),
        ];
        match judge(result, &absent).outcome {
            RecordOutcome::Error(error) => error,
            RecordOutcome::Response(value) => panic!("{value} is no error"),
        }
    }

    #[test]
    fn only_the_codes_that_the_catalog_lists_mean_absence() {
        assert_eq!(error_of(failure("NoSuchBucketPolicy", "")).meaning, ErrorMeaning::Absent);
        for code in
            ["AccessDenied", "Throttling", "NoSuchBucket", "nosuchbucketpolicy", "NoSuchBucketPolicy ", ""]
        {
            assert_eq!(error_of(failure(code, "")).meaning, ErrorMeaning::Gap, "{code}");
        }
        assert_eq!(error_of(failure("\u{0}", "")).code, "Unknown");
        let told = failure("AccessDeniedException", "Account 1 is not subscribed to Shield");
        assert_eq!(error_of(told).meaning, ErrorMeaning::Absent);
        let denied = failure("AccessDeniedException", "no");
        assert_eq!(error_of(denied).meaning, ErrorMeaning::Gap);
    }

    #[test]
    fn messages_are_bounded_and_on_one_line() {
        let message = format!("\u{1b}[31mno\r\nway\u{0}\u{9b} {}", "é".repeat(2000));
        let error = error_of(failure(&"x".repeat(500), &message));
        assert!(error.message.starts_with("[31mno  way é"), "{}", error.message);
        assert_eq!(error.message.chars().count(), 1024);
        assert_eq!(error.code.len(), 128);
    }

    #[test]
    fn a_number_that_would_be_altered_makes_a_gap() {
        let reply = |value| Ok(Reply { value, exchanges: Vec::new(), endpoint: String::new() });
        let error = error_of(reply(json!({"Size": [9_007_199_254_740_993_u64]})));
        assert_eq!((error.code.as_str(), error.meaning), ("UnrepresentableNumber", ErrorMeaning::Gap));
        let kept = judge(reply(json!({"Size": 9_007_199_254_740_992_u64})), &[]).outcome;
        assert!(matches!(kept, RecordOutcome::Response(_)));
    }
}
