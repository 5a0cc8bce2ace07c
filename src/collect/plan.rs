//! The plan: the catalog's calls with their expressions compiled, and which calls follow from an answer.

use std::collections::BTreeSet;

use jmespath::{Rcvar, Variable};
use serde_json::Value;

use super::CollectError;
use super::outcome::code;
use super::parameter::Parameters;
use crate::canonical;
use crate::catalog::{
    AbsentRule, Call, Catalog, Collector, Cost, Query, ServiceScope, Template, TemplateError, context,
    elements, to_variable,
};

/// Every call that the catalog names, ready to be filled in.
#[derive(Debug)]
pub struct Plan {
    pub(super) services: Vec<ServicePlan>,
}

/// The calls of one service.
#[derive(Debug)]
pub(super) struct ServicePlan {
    pub(super) service: String,
    pub(super) scope: ServiceScope,
    pub(super) calls: Vec<CallPlan>,
}

/// One operation.
#[derive(Debug)]
pub(super) struct CallPlan {
    pub(super) operation: String,
    /// Whether it depends on no other call.
    is_root: bool,
    /// Where it is made once per item: what finds the items, in the response of the call that it depends on or,
    /// for a root, in the place where it is made.
    items: Vec<Query>,
    /// How many items one call takes; without it the item stands by itself and not in a list.
    batch: Option<usize>,
    parameters: Parameters,
    region: Option<Template>,
    pub(super) absent: Vec<AbsentRule>,
    pub(super) again: BTreeSet<String>,
    cost: Cost,
    /// The calls that fan out over this one's responses, by their place in the service, and by which of their
    /// queries.
    pub(super) children: Vec<(usize, usize)>,
}

/// Where and for whom a call is made: what templates see beside the item.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) partition: &'a str,
    pub(super) account: &'a str,
    /// The region in which the chain of calls began: that of the run, or where the catalog sent its first call.
    pub(super) region: &'a str,
}

/// A call that follows: to be made, or known to be impossible.
#[derive(Debug)]
pub(super) struct Step {
    /// Its place in the service.
    pub(super) call: usize,
    pub(super) cost: Cost,
    /// Region to call.
    pub(super) region: String,
    pub(super) parameters: Value,
    /// Code and message of the gap, where the call cannot be made.
    pub(super) gap: Option<(&'static str, String)>,
}

impl Plan {
    /// Compiles the catalog's collectors.
    ///
    /// # Errors
    /// When an expression cannot be read, or a call depends on one that does not come before it.
    pub fn new(catalog: &Catalog) -> Result<Self, CollectError> {
        catalog
            .collectors
            .values()
            .map(ServicePlan::new)
            .collect::<Result<_, _>>()
            .map(|services| Self { services })
    }
}

impl ServicePlan {
    fn new(collector: &Collector) -> Result<Self, CollectError> {
        let mut calls: Vec<CallPlan> = Vec::new();
        for call in &collector.calls {
            for (query, (over, _)) in call.sources().into_iter().enumerate() {
                let place = calls.len();
                let Some(parent) = calls.iter_mut().find(|earlier| earlier.operation == over) else {
                    return Err(CollectError::Order {
                        service: collector.service.clone(),
                        operation: call.operation.clone(),
                        over: over.to_owned(),
                    });
                };
                parent.children.push((place, query));
            }
            calls.push(CallPlan::new(call).map_err(|source| CollectError::Catalog {
                service: collector.service.clone(),
                operation: call.operation.clone(),
                source,
            })?);
        }
        Ok(Self { service: collector.service.clone(), scope: collector.scope, calls })
    }

    /// The calls that depend on no other, at most `limit` for each operation. Chains begin where they are sent.
    pub(super) fn roots(&self, place: Place<'_>, limit: usize) -> Vec<Step> {
        let nothing = to_variable(&Value::Null);
        let around = context(&nothing, &nothing, place.account, place.region, place.partition);
        let roots = self.calls.iter().enumerate().filter(|(_, call)| call.is_root);
        let steps = |(number, call): (usize, &CallPlan)| match call.items.first() {
            None => vec![call.step(number, &around, place, "the catalog")],
            Some(query) => call.fan_out(query, number, "the catalog", &around, &nothing, place, limit),
        };
        roots.flat_map(steps).collect()
    }

