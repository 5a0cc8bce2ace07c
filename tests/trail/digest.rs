//! Validation of log files by digest files, verdict for verdict as `aws cloudtrail validate-logs` on the same bucket.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::support::world::World;
use crate::support::{proofpack, python_tool, succeed};

const START: &str = "2026-07-01T00:00:00Z";
const END: &str = "2026-07-01T06:00:00Z";

/// A world with a bucket for every way to break a delivery, and what was done to each.
struct Deliveries {
    world: World,
    facts: Value,
}

fn deliveries() -> &'static Deliveries {
    static DELIVERIES: OnceLock<Deliveries> = OnceLock::new();
    DELIVERIES.get_or_init(|| {
        let world = World::start();
        let facts = world.deliver(&[]);
        Deliveries { world, facts }
    })
}

/// What came of a bucket.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
struct Verdict {
    /// Valid ones, and all.
    digests: (u64, u64),
    backfill: (u64, u64),
    logs: (u64, u64),
    wrong: BTreeSet<String>,
    gaps: BTreeSet<(String, String)>,
}

impl Deliveries {
    fn fact(&self, kind: &str, name: &str) -> String {
        self.facts["deliveries"][kind][name].as_str().unwrap_or_else(|| panic!("{kind} {name}")).to_owned()
    }

    fn location(&self, kind: &str, name: &str) -> String {
        format!("s3://{}/{}", self.fact(kind, "bucket"), self.fact(kind, name))
    }

    /// What `aws cloudtrail validate-logs` says.
    fn oracle(&self, bucket: &str, trail: &str, start: &str, end: &str, more: &[&str]) -> Verdict {
        let mut command = python_tool("aws");
        command
            .args(["cloudtrail", "validate-logs", "--verbose", "--s3-bucket", bucket])
            .args(["--start-time", start, "--end-time", end, "--trail-arn"])
            .arg(format!("arn:aws:cloudtrail:us-east-1:123456789012:trail/{trail}"))
            .args(more)
            .env("AWS_ENDPOINT_URL", self.world.endpoint());
        let output = command.output().unwrap();
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let mut verdict = Verdict::default();
        for line in said.lines() {
            if let Some((file, _)) = line.split_once("\tINVALID: ") {
                verdict.wrong.insert(file.rsplit('\t').next().unwrap().to_owned());
            } else if let Some(times) = line.split_once("delivered by CloudTrail between ") {
                let (from, to) = times.1.split_once(" and ").unwrap();
                verdict.gaps.insert((from.to_owned(), to.to_owned()));
            } else if let Some((count, rest)) = line.split_once(' ') {
                let Some((valid, all)) = count.split_once('/') else { continue };
                let (Ok(valid), Ok(all)) = (valid.parse(), all.parse()) else { continue };
                match rest.split(" files").next().unwrap() {
                    "digest" => verdict.digests = (valid, all),
                    "backfill digest" => verdict.backfill = (valid, all),
                    "log" => verdict.logs = (valid, all),
                    other => panic!("{other}: {said}"),
                }
            }
        }
        assert!(verdict.digests.1 > 0, "{said}");
        assert_eq!(output.status.code() == Some(1), !verdict.wrong.is_empty(), "{said}");
        verdict
    }

    fn validate(&self, source: &str, start: &str, end: &str) -> Command {
        let mut command = proofpack();
        command.args(["trail", "validate", source, "--start", start, "--end", end]);
        command.env("AWS_ENDPOINT_URL", self.world.endpoint());
        command
    }

    /// What ours says, with its exit code.
    fn ours(&self, source: &str, start: &str, end: &str) -> (Verdict, Value, i32) {
        read(self.validate(source, start, end).arg("--json").output().unwrap())
    }
}

fn read(output: Output) -> (Verdict, Value, i32) {
    let code = output.status.code().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let validations = said["validations"].as_array().unwrap();
    assert_eq!(validations.len(), 1, "{said:#}");
    let one = validations[0].clone();
    let count = |name: &str| {
        let of = |part: &str| one[name][part].as_u64().unwrap();
        (of("valid"), of("valid") + of("invalid") + of("unknown"))
    };
    let mut verdict = Verdict {
        digests: count("digests"),
        backfill: count("backfill-digests"),
        logs: count("logs"),
        ..Verdict::default()
    };
    for problem in one["problems"].as_array().unwrap() {
        let text = |name: &str| problem[name].as_str().unwrap().to_owned();
        match text("kind").as_str() {
            "no-delivery" => _ = verdict.gaps.insert((text("start"), text("end"))),
            _ => _ = verdict.wrong.insert(text("location")),
        }
    }
    (verdict, one, code)
}

