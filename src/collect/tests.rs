//! The engine against canned answers.

mod pace;
mod resume;
mod scripted;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::canonical;
use crate::catalog::Collector;
use crate::model::{ErrorMeaning, GapReason, RecordOutcome};

const STORE: &str = r#"
service = "s3"
title = "Store"
scope = "global"
[[call]]
operation = "ListBuckets"
[[call]]
operation = "GetBucketLocation"
each = { call = "ListBuckets", items = "Buckets[].Name" }
parameters = { Bucket = "${item}" }
[[call]]
operation = "GetBucketPolicy"
each = { call = "GetBucketLocation", items = "[@]" }
parameters = { Bucket = "${parent.Bucket}", Deep = { Owner = ["${account}", 7] } }
region = "${item.LocationConstraint || 'us-east-1'}"
absent = ["NoSuchBucketPolicy"]
"#;

const KEYS: &str = r#"
service = "kms"
title = "Keys"
scope = "regional"
[[call]]
operation = "ListKeys"
[[call]]
operation = "DescribeKey"
each = { call = "ListKeys", items = "Keys[].KeyId" }
parameters = { KeyId = "${item}" }
again = ["NotYet"]
"#;

/// Answers by `service Operation region first-parameter`; the first that is a prefix of the question counts.
type Answers = BTreeMap<String, Result<Value, String>>;

/// A client with canned answers that remembers what it was asked.
#[derive(Clone, Default)]
struct Canned {
    answers: Arc<Answers>,
    asked: Arc<Mutex<Vec<String>>>,
    under_way: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    /// How long each answer takes follows from this and the question.
    seed: u64,
}

impl Canned {
    fn new(answers: &[(&str, Result<Value, &str>)]) -> Self {
        let own = |(question, answer): &(&str, Result<Value, &str>)| {
            ((*question).to_owned(), answer.clone().map_err(str::to_owned))
        };
        Self { answers: Arc::new(answers.iter().map(own).collect()), ..Self::default() }
    }

    fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().unwrap().clone();
        asked.sort();
        asked
    }
}

impl Caller for Canned {
    async fn call(
        &self,
        service: &str,
        operation: &str,
        region: &str,
        parameters: &Value,
    ) -> Result<Reply, Failure> {
        let first =
            parameters.as_object().and_then(|members| members.values().next()).and_then(Value::as_str);
        let question = format!("{service} {operation} {region} {}", first.unwrap_or_default());
        let digest = canonical::sha256(format!("{}{question}", self.seed).as_bytes());
        self.most.fetch_max(self.under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        for _ in 0..digest.as_bytes()[0] % 8 {
            tokio::task::yield_now().await;
        }
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        self.asked.lock().unwrap().push(question.trim_end().to_owned());
        let answer = self.answers.iter().rev().find(|(known, _)| question.starts_with(known.as_str()));
        let endpoint = format!("https://{service}.{region}.test");
        let exchanges = Vec::new();
        match answer.map(|(_, answer)| answer.clone()) {
            Some(Ok(value)) if value == json!("broken") => panic!("a defect"),
            Some(Ok(value)) => Ok(Reply { value, exchanges, endpoint }),
            Some(Err(code)) => Err(Failure { code, message: "no".into(), exchanges, endpoint, pages: 0 }),
            None => Err(Failure { code: "Unasked".into(), message: question, exchanges, endpoint, pages: 0 }),
        }
    }
}

fn catalog(collectors: &[&str]) -> Catalog {
    let collectors = collectors.iter().map(|text| toml::from_str::<Collector>(text).unwrap());
    Catalog {
        collectors: collectors.map(|collector| (collector.service.clone(), collector)).collect(),
        checks: BTreeMap::new(),
        frameworks: BTreeMap::new(),
        excerpts: BTreeMap::new(),
        redactions: Default::default(),
        access: Default::default(),
        crosswalk: Default::default(),
        sources: crate::catalog::Sources::embedded(),
        digest: canonical::sha256(b""),
    }
}

fn run<'a>(catalog: &'a Catalog, client: &Canned) -> Collection<'a, Canned> {
    Collection {
        catalog,
        client: client.clone(),
        partition: "aws".into(),
        account: "123456789012".into(),
        home_region: "us-east-1".into(),
        regions: vec!["us-east-1".into(), "eu-west-1".into()],
        caller: "arn:aws:iam::123456789012:user/auditor".into(),
        clock: Clock::Fixed("2026-01-01T00:00:00Z".parse().unwrap()),
        gate: Gate::new(fast(4), None),
        known: Known::nothing(),
        redactor: Arc::new(()),
        progress: &(),
    }
}

