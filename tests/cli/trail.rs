//! `proofpack trail excerpt`, `stats` and `athena-ddl`: what they print.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::place::Place;

const ACCOUNT: &str = "123456789012";

fn event(id: &str, time: &str, region: &str, more: Value) -> Value {
    let mut event = json!({
        "eventVersion": "1.11", "eventTime": time, "eventID": id, "awsRegion": region, "eventType": "AwsApiCall",
        "eventSource": "kms.amazonaws.com", "eventName": "Decrypt", "readOnly": true, "recipientAccountId": ACCOUNT,
        "sourceIPAddress": "203.0.113.7", "userIdentity": { "type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/carol" },
    });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

/// Two log files of two regions, as a trail delivers them.
fn deliver(root: &Path) {
    let disabled = json!({ "eventName": "DisableKey", "readOnly": false, "requestParameters": { "keyId": "k\u{1b}[31m" } });
    let denied = json!({ "errorCode": "AccessDenied" });
    let root_user = json!({
        "eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin", "eventType": "AwsConsoleSignIn",
        "userIdentity": { "type": "Root" }, "responseElements": { "ConsoleLogin": "Success" }, "readOnly": false,
    });
    let files = [
        (
            "us-east-1",
            vec![
                event("1", "2026-07-01T10:00:00Z", "us-east-1", disabled),
                event("2", "2026-07-01T11:00:00Z", "us-east-1", denied),
                event("3", "2026-08-01T00:00:00Z", "us-east-1", json!({})),
            ],
        ),
        ("us-west-2", vec![event("4", "2026-07-02T10:00:00Z", "us-west-2", root_user)]),
    ];
    for (region, events) in files {
        let folder = root.join(format!("logs/AWSLogs/{ACCOUNT}/CloudTrail/{region}/2026/07/01"));
        fs::create_dir_all(&folder).unwrap();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(json!({ "Records": events }).to_string().as_bytes()).unwrap();
        let name = format!("{ACCOUNT}_CloudTrail_{region}_20260701T1200Z_abc.json.gz");
        fs::write(folder.join(name), gzip.finish().unwrap()).unwrap();
    }
}

const JULY: [&str; 4] = ["--start", "2026-07-01", "--end", "2026-07-31"];

#[test]
fn excerpts_are_shown_with_where_they_came_from() {
    let place = Place::new();
    deliver(place.root());
    let rules = [
        "--rule",
        "root-use",
        "--rule",
        "kms-key-disabled-or-scheduled-for-deletion",
        "--rule",
        "access-denied",
    ];
    let run =
        |more: &[&str]| place.run(&[&["trail", "excerpt", "logs"], &JULY[..], &rules[..], more].concat());
    let answer = run(&[]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    insta::assert_snapshot!("trail_excerpt", answer.stdout);

    let told: Value = serde_json::from_str(&run(&["--json", "--region", "us-west-2"]).stdout).unwrap();
    let records = told["records"].as_array().unwrap();
    let matched = |rule: &str| {
        let of = records.iter().find(|record| record["source"]["parameters"]["rule"] == rule).unwrap();
        of["outcome"]["response"]["matched"].as_u64().unwrap()
    };
    assert_eq!((matched("root-use"), matched("kms-key-disabled-or-scheduled-for-deletion")), (1, 0));

    // What cannot be read is said, and ends the command otherwise.
    let broken =
        place.path(&format!("logs/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/07/01/broken.json.gz"));
    fs::write(broken, b"\x1f\x8b\x08 no gzip").unwrap();
    let answer = run(&[]);
    assert_eq!(answer.code, 5, "{answer:?}");
    assert!(
        answer.stdout.contains("Not seen:") && answer.stdout.contains("LogObjectBrokenGzip"),
        "{}",
        answer.stdout
    );

    assert_eq!(place.run(&["trail", "excerpt", "logs", "--rule", "no-such-rule"]).code, 2);
    assert_eq!(place.run(&["trail", "excerpt", "logs", "--engine", "athena"]).code, 3);
    let empty = place.path("empty");
    fs::create_dir(&empty).unwrap();
    let answer = place.run(&["trail", "excerpt", "empty"]);
    assert!(answer.code == 3 && answer.stderr.contains("--account"), "{answer:?}");
}

#[test]
fn what_is_in_log_files_is_counted() {
    let place = Place::new();
    deliver(place.root());
    let run = |more: &[&str]| place.run(&[&["trail", "stats", "logs"], &JULY[..], more].concat());
    let answer = run(&[]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    // How well gzip packs is not ours to say.
    let settings = {
        let mut settings = insta::Settings::clone_current();
        settings.add_filter(r"\(\d+ bytes, \d+ of text\)", "(... bytes, ... of text)");
        settings
    };
    settings.bind(|| insta::assert_snapshot!("trail_stats", answer.stdout));
    let told: Value = serde_json::from_str(&run(&["--json", "--account", ACCOUNT]).stdout).unwrap();
    let account = &told["accounts"][ACCOUNT];
    assert_eq!((account["events"].as_u64(), account["events-elsewhere"].as_u64()), (Some(3), Some(1)));
    assert_eq!(account["calls"]["kms.amazonaws.com DisableKey"], 1);
    let east: Value = serde_json::from_str(&run(&["--json", "--region", "us-east-1"]).stdout).unwrap();
    assert_eq!(east["accounts"][ACCOUNT]["objects"], 1);
    fs::write(place.path("logs/AWSLogs/123456789012/CloudTrail/us-east-1/2026/07/01/x.json"), "{").unwrap();
    let answer = run(&[]);
    assert!(answer.code == 5 && answer.stdout.contains("NOT READ"), "{answer:?}");
}

#[test]
fn the_table_of_athena_is_made_of_the_configuration() {
    let place = Place::new();
    let write = |scope: &str, logs: &str| {
        let text = format!(
            "organization = \"Example\"\n[scope]\n{scope}\n[trail]\nlogs = [{logs}]\n[trail.athena]\ndatabase = \"audit\"\ntable = \"trail\"\n"
        );
        fs::write(place.path("proofpack.toml"), text).unwrap();
    };
    write(
        "accounts = [\"111122223333\", \"444455556666\"]",
        "\"s3://example-trail/central/AWSLogs/o-exampleorg1/${account}/CloudTrail/\"",
    );
    let answer = place.run(&["trail", "athena-ddl", "--region", "us-east-1", "--region", "eu-west-1"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    insta::assert_snapshot!("trail_athena_ddl", answer.stdout);

    write("", "\"s3://example-trail\"");
    let told: Value = serde_json::from_str(&place.run(&["trail", "athena-ddl", "--json"]).stdout).unwrap();
    let statement = told["statement"].as_str().unwrap();
    assert!(statement.contains("'projection.account.type' = 'injected'"), "{statement}");
    assert!(
        statement.contains("'s3://example-trail/AWSLogs/${account}/CloudTrail/${region}/${day}'"),
        "{statement}"
    );
    assert_eq!((&told["database"], &told["table"]), (&json!("audit"), &json!("trail")));

    for (logs, message) in [
        ("", "Athena searches one place"),
        ("\"s3://a\", \"s3://b\"", "Athena searches one place"),
        ("\".\"", "is no place in S3"),
        ("\"s3://a/it's/\"", "cannot have"),
    ] {
        write("", logs);
        let answer = place.run(&["trail", "athena-ddl"]);
        assert!(answer.code == 3 && answer.stderr.contains(message), "{logs}: {answer:?}");
    }
    assert_eq!(place.run(&["trail", "athena-ddl", "--account", "1"]).code, 2);
}
