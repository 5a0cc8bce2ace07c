//! What a bundle says about a kind as a whole: what listed it, what hides it, where nobody looked.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::coverage::GLOBAL;
use super::expected::Expected;
use super::index::Index;
use super::rules::{CallRule, Calls};
use crate::bundle::StoredRecord;
use crate::catalog::{Query, TemplateError, context, elements, to_variable};
use crate::model::{KindSources, RecordOutcome};

/// Where a record of `call` stands: its region, or `global`.
pub(super) fn region_of<'r>(call: &CallRule<'_>, stored: &'r StoredRecord) -> &'r str {
    if call.regional || call.placed { &stored.record.source.region } else { GLOBAL }
}

/// Says what `call` and the calls that it depends on tell of a kind: gaps anywhere among them hide some (if a
/// list of keys was denied, no key was described), an answer that leaves nothing to ask on lists it (no keys:
/// none of the kind), and where not even a first call was made, nobody looked.
pub(super) fn follow(
    call: &CallRule<'_>,
    calls: &Calls<'_>,
    index: &Index<'_>,
    expected: &Expected<'_>,
    sources: &mut KindSources,
) {
    let lineage = calls.lineage(call);
    for link in &lineage {
        for stored in index.records(link).iter().filter(|stored| stored.record.gap().is_some()) {
            let account = stored.record.source.account.clone();
            sources.gaps.push((stored.id, account, region_of(link, stored).to_owned()));
        }
    }
    for (parent, items) in lineage.iter().flat_map(|link| calls.parents(link)) {
        let ended = index.records(parent).iter().filter(|stored| asks_nothing(items, stored));
        sources.listed.extend(ended.map(|stored| stored.id));
    }
    for first in lineage.iter().filter(|link| link.each.is_empty()) {
        unseen(first, index, expected, sources);
    }
}

/// Says where `first`, which depends on no other call, should have been made and was not.
fn unseen(first: &CallRule<'_>, index: &Index<'_>, expected: &Expected<'_>, sources: &mut KindSources) {
    let seen: BTreeSet<(&str, &str)> = index
        .records(first)
        .iter()
        .map(|stored| (stored.record.source.account.as_str(), region_of(first, stored)))
        .collect();
    for account in expected.accounts() {
        if first.placed && !first.regional {
            // Made in regions that only the run knew: any of them shows that it was made.
            if !seen.iter().any(|(seen, _)| *seen == account) {
                sources.missing.push((account.to_owned(), GLOBAL.to_owned()));
            }
            continue;
        }
        let partition = expected.partition();
        let regions: BTreeSet<String> = match first.regional {
            true => expected
                .regions(account)
                .into_iter()
                .flat_map(|region| made_in(first, partition, account, region))
                .collect(),
            false => [GLOBAL.to_owned()].into(),
        };
        let unseen = regions.into_iter().filter(|region| !seen.contains(&(account, region.as_str())));
        sources.missing.extend(unseen.map(|region| (account.to_owned(), region)));
    }
}

/// The regions that a call which depends on no other is made in for one region of the scope: mostly that
/// region, or where the catalog sends it. What cannot be told counts as that region.
fn made_in(call: &CallRule<'_>, partition: &str, account: &str, region: &str) -> Vec<String> {
    let around = |item: &_| {
        let nothing = to_variable(&Value::Null);
        context(item, &nothing, account, region, partition)
    };
    let regions = || -> Result<Vec<String>, TemplateError> {
        let nothing = around(&to_variable(&Value::Null));
        let items = match &call.items {
            Some(query) => elements(&query.search(&nothing, &nothing)?),
            None => vec![to_variable(&Value::Null)],
        };
        let made = items.iter().map(|item| match &call.region {
            Some(template) => template.fill_from(&around(item)),
            None => Ok(region.to_owned()),
        });
        made.collect()
    };
    regions().unwrap_or_else(|_| vec![region.to_owned()])
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

/// Whether an answer gives a call that fans out over its `items` nothing to ask.
pub(super) fn asks_nothing(items: &Query, stored: &StoredRecord) -> bool {
    match &stored.record.outcome {
        RecordOutcome::Response(response) => {
            let source = &stored.record.source;
            let nothing = to_variable(&Value::Null);
            let parameters = to_variable(&source.parameters);
            let around = context(&nothing, &parameters, &source.account, &source.region, &source.partition);
            let found = items.search(&to_variable(response), &around);
            found.is_ok_and(|found| elements(&found).is_empty())
        }
        RecordOutcome::Error(_) => stored.record.is_absent(),
    }
}
