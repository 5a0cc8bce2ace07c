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
