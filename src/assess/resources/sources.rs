//! What a bundle says about a kind as a whole: what listed it, what hides it, where nobody looked.

use std::collections::BTreeSet;

use super::index::Index;
use super::rules::{CallRule, Calls};
use crate::bundle::StoredRecord;
use crate::model::{KindSources, Scope};

/// Where services and resources that stand in no region stand.
pub(super) const GLOBAL: &str = "global";

/// Where a record of `call` stands: its region, or `global`.
pub(super) fn region_of<'r>(call: &CallRule<'_>, stored: &'r StoredRecord) -> &'r str {
    if call.regional || call.placed { &stored.record.source.region } else { GLOBAL }
}

/// The places in scope of which no record of the first call in `call`'s chain speaks, and the gaps of the
/// whole chain: if a list of keys was denied, no key was described.
pub(super) fn hidden(
    call: &CallRule<'_>,
    calls: &Calls<'_>,
    index: &Index<'_>,
    scope: &Scope,
    sources: &mut KindSources,
) {
    let chain = calls.chain(call);
    for link in &chain {
        for stored in index.records(link).iter().filter(|stored| stored.record.gap().is_some()) {
            let account = stored.record.source.account.clone();
            sources.gaps.push((stored.id, account, region_of(link, stored).to_owned()));
        }
    }
    let Some(first) = chain.last() else { return };
    let seen: BTreeSet<(&str, &str)> = index
        .records(first)
        .iter()
        .map(|stored| (stored.record.source.account.as_str(), region_of(first, stored)))
        .collect();
    for account in &scope.accounts {
        let regions: Vec<&str> =
            if first.regional { scope.regions.iter().map(String::as_str).collect() } else { vec![GLOBAL] };
        let unseen = regions.into_iter().filter(|region| !seen.contains(&(account.as_str(), *region)));
        sources.missing.extend(unseen.map(|region| (account.clone(), region.to_owned())));
    }
}

/// Sorts and takes out what is there twice.
pub(super) fn tidy(sources: &mut KindSources) {
    sources.listed.sort_unstable();
    sources.listed.dedup();
    sources.gaps.sort_unstable();
    sources.gaps.dedup();
    sources.missing.sort_unstable();
    sources.missing.dedup();
}
