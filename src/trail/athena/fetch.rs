//! The objects that Athena found events in: fetched, hashed, searched, and held against what Athena counted.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::Table;
use super::choice::Found;
use super::query::Condition;
use crate::canonical;
use crate::model::Sha256Digest;
use crate::trail::body::Window;
use crate::trail::digest::{self, DigestStore, KeySet, StoreError};
use crate::trail::event::in_scope;
use crate::trail::excerpt::Excerpt;
use crate::trail::file::Unreadable;
use crate::trail::objects::Stored;
use crate::trail::scan::{Scanned, Scanner};
use crate::trail::{LogSource, Request};

/// Objects that are fetched at once.
const AT_ONCE: usize = 8;

/// What objects are fetched with.
pub(super) struct Fetching<'a> {
    pub(super) s3: &'a aws_sdk_s3::Client,
    pub(super) logs: &'a LogSource,
    pub(super) conditions: &'a [Condition<'a>],
    pub(super) request: Request<'a>,
    pub(super) window: Window,
}

/// What was found in the objects.
#[derive(Default)]
pub(super) struct Fetched {
    /// By the rule's number.
    pub(super) excerpts: BTreeMap<usize, Excerpt>,
    /// The objects as records tell of them.
    pub(super) objects: Vec<Value>,
    /// Of each object the SHA-256 of its text, where it is sound gzip.
    texts: Vec<Option<Sha256Digest>>,
    pub(super) unreadable: Vec<Value>,
    /// Code and message of what a rule lacks: the first problem of each code.
    pub(super) problems: BTreeMap<usize, BTreeMap<String, String>>,
}

/// An object that was read.
struct Read {
    sha256: Sha256Digest,
    text: Option<Sha256Digest>,
    bytes: usize,
    version: Option<String>,
    scanned: Scanned,
}

impl Fetching<'_> {
    /// Fetches and searches the objects that hold the first events of every rule.
    pub(super) async fn fetch(&self, found: &Found, most: impl Fn(usize) -> usize) -> Fetched {
        let mut fetched = Fetched::default();
        let reading =
            stream::iter(found.wanted(most)).map(|object| async move { (object, self.read(object).await) });
        // In the order of their names, whichever is read first: records must not depend on speed.
        let mut reading = reading.buffered(AT_ONCE);
        while let Some((object, read)) = reading.next().await {
            fetched.add(object, read, &found.counts_of(object), self.conditions);
        }
        fetched
    }

    async fn read(&self, object: &str) -> Result<(String, Read), Unreadable> {
        let key = self.key(object)?;
        let Stored { bytes, version } = self.logs.read(self.s3, &self.window, key, None).await?;
        let filters = self.conditions.iter().map(|condition| condition.rule.filter.clone()).collect();
        let (period, account) = (self.request.period, self.request.account.to_owned());
        let searching = tokio::task::spawn_blocking(move || {
            let mut scanned = Scanner::new(filters).scan(&bytes)?;
            scanned.found.retain(|found| in_scope(&found.event, period, &account));
            let text = digest::hash_log(&bytes).ok().map(|(text, _)| text);
            Ok(Read { sha256: canonical::sha256(&bytes), text, bytes: bytes.len(), version, scanned })
        });
        let read = searching.await.map_err(|error| Unreadable::new("Internal", error))?;
        read.map(|read| (key.to_owned(), read))
    }

    /// The key of an object. What a table names is only fetched where the configuration says that log files are.
    fn key<'o>(&self, object: &'o str) -> Result<&'o str, Unreadable> {
        let LogSource::S3 { bucket, prefix } = self.logs else {
            return Err(Unreadable::new("Internal", "log files in a directory are not Athena's"));
        };
        let key = object.strip_prefix("s3://").and_then(|rest| rest.strip_prefix(bucket)?.strip_prefix('/'));
        key.filter(|key| key.starts_with(prefix)).ok_or_else(|| {
            let message = format!("the table holds {object}, which is not under {}", self.logs.describe());
            Unreadable::new("ObjectOutsideSource", message)
        })
    }
}

