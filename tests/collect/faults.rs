//! Everything that can go wrong, in every call of every collector: each is a gap that says why, and no check passes for
//! what it hid.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::time::Duration;

use proofpack::assess::{Inputs, assess};
use proofpack::aws::SessionOptions;
use proofpack::catalog::{Catalog, Collector};
use proofpack::model::{
    ApiError, Assessment, ControlStatus, ErrorMeaning, Finding, Outcome, Record, RecordId, RecordOutcome,
    Subject,
};
use serde_json::{Value, json};

use crate::support::collecting::{Question, bundle, collected, options, question};
use crate::support::world::World;

const REGION: &str = "us-east-1";
/// How long one attempt may take where answers are late.
const PATIENCE: Duration = Duration::from_secs(4);

/// A service and its operation.
type Call = (String, String);

/// One way in which calls go wrong.
struct Kind {
    /// As the test server calls it.
    fault: Value,
    /// Codes that the gaps may carry, by service's protocol.
    codes: &'static [&'static str],
    /// The reason that they must carry.
    reason: &'static str,
}

fn kind(fault: &str, codes: &'static [&'static str], reason: &'static str) -> Kind {
    Kind { fault: json!({ "kind": fault }), codes, reason }
}

/// What stood before anything went wrong.
struct Faultless {
    world: World,
    catalog: Catalog,
    records: BTreeMap<Question, Record>,
    assessment: Assessment,
}

fn faultless(paged: bool) -> Faultless {
    let world = World::start();
    world.control("POST", "specimens", &json!({"elements": if paged { 2 } else { 1 }, "paged": paged}));
    let catalog = Catalog::embedded().unwrap();
    let (_, records) = collected(&catalog, options(&world.endpoint()), &[REGION]);
    let records: BTreeMap<Question, Record> =
        records.into_iter().map(|record| (question(&record), record)).collect();
    let assessment = assessed(&catalog, records.values());
    assert!(assessment.findings.iter().any(|finding| finding.outcome == Outcome::Pass));
    Faultless { world, catalog, records, assessment }
}

fn assessed<'a>(catalog: &Catalog, records: impl Iterator<Item = &'a Record>) -> Assessment {
    let inputs = Inputs {
        frameworks: vec!["hipaa-security-rule".into()],
        as_of: "2026-10-01T00:00:00Z".parse().unwrap(),
        parameters: BTreeMap::new(),
        exceptions: Vec::new(),
    };
    let records: Vec<Record> = records.cloned().collect();
    assess(&bundle(catalog, &[REGION], &records), catalog, &inputs).unwrap()
}

/// How many answers a call depends on.
fn depth(collector: &Collector, operation: &str) -> usize {
    let call = collector.calls.iter().find(|call| call.operation == operation).unwrap();
    call.sources().iter().map(|(parent, _)| 1 + depth(collector, parent)).max().unwrap_or(0)
}

/// The calls that depend on exactly `level` answers: none of them hides another.
fn calls_at(catalog: &Catalog, level: usize) -> BTreeSet<Call> {
    let calls = catalog.collectors.values().flat_map(|collector| {
        let calls = collector.calls.iter().filter(move |call| depth(collector, &call.operation) == level);
        calls.map(|call| (collector.service.clone(), call.operation.clone()))
    });
    calls.collect()
}

/// The catalog without the services that have none of `calls`.
fn only(catalog: &Catalog, calls: &BTreeSet<Call>) -> Catalog {
    let mut part = catalog.clone();
    part.collectors.retain(|service, _| calls.iter().any(|(wanted, _)| wanted == service));
    part
}

fn call_of(record: &Record) -> Call {
    (record.source.service.clone(), record.source.operation.clone())
}

