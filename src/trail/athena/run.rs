//! One query: started, waited for, its result read; stopped where it costs too much.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Athena, Refusal, Settings};
use crate::canonical;

/// The waits between two looks at a query: the first, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// How long a query may take; Athena itself ends it after half an hour, unless AWS was asked for more.
const LONGEST_RUN: Duration = Duration::from_secs(4 * 3_600);
/// Rows of a result, at most.
const MOST_ROWS: usize = 2_000_000;
/// The names of a result's columns.
const COLUMNS: [&str; 6] = ["rule", "region", "object", "events", "first", "last"];

/// What a query gave.
#[derive(Debug, Default)]
pub(super) struct Ran {
    pub(super) id: String,
    /// Bytes that it read, and that AWS asks money for.
    pub(super) bytes: u64,
    pub(super) rows: Vec<Row>,
    /// Of the calls.
    pub(super) request_ids: Vec<String>,
}

/// A row of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) rule: i64,
    pub(super) region: String,
    /// `s3://bucket/key`; empty where it is about all objects.
    pub(super) object: String,
    pub(super) events: u64,
    /// Time of the first event; empty where one has none.
    pub(super) first: String,
    pub(super) last: String,
}

/// Why there is no result.
#[derive(Debug)]
pub(super) struct NoResult {
    /// Code of the gap.
    pub(super) code: String,
    pub(super) message: String,
    /// The query, where it was started.
    pub(super) id: Option<String>,
    /// Bytes that it read all the same.
    pub(super) bytes: u64,
}

impl NoResult {
    /// A query that is not run: those before it have read all that may be read.
    pub(super) fn beyond_limit(limit: u64) -> Self {
        let message =
            format!("other queries have read the {limit} bytes of trail.athena.bytes-limit; raise it");
        Self { code: "BytesLimitReached".to_owned(), message, id: None, bytes: 0 }
    }

    /// Whether a smaller query may do.
    pub(super) fn is_too_large(&self) -> bool {
        let message = self.message.to_lowercase();
        let says = |part: &&str| message.contains(*part);
        self.bytes == 0 && ["compiler_error", "too large", "too long", "query string length"].iter().any(says)
    }
}

struct Query<'a, A> {
    athena: &'a A,
    ran: Ran,
}

/// Runs a query that may read `left` bytes at most.
pub(super) async fn run<A: Athena>(
    athena: &A,
    settings: &Settings<'_>,
    sql: &str,
    left: u64,
    now: &str,
) -> Result<Ran, NoResult> {
    let mut query = Query { athena, ran: Ran::default() };
    let done = query.run(settings, sql, left, now).await;
    let Query { ran, .. } = query;
    match done {
        Ok(()) => Ok(ran),
        Err(Refusal { code, message }) => {
            let id = (!ran.id.is_empty()).then_some(ran.id);
            Err(NoResult { code, message, id, bytes: ran.bytes })
        }
    }
}

