//! Excerpt rules: the filter can be read, and decides its cases as stated.

use std::collections::BTreeMap;

use super::excerpt_file;
use crate::catalog::{Catalog, Defect, ExcerptRule, Fault, Place};

/// Events kept per account and region, at most: a record is one line of a bundle, and lines are bounded.
const MOST_EVENTS: usize = 10_000;

/// What must hold for the rules to work.
pub(super) fn sound(catalog: &Catalog, defects: &mut Vec<Defect>) {
    for rule in catalog.excerpts.values() {
        let file = excerpt_file(&rule.id);
        for Fault { what, at } in rule.filter(&BTreeMap::new()).err().into_iter().flatten() {
            let place = Place::file().member("filter").text(at);
            let help = "src/catalog/filter/mod.rs lists what a filter may use; the rules that come with the program are examples";
            defects.push(Defect::new(&file, place, what, help));
        }
        for (index, path) in rule.show.iter().enumerate() {
            if path.split('.').any(|name| name.is_empty() || name.contains(char::is_whitespace)) {
                let what = format!("{path:?} is no path of an event's member");
                let place = Place::file().member("show").element(index);
                defects.push(Defect::new(&file, place, what, "write requestParameters.keyId, without event"));
            }
        }
        if rule.most_events == 0 || rule.most_events > MOST_EVENTS {
            let what = format!("most-events is {}; it must be from 1 to {MOST_EVENTS}", rule.most_events);
            defects.push(Defect::new(
                &file,
                Place::file().member("most-events"),
                what,
                "give another number",
            ));
        }
    }
}

/// What a rule should have that people rely on.
pub(super) fn complete(catalog: &Catalog, defects: &mut Vec<Defect>) {
    for rule in catalog.excerpts.values() {
        defects.extend(rule.wrong_cases());
        for (selected, what) in [(true, "that is selected"), (false, "that is not selected")] {
            if !rule.cases.iter().any(|case| case.selected == selected) {
                let what = format!("no case shows an event {what}");
                let place = if rule.cases.is_empty() { Place::file() } else { Place::file().member("cases") };
                defects.push(Defect::new(excerpt_file(&rule.id), place, what, "add a [[cases]]"));
            }
        }
        defects.extend(declared_in_vain(rule));
    }
}

/// Parameters that the filter does not read: without them it can still be read.
fn declared_in_vain(rule: &ExcerptRule) -> impl Iterator<Item = Defect> {
    let unread = rule.parameters.keys().filter(|name| {
        let mut without = rule.clone();
        without.parameters.remove(*name);
        without.filter(&BTreeMap::new()).is_ok()
    });
    unread.map(|name| {
        let place = Place::file().member("parameters").member(name).key();
        let what = format!("the filter does not read the parameter {name}");
        let help = "remove it, or read it as parameters.NAME: setting it would change nothing";
        Defect::new(excerpt_file(&rule.id), place, what, help)
    })
}
