//! The catalog's rules with their expressions compiled.

use std::collections::BTreeMap;

use serde_json::Value;

use super::DeriveError;
use crate::catalog::{
    Call, Catalog, Collector, Decode, PropertyRule, Query, ResourceRule, ServiceScope, TagsRule, Template,
    TemplateError,
};

/// All calls that the catalog names, by service and operation.
pub(super) struct Calls<'a> {
    /// By service, then by operation.
    calls: BTreeMap<&'a str, BTreeMap<&'a str, CallRule<'a>>>,
}

/// One call, as far as the derivation needs it.
pub(super) struct CallRule<'a> {
    pub(super) service: &'a str,
    pub(super) operation: &'a str,
    pub(super) regional: bool,
    /// Whether the catalog says in which region the call is made.
    pub(super) placed: bool,
    /// The operations that it fans out over, each with the query for the items.
    pub(super) each: Vec<(&'a str, Query)>,
    /// For a call that depends on no other: the query for its items, where it is made once per item.
    pub(super) items: Option<Query>,
    /// Where the catalog says in which region the call is made.
    pub(super) region: Option<Template>,
}

/// Where the resources of a kind come from.
pub(super) enum From<'a> {
    /// One resource per account.
    Account,
    /// One per account and region.
    Region,
    /// What the records of a call list.
    Call(&'a CallRule<'a>),
}

/// One kind of resource.
pub(super) struct Rule<'a> {
    pub(super) kind: &'a str,
    pub(super) from: From<'a>,
    pub(super) items: Query,
    pub(super) decode: Option<Decode>,
    pub(super) id: Template,
    pub(super) arn: Template,
    /// Its tags, read like a property.
    pub(super) tags: Option<Property<'a>>,
    pub(super) properties: Vec<(&'a str, Property<'a>)>,
}

/// One property.
pub(super) struct Property<'a> {
    /// The call whose records give it; `None`: the item itself.
    pub(super) call: Option<&'a CallRule<'a>>,
    /// Names of the parameters by which a record is found, and what they must be, in order of the names.
    pub(super) matching: Vec<(&'a str, Template)>,
    pub(super) value: Query,
    pub(super) decode: Option<Decode>,
    pub(super) absent: Option<&'a Value>,
    pub(super) default: Option<&'a Value>,
}

impl<'a> Calls<'a> {
    pub(super) fn new(catalog: &'a Catalog) -> Result<Self, DeriveError> {
        let mut calls: BTreeMap<&str, BTreeMap<&str, CallRule<'_>>> = BTreeMap::new();
        for collector in catalog.collectors.values() {
            for call in &collector.calls {
                let rule = CallRule::new(collector, call).map_err(|source| DeriveError::Catalog {
                    service: collector.service.clone(),
                    kind: call.operation.clone(),
                    part: "each".into(),
                    source: Box::new(source),
                })?;
                calls.entry(&collector.service).or_default().insert(&call.operation, rule);
            }
        }
        Ok(Self { calls })
    }

    pub(super) fn get(&self, service: &str, operation: &str) -> Option<&CallRule<'a>> {
        self.calls.get(service).and_then(|operations| operations.get(operation))
    }

    /// The calls that `call` fans out over, each with the query for the items.
    pub(super) fn parents<'s>(&'s self, call: &'s CallRule<'a>) -> Vec<(&'s CallRule<'a>, &'s Query)> {
        let parents = call.each.iter();
        parents.filter_map(|(operation, items)| Some((self.get(call.service, operation)?, items))).collect()
    }

    /// `call` and then all that it depends on, up to the calls that depend on nothing: the nearest first.
    pub(super) fn lineage<'s>(&'s self, call: &'s CallRule<'a>) -> Vec<&'s CallRule<'a>> {
        let mut lineage = vec![call];
        let mut next = 0;
        while let Some(link) = lineage.get(next).copied() {
            for (parent, _) in self.parents(link) {
                if !lineage.iter().any(|known| known.operation == parent.operation) {
                    lineage.push(parent);
                }
            }
            next += 1;
        }
        lineage
    }
}

