//! How fast, for how long, and with which credentials.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;
use tokio::time::Instant;

use super::super::*;
use super::lines;
use super::scripted::{Asked, Scripted, at_once, items, lister, run, run_account};
use crate::model::GapReason;

/// Bounds whose pauses are over at once.
fn hasty() -> Bounds {
    let moment = Duration::from_millis(1);
    Bounds {
        first_pause: moment,
        longest_pause: moment,
        grace: Duration::from_millis(300),
        ..Bounds::default()
    }
}

/// Reasons of the gaps and how many records are none.
fn outcomes(records: &[Record]) -> (usize, BTreeMap<GapReason, usize>) {
    let mut gaps: BTreeMap<GapReason, usize> = BTreeMap::new();
    for gap in records.iter().filter_map(Record::gap) {
        *gaps.entry(gap.reason.unwrap()).or_default() += 1;
    }
    (records.iter().filter(|record| record.response().is_some()).count(), gaps)
}

fn assert_once(records: &[Record]) {
    let mut questions = BTreeSet::new();
    for record in records {
        assert!(questions.insert(record.question().unwrap().unwrap()), "twice: {:?}", record.source);
    }
}

#[test]
fn a_service_that_is_refused_for_its_rate_does_not_slow_another() {
    let bounds = Bounds { first_pause: Duration::from_secs(1), ..Bounds::default() };
    let refusals = AtomicUsize::new(0);
    let client = Scripted::new(move |asked: &Asked| {
        at_once(match (asked.service.as_str(), asked.operation.as_str()) {
            ("kms", "GetItem") if refusals.fetch_add(1, Ordering::SeqCst) < 10 => Err("ThrottlingException"),
            (_, "ListItems") => Ok(items(30)),
            _ => Ok(json!({})),
        })
    });
    let ran =
        run(&[&lister("kms", ""), &lister("s3", "")], &client, Gate::new(bounds, None), Known::nothing());
    assert_eq!(outcomes(&ran.records), (62, BTreeMap::new()));
    let log = client.log();
    let place = |wanted: &dyn Fn(&&Asked) -> bool| log.iter().position(|asked| wanted(&asked)).unwrap();
    let again = place(&|asked| asked.service == "kms" && asked.before == 1);
    let last = log.iter().rposition(|asked| asked.service == "s3").unwrap();
    assert!(last < again, "s3 waited for kms: {last} {again}");
    assert_once(&ran.records);
}

#[test]
fn calls_that_stay_refused_are_gaps_and_the_rest_of_the_lane_is_not_tried_for_ever() {
    let client = Scripted::new(|asked: &Asked| {
        at_once(match (asked.service.as_str(), asked.operation.as_str()) {
            ("kms", "GetItem") => Err("Throttling"),
            (_, "ListItems") => Ok(items(200)),
            _ => Ok(json!({})),
        })
    });
    let bounds = Bounds { throttled_again: 3, fruitless_pauses: 5, ..hasty() };
    let ran =
        run(&[&lister("kms", ""), &lister("s3", "")], &client, Gate::new(bounds, None), Known::nothing());
    assert_eq!(outcomes(&ran.records), (202, BTreeMap::from([(GapReason::Throttled, 200)])));
    assert_once(&ran.records);
    let refused: Vec<Asked> = client.log().into_iter().filter(|asked| asked.service == "kms").collect();
    assert!(refused.iter().all(|asked| asked.before <= 3));
    assert!(refused.len() < 100, "{} calls to a service that refuses all", refused.len());
    let messages: BTreeSet<&str> =
        ran.records.iter().filter_map(Record::gap).map(|gap| gap.message.as_str()).collect();
    assert!(messages.contains("no"), "what AWS said: {messages:?}");
    assert!(
        messages.iter().any(|message| message.starts_with("not called: AWS kept refusing")),
        "{messages:?}"
    );
}

#[test]
fn one_call_that_stays_refused_leaves_its_neighbours_alone() {
    let client = Scripted::new(|asked: &Asked| {
        at_once(match (asked.operation.as_str(), asked.item.as_str()) {
            ("ListItems", _) => Ok(items(50)),
            (_, "7") => Err("SlowDown"),
            _ => Ok(json!({})),
        })
    });
    let bounds = Bounds { throttled_again: 3, fruitless_pauses: 50, ..hasty() };
    let ran = run(&[&lister("s3", "")], &client, Gate::new(bounds, None), Known::nothing());
    assert_eq!(outcomes(&ran.records), (50, BTreeMap::from([(GapReason::Throttled, 1)])));
    assert_eq!(client.log().iter().filter(|asked| asked.item == "7").count(), 4);
}