impl<A: Athena> Query<'_, A> {
    async fn run(&mut self, settings: &Settings<'_>, sql: &str, left: u64, now: &str) -> Result<(), Refusal> {
        let mut parameters = json!({
            "QueryString": sql,
            // A start that is tried again because its answer was lost must not run the query twice.
            "ClientRequestToken": canonical::sha256(format!("{now}\n{sql}").as_bytes()).to_string(),
            "QueryExecutionContext": { "Database": settings.table.database },
            "WorkGroup": settings.workgroup,
        });
        if let Some(location) = settings.output_location {
            parameters["ResultConfiguration"] = json!({ "OutputLocation": location });
        }
        let started = self.call("StartQueryExecution", &parameters).await?;
        self.ran.id = text(&started, "/QueryExecutionId").to_owned();
        if self.ran.id.is_empty() {
            return Err(Refusal::new("MalformedResponse", "the query that was started has no id"));
        }
        let id = json!({ "QueryExecutionId": self.ran.id });
        self.wait(&id, left).await?;
        let result = self.call("GetQueryResults", &id).await?;
        let rows = result.pointer("/ResultSet/Rows").and_then(Value::as_array).map(Vec::as_slice);
        self.ran.rows = read(rows.unwrap_or_default())?;
        Ok(())
    }

    /// Waits until the query has succeeded; stops it where it reads too much or takes too long.
    async fn wait(&mut self, id: &Value, left: u64) -> Result<(), Refusal> {
        let (mut wait, mut waited) = (WAITS.0, Duration::ZERO);
        loop {
            let answer = self.call("GetQueryExecution", id).await?;
            let scanned = answer.pointer("/QueryExecution/Statistics/DataScannedInBytes");
            self.ran.bytes = scanned.and_then(Value::as_u64).unwrap_or(self.ran.bytes);
            let why = text(&answer, "/QueryExecution/Status/StateChangeReason");
            match text(&answer, "/QueryExecution/Status/State") {
                "SUCCEEDED" => return Ok(()),
                "FAILED" => return Err(Refusal::new("QueryFailed", why)),
                "CANCELLED" if why.to_lowercase().contains("bytes scanned limit") => {
                    return Err(Refusal::new("BytesLimitReached", format!("the workgroup's limit: {why}")));
                }
                "CANCELLED" => return Err(Refusal::new("QueryCancelled", why)),
                _ => {}
            }
            let too_much = self.ran.bytes > left;
            if too_much || waited > LONGEST_RUN {
                // What a query has read by then is paid for; it shall not read more.
                let stopped = self.call("StopQueryExecution", id).await;
                let stopped = stopped
                    .map_or_else(|refusal| format!("not stopped: {refusal}"), |_| "stopped".to_owned());
                return Err(if too_much {
                    let message = format!(
                        "the query had read {} bytes and was {stopped}: trail.athena.bytes-limit leaves {left}; raise it, or name a shorter period or fewer regions",
                        self.ran.bytes
                    );
                    Refusal::new("BytesLimitReached", message)
                } else {
                    Refusal::new("Timeout", format!("the query took more than four hours and was {stopped}"))
                });
            }
            tokio::time::sleep(wait).await;
            waited += wait;
            wait = (wait * 2).min(WAITS.1);
        }
    }

    async fn call(&mut self, operation: &'static str, parameters: &Value) -> Result<Value, Refusal> {
        let answer = self.athena.call(operation, parameters).await?;
        self.ran.request_ids.extend(answer.request_ids);
        Ok(answer.value)
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Reads the rows of a result; the first one of Athena's names the columns.
fn read(rows: &[Value]) -> Result<Vec<Row>, Refusal> {
    if rows.len() > MOST_ROWS {
        let message = format!("more than {MOST_ROWS} objects hold events; name a shorter period");
        return Err(Refusal::new("TooManyRows", message));
    }
    let cells = |row: &Value| -> Vec<String> {
        let data = row.get("Data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        data.iter().map(|cell| text(cell, "/VarCharValue").to_owned()).collect()
    };
    let rows = rows.iter().map(cells).filter(|cells| *cells != COLUMNS);
    rows.map(|cells| {
        let wrong = || Refusal::new("MalformedResponse", format!("a row of the result is {cells:?}"));
        let [rule, region, object, events, first, last] = cells.as_slice() else { return Err(wrong()) };
        Ok(Row {
            rule: rule.parse().map_err(|_| wrong())?,
            region: region.clone(),
            object: object.clone(),
            events: events.parse().map_err(|_| wrong())?,
            first: first.clone(),
            last: last.clone(),
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[Option<&str>]]) -> Vec<Value> {
        let cell = |cell: &Option<&str>| cell.map_or(json!({}), |text| json!({ "VarCharValue": text }));
        rows.iter().map(|row| json!({ "Data": row.iter().map(cell).collect::<Vec<_>>() })).collect()
    }

    #[test]
    fn rows_are_read_and_what_is_none_is_refused() {
        let names = COLUMNS.map(Some);
        let row = [Some("3"), Some("us-east-1"), Some("s3://b/k"), Some("12"), None, Some("z")];
        let of = |all: &[&[Option<&str>]]| read(&rows(all)).map_err(|refusal| refusal.code);
        let expected = Row {
            rule: 3,
            region: "us-east-1".into(),
            object: "s3://b/k".into(),
            events: 12,
            first: String::new(),
            last: "z".into(),
        };
        assert_eq!(of(&[&names, &row]), Ok(vec![expected.clone()]));
        assert_eq!(of(&[&row]), Ok(vec![expected]));
        assert_eq!(of(&[]), Ok(Vec::new()));
        for wrong in [&row[..5], &[Some("x"), None, None, Some("1"), None, None], &[Some("1"); 7]] {
            assert_eq!(of(&[wrong]), Err("MalformedResponse".to_owned()), "{wrong:?}");
        }
        assert_eq!(
            of(&[&[Some("1"), None, None, Some("-1"), None, None]]),
            Err("MalformedResponse".to_owned())
        );
    }
}
