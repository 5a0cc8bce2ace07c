//! A client that answers by a script and remembers what it was asked, and when.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::super::*;
use super::catalog;

/// One question that was put.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) service: String,
    pub(super) operation: String,
    pub(super) region: String,
    pub(super) item: String,
    /// How often it had been put before.
    pub(super) before: usize,
    /// How often credentials had been renewed by then.
    pub(super) renewals: usize,
}

/// What is said to it, and after how long. The code of an error may be followed by `+` and the number of pages
/// that came before it.
pub(super) type Said = (Duration, Result<Value, &'static str>);

type Script = dyn Fn(&Asked) -> Said + Send + Sync;

#[derive(Clone)]
pub(super) struct Scripted {
    script: Arc<Script>,
    log: Arc<Mutex<Vec<Asked>>>,
    under_way: Arc<Mutex<BTreeMap<String, usize>>>,
    /// The most calls that were under way at a time: of all (`""`), and of each service.
    most: Arc<Mutex<BTreeMap<String, usize>>>,
    renewals: Arc<AtomicUsize>,
    renewable: bool,
}

impl Scripted {
    pub(super) fn new(script: impl Fn(&Asked) -> Said + Send + Sync + 'static) -> Self {
        Self {
            script: Arc::new(script),
            log: Arc::default(),
            under_way: Arc::default(),
            most: Arc::default(),
            renewals: Arc::default(),
            renewable: true,
        }
    }

    pub(super) fn without_renewal(self) -> Self {
        Self { renewable: false, ..self }
    }

    pub(super) fn log(&self) -> Vec<Asked> {
        self.log.lock().unwrap().clone()
    }

    pub(super) fn renewals(&self) -> usize {
        self.renewals.load(Ordering::SeqCst)
    }

    pub(super) fn most(&self, service: &str) -> usize {
        self.most.lock().unwrap().get(service).copied().unwrap_or_default()
    }

    fn count(&self, service: &str, up: bool) {
        let mut under_way = self.under_way.lock().unwrap();
        for name in ["", service] {
            let count = under_way.entry(name.to_owned()).or_default();
            if up {
                *count += 1
            } else {
                *count -= 1
            }
            let mut most = self.most.lock().unwrap();
            let most = most.entry(name.to_owned()).or_default();
            *most = (*most).max(*count);
        }
    }
}

impl Caller for Scripted {
    async fn call(
        &self,
        service: &str,
        operation: &str,
        region: &str,
        parameters: &Value,
    ) -> Result<Reply, Failure> {
        let asked = {
            let mut log = self.log.lock().unwrap();
            let item = parameters.get("Item").map(ToString::to_string).unwrap_or_default();
            let same = |other: &&Asked| {
                (other.service.as_str(), other.operation.as_str(), other.region.as_str(), &other.item)
                    == (service, operation, region, &item)
            };
            let before = log.iter().filter(same).count();
            let asked = Asked {
                service: service.to_owned(),
                operation: operation.to_owned(),
                region: region.to_owned(),
                item,
                before,
                renewals: self.renewals(),
            };
            log.push(asked.clone());
            asked
        };
        self.count(service, true);
        let (after, said) = (self.script)(&asked);
        if after.is_zero() {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(after).await;
        }
        self.count(service, false);
        let (exchanges, endpoint) = (Vec::new(), "https://test".to_owned());
        match said {
            Ok(value) => Ok(Reply { value, exchanges, endpoint }),
            Err(code) => {
                let (code, pages) = code.split_once('+').unwrap_or((code, "0"));
                let pages = pages.parse().unwrap();
                Err(Failure { code: code.into(), message: "no".into(), exchanges, endpoint, pages })
            }
        }
    }

    async fn renew(&self) -> Result<(), Failure> {
        tokio::task::yield_now().await;
        if !self.renewable {
            return Err(Failure::cannot_renew());
        }
        self.renewals.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// A service that lists `Items` and asks about each.
pub(super) fn lister(service: &str, extra: &str) -> String {
    format!(
        r#"
service = "{service}"
title = "{service}"
scope = "regional"
[[call]]
operation = "ListItems"
[[call]]
operation = "GetItem"
each = {{ call = "ListItems", items = "Items" }}
parameters = {{ Item = "${{item}}" }}
{extra}
"#
    )
}

/// A list of so many items.
pub(super) fn items(count: usize) -> Value {
    json!({ "Items": (0..count).collect::<Vec<_>>() })
}

pub(super) fn at_once(answer: Result<Value, &'static str>) -> Said {
    (Duration::ZERO, answer)
}

/// What a run over one region gives.
pub(super) struct Ran {
    pub(super) result: Result<Summary, CollectError>,
    pub(super) records: Vec<Record>,
}

/// Runs the collectors over us-east-1 of one account.
pub(super) fn run(collectors: &[&str], client: &Scripted, gate: Arc<Gate>, known: Known) -> Ran {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run_account("123456789012", collectors, client, gate, known))
}

pub(super) async fn run_account(
    account: &str,
    collectors: &[&str],
    client: &Scripted,
    gate: Arc<Gate>,
    known: Known,
) -> Ran {
    let catalog = catalog(collectors);
    let collection = Collection {
        catalog: &catalog,
        client: client.clone(),
        partition: "aws".into(),
        account: account.into(),
        home_region: "us-east-1".into(),
        regions: vec!["us-east-1".into()],
        caller: "arn:aws:iam::123456789012:user/auditor".into(),
        clock: Clock::Fixed("2026-01-01T00:00:00Z".parse().unwrap()),
        gate,
        known,
        redactor: Arc::new(()),
        progress: &(),
    };
    let (sender, mut receiver) = tokio::sync::mpsc::channel(2);
    let taker = tokio::spawn(async move {
        let mut records = Vec::new();
        while let Some(record) = receiver.recv().await {
            records.push(record);
        }
        records
    });
    let limits = Limits { fan_out: 1000, again: 2, rest: Duration::from_millis(1) };
    let result = collect_within(collection, sender, limits).await;
    Ran { result, records: taker.await.unwrap() }
}
