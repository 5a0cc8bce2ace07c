//! Excerpts by Amazon Athena: the same rules as SQL, for trails that are too large for one machine.
//!
//! Athena says which objects hold events that a rule selects, and how many. Those objects are then fetched, hashed and
//! searched as the embedded engine does it, so that events are as logged, with the object and the index that they came from,
//! and with the same provenance. What Athena counted and what is found in the objects must agree; where it does not, that is
//! a gap. Objects that hold nothing but events beyond a rule's limit are counted and not fetched.

mod choice;
mod columns;
mod fetch;
mod query;
mod run;
mod sql;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use serde_json::{Value, json};

pub use sql::{NoSql, condition};
pub use table::{Table, TableError};

use super::body::Window;
use super::digest::{DigestStore, KeySet, StoreError};
use super::{LogSource, Origin, Request};
use crate::model::{Record, RecordOutcome};
use choice::Found;
use fetch::{Fetched, Fetching};
use query::{Condition, Question};

/// The rule under which the objects that were fetched, and the queries, are recorded.
const INVENTORY: &str = "log-objects";

/// Whoever can call Athena's operations.
pub trait Athena {
    /// Calls StartQueryExecution, GetQueryExecution, GetQueryResults or StopQueryExecution, with all pages of the answer.
    fn call(
        &self,
        operation: &'static str,
        parameters: &Value,
    ) -> impl Future<Output = Result<Answer, Refusal>> + Send;
}

/// What a call gave.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The answer as the AWS CLI prints it.
    pub value: Value,
    /// Ids of the requests.
    pub request_ids: Vec<String>,
}

/// Why a call, or a query, gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// AWS's error code, or one of our own.
    pub code: String,
    /// What happened.
    pub message: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

/// How queries are made.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// The table, as `trail athena-ddl` makes it.
    pub table: &'a Table,
    /// The workgroup.
    pub workgroup: &'a str,
    /// Where results are put, `s3://bucket/prefix/`; none where the workgroup says it.
    pub output_location: Option<&'a str>,
    /// Bytes that all queries of a request together may read.
    pub bytes_limit: u64,
    /// The regions whose log files are searched.
    pub regions: &'a [String],
    /// Region in which Athena is asked.
    pub region: &'a str,
    /// Endpoint that answers.
    pub endpoint: &'a str,
}

/// A query as records tell of it.
struct Told {
    value: Value,
}

/// Searches the log files under `logs`, a prefix of a bucket, by Athena. The records are those of
/// [`from_logs`](super::from_logs), and say by which query they were found. `keys` has CloudTrail's public keys of a region:
/// by digest files the fetched objects are validated, where there are any.
pub async fn from_athena<A: Athena, S: DigestStore>(
    athena: &A,
    s3: &aws_sdk_s3::Client,
    store: &S,
    logs: &LogSource,
    settings: Settings<'_>,
    request: Request<'_>,
    keys: impl AsyncFnMut(&str) -> Result<KeySet, StoreError>,
) -> Vec<Record> {
    let described = logs.describe();
    let table = settings.table;
    let origin = Origin {
        request,
        region: settings.region,
        operation: "GetObject",
        endpoint: settings.endpoint.to_owned(),
        source: json!({ "engine": "athena", "logs": described, "database": table.database, "table": table.name }),
    };
    let mut records = Vec::new();
    let mut conditions = Vec::new();
    for rule in request.rules.values() {
        match Condition::of(rule) {
            Ok(condition) => conditions.push(condition),
            Err(no_sql) => records.push(origin.gap(&rule.rule.id, "FilterWithoutSql", no_sql.to_string())),
        }
    }
    let mut search = Search {
        settings,
        origin: &origin,
        found: Found::default(),
        told: Vec::new(),
        by: BTreeMap::new(),
        spent: 0,
    };
    records.extend(search.query(athena, &conditions).await);
    if search.by.is_empty() {
        return records;
    }
    let asked: Vec<usize> = search.by.keys().copied().collect();
    if search.found.events.values().sum::<u64>() == 0 {
        let message = format!(
            "Athena found no events at all of the account, period and regions in {}.{}: compare the table with `proofpack trail athena-ddl`",
            table.database, table.name
        );
        let id = |number: &usize| conditions.get(*number).map(|condition| condition.rule.rule.id.as_str());
        records.extend(
            asked.iter().filter_map(id).map(|rule| origin.gap(rule, "NoLogObjects", message.as_str())),
        );
        return records;
    }
    let fetching = Fetching { s3, logs, conditions: &conditions, request, window: Window::default() };
    let most = |number: usize| conditions.get(number).map_or(0, |condition| condition.rule.rule.most_events);
    let mut fetched = fetching.fetch(&search.found, most).await;
    fetched.validate(store, table, request, keys).await;
    records.extend(search.into_records(&conditions, fetched));
    records
}