/// Lets `kind` strike every call at each depth in turn, and says what came out wrong.
fn strike(
    stood: &Faultless,
    kind: &Kind,
    options: &SessionOptions,
    strikes: impl Fn(&Record) -> bool,
) -> Vec<String> {
    let mut problems = Vec::new();
    for level in 0.. {
        let calls = calls_at(&stood.catalog, level);
        if calls.is_empty() {
            break;
        }
        let part = only(&stood.catalog, &calls);
        let mut fault = kind.fault.clone();
        fault["calls"] = calls.iter().map(|(service, operation)| format!("{service}:{operation}")).collect();
        stood.world.plant(fault);
        let (_, records) = collected(&part, options.clone(), &[REGION]);
        stood.world.clear_faults();

        let (mut struck, mut hidden) = (BTreeSet::new(), BTreeSet::new());
        for record in &records {
            let asked = question(record);
            // A call that has several parents may be left with fewer items than before.
            let Some(before) = stood.records.get(&asked) else { continue };
            if kind.reason == "not-subscribed" && record.is_absent() {
                struck.insert(call_of(record)); // who does not use a service has nothing in it
            } else if calls.contains(&call_of(record)) && strikes(before) {
                struck.insert(call_of(record));
                hidden.insert(id(before));
                problems.extend(
                    is_not_this_gap(kind, record)
                        .map(|problem| format!("{}: {asked:?}: {problem}", kind.fault)),
                );
            } else if record.outcome != before.outcome {
                problems
                    .push(format!("{}: {asked:?} was not to be touched: {:?}", kind.fault, record.outcome));
            }
        }
        let untouched = calls.iter().filter(|call| !struck.contains(call));
        let untouched = untouched
            .filter(|call| stood.records.values().any(|record| call_of(record) == **call && strikes(record)));
        problems.extend(untouched.map(|call| format!("{}: {call:?} was never made", kind.fault)));

        let others =
            stood.records.values().filter(|record| !part.collectors.contains_key(&record.source.service));
        let now = assessed(&stood.catalog, others.chain(&records));
        problems.extend(
            improvements(&stood.assessment, &hidden, &now)
                .into_iter()
                .map(|problem| format!("{}: {problem}", kind.fault)),
        );
    }
    problems
}

fn id(record: &Record) -> RecordId {
    record.to_line().unwrap().1
}

fn is_not_this_gap(kind: &Kind, record: &Record) -> Option<String> {
    // This body is the policy's text itself, and any half of it is a text. Its length tells (`cut`), and half a policy
    // is no JSON document: what rests on it is indeterminate all the same.
    if kind.fault["kind"] == "truncated" && record.source.operation == "GetBucketPolicy" {
        return None;
    }
    let Some(gap) = record.gap() else {
        return Some(format!("{:.200} is no gap", format!("{:?}", record.outcome)));
    };
    let reason = serde_json::to_value(gap).unwrap()["reason"].clone();
    let as_told = kind.codes.contains(&gap.code.as_str()) && reason == kind.reason;
    (!as_told).then(|| format!("{} ({reason}): {:.200}", gap.code, gap.message))
}

/// Findings and controls that say more than the evidence that is left allows. `hidden` are the records of the
/// assessment `before` that are gaps now.
fn improvements(before: &Assessment, hidden: &BTreeSet<RecordId>, now: &Assessment) -> Vec<String> {
    let key = |finding: &Finding| (finding.check.clone(), subject(&finding.subject));
    let outcomes: BTreeMap<_, Outcome> =
        now.findings.iter().map(|finding| (key(finding), finding.outcome)).collect();
    let undecided: BTreeSet<&str> = now
        .findings
        .iter()
        .filter(|finding| finding.outcome == Outcome::Indeterminate)
        .map(|finding| finding.check.as_str())
        .collect();
    let passed: BTreeSet<_> =
        before.findings.iter().filter(|finding| finding.outcome == Outcome::Pass).map(key).collect();
    let mut problems = Vec::new();
    for finding in &before.findings {
        if !finding.proof.ids().iter().any(|id| hidden.contains(id)) {
            continue;
        }
        let place = format!("{} of {}", finding.check, finding.subject.arn);
        match outcomes.get(&key(finding)) {
            Some(Outcome::Indeterminate) => {}
            // Of other resources, what decides is enough: where one statement is false, the unknown one beside it in the same
            // `&&` does not matter. The outcome must be the same, without the evidence.
            Some(outcome) if *outcome == finding.outcome && asks_of_others(before, &finding.check) => {}
            Some(outcome) => problems.push(format!("{place} is {outcome:?} without what it rested on")),
            None if undecided.contains(finding.check.as_str()) => {}
            None => problems.push(format!("{place} is gone, and nothing of its check is indeterminate")),
        }
    }
    for (finding, outcome) in &outcomes {
        if *outcome == Outcome::Pass && !passed.contains(finding) {
            problems.push(format!("{finding:?} passes now"));
        }
    }
    for (control, earlier) in now.controls().zip(before.controls()) {
        if control.status >= ControlStatus::SatisfiedWithExceptions && control.status != earlier.status {
            problems.push(format!("{} was {:?} and is {:?}", control.id, earlier.status, control.status));
        }
    }
    problems
}

/// Whether a check's predicate looks at resources other than the one that it judges.
fn asks_of_others(assessment: &Assessment, check: &str) -> bool {
    let check = assessment.checks.iter().find(|assessed| assessed.id == check).unwrap();
    let text = format!("{} {}", check.applies.as_deref().unwrap_or_default(), check.expression);
    ["all(", "all_in_account(", "lookup(", "exists('", "notifies("].iter().any(|call| text.contains(call))
}

fn subject(subject: &Subject) -> [String; 4] {
    [subject.kind.clone(), subject.account.clone(), subject.region.clone(), subject.arn.clone()]
}

