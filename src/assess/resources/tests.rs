//! The derivation from canned records.

mod fixture;

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::{ApiError, ErrorMeaning, KindSources, Property, Record, RecordId, RecordOutcome};
use fixture::*;

#[test]
fn properties_come_from_items_and_from_other_calls() {
    let records = world();
    let set = resources(&records);
    let a = one(&set, "s3-bucket", "a");
    assert_eq!(
        (a.arn.as_str(), a.region.as_str(), a.account.as_str()),
        ("arn:aws:s3:::a", "global", ACCOUNT)
    );
    assert_eq!(a.record, id(&records[4]));
    assert_eq!(a.properties["created"], known(json!("x"), &records[4]));
    assert_eq!(a.properties["place"], known(json!("us-east-1"), &records[5]));
    assert_eq!(a.properties["policy"], known(json!({"Statement": []}), &records[7]));
    assert_eq!(a.tags, BTreeMap::from([("phi".into(), "#strong[\u{202e}x]".into())]));
    let b = one(&set, "s3-bucket", "b");
    assert_unknown(&b.properties["created"], "no value at Created", Some(id(&records[4])));
    assert_eq!(b.properties["place"], known(json!("eu-west-1"), &records[6]));
    assert_eq!(
        b.properties["policy"],
        known(json!({}), &records[8]),
        "absent, and the rule says what that means"
    );
    assert_unknown(&b.properties["strict"], "NoSuchBucketPolicy", Some(id(&records[8])));
    assert_unknown(
        &b.properties["tags"],
        "s3 GetBucketTagging failed with AccessDenied",
        Some(id(&records[10])),
    );
    assert!(b.tags.is_empty());
    let listed = KindSources { listed: vec![id(&records[4])], ..KindSources::default() };
    assert_eq!(set.sources["s3-bucket"], listed);
    let order: Vec<_> =
        set.resources.iter().map(|r| (r.kind.as_str(), r.region.as_str(), r.id.as_str())).collect();
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(order.len(), 6);
}

#[test]
fn accounts_and_regions_are_there_because_the_caller_was_named() {
    let records = world();
    let set = resources(&records);
    let account = one(&set, "aws-account", ACCOUNT);
    assert_eq!((account.region.as_str(), account.record), ("global", id(&records[0])));
    assert_eq!(account.properties["caller"], known(json!("me"), &records[0]));
    let region = one(&set, "aws-region", "us-east-1");
    assert_eq!(region.arn, format!("arn:aws:ec2:us-east-1:{ACCOUNT}:region/us-east-1"));
    assert_eq!(region.properties["trails"], known(json!(["t"]), &records[1]), "of its own region");
    assert_eq!(region.properties["status"], known(json!(true), &records[3]));
    let region = one(&set, "aws-region", "eu-west-1");
    assert_eq!(region.properties["trails"], known(json!([]), &records[2]));
    assert_eq!(
        region.properties["status"],
        known(json!("none"), &records[2]),
        "an empty list: nothing to ask"
    );
    assert_eq!(set.sources["aws-region"].listed, [id(&records[0])]);
    let mut listed = vec![id(&records[2]), id(&records[3])];
    listed.sort();
    assert_eq!(set.sources["trail"].listed, listed, "a list with nothing in it, and the trail itself");

    let mut denied = records.clone();
    denied[0].outcome = RecordOutcome::Error(ApiError {
        code: "ExpiredToken".into(),
        message: String::new(),
        meaning: ErrorMeaning::Gap,
        reason: None,
    });
    let set = resources(&denied);
    let gap = id(&denied[0]);
    assert_eq!(set.sources["aws-account"].gaps, [(gap, ACCOUNT.into(), "global".into())]);
    assert_eq!(
        set.sources["aws-region"].gaps,
        [(gap, ACCOUNT.into(), "eu-west-1".into()), (gap, ACCOUNT.into(), "us-east-1".into())]
    );
    let set = resources(&records[1..]);
    assert_eq!(set.sources["aws-account"].missing, [(ACCOUNT.into(), "global".into())]);
    let mut other = records.clone();
    other[0].outcome = RecordOutcome::Response(json!({"Account": "999999999999"}));
    let set = resources(&other);
    assert_eq!(set.sources["aws-account"].gaps.len(), 1, "an answer about another account");
}