struct Search<'a> {
    settings: Settings<'a>,
    origin: &'a Origin<'a>,
    found: Found,
    told: Vec<Told>,
    /// The query that answered for a rule, by the rule's number.
    by: BTreeMap<usize, usize>,
    spent: u64,
}

impl Search<'_> {
    /// Runs as few queries as there must be; the gaps of the rules that have no answer.
    async fn query<A: Athena>(&mut self, athena: &A, conditions: &[Condition<'_>]) -> Vec<Record> {
        let request = self.origin.request;
        let (table, now) = (self.settings.table, request.clock.now().to_rfc3339());
        let question = Question {
            database: &table.database,
            table: &table.name,
            account: request.account,
            regions: self.settings.regions,
            period: request.period,
        };
        let mut gaps = Vec::new();
        let (mut waiting, mut first) = (VecDeque::new(), 0);
        for part in query::parts(conditions) {
            waiting.push_back((first, part));
            first += part.len();
        }
        while let Some((first, part)) = waiting.pop_front() {
            let sql = question.sql(part);
            let left = self.settings.bytes_limit.saturating_sub(self.spent);
            let ran = match left {
                0 => Err(run::NoResult::beyond_limit(self.settings.bytes_limit)),
                left => run::run(athena, &self.settings, &sql, left, &now).await,
            };
            match ran {
                Ok(ran) => {
                    self.spent += ran.bytes;
                    self.by.extend((first..first + part.len()).map(|number| (number, self.told.len())));
                    let counted = !self.told.is_empty();
                    self.told.push(Told {
                        value: json!({
                            "id": ran.id, "sql": sql, "bytes-scanned": ran.bytes, "request-ids": ran.request_ids,
                            "workgroup": self.settings.workgroup, "region": self.settings.region,
                        }),
                    });
                    self.found.add(ran.rows, first, counted);
                }
                Err(refused) if refused.is_too_large() && part.len() > 1 => {
                    let (one, other) = part.split_at(part.len() / 2);
                    waiting.push_front((first + one.len(), other));
                    waiting.push_front((first, one));
                }
                Err(refused) => {
                    self.spent += refused.bytes;
                    let id = refused.id.map_or_else(String::new, |id| format!("query {id}: "));
                    let message = format!("Athena: {id}{}", refused.message);
                    let gap = |condition: &Condition<'_>| {
                        self.origin.gap(&condition.rule.rule.id, &refused.code, message.as_str())
                    };
                    gaps.extend(part.iter().map(gap));
                }
            }
        }
        gaps
    }

    fn into_records(self, conditions: &[Condition<'_>], mut fetched: Fetched) -> Vec<Record> {
        let Self { origin, found, told, by, .. } = self;
        let scanned: u64 = found.events.values().sum();
        let mut records = Vec::new();
        for (number, condition) in conditions.iter().enumerate() {
            let Some(query) = by.get(&number).and_then(|query| told.get(*query)) else { continue };
            let rule = condition.rule.rule.id.as_str();
            let excerpt = fetched.excerpts.remove(&number).unwrap_or_default();
            let dropped = origin.dropped_gap(rule, &excerpt);
            let mut response = excerpt.into_response(&fetched.objects);
            response["matched"] = found.matched(number).into();
            response["events-scanned"] = scanned.into();
            response["objects-scanned"] = fetched.objects.len().into();
            response["query"] = json!({
                "id": query.value["id"],
                "bytes-scanned": query.value["bytes-scanned"],
                "condition": condition.sql,
            });
            records.push(origin.record(rule, RecordOutcome::Response(response)));
            records.extend(dropped);
            for (code, message) in fetched.problems.remove(&number).unwrap_or_default() {
                records.push(origin.gap(rule, &code, message));
            }
        }
        let inventory = json!({
            "part": 1,
            "parts": 1,
            "objects": fetched.objects,
            "unreadable": fetched.unreadable,
            "events-by-region": found.events,
            "queries": told.into_iter().map(|told| told.value).collect::<Vec<_>>(),
        });
        records.push(origin.record(INVENTORY, RecordOutcome::Response(inventory)));
        records
    }
}
