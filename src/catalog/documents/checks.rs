//! The index of checks.

use std::collections::BTreeMap;

use super::{GENERATED, code, controls_of, head, plural, row};
use crate::catalog::{Catalog, Check};
use crate::model::Severity;

/// `checks.md`.
pub(super) fn page(catalog: &Catalog) -> String {
    let mut text = format!(
        "# Checks\n\n{GENERATED}\n{} over {}. `proofpack checks show ID` tells all about one, its predicate and cases \
         included; a rule of cdk-nag, Prowler, AWS Config or Security Hub is found by its name too.\n",
        plural(catalog.checks.len(), "check", "checks"),
        plural(by_kind(catalog).len(), "kind of resource", "kinds of resources"),
    );
    for (kind, checks) in by_kind(catalog) {
        let title = catalog.resource_rule(kind).map_or(kind, |(_, rule)| rule.title.as_str());
        text.push_str(&format!("\n## {title} (`{kind}`)\n\n"));
        text.push_str(&head(&["Check", "What holds when it passes", "Severity", "Controls", "Equivalents"]));
        for check in checks {
            let id = format!("<a id=\"{0}\"></a>`{0}`", check.id);
            let severity = severity(check.severity);
            text.push_str(&row([
                id.as_str(),
                check.title.as_str(),
                severity,
                &controls(catalog, check),
                &equivalents(check),
            ]));
        }
    }
    text
}

fn by_kind(catalog: &Catalog) -> BTreeMap<&str, Vec<&Check>> {
    let mut kinds: BTreeMap<&str, Vec<&Check>> = BTreeMap::new();
    for check in catalog.checks.values() {
        kinds.entry(&check.resource).or_default().push(check);
    }
    kinds
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
    }
}

/// The controls that name it, framework by framework.
fn controls(catalog: &Catalog, check: &Check) -> String {
    let mut frameworks: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (framework, control) in controls_of(catalog, &check.id) {
        frameworks.entry(framework).or_default().push(control);
    }
    let one = |(framework, controls): (&str, Vec<&str>)| format!("{framework}: {}", controls.join(", "));
    frameworks.into_iter().map(one).collect::<Vec<_>>().join("; ")
}

fn equivalents(check: &Check) -> String {
    let of_scheme = |(scheme, names): (&String, &Vec<String>)| {
        format!("{scheme}: {}", code(names.iter().map(String::as_str)))
    };
    check.references.iter().map(of_scheme).collect::<Vec<_>>().join("; ")
}
