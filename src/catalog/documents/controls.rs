//! The index of controls, framework by framework.

use super::{GENERATED, check_links, head, plural, row};
use crate::catalog::{Catalog, Control, ControlKind, Framework};
use crate::model::Obligation;

/// `controls.md`.
pub(super) fn page(catalog: &Catalog) -> String {
    let mut text = format!(
        "# Controls\n\n{GENERATED}\nWhat proves each control: checks, excerpts of CloudTrail, and statements of people. \
         `proofpack controls show ID` tells what an auditor examines.\n"
    );
    for framework in catalog.frameworks.values() {
        text.push_str(&of_framework(catalog, framework));
    }
    text
}

fn of_framework(catalog: &Catalog, framework: &Framework) -> String {
    let mut text = format!(
        "\n## {} (`{}`)\n\n{}. {}; {}.\n",
        framework.title,
        framework.id,
        framework.edition,
        plural(framework.controls.len(), "control", "controls"),
        plural(framework.attestations.len(), "attestation", "attestations"),
    );
    let mut group = None;
    for control in &framework.controls {
        if group.replace(&control.group) != Some(&control.group) {
            text.push_str(&format!("\n### {}\n\n", control.group));
            text.push_str(&head(&["Control", "Title", "Obligation", "Checks", "Excerpts", "Attestations"]));
        }
        text.push_str(&row([
            control.id.as_str(),
            &control.title,
            obligation(framework, control),
            &check_links(control.checks.iter().map(String::as_str)),
            &excerpts(catalog, control),
            &attestations(framework, control),
        ]));
    }
    text
}

fn obligation(framework: &Framework, control: &Control) -> &'static str {
    match (control.obligation, control.kind) {
        (Some(Obligation::Required), _) => "required",
        (Some(Obligation::Addressable), _) => "addressable",
        (None, ControlKind::Standard)
            if framework.controls.iter().any(|other| other.parent.as_ref() == Some(&control.id)) =>
        {
            "that of its parts"
        }
        (None, _) => "not stated",
    }
}

fn excerpts(catalog: &Catalog, control: &Control) -> String {
    let title = |id: &String| match catalog.excerpts.get(id) {
        Some(rule) => format!("{} (`{id}`)", rule.title),
        None => id.clone(),
    };
    control.excerpts.iter().map(title).collect::<Vec<_>>().join("; ")
}

fn attestations(framework: &Framework, control: &Control) -> String {
    let need = |id: &String| match framework.attestations.iter().find(|need| need.id == *id) {
        Some(need) => format!("`{id}` ({} days)", need.valid_days),
        None => id.clone(),
    };
    control.attestations.iter().map(need).collect::<Vec<_>>().join("; ")
}
