//! Where the rules of others are.

use std::collections::{BTreeMap, BTreeSet};

use super::{GENERATED, check_links, head, row};
use crate::catalog::{Catalog, Scheme};

/// `equivalents.md`.
pub(super) fn page(catalog: &Catalog) -> String {
    let mut text = format!(
        "# Equivalents\n\n{GENERATED}\nWhat stands for each rule of the others' sets for HIPAA, or why nothing does. \
         Theirs and ours need not agree in every case: ours are indeterminate where evidence is missing.\n"
    );
    for scheme in &catalog.crosswalk.schemes {
        text.push_str(&of_scheme(catalog, scheme));
    }
    text
}

fn of_scheme(catalog: &Catalog, scheme: &Scheme) -> String {
    let checks = by_rule(catalog, &scheme.id);
    let names: BTreeSet<&str> = scheme.names.iter().map(String::as_str).collect();
    let covered = names.iter().filter(|name| checks.contains_key(**name)).count();
    let mut text = format!("\n## {}\n\nSource: {}.", scheme.title, scheme.source);
    if !names.is_empty() {
        let left_out = names.len() - covered;
        text.push_str(&format!(" {} rules: {covered} covered by checks, {left_out} left out.", names.len()));
        text.push_str("\n\n");
        text.push_str(&head(&["Rule", "Checks", "Why it is left out"]));
        for name in &names {
            let reason = catalog.crosswalk.left_out.iter();
            let reason = reason.filter(|rule| rule.scheme == scheme.id && rule.name == *name);
            let reason = reason.map(|rule| rule.reason.as_str()).next().unwrap_or_default();
            let ids = checks.get(name).into_iter().flatten().copied();
            text.push_str(&row([format!("`{name}`").as_str(), &check_links(ids), reason]));
        }
    }
    let others: Vec<(&&str, &Vec<&str>)> =
        checks.iter().filter(|(name, _)| !names.contains(**name)).collect();
    if !others.is_empty() {
        text.push_str("\n\nFurther rules that checks stand for:\n\n");
        text.push_str(&head(&["Rule", "Checks"]));
        for (name, ids) in others {
            text.push_str(&row([format!("`{name}`").as_str(), &check_links(ids.iter().copied())]));
        }
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// The checks that name each rule of a scheme.
fn by_rule<'a>(catalog: &'a Catalog, scheme: &str) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut rules: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for check in catalog.checks.values() {
        for name in check.references.get(scheme).into_iter().flatten() {
            rules.entry(name).or_default().push(&check.id);
        }
    }
    rules
}