#[test]
fn a_gap_hides_what_would_have_followed_from_it() {
    let mut records = world();
    records[1].outcome = at("", "", "", json!({}), Err("AccessDenied")).outcome; // ListTrails in us-east-1
    records.remove(3); // GetTrail, which then is not called
    let set = resources(&records);
    let gap = id(&records[1]);
    assert_eq!(set.sources["trail"].gaps, [(gap, ACCOUNT.into(), "us-east-1".into())]);
    assert_eq!(set.sources["trail"].listed, [id(&records[2])]);
    assert!(set.sources["trail"].missing.is_empty());
    let region = one(&set, "aws-region", "us-east-1");
    let because = "trail GetTrail was not called: trail ListTrails failed with AccessDenied";
    assert_unknown(&region.properties["status"], because, Some(gap));
    let account = one(&set, "aws-account", ACCOUNT);
    assert_unknown(&account.properties["trails"], "failed with AccessDenied", Some(gap));

    let mut records = world();
    records[5].outcome = at("", "", "", json!({}), Err("Timeout")).outcome; // the location of a
    records.remove(7); // its policy
    let set = resources(&records);
    let because = "s3 GetBucketPolicy was not called: s3 GetBucketLocation failed with Timeout";
    assert_unknown(&one(&set, "s3-bucket", "a").properties["policy"], because, Some(id(&records[5])));
    assert_eq!(set.sources["s3-bucket"].gaps, []);
    records.remove(5);
    let set = resources(&records);
    assert_unknown(&one(&set, "s3-bucket", "a").properties["policy"], "holds no record", None);
}

const LISTS: &str = r#"
service = "lists"
title = "Lists"
scope = "regional"
[[call]]
operation = "ListAll"
each = { items = "['REGIONAL', 'EDGE']" }
parameters = { Scope = "${item}" }
region = "${(item == 'EDGE' && 'us-gov-1') || region}"
[[resource]]
kind = "list"
title = "List"
from = "ListAll"
items = "Lists"
id = "${item}"
arn = "${item}"
properties = { }
"#;

#[test]
fn calls_that_depend_on_no_other_are_expected_where_the_catalog_sends_them() {
    let made = |region: &str, scope: &str| {
        at("lists", "ListAll", region, json!({"Scope": scope}), Ok(json!({"Lists": []})))
    };
    let records = [made("us-east-1", "REGIONAL"), made("eu-west-1", "REGIONAL"), made("us-gov-1", "EDGE")];
    let missing = |records: &[Record], text: &str| {
        derive(&catalog(&[text]), &bundle(records)).unwrap().sources.remove("list").unwrap().missing
    };
    let place = |region: &str| (ACCOUNT.to_owned(), region.to_owned());
    assert_eq!(missing(&records, LISTS), []);
    assert_eq!(missing(&records[..2], LISTS), [place("us-gov-1")]);
    assert_eq!(missing(&records[1..], LISTS), [place("us-east-1")]);
    let global = LISTS.replace("regional", "global");
    assert_eq!(missing(&records[2..], &global), []);
    assert_eq!(missing(&[], &global), [place("global")]);
}

const BATCHES: &str = r#"
service = "balance"
title = "Balancers"
scope = "regional"
[[call]]
operation = "List"
[[call]]
operation = "Tags"
each = { call = "List", items = "Names", batch = 2 }
parameters = { Names = "${item}", Kind = "balancer" }
[[resource]]
kind = "balancer"
title = "Balancer"
from = "List"
items = "Names"
id = "${item}"
arn = "${item}"
[resource.properties.tag]
call = "Tags"
match = { Names = "${item}", Kind = "balancer" }
value = "Tags[?Name == '${item}'].Tag | [0]"
"#;