/// What is wrong with each delivery, by the kinds of problems; and where ours is stricter than the AWS CLI.
const EXPECTED: &[(&str, &[&str])] = &[
    ("whole", &[]),
    ("repacked-log", &[]),
    ("newest-digest-missing", &[]),
    ("altered-log", &["log-altered"]),
    ("missing-log", &["log-missing"]),
    ("unpacked-log", &["log-altered"]),
    ("appended-log", &["log-altered"]),
    ("cut-log", &["log-altered"]),
    ("missing-digest", &["digest-missing"]),
    ("altered-digest", &["digest-altered"]),
    ("broken-digest", &["digest-malformed"]),
    ("empty-digest", &["digest-malformed"]),
    ("bad-signature", &["digest-altered"]),
    ("no-signature", &["digest-unsigned"]),
    ("moved-digest", &["digest-moved"]),
    ("unknown-key", &["key-unknown"]),
    ("claimed-key", &["digest-altered"]),
    ("gap", &["no-delivery"]),
    ("backfill", &["no-delivery"]),
    ("altered-backfill", &["no-delivery", "digest-altered"]),
    ("moved-bucket", &[]),
];

/// The kinds of problems, but for log files that no digest file names: where a digest file is not valid, those that it named.
fn kinds(one: &Value) -> Vec<&str> {
    one["problems"].as_array().unwrap().iter().map(|problem| problem["kind"].as_str().unwrap()).collect()
}

#[test]
fn every_verdict_is_that_of_the_aws_cli() {
    let deliveries = deliveries();
    for (kind, expected) in EXPECTED {
        let bucket = deliveries.fact(kind, "bucket");
        let (ours, one, code) = deliveries.ours(&format!("s3://{bucket}"), START, END);
        assert_eq!(ours, deliveries.oracle(&bucket, "audit", START, END, &[]), "{kind}: {one:#}");
        assert_eq!(kinds(&one), *expected, "{kind}: {one:#}");
        let alarming = !expected.iter().all(|kind| *kind == "no-delivery");
        let covered = one["holes"].as_array().unwrap().is_empty();
        assert_eq!(
            code,
            if alarming {
                1
            } else if covered {
                0
            } else {
                5
            },
            "{kind}"
        );
        assert_eq!(
            covered,
            matches!(*kind, "whole" | "repacked-log" | "backfill" | "moved-bucket"),
            "{kind}: {one:#}"
        );
    }
}

#[test]
fn the_hours_in_question_are_not_covered() {
    let deliveries = deliveries();
    let holes = |kind: &str| {
        let (_, one, _) = deliveries.ours(&format!("s3://{}", deliveries.fact(kind, "bucket")), START, END);
        let time = |hole: &Value, end: &str| hole[end].as_str().unwrap()[11..16].to_owned();
        let holes = one["holes"].as_array().unwrap();
        holes.iter().map(|hole| format!("{}-{}", time(hole, "start"), time(hole, "end"))).collect::<Vec<_>>()
    };
    assert_eq!(holes("altered-log"), ["03:00-04:00"]);
    assert_eq!(holes("missing-digest"), ["03:00-04:00"]);
    assert_eq!(holes("bad-signature"), ["03:00-04:00"]);
    assert_eq!(holes("newest-digest-missing"), ["05:00-06:00"]);
    assert_eq!(holes("gap"), ["02:00-04:00"]);
    assert_eq!(holes("altered-backfill"), ["02:00-03:00"]);
}

#[test]
fn a_period_begins_and_ends_where_the_aws_cli_lets_it() {
    let deliveries = deliveries();
    for kind in ["whole", "missing-digest", "gap"] {
        let bucket = deliveries.fact(kind, "bucket");
        for (start, end) in [
            ("2026-07-01T01:30:00Z", "2026-07-01T03:15:00Z"),
            ("2026-07-01T02:00:00Z", "2026-07-01T05:00:00Z"),
            ("2026-06-29T00:00:00Z", "2026-07-09T00:00:00Z"),
            ("2026-07-01T05:59:59Z", "2026-07-01T06:00:00Z"),
        ] {
            let (ours, one, _) = deliveries.ours(&format!("s3://{bucket}"), start, end);
            let theirs = deliveries.oracle(&bucket, "audit", start, end, &[]);
            assert_eq!(ours, theirs, "{kind}, {start} to {end}: {one:#}");
        }
    }
}

