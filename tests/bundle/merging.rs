//! Several bundles made one: what comes out, and everything that is refused.

use std::fs;
use std::path::{Path, PathBuf};

use proofpack::bundle::{MergeError, SealInfo, Writer, merge, read};
use proofpack::canonical::sha256;
use proofpack::model::{ErrorMeaning, LeftOut, Manifest, Record, Scope, Shard};
use serde_json::json;

use crate::support::bundles::{answered, files_below, refused, seal_info};

const ONE: &str = "111111111111";
const TWO: &str = "222222222222";
const THREE: &str = "333333333333";

/// Two records of an account, one of them a gap.
fn records_of(account: &str) -> Vec<Record> {
    let mut records = vec![
        answered("sts", "GetCallerIdentity", json!({}), json!({ "Account": account })),
        refused("s3", "ListBuckets", json!({}), "AccessDenied", ErrorMeaning::Gap),
    ];
    for record in &mut records {
        record.source.account = account.to_owned();
    }
    records
}

fn info_of(accounts: &[&str]) -> SealInfo {
    let usual = seal_info();
    let scope = Scope::new("aws", accounts.iter().copied(), ["us-east-1"], usual.scope.period);
    SealInfo { scope, ..usual }
}

fn sealed(place: &Path, name: &str, info: SealInfo, records: &[Record]) -> PathBuf {
    let target = place.join(name);
    let mut writer = Writer::create(&target).unwrap();
    for record in records {
        writer.append(record).unwrap();
    }
    writer.seal(info).unwrap();
    target
}

/// A bundle of one account.
fn bundle_of(place: &Path, account: &str, change: impl FnOnce(&mut SealInfo)) -> PathBuf {
    let mut info = info_of(&[account]);
    change(&mut info);
    sealed(place, account, info, &records_of(account))
}

/// The shard `number` of three over three accounts.
fn shard_of(place: &Path, number: u32, change: impl FnOnce(&mut SealInfo)) -> PathBuf {
    let shard = Shard { number, of: 3, accounts: [ONE, TWO, THREE].map(str::to_owned).to_vec() };
    let account = [ONE, TWO, THREE][number as usize - 1];
    bundle_of(place, account, |info| {
        info.shard = Some(shard);
        change(info);
    })
}

#[track_caller]
fn refused_with(place: &Path, inputs: &[PathBuf], part: &str) -> MergeError {
    let target = place.join("merged");
    let error = merge(&target, inputs, false).unwrap_err();
    assert!(error.to_string().contains(part), "{error}");
    assert!(!target.exists() && !place.join("merged.partial").exists(), "something was left behind");
    error
}

#[test]
fn what_comes_out_is_the_bundle_of_all_of_them_in_whatever_order_they_are_named() {
    let home = tempfile::tempdir().unwrap();
    let place = home.path();
    let parts = [1, 2, 3].map(|number| {
        shard_of(place, number, |info| {
            info.collection_started -= chrono::TimeDelta::minutes(i64::from(number));
            info.sealed_at += chrono::TimeDelta::minutes(i64::from(number));
        })
    });
    let manifest = merge(&place.join("merged"), &parts, false).unwrap();
    let bundle = read(&place.join("merged")).unwrap();
    assert_eq!(bundle.manifest, manifest);

    let mut alone = info_of(&[ONE, TWO, THREE]);
    alone.collection_started -= chrono::TimeDelta::minutes(3);
    alone.sealed_at += chrono::TimeDelta::minutes(3);
    alone.tool = manifest.tool.clone();
    alone.merged_from_sha256 = parts.iter().map(|part| read(part).unwrap().manifest_sha256).collect();
    alone.merged_from_sha256.sort_unstable();
    let records: Vec<Record> = [ONE, TWO, THREE].iter().flat_map(|account| records_of(account)).collect();
    let whole = sealed(place, "whole", alone, &records);
    assert_eq!(files_below(&place.join("merged")), files_below(&whole));

    for (name, order) in [("other", [2, 0, 1]), ("another", [1, 2, 0])] {
        let inputs = order.map(|number: usize| parts[number].clone());
        merge(&place.join(name), &inputs, false).unwrap();
        assert_eq!(files_below(&place.join(name)), files_below(&whole));
    }
    // What was merged can be merged again, with what belongs to no run.
    let fourth = bundle_of(place, "444444444444", |_| {});
    let manifest = merge(&place.join("more"), &[place.join("merged"), fourth], false).unwrap();
    assert_eq!(manifest.scope.accounts.len(), 4);
}

#[test]
fn scopes_are_joined() {
    let home = tempfile::tempdir().unwrap();
    let regions = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let one = bundle_of(home.path(), ONE, |info| {
        info.scope.regions = regions(&["eu-west-1", "us-east-1"]);
        info.scope.regions_not_enabled.insert(ONE.into(), ["af-south-1".to_owned()].into());
        info.scope.accounts_left_out.insert(THREE.into(), LeftOut::Suspended);
        info.scope.accounts_left_out.insert(TWO.into(), LeftOut::Excepted);
    });
    let two = bundle_of(home.path(), TWO, |info| {
        info.scope.regions = regions(&["us-west-2"]);
        info.scope.regions_not_enabled.insert(TWO.into(), ["eu-west-1".to_owned()].into());
        info.scope.accounts_left_out.insert(THREE.into(), LeftOut::Closed);
    });
    let scope = merge(&home.path().join("merged"), &[two, one], false).unwrap().scope;
    assert_eq!(scope.accounts, [ONE, TWO]);
    assert_eq!(scope.regions, ["eu-west-1", "us-east-1", "us-west-2"]);
    assert_eq!(scope.regions_not_enabled.keys().collect::<Vec<_>>(), [ONE, TWO]);
    assert_eq!(
        scope.accounts_left_out,
        [(THREE.to_owned(), LeftOut::Suspended)].into(),
        "what is in scope is not left out"
    );
}