#[test]
fn a_batch_is_found_by_each_of_its_items() {
    let batch = |names: Value, outcome| {
        at("balance", "Tags", "us-east-1", json!({"Names": names, "Kind": "balancer"}), outcome)
    };
    let tags = json!({"Tags": [{"Name": "a", "Tag": "x"}, {"Name": "b", "Tag": "y"}]});
    let records = [
        at("balance", "List", "us-east-1", json!({}), Ok(json!({"Names": ["a", "b", "c", "d"]}))),
        batch(json!(["a", "b"]), Ok(tags)),
        batch(json!(["c"]), Err("AccessDenied")),
    ];
    let set = derive(&catalog(&[BATCHES]), &bundle(&records)).unwrap();
    let tag = |id: &str| one(&set, "balancer", id).properties["tag"].clone();
    assert_eq!(tag("a"), known(json!("x"), &records[1]));
    assert_eq!(tag("b"), known(json!("y"), &records[1]));
    assert_unknown(&tag("c"), "balance Tags failed with AccessDenied", Some(id(&records[2])));
    assert_unknown(&tag("d"), "holds no record of balance Tags for this resource", None);
}

const TASKS: &str = r#"
service = "tasks"
title = "Tasks"
scope = "regional"
[[call]]
operation = "ListFamilies"
[[call]]
operation = "ListServices"
[[call]]
operation = "Describe"
each = { call = "ListFamilies", items = "Names", also = [{ call = "ListServices", items = "Services[].Task" }] }
parameters = { Name = "${item}" }
[[resource]]
kind = "task"
title = "Task"
from = "Describe"
items = "Task"
id = "${item}"
arn = "${item}"
properties = { }
[[resource]]
kind = "region"
title = "Region"
from = "@region"
id = "${region}"
arn = "${region}"
properties = { any = { call = "Describe", value = "Task", absent = "none" } }
"#;

#[test]
fn a_kind_that_several_calls_lead_to_is_hidden_by_a_gap_in_any() {
    let families =
        |names: Value| at("tasks", "ListFamilies", "us-east-1", json!({}), Ok(json!({"Names": names})));
    let services =
        |outcome: Result<Value, &str>| at("tasks", "ListServices", "us-east-1", json!({}), outcome);
    let task = |asked: &str, name: &str| {
        at("tasks", "Describe", "us-east-1", json!({"Name": asked}), Ok(json!({"Task": name})))
    };
    let me = || at("sts", "GetCallerIdentity", "us-east-1", json!({}), Ok(json!({"Account": ACCOUNT})));
    let derived = |records: &[Record]| derive(&catalog(&[STS, TRAIL, TASKS]), &bundle(records)).unwrap();
    let none = || Ok(json!({"Services": []}));
    let elsewhere = [(ACCOUNT.to_owned(), "eu-west-1".to_owned())];

    // The same task by its family and by its revision is one resource.
    let one_service = services(Ok(json!({"Services": [{"Task": "a:1"}]})));
    let set = derived(&[families(json!(["a"])), one_service, task("a", "a:1"), task("a:1", "a:1")]);
    one(&set, "task", "a:1");
    assert_eq!(set.sources["task"].gaps, []);
    assert_eq!(set.sources["task"].missing, elsewhere);

    let denied = services(Err("AccessDenied"));
    let set = derived(&[me(), families(json!([])), denied.clone()]);
    assert_eq!(set.sources["task"].gaps, [(id(&denied), ACCOUNT.into(), "us-east-1".into())]);
    let because = "tasks Describe was not called: tasks ListServices failed with AccessDenied";
    assert_unknown(&one(&set, "region", "us-east-1").properties["any"], because, Some(id(&denied)));

    let set = derived(&[families(json!([]))]);
    let here = (ACCOUNT.to_owned(), "us-east-1".to_owned());
    assert_eq!(set.sources["task"].missing, [elsewhere[0].clone(), here], "nobody asked for services");

    let records = [me(), families(json!([])), services(none())];
    let set = derived(&records);
    assert_eq!(one(&set, "region", "us-east-1").properties["any"], known(json!("none"), &records[1]));
    let some = [me(), families(json!([])), services(Ok(json!({"Services": [{"Task": "c"}]})))];
    assert_unknown(&one(&derived(&some), "region", "us-east-1").properties["any"], "holds no record", None);
}

