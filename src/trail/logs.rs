//! CloudTrail log objects in S3 or in a directory: every one is hashed, decompressed and searched.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::sync::{Arc, Mutex};

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::body::Window;
use super::coverage::Chains;
use super::digest::{ReadLogTexts, hash_log};
use super::event::in_scope;
use super::file::Unreadable;
use super::objects::{Listed, LogSource, Stored};
use super::quiet::{self, QuietFile};
use super::scan::{Found, Scanned, Scanner};
use super::scope::Scope;
use super::{Excerpt, Origin, Request, Rule};
use crate::canonical;
use crate::model::{Period, Record, RecordOutcome, Sha256Digest};

/// The rule under which the inventory of a source's objects is recorded.
const INVENTORY: &str = "log-objects";

/// Objects that one record of the inventory lists, at most: a record is one line, and lines are bounded.
const INVENTORY_PART: usize = 50_000;

/// What to look for, as the threads that search take it with them.
struct Question {
    rules: Vec<Rule>,
    period: Period,
    account: String,
    /// The digest files, which say whose texts are to be hashed.
    chains: Chains,
    /// The bucket that the objects are in, if they are in one.
    bucket: Option<String>,
    /// Scanners that nobody uses at the moment. Each holds the text of the largest object that it has read, and there
    /// are no more than processors.
    scanners: Mutex<Vec<Scanner>>,
    /// Permission to search.
    processors: Semaphore,
}

impl Question {
    fn scanner(&self) -> Scanner {
        let free = self.scanners.lock().ok().and_then(|mut scanners| scanners.pop());
        free.unwrap_or_else(|| Scanner::new(self.rules.iter().map(|rule| rule.filter.clone()).collect()))
    }

    fn give_back(&self, scanner: Scanner) {
        if let Ok(mut scanners) = self.scanners.lock() {
            scanners.push(scanner);
        }
    }
}

/// The SHA-256 and the length of a log file's text, or why they could not be had.
type HashedText = Result<(Sha256Digest, u64), String>;

/// What searching one object gave.
struct Searched {
    location: String,
    /// Its SHA-256 and length, where it could be had.
    object: Option<Value>,
    /// How long it is, and the SHA-256 of its text, where a digest file names it.
    text: Option<(u64, HashedText)>,
    /// What was found in it; the events of the account and the period.
    outcome: Result<Scanned, Unreadable>,
}

/// What searching a source gave.
#[derive(Default)]
struct Search {
    excerpts: BTreeMap<String, Excerpt>,
    objects: Vec<Value>,
    unreadable: Vec<(String, Unreadable)>,
    events: u64,
    read: u64,
    outside: usize,
    texts: ReadLogTexts,
}

