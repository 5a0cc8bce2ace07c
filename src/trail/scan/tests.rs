//! The scan against a reference that parses everything.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::trail::file::LARGEST_TEXT;

/// Filters of every kind; what they select overlaps.
const FILTERS: [&str; 13] = [
    "event.userIdentity.type == 'Root' && event.userIdentity.invokedBy != 'AWS Internal'",
    "event.eventName in ['DeleteTrail', 'StopLogging'] && event.eventSource == 'cloudtrail.amazonaws.com'",
    "event.errorCode.startsWith('Access') || event.errorCode.endsWith('Denied')",
    "has(event.errorCode)",
    "!(event.awsRegion in ['us-east-1', 'eu-west-1'])",
    "event.requestParameters.items.exists(item, item.cidr == '0.0.0.0/0' && item.port != 22)",
    "event.readOnly == false && event.requestParameters.name.contains('key')",
    "event.userIdentity.accountId != event.recipientAccountId",
    "event.requestParameters == null",
    "event.requestParameters.name == '\"quoted\\\\'",
    "has(event.userIdentity.sessionContext) && event.eventName != 'GetObject'",
    "event.requestParameters.count == 2 || event.additionalEventData.MFAUsed == 'No'",
    "event.requestParameters.words.exists(word, word == 'Zürich')",
];

/// Those of them that need not look at every event.
const RARE: [usize; 8] = [0, 1, 2, 3, 5, 9, 11, 12];

fn parsed(text: &str) -> Filter {
    Filter::parse(text, &BTreeMap::new()).unwrap()
}

fn filters() -> Vec<Filter> {
    FILTERS.iter().map(|text| parsed(text)).collect()
}

/// All of a log file that filters select, by parsing all of it; or the code of what is wrong.
fn slowly(stored: &[u8]) -> Result<Scanned, String> {
    slowly_by(filters(), stored)
}

fn slowly_by(filters: Vec<Filter>, stored: &[u8]) -> Result<Scanned, String> {
    let mut text = stored.to_vec();
    if stored.starts_with(&[0x1f, 0x8b]) {
        text.clear();
        let read = MultiGzDecoder::new(stored).read_to_end(&mut text);
        read.map_err(|_| "LogObjectBrokenGzip".to_owned())?;
    }
    let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_slice(&text).into_iter().collect();
    let without = Err("LogObjectWithoutEvents".to_owned());
    let events = match values.map_err(|_| "LogObjectNotJson".to_owned())?.as_slice() {
        [Value::Array(events)] => events.clone(),
        [Value::Object(file)] if file.contains_key("Records") => match &file["Records"] {
            Value::Array(events) => events.clone(),
            _ => return without,
        },
        events @ [first, ..] if first.get("eventVersion").is_some() => events.to_vec(),
        [Value::Object(_)] => return without,
        _ => return Err("LogObjectNotJson".to_owned()),
    };
    if !events.iter().all(Value::is_object) {
        return without;
    }
    let found = events.iter().enumerate().filter_map(|(index, event)| {
        let selecting: Vec<usize> =
            (0..filters.len()).filter(|number| filters[*number].selects(event)).collect();
        (!selecting.is_empty()).then(|| Found {
            index: index as u64,
            event: event.clone(),
            filters: selecting,
        })
    });
    let found = found.collect();
    Ok(Scanned { events: events.len() as u64, bytes: text.len() as u64, found, ..Scanned::default() })
}

fn quickly(stored: &[u8]) -> Result<Scanned, String> {
    quickly_by(filters(), stored)
}

fn quickly_by(filters: Vec<Filter>, stored: &[u8]) -> Result<Scanned, String> {
    Scanner::new(filters).scan(stored).map_err(|unreadable| unreadable.code)
}

/// The filters that let events be passed over, and that they do.
fn rare() -> Vec<Filter> {
    let rare: Vec<Filter> = RARE.iter().map(|number| parsed(FILTERS[*number])).collect();
    assert!(Needles::of(&rare).is_some());
    rare
}

/// How many events a file has, and which are selected by root's use and by trails that are stopped, by both ways.
fn selected(text: &[u8]) -> (u64, Vec<u64>) {
    let filters = || vec![parsed(FILTERS[0]), parsed(FILTERS[1])];
    for stored in [text.to_vec(), gzip(text)] {
        assert_eq!(quickly_by(filters(), &stored), slowly_by(filters(), &stored));
    }
    let scanned = quickly_by(filters(), text).unwrap();
    (scanned.events, scanned.found.iter().map(|found| found.index).collect())
}