#[test]
fn what_the_aws_cli_passes_over_is_told() {
    let deliveries = deliveries();
    // A log file that no digest file names: put there by somebody.
    let bucket = deliveries.fact("extra-log", "bucket");
    let theirs = deliveries.oracle(&bucket, "audit", START, END, &[]);
    assert_eq!(theirs.wrong, BTreeSet::new());
    let (mut ours, one, code) = deliveries.ours(&format!("s3://{bucket}"), START, END);
    let extra = deliveries.location("extra-log", "log").replace(".json.gz", "X.json.gz");
    assert_eq!((ours.wrong, code), (BTreeSet::from([extra]), 1));
    assert_eq!(kinds(&one), ["log-not-in-a-digest"]);
    ours.wrong = BTreeSet::new();
    assert_eq!(ours, theirs);

    // A digest file of the same hour and place that CloudTrail signed, but not the one that the chain was made with.
    let bucket = deliveries.fact("replaced-digest", "bucket");
    assert_eq!(deliveries.oracle(&bucket, "audit", START, END, &[]).wrong, BTreeSet::new());
    let (ours, one, code) = deliveries.ours(&format!("s3://{bucket}"), START, END);
    assert_eq!((ours.wrong, code), (BTreeSet::from([deliveries.location("replaced-digest", "digest")]), 1));
    assert_eq!(kinds(&one), ["digest-replaced"]);
}

#[test]
fn all_trails_of_a_bucket_are_validated_at_once() {
    let deliveries = deliveries();
    let bucket = deliveries.fact("second-trail", "bucket");
    let (ours, one, code) = deliveries.ours(&format!("s3://{bucket}"), START, END);
    let one_of = |trail: &str| deliveries.oracle(&bucket, trail, START, END, &[]);
    let (first, second) = (one_of("audit"), one_of("other_trail"));
    assert_eq!(ours.digests, (first.digests.0 + second.digests.0, first.digests.1 + second.digests.1));
    assert_eq!(ours.logs, (first.logs.0 + second.logs.0, first.logs.1 + second.logs.1));
    assert_eq!((one["trails"].clone(), code), (json!(["audit", "other_trail"]), 0));
    let only = deliveries
        .validate(&format!("s3://{bucket}"), START, END)
        .args(["--trail", "other_trail", "--json"])
        .output();
    assert_eq!(read(only.unwrap()).0, second);
}

#[test]
fn a_prefix_and_an_organization_are_found() {
    let deliveries = deliveries();
    let bucket = deliveries.fact("prefix", "bucket");
    let theirs = deliveries.oracle(&bucket, "audit", START, END, &["--s3-prefix", "trails/of/ours"]);
    for prefix in ["trails/of/ours", "trails/of/ours/AWSLogs/123456789012/CloudTrail/us-east-1/"] {
        assert_eq!(deliveries.ours(&format!("s3://{bucket}/{prefix}"), START, END).0, theirs);
    }
    let (ours, _, code) =
        deliveries.ours(&format!("s3://{}", deliveries.fact("organization", "bucket")), START, END);
    assert_eq!((ours, code), (theirs, 0));
    let wrong = deliveries.validate(&format!("s3://{bucket}/nowhere"), START, END).output().unwrap();
    assert_eq!(wrong.status.code(), Some(3), "{wrong:?}");
}

fn sync(deliveries: &Deliveries, bucket: &str, folder: &Path) {
    let mut command = python_tool("aws");
    command.args(["s3", "sync", "--quiet", &format!("s3://{bucket}")]).arg(folder);
    succeed(command.env("AWS_ENDPOINT_URL", deliveries.world.endpoint()));
}

