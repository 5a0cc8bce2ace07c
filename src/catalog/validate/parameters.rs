//! A parameter has one value for all checks, so that all must agree on it.

use std::collections::BTreeMap;

use super::check_file;
use crate::catalog::{Catalog, Defect, Parameter, Place};

/// Checks that declare the same parameter in different ways.
pub(super) fn sound(catalog: &Catalog, defects: &mut Vec<Defect>) {
    let mut first: BTreeMap<&str, (&str, &Parameter)> = BTreeMap::new();
    for check in catalog.checks.values() {
        for (name, parameter) in &check.parameters {
            let (other, known) = *first.entry(name).or_insert((&check.id, parameter));
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
                check_file(&check.id),
                Place::file().member("parameters").member(name),
                format!("{what} of the parameter {name} differs from that in {}", check_file(other)),
                "a parameter has one value for all checks: make them the same, or give one another name",
            ));
        }
    }
}
