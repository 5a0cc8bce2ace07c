//! Going on where an earlier run ended.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::super::*;
use super::lines;
use super::scripted::{Asked, Scripted, at_once, items, lister, run};
use crate::model::RecordOutcome;

/// A journal in memory: a record's position is its number.
struct Journal(Vec<Record>);

impl Recorded for Journal {
    fn read(&self, position: u64) -> Result<Record, String> {
        self.0.get(position as usize).cloned().ok_or_else(|| "no such record".to_owned())
    }
}

fn known(records: Vec<Record>, not_before: &str) -> Known {
    let mut learning = Learning::new(not_before.parse().unwrap());
    for (position, record) in records.iter().enumerate() {
        learning.learn(record, position as u64).unwrap();
    }
    learning.done(Arc::new(Journal(records)))
}

/// Lists of lists: what is known in the middle must lead on.
fn deep() -> String {
    let tail = r#"
[[call]]
operation = "GetPart"
each = { call = "GetItem", items = "Parts" }
parameters = { Item = "${item}", Of = "${parent.Item}", Odd = "${item}" }
"#;
    lister("s3", "") + &tail.replace("Odd = \"${item}\"", "Odd = \"x-${item}\"")
}

fn world() -> Scripted {
    Scripted::new(|asked: &Asked| {
        at_once(match (asked.operation.as_str(), asked.item.as_str()) {
            ("ListItems", _) => Ok(items(5)),
            ("GetItem", "2") => Err("AccessDenied"),
            // One part of which no call can be made.
            ("GetItem", "3") => Ok(json!({"Parts": ["p", ["q"]]})),
            ("GetItem", _) => Ok(json!({"Parts": ["p"]})),
            (_, _) => Ok(json!({"Of": asked.item})),
        })
    })
}

fn fresh(known: Known) -> (Vec<Record>, Scripted, Summary) {
    let client = world();
    let ran = run(&[&deep()], &client, Gate::new(Bounds::default(), None), known);
    (ran.records, client, ran.result.unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_run_that_goes_on_asks_what_is_missing_and_ends_with_the_same(kept: u64) {
        let (whole, client, _) = fresh(Known::nothing());
        let all = client.log().len();
        prop_assert_eq!(whole.len(), 11);
        let left: Vec<Record> = whole
            .iter()
            .enumerate()
            .filter(|(number, _)| kept >> number & 1 == 1)
            .map(|(_, record)| record.clone())
            .collect();
        let never_asked = |record: &&Record| record.gap().is_some_and(|gap| gap.code == "TemplateUnfilled");
        let answered = left.iter().filter(|record| !never_asked(record)).count();
        let (again, client, summary) = fresh(known(left.clone(), "2025-12-31T00:00:00Z"));
        prop_assert_eq!(lines(&again), lines(&whole));
        prop_assert_eq!(client.log().len(), all - answered);
        prop_assert_eq!((summary.kept as usize, summary.records as usize), (left.len(), whole.len()));
    }
}

#[test]
fn what_is_too_old_is_asked_again() {
    let (whole, client, _) = fresh(Known::nothing());
    let all = client.log().len();
    let (_, client, summary) = fresh(known(whole.clone(), "2026-01-01T00:00:00Z"));
    assert_eq!((client.log().len(), summary.kept), (0, 11));
    let (_, client, summary) = fresh(known(whole, "2026-01-01T00:00:01Z"));
    assert_eq!((client.log().len(), summary.kept), (all, 0));
}

#[test]
fn gaps_whose_reason_may_be_over_are_asked_again_and_others_are_kept() {
    let (whole, ..) = fresh(Known::nothing());
    let troubled = |code: &str| -> Vec<Record> {
        let change = |record: &Record| {
            let mut record = record.clone();
            if record.source.parameters == json!({"Item": 1}) {
                record.outcome = outcome::gap(code, "no");
            }
            record
        };
        whole.iter().map(change).collect()
    };
    for (code, asked) in [
        ("Throttling", 1),
        ("Timeout", 1),
        ("Http503", 1),
        ("ExpiredToken", 1),
        ("Unreachable", 1),
        ("RunDeadline", 1),
        ("MalformedResponse", 1),
        ("AccessDenied", 0),
        ("Unheard", 0),
    ] {
        let (records, client, _) = fresh(known(troubled(code), "2025-12-31T00:00:00Z"));
        assert_eq!(client.log().len(), asked, "{code}");
        if asked == 1 {
            assert_eq!(lines(&records), lines(&whole), "{code}");
        }
    }
}

#[test]
fn the_last_answer_to_a_question_counts() {
    let (whole, ..) = fresh(Known::nothing());
    let mut twice = whole.clone();
    let mut newer = whole[0].clone();
    newer.outcome = RecordOutcome::Response(items(1));
    twice.push(newer);
    let (records, client, _) = fresh(known(twice, "2025-12-31T00:00:00Z"));
    assert_eq!(client.log().len(), 0);
    // What only the older list named is not part of this run.
    assert_eq!(records.len(), 3);
}

fn line_of(record: &Record) -> String {
    record.to_line().unwrap().0
}

#[test]
fn a_journal_that_was_changed_or_is_gone_is_asked_again() {
    let (whole, ..) = fresh(Known::nothing());
    let mut learning = Learning::new("2025-12-31T00:00:00Z".parse().unwrap());
    for (position, record) in whole.iter().enumerate() {
        learning.learn(record, position as u64).unwrap();
    }
    assert_eq!(learning.len(), 11);
    let mut turned = whole.clone();
    turned.reverse();
    for journal in [turned, Vec::new()] {
        let missed: BTreeSet<usize> = (0..11)
            .filter(|number| journal.get(*number).map(line_of) != Some(line_of(&whole[*number])))
            .collect();
        let (records, client, _) = fresh(learning.clone().done(Arc::new(Journal(journal))));
        assert_eq!(lines(&records), lines(&whole));
        assert!(!client.log().is_empty() && client.log().len() <= missed.len());
    }
}