#[test]
fn a_copy_is_validated_without_aws() {
    let deliveries = deliveries();
    let home = tempfile::tempdir().unwrap();
    let keys = home.path().join("keys.json");
    let bucket = deliveries.fact("whole", "bucket");
    succeed(deliveries.validate(&format!("s3://{bucket}"), START, END).arg("--save-keys").arg(&keys));
    let folder = home.path().join("copy");
    sync(deliveries, &bucket, &folder);
    let offline = |folder: &Path, keys: &Path, end: &str| {
        let mut command = proofpack();
        command
            .args(["trail", "validate", "--json", "--start", START, "--end", end, "--keys"])
            .arg(keys)
            .arg(folder);
        read(command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1").output().unwrap())
    };
    let (ours, one, code) = offline(&folder, &keys, END);
    assert_eq!((ours.digests, ours.logs, code), ((5, 6), (12, 12), 5), "{one:#}");
    assert_eq!(kinds(&one), ["signature-not-copied"]);
    // The newest digest file is of no use but for the one before it.
    assert_eq!(offline(&folder, &keys, "2026-07-01T05:00:00Z").2, 0);

    // Its metadata, as the AWS CLI prints it, beside it; and the keys as the AWS CLI prints them.
    let newest = deliveries.fact("whole", "digest").replace("T040000Z", "T060000Z");
    let mut command = python_tool("aws");
    command.args(["s3api", "head-object", "--output", "json", "--bucket", &bucket, "--key", &newest]);
    let head = succeed(command.env("AWS_ENDPOINT_URL", deliveries.world.endpoint())).stdout;
    fs::write(folder.join(format!("{newest}.head.json")), head).unwrap();
    let mut command = python_tool("aws");
    command.args([
        "cloudtrail",
        "list-public-keys",
        "--output",
        "json",
        "--start-time",
        START,
        "--end-time",
        END,
    ]);
    let listed = succeed(command.env("AWS_ENDPOINT_URL", deliveries.world.endpoint())).stdout;
    let their_keys = home.path().join("their-keys.json");
    fs::write(&their_keys, listed).unwrap();
    for place in [folder.clone(), folder.join("AWSLogs/123456789012/CloudTrail")] {
        let (ours, one, code) = offline(&place, &their_keys, END);
        assert_eq!((ours.digests, ours.logs, code), ((6, 6), (15, 15), 0), "{one:#}");
    }

    // Log files that were altered in the copy.
    let log = folder.join(deliveries.fact("whole", "log"));
    fs::write(&log, fs::read(folder.join(deliveries.fact("whole", "log"))).unwrap().repeat(2)).unwrap();
    let (ours, _, code) = offline(&folder, &keys, END);
    assert_eq!((ours.wrong, code), (BTreeSet::from([log.display().to_string()]), 1));
    // Links lead nowhere.
    #[cfg(unix)]
    {
        fs::rename(&log, home.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink(home.path().join("elsewhere"), &log).unwrap();
        let (_, one, _) = offline(&folder, &keys, END);
        assert_eq!(kinds(&one), ["log-unreadable"]);
    }
}

#[test]
fn people_read_what_is_wrong_and_when() {
    let deliveries = deliveries();
    let bucket = deliveries.fact("altered-log", "bucket");
    let output = deliveries.validate(&format!("s3://{bucket}"), START, END).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stdout);
    for part in [
        "account 123456789012, us-east-1 (trail audit)",
        "6 of 6 valid",
        "14 of 15 valid, 1 WRONG",
        "5.0 of 6.0 hours",
        "2026-07-01 03:00:00 to 2026-07-01 04:00:00",
        "WRONG 2026-07-01T03:00:00Z to 2026-07-01T04:00:00Z: a log file was altered",
        "WRONG: files were altered, removed or added",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn what_aws_refuses_is_no_verdict() {
    let world = World::start();
    let facts = world.deliver(&["--break"]);
    let deliveries = Deliveries { world, facts };
    let source = format!("s3://{}", deliveries.fact("whole", "bucket"));
    deliveries.world.plant(json!({"kind": "deny", "service": "cloudtrail", "operation": "ListPublicKeys"}));
    let output = deliveries.validate(&source, START, END).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--keys FILE"));
    deliveries.world.clear_faults();

    let log = deliveries.fact("whole", "log");
    deliveries.world.plant(
        json!({"kind": "deny", "operation": "GetObject", "contains": log.rsplit('/').next().unwrap()}),
    );
    let (ours, one, code) = deliveries.ours(&source, START, END);
    assert_eq!((ours.logs, kinds(&one), code), ((14, 15), vec!["log-unreadable"], 5));
    deliveries.world.clear_faults();

    let digest = deliveries.fact("whole", "digest");
    deliveries.world.plant(
        json!({"kind": "deny", "operation": "GetObject", "contains": digest.rsplit('/').next().unwrap()}),
    );
    let (ours, one, code) = deliveries.ours(&source, START, END);
    assert_eq!((ours.digests, code), ((5, 6), 5), "{one:#}");
    assert!(kinds(&one).contains(&"digest-unreadable"));
}
