//! Endpoints against botocore's own evaluator of the same rules.

use std::collections::BTreeMap;

use proofpack::aws::{Endpoint, EndpointError, EndpointRequest, Models};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{python_tool, root, succeed};

#[derive(Debug, Deserialize)]
struct Case {
    service: String,
    operation: String,
    region: String,
    fips: bool,
    dual_stack: bool,
    parameters: Value,
    error: Option<String>,
    url: Option<String>,
    signing_region: Option<String>,
    signing_name: Option<String>,
}

#[test]
fn endpoints_are_those_of_botocore_in_every_partition() {
    let output = succeed(
        python_tool("python")
            .arg(root().join("tests/aws/endpoints.py"))
            .arg(root().join("evidence-schemas/aws")),
    );
    let models = Models::embedded().unwrap();
    let mut by_partition: BTreeMap<String, usize> = BTreeMap::new();
    let mut problems = Vec::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let request = EndpointRequest {
            region: &case.region,
            override_url: None,
            fips: case.fips,
            dual_stack: case.dual_stack,
        };
        let ours = models.endpoint(&case.service, &case.operation, request, &case.parameters);
        let equal = match (&ours, &case.url) {
            (Ok(ours), Some(url)) => {
                ours.url == *url
                    && Some(&ours.signing_region) == case.signing_region.as_ref()
                    && Some(&ours.signing_name) == case.signing_name.as_ref()
            }
            // botocore takes a region that no partition has for one of `aws`; we call nobody there.
            (Err(EndpointError::UnknownRegion(region)), _) => models.partition(region).is_none(),
            (Err(EndpointError::Rules(_)), None) => case.error.is_some(),
            _ => false,
        };
        if !equal {
            problems.push(format!("{case:?}\n  ours: {ours:?}"));
        }
        *by_partition.entry(models.partition(&case.region).unwrap_or("none").to_owned()).or_default() += 1;
    }
    assert!(problems.is_empty(), "{} differ:\n{}", problems.len(), problems.join("\n"));
    for partition in ["aws", "aws-us-gov", "aws-cn", "aws-iso", "none"] {
        assert!(by_partition.get(partition).is_some_and(|cases| *cases > 100), "{by_partition:?}");
    }
}

#[test]
fn a_few_endpoints_by_heart() {
    let models = Models::embedded().unwrap();
    let endpoint = |service, operation, region, parameters: Value| {
        let request = EndpointRequest { region, ..EndpointRequest::default() };
        models.endpoint(service, operation, request, &parameters).unwrap()
    };
    let expected = |url: &str, region: &str, name: &str| Endpoint {
        url: url.into(),
        signing_region: region.into(),
        signing_name: name.into(),
    };
    assert_eq!(
        endpoint("iam", "GetAccountSummary", "eu-central-1", json!({})),
        expected("https://iam.amazonaws.com", "us-east-1", "iam")
    );
    assert_eq!(
        endpoint("iam", "GetAccountSummary", "us-gov-east-1", json!({})),
        expected("https://iam.us-gov.amazonaws.com", "us-gov-west-1", "iam")
    );
    assert_eq!(
        endpoint("kms", "ListKeys", "cn-north-1", json!({})),
        expected("https://kms.cn-north-1.amazonaws.com.cn", "cn-north-1", "kms")
    );
    assert_eq!(
        endpoint("s3", "GetBucketPolicy", "eu-west-1", json!({"Bucket": "b-1"})),
        expected("https://b-1.s3.eu-west-1.amazonaws.com", "eu-west-1", "s3")
    );
    assert_eq!(
        endpoint("s3control", "GetPublicAccessBlock", "us-east-1", json!({"AccountId": "123456789012"})),
        expected("https://123456789012.s3-control.us-east-1.amazonaws.com", "us-east-1", "s3")
    );
}

#[test]
fn an_override_is_used_as_it_is() {
    let models = Models::embedded().unwrap();
    let request = EndpointRequest {
        region: "us-east-1",
        override_url: Some("http://127.0.0.1:5000"),
        ..EndpointRequest::default()
    };
    for (service, operation, parameters, url) in [
        ("s3control", "GetPublicAccessBlock", json!({"AccountId": "123456789012"}), "http://127.0.0.1:5000"),
        ("s3", "ListBuckets", json!({}), "http://127.0.0.1:5000"),
        ("s3", "GetBucketPolicy", json!({"Bucket": "a b/../c"}), "http://127.0.0.1:5000/a%20b%2F..%2Fc"),
        ("iam", "GetAccountSummary", json!({}), "http://127.0.0.1:5000"),
    ] {
        assert_eq!(models.endpoint(service, operation, request, &parameters).unwrap().url, url);
    }
}

#[test]
fn partitions_and_their_home_regions() {
    let models = Models::embedded().unwrap();
    for (region, partition, home) in [
        ("eu-north-1", "aws", "us-east-1"),
        ("us-gov-east-1", "aws-us-gov", "us-gov-west-1"),
        ("cn-northwest-1", "aws-cn", "cn-northwest-1"),
    ] {
        assert_eq!(models.partition(region), Some(partition));
        assert_eq!(models.home_region(partition), Some(home));
    }
    assert_eq!(models.partition("us-east-1/../x"), None);
}
