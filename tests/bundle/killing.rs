//! A run that is killed at any moment leaves no bundle, or a whole one; and what it had recorded is kept.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use proofpack::bundle::{self, WriteError, Writer};
use proofpack::model::Record;
use serde_json::json;

use crate::support::bundles::{answered, files_below, seal, seal_info};
use crate::support::killing::kill_at_any_moment;

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

#[test]
fn a_kill_at_any_moment_leaves_no_half_bundle() {
    let home = tempfile::tempdir().unwrap();
    let expected = files_below(&seal(home.path(), "expected", &records()));
    let (finished, mut recorded) = (Cell::new(0), 0);
    let target = || home.path().join(format!("bag-{}", finished.get()));
    let look = |_: bool| {
        let target = target();
        if target.exists() {
            // Whole, whether the run came to its end or not.
            assert_eq!(files_below(&target), expected);
            bundle::read(&target).unwrap();
            finished.set(finished.get() + 1);
            recorded = 0;
            return true;
        }
        if Writer::is_unfinished(&target) {
            let kept = Writer::resume(&target).unwrap().ids().count();
            assert!(kept >= recorded, "{kept} of {recorded} records were kept");
            recorded = kept;
            assert!(matches!(Writer::create(&target), Err(WriteError::Unfinished(_))));
        }
        false
    };
    kill_at_any_moment(|| start(&target()), look);
}
