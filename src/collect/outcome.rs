//! What an answer means: a response, proof of absence, or a gap.

use serde_json::Value;

use super::caller::{Failure, Reply};
use crate::canonical::{self, CanonicalError};
use crate::catalog::{AbsentRule, GapReasons};
use crate::model::{ApiError, Exchange, GapReason, RecordOutcome};

/// Levels of nesting that a response may have. Parsers stop at 128, and in a record it lies some levels deeper
/// than where it was read: what could be read once must be readable again.
const DEEPEST_RESPONSE: usize = 100;

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
    /// The call took longer than a call may.
    pub(in crate::collect) const CALL_DEADLINE: &str = "CallDeadline";
    /// The run's time was over before the call was made or answered.
    pub(in crate::collect) const RUN_DEADLINE: &str = "RunDeadline";
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
        Err(failure) => {
            let outcome = match means_absence(&failure, absent) {
                true => absence(&failure.code, &failure.message),
                false => failed(&failure),
            };
            Answer { outcome, exchanges: failure.exchanges, endpoint: failure.endpoint }
        }
    }
}

/// Whether a failure says that the thing does not exist. One that came after a page was there does not.
pub(super) fn means_absence(failure: &Failure, absent: &[AbsentRule]) -> bool {
    failure.pages == 0 && absent.iter().any(|rule| rule.matches(&failure.code, &failure.message))
}

/// The outcome of what could not be seen.
pub(super) fn gap(code: &str, message: &str) -> RecordOutcome {
    let code = code_of(code);
    let reason = GapReasons::embedded().of(&code);
    RecordOutcome::Error(ApiError::gap(code, one_line(message, LONGEST_MESSAGE), reason))
}

/// The outcome of a failed call. Where only a later page failed, that is the reason; the code tells why it did.
fn failed(failure: &Failure) -> RecordOutcome {
    if failure.pages == 0 {
        return gap(&failure.code, &failure.message);
    }
    let pages = failure.pages;
    let message = format!("page {} did not come: {}", pages + 1, failure.message);
    let message = one_line(&message, LONGEST_MESSAGE);
    RecordOutcome::Error(ApiError::gap(code_of(&failure.code), message, GapReason::PageMissing))
}

fn absence(code: &str, message: &str) -> RecordOutcome {
    RecordOutcome::Error(ApiError::absent(code_of(code), one_line(message, LONGEST_MESSAGE)))
}

/// The response, if it can be written down without being altered.
fn representable(value: Value) -> RecordOutcome {
    if is_deeper_than(&value, DEEPEST_RESPONSE) {
        let message = format!("the response is not kept: it is nested deeper than {DEEPEST_RESPONSE} levels");
        return gap(code::UNREPRESENTABLE_RESPONSE, &message);
    }
    match canonical::to_string(&value) {
        Ok(_) => RecordOutcome::Response(value),
        Err(error @ CanonicalError::InexactInteger(_)) => {
            gap(code::UNREPRESENTABLE_NUMBER, &format!("the response is not kept: {error}"))
        }
        Err(error) => gap(code::UNREPRESENTABLE_RESPONSE, &format!("the response is not kept: {error}")),
    }
}

fn is_deeper_than(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(|item| is_deeper_than(item, levels - 1)),
        Value::Object(members) => {
            levels == 0 || members.values().any(|member| is_deeper_than(member, levels - 1))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn code_of(code: &str) -> String {
    let code = one_line(code, LONGEST_CODE);
    if code.is_empty() { code::UNKNOWN.to_owned() } else { code }
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
    use crate::model::ErrorMeaning;
    use serde_json::json;

    fn failure(code: &str, message: &str) -> Result<Reply, Failure> {
        Err(Failure {
            code: code.into(),
            message: message.into(),
            exchanges: Vec::new(),
            endpoint: "http://127.0.0.1".into(),
            pages: 0,
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
    fn a_page_that_does_not_come_leaves_no_response_and_shows_why() {
        let Err(first) = failure("NoSuchBucketPolicy", "gone") else { unreachable!() };
        let later = error_of(Err(Failure { pages: 2, ..first }));
        assert_eq!((later.code.as_str(), later.meaning), ("NoSuchBucketPolicy", ErrorMeaning::Gap));
        assert_eq!(later.reason, Some(GapReason::PageMissing));
        assert_eq!(later.message, "page 3 did not come: gone");
        assert_eq!(error_of(failure("SlowDown", "")).reason, Some(GapReason::Throttled));
        assert_eq!(error_of(failure("NoSuchBucketPolicy", "")).reason, None);
    }

    #[test]
    fn a_response_that_no_record_could_be_read_back_with_is_a_gap() {
        let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!([inner]));
        let judged = |value| judge(Ok(Reply { value, exchanges: Vec::new(), endpoint: String::new() }), &[]);
        assert!(matches!(judged(nested(DEEPEST_RESPONSE)).outcome, RecordOutcome::Response(_)));
        let RecordOutcome::Error(error) = judged(nested(DEEPEST_RESPONSE + 1)).outcome else { panic!() };
        assert_eq!(error.reason, Some(GapReason::MalformedAnswer));
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
