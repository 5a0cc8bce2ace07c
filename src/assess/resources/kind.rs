//! The resources of one kind.

use std::collections::BTreeMap;

use jmespath::Rcvar;
use serde_json::{Value, json};

use super::super::coverage::GLOBAL;
use super::expected::Expected;
use super::index::{self, Index};
use super::property::{Evaluation, Reader};
use super::rules::{CallRule, Calls, From, Rule};
use super::sources;
use super::{decode, tags};
use crate::bundle::StoredRecord;
use crate::catalog::{context, elements, to_variable};
use crate::model::{KindSources, Property, RecordOutcome, Resource};

/// The call that says that an account is there.
const IDENTITY: (&str, &str) = ("sts", "GetCallerIdentity");

/// One resource before its properties: where it stands and what the listing record says of it.
struct Listed<'a> {
    item: Rcvar,
    parent: Rcvar,
    stored: &'a StoredRecord,
    region: String,
}

/// Derives the resources of `rule`'s kind and says what listed and what hides them.
pub(super) fn derive(
    rule: &Rule<'_>,
    calls: &Calls<'_>,
    index: &Index<'_>,
    expected: &Expected<'_>,
) -> (Vec<Resource>, KindSources) {
    let mut sources = KindSources::default();
    let listed = match &rule.from {
        From::Account => places(index, expected, &mut sources, |_| vec![GLOBAL]),
        From::Region => places(index, expected, &mut sources, |account| expected.regions(account)),
        From::Call(call) => {
            sources::follow(call, calls, index, expected, &mut sources);
            items(rule, call, index, expected.partition(), &mut sources)
        }
    };
    let reader = Reader::new(rule, calls, index);
    let mut resources: BTreeMap<(String, String, String, String), (&StoredRecord, Resource)> =
        BTreeMap::new();
    for one in listed {
        let Some(resource) = build(rule, &reader, &one) else {
            let account = one.stored.record.source.account.clone();
            sources.gaps.push((one.stored.id, account, one.region));
            continue;
        };
        let key =
            (resource.account.clone(), resource.region.clone(), resource.id.clone(), resource.arn.clone());
        match resources.get(&key) {
            Some((known, _)) if index::age(known) >= index::age(one.stored) => (),
            _ => {
                resources.insert(key, (one.stored, resource));
            }
        }
    }
    sources::tidy(&mut sources);
    (resources.into_values().map(|(_, resource)| resource).collect(), sources)
}

/// Accounts or regions of the scope: there because the account answered who is asking.
fn places<'a, 'e>(
    index: &Index<'a>,
    expected: &Expected<'e>,
    sources: &mut KindSources,
    regions: impl Fn(&str) -> Vec<&'e str>,
) -> Vec<Listed<'a>> {
    let mut listed = Vec::new();
    for account in expected.accounts() {
        let records = index.of(IDENTITY.0, IDENTITY.1).iter().copied();
        let latest = records
            .filter(|stored| stored.record.source.account == account)
            .max_by_key(|stored| index::age(stored));
        for region in regions(account) {
            match latest.map(|stored| (stored, &stored.record.outcome)) {
                None => sources.missing.push((account.to_owned(), region.to_owned())),
                // An answer about another account says nothing about this one.
                Some((stored, RecordOutcome::Response(response)))
                    if response.get("Account").is_none_or(|found| found == account) =>
                {
                    sources.listed.push(stored.id);
                    listed.push(Listed {
                        item: to_variable(&json!({ "Account": account, "Region": region })),
                        parent: to_variable(&Value::Null),
                        stored,
                        region: region.to_owned(),
                    });
                }
                Some((stored, _)) => sources.gaps.push((stored.id, account.to_owned(), region.to_owned())),
            }
        }
    }
    listed
}

/// The items of all records of `call`.
fn items<'a>(
    rule: &Rule<'_>,
    call: &CallRule<'_>,
    index: &Index<'a>,
    partition: &str,
    sources: &mut KindSources,
) -> Vec<Listed<'a>> {
    let mut listed = Vec::new();
    for &stored in index.records(call) {
        let source = &stored.record.source;
        let region = sources::region_of(call, stored);
        let response = match &stored.record.outcome {
            RecordOutcome::Response(response) => response,
            RecordOutcome::Error(_) if stored.record.is_absent() => {
                sources.listed.push(stored.id);
                continue;
            }
            RecordOutcome::Error(_) => continue, // among the gaps already
        };
        let parent = to_variable(&source.parameters);
        let nothing = to_variable(&Value::Null);
        let around = context(&nothing, &parent, &source.account, &source.region, partition);
        let found = rule.items.search(&to_variable(response), &around).map_err(|error| error.to_string());
        let decoded = found.and_then(|found| match rule.decode {
            None => Ok(found),
            how @ Some(_) => decode::decode(&found, how).map(|value| to_variable(&value)),
        });
        match decoded {
            Ok(found) => {
                sources.listed.push(stored.id);
                listed.extend(elements(&found).into_iter().map(|item| Listed {
                    item,
                    parent: parent.clone(),
                    stored,
                    region: region.to_owned(),
                }));
            }
            Err(_) => sources.gaps.push((stored.id, source.account.clone(), region.to_owned())),
        }
    }
    listed
}

/// The resource; `None` where the item does not say what it is called: then it is hidden.
fn build(rule: &Rule<'_>, reader: &Reader<'_>, one: &Listed<'_>) -> Option<Resource> {
    let source = &one.stored.record.source;
    // Templates see the region that was called, even where the resource counts as global.
    let called = if matches!(rule.from, From::Region) { &one.region } else { &source.region };
    let around = context(&one.item, &one.parent, &source.account, called, &source.partition);
    let named = |text: String| (!text.is_empty()).then_some(text);
    let id = rule.id.fill_from(&around).ok().and_then(named)?;
    let arn = rule.arn.fill_from(&around).ok().and_then(named)?;
    let evaluation = Evaluation {
        item: &one.item,
        around: &around,
        record: one.stored.id,
        account: &source.account,
        region: &one.region,
    };
    let properties: BTreeMap<String, Property> = reader.properties(&evaluation);
    Some(Resource {
        kind: rule.kind.to_owned(),
        id,
        arn,
        account: source.account.clone(),
        region: one.region.clone(),
        tags: reader.tags(&evaluation).map(|value| tags::read(&value)).unwrap_or_default(),
        properties,
        record: one.stored.id,
    })
}