#[test]
fn a_page_that_does_not_come_is_a_gap_that_says_so() {
    let client = Scripted::new(|_: &Asked| at_once(Err("AccessDenied+2")));
    let ran = run(&[&lister("s3", "")], &client, Gate::new(hasty(), None), Known::nothing());
    let gap = ran.records[0].gap().unwrap();
    assert_eq!((gap.code.as_str(), gap.reason), ("AccessDenied", Some(GapReason::PageMissing)));
    assert_eq!(gap.message, "page 3 did not come: no");
    assert_eq!(ran.records.len(), 1);
}

#[test]
fn the_bounds_hold() {
    let client = Scripted::new(|asked: &Asked| {
        let answer = if asked.operation == "ListItems" { items(20) } else { json!({}) };
        (Duration::from_millis(2), Ok(answer))
    });
    let bounds = Bounds { overall: 6, per_service: 4, per_region: 6, large: 1, ..hasty() };
    let names = ["a1", "b2", "c3"];
    let collectors: Vec<String> =
        names.iter().map(|name| lister(name, if *name == "c3" { "cost = \"large\"" } else { "" })).collect();
    let texts: Vec<&str> = collectors.iter().map(String::as_str).collect();
    let ran = run(&texts, &client, Gate::new(bounds, None), Known::nothing());
    assert_eq!(outcomes(&ran.records), (63, BTreeMap::new()));
    assert!(client.most("") <= 6 && client.most("") >= 5, "{}", client.most(""));
    assert!(client.most("a1") <= 4 && client.most("b2") <= 4);
    assert_eq!(client.most("c3"), 1, "large calls");
}

#[test]
fn what_the_deadline_cuts_off_is_a_gap_and_the_run_ends() {
    let client = Scripted::new(|asked: &Asked| match (asked.operation.as_str(), asked.item.as_str()) {
        ("ListItems", _) => at_once(Ok(items(400))),
        (_, "0") => (Duration::from_secs(3600), Ok(json!({}))),
        _ => (Duration::from_millis(20), Ok(json!({}))),
    });
    let deadline = Instant::now() + Duration::from_millis(400);
    let bounds = Bounds { overall: 4, ..hasty() };
    let ran = run(&[&lister("s3", "")], &client, Gate::new(bounds, Some(deadline)), Known::nothing());
    let (answered, gaps) = outcomes(&ran.records);
    assert_eq!(ran.records.len(), 401);
    assert_once(&ran.records);
    assert_eq!(gaps.keys().collect::<Vec<_>>(), [&GapReason::RunDeadline]);
    assert_eq!(answered + gaps[&GapReason::RunDeadline], 401);
    assert_eq!(ran.result.unwrap().gap_count() as usize, gaps[&GapReason::RunDeadline]);
    assert!(Instant::now() < deadline + Duration::from_secs(60), "the call that never ends was waited for");
    let broken = ran.records.iter().find(|record| record.source.parameters == json!({"Item": 0})).unwrap();
    assert_eq!(broken.gap().unwrap().code, "RunDeadline");
}

#[test]
fn a_call_that_takes_too_long_is_a_gap() {
    let client = Scripted::new(|asked: &Asked| match (asked.operation.as_str(), asked.item.as_str()) {
        ("ListItems", _) => at_once(Ok(items(3))),
        (_, "1") => (Duration::from_secs(3600), Ok(json!({}))),
        _ => at_once(Ok(json!({}))),
    });
    let bounds = Bounds { call_time: Duration::from_millis(300), ..hasty() };
    let ran = run(&[&lister("s3", "")], &client, Gate::new(bounds, None), Known::nothing());
    assert_eq!(outcomes(&ran.records), (3, BTreeMap::from([(GapReason::TimedOut, 1)])));
}

#[test]
fn credentials_that_expire_are_renewed_and_nothing_is_lost() {
    let client = Scripted::new(|asked: &Asked| {
        at_once(match (asked.operation.as_str(), asked.renewals) {
            ("ListItems", _) => Ok(items(100)),
            (_, 0) if asked.item.len() > 1 => Err("ExpiredTokenException"),
            _ => Ok(json!({})),
        })
    });
    let ran =
        run(&[&lister("kms", ""), &lister("s3", "")], &client, Gate::new(hasty(), None), Known::nothing());
    assert_eq!(outcomes(&ran.records), (202, BTreeMap::new()));
    assert_eq!(client.renewals(), 1);
    assert_once(&ran.records);
    assert!(client.log().len() < 202 + 20, "{} calls", client.log().len());
}

