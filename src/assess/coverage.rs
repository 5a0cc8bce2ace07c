//! What a bundle says about each kind of resource as a whole: where it was listed, where a gap hides it, and
//! where nobody ever looked.

use std::collections::{BTreeMap, BTreeSet};

use crate::bundle::{Bundle, StoredRecord};
use crate::catalog::{Catalog, Collector, ResourceRule, ServiceScope};
use crate::model::{RecordId, ResourceSet};

/// A record that speaks about a kind in one account and region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listing {
    /// Account.
    pub account: String,
    /// Region, or `global`.
    pub region: String,
    /// The record.
    pub record: RecordId,
}

/// What is known about one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Records that list it, sorted; a list with nothing in it is one.
    pub listed: Vec<Listing>,
    /// Gaps that hide it, sorted.
    pub gaps: Vec<Listing>,
    /// Accounts and regions in scope where no record says anything about it, sorted.
    pub unseen: Vec<(String, String)>,
}

impl Coverage {
    /// Whether all resources of the kind in `account` were seen.
    pub fn is_complete_in(&self, account: &str) -> bool {
        !self.gaps.iter().any(|gap| gap.account == account)
            && !self.unseen.iter().any(|(unseen, _)| unseen == account)
    }
}

/// The coverage of every kind that the catalog knows.
pub fn coverage(catalog: &Catalog, bundle: &Bundle, set: &ResourceSet) -> BTreeMap<String, Coverage> {
    let records = Records::new(bundle);
    let rules = catalog
        .collectors
        .values()
        .flat_map(|collector| collector.resources.iter().map(move |rule| (collector, rule)));
    rules.map(|(collector, rule)| (rule.kind.clone(), of_kind(&records, set, collector, rule))).collect()
}

/// The records of a bundle by what they are about.
struct Records<'a> {
    bundle: &'a Bundle,
    by_id: BTreeMap<RecordId, &'a StoredRecord>,
    by_call: BTreeMap<(&'a str, &'a str), Vec<&'a StoredRecord>>,
}

impl<'a> Records<'a> {
    fn new(bundle: &'a Bundle) -> Self {
        let mut by_call: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for stored in &bundle.records {
            let source = &stored.record.source;
            by_call.entry((source.service.as_str(), source.operation.as_str())).or_default().push(stored);
        }
        let by_id = bundle.records.iter().map(|stored| (stored.id, stored)).collect();
        Self { bundle, by_id, by_call }
    }

    fn of_call<'b>(&'b self, service: &'b str, operation: &'b str) -> &'b [&'a StoredRecord] {
        self.by_call.get(&(service, operation)).map(Vec::as_slice).unwrap_or_default()
    }
}

fn of_kind(records: &Records<'_>, set: &ResourceSet, collector: &Collector, rule: &ResourceRule) -> Coverage {
    let region_of = |stored: &StoredRecord| match collector.scope {
        ServiceScope::Global => "global".to_owned(),
        ServiceScope::Regional => stored.record.source.region.clone(),
    };
    let listing = |stored: &StoredRecord| Listing {
        account: stored.record.source.account.clone(),
        region: region_of(stored),
        record: stored.id,
    };
    let mut listed = BTreeSet::new();
    let mut gaps = BTreeSet::new();
    if let Some(sources) = set.sources.get(&rule.kind) {
        listed.extend(sources.listed.iter().filter_map(|id| records.by_id.get(id)).map(|s| listing(s)));
        gaps.extend(sources.gaps.iter().map(|(record, account, region)| Listing {
            account: account.clone(),
            region: region.clone(),
            record: *record,
        }));
    }
    // A gap in any call that leads to the kind hides some of it, whoever noticed.
    let told: BTreeSet<RecordId> = gaps.iter().map(|gap| gap.record).collect();
    let chain = chain(collector, rule);
    for operation in &chain {
        let calls = records.of_call(&collector.service, operation);
        gaps.extend(
            calls.iter().filter(|s| s.record.gap().is_some() && !told.contains(&s.id)).map(|s| listing(s)),
        );
    }
    // Where the first call of the chain was answered, the kind was looked for, even if nothing was there to follow.
    let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
    if let Some(first) = chain.first() {
        let answered = records.of_call(&collector.service, first);
        listed.extend(answered.iter().filter(|s| s.record.gap().is_none()).map(|s| listing(s)));
        seen.extend(answered.iter().map(|s| (s.record.source.account.clone(), region_of(s))));
    } else {
        seen.extend(of_this_kind(set, &rule.kind).map(|r| (r.account.clone(), place(rule, &r.region))));
    }
    seen.extend(gaps.iter().map(|gap| (gap.account.clone(), gap.region.clone())));
    let unseen = expected(records.bundle, collector, rule)
        .into_iter()
        .filter(|(account, region)| {
            let everywhere = (account.clone(), "global".to_owned());
            !seen.contains(&(account.clone(), region.clone())) && !seen.contains(&everywhere)
        })
        .collect();
    Coverage { listed: listed.into_iter().collect(), gaps: gaps.into_iter().collect(), unseen }
}

fn of_this_kind<'a>(set: &'a ResourceSet, kind: &'a str) -> impl Iterator<Item = &'a crate::model::Resource> {
    set.resources.iter().filter(move |resource| resource.kind == kind)
}

/// The operations that lead to a kind, from the one that depends on no other to the one that lists it.
/// Empty for what exists in every account (`@account`) or region (`@region`).
fn chain<'a>(collector: &'a Collector, rule: &'a ResourceRule) -> Vec<&'a str> {
    let mut operations = Vec::new();
    let mut next = Some(rule.from.as_str()).filter(|from| !from.starts_with('@'));
    while let Some(operation) = next {
        // A catalog is validated against cycles; should it hold one, this ends all the same.
        if operations.contains(&operation) {
            break;
        }
        operations.push(operation);
        next = collector
            .calls
            .iter()
            .find(|call| call.operation == operation)
            .and_then(|call| call.each.as_ref())
            .map(|each| each.call.as_str());
    }
    operations.reverse();
    operations
}

/// Where the kind has to be looked for.
fn expected(bundle: &Bundle, collector: &Collector, rule: &ResourceRule) -> Vec<(String, String)> {
    let scope = &bundle.manifest.scope;
    let per_account = match rule.from.as_str() {
        "@account" => true,
        "@region" => false,
        _ => collector.scope == ServiceScope::Global,
    };
    let mut places = Vec::new();
    for account in &scope.accounts {
        if per_account {
            places.push((account.clone(), "global".to_owned()));
        } else {
            places.extend(scope.regions.iter().map(|region| (account.clone(), region.clone())));
        }
    }
    places
}

fn place(rule: &ResourceRule, region: &str) -> String {
    if rule.from == "@account" { "global".to_owned() } else { region.to_owned() }
}
