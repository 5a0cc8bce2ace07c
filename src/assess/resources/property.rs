//! Properties: known with their record, or unknown with the reason. Never known in spite of a gap.

use std::cell::RefCell;
use std::collections::BTreeMap;

use jmespath::{Rcvar, Variable};
use serde_json::Value;

use super::index::{self, Index, Lookup};
use super::rules::{CallRule, Calls, Property as PropertyRule, Rule};
use super::{decode, sources};
use crate::bundle::StoredRecord;
use crate::catalog::to_variable;
use crate::model::{ErrorMeaning, Property, RecordId, RecordOutcome};

/// Longest reason, in characters.
const LONGEST_REASON: usize = 400;

/// A resource whose properties are read.
pub(super) struct Evaluation<'e> {
    pub(super) item: &'e Rcvar,
    /// What templates see.
    pub(super) around: &'e Rcvar,
    /// The record that lists the resource.
    pub(super) record: RecordId,
    pub(super) account: &'e str,
    pub(super) region: &'e str,
}

/// Reads the properties of one kind's resources.
pub(super) struct Reader<'a> {
    rule: &'a Rule<'a>,
    calls: &'a Calls<'a>,
    index: &'a Index<'a>,
    /// For every property that reads another call's records, those by their parameters.
    lookups: Vec<Option<Lookup<'a>>>,
    tags: Option<Lookup<'a>>,
    /// Responses in JMESPath's form: many resources read the same ones.
    responses: RefCell<BTreeMap<RecordId, Rcvar>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(rule: &'a Rule<'a>, calls: &'a Calls<'a>, index: &'a Index<'a>) -> Self {
        let lookup = |property: &PropertyRule<'_>| {
            let names = property.matching.iter().map(|(name, _)| *name);
            property.call.map(|call| Lookup::new(index.records(call), names))
        };
        let lookups = rule.properties.iter().map(|(_, property)| lookup(property)).collect();
        let tags = rule.tags.as_ref().and_then(lookup);
        Self { rule, calls, index, lookups, tags, responses: RefCell::new(BTreeMap::new()) }
    }

    pub(super) fn properties(&self, resource: &Evaluation<'_>) -> BTreeMap<String, Property> {
        let rules = self.rule.properties.iter().zip(&self.lookups);
        rules
            .map(|((name, rule), lookup)| {
                ((*name).to_owned(), self.property(rule, lookup.as_ref(), resource))
            })
            .collect()
    }

    /// The tags; `None` where they could not be seen or the rule has none.
    pub(super) fn tags(&self, resource: &Evaluation<'_>) -> Option<Value> {
        match self.property(self.rule.tags.as_ref()?, self.tags.as_ref(), resource) {
            Property::Known { value, .. } => Some(value),
            Property::Unknown { .. } => None,
        }
    }

    fn property(
        &self,
        rule: &PropertyRule<'_>,
        lookup: Option<&Lookup<'_>>,
        resource: &Evaluation<'_>,
    ) -> Property {
        match (rule.call, lookup) {
            (Some(call), Some(lookup)) => self.of_call(rule, call, lookup, resource),
            _ => read(rule, resource.item, resource, resource.record),
        }
    }

    /// A property that another call's record gives.
    fn of_call(
        &self,
        rule: &PropertyRule<'_>,
        call: &CallRule<'_>,
        lookup: &Lookup<'_>,
        resource: &Evaluation<'_>,
    ) -> Property {
        let filled: Result<Vec<String>, _> =
            rule.matching.iter().map(|(_, template)| template.fill_from(resource.around)).collect();
        let values = match filled {
            Ok(values) => values,
            Err(error) => {
                return unknown(format!("the record was not found: {error}"), Some(resource.record));
            }
        };
        let local = self.rule.regional() && call.regional;
        let here = |stored: &&StoredRecord| !local || stored.record.source.region == resource.region;
        let mut found: Vec<&StoredRecord> =
            lookup.find(resource.account, &values).iter().copied().filter(here).collect();
        found.sort_by_key(|stored| std::cmp::Reverse(index::age(stored)));
        // The same question put to several regions: as long as one answer is missing, nothing is known.
        let chosen = found.iter().find(|stored| stored.record.gap().is_some()).or(found.first());
        let Some(stored) = chosen.copied() else {
            return self.not_made(rule, call, &values, local, resource);
        };
        match &stored.record.outcome {
            RecordOutcome::Response(response) => {
                let response = self.response(stored.id, response);
                read(rule, &response, resource, stored.id)
            }
            RecordOutcome::Error(error) => match (error.meaning, rule.absent) {
                (ErrorMeaning::Absent, Some(value)) => known(value.clone(), stored.id),
                (ErrorMeaning::Absent, None) => {
                    let reason =
                        format!("{} answered {}: there is nothing to judge", call.operation, error.code);
                    unknown(reason, Some(stored.id))
                }
                (ErrorMeaning::Gap, _) => {
                    unknown(format!("{} failed with {}", name(call), error.code), Some(stored.id))
                }
            },
        }
    }

    /// No record matches: because a gap kept the call from being made, because there was nothing to call it
    /// for, or because the bundle lacks it.
    fn not_made(
        &self,
        rule: &PropertyRule<'_>,
        call: &CallRule<'_>,
        values: &[String],
        local: bool,
        resource: &Evaluation<'_>,
    ) -> Property {
        let place = Around { account: resource.account, region: local.then_some(resource.region) };
        let wanted: BTreeMap<&str, &str> =
            rule.matching.iter().map(|(name, _)| *name).zip(values.iter().map(String::as_str)).collect();
        for link in self.calls.lineage(call) {
            if let Some((stored, code)) = self.blocking_gap(link, &wanted, place) {
                return unknown(
                    format!("{} was not called: {} failed with {code}", name(call), name(link)),
                    Some(stored.id),
                );
            }
        }
        if let Some(value) = rule.absent
            && rule.matching.is_empty()
            && (local || !call.regional)
            && let Some(record) = self.nothing_to_call(call, place)
        {
            return known(value.clone(), record);
        }
        unknown(format!("the bundle holds no record of {} for this resource", name(call)), None)
    }

    /// The gap of `call` that may be why a call that depends on it, or its own for these parameters, was not
    /// made; the one that shares most parameters, then the latest.
    fn blocking_gap(
        &self,
        call: &CallRule<'_>,
        wanted: &BTreeMap<&str, &str>,
        place: Around<'_>,
    ) -> Option<(&StoredRecord, &str)> {
        let mut best: Option<((usize, _), &StoredRecord, &str)> = None;
        for &stored in self.index.records(call).iter().filter(|stored| place.holds(stored)) {
            let Some(error) = stored.record.gap() else { continue };
            let mut shared = 0_usize;
            let fits = wanted.iter().all(|(name, value)| {
                let found = index::parameter(&stored.record, name);
                let same = found.iter().any(|found| found == value);
                shared += usize::from(same);
                // A parameter that could not be filled in stands as the catalog has it.
                same || found.is_empty() || found.iter().any(|found| found.contains("${"))
            });
            let rank = (shared, index::age(stored));
            if fits && best.as_ref().is_none_or(|(known, ..)| *known < rank) {
                best = Some((rank, stored, error.code.as_str()));
            }
        }
        best.map(|(_, stored, code)| (stored, code))
    }

    /// The record that shows that there was nothing to call `call` for: all that it fans out over was
    /// answered, without a gap, and holds no item.
    fn nothing_to_call(&self, call: &CallRule<'_>, place: Around<'_>) -> Option<RecordId> {
        let mut shown = None;
        for (parent, items) in self.calls.parents(call) {
            let records: Vec<&StoredRecord> =
                self.index.records(parent).iter().copied().filter(|stored| place.holds(stored)).collect();
            if !records.iter().all(|stored| sources::asks_nothing(items, stored)) {
                return None;
            }
            let by = match records.iter().max_by_key(|stored| index::age(stored)) {
                Some(latest) => latest.id,
                None => self.nothing_to_call(parent, place)?,
            };
            shown = shown.or(Some(by));
        }
        shown
    }

    fn response(&self, id: RecordId, response: &Value) -> Rcvar {
        self.responses.borrow_mut().entry(id).or_insert_with(|| to_variable(response)).clone()
    }
}