#[test]
fn where_nobody_asked_the_kind_says_so() {
    let set = resources(&world()[..2]);
    let place = |region: &str| (ACCOUNT.to_owned(), region.to_owned());
    assert_eq!(set.sources["trail"].missing, [place("eu-west-1")]);
    assert_eq!(set.sources["s3-bucket"].missing, [place("global")]);
    assert_eq!(set.sources.len(), 4);
}

#[test]
fn the_latest_record_counts_even_if_it_is_a_gap() {
    let mut records = world();
    let mut later = records[7].clone();
    later.collected_at = "2026-01-01T00:00:05Z".parse().unwrap();
    later.outcome = RecordOutcome::Response(json!({"Policy": "[1]"}));
    records.push(later.clone());
    let set = resources(&records);
    assert_eq!(one(&set, "s3-bucket", "a").properties["policy"], known(json!([1]), &later));
    let mut gap = later.clone();
    gap.collected_at = "2026-01-01T00:00:06Z".parse().unwrap();
    gap.outcome = at("", "", "", json!({}), Err("Throttling")).outcome;
    records.push(gap.clone());
    let set = resources(&records);
    assert_unknown(&one(&set, "s3-bucket", "a").properties["policy"], "Throttling", Some(id(&gap)));
}

#[test]
fn malformed_documents_and_nameless_items_are_said() {
    let mut records = world();
    records[7].outcome = RecordOutcome::Response(json!({"Policy": "{\"Statement\""}));
    records[4].outcome =
        RecordOutcome::Response(json!({"Buckets": [{"Name": "a"}, {"Name": null}, {"Name": ""}]}));
    let set = resources(&records);
    let because = "the value could not be read: its JSON document cannot be read";
    assert_unknown(&one(&set, "s3-bucket", "a").properties["policy"], because, Some(id(&records[7])));
    let sources = &set.sources["s3-bucket"];
    assert_eq!(
        sources.gaps,
        [(id(&records[4]), ACCOUNT.into(), "global".into())],
        "what has no name is hidden"
    );
    assert_eq!(sources.listed, [id(&records[4])]);
}

#[test]
fn rows_of_a_decoded_report_are_resources() {
    let collector = r#"
service = "iam"
title = "IAM"
scope = "global"
[[call]]
operation = "GetCredentialReport"
[[resource]]
kind = "iam-credential"
title = "Credential"
from = "GetCredentialReport"
items = "Content"
decode = "base64-csv"
id = "${item.user}"
arn = "${item.arn}"
properties = { mfa = { value = "mfa_active" } }
"#;
    use base64::Engine;
    let content =
        base64::engine::general_purpose::STANDARD.encode("user,arn,mfa_active\nalice,arn:alice,false\n");
    let good = at("iam", "GetCredentialReport", "us-east-1", json!({}), Ok(json!({"Content": content})));
    let set = derive(&catalog(&[collector]), &bundle(std::slice::from_ref(&good))).unwrap();
    assert_eq!(one(&set, "iam-credential", "alice").properties["mfa"], known(json!("false"), &good));
    let bad = at("iam", "GetCredentialReport", "us-east-1", json!({}), Ok(json!({"Content": "%"})));
    let set = derive(&catalog(&[collector]), &bundle(std::slice::from_ref(&bad))).unwrap();
    assert_eq!(set.sources["iam-credential"].gaps, [(id(&bad), ACCOUNT.into(), "global".into())]);
    assert!(set.resources.is_empty() && set.sources["iam-credential"].listed.is_empty());
}