#[test]
fn credentials_that_cannot_be_renewed_end_the_account_at_once() {
    let client = Scripted::new(|asked: &Asked| {
        at_once(match asked.operation.as_str() {
            "ListItems" => Ok(items(500)),
            _ => Err("ExpiredToken"),
        })
    });
    let client = client.without_renewal();
    let ran =
        run(&[&lister("kms", ""), &lister("s3", "")], &client, Gate::new(hasty(), None), Known::nothing());
    let (answered, gaps) = outcomes(&ran.records);
    assert_eq!(answered + gaps[&GapReason::ExpiredCredentials], ran.records.len());
    assert!(ran.records.iter().filter_map(Record::gap).all(|gap| gap.code == "ExpiredToken"));
    assert!(client.log().len() <= 40, "{} doomed calls", client.log().len());
    assert_once(&ran.records);
    let messages: BTreeSet<&str> =
        ran.records.iter().filter_map(Record::gap).map(|gap| gap.message.as_str()).collect();
    assert!(messages.iter().any(|message| message.contains("could not be renewed")), "{messages:?}");
}

#[test]
fn a_single_call_that_calls_good_credentials_expired_is_a_gap_of_its_own() {
    let client = Scripted::new(|asked: &Asked| {
        at_once(match (asked.operation.as_str(), asked.item.as_str()) {
            ("ListItems", _) => Ok(items(30)),
            (_, "3") => Err("ExpiredToken"),
            _ => Ok(json!({})),
        })
    });
    let ran = run(&[&lister("s3", "")], &client, Gate::new(hasty(), None), Known::nothing());
    assert_eq!(outcomes(&ran.records), (30, BTreeMap::from([(GapReason::ExpiredCredentials, 1)])));
    assert_eq!(client.log().iter().filter(|asked| asked.item == "3").count(), 2);
}

#[test]
fn a_run_that_is_interrupted_makes_no_further_call_and_keeps_what_it_has() {
    let gate = Gate::new(hasty(), None);
    let stopping = Arc::clone(&gate);
    let client = Scripted::new(move |asked: &Asked| {
        if asked.item == "5" {
            stopping.interrupt();
        }
        at_once(Ok(if asked.operation == "ListItems" { items(500) } else { json!({}) }))
    });
    let ran = run(&[&lister("s3", "")], &client, gate, Known::nothing());
    assert!(matches!(ran.result, Err(CollectError::Interrupted)));
    assert!(client.log().len() < 60, "{} calls", client.log().len());
    assert_eq!(ran.records.len(), client.log().len(), "those under way were given a moment");
}

#[test]
fn an_account_with_much_to_do_does_not_starve_another() {
    let client = Scripted::new(|asked: &Asked| {
        let many = if asked.service == "s3" { 400 } else { 20 };
        let answer = if asked.operation == "ListItems" { items(many) } else { json!({}) };
        (Duration::from_millis(1), Ok(answer))
    });
    let gate = Gate::new(Bounds { overall: 2, per_service: 2, per_region: 2, ..hasty() }, None);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (much, little) = (lister("s3", ""), lister("kms", ""));
    let (much, little) = ([much.as_str()], [little.as_str()]);
    let (first, second) = runtime.block_on(async {
        tokio::join!(
            run_account("111111111111", &much, &client, Arc::clone(&gate), Known::nothing()),
            run_account("222222222222", &little, &client, Arc::clone(&gate), Known::nothing()),
        )
    });
    assert_eq!((first.records.len(), second.records.len()), (401, 21));
    let last = client.log().iter().rposition(|asked| asked.service == "kms").unwrap();
    assert!(last < 120, "the small account was done after {last} calls");
    assert!(client.most("") <= 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn the_records_depend_neither_on_refusals_nor_on_the_pace(seed: u64, overall in 1_usize..9) {
        let script = |seed: u64, trouble: bool| Scripted::new(move |asked: &Asked| {
            let text = format!("{seed}{}{}{}{}", asked.service, asked.operation, asked.item, asked.region);
            let digest = crate::canonical::sha256(text.as_bytes());
            let [first, second, ..] = digest.as_bytes();
            if trouble && asked.before < usize::from(first % 3) {
                return at_once(Err("Throttling"));
            }
            let answer = if asked.operation == "ListItems" { items(12) } else { json!({"Of": asked.item}) };
            (Duration::from_micros(if trouble { u64::from(*second) } else { 0 }), Ok(answer))
        });
        let collectors = [lister("kms", ""), lister("s3", "")];
        let collectors = [collectors[0].as_str(), collectors[1].as_str()];
        let calm = run(&collectors, &script(seed, false), Gate::new(hasty(), None), Known::nothing());
        let bounds = Bounds { fruitless_pauses: 1000, ..hasty() };
        let bounds = Bounds { overall, per_service: overall, per_region: overall, ..bounds };
        let rough = run(&collectors, &script(seed, true), Gate::new(bounds, None), Known::nothing());
        prop_assert_eq!(lines(&rough.records), lines(&calm.records));
    }
}
