//! Canned collectors and the records that their calls would give.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::assess::resources::*;
use crate::bundle::{Bundle, StoredRecord};
use crate::canonical;
use crate::catalog::{Catalog, Collector};
use crate::model::*;

pub(super) const ACCOUNT: &str = "123456789012";

pub(super) const STS: &str = r#"
service = "sts"
title = "Identity"
scope = "global"
[[call]]
operation = "GetCallerIdentity"
[[resource]]
kind = "aws-account"
title = "Account"
from = "@account"
id = "${account}"
arn = "arn:${partition}:iam::${account}:root"
properties = { caller = { call = "GetCallerIdentity", value = "Arn" }, trails = { call = "trail:ListTrails", value = "Trails" } }
[[resource]]
kind = "aws-region"
title = "Region"
from = "@region"
id = "${region}"
arn = "arn:${partition}:ec2:${region}:${account}:region/${region}"
properties = { trails = { call = "trail:ListTrails", value = "Trails" }, status = { call = "trail:GetTrail", value = "On", absent = "none" } }
"#;

pub(super) const TRAIL: &str = r#"
service = "trail"
title = "Trail"
scope = "regional"
[[call]]
operation = "ListTrails"
[[call]]
operation = "GetTrail"
each = { call = "ListTrails", items = "Trails" }
parameters = { Name = "${item}" }
[[resource]]
kind = "trail"
title = "Trail"
from = "GetTrail"
id = "${parent.Name}"
arn = "arn:${partition}:trail:${region}:${account}:${parent.Name}"
properties = { on = { value = "On", default = false } }
"#;

pub(super) const STORE: &str = r#"
service = "s3"
title = "Store"
scope = "global"
[[call]]
operation = "ListBuckets"
[[call]]
operation = "GetBucketLocation"
each = { call = "ListBuckets", items = "Buckets[].Name" }
parameters = { Bucket = "${item}" }
[[call]]
operation = "GetBucketPolicy"
each = { call = "GetBucketLocation", items = "[@]" }
parameters = { Bucket = "${parent.Bucket}" }
region = "${item.LocationConstraint}"
absent = ["NoSuchBucketPolicy"]
[[call]]
operation = "GetBucketTagging"
each = { call = "ListBuckets", items = "Buckets[].Name" }
parameters = { Bucket = "${item}" }
[[resource]]
kind = "s3-bucket"
title = "Bucket"
from = "ListBuckets"
items = "Buckets"
id = "${item.Name}"
arn = "arn:${partition}:s3:::${item.Name}"
tags = { call = "GetBucketTagging", match = { Bucket = "${item.Name}" }, value = "TagSet" }
[resource.properties]
created = { value = "Created" }
place = { call = "GetBucketLocation", match = { Bucket = "${item.Name}" }, value = "LocationConstraint || 'us-east-1'" }
policy = { call = "GetBucketPolicy", match = { Bucket = "${item.Name}" }, value = "Policy", decode = "json", absent = {} }
strict = { call = "GetBucketPolicy", match = { Bucket = "${item.Name}" }, value = "Policy", decode = "json" }
tags = { call = "GetBucketTagging", match = { Bucket = "${item.Name}" }, value = "TagSet" }
"#;

pub(super) fn at(
    service: &str,
    operation: &str,
    region: &str,
    parameters: Value,
    outcome: Result<Value, &str>,
) -> Record {
    let outcome = match outcome {
        Ok(response) => RecordOutcome::Response(response),
        Err(code) => RecordOutcome::Error(ApiError {
            code: code.into(),
            message: "no".into(),
            meaning: if code.starts_with("NoSuch") { ErrorMeaning::Absent } else { ErrorMeaning::Gap },
            reason: None,
        }),
    };
    Record {
        kind: RecordKind::ApiCall,
        version: 1,
        source: Source {
            partition: "aws".into(),
            account: ACCOUNT.into(),
            region: region.into(),
            service: service.into(),
            operation: operation.into(),
            parameters,
            caller: "arn:aws:iam::123456789012:user/auditor".into(),
            endpoint: "https://test".into(),
        },
        collected_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        exchanges: Vec::new(),
        outcome,
        redactions: Vec::new(),
    }
}

pub(super) fn id(record: &Record) -> RecordId {
    record.to_line().unwrap().1
}

