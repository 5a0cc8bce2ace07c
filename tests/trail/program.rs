//! The program itself: what `[trail]` of the configuration asks for is in the bundle.

use std::collections::BTreeSet;
use std::fs;

use proofpack::bundle::read;
use proofpack::catalog::Catalog;
use proofpack::model::{Record, RecordKind};
use serde_json::json;

use super::{ACCOUNT, Asker, gaps, gzip, ids, log_file, root_event, root_ids};
use crate::support::proofpack;
use crate::support::world::World;

#[test]
fn the_configured_sources_are_searched_and_their_gaps_end_the_run_as_incomplete() {
    let world = World::start();
    let asker = Asker::new(&world);
    asker.make_bucket("trail-logs");
    let file = |id: &str| gzip(&log_file(&[root_event(id, "2026-08-01T00:00:00Z")]));
    let key = format!("AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/08/01/a.json.gz");
    asker.put("trail-logs", &key, file("in-bucket"));
    let mut event = root_event("in-history", "2026-08-02T00:00:00Z");
    event["awsRegion"] = json!("us-east-1");
    world.control("POST", "events", &json!({ "events": [event], "history_days": null }));

    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("logs")).unwrap();
    fs::write(home.path().join("logs/b.json.gz"), file("in-folder")).unwrap();
    let config = home.path().join("proofpack.toml");
    let settings = |logs: &str, region: &str| {
        format!(
            "organization = \"Example\"\n[scope]\nregions = [\"{region}\"]\nperiod-start = 2026-07-01\nperiod-end = 2026-09-30\n\
             [aws]\nendpoint-url = \"{}\"\n[trail]\nlookup-events = true\nlogs = {logs}\n",
            world.endpoint()
        )
    };
    // Root's actions in IAM are in the history of the partition's home region, wherever the resources are.
    fs::write(
        &config,
        settings(r#"["s3://trail-logs/AWSLogs/", "logs", "s3://missing-bucket/"]"#, "us-west-2"),
    )
    .unwrap();
    let output = proofpack().arg("collect").arg("--config").arg(&config).output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    let bundle = read(&home.path().join("proofpack-out/bundle")).unwrap();
    let excerpts = bundle.records.iter().filter(|stored| stored.record.kind == RecordKind::TrailExcerpt);
    let records: Vec<Record> = excerpts.map(|stored| stored.record.clone()).collect();
    assert!(records.iter().all(|record| record.source.account == ACCOUNT));
    let own: Vec<Record> = records
        .into_iter()
        .map(|mut record| {
            record.source.caller = super::CALLER.into();
            record
        })
        .collect();
    assert_eq!(root_ids(&own), ids(&["in-bucket", "in-folder", "in-history"]));
    // Every rule of the catalog, and how much of the period log files cover.
    let catalog = Catalog::embedded().unwrap();
    let asked = catalog.excerpts.keys().map(String::as_str).chain(["trail-coverage"]);
    let missing: BTreeSet<String> = asked.map(|rule| format!("{rule}: NoSuchBucket")).collect();
    assert_eq!(gaps(&own).into_iter().collect::<BTreeSet<_>>(), missing);
    assert_eq!(gaps(&own).len(), missing.len());

    fs::write(&config, settings(r#"["no-such-folder"]"#, "us-east-1")).unwrap();
    let output =
        proofpack().args(["collect", "--out", "elsewhere", "--config"]).arg(&config).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("no-such-folder") && said.contains("[trail] logs"), "{said}");
}
