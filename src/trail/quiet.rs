//! Log files in which an interrupted run found nothing: when it goes on, they are not read again.
//!
//! Only what needs no event is kept: where a file is, by what one would see that it was exchanged, its hashes and lengths.
//! Files that hold an event of a rule are read again, for events are written redacted, into records, and nowhere else.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Request;
use super::objects::{Listed, MOST_OBJECTS};
use super::scan::Scanned;
use crate::canonical;
use crate::model::Sha256Digest;

/// Bytes of a line, at most: a key has 1,024.
const LONGEST_LINE: u64 = 16 << 10;

/// The files that are known, and the place where more are remembered.
#[derive(Debug, Default)]
pub struct QuietFiles {
    known: BTreeMap<(Sha256Digest, String), QuietFile>,
    journal: Option<Mutex<File>>,
}

/// A log file that holds no event of any rule.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QuietFile {
    /// What was looked for, and where (see [`question`]).
    question: Sha256Digest,
    location: String,
    /// As it was listed then.
    state: String,
    /// As the inventory shows it.
    pub(super) object: Value,
    /// Events in it.
    pub(super) events: u64,
    /// Length of its text, in bytes.
    pub(super) text_bytes: u64,
    /// SHA-256 of its text, where a digest file names it.
    pub(super) text_sha256: Option<Sha256Digest>,
}

impl QuietFiles {
    /// Reads what the file at `path` tells, and remembers more there. A line that was cut off is left out.
    ///
    /// # Errors
    /// When the file cannot be opened, read or made.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut journal = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut known = BTreeMap::new();
        let mut reader = BufReader::new(&mut journal);
        let (mut line, mut is_whole) = (Vec::new(), true);
        loop {
            line.clear();
            let read = (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line)?;
            if read == 0 || known.len() >= MOST_OBJECTS {
                break;
            }
            is_whole = line.ends_with(b"\n");
            if let Ok(file) = serde_json::from_slice::<QuietFile>(&line) {
                known.insert((file.question, file.location.clone()), file);
            }
        }
        if !is_whole {
            journal.write_all(b"\n")?;
        }
        Ok(Self { known, journal: Some(Mutex::new(journal)) })
    }

    /// The file, if an earlier run found nothing in it and it is the same now.
    pub(super) fn get(&self, question: Sha256Digest, listed: &Listed) -> Option<&QuietFile> {
        self.known.get(&(question, listed.location.clone())).filter(|file| file.state == listed.state)
    }

    /// Remembers a file.
    pub(super) fn remember(&self, file: &QuietFile) {
        let Some(Ok(mut journal)) = self.journal.as_ref().map(Mutex::lock) else { return };
        // What is not remembered is read again, no more.
        if let Ok(mut line) = serde_json::to_vec(file) {
            line.push(b'\n');
            let _ = journal.write_all(&line);
        }
    }
}

impl QuietFile {
    pub(super) fn new(question: Sha256Digest, listed: Listed, object: Value, scanned: &Scanned) -> Self {
        let Listed { location, state, .. } = listed;
        let Scanned { events, bytes: text_bytes, text_sha256, .. } = *scanned;
        Self { question, location, state, object, events, text_bytes, text_sha256 }
    }
}