#[test]
fn parts_that_do_not_belong_together_are_refused() {
    let refuses = |change: fn(&mut SealInfo), part: &str| {
        let home = tempfile::tempdir().unwrap();
        let inputs = [bundle_of(home.path(), ONE, |_| {}), bundle_of(home.path(), TWO, change)];
        refused_with(home.path(), &inputs, part);
    };
    refuses(|info| info.catalog_sha256 = sha256(b"other"), "different catalogs");
    refuses(|info| info.scope.period.end += chrono::TimeDelta::seconds(1), "audit periods differ");
    refuses(|info| info.scope.partition = "aws-cn".into(), "partitions differ");
    refuses(|info| info.redaction_key_commitment = Some(sha256(b"key")), "under different keys");
    refuses(|info| info.previous_manifest_sha256 = Some(sha256(b"before")), "follow different bundles");
    refuses(
        |info| info.shard = Some(Shard { number: 1, of: 1, accounts: vec![TWO.into()] }),
        "not parts of one run (",
    );
    let home = tempfile::tempdir().unwrap();
    assert!(matches!(refused_with(home.path(), &[], "nothing to merge"), MergeError::Nothing));
}

#[test]
fn an_account_is_in_one_part_only_or_the_same_in_both() {
    let home = tempfile::tempdir().unwrap();
    let place = home.path();
    let one = bundle_of(place, ONE, |_| {});
    let both: Vec<Record> = [ONE, TWO].iter().flat_map(|account| records_of(account)).collect();
    let same = sealed(place, "same", info_of(&[ONE, TWO]), &both);
    let manifest = merge(&place.join("merged"), &[one.clone(), same], false).unwrap();
    assert_eq!((manifest.records, manifest.scope.accounts.len()), (4, 2));
    fs::remove_dir_all(place.join("merged")).unwrap();

    let other = sealed(place, "other", info_of(&[ONE, TWO]), &both[1..]);
    refused_with(place, &[one.clone(), other], "records of account 111111111111, and not the same");
    // An account that is in scope without a record is as much another opinion.
    let none = sealed(place, "none", info_of(&[ONE, TWO]), &records_of(TWO));
    refused_with(place, &[none, one.clone()], "records of account 111111111111, and not the same");
    refused_with(place, &[one.clone(), one.join("../111111111111")], "are the same bundle");
}

#[test]
fn a_run_is_merged_when_all_its_parts_are_there() {
    let home = tempfile::tempdir().unwrap();
    let place = home.path();
    let (one, three) = (shard_of(place, 1, |_| {}), shard_of(place, 3, |_| {}));
    refused_with(place, &[one.clone(), three.clone()], "of 3 shards these are missing: 2;");
    // Said outright, it is done: the accounts of the missing part stay in scope, where everything of them is open.
    let manifest = merge(&place.join("merged"), &[three.clone(), one.clone()], true).unwrap();
    assert_eq!(manifest.scope.accounts, [ONE, TWO, THREE]);
    assert!(!manifest.has_records_of(TWO) && manifest.has_records_of(ONE));
    fs::remove_dir_all(place.join("merged")).unwrap();

    let again = place.join("again");
    fs::create_dir(&again).unwrap();
    let one_later = shard_of(&again, 1, |info| info.sealed_at += chrono::TimeDelta::seconds(1));
    refused_with(place, &[one, one_later, three.clone()], "the same shard, collected twice");
    let stranger = shard_of(&again, 2, |info| info.shard.as_mut().unwrap().number = 1);
    refused_with(place, &[stranger, three.clone()], "its accounts are not those that fall to that shard");
    let elsewhere = place.join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let grown = shard_of(&elsewhere, 1, |info| info.shard.as_mut().unwrap().accounts.push("9".repeat(12)));
    refused_with(place, &[grown, three], "not parts of one run");
}

#[test]
fn what_was_altered_is_not_merged_and_nothing_is_overwritten() {
    let home = tempfile::tempdir().unwrap();
    let place = home.path();
    let (one, two) = (bundle_of(place, ONE, |_| {}), bundle_of(place, TWO, |_| {}));
    let file = two.join("data/aws/222222222222/us-east-1/s3/ListBuckets.ndjson");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("AccessDenied", "AccessGranted")).unwrap();
    let error = refused_with(place, &[one.clone(), two.clone()], "222222222222 is not merged");
    assert!(!error.problems().is_empty());
    fs::write(&file, text).unwrap();
    refused_with(place, &[one.clone(), place.join("nowhere")], "nowhere is not merged");

    fs::create_dir(place.join("taken")).unwrap();
    let error = merge(&place.join("taken"), &[one.clone(), two.clone()], false).unwrap_err();
    assert!(error.to_string().contains("never overwritten"), "{error}");
    let manifest: Manifest = merge(&place.join("merged"), &[one], false).unwrap();
    assert_eq!(manifest.merged_from_sha256.len(), 1, "one alone is a run of one part");
}
