//! The plan: the catalog's calls with their expressions compiled, and which calls follow from an answer.

use std::collections::{BTreeMap, BTreeSet};

use jmespath::Rcvar;
use serde_json::Value;

use super::CollectError;
use super::outcome::code;
use crate::catalog::{
    Call, Catalog, Collector, Query, ServiceScope, Template, TemplateError, context, elements, to_variable,
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
    /// Whether it depends on an earlier call; then the items are what this query finds in its response.
    items: Option<Query>,
    parameters: BTreeMap<String, Parameter>,
    region: Option<Template>,
    pub(super) absent: BTreeSet<String>,
    pub(super) again: BTreeSet<String>,
    /// The calls that fan out over this one's responses, by their place in the service.
    children: Vec<usize>,
}

/// A parameter's value with its templates compiled.
#[derive(Debug)]
enum Parameter {
    Text(Template, String),
    List(Vec<Parameter>),
    Object(BTreeMap<String, Parameter>),
    Fixed(Value),
}

/// Where and for whom a call is made: what templates see beside the item.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) partition: &'a str,
    pub(super) account: &'a str,
    /// The region of the run in which the chain of calls began.
    pub(super) region: &'a str,
}

/// A call that follows: to be made, or known to be impossible.
#[derive(Debug)]
pub(super) struct Step {
    /// Its place in the service.
    pub(super) call: usize,
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
            if let Some(each) = &call.each {
                let place = calls.len();
                let Some(parent) = calls.iter_mut().find(|earlier| earlier.operation == each.call) else {
                    return Err(CollectError::Order {
                        service: collector.service.clone(),
                        operation: call.operation.clone(),
                        over: each.call.clone(),
                    });
                };
                parent.children.push(place);
            }
            calls.push(CallPlan::new(call).map_err(|source| CollectError::Catalog {
                service: collector.service.clone(),
                operation: call.operation.clone(),
                source,
            })?);
        }
        Ok(Self { service: collector.service.clone(), scope: collector.scope, calls })
    }

    /// The calls that depend on no other.
    pub(super) fn roots(&self, place: Place<'_>) -> Vec<Step> {
        let nothing = to_variable(&Value::Null);
        let around = context(&nothing, &nothing, place.account, place.region, place.partition);
        let roots = self.calls.iter().enumerate().filter(|(_, call)| call.items.is_none());
        roots.map(|(number, call)| call.step(number, &around, place, "the catalog")).collect()
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
        let children = parent.children.iter().filter_map(|&number| Some((number, self.calls.get(number)?)));
        children
            .flat_map(|(number, child)| {
                child.fan_out(number, &parent.operation, &response, &parameters, place, limit)
            })
            .collect()
    }
}

impl CallPlan {
    fn new(call: &Call) -> Result<Self, TemplateError> {
        Ok(Self {
            operation: call.operation.clone(),
            items: call.each.as_ref().map(|each| Query::parse(&each.items)).transpose()?,
            parameters: compile_members(&call.parameters)?,
            region: call.region.as_deref().map(Template::parse).transpose()?,
            absent: call.absent.iter().cloned().collect(),
            again: call.again.iter().cloned().collect(),
            children: Vec::new(),
        })
    }

    fn fan_out(
        &self,
        number: usize,
        parent: &str,
        response: &Rcvar,
        parameters: &Rcvar,
        place: Place<'_>,
        limit: usize,
    ) -> Vec<Step> {
        let Some(query) = &self.items else { return Vec::new() };
        let nothing = to_variable(&Value::Null);
        let around = context(&nothing, parameters, place.account, place.region, place.partition);
        let items = match query.search(response, &around) {
            Ok(found) => elements(&found),
            Err(error) => {
                let message = format!("the items of {parent} could not be read: {error}");
                return vec![self.impossible(number, place, code::ITEMS_UNREADABLE, message)];
            }
        };
        let mut steps = Vec::with_capacity(items.len().min(limit));
        for (position, item) in items.iter().take(limit).enumerate() {
            let around = context(item, parameters, place.account, place.region, place.partition);
            steps.push(self.step(number, &around, place, &format!("item {} of {parent}", position + 1)));
        }
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
        let parameters = fill_members(&self.parameters, around, &mut problem);
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
        Step { call, region, parameters, gap }
    }

    fn impossible(&self, call: usize, place: Place<'_>, code: &'static str, message: String) -> Step {
        let members = self.parameters.iter().map(|(name, value)| (name.clone(), value.unfilled())).collect();
        Step {
            call,
            region: place.region.to_owned(),
            parameters: Value::Object(members),
            gap: Some((code, message)),
        }
    }
}

impl Parameter {
    fn compile(value: &Value) -> Result<Self, TemplateError> {
        Ok(match value {
            Value::String(text) => Self::Text(Template::parse(text)?, text.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::compile).collect::<Result<_, _>>()?),
            Value::Object(members) => Self::Object(
                members
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), Self::compile(value)?)))
                    .collect::<Result<_, TemplateError>>()?,
            ),
            fixed @ (Value::Null | Value::Bool(_) | Value::Number(_)) => Self::Fixed(fixed.clone()),
        })
    }

    /// The value, filled in. What cannot be filled in stays as the catalog has it and sets `problem`.
    fn fill(&self, around: &Rcvar, problem: &mut Option<String>) -> Value {
        match self {
            Self::Text(template, written) => match template.fill_from(around) {
                Ok(text) => Value::String(text),
                Err(error) => {
                    problem.get_or_insert(error.to_string());
                    Value::String(written.clone())
                }
            },
            Self::List(items) => items.iter().map(|item| item.fill(around, problem)).collect(),
            Self::Object(members) => fill_members(members, around, problem),
            Self::Fixed(value) => value.clone(),
        }
    }

    fn unfilled(&self) -> Value {
        match self {
            Self::Text(_, written) => Value::String(written.clone()),
            Self::List(items) => items.iter().map(Self::unfilled).collect(),
            Self::Object(members) => {
                Value::Object(members.iter().map(|(name, value)| (name.clone(), value.unfilled())).collect())
            }
            Self::Fixed(value) => value.clone(),
        }
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

fn compile_members(members: &BTreeMap<String, Value>) -> Result<BTreeMap<String, Parameter>, TemplateError> {
    members.iter().map(|(name, value)| Ok((name.clone(), Parameter::compile(value)?))).collect()
}

fn fill_members(
    members: &BTreeMap<String, Parameter>,
    around: &Rcvar,
    problem: &mut Option<String>,
) -> Value {
    Value::Object(members.iter().map(|(name, value)| (name.clone(), value.fill(around, problem))).collect())
}
