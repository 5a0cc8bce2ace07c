//! What must hold of checks, as far as it shows without CEL.

use std::collections::BTreeSet;

use super::{Known, check_file};
use crate::catalog::defect::meant;
use crate::catalog::{Case, Catalog, Check, Defect, Place, ResourceRule};
use crate::model::Outcome;

/// Kinds and properties that do not exist, and cases that are missing.
pub(super) fn sound(catalog: &Catalog, known: &Known, defects: &mut Vec<Defect>) {
    for check in catalog.checks.values() {
        let file = check_file(&check.id);
        match catalog.resource_rule(&check.resource) {
            None if known.lacks_some_of("collectors") => {}
            None => {
                defects.push(unknown_kind(catalog, &file, Place::file().member("resource"), &check.resource))
            }
            Some((_, rule)) => properties(&file, check, rule, defects),
        }
        for (index, case) in check.cases.iter().enumerate() {
            if !known.lacks_some_of("collectors") {
                related_kinds(catalog, &file, index, case, defects);
            }
        }
        for outcome in [Outcome::Pass, Outcome::Fail] {
            if !check.cases.iter().any(|case| case.outcome == outcome) {
                defects.push(missing_case(&file, outcome, "so that it is seen to decide"));
            }
        }
    }
}

/// Cases for what can be missing, and case names that tell cases apart.
pub(super) fn complete(catalog: &Catalog, defects: &mut Vec<Defect>) {
    for check in catalog.checks.values() {
        let file = check_file(&check.id);
        let undecided = check.cases.iter().any(|case| case.outcome == Outcome::Indeterminate);
        if !check.needs.is_empty() && !undecided {
            let why = "one that leaves out a property that it needs: what could not be seen must never pass";
            defects.push(missing_case(&file, Outcome::Indeterminate, why));
        }
        let mut names = BTreeSet::new();
        for (index, case) in check.cases.iter().enumerate() {
            if !names.insert(&case.name) {
                let place = Place::file().member("case").element(index).member("name");
                let what = format!("there are two cases named {:?}", case.name);
                defects.push(Defect::new(&file, place, what, "say what each of them shows"));
            }
            related_properties(catalog, &file, index, case, defects);
        }
        let mut needs = BTreeSet::new();
        for (index, need) in check.needs.iter().enumerate() {
            if !needs.insert(need) {
                let place = Place::file().member("needs").element(index);
                defects.push(Defect::new(&file, place, format!("{need} is listed twice"), "remove one"));
            }
        }
    }
}

fn properties(file: &str, check: &Check, rule: &ResourceRule, defects: &mut Vec<Defect>) {
    let known = || rule.properties.keys().map(String::as_str);
    let all = format!("{} has {}", check.resource, known().collect::<Vec<_>>().join(", "));
    for (index, need) in check.needs.iter().enumerate() {
        if !rule.properties.contains_key(need) {
            let place = Place::file().member("needs").element(index);
            let what = format!("{} has no property {need}", check.resource);
            defects.push(Defect::new(file, place, what, meant(need, known(), &all)));
        }
    }
    for (index, case) in check.cases.iter().enumerate() {
        for name in case.properties.keys().filter(|name| !rule.properties.contains_key(*name)) {
            let place = Place::file().member("case").element(index).member("properties").member(name).key();
            let what = format!("a case sets {name}, which {} does not have", check.resource);
            defects.push(Defect::new(file, place, what, meant(name, known(), &all)));
        }
    }
}

fn related_kinds(catalog: &Catalog, file: &str, case_index: usize, case: &Case, defects: &mut Vec<Defect>) {
    for (index, related) in case.related.iter().enumerate() {
        if catalog.resource_rule(&related.kind).is_none() {
            let place = related_place(case_index, index).member("kind");
            defects.push(unknown_kind(catalog, file, place, &related.kind));
        }
    }
    for (index, kind) in case.hidden.iter().enumerate() {
        if catalog.resource_rule(kind).is_none() {
            let place = Place::file().member("case").element(case_index).member("hidden").element(index);
            defects.push(unknown_kind(catalog, file, place, kind));
        }
    }
}

fn related_properties(
    catalog: &Catalog,
    file: &str,
    case_index: usize,
    case: &Case,
    defects: &mut Vec<Defect>,
) {
    for (index, related) in case.related.iter().enumerate() {
        let Some((_, rule)) = catalog.resource_rule(&related.kind) else { continue };
        // A case may state the ARN by which it is looked up.
        let known = |name: &str| rule.properties.contains_key(name) || name == "arn";
        for name in related.properties.keys().filter(|name| !known(name)) {
            let names = || rule.properties.keys().map(String::as_str);
            let all = format!("{} has {}", related.kind, names().collect::<Vec<_>>().join(", "));
            let what = format!("a case sets {name}, which {} does not have", related.kind);
            let place = related_place(case_index, index).member("properties").member(name).key();
            defects.push(Defect::new(file, place, what, meant(name, names(), &all)));
        }
    }
}

fn related_place(case: usize, index: usize) -> Place {
    Place::file().member("case").element(case).member("related").element(index)
}

fn unknown_kind(catalog: &Catalog, file: &str, place: Place, kind: &str) -> Defect {
    let what = format!("no collector makes resources of kind {kind}");
    let help =
        meant(kind, catalog.kinds(), "add a [[resource]] of this kind to a collector, or name another");
    Defect::new(file, place, what, help)
}

fn missing_case(file: &str, outcome: Outcome, why: &str) -> Defect {
    let outcome = match outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "fail",
        Outcome::Indeterminate => "indeterminate",
        Outcome::NotApplicable => "not-applicable",
    };
    Defect::new(
        file,
        Place::file().member("case"),
        format!("no case comes out as {outcome}"),
        format!("add a [[case]] with outcome = \"{outcome}\", {why}"),
    )
}
