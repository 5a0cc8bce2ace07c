//! Filter patterns of CloudWatch Logs, those of its User Guide among them.

use super::log_pattern::*;
use super::log_pattern_syntax::parse;
use proptest::prelude::*;
use serde_json::{Value, json};

fn event() -> Value {
    json!({
        "eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "account": "123456789012",
        "arrayKey": ["value", "another value"], "SomeObject": null, "ThisFlag": true, "latency": 50, "small": 1.5,
        "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}], "with.dot": "x", "quote": "a\"b\\c",
        "user": {"id": 1, "email": "John.Stiles@example.com"}, "actions": ["GET", "PUT", "DELETE"],
        "users": [{"id": 2, "email": "John.Doe@example.com"}, {"id": 3, "email": "Jane.Doe@example.com"}],
        "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]], "star": "Ev*ent",
    })
}

#[test]
fn patterns_match_what_they_say() {
    for pattern in [
        "{ $.eventType = \"UpdateTrail\" }",
        "{$.eventType=UpdateTrail}",
        "{ $.eventType = Update* }",
        "{ $.eventType = \"*Trail\" }",
        "{ $.eventType = *dateT* }",
        "{ $.eventType = * }",
        "{ $.sourceIPAddress != 123.123.* }",
        "{ $.sourceIPAddress = %111\\.111\\.[0-9]+% }",
        "{ $.arrayKey[0] = \"value\" }",
        "{ $.arrayKey[*] = \"another value\" }",
        "{ $.objectList[1].id = 2 }",
        "{ $.objectList[*].id = 2 }",
        "{ $.objectList[*].id != 3 }",
        "{ $.SomeObject IS NULL }",
        "{ $.SomeOtherObject NOT EXISTS }",
        "{ $.SomeObject EXISTS && $.users EXISTS }",
        "{ $.ThisFlag IS TRUE }",
        "{ $[\"with.dot\"] = x }",
        "{ $.[\"with.dot\"] = x }",
        "{ $.quote = \"a\\\"b\\\\c\" }",
        "{ $.star = Ev*ent }",
        "{ $.account = 123456789012 }",
        "{ $.latency >= 50 && $.latency < 10e3 && $.latency > -1 && $.small <= +1.5 && $.latency = 5e1 }",
        "{ $.latency = 5* && $.latency != 51 }",
        "{ ($.user.id = 1) && ($.users[0].email = \"John.Doe@example.com\") }",
        // && binds tighter than ||.
        "{ $.user.email = \"John.Stiles@example.com\" || $.coordinates[0][1] = nonmatch && $.actions[2] = nomatch }",
        // What one part leaves open another decides.
        "{ $.none != x || $.eventType = UpdateTrail }",
    ] {
        assert_eq!(matches(pattern, &event()), Ok(true), "{pattern}");
    }
    for pattern in [
        "{ $.eventType = updateTrail }",
        "{ $.eventType = Update }",
        "{ $.eventType = Up*Trail }",
        "{ $.eventType != Update* }",
        "{ $.eventtype = UpdateTrail }",
        "{ $.none = * }",
        "{ $.none > 1 }",
        "{ $.arrayKey[2] EXISTS }",
        "{ $.eventType[0] = U }",
        "{ $.eventType IS NULL }",
        "{ $.ThisFlag IS FALSE }",
        "{ $.ThisFlag NOT EXISTS }",
        // The filter is not applied to a list.
        "{ $.users = 1 }",
        "{ $.users != 1 }",
        "{ ($.user.id = 2 && $.users[0].email = \"nonmatch\") || $.actions[2] = \"GET\" }",
        "{ ($.user.email = \"John.Stiles@example.com\" || $.coordinates[0][1] = x) && $.actions[2] = nomatch }",
        "{ $.none != x && $.eventType = other }",
    ] {
        assert_eq!(matches(pattern, &event()), Ok(false), "{pattern}");
    }
}

#[test]
fn what_aws_does_not_say_is_not_guessed() {
    for pattern in [
        "{ $.none != x }",
        "{ $.ThisFlag = true }",
        "{ $.SomeObject != x }",
        "{ $.eventType > 1 }",
        "{ $.arrayKey[*] != value }",
        "{ $.none != x && $.eventType = UpdateTrail }",
    ] {
        assert!(matches!(matches(pattern, &event()), Err(PatternError::Uncertain(_))), "{pattern}");
    }
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c-d", "e f", "\"", "\\"]).prop_map(str::to_owned)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => name().prop_map(Step::Member),
        1 => (0_usize..3).prop_map(Step::Index),
        1 => Just(Step::Each),
    ]
}