/// An account, and a region where it matters.
#[derive(Clone, Copy)]
struct Around<'e> {
    account: &'e str,
    region: Option<&'e str>,
}

impl Around<'_> {
    fn holds(&self, stored: &StoredRecord) -> bool {
        let source = &stored.record.source;
        source.account == self.account && self.region.is_none_or(|region| source.region == region)
    }
}

/// The value that `rule` finds in `data`.
fn read(rule: &PropertyRule<'_>, data: &Rcvar, resource: &Evaluation<'_>, record: RecordId) -> Property {
    let found = match rule.value.search(data, resource.around) {
        Ok(found) => found,
        Err(error) => return unknown(format!("the value could not be read: {error}"), Some(record)),
    };
    let value = match found.as_ref() {
        Variable::Null => Value::Null,
        _ => match decode::decode(&found, rule.decode) {
            Ok(value) => value,
            Err(problem) => return unknown(format!("the value could not be read: {problem}"), Some(record)),
        },
    };
    match (value, rule.default) {
        (Value::Null, Some(default)) => known(default.clone(), record),
        (Value::Null, None) => {
            unknown(format!("the answer has no value at {}", rule.value.as_str()), Some(record))
        }
        (value, _) => known(value, record),
    }
}

fn name(call: &CallRule<'_>) -> String {
    format!("{} {}", call.service, call.operation)
}

fn known(value: Value, record: RecordId) -> Property {
    Property::Known { value, record }
}

fn unknown(reason: String, record: Option<RecordId>) -> Property {
    let shown = reason.chars().map(|character| if character.is_control() { ' ' } else { character });
    Property::Unknown { reason: shown.take(LONGEST_REASON).collect(), record }
}