#[test]
fn a_decoy_deeper_in_an_event_or_a_file_selects_nothing() {
    let deeper = r#"{"Records":[
        {"eventName":"GetObject","requestParameters":{"eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging"}},
        {"x":{"Records":[{"eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging"}]}},
        {"x":"\"eventSource\":\"cloudtrail.amazonaws.com\",\"eventName\":\"StopLogging\""},
        {"eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging"}]}"#;
    assert_eq!(selected(deeper.as_bytes()), (4, vec![3]));
    let beside = r#"{"x":{"Records":[{"userIdentity":{"type":"Root"}}]},"Records":[{}],"y":[{"userIdentity":{"type":"Root"}}]}"#;
    assert_eq!(selected(beside.as_bytes()), (1, vec![]));
}

#[test]
fn escapes_in_names_and_values_hide_nothing() {
    let text = r#"{"Records":[
        {"userIdentity":{"type":"R\u006fot"}},
        {"userIdentity":{"\u0074ype":"Root"}},
        {"user\u0049dentity":{"type":"Root"}},
        {"eventSource":"cloudtrail.amazonaws.com","event\u004eame":"\u0053topLogging"},
        {"userIdentity":{"type":"\\u0052oot"}},
        {"userIdentity":{"type":"Root\""}}]}"#;
    assert_eq!(selected(text.as_bytes()), (6, vec![0, 1, 2, 3]));
    assert_eq!(selected(text.replacen("Records", "\\u0052ecords", 1).as_bytes()), (6, vec![0, 1, 2, 3]));
}

#[test]
fn white_space_and_the_order_of_members_do_not_matter() {
    let file = json!({ "a": 1, "Records": [
        { "eventName": "StopLogging", "x": [[], {}], "eventSource": "cloudtrail.amazonaws.com" },
        { "eventSource": "cloudtrail.amazonaws.com", "eventName": "GetTrail" },
        { "eventSource": "cloudtrail.amazonaws.com", "eventName": "DeleteTrail" },
    ], "z": {} });
    for text in [file.to_string(), format!("\r\n\t {file:#} \n")] {
        assert_eq!(selected(text.as_bytes()), (3, vec![0, 2]));
    }
}

