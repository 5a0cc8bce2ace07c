//! Collections that are killed at any moment, and go on: they end with the same records as one that was left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use proofpack::bundle::{self, Bundle, Writer};
use proofpack::canonical::sha256;
use proofpack::model::{RecordId, RecordOutcome};
use serde_json::json;

use crate::support::proofpack;
use crate::support::world::World;

/// How often a collection is killed.
const KILLS: usize = 20;

/// A folder with a configuration for the world.
struct Place(tempfile::TempDir);

impl Place {
    fn new(world: &World, more: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let text = format!(
            "organization = \"Tests\"\n[scope]\nregions = [\"us-east-1\"]\n[aws]\nendpoint-url = \"{}\"\n{more}",
            world.endpoint()
        );
        fs::write(place.0.path().join("proofpack.toml"), text).unwrap();
        place
    }

    fn collect(&self, arguments: &[&str]) -> Command {
        let mut command = proofpack();
        command.arg("collect").args(arguments).current_dir(self.0.path()).env("HOME", self.0.path());
        command
    }

    fn target(&self) -> std::path::PathBuf {
        self.0.path().join("proofpack-out/bundle")
    }

    fn start(&self) -> Child {
        self.collect(&[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    #[track_caller]
    fn finish(&self, arguments: &[&str]) -> String {
        let output = self.collect(arguments).output().unwrap();
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(matches!(output.status.code(), Some(0 | 5)), "{:?}: {said}", output.status);
        said
    }
}

/// The questions of a bundle's records and what came back; fails on a question that is there twice.
fn answers(target: &Path) -> BTreeMap<String, String> {
    let Bundle { records, .. } = bundle::read(target).unwrap();
    let mut answers = BTreeMap::new();
    for stored in records {
        let source = stored.record.source;
        let question = format!(
            "{} {} {} {} {}",
            source.account, source.region, source.service, source.operation, source.parameters
        );
        let outcome = match stored.record.outcome {
            // What the server makes anew with each answer.
            RecordOutcome::Response(_) if source.operation.contains("CredentialReport") => {
                "a report".to_owned()
            }
            RecordOutcome::Response(response) => response.to_string(),
            RecordOutcome::Error(error) => format!("{} {:?}", error.code, error.meaning),
        };
        assert!(answers.insert(question.clone(), outcome).is_none(), "twice: {question}");
    }
    answers
}

/// Moments between nothing and one, the same in every run of the test.
fn moments() -> impl Iterator<Item = f64> {
    (0_u32..).map(|number| f64::from(sha256(&number.to_be_bytes()).as_bytes()[0]) / 256.0)
}

#[test]
fn a_collection_that_is_killed_at_any_moment_goes_on_and_ends_with_the_same_records() {
    let world = World::start_at("2026-10-01T12:00:00Z");
    world.seed("bare");
    world.clear_faults();
    let alone = Place::new(&world, "");
    let started = Instant::now();
    alone.finish(&[]);
    // Adapted to what else the machine does: longer when a kill came before anything new was recorded.
    let mut whole = started.elapsed();
    let expected = answers(&alone.target());
    assert!(expected.len() > 40, "{} records are too few", expected.len());

    let (mut kills, mut on_the_way, mut finished) = (0, BTreeSet::new(), 0);
    let mut moments = moments();
    while kills < KILLS {
        let place = Place::new(&world, "");
        let mut kept = 0;
        loop {
            let mut child = place.start();
            thread::sleep(whole.mul_f64(0.05 + 0.25 * moments.next().unwrap()));
            let _ = child.kill();
            let ended = child.wait().unwrap();
            if place.target().exists() {
                whole = whole * 4 / 5;
                break;
            }
            assert!(!ended.success(), "the run ended well and left no bundle");
            kills += 1;
            if Writer::is_unfinished(&place.target()) {
                let now = Writer::resume(&place.target()).unwrap().ids().count();
                assert!(now >= kept, "{now} of {kept} records were kept");
                if now == kept {
                    whole = whole * 6 / 5;
                }
                kept = now;
                on_the_way.insert(kept);
            }
            if kills >= KILLS {
                place.finish(&[]);
                break;
            }
        }
        finished += 1;
        assert_eq!(answers(&place.target()), expected);
    }
    assert!(
        finished >= 1 && on_the_way.len() >= 4,
        "killed only at {on_the_way:?} records: it shows nothing"
    );
}

#[test]
fn what_was_recorded_is_not_asked_again_unless_it_is_too_old_or_a_new_beginning_is_asked_for() {
    let world = World::start();
    world.seed("bare");
    world.clear_faults();
    // Nobody comes past this call.
    world.plant(json!({"kind": "slow", "service": "sns", "operation": "ListTopics", "delay_seconds": 600, "times": 1}));
    let place = Place::new(&world, "");
    let mut child = place.start();
    let journal = place.0.path().join("proofpack-out/bundle.partial/journal.ndjson");
    let lines = || fs::read_to_string(&journal).unwrap_or_default().lines().count();
    let (mut before, mut quiet) = (0, 0);
    let started = Instant::now();
    // Until all but that call is recorded, or at least a good part.
    while quiet < 30 || before < 30 {
        thread::sleep(Duration::from_millis(100));
        let now = lines();
        quiet = if now == before { quiet + 1 } else { 0 };
        before = now;
        assert!(started.elapsed() < Duration::from_secs(300), "{now} records");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let text = fs::read_to_string(&journal).unwrap();
    let left: BTreeSet<RecordId> = text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .map(|line| RecordId(sha256(line.trim_end().as_bytes())))
        .collect();

    // Another scope is refused, and says what to do.
    let text = fs::read_to_string(place.0.path().join("proofpack.toml")).unwrap();
    fs::write(place.0.path().join("proofpack.toml"), text.replace("us-east-1\"", "us-west-2\"")).unwrap();
    let refused = place.collect(&[]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(3), "{said}");
    assert!(said.contains("regions were others") && said.contains("--fresh"), "{said}");
    fs::write(place.0.path().join("proofpack.toml"), &text).unwrap();

    world.clear_journal();
    let said = place.finish(&[]);
    assert!(said.contains("kept from the run before"), "{said}");
    let bundle = bundle::read(&place.target()).unwrap();
    let (kept, new): (Vec<_>, Vec<_>) = bundle.records.iter().partition(|stored| left.contains(&stored.id));
    assert!(kept.len() > 25 && !new.is_empty(), "{} and {}", kept.len(), new.len());
    // What the server was asked in the second run is what the new records tell, and nothing else.
    let mut told: BTreeMap<String, u64> = BTreeMap::new();
    for stored in new {
        let source = &stored.record.source;
        for exchange in &stored.record.exchanges {
            let key =
                format!("{}:{}:{}:{}", source.service, source.operation, source.region, exchange.status);
            *told.entry(key).or_default() += 1;
        }
    }
    let asked: BTreeMap<String, u64> = serde_json::from_value(world.journal()).unwrap();
    // Attempts that failed and were made again leave only the last answer.
    let lasting = |counts: &BTreeMap<String, u64>| -> BTreeMap<String, u64> {
        let lasting =
            counts.iter().filter(|(key, _)| key.ends_with(":200") && !key.contains("CredentialReport"));
        lasting.map(|(key, count)| (key.clone(), *count)).collect()
    };
    assert_eq!(lasting(&told), lasting(&asked));
    assert!(asked.keys().any(|key| key.starts_with("sns:ListTopics:")), "{asked:?}");
    let first = bundle.records.iter().map(|stored| stored.record.collected_at).min().unwrap();
    assert_eq!(bundle.manifest.collection_started, first);
}

#[test]
#[cfg(unix)]
fn ctrl_c_seals_nothing_and_says_how_to_go_on() {
    let world = World::start();
    world.seed("bare");
    world.clear_faults();
    world.plant(json!({"kind": "slow", "delay_seconds": 0.1}));
    let place = Place::new(&world, "");
    let mut command = place.collect(&[]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let journal = place.0.path().join("proofpack-out/bundle.partial/journal.ndjson");
    let started = Instant::now();
    while fs::read_to_string(&journal).unwrap_or_default().lines().count() < 5 {
        thread::sleep(Duration::from_millis(20));
        assert!(started.elapsed() < Duration::from_secs(120));
    }
    let stopped = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("nothing was sealed") && said.contains("--fresh"), "{said}");
    assert!(!place.target().exists() && Writer::is_unfinished(&place.target()));
    world.clear_faults();
    let said = place.finish(&[]);
    assert!(said.contains("kept from the run before"), "{said}");

    // A new beginning keeps nothing.
    let other = Place::new(&world, "");
    let writer = Writer::create(&other.target()).unwrap();
    drop(writer);
    let said = other.finish(&["--fresh"]);
    assert!(!said.contains("kept"), "{said}");
}