const FAST: Limits = Limits { fan_out: 3, again: 2, rest: Duration::ZERO };

/// Bounds without long pauses.
fn fast(overall: usize) -> Bounds {
    let first_pause = Duration::from_millis(1);
    Bounds { first_pause, longest_pause: first_pause, throttled_again: 2, ..Bounds::of(overall) }
}

async fn gather(run: Collection<'_, Canned>) -> (Summary, Vec<Record>) {
    let (sender, mut receiver) = mpsc::channel(2);
    let taker = tokio::spawn(async move {
        let mut records = Vec::new();
        while let Some(record) = receiver.recv().await {
            records.push(record);
        }
        records
    });
    let summary = collect_within(run, sender, FAST).await.unwrap();
    (summary, taker.await.unwrap())
}

fn collect_all(collectors: &[&str], client: &Canned) -> (Summary, Vec<Record>) {
    let catalog = catalog(collectors);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(gather(run(&catalog, client)))
}

fn lines(records: &[Record]) -> Vec<String> {
    let mut lines: Vec<String> = records.iter().map(|record| record.to_line().unwrap().0).collect();
    lines.sort();
    lines
}

/// `Operation region first-parameter code` of every error, sorted.
fn errors(records: &[Record]) -> Vec<String> {
    let mut errors: Vec<String> = records
        .iter()
        .filter_map(|record| match &record.outcome {
            RecordOutcome::Response(_) => None,
            RecordOutcome::Error(error) => {
                let source = &record.source;
                let meaning = if error.meaning == ErrorMeaning::Absent { " absent" } else { "" };
                let first = source.parameters.as_object().and_then(|members| members.values().next());
                let first = first.and_then(Value::as_str).unwrap_or("-");
                Some(format!("{} {} {first} {}{meaning}", source.operation, source.region, error.code))
            }
        })
        .collect();
    errors.sort();
    errors
}

fn buckets(names: &[&str]) -> Value {
    json!({"Buckets": names.iter().map(|name| json!({"Name": name})).collect::<Vec<_>>()})
}

fn world() -> Canned {
    Canned::new(&[
        ("s3 ListBuckets us-east-1", Ok(buckets(&["a", "b", "a"]))),
        ("s3 GetBucketLocation us-east-1 a", Ok(json!({"LocationConstraint": null}))),
        ("s3 GetBucketLocation us-east-1 b", Ok(json!({"LocationConstraint": "eu-west-1"}))),
        ("s3 GetBucketPolicy us-east-1 a", Ok(json!({"Policy": "{}"}))),
        ("s3 GetBucketPolicy eu-west-1 b", Err("NoSuchBucketPolicy")),
        ("kms ListKeys us-east-1", Ok(json!({"Keys": [{"KeyId": "k1"}, {"KeyId": "k2"}]}))),
        ("kms ListKeys eu-west-1", Err("AccessDenied")),
        ("kms DescribeKey us-east-1 k1", Ok(json!({"KeyMetadata": {}}))),
        ("kms DescribeKey us-east-1 k2", Err("Unheard")),
    ])
}

