//! What must hold of references to what others have, and of what the first users must be able to prove.

use std::collections::{BTreeMap, BTreeSet};

use super::{Known, check_file};
use crate::catalog::defect::meant;
use crate::catalog::{Catalog, Defect, Place, Scheme, Target};

const EQUIVALENTS: &str = "equivalents.toml";
const LEFT_OUT: &str = "left-out.toml";
const TARGETS: &str = "targets.toml";

/// References to rules that are not known, rules of others that nobody accounts for, rows that name what is not there.
pub(super) fn complete(catalog: &Catalog, known: &Known, defects: &mut Vec<Defect>) {
    let schemes: BTreeMap<&str, &Scheme> =
        catalog.crosswalk.schemes.iter().map(|scheme| (scheme.id.as_str(), scheme)).collect();
    references(catalog, &schemes, defects);
    left_out(catalog, &schemes, defects);
    if !known.lacks_some_of("checks") {
        unaccounted(catalog, defects);
    }
    for (index, target) in catalog.crosswalk.targets.iter().enumerate() {
        row(catalog, index, target, known, defects);
    }
}

/// Every name that a check refers to is a rule of that scheme.
fn references(catalog: &Catalog, schemes: &BTreeMap<&str, &Scheme>, defects: &mut Vec<Defect>) {
    for check in catalog.checks.values() {
        let file = check_file(&check.id);
        for (id, names) in &check.references {
            let place = Place::file().member("references").member(id);
            let Some(scheme) = schemes.get(id.as_str()) else {
                let all = format!("there are {}", schemes.keys().copied().collect::<Vec<_>>().join(", "));
                let what = format!("there is no rule set {id}");
                defects.push(Defect::new(&file, place.key(), what, meant(id, schemes.keys().copied(), &all)));
                continue;
            };
            for (index, name) in names.iter().enumerate().filter(|(_, name)| !scheme.has(name)) {
                let names = scheme.names.iter().chain(&scheme.others).map(String::as_str);
                let otherwise =
                    format!("if {} has it, add it to the `others` of {id} in {EQUIVALENTS}", scheme.title);
                let what = format!("{id} is not known to have a rule {name}");
                let help = meant(name, names, &otherwise);
                defects.push(Defect::new(&file, place.clone().element(index), what, help));
            }
        }
    }
}

fn left_out(catalog: &Catalog, schemes: &BTreeMap<&str, &Scheme>, defects: &mut Vec<Defect>) {
    let mut seen = BTreeSet::new();
    for (index, rule) in catalog.crosswalk.left_out.iter().enumerate() {
        let place = || Place::file().member("rule").element(index);
        let Some(scheme) = schemes.get(rule.scheme.as_str()) else {
            let what = format!("there is no rule set {}", rule.scheme);
            let help = meant(&rule.scheme, schemes.keys().copied(), "name one of equivalents.toml");
            defects.push(Defect::new(LEFT_OUT, place().member("scheme"), what, help));
            continue;
        };
        if !scheme.has(&rule.name) {
            let names = scheme.names.iter().map(String::as_str);
            let help = meant(&rule.name, names, "remove it, or add it to equivalents.toml");
            let what = format!("{} is not known to have a rule {}", rule.scheme, rule.name);
            defects.push(Defect::new(LEFT_OUT, place().member("name"), what, help));
        }
        if !seen.insert((&rule.scheme, &rule.name)) {
            let what = format!("{} is listed twice", rule.name);
            defects.push(Defect::new(LEFT_OUT, place().member("name"), what, "remove one of the two"));
        }
        if let Some(check) = equivalent(catalog, &rule.scheme, &rule.name) {
            let what = format!("{} is left out, but the check {check} names it as its equivalent", rule.name);
            defects.push(Defect::new(LEFT_OUT, place().member("name"), what, "remove the one that is wrong"));
        }
        if rule.reason.trim().is_empty() {
            let what = format!("no reason says why {} is left out", rule.name);
            defects.push(Defect::new(LEFT_OUT, place().member("reason"), what, "give the reason"));
        }
    }
}

/// Every rule of their sets for HIPAA is some check's equivalent, or left out with a reason.
fn unaccounted(catalog: &Catalog, defects: &mut Vec<Defect>) {
    for (scheme_index, scheme) in catalog.crosswalk.schemes.iter().enumerate() {
        for (index, name) in scheme.names.iter().enumerate() {
            let left_out = &catalog.crosswalk.left_out;
            let is_left_out = left_out.iter().any(|rule| rule.scheme == scheme.id && rule.name == *name);
            if !is_left_out && equivalent(catalog, &scheme.id, name).is_none() {
                let place =
                    Place::file().member("scheme").element(scheme_index).member("names").element(index);
                defects.push(Defect::new(
                    EQUIVALENTS,
                    place,
                    format!("no check is the equivalent of {name} ({}), and it is not left out", scheme.id),
                    format!("name it in the `references` of a check, or give the reason in {LEFT_OUT}"),
                ));
            }
        }
    }
}

/// The first check that names a rule as its equivalent.
fn equivalent<'a>(catalog: &'a Catalog, scheme: &str, name: &str) -> Option<&'a str> {
    let names = |names: &Vec<String>| names.iter().any(|known| known == name);
    let check = catalog.checks.values().find(|check| check.references.get(scheme).is_some_and(names));
    check.map(|check| check.id.as_str())
}

/// Whatever a row names is there, and it names something.
fn row(catalog: &Catalog, index: usize, target: &Target, known: &Known, defects: &mut Vec<Defect>) {
    let controls = || catalog.frameworks.values().flat_map(|framework| &framework.controls);
    let controls = controls().map(|control| control.id.as_str()).collect();
    let needs = || catalog.frameworks.values().flat_map(|framework| &framework.attestations);
    let lists: [(&str, &str, &[String], BTreeSet<&str>); 5] = [
        ("kinds", "collectors", &target.kinds, catalog.kinds().collect()),
        ("checks", "checks", &target.checks, catalog.checks.keys().map(String::as_str).collect()),
        ("controls", "frameworks", &target.controls, controls),
        ("excerpts", "excerpts", &target.excerpts, catalog.excerpts.keys().map(String::as_str).collect()),
        ("attestations", "frameworks", &target.attestations, needs().map(|need| need.id.as_str()).collect()),
    ];
    let place = || Place::file().member("row").element(index);
    if lists.iter().all(|(_, _, names, _)| names.is_empty()) && target.note.is_none() {
        let what = format!("nothing shows {}", target.id);
        defects.push(Defect::new(
            TARGETS,
            place().member("id"),
            what,
            "name what does, or say why in a note",
        ));
    }
    for (member, folder, names, present) in lists {
        for (position, name) in names.iter().enumerate().filter(|(_, name)| !present.contains(name.as_str()))
        {
            if known.lacks_some_of(folder) {
                continue;
            }
            let what = format!("{} names {name}, which is not among the {member} of this catalog", target.id);
            let help = meant(name, present.iter().copied(), "remove it, or add what it names");
            defects.push(Defect::new(TARGETS, place().member(member).element(position), what, help));
        }
    }
}
