//! Queries against an Athena that only counts.

use std::sync::Mutex;

use super::*;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::model::Period;
use crate::trail::{QuietFiles, Rule};

/// Finds an event of every rule in an object that is named by it; compiles no query of more than so many rules.
struct Fake {
    most_rules: usize,
    queries: Mutex<Vec<Vec<String>>>,
}

impl Athena for Fake {
    async fn call(&self, operation: &'static str, parameters: &Value) -> Result<Answer, Refusal> {
        let mut queries = self.queries.lock().unwrap();
        let text = |name: &str| parameters[name].as_str().unwrap_or_default();
        let number = text("QueryExecutionId").parse::<usize>().unwrap_or_default();
        let value = match operation {
            "StartQueryExecution" => {
                let rules = text("QueryString").lines().filter_map(|line| line.trim().strip_prefix("-- "));
                queries.push(rules.map(str::to_owned).collect());
                json!({ "QueryExecutionId": (queries.len() - 1).to_string() })
            }
            "GetQueryExecution" if queries[number].len() > self.most_rules => {
                let why = "COMPILER_ERROR: Compiler failed: Method too large";
                json!({ "QueryExecution": { "Status": { "State": "FAILED", "StateChangeReason": why } } })
            }
            "GetQueryExecution" => json!({ "QueryExecution": {
                "Status": { "State": "SUCCEEDED" }, "Statistics": { "DataScannedInBytes": 5 },
            } }),
            "GetQueryResults" => {
                let row = |rule: String, object: String| {
                    let cells = [rule, "r".to_owned(), object, "1".to_owned(), String::new(), String::new()];
                    json!({ "Data": cells.map(|cell| json!({ "VarCharValue": cell })) })
                };
                let of = queries[number].iter().enumerate();
                let mut rows: Vec<Value> =
                    of.map(|(rule, id)| row(rule.to_string(), format!("s3://b/{id}"))).collect();
                rows.push(row("-1".to_owned(), String::new()));
                json!({ "ResultSet": { "Rows": rows } })
            }
            other => panic!("{other}"),
        };
        Ok(Answer { value, request_ids: Vec::new() })
    }
}

/// What all rules of the catalog come to: by how many queries, and the codes of the gaps.
fn search(most_rules: usize, bytes_limit: u64) -> (usize, BTreeMap<String, usize>) {
    let rules = Rule::all(&Catalog::embedded().unwrap().excerpts, &BTreeMap::new()).unwrap();
    let logs = LogSource::S3 { bucket: "b".into(), prefix: String::new() };
    let table = Table::over(&logs, "d", "t", None).unwrap();
    let instant = |text: &str| text.parse().unwrap();
    let period = Period { start: instant("2026-07-01T00:00:00Z"), end: instant("2026-10-01T00:00:00Z") };
    let quiet = QuietFiles::default();
    let request = Request {
        rules: &rules,
        period,
        partition: "aws",
        account: "123456789012",
        caller: "",
        clock: Clock::Fixed(period.end),
        reading: &(),
        quiet: &quiet,
    };
    let regions = ["r".to_owned()];
    let settings = Settings {
        table: &table,
        workgroup: "w",
        output_location: None,
        bytes_limit,
        regions: &regions,
        region: "us-east-1",
        endpoint: "aws",
    };
    let origin = Origin {
        request,
        region: "us-east-1",
        operation: "GetObject",
        endpoint: "aws".into(),
        source: json!("x"),
    };
    let conditions: Vec<Condition<'_>> = rules.values().map(|rule| Condition::of(rule).unwrap()).collect();
    let mut search = Search {
        settings,
        origin: &origin,
        found: Found::default(),
        told: Vec::new(),
        by: BTreeMap::new(),
        spent: 0,
    };
    let fake = Fake { most_rules, queries: Mutex::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let gaps = runtime.block_on(search.query(&fake, &conditions));
    for (number, condition) in conditions.iter().enumerate() {
        let counts = search.found.counts_of(&format!("s3://b/{}", condition.rule.rule.id));
        let expected = if search.by.contains_key(&number) { vec![(number, 1)] } else { Vec::new() };
        assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected, "{}", condition.rule.rule.id);
    }
    assert_eq!(search.by.len() + gaps.len(), rules.len());
    assert_eq!(search.found.events.get("r").copied(), (!search.told.is_empty()).then_some(1), "counted once");
    let mut codes = BTreeMap::new();
    for gap in gaps {
        *codes.entry(gap.gap().unwrap().code.clone()).or_default() += 1;
    }
    (search.told.len(), codes)
}

#[test]
fn a_query_that_is_too_large_to_compile_is_cut_in_two() {
    assert_eq!(search(usize::MAX, 1_000).1, BTreeMap::new());
    let (queries, gaps) = search(20, 1_000);
    assert!((8..=16).contains(&queries) && gaps.is_empty(), "{queries} queries, {gaps:?}");
}

#[test]
fn what_no_query_can_answer_is_a_gap() {
    let all = Catalog::embedded().unwrap().excerpts.len();
    assert_eq!(search(0, 1_000), (0, BTreeMap::from([("QueryFailed".to_owned(), all)])));
    // Of the queries with at most twenty rules, the first reads five of seven bytes, and the second all that are left.
    let (queries, gaps) = search(20, 7);
    assert_eq!(queries, 2);
    assert!(gaps["BytesLimitReached"] > all / 2, "{gaps:?}");
}