    /// The calls that follow from a response to the call at `parent`, at most `limit` for each operation.
    pub(super) fn follow(
        &self,
        parent: usize,
        parameters: &Value,
        response: &Value,
        place: Place<'_>,
        limit: usize,
    ) -> Vec<Step> {
        let Some(parent) = self.calls.get(parent).filter(|call| !call.children.is_empty()) else {
            return Vec::new();
        };
        let response = to_variable(response);
        let parameters = to_variable(parameters);
        let children = parent.children.iter().filter_map(|&(number, query)| {
            let child = self.calls.get(number)?;
            Some((number, child, child.items.get(query)?))
        });
        children
            .flat_map(|(number, child, query)| {
                child.fan_out(query, number, &parent.operation, &response, &parameters, place, limit)
            })
            .collect()
    }
}

impl CallPlan {
    fn new(call: &Call) -> Result<Self, TemplateError> {
        let absent = call.absent.iter().map(|text| {
            AbsentRule::parse(text).map_err(|message| TemplateError::Expression {
                template: text.clone(),
                message,
                at: 0,
            })
        });
        let items = call.each.iter().flat_map(|each| {
            std::iter::once(each.items.as_str()).chain(each.also.iter().map(|more| more.items.as_str()))
        });
        Ok(Self {
            operation: call.operation.clone(),
            is_root: call.parent().is_none(),
            items: items.map(Query::parse).collect::<Result<_, _>>()?,
            batch: call.each.as_ref().and_then(|each| each.batch).map(usize::from),
            parameters: Parameters::compile(&call.parameters)?,
            region: call.region.as_deref().map(Template::parse).transpose()?,
            absent: absent.collect::<Result<_, _>>()?,
            again: call.again.iter().cloned().collect(),
            cost: call.cost,
            children: Vec::new(),
        })
    }

    /// The calls for the items that `query` finds in `data`, which `parent` gave.
    #[expect(
        clippy::too_many_arguments,
        reason = "two of them are what the query sees, two where it is asked"
    )]
    fn fan_out(
        &self,
        query: &Query,
        number: usize,
        parent: &str,
        data: &Rcvar,
        parameters: &Rcvar,
        place: Place<'_>,
        limit: usize,
    ) -> Vec<Step> {
        let around = |item: &Rcvar| context(item, parameters, place.account, place.region, place.partition);
        let items = match query.search(data, &around(&to_variable(&Value::Null))) {
            Ok(found) => elements(&found),
            Err(error) => {
                let message = format!("the items of {parent} could not be read: {error}");
                return vec![self.impossible(number, place, code::ITEMS_UNREADABLE, message)];
            }
        };
        let followed = items.get(..limit).unwrap_or(&items);
        let mut steps: Vec<Step> = match self.batch {
            None => {
                let step = |(position, item)| {
                    self.step(number, &around(item), place, &format!("item {} of {parent}", position + 1))
                };
                followed.iter().enumerate().map(step).collect()
            }
            Some(size) => {
                let step = |(position, batch): (usize, &[Rcvar])| {
                    let item = Rcvar::new(Variable::Array(batch.to_vec()));
                    let first = position * size + 1;
                    let origin = format!("items {first} to {} of {parent}", first + batch.len() - 1);
                    self.step(number, &around(&item), place, &origin)
                };
                followed.chunks(size.max(1)).enumerate().map(step).collect()
            }
        };
        if items.len() > limit {
            let message =
                format!("{parent} gave {} items; only the first {limit} were followed up", items.len());
            steps.push(self.impossible(number, place, code::FAN_OUT_CUT, message));
        }
        steps
    }

    /// The call as `around` fills it in; `origin` says to people where its values come from.
    fn step(&self, call: usize, around: &Rcvar, place: Place<'_>, origin: &str) -> Step {
        let mut problem = None;
        let mut parameters = self.parameters.fill(around, &mut problem);
        // A record holds the parameters: what it could not hold is not asked either.
        if let Err(error) = canonical::to_string(&parameters) {
            problem.get_or_insert(format!("the parameters are not kept: {error}"));
            parameters = self.parameters.unfilled();
        }
        let region = match self.region.as_ref().map(|template| template.fill_from(around)) {
            None => place.region.to_owned(),
            Some(Ok(region)) if is_region(&region) => region,
            Some(Ok(region)) => {
                let shown: String = region.chars().take(80).collect();
                problem.get_or_insert(format!("{shown:?} is not a region's name"));
                place.region.to_owned()
            }
            Some(Err(error)) => {
                problem.get_or_insert(error.to_string());
                place.region.to_owned()
            }
        };
        let gap = problem.map(|problem| (code::TEMPLATE_UNFILLED, format!("{origin}: {problem}")));
        Step { call, cost: self.cost, region, parameters, gap }
    }

    fn impossible(&self, call: usize, place: Place<'_>, code: &'static str, message: String) -> Step {
        let parameters = self.parameters.unfilled();
        let (cost, region) = (self.cost, place.region.to_owned());
        Step { call, cost, region, parameters, gap: Some((code, message)) }
    }
}

/// Whether `name` may be a region's name: it becomes part of host names and of paths in the bundle.
pub(super) fn is_region(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (2..=32).contains(&name.len())
        && name.bytes().all(plain)
        && !name.starts_with('-')
        && !name.ends_with('-')
}