impl<'a> CallRule<'a> {
    fn new(collector: &'a Collector, call: &'a Call) -> Result<Self, TemplateError> {
        // Only of calls that come before it, as everywhere: so that no call depends on itself.
        let earlier = || collector.calls.iter().take_while(|earlier| earlier.operation != call.operation);
        let sources = call.sources().into_iter();
        let each = sources
            .filter(|(parent, _)| earlier().any(|earlier| earlier.operation == *parent))
            .map(|(parent, items)| Ok((parent, Query::parse(items)?)));
        let own = call.each.as_ref().filter(|each| each.call.is_none());
        let items = own.map(|each| Query::parse(&each.items)).transpose()?;
        Ok(Self {
            service: &collector.service,
            operation: &call.operation,
            regional: collector.scope == ServiceScope::Regional,
            placed: call.region.is_some(),
            each: each.collect::<Result<_, TemplateError>>()?,
            items,
            region: call.region.as_deref().map(Template::parse).transpose()?,
        })
    }
}

impl<'a> Rule<'a> {
    pub(super) fn new(
        collector: &'a Collector,
        rule: &'a ResourceRule,
        calls: &'a Calls<'a>,
    ) -> Result<Self, DeriveError> {
        let wrong = |part: &str, source: TemplateError| DeriveError::Catalog {
            service: collector.service.clone(),
            kind: rule.kind.clone(),
            part: part.to_owned(),
            source: Box::new(source),
        };
        let no_such_call = |part: &str, service: &str, operation: &str| DeriveError::NoSuchCall {
            service: collector.service.clone(),
            kind: rule.kind.clone(),
            part: part.to_owned(),
            call: format!("{service}:{operation}"),
        };
        let property = |part: &str, rule: &'a PropertyRule| {
            let call = match &rule.call {
                None => None,
                Some(name) => {
                    let (service, operation) = name.split_once(':').unwrap_or((&collector.service, name));
                    let found = calls.get(service, operation);
                    Some(found.ok_or_else(|| no_such_call(part, service, operation))?)
                }
            };
            Property::new(rule, call).map_err(|source| wrong(part, source))
        };
        let from = match rule.from.as_str() {
            "@account" => From::Account,
            "@region" => From::Region,
            operation => {
                let call = calls.get(&collector.service, operation);
                From::Call(call.ok_or_else(|| no_such_call("from", &collector.service, operation))?)
            }
        };
        let tags = match &rule.tags {
            None => None,
            Some(TagsRule::Item(query)) => {
                Some(Property::of_item(query).map_err(|source| wrong("tags", source))?)
            }
            Some(TagsRule::Call(rule)) => Some(property("tags", rule)?),
        };
        let properties = rule.properties.iter();
        Ok(Self {
            kind: &rule.kind,
            from,
            items: Query::parse(&rule.items).map_err(|source| wrong("items", source))?,
            decode: rule.decode,
            id: Template::parse(&rule.id).map_err(|source| wrong("id", source))?,
            arn: Template::parse(&rule.arn).map_err(|source| wrong("arn", source))?,
            tags,
            properties: properties
                .map(|(name, rule)| Ok((name.as_str(), property(name, rule)?)))
                .collect::<Result<_, DeriveError>>()?,
        })
    }

    /// Whether the resources stand in a region, so that only records of the same region speak of them.
    pub(super) fn regional(&self) -> bool {
        match &self.from {
            From::Account => false,
            From::Region => true,
            From::Call(call) => call.regional,
        }
    }
}

impl<'a> Property<'a> {
    fn new(rule: &'a PropertyRule, call: Option<&'a CallRule<'a>>) -> Result<Self, TemplateError> {
        Ok(Self {
            call,
            matching: rule
                .matching
                .iter()
                .map(|(name, text)| Ok((name.as_str(), Template::parse(text)?)))
                .collect::<Result<_, TemplateError>>()?,
            value: Query::parse(&rule.value)?,
            decode: rule.decode,
            absent: rule.absent.as_ref(),
            default: rule.default.as_ref(),
        })
    }

    /// The value that `query` finds in the item itself.
    fn of_item(query: &str) -> Result<Self, TemplateError> {
        let value = Query::parse(query)?;
        Ok(Self { call: None, matching: Vec::new(), value, decode: None, absent: None, default: None })
    }
}
