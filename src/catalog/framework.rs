//! Frameworks: a regulation's requirements and what proves each. The mapping lives here and nowhere else.

use serde::Deserialize;

use crate::model::{AttestationNeed, Obligation};

/// One file of `frameworks/`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Framework {
    /// Id: the file's stem.
    pub id: String,
    /// Title.
    pub title: String,
    /// Edition of the regulation that the data follows.
    pub edition: String,
    /// Attestations that controls ask for.
    #[serde(default, rename = "attestation")]
    pub attestations: Vec<AttestationNeed>,
    /// Controls, in the regulation's order.
    #[serde(rename = "control")]
    pub controls: Vec<Control>,
}

/// A requirement.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Citation without the title of the code: `164.312(a)(2)(iv)`.
    pub id: String,
    /// Title in the regulation.
    pub title: String,
    /// Standard or implementation specification.
    pub kind: ControlKind,
    /// The standard that a specification belongs to.
    pub parent: Option<String>,
    /// Safeguard group: `Administrative safeguards`.
    pub group: String,
    /// Required or addressable; left out for a standard whose specifications say it.
    pub obligation: Option<Obligation>,
    /// What it requires, in the regulation's own words.
    pub requirement: Option<String>,
    /// What an auditor examines, in our words.
    pub guidance: String,
    /// Ids of the checks that prove it.
    #[serde(default)]
    pub checks: Vec<String>,
    /// Ids of the excerpt rules that it asks for.
    #[serde(default)]
    pub excerpts: Vec<String>,
    /// Ids of the attestations that it asks for.
    #[serde(default)]
    pub attestations: Vec<String>,
    /// Id of the attestation that documents the decision not to implement it (45 CFR 164.306(d)(3)); for addressable
    /// specifications only. Nobody is asked for it; where it holds, what is not done is accepted.
    pub alternative: Option<String>,
}

/// What a requirement is in the regulation's structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlKind {
    /// A standard.
    Standard,
    /// An implementation specification.
    Specification,
}
