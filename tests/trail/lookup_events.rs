//! LookupEvents: pages, the period's edges, what does not belong, and what cannot be seen.

use std::collections::BTreeMap;

use proofpack::model::{Period, Record};
use proofpack::trail::Rule;
use serde_json::{Value, json};

use super::{
    Asker, ROOT_USE, RULES, everywhere, found, gaps, ids, instant, root_event, root_ids, rule_of, scratch,
};
use crate::support::world::World;

fn load(world: &World, events: &[Value]) {
    world.control("POST", "events", &json!({ "events": events, "history_days": null }));
}

/// The world answers every look-up with these events.
fn answer_with(world: &World, answer: Value) {
    world.fixture("cloudtrail:LookupEvents", answer);
}

#[test]
fn all_pages_are_asked_for() {
    let world = scratch();
    let events: Vec<Value> = (0..130)
        .map(|number| {
            root_event(
                &format!("event-{number}"),
                &format!("2026-08-01T00:{:02}:{:02}Z", number / 60, number % 60),
            )
        })
        .collect();
    load(world, &events);
    let asker = Asker::new(world);
    let records = asker.lookup("us-east-1", false);
    assert_eq!(root_ids(&records).len(), 130);
    assert_eq!(gaps(&records), [""; 0]);
    let response = records.iter().find(|record| rule_of(record) == ROOT_USE).unwrap().response().unwrap();
    assert_eq!(response["events-scanned"], 130);
    let order: Vec<&Value> = response["events"].as_array().unwrap().iter().collect();
    assert_eq!(order, events.iter().collect::<Vec<_>>(), "oldest first, whatever the order of the pages");
    // Everything was listed once, for all rules.
    assert_eq!(world.journal()["cloudtrail:LookupEvents:us-east-1:200"], 3);
    assert_eq!(root_ids(&asker.lookup("us-west-2", false)).len(), 0);
}

#[test]
fn the_period_has_its_first_instant_and_not_its_end() {
    let world = scratch();
    let at = |id: &str, time: &str| {
        let mut event = root_event(id, time);
        event["awsRegion"] = json!("eu-west-1");
        event
    };
    load(
        world,
        &[
            at("before", "2026-06-30T23:59:59Z"),
            at("first", "2026-07-01T00:00:00Z"),
            at("last", "2026-09-30T23:59:59Z"),
            at("after", "2026-10-01T00:00:00Z"),
        ],
    );
    let mut asker = Asker::new(world);
    assert_eq!(root_ids(&asker.lookup("eu-west-1", false)), ids(&["first", "last"]));
    asker.period = Period { start: instant("2026-09-30T23:59:59Z"), end: instant("2026-10-01T00:00:01Z") };
    assert_eq!(root_ids(&asker.lookup("eu-west-1", false)), ids(&["last", "after"]));
}

#[test]
fn what_the_answer_holds_besides_is_left_out_or_counted() {
    let world = World::start();
    let entry = |event: &Value| json!({"EventId": "x", "CloudTrailEvent": event.to_string()});
    let mut foreign = root_event("foreign", "2026-08-01T00:00:00Z");
    foreign["recipientAccountId"] = json!("999999999999");
    let unplaced = json!({"eventID": "unplaced", "userIdentity": {"type": "Root"}});
    let user =
        json!({"eventID": "user", "userIdentity": {"type": "IAMUser"}, "eventTime": "2026-08-01T00:00:00Z"});
    let mut huge = root_event("huge-number", "2026-08-01T00:00:00Z");
    huge["requestParameters"] = json!({ "number": u64::MAX });
    let events = [
        &root_event("own", "2026-08-01T00:00:00Z"),
        &root_event("own", "2026-08-01T00:00:00Z"),
        &root_event("early", "2026-05-01T00:00:00Z"),
        &foreign,
        &unplaced,
        &user,
    ];
    answer_with(&world, json!({ "Events": events.map(entry) }));
    let asker = Asker::new(&world);
    let records = asker.lookup("us-east-1", false);
    // An event that cannot be placed is shown rather than lost.
    assert_eq!(root_ids(&records), ids(&["own", "unplaced"]));
    assert_eq!(gaps(&records), [""; 0]);

    for broken in [json!({"CloudTrailEvent": "{"}), json!({"CloudTrailEvent": "[]"}), json!({"EventId": "x"})]
    {
        answer_with(&world, json!({ "Events": [entry(&root_event("own", "2026-08-01T00:00:00Z")), broken] }));
        let records = asker.lookup("us-east-1", false);
        assert_eq!(root_ids(&records), ids(&["own"]));
        assert_eq!(gaps(&records), everywhere("ExcerptTruncated"), "{broken}");
    }
    answer_with(&world, json!({ "Events": [entry(&huge)] }));
    let records = asker.lookup("us-east-1", false);
    assert_eq!(gaps(&records), [format!("{ROOT_USE}: ExcerptTruncated")]);
}

#[test]
fn a_page_that_is_offered_again_and_again_ends_as_a_gap() {
    let world = World::start();
    answer_with(&world, json!({"Events": [], "NextToken": "again"}));
    let records = Asker::new(&world).lookup("us-east-1", false);
    let codes = gaps(&records);
    assert_eq!(codes.len(), RULES.len(), "{codes:?}");
    assert!(codes.iter().all(|gap| gap.ends_with(": MalformedResponse")), "{codes:?}");
    assert!(found(&records).is_empty(), "nothing was seen, and nothing is shown");
}