impl Fetched {
    fn add(
        &mut self,
        object: &str,
        read: Result<(String, Read), Unreadable>,
        counted: &BTreeMap<usize, u64>,
        conditions: &[Condition<'_>],
    ) {
        let (location, read) = match read {
            Ok(read) => read,
            Err(Unreadable { code, message }) => {
                let message = format!("{object}: {message}");
                counted.keys().for_each(|rule| self.problem(*rule, &code, &message));
                self.unreadable.push(json!({ "location": object, "code": code }));
                return;
            }
        };
        let number = self.objects.len();
        let mut seen: BTreeMap<usize, u64> = BTreeMap::new();
        for found in read.scanned.found {
            for filter in found.filters {
                *seen.entry(filter).or_default() += 1;
                let Some(condition) = conditions.get(filter) else { continue };
                let excerpt = self.excerpts.entry(filter).or_default();
                excerpt.take(
                    found.event.clone(),
                    Some((number, found.index)),
                    condition.rule.rule.most_events,
                );
            }
        }
        for (_, filters) in &read.scanned.too_large {
            for filter in filters {
                // What is too large to be looked at here may or may not be among what Athena counted.
                self.excerpts.entry(*filter).or_default().lose();
            }
        }
        if read.scanned.too_large.is_empty() {
            let rules: BTreeSet<usize> = counted.keys().chain(seen.keys()).copied().collect();
            for rule in rules {
                let (there, here) = (counted.get(&rule).unwrap_or(&0), seen.get(&rule).unwrap_or(&0));
                if there != here {
                    let message = format!(
                        "{object}: Athena counted {there} events and {here} are found in the object: it was altered meanwhile, or the table is not the one of `proofpack trail athena-ddl`; search with the embedded engine"
                    );
                    self.problem(rule, "AthenaDisagrees", &message);
                }
            }
        }
        let bucket = object.strip_prefix("s3://").and_then(|rest| rest.split('/').next());
        let mut told = json!({
            "location": location,
            "bucket": bucket,
            "sha256": read.sha256,
            "bytes": read.bytes,
            "events": read.scanned.events,
            "validation": digest::LogVerdict::NotValidated,
        });
        if let Some(version) = read.version {
            told["version-id"] = version.into();
        }
        self.objects.push(told);
        self.texts.push(read.text);
    }

    fn problem(&mut self, rule: usize, code: &str, message: &str) {
        let of_rule = self.problems.entry(rule).or_default();
        of_rule.entry(code.to_owned()).or_insert_with(|| message.to_owned());
    }

    /// Says of each object what CloudTrail's digest files say of it. Digest files are read, and no log file beside those that
    /// were fetched: the objects are validated, and nothing is said about how much of the period is covered.
    pub(super) async fn validate<S: DigestStore>(
        &mut self,
        store: &S,
        table: &Table,
        request: Request<'_>,
        mut keys: impl AsyncFnMut(&str) -> Result<KeySet, StoreError>,
    ) {
        let regions: BTreeSet<String> = self.objects.iter().filter_map(region_of).collect();
        for region in regions {
            // Without keys, objects stay what they are: not validated.
            let Ok(known) = keys(&region).await else { continue };
            let question = digest::Question {
                place: table.place.clone(),
                organization: table.organization.clone(),
                account: request.account.to_owned(),
                region: region.clone(),
                period: request.period,
                trail: None,
            };
            let chain = digest::chain_of(store, &question, &known).await;
            for (object, text) in self.objects.iter_mut().zip(&self.texts) {
                if region_of(object).as_ref() != Some(&region) {
                    continue;
                }
                let location = object["location"].as_str().unwrap_or_default();
                object["validation"] = json!(chain.verdict(location, text.as_ref()));
            }
        }
    }
}

/// The region that an object's key names: `.../CloudTrail/<region>/...`.
fn region_of(object: &Value) -> Option<String> {
    let mut parts = object["location"].as_str()?.split('/').skip_while(|part| *part != "CloudTrail").skip(1);
    parts.next().map(str::to_owned)
}