#[test]
fn every_call_is_made_once_where_it_belongs_and_leaves_a_record() {
    let client = world();
    let (summary, records) = collect_all(&[STORE, KEYS], &client);
    let expected = [
        "kms DescribeKey us-east-1 k1",
        "kms DescribeKey us-east-1 k2",
        "kms ListKeys eu-west-1",
        "kms ListKeys us-east-1",
        "s3 GetBucketLocation us-east-1 a",
        "s3 GetBucketLocation us-east-1 b",
        "s3 GetBucketPolicy eu-west-1 b",
        "s3 GetBucketPolicy us-east-1 a",
        "s3 ListBuckets us-east-1",
    ];
    assert_eq!(client.asked(), expected);
    assert_eq!((summary.records, summary.calls, summary.absent), (9, 9, 1));
    let gaps = [(GapReason::AccessDenied, "AccessDenied"), (GapReason::Other, "Unheard")];
    assert_eq!(summary.gaps, gaps.map(|(reason, code)| ((reason, code.to_owned()), 1)).into());
    assert_eq!(
        errors(&records),
        [
            "DescribeKey us-east-1 k2 Unheard",
            "GetBucketPolicy eu-west-1 b NoSuchBucketPolicy absent",
            "ListKeys eu-west-1 - AccessDenied"
        ]
    );
    let policy = records.iter().find(|record| record.source.operation == "GetBucketPolicy").unwrap();
    let source = &policy.source;
    assert_eq!(source.parameters["Deep"], json!({"Owner": ["123456789012", 7]}));
    assert_eq!(source.endpoint, format!("https://s3.{}.test", source.region));
    assert_eq!((source.account.as_str(), source.partition.as_str()), ("123456789012", "aws"));
    assert_eq!(source.caller, "arn:aws:iam::123456789012:user/auditor");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_records_do_not_depend_on_the_order_of_answers(seed: u64, concurrency in 1_usize..9) {
        let (_, expected) = collect_all(&[STORE, KEYS], &world());
        let client = Canned { seed, ..world() };
        let catalog = catalog(&[STORE, KEYS]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (_, records) = runtime.block_on(gather(Collection { gate: Gate::new(fast(concurrency), None), ..run(&catalog, &client) }));
        prop_assert_eq!(lines(&records), lines(&expected));
        prop_assert!(client.most.load(Ordering::SeqCst) <= concurrency);
    }
}

const LISTS: &str = r#"
service = "wafv2"
title = "Lists"
scope = "regional"
[[call]]
operation = "ListWebACLs"
each = { items = "['REGIONAL', 'CLOUDFRONT']" }
parameters = { Scope = "${item}" }
region = "${(item == 'CLOUDFRONT' && 'us-east-1') || region}"
[[call]]
operation = "GetWebACLs"
each = { call = "ListWebACLs", items = "WebACLs[].Id", batch = 2 }
parameters = { Scope = "${parent.Scope}", Ids = "${item}", Count = "${length(item)}", First = "first: ${item[0]}" }
"#;

#[test]
fn a_list_of_its_own_batches_and_values_with_their_types() {
    let lists =
        |ids: &[&str]| Ok(json!({"WebACLs": ids.iter().map(|id| json!({"Id": id})).collect::<Vec<_>>()}));
    let client = Canned::new(&[
        ("wafv2 ListWebACLs us-east-1 CLOUDFRONT", lists(&["a", "b", "c"])),
        ("wafv2 ListWebACLs us-east-1 REGIONAL", lists(&[])),
        ("wafv2 ListWebACLs eu-west-1 REGIONAL", lists(&["d"])),
        ("wafv2 GetWebACLs", Ok(json!({}))),
    ]);
    let (summary, records) = collect_all(&[LISTS], &client);
    // Both regions plan the calls for CLOUDFRONT; they are made once, and what follows goes where they went.
    assert_eq!(client.asked().len(), 6, "{:?}", client.asked());
    assert_eq!((summary.records, summary.gap_count()), (6, 0));
    let mut batches: Vec<String> = records
        .iter()
        .filter(|record| record.source.operation == "GetWebACLs")
        .map(|record| format!("{} {}", record.source.region, record.source.parameters))
        .collect();
    batches.sort();
    assert_eq!(
        batches,
        [
            r#"eu-west-1 {"Count":1,"First":"first: d","Ids":["d"],"Scope":"REGIONAL"}"#,
            r#"us-east-1 {"Count":1,"First":"first: c","Ids":["c"],"Scope":"CLOUDFRONT"}"#,
            r#"us-east-1 {"Count":2,"First":"first: a","Ids":["a","b"],"Scope":"CLOUDFRONT"}"#,
        ]
    );
}

#[test]
fn items_of_several_calls_lead_to_one_call_each() {
    let tasks = r#"
service = "ecs"
title = "Tasks"
scope = "global"
[[call]]
operation = "ListFamilies"
[[call]]
operation = "ListServices"
[[call]]
operation = "DescribeTask"
each = { call = "ListFamilies", items = "families", also = [{ call = "ListServices", items = "services[].task" }] }
parameters = { Name = "${item}" }
"#;
    let services = json!({"services": [{"task": "b"}, {"task": "c"}, {"task": "b"}]});
    let client = Canned::new(&[
        ("ecs ListFamilies", Ok(json!({"families": ["a", "b"]}))),
        ("ecs ListServices", Ok(services)),
        ("ecs DescribeTask", Ok(json!({}))),
    ]);
    let (summary, _) = collect_all(&[tasks], &client);
    let described = ["a", "b", "c"].map(|name| format!("ecs DescribeTask us-east-1 {name}"));
    assert_eq!(client.asked()[..3], described);
    assert_eq!((summary.calls, summary.gap_count()), (5, 0));

    let client = Canned::new(&[
        ("ecs ListFamilies", Err("AccessDenied")),
        ("ecs ListServices", Ok(json!({"services": [{"task": "c"}]}))),
        ("ecs DescribeTask", Ok(json!({}))),
    ]);
    let (_, records) = collect_all(&[tasks], &client);
    assert_eq!(client.asked()[0], "ecs DescribeTask us-east-1 c");
    assert_eq!(errors(&records), ["ListFamilies us-east-1 - AccessDenied"]);
}

#[test]
fn a_batch_that_is_cut_and_a_value_that_no_record_can_hold_are_gaps() {
    let lists = LISTS.replace("batch = 2", "batch = 10");
    let answer = json!({"WebACLs": [{"Id": "a"}, {"Id": "b"}, {"Id": "c"}, {"Id": "d"}]});
    let client = Canned::new(&[
        ("wafv2 ListWebACLs us-east-1 REGIONAL", Ok(answer)),
        ("wafv2 ListWebACLs", Ok(json!({"WebACLs": []}))),
        ("wafv2 GetWebACLs", Ok(json!({}))),
    ]);
    let (_, records) = collect_all(&[&lists], &client);
    let made = records.iter().find(|record| record.response() == Some(&json!({}))).unwrap();
    assert_eq!(made.source.parameters["Ids"], json!(["a", "b", "c"]));
    assert!(errors(&records)[0].ends_with("FanOutCut"), "{:?}", errors(&records));

    let client = Canned::new(&[("wafv2 ListWebACLs", Ok(json!({"WebACLs": [{"Id": 1.5}, {"Id": null}]})))]);
    let odd = LISTS.replace("${length(item)}", "${item[0]}").replace("batch = 2", "batch = 1");
    let (_, records) = collect_all(&[&odd.replace("WebACLs[].Id", "`[[9007199254740993]]`[]")], &client);
    let gaps: Vec<_> = records.iter().filter_map(Record::gap).collect();
    assert!(gaps.iter().all(|gap| gap.message.contains("are not kept")) && !gaps.is_empty(), "{gaps:?}");
    assert_eq!(lines(&records).len(), records.len());
}

#[test]
fn what_depends_on_a_gap_or_on_absence_is_not_called() {
    for code in ["AccessDenied", "NoSuchBucketPolicy"] {
        let client = Canned::new(&[("s3 ListBuckets us-east-1", Err(code))]);
        let (_, records) = collect_all(&[STORE], &client);
        assert_eq!(errors(&records), [format!("ListBuckets us-east-1 - {code}")]);
        assert_eq!(client.asked().len(), 1);
    }
}

#[test]
fn what_cannot_be_filled_in_is_a_gap_and_not_a_call() {
    let client = Canned::new(&[
        (
            "s3 ListBuckets us-east-1",
            Ok(json!({"Buckets": [{"Name": ["x"]}, {"Name": "far"}, {"Name": {}}]})),
        ),
        ("s3 GetBucketLocation us-east-1 b-far", Ok(json!({"LocationConstraint": "../../etc"}))),
    ]);
    let store = STORE.replace("{ Bucket = \"${item}\" }", "{ Bucket = \"b-${item}\" }");
    let (summary, records) = collect_all(&[&store], &client);
    assert_eq!(
        errors(&records),
        [
            "GetBucketLocation us-east-1 b-${item} TemplateUnfilled",
            "GetBucketLocation us-east-1 b-${item} TemplateUnfilled",
            "GetBucketPolicy us-east-1 b-far TemplateUnfilled"
        ]
    );
    assert_eq!((client.asked().len(), summary.calls), (2, 2));
    assert_eq!(lines(&records).len(), 5);
    let messages: Vec<_> =
        records.iter().filter_map(Record::gap).map(|error| error.message.as_str()).collect();
    assert!(messages.iter().any(|message| message.starts_with("item 1 of ListBuckets: ")), "{messages:?}");
    assert!(messages.iter().any(|message| message.contains("\"../../etc\" is not a region")), "{messages:?}");
}

#[test]
fn a_fan_out_is_bounded_and_says_so() {
    let client = Canned::new(&[
        ("s3 ListBuckets us-east-1", Ok(buckets(&["1", "2", "3", "4"]))),
        ("s3 GetBucketLocation", Err("AccessDenied")),
    ]);
    let (_, records) = collect_all(&[STORE], &client);
    assert_eq!(client.asked().len(), 4);
    let cut: Vec<_> =
        records.iter().filter_map(Record::gap).filter(|error| error.code == "FanOutCut").collect();
    assert_eq!(cut.len(), 1);
    assert_eq!(cut[0].message, "ListBuckets gave 4 items; only the first 3 were followed up");
}

#[test]
fn items_that_cannot_be_read_are_a_gap() {
    let collector = STORE.replace("Buckets[].Name", "keys(Buckets)");
    let client = Canned::new(&[("s3 ListBuckets us-east-1", Ok(json!({"Buckets": 3})))]);
    let (_, records) = collect_all(&[&collector], &client);
    assert_eq!(errors(&records), ["GetBucketLocation us-east-1 ${item} ItemsUnreadable"]);
}

#[test]
fn patience_is_bounded() {
    let client = Canned::new(&[
        ("kms ListKeys us-east-1", Ok(json!({"Keys": [{"KeyId": "k"}]}))),
        ("kms ListKeys eu-west-1", Ok(json!({"Keys": []}))),
        ("kms DescribeKey", Err("NotYet")),
    ]);
    let (summary, records) = collect_all(&[KEYS], &client);
    assert_eq!(errors(&records), ["DescribeKey us-east-1 k NotYet"]);
    assert_eq!((summary.records, summary.calls, client.asked().len()), (3, 5, 5));
}

#[test]
fn numbers_that_would_be_altered_and_defects_of_the_client_are_gaps() {
    let client = Canned::new(&[
        ("kms ListKeys us-east-1", Ok(json!({"Keys": [{"KeyId": "k"}], "Size": 9_007_199_254_740_993_u64}))),
        ("kms ListKeys eu-west-1", Ok(json!("broken"))),
    ]);
    let (_, records) = collect_all(&[KEYS], &client);
    assert_eq!(
        errors(&records),
        ["ListKeys eu-west-1 - ClientBroke", "ListKeys us-east-1 - UnrepresentableNumber"]
    );
}

#[tokio::test]
async fn a_scope_that_cannot_be_and_a_receiver_that_is_gone_are_errors() {
    let catalog = catalog(&[STORE, KEYS]);
    let client = world();
    let attempt = async |run: Collection<'_, Canned>| {
        let (sender, receiver) = mpsc::channel(1);
        drop(receiver);
        collect_within(run, sender, FAST).await.unwrap_err()
    };
    assert!(matches!(attempt(run(&catalog, &client)).await, CollectError::ReceiverGone));
    for region in ["", "eu west 1", "../x", "EU-WEST-1", "-", "eu-west-1\n"] {
        let wrong = Collection { regions: vec![region.into()], ..run(&catalog, &client) };
        assert!(matches!(attempt(wrong).await, CollectError::Region(_)), "{region}");
    }
    let wrong = Collection { account: "12345678901x".into(), ..run(&catalog, &client) };
    assert!(matches!(attempt(wrong).await, CollectError::Account(_)));
}

#[test]
fn progress_hears_of_every_call() {
    #[derive(Default)]
    struct Heard(Mutex<(u64, Vec<String>)>);
    impl Progress for Heard {
        fn planned(&self, _: &str, _: &str, more: u64) {
            self.0.lock().unwrap().0 += more;
        }
        fn done(&self, account: &str, service: &str, operation: &str, gap: Option<GapReason>) {
            assert_eq!(account, "123456789012");
            self.0.lock().unwrap().1.push(format!("{service} {operation} {}", gap.is_some()));
        }
    }
    let (heard, catalog, client) = (Heard::default(), catalog(&[KEYS]), world());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(gather(Collection { progress: &heard, ..run(&catalog, &client) }));
    let (calls, mut done) = heard.0.into_inner().unwrap();
    done.sort();
    assert_eq!(calls, 4);
    assert_eq!(
        done,
        ["kms DescribeKey false", "kms DescribeKey true", "kms ListKeys false", "kms ListKeys true"]
    );
}

#[test]
fn the_embedded_catalog_can_be_planned() {
    let plan = Plan::new(&Catalog::embedded().unwrap()).unwrap();
    assert!(plan.services.iter().any(|service| service.service == "s3" && service.calls.len() > 5));
}