#[test]
fn every_failure_is_a_gap_with_its_code() {
    let world = World::start();
    let asker = Asker::new(&world);
    for (kind, code) in [
        ("deny", "AccessDeniedException"),
        ("throttle", "ThrottlingException"),
        ("expired", "ExpiredTokenException"),
        ("http500", "InternalFailure"),
        ("html", "Unreachable"),
        ("close", "Unreachable"),
    ] {
        world.plant(json!({"kind": kind, "service": "cloudtrail", "operation": "LookupEvents"}));
        let records = asker.lookup("us-east-1", false);
        let codes = gaps(&records);
        for rule in RULES {
            assert!(codes.contains(&format!("{rule}: {code}")), "{kind}: {codes:?}");
        }
        assert_eq!(records.len(), codes.len(), "{kind}: what failed shows no events");
        world.clear_faults();
    }
}

#[test]
fn a_page_that_is_missing_leaves_a_gap_beside_what_was_seen() {
    let world = World::start();
    let events: Vec<Value> = (0..60)
        .map(|number| root_event(&format!("event-{number}"), &format!("2026-08-01T00:00:{number:02}Z")))
        .collect();
    load(&world, &events);
    world.plant(json!({"kind": "throttle", "operation": "LookupEvents", "contains": "NextToken"}));
    let records = Asker::new(&world).lookup("us-east-1", false);
    assert_eq!(root_ids(&records).len(), 50);
    assert_eq!(gaps(&records), everywhere("ThrottlingException"));
}

/// Events of a call that no rule asks for, enough to fill `pages`.
fn chatter(region: &str, pages: usize) -> Vec<Value> {
    let one = |number: usize| {
        let mut event = root_event(
            &format!("chatter-{number}"),
            &format!("2026-09-01T{:02}:{:02}:{:02}Z", number / 3600, number / 60 % 60, number % 60),
        );
        event["userIdentity"] = json!({"type": "IAMUser", "userName": "alice"});
        event["eventName"] = json!("DescribeInstances");
        event["awsRegion"] = json!(region);
        event
    };
    (0..pages * 50).map(one).collect()
}

/// What takes longer than the rules' own look-ups is not listed to its end: each look-up is made once for all rules
/// that name it, and finds what lies further back.
#[test]
fn a_long_history_is_looked_up_and_rules_without_look_up_are_left_to_log_files() {
    let world = scratch();
    let region = "ap-south-1";
    let mut old = root_event("old", "2026-07-02T00:00:00Z");
    old["awsRegion"] = json!(region);
    let mut recent = root_event("recent", "2026-09-02T00:00:00Z");
    recent["awsRegion"] = json!(region);
    load(world, &[chatter(region, 21), vec![old, recent]].concat());
    let mut asker = Asker::new(world);
    asker.now = instant("2026-09-28T00:00:00Z"); // the event history reaches back to the quarter's start
    let denied = "access-denied";
    let all = Rule::all(&asker.catalog.excerpts, &BTreeMap::new()).unwrap();
    asker.rules.insert(denied.into(), all[denied].clone());
    let records = asker.lookup(region, true);
    assert_eq!(root_ids(&records), ids(&["old", "recent"]));
    assert_eq!(gaps(&records), [format!("{denied}: TooManyPages")]);
    // Twenty pages of everything, then root, log-ins and two events of KMS.
    assert_eq!(world.journal()[format!("cloudtrail:LookupEvents:{region}:200")], 24);
    let of = |records: &[Record], rule: &str| {
        let found = records.iter().find(|record| rule_of(record) == rule && record.gap().is_none());
        found.map(|record| record.response().unwrap()["events-scanned"].clone())
    };
    assert_eq!((of(&records, ROOT_USE), of(&records, denied)), (Some(json!(2)), Some(json!(1000))));
    // With log files beside it, what could not be listed is theirs to show.
    let beside = asker.lookup(region, false);
    assert_eq!((root_ids(&beside), gaps(&beside)), (ids(&["old", "recent"]), Vec::new()));
    assert_eq!(of(&beside, denied), None);
}

#[test]
fn a_period_that_lookup_events_does_not_reach_is_a_gap_unless_log_files_cover_it() {
    let world = scratch();
    let mut asker = Asker::new(world);
    asker.now = instant("2026-09-29T00:00:00Z");
    assert_eq!(gaps(&asker.lookup("eu-central-1", true)), [""; 0]);
    asker.now = instant("2026-09-29T00:00:01Z");
    assert_eq!(gaps(&asker.lookup("eu-central-1", true)), everywhere("PeriodBeyondLookupEvents"));
    assert_eq!(gaps(&asker.lookup("eu-central-1", false)), [""; 0]);
}

#[test]
fn no_more_than_two_calls_a_second_are_made_and_what_is_throttled_is_asked_again() {
    let world = World::start();
    let events: Vec<Value> = (0..160)
        .map(|number| {
            root_event(
                &format!("event-{number}"),
                &format!("2026-08-01T00:{:02}:{:02}Z", number / 60, number % 60),
            )
        })
        .collect();
    load(&world, &events);
    world
        .plant(json!({"kind": "throttle", "operation": "LookupEvents", "contains": "NextToken", "times": 1}));
    let asker = Asker::new(&world);
    let began = std::time::Instant::now();
    let records = asker.lookup("us-east-1", false);
    // Four pages and one call that was refused: a pause of a second, and half a second between the others.
    assert!(began.elapsed() >= std::time::Duration::from_millis(2_400), "{:?}", began.elapsed());
    assert_eq!((root_ids(&records).len(), gaps(&records)), (160, Vec::new()));
    let journal = world.journal();
    assert_eq!(journal["cloudtrail:LookupEvents:us-east-1:200"], 4, "{journal}");
}
