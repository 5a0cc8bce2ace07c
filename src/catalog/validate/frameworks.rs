//! What must hold of frameworks, and of checks that none of them names.

use std::collections::{BTreeMap, BTreeSet};

use super::{Known, check_file};
use crate::catalog::defect::meant;
use crate::catalog::{Catalog, Control, Defect, Framework, Place};
use crate::model::{AttestationNeed, Obligation};

/// References of controls that lead nowhere, and checks without a control.
pub(super) fn sound(catalog: &Catalog, known: &Known, defects: &mut Vec<Defect>) {
    let mut mapped = BTreeSet::new();
    attestations_agree(catalog, defects);
    for framework in catalog.frameworks.values() {
        validate(catalog, framework, known, defects);
        mapped.extend(framework.controls.iter().flat_map(|control| &control.checks));
    }
    if known.lacks_some_of("frameworks") {
        return;
    }
    for id in catalog.checks.keys().filter(|id| !mapped.contains(id)) {
        defects.push(Defect::new(
            check_file(id),
            Place::file().member("id"),
            "no control names this check",
            "add its id to the `checks` of a control in frameworks/, or no assessment will run it",
        ));
    }
}

/// Attestations of one id that two frameworks ask for in different ways: one statement answers both.
fn attestations_agree(catalog: &Catalog, defects: &mut Vec<Defect>) {
    let mut first: BTreeMap<&str, (&str, &AttestationNeed)> = BTreeMap::new();
    for framework in catalog.frameworks.values() {
        for (index, need) in framework.attestations.iter().enumerate() {
            let (other, known) = *first.entry(&need.id).or_insert((&framework.id, need));
            let (member, what) = if known.statement != need.statement {
                ("statement", "the statement")
            } else if known.valid_days != need.valid_days {
                ("valid-days", "the time that it holds for")
            } else {
                continue;
            };
            if other != framework.id {
                defects.push(Defect::new(
                    format!("frameworks/{}.toml", framework.id),
                    Place::file().member("attestation").element(index).member(member),
                    format!("{what} of the attestation {} differs from that in frameworks/{other}.toml", need.id),
                    "an attestation answers every framework that asks for it: make them the same, or give one another id",
                ));
            }
        }
    }
}

fn validate(catalog: &Catalog, framework: &Framework, known: &Known, defects: &mut Vec<Defect>) {
    let file = format!("frameworks/{}.toml", framework.id);
    let mut needs = BTreeSet::new();
    for (index, need) in framework.attestations.iter().enumerate() {
        if !needs.insert(need.id.as_str()) {
            let place = Place::file().member("attestation").element(index).member("id");
            let what = format!("the attestation {} is listed twice", need.id);
            defects.push(Defect::new(&file, place, what, "remove one of the two"));
        }
    }
    let ids: BTreeSet<&str> = framework.controls.iter().map(|control| control.id.as_str()).collect();
    let mut seen = BTreeSet::new();
    for (index, control) in framework.controls.iter().enumerate() {
        let place = Place::file().member("control").element(index);
        if !seen.insert(control.id.as_str()) {
            let what = format!("{} is listed twice", control.id);
            defects.push(Defect::new(&file, place.clone().member("id"), what, "join the two"));
        }
        if let Some(parent) = control.parent.as_deref().filter(|parent| !seen.contains(parent)) {
            let what = format!("{} belongs to {parent}, which does not come before it", control.id);
            let help = if ids.contains(parent) && parent != control.id {
                "list it after the control that it belongs to".to_owned()
            } else {
                meant(parent, seen.iter().copied(), "name a control that stands before it")
            };
            defects.push(Defect::new(&file, place.clone().member("parent"), what, help));
        }
        alternative(framework, control, |what, help| {
            let place = place.clone().member("alternative");
            defects.push(Defect::new(&file, place, format!("{} {what}", control.id), help));
        });
        references(catalog, framework, control, known, |member, position, what, help| {
            let place = place.clone().member(member).element(position);
            defects.push(Defect::new(&file, place, format!("{} {what}", control.id), help));
        });
    }
}

/// Calls `wrong` where a control's alternative cannot be one: what is wrong, what to do.
fn alternative(framework: &Framework, control: &Control, mut wrong: impl FnMut(String, String)) {
    let Some(id) = &control.alternative else { return };
    if control.obligation != Some(Obligation::Addressable) {
        let help = "remove it: only what is addressable can be decided against (45 CFR 164.306(d)(3))";
        wrong("has an alternative and is not addressable".into(), help.into());
    }
    let needs = || framework.attestations.iter().map(|need| need.id.as_str());
    if !needs().any(|need| need == id) {
        let help = meant(id, needs(), "add an [[attestation]] with this id to the framework");
        wrong(format!("names the unknown attestation {id}"), help);
    }
}

/// Calls `wrong` for each reference that leads nowhere: member, position, what is wrong, what to do.
fn references(
    catalog: &Catalog,
    framework: &Framework,
    control: &Control,
    known: &Known,
    mut wrong: impl FnMut(&str, usize, String, String),
) {
    for (position, check) in control.checks.iter().enumerate() {
        if control.checks[..position].contains(check) {
            wrong("checks", position, format!("names the check {check} twice"), "remove one".into());
        } else if !catalog.checks.contains_key(check) && !known.may_have("checks", check) {
            let names = catalog.checks.keys().map(String::as_str);
            let help = meant(check, names, "`proofpack checks list` shows what there is");
            wrong("checks", position, format!("names the unknown check {check}"), help);
        }
    }
    for (position, rule) in control.excerpts.iter().enumerate() {
        if !catalog.excerpts.contains_key(rule) && !known.may_have("excerpts", rule) {
            let names = catalog.excerpts.keys().map(String::as_str);
            let help = meant(rule, names, "add it to excerpts/");
            wrong("excerpts", position, format!("names the unknown excerpt rule {rule}"), help);
        }
    }
    for (position, id) in control.attestations.iter().enumerate() {
        let needs = || framework.attestations.iter().map(|need| need.id.as_str());
        if !needs().any(|need| need == id) {
            let help = meant(id, needs(), "add an [[attestation]] with this id to the framework");
            wrong("attestations", position, format!("names the unknown attestation {id}"), help);
        }
    }
}
