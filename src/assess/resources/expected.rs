//! Where evidence is expected from: every account in every region of the scope, but for the regions that an
//! account has not enabled.

use std::collections::BTreeSet;

use serde_json::Value;

use super::index::Index;
use crate::model::Scope;

/// The call that says which regions an account has enabled.
const REGIONS: (&str, &str) = ("ec2", "DescribeRegions");

/// The accounts of a scope, and the regions of each.
pub(super) struct Expected<'a> {
    scope: &'a Scope,
    /// Account and region.
    not_enabled: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Expected<'a> {
    /// A region is out of scope in an account only where the manifest says so and a record of the account's own
    /// proves it: what a manifest merely claims hides nothing.
    pub(super) fn new(scope: &'a Scope, index: &Index<'a>) -> Self {
        let mut not_enabled = BTreeSet::new();
        for stored in index.of(REGIONS.0, REGIONS.1) {
            let Some(claimed) = scope.regions_not_enabled.get(&stored.record.source.account) else {
                continue;
            };
            let answer = stored.record.response().and_then(|answer| answer.get("Regions")?.as_array());
            for region in answer.into_iter().flatten() {
                let text = |member: &str| region.get(member).and_then(Value::as_str);
                if let (Some(name), Some("not-opted-in")) = (text("RegionName"), text("OptInStatus"))
                    && claimed.contains(name)
                {
                    not_enabled.insert((stored.record.source.account.as_str(), name));
                }
            }
        }
        Self { scope, not_enabled }
    }

    /// AWS partition.
    pub(super) fn partition(&self) -> &'a str {
        &self.scope.partition
    }

    /// The accounts.
    pub(super) fn accounts(&self) -> impl Iterator<Item = &'a str> {
        self.scope.accounts.iter().map(String::as_str)
    }

    /// The regions in which evidence of `account` is expected.
    pub(super) fn regions(&self, account: &str) -> Vec<&'a str> {
        let regions = self.scope.regions.iter().map(String::as_str);
        regions.filter(|region| !self.not_enabled.contains(&(account, *region))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::StoredRecord;
    use crate::bundle::testing::api_record;
    use crate::model::{ApiError, GapReason, Period, RecordOutcome};
    use serde_json::json;

    const ACCOUNT: &str = "123456789012";
    const OTHER: &str = "111122223333";

    /// The regions in which evidence of `account` is expected, of two that are in scope.
    fn expected(claimed_of: &[&str], outcome: RecordOutcome, account: &str) -> Vec<String> {
        let instant = "2026-01-01T00:00:00Z".parse().unwrap();
        let period = Period { start: instant, end: instant };
        let mut scope = Scope::new("aws", [ACCOUNT, OTHER], ["af-south-1", "us-east-1"], period);
        for account in claimed_of {
            scope.regions_not_enabled.insert((*account).into(), ["af-south-1".to_owned()].into());
        }
        let record = crate::model::Record { outcome, ..api_record("ec2", "DescribeRegions", json!({})) };
        let id = record.to_line().unwrap().1;
        let records = [StoredRecord { id, path: "data/aws/x.ndjson".into(), line: 1, record }];
        let expected = Expected::new(&scope, &Index::new(&records));
        expected.regions(account).into_iter().map(str::to_owned).collect()
    }

    fn answer(status: &str) -> RecordOutcome {
        RecordOutcome::Response(json!({"Regions": [
            {"RegionName": "af-south-1", "OptInStatus": status},
            {"RegionName": "us-east-1", "OptInStatus": "not-opted-in"},
        ]}))
    }

    #[test]
    fn only_what_is_claimed_and_proven_is_not_expected() {
        let both = ["af-south-1", "us-east-1"];
        assert_eq!(expected(&[ACCOUNT], answer("not-opted-in"), ACCOUNT), ["us-east-1"]);
        assert_eq!(expected(&[], answer("not-opted-in"), ACCOUNT), both, "proven, but not claimed");
        assert_eq!(expected(&[ACCOUNT], answer("opted-in"), ACCOUNT), both, "claimed, but disproved");
        let refused = ApiError::gap("AccessDenied", "no", GapReason::AccessDenied);
        assert_eq!(expected(&[ACCOUNT], RecordOutcome::Error(refused), ACCOUNT), both);
        assert_eq!(
            expected(&[ACCOUNT, OTHER], answer("not-opted-in"), OTHER),
            both,
            "proof of another account"
        );
    }
}
