use std::collections::BTreeMap;
use std::sync::Arc;

use cel::{Context, Program, Value as CelValue};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::catalog::Fault;

fn parse(text: &str) -> Filter {
    Filter::parse(text, &parameters()).unwrap_or_else(|faults| panic!("{text}: {faults:?}"))
}

fn parameters() -> BTreeMap<String, Value> {
    let all = json!({ "name": "b", "list": ["a", 1], "real": 1.5, "mixed": [[1]] });
    serde_json::from_value(all).unwrap()
}

fn event() -> Value {
    json!({
        "name": "a", "number": 7, "real": 7.0, "flag": true, "none": null, "text": "abc",
        "inner": { "deep": { "x": "y" } }, "odd name": 1,
        "list": [{ "from": "10.0.0.0/8", "ports": [1, 2] }, { "from": "0.0.0.0/0" }], "words": ["a", "b"],
    })
}

#[test]
fn a_filter_decides_about_an_event() {
    for (text, selected) in [
        ("event.name == 'a'", true),
        ("'a' == event.name", true),
        ("event.name != 'a'", false),
        ("event.number == 7 && event.real == 7 && event.flag == true", true),
        ("event.number == -7", false),
        ("event['odd name'] == 1", true),
        ("event.inner.deep.x == 'y' || event.name == 'z'", true),
        ("event.inner['deep'].x in ['x', 'y']", true),
        ("event.name in parameters.list && event.name != parameters.name", true),
        ("event.name == event.words", false),
        ("event.number == event.real", true),
        ("event.text.startsWith('ab') && event.text.endsWith('c') && event.text.contains('b')", true),
        ("event.text.startsWith(parameters.name)", false),
        ("has(event.none) && !has(event.inner.missing) && has(event.inner.deep.x)", true),
        ("event.list.exists(rule, rule.from == '0.0.0.0/0')", true),
        ("event.list.exists(rule, rule.ports.exists(port, port == 2 && rule.from != event.name))", true),
        ("event.words.exists(word, word == 'c')", false),
        ("event.words.exists(x, event.list.exists(x, x.from == '0.0.0.0/0'))", true),
        ("!(event.name == 'a' && (event.number == 8 || event.number == 7))", false),
    ] {
        assert_eq!(parse(text).selects(&event()), selected, "{text}");
    }
}

#[test]
fn what_is_missing_is_null() {
    for (text, selected) in [
        ("event.missing == 'a'", false),
        ("event.missing != 'a'", true),
        ("event.missing == null && event.none == null", true),
        ("event.name == null", false),
        ("event.missing in ['a']", false),
        ("event.missing in ['a', null]", true),
        ("event.missing.startsWith('')", false),
        ("event.number.contains('')", false),
        ("event.name.deeper == null && event.list.from == null", true),
        ("event.missing.exists(x, x == null)", false),
        ("event.inner.exists(x, x == 'deep')", false),
        ("event.missing == event.none", true),
    ] {
        assert_eq!(parse(text).selects(&event()), selected, "{text}");
    }
    assert!(parse("event.a == null").selects(&Value::Null));
}

