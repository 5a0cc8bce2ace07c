//! Comparing: what one side did not look at is not told as gone.

use std::collections::BTreeMap;
use std::sync::Arc;

use proofpack::compare::{Side, compare};
use proofpack::model::{
    Assessment, Drift, KindSources, Outcome, RecordId, Resource, ResourceChanges, ResourceSet,
};

use crate::report::synthetic::Synthetic;

const ACCOUNT: &str = "123456789012";

fn resource(region: &str) -> Resource {
    Resource {
        kind: "kms-key".into(),
        id: "key".into(),
        arn: format!("arn:aws:kms:{region}:{ACCOUNT}:key/key"),
        account: ACCOUNT.into(),
        region: region.into(),
        tags: BTreeMap::new(),
        properties: BTreeMap::new(),
        record: RecordId(proofpack::canonical::sha256(b"list")),
    }
}

/// A side with the resources, as a bundle of these regions describes them.
fn side(regions: &[&str], resources: Vec<Resource>) -> (Assessment, ResourceSet) {
    let mut assessment = Synthetic::default().assessment();
    let scope = &mut assessment.bundle.scope;
    scope.accounts = vec![ACCOUNT.into()];
    scope.regions = regions.iter().map(|region| (*region).to_owned()).collect();
    let sources = BTreeMap::from([("kms-key".to_owned(), KindSources::default())]);
    (assessment, ResourceSet { resources: Arc::new(resources), sources })
}

fn changes(before: &(Assessment, ResourceSet), after: &(Assessment, ResourceSet)) -> ResourceChanges {
    compare(
        Side { assessment: &before.0, resources: &before.1 },
        Side { assessment: &after.0, resources: &after.1 },
    )
    .resources
}

#[test]
fn a_resource_is_removed_only_where_the_later_side_would_have_seen_it() {
    let there = side(&["eu-west-1", "us-east-1"], vec![resource("eu-west-1")]);
    let gone = |after: &(Assessment, ResourceSet)| {
        let changes = changes(&there, after);
        assert_eq!(changes.removed.len() + changes.no_longer_seen.len(), 1);
        changes.removed.len() == 1
    };
    assert!(gone(&side(&["eu-west-1", "us-east-1"], vec![])));
    // Out of scope: the region, the region of that account, the account.
    assert!(!gone(&side(&["us-east-1"], vec![])));
    let mut after = side(&["eu-west-1", "us-east-1"], vec![]);
    let not_enabled = &mut after.0.bundle.scope.regions_not_enabled;
    not_enabled.entry(ACCOUNT.into()).or_default().insert("eu-west-1".into());
    assert!(!gone(&after));
    let mut after = side(&["eu-west-1", "us-east-1"], vec![]);
    after.0.bundle.scope.accounts = vec!["999999999999".into()];
    assert!(!gone(&after));
    // In scope, and hidden or never asked about; elsewhere does not matter.
    let gap = RecordId(proofpack::canonical::sha256(b"gap"));
    let place = |region: &str| (ACCOUNT.to_owned(), region.to_owned());
    for (region, hidden) in [("eu-west-1", true), ("global", true), ("us-east-1", false)] {
        let mut after = side(&["eu-west-1", "us-east-1"], vec![]);
        let (account, region) = place(region);
        after.1.sources.get_mut("kms-key").unwrap().gaps.push((gap, account, region));
        assert_eq!(gone(&after), !hidden);
        let mut after = side(&["eu-west-1", "us-east-1"], vec![]);
        after.1.sources.get_mut("kms-key").unwrap().missing.push(place(if hidden {
            "eu-west-1"
        } else {
            "us-east-1"
        }));
        assert_eq!(gone(&after), !hidden);
    }
    // A kind that nobody knows on the later side.
    let mut after = side(&["eu-west-1", "us-east-1"], vec![]);
    after.1.sources.clear();
    assert!(!gone(&after));
}

#[test]
fn another_kind_under_the_same_arn_does_not_make_a_failure_resolved() {
    let mut before = side(&["eu-west-1"], vec![resource("eu-west-1")]);
    let failure = before.0.findings.iter_mut().find(|finding| finding.outcome == Outcome::Fail).unwrap();
    failure.exception = None;
    let key = resource("eu-west-1");
    let subject = &mut failure.subject;
    (subject.kind, subject.account, subject.region) = (key.kind, key.account, key.region);
    (subject.arn, subject.id) = (key.arn, key.id);
    let failure = failure.clone();
    before.0.findings = vec![failure.clone()];
    let drift = |resources: Vec<Resource>| {
        let mut after = side(&["eu-west-1"], resources);
        after.0.findings = vec![];
        // Nobody could list the keys.
        after
            .1
            .sources
            .get_mut("kms-key")
            .unwrap()
            .missing
            .push((ACCOUNT.to_owned(), "eu-west-1".to_owned()));
        let compared = compare(
            Side { assessment: &before.0, resources: &before.1 },
            Side { assessment: &after.0, resources: &after.1 },
        );
        compared.findings.iter().find(|one| one.subject == failure.subject).unwrap().drift
    };
    assert_eq!(drift(vec![]), Drift::NoLongerDecided);
    let tagged = Resource { kind: "tagged-resource".into(), ..resource("eu-west-1") };
    assert_eq!(drift(vec![tagged]), Drift::NoLongerDecided);
    assert_eq!(drift(vec![resource("eu-west-1")]), Drift::Resolved);
}