fn stood() -> &'static Faultless {
    static STOOD: OnceLock<Faultless> = OnceLock::new();
    STOOD.get_or_init(|| faultless(false))
}

/// All kinds in one test: faults are the server's, and one kind after the other has it for itself.
#[test]
fn every_fault_in_every_call_is_a_gap_with_its_reason_and_nothing_passes_for_it() {
    let stood = stood();
    let quick = options(&stood.world.endpoint());
    let mut problems = Vec::new();
    for kind in [
        kind("deny", &["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"], "access-denied"),
        kind("unknown-key", &["InvalidClientTokenId", "UnrecognizedClientException"], "access-denied"),
        kind(
            "throttle",
            &["Throttling", "ThrottlingException", "SlowDown", "RequestLimitExceeded"],
            "throttled",
        ),
        kind("expired", &["ExpiredToken", "ExpiredTokenException"], "expired-credentials"),
        kind("not-subscribed", &["OptInRequired", "SubscriptionRequiredException"], "not-subscribed"),
        kind("not-in-region", &["InvalidAction", "UnknownOperationException"], "service-not-in-region"),
        kind("http500", &["InternalFailure"], "server-error"),
        kind("html", &["Http502"], "server-error"),
        kind("close", &["Unreachable"], "unreachable"),
        kind("truncated", &["MalformedResponse"], "malformed-answer"),
        kind("cut", &["MalformedResponse"], "malformed-answer"),
    ] {
        problems.extend(strike(stood, &kind, &quick, |_| true));
    }
    let mut late = kind("slow", &["Timeout"], "timed-out");
    late.fault["delay_seconds"] = json!(PATIENCE.as_secs() * 2);
    let impatient = SessionOptions { attempt_timeout: PATIENCE, request_timeout: PATIENCE, ..quick };
    problems.extend(strike(stood, &late, &impatient, |_| true));
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn a_page_that_does_not_come_leaves_a_gap_in_place_of_half_a_list() {
    let stood = faultless(true);
    let mut denied =
        kind("deny", &["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"], "page-missing");
    denied.fault["contains"] = json!("specimen-page-3");
    let mut failed = kind("http500", &["InternalFailure"], "page-missing");
    failed.fault["contains"] = json!("specimen-page-2");
    let quick = options(&stood.world.endpoint());
    let in_pages = |record: &Record| record.exchanges.len() > 1;
    assert!(stood.records.values().filter(|record| in_pages(record)).count() > 20);
    let mut problems = strike(&stood, &denied, &quick, in_pages);
    problems.extend(strike(&stood, &failed, &quick, in_pages));
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}

/// One call alone, so that no other gap can be what keeps a check from passing.
#[test]
fn no_check_passes_without_any_one_call_that_it_rested_on() {
    let seeded = World::shared();
    let catalog = Catalog::embedded().unwrap();
    let (_, records) = collected(&catalog, options(&seeded.endpoint()), &[REGION]);
    let seeded_records: Vec<Record> = records;
    let specimens: Vec<Record> = stood().records.values().cloned().collect();
    let mut problems = Vec::new();
    for records in [&specimens, &seeded_records] {
        let before = assessed(&catalog, records.iter());
        let rested: BTreeSet<RecordId> =
            before.findings.iter().flat_map(|finding| finding.proof.ids()).copied().collect();
        let calls: BTreeSet<Call> =
            records.iter().filter(|record| rested.contains(&id(record))).map(call_of).collect();
        assert!(calls.len() > 30, "only {} calls are needed", calls.len());
        for call in calls {
            let collector = &catalog.collectors[&call.0];
            let (mut hidden, mut left) = (BTreeSet::new(), Vec::new());
            for record in records {
                if call_of(record) == call {
                    hidden.insert(id(record));
                    let mut gap = record.clone();
                    gap.outcome = denied();
                    left.push(gap);
                } else if record.source.service == call.0
                    && follows(collector, &record.source.operation, &call.1)
                {
                    hidden.insert(id(record));
                } else {
                    left.push(record.clone());
                }
            }
            let now = assessed(&catalog, left.iter());
            problems.extend(
                improvements(&before, &hidden, &now)
                    .into_iter()
                    .map(|problem| format!("without {call:?}: {problem}")),
            );
        }
    }
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}

/// Whether a call is only made when `first` was answered.
fn follows(collector: &Collector, operation: &str, first: &str) -> bool {
    let call = collector.calls.iter().find(|call| call.operation == operation).unwrap();
    call.sources().iter().any(|(parent, _)| *parent == first || follows(collector, parent, first))
}

fn denied() -> RecordOutcome {
    let error: ApiError =
        serde_json::from_value(json!({"code": "AccessDenied", "message": "no", "meaning": "gap"})).unwrap();
    assert_eq!(error.meaning, ErrorMeaning::Gap);
    RecordOutcome::Error(error)
}
