//! What must hold of collectors: calls that follow from one another, expressions that can be read.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Known, jmespath, template};
use crate::catalog::defect::meant;
use crate::catalog::{
    AbsentRule, Call, Catalog, Collector, Defect, Place, PropertyRule, ResourceRule, TagsRule,
};

/// Calls and kinds that do not exist, are there twice or come too late; expressions that cannot be read.
pub(super) fn sound(catalog: &Catalog, known: &Known, defects: &mut Vec<Defect>) {
    let mut kinds: BTreeSet<&str> = BTreeSet::new();
    for collector in catalog.collectors.values() {
        let mut validation =
            Validation { catalog, known, collector, file: file(&collector.service), defects: &mut *defects };
        validation.calls();
        for (index, rule) in collector.resources.iter().enumerate() {
            let place = Place::file().member("resource").element(index);
            if !kinds.insert(&rule.kind) {
                let what = format!("the kind {} is defined twice", rule.kind);
                let help = "a kind belongs to one collector: rename one, or join the two";
                validation.defect(place.clone().member("kind"), what, help);
            }
            validation.resource(&place, rule);
        }
    }
}

fn file(service: &str) -> String {
    format!("collectors/{service}.toml")
}

struct Validation<'a, 'd> {
    catalog: &'a Catalog,
    known: &'a Known,
    collector: &'a Collector,
    file: String,
    defects: &'d mut Vec<Defect>,
}

impl Validation<'_, '_> {
    fn defect(&mut self, place: Place, what: impl Into<String>, help: impl Into<String>) {
        self.defects.push(Defect::new(&self.file, place, what, help));
    }

    fn jmespath(&mut self, place: Place, expression: &str) {
        jmespath(&self.file, place, expression, self.defects);
    }

    fn template(&mut self, place: Place, text: &str) {
        template(&self.file, place, text, self.defects);
    }

    fn calls(&mut self) {
        let mut earlier: BTreeSet<&str> = BTreeSet::new();
        for (index, call) in self.collector.calls.iter().enumerate() {
            let place = Place::file().member("call").element(index);
            self.fan_out(&place, call, &earlier);
            for (position, text) in call.absent.iter().enumerate() {
                if let Err(problem) = AbsentRule::parse(text) {
                    let help = "write \"Code\", or \"Code: part of the message\"";
                    self.defect(place.clone().member("absent").element(position), problem, help);
                }
            }
            for (name, value) in &call.parameters {
                self.parameter(place.clone().member("parameters").member(name), value);
            }
            if let Some(region) = &call.region {
                self.template(place.clone().member("region"), region);
            }
            if !earlier.insert(&call.operation) {
                let what = format!("{} is listed twice", call.operation);
                let help = "an operation stands once in a collector: `also` takes items from several calls";
                self.defect(place.member("operation"), what, help);
            }
        }
    }

    fn fan_out(&mut self, place: &Place, call: &Call, earlier: &BTreeSet<&str>) {
        let Some(each) = &call.each else { return };
        let place = place.clone().member("each");
        self.jmespath(place.clone().member("items"), &each.items);
        if each.call.is_none() && !each.also.is_empty() {
            let what = format!("{} has `also` without a call", call.operation);
            self.defect(place.clone().member("also"), what, "name the first call in `call`");
        }
        let first = each.call.iter().map(|call| (place.clone().member("call"), call));
        let more =
            each.also.iter().enumerate().map(|(index, more)| {
                (place.clone().member("also").element(index).member("call"), &more.call)
            });
        let sources: Vec<_> = first.chain(more).collect();
        for (place, parent) in sources {
            if !earlier.contains(parent.as_str()) {
                let what = format!("{} fans out over {parent}, which no earlier call makes", call.operation);
                let help =
                    meant(parent, earlier.iter().copied(), "list the call that it follows from before it");
                self.defect(place, what, help);
            }
        }
        for (index, more) in each.also.iter().enumerate() {
            self.jmespath(place.clone().member("also").element(index).member("items"), &more.items);
        }
    }

    /// All templates of a parameter, however deep.
    fn parameter(&mut self, place: Place, value: &Value) {
        match value {
            Value::String(text) => self.template(place, text),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.parameter(place.clone().element(index), item);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    self.parameter(place.clone().member(name), member);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => (),
        }
    }

    fn resource(&mut self, place: &Place, rule: &ResourceRule) {
        let at = |member: &str| place.clone().member(member);
        let calls = || self.collector.calls.iter().map(|call| call.operation.as_str());
        if rule.from.starts_with('@') {
            if !["@account", "@region"].contains(&rule.from.as_str()) {
                let what = format!("{} comes from {}, which does not exist", rule.kind, rule.from);
                self.defect(at("from"), what, "write an operation, @account or @region");
            }
        } else if !calls().any(|operation| operation == rule.from) {
            let help = meant(&rule.from, calls(), "add the [[call]], or name one of this collector");
            let what = format!("{} comes from {}, which is not called", rule.kind, rule.from);
            self.defect(at("from"), what, help);
        }
        self.jmespath(at("items"), &rule.items);
        self.template(at("id"), &rule.id);
        self.template(at("arn"), &rule.arn);
        for (name, property) in &rule.properties {
            self.property(&at("properties").member(name), &format!("{}.{name}", rule.kind), property);
        }
        match &rule.tags {
            None => {}
            Some(TagsRule::Item(query)) => self.jmespath(at("tags"), query),
            Some(TagsRule::Call(property)) => {
                self.property(&at("tags"), &format!("{}.tags", rule.kind), property);
            }
        }
    }

    fn property(&mut self, place: &Place, name: &str, property: &PropertyRule) {
        if let Some(call) = &property.call {
            let (service, operation) = call.split_once(':').unwrap_or((&self.collector.service, call));
            let calls = || {
                let other = self.catalog.collectors.get(service);
                other.into_iter().flat_map(|other| &other.calls).map(|call| call.operation.as_str())
            };
            if !calls().any(|other| other == operation) && !self.known.may_have("collectors", service) {
                let help = match meant(operation, calls(), "") {
                    near if near.is_empty() => format!("add the [[call]] to {}", file(service)),
                    near => near,
                };
                let what = format!("{name} reads {call}, which no collector calls");
                self.defect(place.clone().member("call"), what, help);
            }
        }
        for (parameter, text) in &property.matching {
            self.template(place.clone().member("match").member(parameter), text);
        }
        self.jmespath(place.clone().member("value"), &property.value);
    }
}
