//! What the first users must be able to prove, and what proves it.

use std::collections::BTreeSet;

use super::{GENERATED, check_links, code, head, row};
use crate::catalog::{Catalog, Target};

/// `targets.md`.
pub(super) fn page(catalog: &Catalog) -> String {
    let mut text = format!(
        "# What must be provable\n\n{GENERATED}\nThe claims of two deployments, row by row: A is OpenEMR on Amazon ECS, B is \
         an analytics platform for synthetic health records.\n\n"
    );
    text.push_str(&head(&[
        "Row",
        "What must be proven",
        "Collectors: kinds",
        "Checks",
        "Controls",
        "Where the report shows it",
    ]));
    for target in &catalog.crosswalk.targets {
        let title = match &target.note {
            Some(note) => format!("{} {note}", target.title),
            None => target.title.clone(),
        };
        text.push_str(&row([
            target.id.as_str(),
            &title,
            &collectors(catalog, target),
            &check_links(target.checks.iter().map(String::as_str)),
            &target.controls.join(", "),
            &sections(target),
        ]));
    }
    text
}

/// The kinds of resources that show it, each behind the collector that makes it.
fn collectors(catalog: &Catalog, target: &Target) -> String {
    let services: BTreeSet<&str> =
        kinds(catalog, target).iter().filter_map(|kind| service(catalog, kind)).collect();
    let of_service = |service: &str| {
        let kinds = kinds(catalog, target);
        let own = kinds.into_iter().filter(|kind| self::service(catalog, kind) == Some(service));
        format!("{service}: {}", code(own))
    };
    services.into_iter().map(of_service).collect::<Vec<_>>().join("; ")
}

/// Those that it names, and those that its checks are about.
fn kinds<'a>(catalog: &'a Catalog, target: &'a Target) -> BTreeSet<&'a str> {
    let of_checks = target.checks.iter().filter_map(|id| catalog.checks.get(id));
    let of_checks = of_checks.map(|check| check.resource.as_str());
    target.kinds.iter().map(String::as_str).chain(of_checks).collect()
}

fn service<'a>(catalog: &'a Catalog, kind: &str) -> Option<&'a str> {
    catalog.resource_rule(kind).map(|(collector, _)| collector.service.as_str())
}

fn sections(target: &Target) -> String {
    let mut sections = Vec::new();
    if !target.checks.is_empty() {
        sections.push("Controls (predicate, resources, proof)".to_owned());
    }
    if !target.excerpts.is_empty() {
        let rules = code(target.excerpts.iter().map(String::as_str));
        sections.push(format!("Controls (CloudTrail excerpts {rules})"));
    }
    if !target.attestations.is_empty() {
        let needs = code(target.attestations.iter().map(String::as_str));
        sections.push(format!("Attestations ({needs})"));
    }
    if !target.kinds.is_empty() || !target.checks.is_empty() {
        sections.push("Resources; Evidence index".to_owned());
    }
    sections.join("; ")
}