#[test]
fn an_event_of_200_mb_is_passed_over_or_reported_and_its_neighbours_are_found() {
    let root = r#"{"userIdentity":{"type":"Root"}}"#;
    let long = "x".repeat(200 << 20);
    for (huge, too_large) in [
        (format!(r#"{{"x":"{long}"}}"#), vec![]),
        (format!(r#"{{"userIdentity":{{"type":"Root"}},"x":"{long}"}}"#), vec![(1, vec![0])]),
    ] {
        let text = format!(r#"{{"Records":[{root},{huge},{root}]}}"#);
        drop(huge);
        for stored in [gzip(text.as_bytes()), text.into_bytes()] {
            let scanned = quickly_by(vec![parsed(FILTERS[0])], &stored).unwrap();
            assert_eq!((scanned.events, scanned.found.len(), scanned.too_large), (3, 2, too_large.clone()));
        }
    }
}

#[test]
fn bytes_that_no_json_has_are_reported() {
    let root = r#"{"userIdentity":{"type":"Root"}}"#;
    let of = |text: &[u8]| quickly_by(vec![parsed(FILTERS[0])], text).map(|scanned| scanned.events);
    let wrong = Err("LogObjectNotJson".to_owned());
    assert_eq!(of(&[0; 1000]), wrong);
    assert_eq!(of(format!("[{root}\0]").as_bytes()), wrong);
    assert_eq!(of(format!("[{root},\0{root}]").as_bytes()), wrong);
    // Inside of an event that nobody asks for, only what is no text at all is looked for.
    assert_eq!(of(format!("[{root},{{\"x\":\"\0\"}}]").as_bytes()), Ok(2));
    assert_eq!(of(b"[{\"userIdentity\":{\"type\":\"Root\",\"x\":\"\0\"}}]"), wrong);
    assert_eq!(of(b"[{\"x\":\"\xff\"}]"), wrong);
    assert_eq!(of("[{\"x\":\"Z\u{fc}rich\"}]".as_bytes()), Ok(1));
}

#[test]
fn headers_of_gzip_may_hold_names_comments_and_more() {
    let packed = gzip(b"[{}]");
    let with = |flags: u8, more: &[u8]| {
        let mut header = packed[..10].to_vec();
        header[3] = flags;
        [&header, more, &packed[10..]].concat()
    };
    for stored in [
        with(8, b"name\0"),
        with(16, b"\0"),
        with(4, b"\x02\0ab"),
        with(2, b"\0\0"),
        with(31, b"\x01\0xn\0c\0\0\0"),
    ] {
        assert_eq!(quickly(&stored).map(|scanned| scanned.events), Ok(1));
    }
    for stored in [with(8, b"name"), with(4, b"\xff\xff"), with(32, b""), packed[..12].to_vec()] {
        assert_eq!(quickly(&stored), Err("LogObjectBrokenGzip".into()));
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn same(stored: &[u8]) -> Result<u64, String> {
    let (slow, quick) = (slowly(stored), quickly(stored));
    let start = String::from_utf8_lossy(&stored[..stored.len().min(80)]).into_owned();
    assert_eq!(quick, slow, "{start}");
    quick.map(|scanned| scanned.events)
}

#[test]
fn log_files_are_an_object_with_records_a_list_or_lines() {
    for (bytes, events) in [
        (&br#"{"Records":[{"eventID":"1"}]}"#[..], 1),
        (br#"{"before":[{}],"Records":[{},{}],"after":{"Records":[{}]}}"#, 2),
        (br#" { "x" : { "Records" : [ {} ] } , "Records" : [ ] } "#, 0),
        (b"{\"\\u0052ecords\":[{}]}", 1),
        (br#"[{"eventID":"1"},{}]"#, 2),
        (b"[]\n", 0),
        (b"{\"eventVersion\":\"1\",\"errorCode\":\"x\"}\n{\"errorCode\":null}\n\n{}\n", 3),
        (br#"[{"a":"\\"},{"b":"\\\"}{,"},{"eventName":"]}"}]"#, 3),
        (br#"[{"errorCode":"a","errorCode":"AccessDenied","e\u0072rorCode":1}]"#, 1),
    ] {
        assert_eq!(same(bytes), Ok(events), "{}", String::from_utf8_lossy(bytes));
        assert_eq!(same(&gzip(bytes)), Ok(events));
    }
}

#[test]
fn gzip_may_have_several_members() {
    assert_eq!(same(&[gzip(br#"{"Records":[{},"#), gzip(b""), gzip(b"{}]}")].concat()), Ok(2));
    let twice = gzip(b"{\"eventVersion\":1}\n").repeat(2);
    assert_eq!(same(&twice), Ok(2), "the second one ends as the first does");
    // A member that is nothing but stored bytes, which look as if another one began in it.
    let mut inside = GzEncoder::new(Vec::new(), Compression::none());
    inside.write_all("[{\"a\":\"\u{1f}\"}]".replace('\u{1f}', "x").as_bytes()).unwrap();
    assert_eq!(same(&inside.finish().unwrap()), Ok(1));
}

#[test]
fn whatever_else_there_is_has_its_own_code() {
    let packed = gzip(br#"{"Records":[{"eventID":"1"},{"eventID":"2"}]}"#);
    let mut flipped = packed.clone();
    let checksum = flipped.len() - 8;
    flipped[checksum] ^= 1;
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    let deep_event = format!("[{{\"errorCode\":{}1{}}}]", "[".repeat(200), "]".repeat(200));
    for (bytes, code) in [
        (&b""[..], "LogObjectNotJson"),
        (b"{", "LogObjectNotJson"),
        (b"ciphertext", "LogObjectNotJson"),
        (br#"{"Records":[{}]} trailing"#, "LogObjectNotJson"),
        (br#"{"Records":[{}]}{"Records":[{}]}"#, "LogObjectNotJson"),
        (b"[{\"a\":\"\xff\"}]", "LogObjectNotJson"),
        (&deep, "LogObjectNotJson"),
        (deep_event.as_bytes(), "LogObjectNotJson"),
        (br#"[{"a":1},]"#, "LogObjectNotJson"),
        (br#"[{"a":1}{"a":1}]"#, "LogObjectNotJson"),
        (br#"[{"a" 1}]"#, "LogObjectNotJson"),
        (br#"[{"a":1]"#, "LogObjectNotJson"),
        (br#"[{"a":"1}]"#, "LogObjectNotJson"),
        (br#"[{"a":1},\"{}]"#, "LogObjectNotJson"),
        (b"{}", "LogObjectWithoutEvents"),
        (br#"{"x":{"Records":[{}]}}"#, "LogObjectWithoutEvents"),
        (br#"{"Records":{}}"#, "LogObjectWithoutEvents"),
        (br#"{"Records":7}"#, "LogObjectWithoutEvents"),
        (br#"{"Records":[1]}"#, "LogObjectWithoutEvents"),
        (br#"[{},[{}]]"#, "LogObjectWithoutEvents"),
        (&packed[..packed.len() - 9], "LogObjectBrokenGzip"),
        (&packed[..3], "LogObjectBrokenGzip"),
        (&flipped, "LogObjectBrokenGzip"),
        (&[&packed[..], b"trailing"].concat(), "LogObjectBrokenGzip"),
    ] {
        assert_eq!(same(bytes), Err(code.to_owned()));
    }
    // Of two lists a parser takes one without a word: nobody can say which the file means.
    assert_eq!(quickly(br#"{"Records":[{}],"Records":[{}]}"#), Err("LogObjectWithoutEvents".into()));
}

#[test]
fn a_bomb_is_left_alone_before_it_fills_the_memory() {
    let member = gzip(&vec![b' '; 1 << 20]);
    let bomb = member.repeat(usize::try_from(LARGEST_TEXT >> 20).unwrap() + 1);
    assert!((bomb.len() as u64) < LARGEST_TEXT / 100);
    assert_eq!(quickly(&bomb), Err("LogObjectTooLarge".into()));
}

#[test]
fn an_event_that_is_too_large_to_be_looked_at_is_reported() {
    let text = format!("[{{\"errorCode\":\"{}\"}},{{\"errorCode\":\"x\"}}]", "x".repeat(LARGEST_EVENT));
    let scanned = quickly(text.as_bytes()).unwrap();
    assert_eq!((scanned.events, scanned.found.len(), scanned.too_large.len()), (2, 1, 1));
    assert_eq!(scanned.too_large[0].0, 0);
}

/// A JSON text of `value` as someone else might write it: with white space, and with escapes that need not be.
fn written(value: &Value, choose: &mut dyn FnMut(u32) -> bool, out: &mut String) {
    let space = |choose: &mut dyn FnMut(u32) -> bool, out: &mut String| {
        if choose(8) {
            out.push_str(if choose(2) { "\n  " } else { " \t" });
        }
    };
    let text = |text: &str, choose: &mut dyn FnMut(u32) -> bool, out: &mut String| {
        out.push('"');
        for letter in text.chars() {
            match letter {
                '"' | '\\' => out.extend(['\\', letter]),
                '/' if choose(2) => out.push_str("\\/"),
                letter if choose(30) || letter < ' ' => {
                    letter
                        .encode_utf16(&mut [0; 2])
                        .iter()
                        .for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
                }
                letter => out.push(letter),
            }
        }
        out.push('"');
    };
    space(choose, out);
    match value {
        Value::String(found) => text(found, choose, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                written(item, choose, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                space(choose, out);
                text(name, choose, out);
                space(choose, out);
                out.push(':');
                written(member, choose, out);
            }
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
    space(choose, out);
}

fn an_event() -> impl Strategy<Value = Value> {
    let pick = |values: &'static [&'static str]| {
        let parse = |text: &'static str| serde_json::from_str::<Value>(text).unwrap();
        prop::sample::select(values).prop_map(parse)
    };
    let member = prop_oneof![
        pick(&[r#""Root""#, r#""IAMUser""#, "null"])
            .prop_map(|it| ("userIdentity", json!({ "type": it, "accountId": "1" }))),
        pick(&[
            r#"{"type":"Root","invokedBy":"AWS Internal"}"#,
            r#"{"sessionContext":{"type":"Root"}}"#,
            r#""Root""#
        ])
        .prop_map(|it| ("userIdentity", it)),
        pick(&[r#""DeleteTrail""#, r#""StopLogging""#, r#""GetObject""#, r#"["DeleteTrail"]"#])
            .prop_map(|it| ("eventName", it)),
        pick(&[r#""cloudtrail.amazonaws.com""#, r#""s3.amazonaws.com""#]).prop_map(|it| ("eventSource", it)),
        pick(&[r#""AccessDenied""#, r#""AccessX""#, r#""XDenied""#, r#""Client.Denied/""#, "7"])
            .prop_map(|it| ("errorCode", it)),
        pick(&[r#""us-east-1""#, r#""eu-west-1""#, r#""ap-south-1""#]).prop_map(|it| ("awsRegion", it)),
        pick(&["true", "false"]).prop_map(|it| ("readOnly", it)),
        pick(&[r#""1""#, r#""2""#]).prop_map(|it| ("recipientAccountId", it)),
        pick(&[
            "null",
            "{}",
            r#"{"items":[{"cidr":"0.0.0.0/0","port":22},{"cidr":"0.0.0.0/0"}]}"#,
            r#"{"items":[{"cidr":"0.0.0.0/0","port":22}]}"#,
            r#"{"items":"0.0.0.0/0","count":2.0}"#,
            r#"{"name":"a key here"}"#,
            r#"{"name":"\"quoted\\"}"#,
            r#"{"count":2}"#,
            r#"{"words":["Zürich","x"]}"#,
            r#"{"eventName":"DeleteTrail","Records":[{"errorCode":"AccessDenied"}],"name":["key"]}"#,
            r#""key""#,
            "[{}]",
        ])
        .prop_map(|it| ("requestParameters", it)),
        pick(&[r#"{"MFAUsed":"No"}"#, r#"{"MFAUsed":"Yes"}"#, r#""No""#])
            .prop_map(|it| ("additionalEventData", it)),
        pick(&[r#""}],\"errorCode\":""#, "1.5e3", r#"{"a":{"b":[[],{}]}}"#, "\"\\u0000 \u{10348}\""])
            .prop_map(|it| ("x", it)),
    ];
    prop::collection::vec(member, 0..9).prop_map(|members| {
        let mut event = serde_json::Map::new();
        members.into_iter().for_each(|(name, value)| {
            event.insert(name.to_owned(), value);
        });
        Value::Object(event)
    })
}

/// A log file of one of the forms that there are, as bytes that are stored.
fn a_file() -> impl Strategy<Value = Vec<u8>> {
    (prop::collection::vec(an_event(), 0..12), 0..4_u8, 0..4_u8, any::<u64>()).prop_map(
        |(mut events, form, packing, mut state)| {
            let mut choose = |of: u32| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) % u64::from(of) == 0
            };
            let mut text = String::new();
            match form {
                0 => written(&Value::Array(events), &mut choose, &mut text),
                1 => written(&json!({ "Records": events }), &mut choose, &mut text),
                2 => {
                    let file = json!({ "x": { "Records": [{ "errorCode": "no" }] }, "Records": events, "y": [1, "}"] });
                    written(&file, &mut choose, &mut text);
                }
                _ => {
                    events.insert(0, json!({ "eventVersion": "1.08", "eventName": "First" }));
                    for event in &events {
                        written(event, &mut choose, &mut text);
                        text.push('\n');
                    }
                }
            }
            let half = text.len() / 2;
            match packing {
                0 => text.into_bytes(),
                1 => [gzip(&text.as_bytes()[..half]), gzip(&text.as_bytes()[half..])].concat(),
                _ => gzip(text.as_bytes()),
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn the_scan_finds_what_parsing_everything_finds(stored in a_file()) {
        prop_assert_eq!(quickly(&stored), slowly(&stored));
        prop_assert_eq!(quickly_by(rare(), &stored), slowly_by(rare(), &stored));
    }

    #[test]
    fn what_is_damaged_is_read_as_it_is_or_reported(
        stored in a_file(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut stored = stored;
        if cut {
            stored.truncate(at.index(stored.len()));
        } else {
            let at = at.index(stored.len());
            stored[at] = byte;
        }
        let quick = quickly(&stored);
        if let Ok(slow) = slowly(&stored) {
            // A list of Records that is there twice is no list to us.
            prop_assert!(quick == Ok(slow) || quick == Err("LogObjectWithoutEvents".into()), "{:?}", quick);
            let (quick, slow) = (quickly_by(rare(), &stored), slowly_by(rare(), &stored));
            prop_assert!(quick == slow || quick == Err("LogObjectWithoutEvents".into()), "{:?}", quick);
        }
    }
}
