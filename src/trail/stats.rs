//! What is in log files, counted: nothing is selected and nothing kept.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use futures_util::{StreamExt, stream};
use serde::Serialize;

use super::body::Window;
use super::file::Unreadable;
use super::objects::Listed;
use super::scan::{Event, Inflater, every_event};
use super::scope::Scope;
use super::{LogSource, Reading, event};
use crate::model::Period;

/// Different names that are counted of each sort; what is beyond them is counted together.
const MOST_NAMES: usize = 20_000;
/// The name under which those are counted.
const OTHERS: &str = "(others)";
/// Objects that could not be read, as far as they are listed.
const MOST_UNREADABLE: usize = 1_000;

/// What is in the log files of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Statistics {
    /// Log files that were read.
    pub objects: u64,
    /// Log files that were delivered outside of the period, and not read.
    pub objects_outside_period: u64,
    /// Bytes of those that were read, as stored.
    pub stored_bytes: u64,
    /// The same as text.
    pub text_bytes: u64,
    /// Events of the account and the period.
    pub events: u64,
    /// Events of other accounts, or from outside of the period.
    pub events_elsewhere: u64,
    /// Time of the first of them; none where there are none.
    pub first: Option<String>,
    /// Time of the last.
    pub last: Option<String>,
    /// Events that only read.
    pub read_only: u64,
    /// Events by region.
    pub regions: BTreeMap<String, u64>,
    /// Events by day (UTC) on which they happened.
    pub days: BTreeMap<String, u64>,
    /// Events by call: the service, a blank, the call's name.
    pub calls: BTreeMap<String, u64>,
    /// Calls that were refused or failed, by error code.
    pub errors: BTreeMap<String, u64>,
    /// Log files that could not be read: where, and why.
    pub unreadable: Vec<(String, String)>,
    /// Those beyond the ones that are listed.
    pub more_unreadable: u64,
}

impl Statistics {
    /// Whether everything could be read.
    pub fn is_complete(&self) -> bool {
        self.unreadable.is_empty()
    }

    /// Adds what another source came to.
    pub fn add(&mut self, other: &Self) {
        self.objects += other.objects;
        self.objects_outside_period += other.objects_outside_period;
        self.stored_bytes += other.stored_bytes;
        self.text_bytes += other.text_bytes;
        self.events += other.events;
        self.events_elsewhere += other.events_elsewhere;
        self.read_only += other.read_only;
        for time in other.first.iter().chain(&other.last) {
            self.spans(time);
        }
        let both = [
            (&mut self.regions, &other.regions),
            (&mut self.days, &other.days),
            (&mut self.calls, &other.calls),
            (&mut self.errors, &other.errors),
        ];
        for (all, more) in both {
            more.iter().for_each(|(name, number)| count(all, name, *number));
        }
        for (location, why) in &other.unreadable {
            self.cannot_read(location, why.clone());
        }
        self.more_unreadable += other.more_unreadable;
    }

    fn spans(&mut self, time: &str) {
        if self.first.as_deref().is_none_or(|first| time < first) {
            self.first = Some(time.to_owned());
        }
        if self.last.as_deref().is_none_or(|last| time > last) {
            self.last = Some(time.to_owned());
        }
    }

    fn cannot_read(&mut self, location: &str, why: String) {
        if self.unreadable.len() < MOST_UNREADABLE {
            self.unreadable.push((location.to_owned(), why));
        } else {
            self.more_unreadable += 1;
        }
    }

    /// Counts the events of an object.
    fn read(
        inflater: &mut Inflater,
        stored: &[u8],
        period: Period,
        account: &str,
    ) -> Result<Self, Unreadable> {
        let (text, _) = inflater.text(stored)?;
        let text = std::str::from_utf8(&text).map_err(|error| Unreadable::new("LogObjectNotJson", error))?;
        let mut statistics = Self {
            objects: 1,
            stored_bytes: stored.len() as u64,
            text_bytes: text.len() as u64,
            ..Self::default()
        };
        every_event(text.as_bytes(), |event| {
            statistics.count(text, event, period, account);
            Ok::<(), Unreadable>(())
        })?;
        Ok(statistics)
    }

    fn count(&mut self, text: &str, event: &Event, period: Period, account: &str) {
        let member = |name: &str| member(text, event, name).unwrap_or_default();
        let time = member("eventTime");
        if !event::is_in_scope(&time, &member("recipientAccountId"), period, account) {
            self.events_elsewhere += 1;
            return;
        }
        self.events += 1;
        if !time.is_empty() {
            self.spans(&time);
        }
        count(&mut self.regions, &member("awsRegion"), 1);
        count(&mut self.days, time.get(..10).unwrap_or_default(), 1);
        count(&mut self.calls, &format!("{} {}", member("eventSource"), member("eventName")), 1);
        if member("readOnly") == "true" {
            self.read_only += 1;
        }
        let error = member("errorCode");
        if !error.is_empty() {
            count(&mut self.errors, &error, 1);
        }
    }
}