fn wanted() -> impl Strategy<Value = Wanted> {
    prop_oneof![
        "[ab*\"\\ ]{0,4}".prop_map(Wanted::Text),
        "-?[0-9]{1,3}".prop_map(Wanted::Number),
        "[ab.]{1,3}".prop_map(Wanted::Regex),
    ]
}

fn test() -> impl Strategy<Value = Test> {
    let comparison = prop::sample::select(vec![
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ]);
    let constant = prop::sample::select(vec![Constant::Null, Constant::True, Constant::False]);
    prop_oneof![
        wanted().prop_map(Test::Equals),
        wanted().prop_map(Test::Differs),
        (comparison, -3_i32..3).prop_map(|(by, bound)| Test::Compares(by, f64::from(bound))),
        constant.prop_map(Test::Is),
        Just(Test::Exists),
        Just(Test::NotExists),
    ]
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let leaf = (prop::collection::vec(step(), 1..3), test())
        .prop_map(|(selector, test)| Pattern::Test(selector, test));
    leaf.prop_recursive(3, 12, 3, |inner| {
        let parts = prop::collection::vec(inner, 2..4);
        prop_oneof![parts.clone().prop_map(Pattern::All), parts.prop_map(Pattern::Any)]
    })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i32..3).prop_map(Value::from),
        "[ab*]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(name(), inner, 0..3).prop_map(|members| json!(members)),
        ]
    })
}

/// The contrary, of a pattern that asks one text or number each whether it is equal or exists.
fn contrary(pattern: &Pattern) -> Pattern {
    match pattern {
        Pattern::All(parts) => Pattern::Any(parts.iter().map(contrary).collect()),
        Pattern::Any(parts) => Pattern::All(parts.iter().map(contrary).collect()),
        Pattern::Test(selector, test) => Pattern::Test(
            selector.clone(),
            match test {
                Test::Equals(wanted) => Test::Differs(wanted.clone()),
                Test::Differs(wanted) => Test::Equals(wanted.clone()),
                Test::Exists => Test::NotExists,
                _ => Test::Exists,
            },
        ),
    }
}

fn of_texts() -> impl Strategy<Value = Pattern> {
    let asked = prop_oneof![
        wanted().prop_map(Test::Equals),
        wanted().prop_map(Test::Differs),
        Just(Test::Exists),
        Just(Test::NotExists),
    ];
    let name = prop::sample::select(vec!["a", "b"]).prop_map(|name| vec![Step::Member(name.to_owned())]);
    let leaf = (name, asked).prop_map(|(selector, test)| Pattern::Test(selector, test));
    leaf.prop_recursive(3, 12, 3, |inner| {
        let parts = prop::collection::vec(inner, 2..4);
        prop_oneof![parts.clone().prop_map(Pattern::All), parts.prop_map(Pattern::Any)]
    })
}

proptest! {
    #[test]
    fn nothing_panics(text in "\\PC{0,60}", event in value()) {
        let _ = matches(&text, &event);
    }

    #[test]
    fn nothing_that_looks_like_a_pattern_panics(
        text in r#"\{[ $.a"\[\]0*=!<>&|()%NOTEXISULR-]{0,60}\}"#, event in value(),
    ) {
        let _ = matches(&text, &event);
    }

    #[test]
    fn what_is_printed_is_read_as_the_same(pattern in pattern(), event in value()) {
        let printed = pattern.to_string();
        let read = parse(&printed).map_err(|error| TestCaseError::fail(format!("{printed}: {error}")))?;
        prop_assert_eq!(&read, &pattern, "{}", printed);
        prop_assert_eq!(matches(&printed, &event), pattern.matches(&event));
    }

    #[test]
    fn the_contrary_of_a_pattern_matches_what_it_does_not(
        pattern in of_texts(), a in "[ab*]{0,3}", b in -12_i32..12,
    ) {
        let event = json!({"a": a, "b": b});
        let answer = pattern.matches(&event);
        prop_assert_eq!(contrary(&pattern).matches(&event), answer.clone().map(|answer| !answer));
        prop_assert!(answer.is_ok());
    }
}
