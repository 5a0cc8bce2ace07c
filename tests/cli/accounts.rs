//! Several accounts and their regions: who is in scope, who is left out, and one that fails beside others that do not.

use std::collections::{BTreeMap, BTreeSet};

use proofpack::catalog::Catalog;
use serde_json::{Value, json};

use super::place::{Answer, Place, json, package_in};
use crate::support::world::World;
use crate::support::{python_tool, succeed};

const OWN: &str = "123456789012";
const OTHER: &str = "111122223333";
const CLOSED_OFF: &str = "444455556666";

/// A place whose `[scope]` holds these lines.
fn place(world: &World, scope: &str, more: &str) -> Place {
    let place = Place::new();
    let text = format!(
        "organization = \"Tests\"\n[scope]\n{scope}\n[aws]\nendpoint-url = {:?}\n{more}\n",
        world.endpoint()
    );
    place.write("proofpack.toml", text);
    place
}

fn manifest(place: &Place) -> Value {
    json(&place.path("proofpack-out/bundle/data/manifest.json"))
}

fn assessment(place: &Place) -> Value {
    place.run(&["assess"]).ended(0);
    json(&place.path("proofpack-out/assessment.json"))
}

fn paths(manifest: &Value) -> BTreeSet<&str> {
    manifest["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect()
}

/// The records of one file of the bundle.
fn records(place: &Place, path: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(place.path("proofpack-out/bundle").join(path)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How often each outcome was found, by account; what was judged over no single account counts under `*`.
fn outcomes_by_account(assessment: &Value) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut counts: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for finding in assessment["findings"].as_array().unwrap() {
        let account = finding["subject"]["account"].as_str().unwrap().to_owned();
        let outcome = finding["outcome"].as_str().unwrap().to_owned();
        *counts.entry(account).or_default().entry(outcome).or_default() += 1;
    }
    counts
}

/// How often the server answered a call with success, in whatever region.
fn answered(world: &World, call: &str) -> u64 {
    let journal = world.journal();
    let of_call =
        |(name, _): &(&String, &Value)| name.starts_with(&format!("{call}:")) && name.ends_with(":200");
    journal.as_object().unwrap().iter().filter(of_call).map(|(_, count)| count.as_u64().unwrap()).sum()
}

#[test]
fn an_account_that_cannot_be_entered_is_a_gap_and_stops_no_other() {
    let world = World::start();
    world.plant(
        json!({"kind": "deny", "service": "sts", "operation": "AssumeRole", "contains": format!("{CLOSED_OFF}:role/audit/reader")}),
    );
    let place = place(
        &world,
        &format!(
            "regions = [\"us-east-1\"]\naccounts = [\"{CLOSED_OFF}\", \"{OWN}\", \"{OTHER}\"]\nrole-name = \"audit/reader\"\n\
             external-id = \"never-printed-password\"\nsession-name = \"quarterly\""
        ),
        "[trail]\nlookup-events = true",
    );
    let signing = place.keygen();
    let config = std::fs::read_to_string(place.path("proofpack.toml")).unwrap();
    place.write("proofpack.toml", format!("{config}{signing}"));
    let answer = place.run(&["run"]).ended(5);
    let told = format!(
        "warning: account {CLOSED_OFF} cannot be entered, every check of it will be indeterminate: AccessDenied"
    );
    assert!(answer.stderr.contains(&told), "{}", answer.stderr);
    assert_eq!(answer.stderr.lines().count(), 1, "{}", answer.stderr);
    assert!(answer.stdout.contains("of 3 accounts"), "{}", answer.stdout);

    // Who we are is asked once in each account, and so is which regions it has.
    assert_eq!(answered(&world, "sts:GetCallerIdentity"), 2);
    assert_eq!(answered(&world, "ec2:DescribeRegions"), 2);
    let manifest = manifest(&place);
    assert_eq!(manifest["scope"]["accounts"], json!([OTHER, OWN, CLOSED_OFF]));
    let identity = |account: &str| {
        let found = records(&place, &format!("data/aws/{account}/us-east-1/sts/GetCallerIdentity.ndjson"));
        assert_eq!(found.len(), 1);
        found[0].clone()
    };
    assert_eq!(identity(OWN)["outcome"]["response"]["Account"], OWN);
    let arn = format!("arn:aws:sts::{OTHER}:assumed-role/reader/quarterly");
    assert_eq!(identity(OTHER)["outcome"]["response"]["Arn"], arn);
    assert_eq!(identity(OTHER)["source"]["caller"], arn);
    let gap = &identity(CLOSED_OFF)["outcome"]["error"];
    assert_eq!((&gap["code"], &gap["meaning"]), (&json!("AccessDenied"), &json!("gap")));
    assert!(gap["message"].as_str().unwrap().contains("role/audit/reader"), "{gap}");

    // Of the closed account there is nothing but what says so; of the others everything.
    let paths = paths(&manifest);
    let of = |account: &str, kind: &str| {
        let start = format!("data/{kind}/{account}/");
        paths.iter().filter(|path| path.starts_with(&start)).count()
    };
    assert_eq!(of(CLOSED_OFF, "aws"), 1);
    assert_eq!(of(OWN, "aws"), of(OTHER, "aws"));
    assert!(of(OWN, "aws") > 30);
    for account in [OWN, OTHER, CLOSED_OFF] {
        assert_eq!(of(account, "trail"), of(OWN, "trail"), "each rule has its record in {account}");
    }

    let assessment = json(&place.path("proofpack-out/assessment.json"));
    let counts = outcomes_by_account(&assessment);
    let checks = assessment["checks"].as_array().unwrap().len() as u64;
    assert_eq!(counts[CLOSED_OFF].keys().collect::<Vec<_>>(), ["indeterminate"]);
    assert!(counts[CLOSED_OFF]["indeterminate"] >= checks, "every check of it is open");
    for account in [OWN, OTHER] {
        assert!(counts[account].contains_key("fail") && counts[account].contains_key("pass"), "{counts:?}");
    }
    assert_eq!(counts[OWN], counts[OTHER], "two fresh accounts are alike");
    let controls = assessment["frameworks"][0]["controls"].as_array().unwrap().iter();
    let excerpts = controls.flat_map(|control| control["excerpts"].as_array().unwrap());
    let excerpts: Vec<&Value> = excerpts.collect();
    assert!(!excerpts.is_empty());
    let catalog = Catalog::embedded().unwrap();
    for excerpt in excerpts {
        // The event history, all that is asked here, has no data events in any account; else it is the closed one.
        let data_events = catalog.excerpts[excerpt["rule"].as_str().unwrap()].data_events;
        let gaps = if data_events { 3 } else { 1 };
        assert_eq!(excerpt["gaps"].as_array().unwrap().len(), gaps, "{excerpt}");
    }

    let package = package_in(&place.path("proofpack-out"));
    assert!(
        package.file_name().unwrap().to_str().unwrap().starts_with("proofpack-3-accounts-"),
        "{package:?}"
    );
    let verified = place.run(&["verify", package.to_str().unwrap()]).ended(0).stdout;
    assert!(verified.contains(&format!("of account {OTHER}, {OWN}, {CLOSED_OFF}")), "{verified}");
}

#[test]
fn credentials_that_do_not_work_collect_nothing() {
    let world = World::start();
    world.plant(json!({"kind": "unknown-key", "service": "sts", "operation": "GetCallerIdentity"}));
    let place = place(&world, &format!("accounts = [\"{OTHER}\"]"), "");
    place.run(&["collect"]).failed(4, &["GetCallerIdentity in us-east-1", "credentials are wrong"]);
    assert!(!place.path("proofpack-out").exists());
}

/// An organization with the calling account, an active, and a suspended one; the active one is in a unit. Gives the
/// active one's, the suspended one's and the unit's ids.
fn organization(world: &World) -> [String; 3] {
    let script = r#"
import boto3
client = boto3.client("organizations", "us-east-1")
client.create_organization(FeatureSet="ALL")
def account(name):
    return client.create_account(Email=f"{name}@example.com", AccountName=name)["CreateAccountStatus"]["AccountId"]
active, suspended = account("active"), account("suspended")
client.close_account(AccountId=suspended)
root = client.list_roots()["Roots"][0]["Id"]
outer = client.create_organizational_unit(ParentId=root, Name="outer")["OrganizationalUnit"]["Id"]
inner = client.create_organizational_unit(ParentId=outer, Name="inner")["OrganizationalUnit"]["Id"]
client.move_account(AccountId=active, SourceParentId=root, DestinationParentId=inner)
print(active, suspended, outer)
"#;
    let output =
        succeed(python_tool("python").args(["-c", script]).env("AWS_ENDPOINT_URL", world.endpoint()));
    let words: Vec<String> =
        String::from_utf8(output.stdout).unwrap().split_whitespace().map(str::to_owned).collect();
    words.try_into().unwrap()
}

#[test]
fn an_organization_says_who_is_in_scope_and_who_is_not() {
    let world = World::start();
    let [active, suspended, unit] = organization(&world);
    let all = place(&world, "regions = [\"us-east-1\"]\norganization = true", "");
    let answer = all.run(&["collect"]).ended(0);
    assert_eq!(
        answer.stderr,
        "warning: 1 account(s) of the organization are out of scope: suspended by AWS\n"
    );
    let scope = manifest(&all)["scope"].clone();
    let accounts: BTreeSet<&str> = [OWN, active.as_str()].into();
    assert_eq!(scope["accounts"], json!(accounts));
    assert_eq!(scope["accounts-left-out"], json!({ &suspended: "suspended" }));
    let listed = records(&all, &format!("data/aws/{OWN}/us-east-1/organizations/ListAccounts.ndjson"));
    assert_eq!(listed.len(), 1, "the proof of it is in the bundle, once");
    assert!(outcomes_by_account(&assessment(&all)).contains_key(&active));

    let settings =
        format!("regions = [\"us-east-1\"]\norganization = true\norganizational-units = [{unit:?}]");
    let below = place(&world, &settings, "");
    below.run(&["collect"]).ended(0);
    let scope = manifest(&below)["scope"].clone();
    assert_eq!(scope["accounts"], json!([&active]), "it is in a unit below the one that is named");
    assert_eq!(scope["accounts-left-out"], json!({ OWN: "other-unit", &suspended: "other-unit" }));

    let settings = format!("regions = [\"us-east-1\"]\norganization = true\nexcept = [{active:?}]");
    let except = place(&world, &settings, "");
    except.run(&["collect"]).ended(0);
    assert_eq!(manifest(&except)["scope"]["accounts-left-out"][&active], "excepted");

    let settings = format!("organization = true\nexcept = [{OTHER:?}]");
    place(&world, &settings, "").run(&["collect"]).failed(3, &[OTHER, "not in the organization"]);
    world.plant(json!({"kind": "deny", "service": "organizations", "operation": "ListAccounts"}));
    place(&world, "organization = true", "")
        .run(&["collect"])
        .failed(4, &["organizations ListAccounts as arn:aws:", "AccessDenied", "management account"]);
}

fn regions_are(world: &World, regions: &[(&str, &str)]) {
    let region = |(name, status): &(&str, &str)| json!({"RegionName": name, "OptInStatus": status});
    let regions: Vec<Value> = regions.iter().map(region).collect();
    world.fixture("ec2:DescribeRegions", json!({ "Regions": regions }));
}

/// The regions in which anything was asked.
fn asked_regions(world: &World) -> BTreeSet<String> {
    let journal = world.journal();
    journal.as_object().unwrap().keys().map(|name| name.split(':').nth(2).unwrap().to_owned()).collect()
}

#[test]
fn the_regions_that_are_enabled_are_found_out_and_the_others_are_out_of_scope() {
    let world = World::start();
    regions_are(
        &world,
        &[("us-east-1", "opt-in-not-required"), ("eu-south-2", "opted-in"), ("me-south-1", "not-opted-in")],
    );
    let enabled = place(&world, "regions = \"enabled\"", "");
    let answer = enabled.run(&["collect"]).ended(0);
    assert_eq!(answer.stderr, "");
    let scope = manifest(&enabled)["scope"].clone();
    assert_eq!(scope["regions"], json!(["eu-south-2", "us-east-1"]));
    assert_eq!(scope["regions-not-enabled"], json!({ OWN: ["me-south-1"] }));
    assert_eq!(asked_regions(&world), ["eu-south-2", "us-east-1"].map(str::to_owned).into());

    let listed = place(&world, "regions = [\"me-south-1\", \"us-east-1\"]", "");
    let answer = listed.run(&["collect"]).ended(0);
    let told =
        format!("warning: account {OWN} has not enabled the region me-south-1: it is out of scope there\n");
    assert_eq!(answer.stderr, told);
    assert!(!asked_regions(&world).contains("me-south-1"), "not one call instead of hundreds of gaps");
    let scope = manifest(&listed)["scope"].clone();
    assert_eq!(
        (&scope["regions"], &scope["regions-not-enabled"]),
        (&json!(["us-east-1"]), &json!({ OWN: ["me-south-1"] }))
    );
    let findings = assessment(&listed)["findings"].as_array().unwrap().clone();
    assert!(findings.iter().all(|finding| finding["subject"]["region"] != "me-south-1"));

    place(&world, "regions = [\"us-east-9\"]", "")
        .run(&["collect"])
        .failed(3, &["us-east-9 is no region of the partition aws", "spelling"]);
}

#[test]
fn a_run_in_no_enabled_region_passes_nothing_regional() {
    let world = World::start();
    regions_are(&world, &[("us-east-1", "opt-in-not-required"), ("me-south-1", "not-opted-in")]);
    let place = place(&world, "regions = [\"me-south-1\"]", "");
    place.run(&["collect"]).ended(0);
    assert_eq!(manifest(&place)["scope"]["regions"], json!([]));
    for finding in assessment(&place)["findings"].as_array().unwrap() {
        let regional = ["ec2-", "rds-", "sns-"]
            .iter()
            .any(|kind| finding["subject"]["kind"].as_str().unwrap().starts_with(kind));
        assert!(!regional || finding["outcome"] == "indeterminate", "{finding}");
    }
}

#[test]
fn regions_that_cannot_be_found_out_are_a_gap_and_nothing_regional_passes() {
    let world = World::start();
    world.plant(json!({"kind": "deny", "service": "ec2", "operation": "DescribeRegions"}));
    let unknown = place(&world, "regions = \"enabled\"", "");
    let answer = unknown.run(&["collect"]).ended(5);
    assert!(answer.stderr.contains("its regions are not known and none is looked at"), "{}", answer.stderr);
    for finding in assessment(&unknown)["findings"].as_array().unwrap() {
        let kind = finding["subject"]["kind"].as_str().unwrap();
        if kind.starts_with("ec2-") || kind == "aws-region" {
            assert_eq!(finding["outcome"], "indeterminate", "{finding}");
        }
    }
    // What is listed is looked at all the same.
    let listed = place(&world, "regions = [\"us-east-1\"]", "");
    let answer = listed.run(&["collect"]).ended(5);
    assert!(
        answer.stderr.contains("whether the listed regions are enabled is not known"),
        "{}",
        answer.stderr
    );
    assert_eq!(manifest(&listed)["scope"]["regions"], json!(["us-east-1"]));
    assert!(outcomes_by_account(&assessment(&listed))[OWN].contains_key("pass"));
}

#[test]
fn a_region_of_another_partition_does_not_fit() {
    let world = World::start();
    place(&world, "regions = [\"us-east-1\", \"cn-north-1\"]", "")
        .run(&["collect"])
        .failed(3, &["us-east-1 is in the partition aws and cn-north-1 in aws-cn"]);
    place(&world, "regions = [\"xx-nowhere-9\"]", "")
        .run(&["collect"])
        .failed(3, &["xx-nowhere-9", "no AWS partition"]);
}

/// A configuration of three accounts and a quarter that is over.
fn quarter(world: &World) -> Place {
    place(
        world,
        &format!(
            "regions = [\"us-east-1\"]\nperiod-start = 2026-01-01\nperiod-end = 2026-03-31\naccounts = [\"{OTHER}\", \"{OWN}\", \"{CLOSED_OFF}\"]"
        ),
        "",
    )
}

/// What a bundle holds, but for when it was obtained and how the transport called it.
fn evidence(place: &Place, bundle: &str) -> BTreeSet<String> {
    let manifest = json(&place.path(bundle).join("data/manifest.json"));
    let mut found = BTreeSet::new();
    for path in paths(&manifest) {
        let text = std::fs::read_to_string(place.path(bundle).join(path)).unwrap();
        for line in text.lines() {
            let mut record: Value = serde_json::from_str(line).unwrap();
            if path.ends_with("sts/GetCallerIdentity.ndjson") {
                // It names the session, which is another whenever a role is assumed.
                record["outcome"]["response"]["UserId"].take();
            }
            if path.contains("/athena/") {
                // moto dates its work groups anew whenever it is asked.
                record["outcome"].take();
            }
            assert!(found.insert(json!([path, record["source"], record["outcome"]]).to_string()));
        }
    }
    found
}

#[test]
fn shards_on_several_machines_make_the_bundle_of_one() {
    let world = World::start();
    let place = quarter(&world);
    let collect = |shard: &[&str], out: &str| {
        let mut command = place.command(&["collect", "--out", out]);
        command.args(shard).env("AWS_BATCH_JOB_ARRAY_INDEX", "1").env("AWS_BATCH_JOB_ARRAY_SIZE", "2");
        Answer::of(&mut command).ended(0)
    };
    collect(&[], "first"); // IAM's report on credentials is made by asking for it
    collect(&[], "whole");
    collect(&["--shard", "1/2"], "part-1");
    collect(&["--shard", "array/2"], "part-2");
    let part = json(&place.path("part-2/bundle/data/manifest.json"));
    assert_eq!(part["shard"], json!({"number": 2, "of": 2, "accounts": [OTHER, OWN, CLOSED_OFF]}));
    assert_eq!(part["scope"]["accounts"], json!([OWN]));

    place
        .run(&["bundle", "merge", "merged/bundle", "part-1/bundle"])
        .failed(3, &["of 2 shards these are missing: 2"]);
    assert!(!place.path("merged/bundle").exists());
    let merged = place.run(&["bundle", "merge", "merged/bundle", "part-2/bundle", "part-1/bundle"]).ended(0);
    assert!(merged.stdout.starts_with("Merged 2 bundles into merged/bundle ("), "{}", merged.stdout);
    place.run(&["bundle", "merge", "again/bundle", "part-1/bundle", "part-2/bundle"]).ended(0);
    let bytes = |bundle: &str| std::fs::read(place.path(bundle).join("data/manifest.json")).unwrap();
    assert_eq!(bytes("merged/bundle"), bytes("again/bundle"));

    let (merged, whole) = (evidence(&place, "merged/bundle"), evidence(&place, "whole/bundle"));
    let differences: Vec<_> = merged.symmetric_difference(&whole).collect();
    assert!(differences.is_empty(), "{differences:#?}");
    let (merged, whole) = (
        json(&place.path("merged/bundle/data/manifest.json")),
        json(&place.path("whole/bundle/data/manifest.json")),
    );
    for member in ["scope", "records", "gaps", "catalog-sha256", "tool", "version"] {
        assert_eq!(merged[member], whole[member], "{member}");
    }
    assert_eq!(merged["merged-from-sha256"].as_array().unwrap().len(), 2);
    place.run(&["verify", "merged/bundle"]).ended(0);
    let outcomes = |out: &str| {
        place.run(&["assess", "--out", out]).ended(0);
        outcomes_by_account(&json(&place.path(out).join("assessment.json")))
    };
    assert_eq!(outcomes("merged"), outcomes("whole"));
    // The same again is refused, and so is what is no shard of that run.
    place
        .run(&["bundle", "merge", "merged/bundle", "part-1/bundle", "part-2/bundle"])
        .failed(6, &["never overwritten"]);
    place
        .run(&["bundle", "merge", "x", "part-1/bundle", "whole/bundle"])
        .failed(3, &["not parts of one run"]);
    let partial = place.run(&["bundle", "merge", "--partial", "partial/bundle", "part-1/bundle"]).ended(5);
    assert!(partial.stdout.contains("of 3 accounts"), "{}", partial.stdout);
    let counts = outcomes("partial");
    assert_eq!(counts[OWN].keys().collect::<Vec<_>>(), ["indeterminate"], "nobody looked at it");
}

#[test]
fn a_part_without_accounts_is_an_empty_bundle_that_merges() {
    let world = World::start();
    let place = quarter(&world);
    for part in 1..=4 {
        let (shard, out) = (format!("{part}/4"), format!("part-{part}"));
        let answer = place.run(&["collect", "--shard", &shard, "--out", &out]).ended(0);
        assert_eq!(answer.stderr.contains("no account falls to this part"), part == 4, "{}", answer.stderr);
    }
    place.run(&["verify", "part-4/bundle"]).ended(0);
    let bundles = ["part-1/bundle", "part-2/bundle", "part-3/bundle", "part-4/bundle"];
    place.run(&[&["bundle", "merge", "merged"][..], &bundles].concat()).ended(0);
    assert_eq!(
        json(&place.path("merged/data/manifest.json"))["scope"]["accounts"],
        json!([OTHER, OWN, CLOSED_OFF])
    );
}

#[test]
fn what_the_organization_said_is_in_one_shard_only() {
    let world = World::start();
    organization(&world);
    let place =
        place(&world, "regions = [\"us-east-1\"]\norganization = true\nperiod = \"previous-quarter\"", "");
    let mut listings = 0;
    for part in ["1/2", "2/2"] {
        let out = format!("part-{}", &part[..1]);
        place.run(&["collect", "--shard", part, "--out", &out]).ended(0);
        let manifest = json(&place.path(&out).join("bundle/data/manifest.json"));
        listings += paths(&manifest)
            .iter()
            .filter(|path| path.ends_with("organizations/ListAccounts.ndjson"))
            .count();
    }
    assert_eq!(listings, 1);
    place.run(&["bundle", "merge", "merged", "part-1/bundle", "part-2/bundle"]).ended(0);
}

#[test]
fn a_shard_needs_a_period_that_all_machines_share() {
    let place = Place::new();
    place.configure("\"us-east-1\"", "[aws]\nendpoint-url = \"http://127.0.0.1:9\"\n");
    place.run(&["collect", "--shard", "1/2"]).failed(3, &["--shard", "scope.period"]);
    let answer = place.run(&["collect", "--shard", "3/2"]).ended(2);
    assert!(answer.stderr.contains("numbered from 1 to 2"), "{}", answer.stderr);
    let day = "regions = [\"us-east-1\"]\nperiod = \"previous-month\"\n[aws]\nendpoint-url = \"http://127.0.0.1:9\"\n";
    place.write("proofpack.toml", format!("organization = \"Tests\"\n[scope]\n{day}"));
    place.run(&["collect", "--shard", "array/2"]).failed(3, &["AWS_BATCH_JOB_ARRAY_INDEX is not set"]);
}