/// Searches the log files of `source` for every rule: those of the request's account, period and `regions` (all, where none
/// is named), as far as their keys tell. One record per rule, an inventory of all
/// objects with their SHA-256, and a gap per rule and code for whatever could not be read. Beside them, what the texts of
/// the log files hash to that `chains` name, and these chains again: nothing needs be read once more to be validated.
pub async fn from_logs(
    s3: &aws_sdk_s3::Client,
    source: &LogSource,
    regions: &BTreeSet<String>,
    region: &str,
    endpoint: &str,
    request: Request<'_>,
    chains: Chains,
) -> (Vec<Record>, Chains, ReadLogTexts) {
    let described = source.describe();
    let origin = Origin {
        request,
        region,
        operation: "GetObject",
        endpoint: match source {
            LogSource::S3 { .. } => endpoint.to_owned(),
            LogSource::Directory(_) => "file".to_owned(),
        },
        source: json!(described),
    };
    let scope = Scope { account: request.account, regions, period: request.period };
    let mut locations = match source.list(s3, &scope).await {
        Ok(locations) => locations,
        Err(Unreadable { code, message }) => {
            return (gaps(&origin, &code, &message), chains, ReadLogTexts::default());
        }
    };
    let listed = locations.len();
    locations.retain(|listed| !scope.is_elsewhere(&listed.location));
    let outside = listed - locations.len();
    if locations.is_empty() {
        let message = format!(
            "there are no log files of the account {}, its regions and the period under {described} ({outside} of others are passed over)",
            request.account
        );
        return (gaps(&origin, "NoLogObjects", &message), chains, ReadLogTexts::default());
    }
    request.reading.listed(locations.len());
    let question = Arc::new(Question {
        rules: request.rules.values().cloned().collect(),
        period: request.period,
        account: request.account.to_owned(),
        chains,
        bucket: source.bucket().map(str::to_owned),
        scanners: Mutex::default(),
        processors: Semaphore::new(std::thread::available_parallelism().map_or(1, NonZero::get)),
    });
    let asked = quiet::question(&described, &request);
    let texts = ReadLogTexts::of(source.bucket());
    let mut search = Search { outside, texts, ..Search::default() };
    let window = &Window::default();
    let searching = stream::iter(locations).map(|listed| {
        let question = question.clone();
        async move {
            let known = asked.and_then(|asked| request.quiet.get(asked, &listed));
            if let Some(searched) = known.and_then(|file| Searched::again(&listed.location, file, &question))
            {
                return searched;
            }
            let content = source.read(s3, window, &listed.location, Some(listed.bytes)).await;
            let location = listed.location.clone();
            let _processor = question.processors.acquire().await;
            let question = Arc::clone(&question);
            let searched = tokio::task::spawn_blocking(move || Searched::of(location, content, &question));
            let searched = searched.await.unwrap_or_else(|error| Searched {
                location: listed.location.clone(),
                object: None,
                text: None,
                outcome: Err(Unreadable::new("Internal", error)),
            });
            if let Some(quiet) = asked.and_then(|asked| searched.quiet(asked, listed)) {
                request.quiet.remember(&quiet);
            }
            searched
        }
    });
    // In the order of the locations, whichever is read first: records must not depend on speed.
    let mut searching = searching.buffered(source.at_once());
    while let Some(searched) = searching.next().await {
        if let Some((stored, text)) = &searched.text {
            search.texts.add(&source.whole(&searched.location), *stored, text.clone());
        }
        request.reading.read(searched.bytes());
        search.add(searched, &question);
    }
    drop(searching);
    let texts = std::mem::take(&mut search.texts);
    // Nobody else has it any more: all searches have ended.
    let chains = Arc::into_inner(question).map(|question| question.chains).unwrap_or_default();
    (search.into_records(&origin), chains, texts)
}

fn gaps(origin: &Origin<'_>, code: &str, message: &str) -> Vec<Record> {
    origin.request.rules.keys().map(|rule| origin.gap(rule, code, message)).collect()
}

impl Searched {
    /// What an earlier run found out of a file in which there is nothing; `None` where it did not find out enough.
    fn again(location: &str, file: &QuietFile, question: &Question) -> Option<Self> {
        let stored = file.object["bytes"].as_u64()?;
        let text = match question.chains.name(location) {
            true => Some((stored, Ok((file.text_sha256?, file.text_bytes)))),
            false => None,
        };
        let scanned = Scanned {
            events: file.events,
            bytes: file.text_bytes,
            text_sha256: file.text_sha256,
            ..Scanned::default()
        };
        let object = Some(file.object.clone());
        Some(Self { location: location.to_owned(), object, text, outcome: Ok(scanned) })
    }

    /// What an interrupted run leaves of the file, where nothing is in it.
    fn quiet(&self, asked: Sha256Digest, listed: Listed) -> Option<QuietFile> {
        let (Some(object), Ok(scanned)) = (&self.object, &self.outcome) else { return None };
        let is_quiet = scanned.found.is_empty() && scanned.too_large.is_empty();
        is_quiet.then(|| QuietFile::new(asked, listed, object.clone(), scanned))
    }

    /// The object's length as stored; 0 where it could not be had.
    fn bytes(&self) -> u64 {
        self.object.as_ref().and_then(|object| object["bytes"].as_u64()).unwrap_or_default()
    }