pub(super) fn catalog(collectors: &[&str]) -> Catalog {
    let collectors = collectors.iter().map(|text| toml::from_str::<Collector>(text).unwrap());
    Catalog {
        collectors: collectors.map(|collector| (collector.service.clone(), collector)).collect(),
        checks: BTreeMap::new(),
        frameworks: BTreeMap::new(),
        excerpts: BTreeMap::new(),
        redactions: Default::default(),
        access: Default::default(),
        crosswalk: Default::default(),
        sources: crate::catalog::Sources::embedded(),
        digest: canonical::sha256(b""),
    }
}

pub(super) fn bundle(records: &[Record]) -> Bundle {
    let instant = "2026-01-01T00:00:00Z".parse().unwrap();
    let stored = |(number, record): (usize, &Record)| StoredRecord {
        id: id(record),
        path: "data/aws/x.ndjson".into(),
        line: number as u64 + 1,
        record: record.clone(),
    };
    Bundle {
        manifest: Manifest {
            version: Manifest::VERSION,
            tool: Tool::this(),
            catalog_sha256: canonical::sha256(b""),
            scope: Scope::new(
                "aws",
                [ACCOUNT],
                ["eu-west-1", "us-east-1"],
                Period { start: instant, end: instant },
            ),
            collection_started: instant,
            sealed_at: instant,
            records: records.len() as u64,
            gaps: Vec::new(),
            files: Vec::new(),
            merkle_root: canonical::sha256(b""),
            previous_manifest_sha256: None,
            shard: None,
            merged_from_sha256: Vec::new(),
            redaction_key_commitment: None,
            amends_sha256: None,
        },
        manifest_sha256: canonical::sha256(b""),
        records: records.iter().enumerate().map(stored).collect(),
        imports: BTreeMap::new(),
    }
}

pub(super) fn resources(records: &[Record]) -> ResourceSet {
    derive(&catalog(&[STS, TRAIL, STORE]), &bundle(records)).unwrap()
}

pub(super) fn one<'s>(set: &'s ResourceSet, kind: &str, id: &str) -> &'s Resource {
    let found: Vec<_> =
        set.resources.iter().filter(|resource| resource.kind == kind && resource.id == id).collect();
    assert_eq!(found.len(), 1, "{kind} {id} in {:?}", set.resources);
    found[0]
}

pub(super) fn known(value: Value, record: &Record) -> Property {
    Property::Known { value, record: id(record) }
}

#[track_caller]
pub(super) fn assert_unknown(property: &Property, because: &str, expected: Option<RecordId>) {
    match property {
        Property::Unknown { reason, record } => {
            assert!(reason.contains(because), "{reason}");
            assert_eq!(*record, expected, "{reason}");
        }
        known @ Property::Known { .. } => panic!("{known:?}"),
    }
}

/// Two buckets, a trail in one region, everything answered.
pub(super) fn world() -> Vec<Record> {
    let bucket = |name: &str| json!({ "Bucket": name });
    let tags = json!({"TagSet": [{"Key": "phi", "Value": "#strong[\u{202e}x]"}]});
    vec![
        at("sts", "GetCallerIdentity", "us-east-1", json!({}), Ok(json!({"Account": ACCOUNT, "Arn": "me"}))),
        at("trail", "ListTrails", "us-east-1", json!({}), Ok(json!({"Trails": ["t"]}))),
        at("trail", "ListTrails", "eu-west-1", json!({}), Ok(json!({"Trails": []}))),
        at("trail", "GetTrail", "us-east-1", json!({"Name": "t"}), Ok(json!({"On": true}))),
        at(
            "s3",
            "ListBuckets",
            "us-east-1",
            json!({}),
            Ok(json!({"Buckets": [{"Name": "a", "Created": "x"}, {"Name": "b"}]})),
        ),
        at("s3", "GetBucketLocation", "us-east-1", bucket("a"), Ok(json!({"LocationConstraint": null}))),
        at(
            "s3",
            "GetBucketLocation",
            "us-east-1",
            bucket("b"),
            Ok(json!({"LocationConstraint": "eu-west-1"})),
        ),
        at("s3", "GetBucketPolicy", "us-east-1", bucket("a"), Ok(json!({"Policy": "{\"Statement\":[]}"}))),
        at("s3", "GetBucketPolicy", "eu-west-1", bucket("b"), Err("NoSuchBucketPolicy")),
        at("s3", "GetBucketTagging", "us-east-1", bucket("a"), Ok(tags)),
        at("s3", "GetBucketTagging", "us-east-1", bucket("b"), Err("AccessDenied")),
    ]
}
