//! A parameter has one value for all checks and excerpt rules, so that all must agree on it.

use std::collections::BTreeMap;

use super::{check_file, excerpt_file};
use crate::catalog::{Catalog, Defect, Parameter, Place};

/// Checks and rules that declare the same parameter in different ways.
pub(super) fn sound(catalog: &Catalog, defects: &mut Vec<Defect>) {
    let mut first: BTreeMap<&str, (String, &Parameter)> = BTreeMap::new();
    let checks = catalog.checks.values().map(|check| (check_file(&check.id), &check.parameters));
    let rules = catalog.excerpts.values().map(|rule| (excerpt_file(&rule.id), &rule.parameters));
    for (file, parameters) in checks.chain(rules) {
        for (name, parameter) in parameters {
            let (other, known) = first.entry(name).or_insert_with(|| (file.clone(), parameter));
            let differs =
                |one: &Option<String>, two: &Option<String>| one.is_some() && two.is_some() && one != two;
            let what = if known.default != parameter.default {
                "the default"
            } else if differs(&known.unit, &parameter.unit) {
                "the unit"
            } else if differs(&known.source, &parameter.source) {
                "the source"
            } else {
                continue;
            };
            defects.push(Defect::new(
                file.clone(),
                Place::file().member("parameters").member(name),
                format!("{what} of the parameter {name} differs from that in {other}"),
                "a parameter has one value for all that read it: make them the same, or give one another name",
            ));
        }
    }
}