#[test]
fn a_rule_that_reads_a_call_that_nobody_makes_is_refused() {
    let wrong = STORE.replace("call = \"GetBucketTagging\", match", "call = \"GetBucketX\", match");
    let error = derive(&catalog(&[&wrong]), &bundle(&[])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "s3-bucket, tags: no collector calls s3:GetBucketX; correct collectors/s3.toml"
    );
}

fn permutation(length: usize) -> impl Strategy<Value = Vec<usize>> {
    Just((0..length).collect::<Vec<_>>()).prop_shuffle()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_of_records_does_not_matter(order in permutation(world().len())) {
        let records = world();
        let expected = resources(&records);
        let shuffled: Vec<Record> = order.into_iter().map(|number| records[number].clone()).collect();
        let set = resources(&shuffled);
        prop_assert_eq!(&set.resources, &expected.resources);
        prop_assert_eq!(&set.sources, &expected.sources);
    }

    /// Whichever answers turn into gaps, with or without what depends on them: no property is known from a
    /// record that is a gap, and none is known otherwise than it was when everything was answered.
    #[test]
    fn a_gap_never_yields_a_known_property(
        gaps in proptest::collection::vec(any::<bool>(), world().len()),
        dropped in proptest::collection::vec(any::<bool>(), world().len()),
    ) {
        let whole = resources(&world());
        let mut records = world();
        for (record, gap) in records.iter_mut().zip(&gaps) {
            if *gap {
                record.outcome = at("", "", "", json!({}), Err("AccessDenied")).outcome;
            }
        }
        let kept: Vec<Record> =
            records.iter().zip(dropped).filter(|(_, dropped)| !dropped).map(|(record, _)| record.clone()).collect();
        let set = resources(&kept);
        let gap_ids: Vec<RecordId> = kept.iter().filter(|record| record.gap().is_some()).map(id).collect();
        for resource in set.resources.iter() {
            let before = whole.resources.iter().find(|known| {
                (&known.kind, &known.region, &known.id) == (&resource.kind, &resource.region, &resource.id)
            });
            prop_assert!(!gap_ids.contains(&resource.record));
            for (name, property) in &resource.properties {
                if let Property::Known { value, record } = property {
                    prop_assert!(!gap_ids.contains(record), "{} {}", resource.id, name);
                    match before.map(|known| &known.properties[name]) {
                        // The account's trails are any region's: a dropped region leaves the other's.
                        Some(Property::Known { value: then, .. }) if resource.kind != "aws-account" => {
                            prop_assert_eq!(value, then)
                        }
                        Some(Property::Known { .. }) => (),
                        other => prop_assert!(false, "{} {name} was {other:?}", resource.id),
                    }
                }
            }
        }
        for (kind, first) in [("trail", "ListTrails"), ("s3-bucket", "ListBuckets"), ("aws-account", "GetCallerIdentity")] {
            let denied = kept.iter().filter(|record| record.source.operation == first && record.gap().is_some());
            for record in denied {
                prop_assert!(set.sources[kind].gaps.iter().any(|(gap, ..)| *gap == id(record)), "{kind}");
            }
        }
    }
}

#[test]
fn the_embedded_catalog_can_be_derived_from() {
    let catalog = Catalog::embedded().unwrap();
    let set = derive(&catalog, &bundle(&[])).unwrap();
    let kinds: usize = catalog.collectors.values().map(|collector| collector.resources.len()).sum();
    assert!(kinds > 20);
    assert_eq!(set.sources.len(), kinds);
    for (kind, sources) in &set.sources {
        assert!(!sources.missing.is_empty(), "{kind}: an empty bundle saw nothing of it");
    }
}