#[test]
fn what_no_filter_may_use_is_refused_where_it_stands() {
    let mut wrong = Vec::new();
    for (text, what, at) in [
        ("event.a == ", "", ""),
        ("event.number > 5", "cannot use >", ">"),
        ("event.a.matches('x')", "cannot use matches", ""),
        ("event.a", "no condition", "."),
        ("true", "no condition", "true"),
        ("event.a == 1.5", "only a text", "1"),
        ("event.a == resource.b", "there is no resource", "resource"),
        ("event.a in event.b", "behind `in`", ""),
        ("event.a[0] == 1", "in quotes", "0"),
        ("event[event.a] == 1", "in quotes", ""),
        ("event.a.all(x, x == 1)", "exists(x", ""),
        ("event.a.map(x, x) == 1", "only a member", ""),
        ("event.a == parameters.missing", "has no default", ""),
        ("event.a == parameters.real", "neither a text", ""),
        ("event.a == parameters.list", "neither a text", ""),
        ("event.a in parameters.name", "no list of", ""),
        ("event.a in parameters.mixed", "no list of", ""),
        ("event.a.contains(1)", "takes a text", "1"),
        ("event.a == x", "there is no x", "x"),
        ("event.a.exists(x, x == 1) && x == 2", "there is no x", "x"),
        ("event.a ? event.b : event.c", "cannot use", ""),
    ] {
        let faults = Filter::parse(text, &parameters()).expect_err(text);
        let is_meant =
            |fault: &Fault| fault.what.contains(what) && (at.is_empty() || &text[fault.at.clone()] == at);
        if !faults.iter().any(is_meant) {
            wrong.push(format!("{text}: {faults:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let all = Filter::parse("event.a > 1 && event.b == parameters.no && now() == 1", &parameters());
    assert_eq!(all.unwrap_err().len(), 3);
    assert!(Filter::parse(&"(".repeat(5_000), &parameters()).is_err());
    assert!(Filter::parse(&format!("event.a == '{}'", "x".repeat(10_000)), &parameters()).is_err());
}

/// The event of the property: every member that a filter of it reads is there, with its type.
fn whole_event() -> impl Strategy<Value = Value> {
    let word = || prop::sample::select(vec!["", "a", "ab", "b", "ba", "\"", "\\u"]);
    let item = (word(), 0..3_i64).prop_map(|(text, number)| json!({ "t": text, "n": number }));
    (
        word(),
        0..3_i64,
        any::<bool>(),
        word(),
        prop::collection::vec(item, 0..3),
        prop_oneof![Just(Value::Null), Just(json!(1)), Just(json!("a"))],
    )
        .prop_map(
            |(t, n, f, d, l, any)| json!({ "t": t, "n": n, "f": f, "inner": { "t": d }, "l": l, "any": any }),
        )
}

fn condition(
    texts: &'static [&'static str],
    numbers: &'static [&'static str],
    lists: bool,
) -> BoxedStrategy<String> {
    let text = || prop::sample::select(texts);
    let number = || prop::sample::select(numbers);
    let word = || prop::sample::select(vec!["''", "'a'", "'ab'", "'b'", "'\"'"]);
    let function = prop::sample::select(vec!["startsWith", "endsWith", "contains"]);
    let operator = || prop::sample::select(vec!["==", "!="]);
    let leaf = prop_oneof![
        (text(), operator(), word()).prop_map(|(a, o, b)| format!("{a} {o} {b}")),
        (text(), operator(), text()).prop_map(|(a, o, b)| format!("{a} {o} {b}")),
        (number(), operator(), -1..3_i64).prop_map(|(a, o, b)| format!("{a} {o} {b}")),
        (text(), word(), word()).prop_map(|(a, b, c)| format!("{a} in [{b}, {c}, 1]")),
        (text(), function, word()).prop_map(|(a, f, b)| format!("{a}.{f}({b})")),
        (operator(), prop::sample::select(vec!["null", "1", "'a'", "true"]))
            .prop_map(|(o, b)| format!("event.any {o} {b}")),
        Just("has(event.inner.t)".to_owned()),
        Just("has(event.missing)".to_owned()),
        Just("event['f'] == true".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 2, move |inner| {
        let all = prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.prop_map(|a| format!("!({a})")),
        ];
        if !lists {
            return all.boxed();
        }
        let within = condition(&["event.t", "x.t"], &["event.n", "x.n"], false);
        prop_oneof![3 => all, 1 => within.prop_map(|a| format!("event.l.exists(x, {a})"))].boxed()
    })
    .boxed()
}

fn to_cel(value: &Value) -> CelValue {
    cel::to_value(value).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn where_every_member_is_there_a_filter_decides_as_cel_does(
        text in condition(&["event.t", "event.inner.t", "event['t']"], &["event.n"], true),
        event in whole_event(),
    ) {
        let program = Program::compile(&text).unwrap();
        let mut context = Context::default();
        context.add_variable_from_value("event", to_cel(&event));
        let expected = program.execute(&context).unwrap();
        prop_assert_eq!(CelValue::Bool(parse(&text).selects(&event)), expected, "{} of {}", text, event);
    }

    #[test]
    fn no_text_makes_the_reading_panic(text in "[ a-z.()'&|!=,x\\[\\]0-9-]{0,40}") {
        let _ = Filter::parse(&text, &BTreeMap::new());
    }
}

#[test]
fn the_same_filter_can_be_shared_between_threads() {
    let filter = Arc::new(parse("event.name == 'a'"));
    let other = Arc::clone(&filter);
    assert!(std::thread::spawn(move || other.selects(&event())).join().unwrap());
}