fn count(all: &mut BTreeMap<String, u64>, name: &str, number: u64) {
    if let Some(known) = all.get_mut(name) {
        *known += number;
    } else if all.len() < MOST_NAMES {
        all.insert(name.chars().take(200).collect(), number);
    } else {
        *all.entry(OTHERS.to_owned()).or_default() += number;
    }
}

/// The event's own member of that name: a text as it is, anything else as it is written.
fn member<'t>(text: &'t str, event: &Event, wanted: &str) -> Option<Cow<'t, str>> {
    let inner = |name: &Range<usize>| text.get(name.start + 1..name.end.checked_sub(1)?);
    let (_, value) = event.members.iter().rev().find(|(name, _)| inner(name) == Some(wanted))?;
    let raw = text.get(value.clone())?.trim();
    if raw == "null" {
        return None;
    }
    if !raw.starts_with('"') {
        return Some(Cow::Borrowed(raw));
    }
    match raw.get(1..raw.len().checked_sub(1)?) {
        Some(plain) if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
        _ => serde_json::from_str(raw).ok().map(Cow::Owned),
    }
}

/// Counts what is in the log files of `source`: events of the account, the period and `regions` (all, where none is
/// named), as far as the files' keys tell.
///
/// # Errors
/// A message with AWS's error code when the files cannot be listed.
pub async fn statistics(
    s3: &aws_sdk_s3::Client,
    source: &LogSource,
    regions: &BTreeSet<String>,
    period: Period,
    account: &str,
    progress: &dyn Reading,
) -> Result<Statistics, String> {
    let scope = Scope { account, regions, period };
    let mut locations =
        source.list(s3, &scope).await.map_err(|Unreadable { code, message }| format!("{code}: {message}"))?;
    let listed = locations.len();
    locations.retain(|listed| !scope.is_elsewhere(&listed.location));
    let mut all =
        Statistics { objects_outside_period: (listed - locations.len()) as u64, ..Statistics::default() };
    progress.listed(locations.len());
    let window = &Window::default();
    let reading = stream::iter(locations).map(|Listed { location, bytes, .. }| async move {
        let stored = source.read(s3, window, &location, Some(bytes)).await;
        let account = account.to_owned();
        let counting = tokio::task::spawn_blocking(move || {
            Statistics::read(&mut Inflater::new(), &stored?.bytes, period, &account)
        });
        let counted = counting.await.unwrap_or_else(|error| Err(Unreadable::new("Internal", error)));
        (location, counted)
    });
    let mut reading = reading.buffered(source.at_once());
    while let Some((location, counted)) = reading.next().await {
        progress.read(counted.as_ref().map_or(0, |counted| counted.stored_bytes));
        match counted {
            Ok(statistics) => all.add(&statistics),
            Err(Unreadable { code, message }) => all.cannot_read(&location, format!("{code}: {message}")),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn period() -> Period {
        Period {
            start: "2026-07-01T00:00:00Z".parse().unwrap(),
            end: "2026-08-01T00:00:00Z".parse().unwrap(),
        }
    }

    fn read(text: &str) -> Result<Statistics, Unreadable> {
        Statistics::read(&mut Inflater::new(), text.as_bytes(), period(), "123456789012")
    }

    #[test]
    fn events_are_counted_by_what_they_say() {
        let file = json!({ "Records": [
            { "eventTime": "2026-07-02T00:00:00Z", "eventSource": "kms.amazonaws.com", "eventName": "Decrypt",
              "awsRegion": "us-east-1", "readOnly": true, "errorCode": "AccessDenied", "x": { "eventName": "Decoy" } },
            { "eventTime": "2026-07-01T00:00:00Z", "eventSource": "kms.amazonaws.com", "eventName": "De\u{e9}\"crypt",
              "awsRegion": "us-east-1", "readOnly": false, "errorCode": null },
            { "eventTime": "2026-08-01T00:00:00Z" },
            { "eventTime": "2026-07-01T00:00:00Z", "recipientAccountId": "999999999999" },
            {},
        ] });
        let found = read(&file.to_string()).unwrap();
        assert_eq!((found.objects, found.events, found.events_elsewhere, found.read_only), (1, 3, 2, 1));
        assert_eq!(found.first.as_deref(), Some("2026-07-01T00:00:00Z"));
        assert_eq!(found.last.as_deref(), Some("2026-07-02T00:00:00Z"));
        assert_eq!(found.calls["kms.amazonaws.com De\u{e9}\"crypt"], 1);
        assert_eq!(found.errors, BTreeMap::from([("AccessDenied".to_owned(), 1)]));
        assert_eq!((found.regions["us-east-1"], found.regions[""], found.days["2026-07-02"]), (2, 1, 1));
        let mut twice = found.clone();
        twice.add(&found);
        assert_eq!(
            (twice.events, twice.calls["kms.amazonaws.com Decrypt"], twice.first),
            (6, 2, found.first)
        );
    }

    #[test]
    fn what_is_no_log_file_is_said_and_names_are_bounded() {
        assert!(read("{}").is_err() && read("").is_err());
        let mut names = BTreeMap::new();
        (0..MOST_NAMES + 5).for_each(|number| count(&mut names, &number.to_string(), 1));
        assert_eq!((names.len(), names[OTHERS]), (MOST_NAMES + 1, 5));
    }
}