    fn of(location: String, content: Result<Stored, Unreadable>, question: &Question) -> Self {
        let Stored { bytes, version } = match content {
            Ok(stored) => stored,
            Err(unreadable) => return Self { location, object: None, text: None, outcome: Err(unreadable) },
        };
        let mut scanner = question.scanner();
        let is_named = question.chains.name(&location);
        let scanned = if is_named { scanner.scan_and_hash(&bytes) } else { scanner.scan(&bytes) };
        let text = is_named.then(|| {
            // What is no log file to the scan, or has several members, is still a text that somebody signed or did not.
            let known = scanned.as_ref().ok().and_then(|scanned| Some((scanned.text_sha256?, scanned.bytes)));
            (bytes.len() as u64, known.map_or_else(|| hash_log(&bytes), Ok))
        });
        let outcome = scanned.map(|mut scanned| {
            scanned.found.retain(|found| in_scope(&found.event, question.period, &question.account));
            scanned
        });
        question.give_back(scanner);
        let mut object = json!({
            "location": location,
            "sha256": canonical::sha256(&bytes),
            "bytes": bytes.len(),
            "events": outcome.as_ref().ok().map(|scanned| scanned.events),
            "validation": "not-validated",
        });
        if let Some(bucket) = &question.bucket {
            object["bucket"] = bucket.as_str().into();
        }
        if let Some(version) = version {
            object["version-id"] = version.into();
        }
        Self { location, object: Some(object), text, outcome }
    }
}

impl Search {
    fn add(&mut self, searched: Searched, question: &Question) {
        let Searched { location, object, outcome, text: _ } = searched;
        match outcome {
            Err(unreadable) => self.unreadable.push((location, unreadable)),
            Ok(scanned) => {
                self.events += scanned.events;
                self.read += 1;
                let number = self.objects.len();
                for Found { index, event, filters } in scanned.found {
                    for rule in filters.iter().filter_map(|filter| question.rules.get(*filter)) {
                        let excerpt = self.excerpts.entry(rule.rule.id.clone()).or_default();
                        excerpt.take(event.clone(), Some((number, index)), rule.rule.most_events);
                    }
                }
                let too_large = scanned.too_large.iter().flat_map(|(_, filters)| filters);
                for rule in too_large.filter_map(|filter| question.rules.get(*filter)) {
                    self.excerpts.entry(rule.rule.id.clone()).or_default().lose();
                }
            }
        }
        self.objects.extend(object);
    }

    fn into_records(mut self, origin: &Origin<'_>) -> Vec<Record> {
        let mut records = Vec::new();
        for rule in origin.request.rules.keys() {
            let excerpt = self.excerpts.remove(rule).unwrap_or_default();
            let gap = origin.dropped_gap(rule, &excerpt);
            let mut response = excerpt.into_response(&self.objects);
            response["events-scanned"] = self.events.into();
            response["objects-scanned"] = self.read.into();
            response["objects-outside-period"] = self.outside.into();
            records.push(origin.record(rule, RecordOutcome::Response(response)));
            records.extend(gap);
            for (code, (count, first)) in self.unreadable_by_code() {
                let message = format!("{count} of the log files could not be read; the first: {first}");
                records.push(origin.gap(rule, code, message));
            }
        }
        records.extend(self.inventory(origin));
        records
    }

    /// How many objects could not be read for each reason, and the first of them.
    fn unreadable_by_code(&self) -> BTreeMap<&str, (u64, String)> {
        let mut codes: BTreeMap<&str, (u64, String)> = BTreeMap::new();
        for (location, Unreadable { code, message }) in &self.unreadable {
            let first = || (0, format!("{location}: {message}"));
            codes.entry(code).or_insert_with(first).0 += 1;
        }
        codes
    }

    fn inventory(&self, origin: &Origin<'_>) -> Vec<Record> {
        let unreadable: Vec<Value> = self
            .unreadable
            .iter()
            .map(|(location, Unreadable { code, .. })| json!({ "location": location, "code": code }))
            .collect();
        let parts = self.objects.len().max(unreadable.len()).div_ceil(INVENTORY_PART);
        let part_of = |list: &[Value], part: usize| -> Vec<Value> {
            list.chunks(INVENTORY_PART).nth(part).unwrap_or_default().to_vec()
        };
        let record = |part: usize| {
            let inventory = json!({
                "part": part + 1,
                "parts": parts,
                "objects": part_of(&self.objects, part),
                "unreadable": part_of(&unreadable, part),
            });
            origin.record(INVENTORY, RecordOutcome::Response(inventory))
        };
        (0..parts).map(record).collect()
    }
}
