//! Of a delivery only what is asked for is listed and read, and each object once; the test server's journal knows.

use std::collections::BTreeMap;
use std::fs;

use proofpack::bundle::read;
use serde_json::Value;

use super::{ACCOUNT, Asker, gaps, gzip, ids, log_file, root_event, root_ids, s3_source};
use crate::support::proofpack;
use crate::support::world::World;

const BUCKET: &str = "trail-logs";
const ORGANIZATION: &str = "o-a1b2c3d4e5";

fn key(account: &str, region: &str, day: &str) -> String {
    let (folder, stamp) = (account.rsplit('/').next().unwrap(), day.replace('/', ""));
    format!(
        "AWSLogs/{account}/CloudTrail/{region}/{day}/{folder}_CloudTrail_{region}_{stamp}T0105Z_x.json.gz"
    )
}

/// What was asked of a bucket: the prefixes of lists, whether each was of folders only, and the keys that were read.
fn asked(world: &World, bucket: &str) -> (Vec<(String, bool)>, BTreeMap<String, usize>) {
    let (mut lists, mut keys) = (Vec::new(), BTreeMap::new());
    let questions = world.control("GET", "questions", &Value::Null);
    for question in questions.as_array().unwrap() {
        let (path, query) = (question["path"].as_str().unwrap(), question["query"].as_str().unwrap());
        let Some(rest) = path.strip_prefix(&format!("/{bucket}")) else { continue };
        if question["method"] != "GET" {
            continue;
        }
        match question["operation"].as_str().unwrap() {
            "ListObjectsV2" => {
                let of = |name: &str| query.split('&').find_map(|part| part.strip_prefix(name));
                let prefix = of("prefix=").unwrap_or_default().replace("%2F", "/");
                lists.push((prefix, of("delimiter=").is_some() || of("max-keys=1").is_some()));
            }
            "GetObject" => {
                let times = question["statuses"].as_array().unwrap().len();
                *keys.entry(rest.trim_start_matches('/').to_owned()).or_default() += times;
            }
            _ => {}
        }
    }
    (lists, keys)
}

#[test]
fn nothing_outside_of_the_account_the_regions_and_the_days_is_listed_or_read() {
    let world = World::start();
    let asker = Asker::new(&world);
    asker.make_bucket(BUCKET);
    let member = format!("{ORGANIZATION}/{ACCOUNT}");
    let wanted = [
        (key(ACCOUNT, "us-east-1", "2026/07/01"), "first-day"),
        (key(ACCOUNT, "us-west-2", "2026/09/30"), "last-day"),
        (key(ACCOUNT, "us-east-1", "2026/11/01"), "late"),
        (key(&member, "us-east-1", "2026/08/15"), "organization"),
    ];
    let others = [
        key(ACCOUNT, "us-east-1", "2026/06/30"),
        key(ACCOUNT, "us-east-1", "2026/11/02"),
        key(ACCOUNT, "us-east-1", "2025/08/15"),
        key(ACCOUNT, "eu-west-1", "2026/08/15"),
        key("111122223333", "us-east-1", "2026/08/15"),
        key(&format!("{ORGANIZATION}/111122223333"), "us-east-1", "2026/08/15"),
        format!("AWSLogs/{ACCOUNT}/CloudTrail-Digest/us-east-1/2026/08/15/x.json.gz"),
        "elsewhere/2026/08/15/x.json.gz".to_owned(),
    ];
    for (key, id) in &wanted {
        asker.put(BUCKET, key, gzip(&log_file(&[root_event(id, "2026-08-15T00:00:00Z")])));
    }
    for key in &others {
        asker.put(BUCKET, key, gzip(&log_file(&[root_event("other", "2026-08-15T00:00:00Z")])));
    }
    for prefix in ["", "AWSLogs/"] {
        world.clear_journal();
        let records = asker.logs_of(&s3_source(BUCKET, prefix), &["us-east-1", "us-west-2"]);
        assert_eq!(gaps(&records), [""; 0]);
        assert_eq!(root_ids(&records), ids(&["first-day", "last-day", "late", "organization"]));
        let (lists, keys) = asked(&world, BUCKET);
        assert!(lists.len() > 8, "{lists:?}");
        for (prefix, of_folders) in &lists {
            assert!(*of_folders || others.iter().all(|key| !key.starts_with(prefix)), "{prefix}");
        }
        let read: BTreeMap<String, usize> = wanted.iter().map(|(key, _)| (key.clone(), 1)).collect();
        assert_eq!(keys, read, "each once, and no other");
    }
    // A prefix narrows further.
    for (prefix, found) in [
        (format!("AWSLogs/{ACCOUNT}/CloudTrail/"), vec!["first-day", "last-day", "late"]),
        (format!("AWSLogs/{ORGANIZATION}/"), vec!["organization"]),
        (format!("AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/07"), vec!["first-day"]),
    ] {
        let records = asker.logs_of(&s3_source(BUCKET, &prefix), &["us-east-1", "us-west-2"]);
        assert_eq!(root_ids(&records), ids(&found), "{prefix}");
    }
    let records = asker.logs_of(&s3_source(BUCKET, "AWSLogs/111122223333/"), &["us-east-1"]);
    assert!(gaps(&records).iter().all(|gap| gap.ends_with("NoLogObjects")), "another account's");
    // All regions, where none is named.
    let records = asker.logs_of(&s3_source(BUCKET, ""), &[]);
    assert_eq!(root_ids(&records), ids(&["first-day", "last-day", "late", "organization", "other"]));
}

#[test]
fn log_files_are_read_once_for_excerpts_and_validation() {
    let world = World::start();
    world.deliver(&["--hours", "24", "--break", "altered-log", "cut-log"]);
    let home = tempfile::tempdir().unwrap();
    for (bucket, invalid) in [("logs-whole", 0), ("logs-altered-log", 1), ("logs-cut-log", 1)] {
        world.clear_journal();
        let config = home.path().join("proofpack.toml");
        let settings = format!(
            "organization = \"Example\"\n[scope]\nregions = [\"us-east-1\"]\nperiod-start = 2026-07-01\nperiod-end = 2026-07-01\n\
             [aws]\nendpoint-url = \"{}\"\n[trail]\nlookup-events = false\nlogs = [\"s3://{bucket}\"]\n",
            world.endpoint()
        );
        fs::write(&config, settings).unwrap();
        let _ = fs::remove_dir_all(home.path().join("proofpack-out"));
        let output = proofpack().args(["collect", "--config"]).arg(&config).output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 5)), "{output:?}");
        let (_, mut keys) = asked(&world, bucket);
        keys.retain(|key, _| key.starts_with("AWSLogs/"));
        let logs = keys.iter().filter(|(key, _)| !key.contains("CloudTrail-Digest"));
        assert!(logs.clone().count() >= 23 * 3, "{keys:?}");
        for (key, times) in logs {
            assert_eq!(*times, 1, "{key}");
        }
        let bundle = read(&home.path().join("proofpack-out/bundle")).unwrap();
        let mut coverage = bundle.records.iter().filter_map(|stored| {
            let record = &stored.record;
            record.response().filter(|_| record.source.parameters["rule"] == "trail-coverage")
        });
        let logs = &coverage.next().unwrap()["logs"];
        assert_eq!(logs["invalid"], invalid, "{bundle:?}", bundle = bucket);
        assert!(logs["valid"].as_u64().unwrap() >= 23 * 3 - 1);
    }
}
