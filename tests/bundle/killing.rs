//! A run that is killed at any moment leaves no bundle, or a whole one; and what it had recorded is kept.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use proofpack::bundle::{self, WriteError, Writer};
use proofpack::model::Record;
use serde_json::json;

use crate::support::bundles::{answered, files_below, seal, seal_info};

const TARGET: &str = "PROOFPACK_TEST_KILLED_BUNDLE";

fn records() -> Vec<Record> {
    let record = |number: u32| {
        let bucket = json!({ "Bucket": format!("bucket-{number}") });
        answered(
            "s3",
            ["GetBucketAcl", "GetBucketCors"][number as usize % 2],
            bucket,
            json!({ "Number": number }),
        )
    };
    (0..300).map(record).collect()
}

/// Not a test of its own: what the other test starts and kills.
#[test]
#[ignore = "runs as the child of another test"]
fn the_run_that_is_killed() {
    let target = PathBuf::from(std::env::var_os(TARGET).unwrap());
    let mut writer =
        if Writer::is_unfinished(&target) { Writer::resume(&target) } else { Writer::create(&target) }
            .unwrap();
    for record in records() {
        writer.append(&record).unwrap();
    }
    writer.seal(seal_info()).unwrap();
}

#[test]
fn a_kill_at_any_moment_leaves_no_half_bundle() {
    let home = tempfile::tempdir().unwrap();
    let expected = files_below(&seal(home.path(), "expected", &records()));
    let (mut killed, mut finished) = (0, 0);
    for round in 0..6 {
        let target = home.path().join(format!("bag-{round}"));
        let mut recorded = 0;
        for step in 0..200 {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "bundle::killing::the_run_that_is_killed", "--ignored"])
                .env(TARGET, &target)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            thread::sleep(Duration::from_millis(5 + round * 7 + step * 40));
            let _ = child.kill();
            let ended = child.wait().unwrap();
            if target.exists() {
                // Whole, whether the run came to its end or not.
                assert_eq!(files_below(&target), expected, "round {round}");
                bundle::read(&target).unwrap();
                finished += 1;
                break;
            }
            assert!(!ended.success(), "round {round}: the run ended well and left no bundle");
            killed += 1;
            if Writer::is_unfinished(&target) {
                let kept = Writer::resume(&target).unwrap().ids().count();
                assert!(kept >= recorded, "round {round}: {kept} of {recorded} records were kept");
                recorded = kept;
                assert!(matches!(Writer::create(&target), Err(WriteError::Unfinished(_))));
            }
        }
    }
    assert_eq!(finished, 6);
    assert!(
        killed >= 5,
        "only {killed} runs were killed before their end: the test is too slow to show anything"
    );
}
