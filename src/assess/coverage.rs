//! What a bundle says about each kind of resource as a whole: where it was listed, where a gap hides it, and
//! where nobody ever looked.

use std::collections::{BTreeMap, BTreeSet};

use crate::bundle::{Bundle, StoredRecord};
use crate::catalog::{Catalog, Collector, ResourceRule, ServiceScope};
use crate::model::{RecordId, ResourceSet};

/// The region of what stands in none.
pub(crate) const GLOBAL: &str = "global";

/// A record that speaks about a kind in one account and region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Listing {
    /// Account.
    pub(crate) account: String,
    /// Region, or `global`.
    pub(crate) region: String,
    /// The record.
    pub(crate) record: RecordId,
}

/// What is known about one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Coverage {
    /// Records that list it, sorted; a list with nothing in it is one.
    pub(crate) listed: Vec<Listing>,
    /// Gaps that hide it, sorted.
    pub(crate) gaps: Vec<Listing>,
    /// Accounts and regions in scope where no record says anything about it, sorted.
    pub(crate) unseen: Vec<(String, String)>,
}

impl Coverage {
    /// Whether all resources of the kind in `account` were seen.
    pub(crate) fn is_complete_in(&self, account: &str) -> bool {
        !self.gaps.iter().any(|gap| gap.account == account)
            && !self.unseen.iter().any(|(unseen, _)| unseen == account)
    }
}

/// The coverage of every kind that the catalog knows.
pub(crate) fn coverage(catalog: &Catalog, bundle: &Bundle, set: &ResourceSet) -> BTreeMap<String, Coverage> {
    let by_id: BTreeMap<RecordId, &StoredRecord> =
        bundle.records.iter().map(|stored| (stored.id, stored)).collect();
    let mut coverage = BTreeMap::new();
    for collector in catalog.collectors.values() {
        for rule in &collector.resources {
            coverage.insert(rule.kind.clone(), of_kind(bundle, &by_id, set, collector, rule));
        }
    }
    coverage
}

fn of_kind(
    bundle: &Bundle,
    by_id: &BTreeMap<RecordId, &StoredRecord>,
    set: &ResourceSet,
    collector: &Collector,
    rule: &ResourceRule,
) -> Coverage {
    let Some(sources) = set.sources.get(&rule.kind) else {
        let accounts = bundle.manifest.scope.accounts.iter();
        let unseen = accounts.map(|account| (account.clone(), "*".to_owned())).collect();
        return Coverage { unseen, ..Coverage::default() };
    };
    let listing = |stored: &StoredRecord| Listing {
        account: stored.record.source.account.clone(),
        region: match collector.scope {
            ServiceScope::Global => GLOBAL.to_owned(),
            ServiceScope::Regional => stored.record.source.region.clone(),
        },
        record: stored.id,
    };
    let listed: BTreeSet<Listing> =
        sources.listed.iter().filter_map(|id| by_id.get(id)).map(|stored| listing(stored)).collect();
    let gaps = sources.gaps.iter().map(|(record, account, region)| Listing {
        account: account.clone(),
        region: region.clone(),
        record: *record,
    });
    let gaps: BTreeSet<Listing> = gaps.collect();
    let unseen: BTreeSet<(String, String)> = sources.missing.iter().cloned().collect();
    Coverage {
        listed: listed.into_iter().collect(),
        gaps: gaps.into_iter().collect(),
        unseen: unseen.into_iter().collect(),
    }
}