/// What is looked for in a source, as a digest: other rules, parameters or periods find other events.
pub(super) fn question(source: &str, request: &Request<'_>) -> Option<Sha256Digest> {
    let rules: BTreeMap<&String, Value> = request
        .rules
        .iter()
        .map(|(id, rule)| (id, json!({ "filter": rule.rule.filter, "parameters": rule.parameters })))
        .collect();
    let asked = json!({
        "source": source,
        "account": request.account,
        "start": request.period.start,
        "end": request.period.end,
        "rules": rules,
    });
    canonical::to_string(&asked).ok().map(|text| canonical::sha256(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::time::SystemTime;

    use super::*;
    use crate::catalog::Catalog;
    use crate::clock::Clock;
    use crate::model::{Period, Record};
    use crate::trail::coverage::Chains;
    use crate::trail::{LogSource, Rule, from_logs};

    const ACCOUNT: &str = "123456789012";

    /// A directory of log files and what an interrupted run leaves.
    struct Place {
        home: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            let home = tempfile::tempdir().unwrap();
            fs::create_dir(home.path().join("logs")).unwrap();
            Self { home }
        }

        fn write(&self, name: &str, content: &[u8]) {
            let path = self.home.path().join("logs").join(name);
            fs::write(&path, content).unwrap();
            let file = File::options().write(true).open(&path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        }

        fn event(&self, name: &str, kind: &str) {
            let event = json!({
                "eventVersion": "1.11", "eventID": name, "eventTime": "2026-07-02T00:00:00Z",
                "eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin", "awsRegion": "us-east-1",
                "recipientAccountId": ACCOUNT, "userIdentity": { "type": kind },
            });
            self.write(name, json!({ "Records": [event] }).to_string().as_bytes());
        }

        fn journal(&self) -> std::path::PathBuf {
            self.home.path().join("quiet.ndjson")
        }

        /// Searches for the use of the root user, in what began at `start`.
        fn search(&self, start: &str) -> Vec<Record> {
            let mut rules = Rule::all(&Catalog::embedded().unwrap().excerpts, &BTreeMap::new()).unwrap();
            rules.retain(|id, _| id == "root-use");
            let instant = |text: &str| text.parse().unwrap();
            let period = Period { start: instant(start), end: instant("2026-10-01T00:00:00Z") };
            let quiet = QuietFiles::open(&self.journal()).unwrap();
            let request = Request {
                rules: &rules,
                period,
                partition: "aws",
                account: ACCOUNT,
                caller: "",
                clock: Clock::Fixed(period.end),
                reading: &(),
                quiet: &quiet,
            };
            let settings = aws_sdk_s3::Config::builder().behavior_version_latest().build();
            let client = aws_sdk_s3::Client::from_conf(settings);
            let source = LogSource::Directory(self.home.path().join("logs"));
            let regions = BTreeSet::new();
            let searching =
                from_logs(&client, &source, &regions, "us-east-1", "file", request, Chains::default());
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(searching).0
        }
    }

    #[test]
    fn what_an_interrupted_run_found_nothing_in_is_not_read_again_unless_it_was_exchanged() {
        let place = Place::new();
        place.event("quiet.json", "IAMUser");
        place.event("found.json", "Root");
        let first = place.search("2026-07-01T00:00:00Z");
        assert_eq!(first[0].response().unwrap()["matched"], 1);
        assert_eq!(first[0].response().unwrap()["objects-scanned"], 2);
        let remembered = fs::read_to_string(place.journal()).unwrap();
        assert_eq!(remembered.lines().count(), 1);
        assert!(!remembered.contains("ConsoleLogin"), "no event is kept: {remembered}");

        // Whoever read it now would not find JSON; and the run was killed while it wrote.
        let length = fs::metadata(place.home.path().join("logs/quiet.json")).unwrap().len() as usize;
        place.write("quiet.json", &vec![b'x'; length]);
        fs::write(place.journal(), format!("{remembered}{{\"question\":")).unwrap();
        assert_eq!(place.search("2026-07-01T00:00:00Z"), first);
        assert_eq!(place.search("2026-07-01T00:00:00Z"), first, "the half line took nothing with it");

        let gaps = |records: &[Record]| records.iter().filter(|record| record.gap().is_some()).count();
        assert_eq!(gaps(&place.search("2026-07-02T00:00:00Z")), 1, "another question reads it");
        place.write("quiet.json", &vec![b'x'; length + 1]);
        assert_eq!(gaps(&place.search("2026-07-01T00:00:00Z")), 1, "it was exchanged");
    }
}
