//! A run that is killed at any moment leaves no bundle, or a whole one; and what it had recorded is kept.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

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

fn start(target: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "bundle::killing::the_run_that_is_killed", "--ignored"])
        .env(TARGET, target)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills come at moments spread over what a run takes. How long that is differs with what else the machine does: what
/// is assumed grows with every run that was killed and shrinks with every one that came to its end before.
#[test]
fn a_kill_at_any_moment_leaves_no_half_bundle() {
    let home = tempfile::tempdir().unwrap();
    let expected = files_below(&seal(home.path(), "expected", &records()));
    let undisturbed = Instant::now();
    assert!(start(&home.path().join("undisturbed")).wait().unwrap().success());
    let mut takes = undisturbed.elapsed();
    let (mut killed, mut finished, mut recorded) = (0, 0, 0);
    for attempt in 0..300 {
        let target = home.path().join(format!("bag-{finished}"));
        let mut child = start(&target);
        let wait = takes * (attempt * 7 % 20 + 1) / 20;
        thread::sleep(wait);
        let _ = child.kill();
        let ended = child.wait().unwrap();
        if target.exists() {
            // Whole, whether the run came to its end or not.
            assert_eq!(files_below(&target), expected, "attempt {attempt}");
            bundle::read(&target).unwrap();
            takes = takes * 4 / 5;
            finished += 1;
            recorded = 0;
            if killed >= 20 && finished >= 6 {
                return;
            }
            continue;
        }
        assert!(!ended.success(), "attempt {attempt}: the run ended well and left no bundle");
        killed += 1;
        takes = takes * 21 / 20;
        if Writer::is_unfinished(&target) {
            let kept = Writer::resume(&target).unwrap().ids().count();
            assert!(kept >= recorded, "attempt {attempt}: {kept} of {recorded} records were kept");
            recorded = kept;
            assert!(matches!(Writer::create(&target), Err(WriteError::Unfinished(_))));
        }
    }
    panic!("{killed} runs were killed before their end and {finished} came to it: that shows nothing");
}
