//! The assessment: sealed bundle, catalog, parameters and exceptions in; findings and control statuses out.
//!
//! A pure function: no clock, no network, no file. Absence of evidence is never a pass: what could not be seen
//! is indeterminate, and every finding points at the records that it rests on.

mod access;
pub mod attestations;
mod cases;
mod checks;
mod coverage;
mod deciding;
mod engine;
mod exceptions;
mod excerpts;
mod explain;
mod findings;
mod functions;
mod imports;
mod judge;
mod message;
mod parameters;
mod provenance;
mod references;
pub mod resources;
mod rollup;
mod text;
mod trail;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

pub use self::access::access_review;
pub use self::cases::{CaseResult, run_cases};
pub use self::checks::expression_defects;
pub use self::exceptions::{
    ExceptionsError, Lint, Mistake, MistakeKind, Proposal, draft, lint, propose, read_exceptions,
};
pub use self::explain::{ExplainError, Explained, Explainer, Explanation, Part, ReadProperty};
pub(crate) use self::functions::wildcards::matches_glob;
pub use self::imports::{FromImports, propose_from_imports};
pub use self::parameters::{UnknownParameter, default_parameters, parameter_problems, unknown_parameters};

use self::attestations::Attestations;
use self::engine::Engine;
use self::findings::Fallback;
use self::functions::related::World;
use self::judge::Court;
use crate::bundle::{Bundle, StoredRecord};
use crate::catalog::{Catalog, Defect, Framework};
use crate::model::{
    AssessedCheck, Assessment, BundleReference, EvidenceEntry, Exception, Finding, FindingError, GapReason,
    RecordId, RecordOutcome, Resource, ResourceEntry, ResourceSet, Tool,
};
use crate::parallel;

/// What an assessment is made with, beside bundle and catalog.
#[derive(Debug, Clone, PartialEq)]
pub struct Inputs {
    /// Ids of the frameworks, each once, in the order in which they are shown.
    pub frameworks: Vec<String>,
    /// The instant at which ages and expiries are judged.
    pub as_of: DateTime<Utc>,
    /// Parameters that differ from the checks' defaults, by name.
    pub parameters: BTreeMap<String, Value>,
    /// Accepted failures, in the order of their file.
    pub exceptions: Vec<Exception>,
}

impl Inputs {
    /// What an assessment says that it was made with.
    pub fn of(assessment: &Assessment) -> Self {
        let frameworks = assessment.frameworks.iter().map(|framework| framework.reference.id.clone());
        let parameters = assessment.parameters.iter().map(|(name, used)| (name.clone(), used.value.clone()));
        Self {
            frameworks: frameworks.collect(),
            as_of: assessment.as_of,
            parameters: parameters.collect(),
            exceptions: assessment.exceptions.iter().map(|report| report.exception.clone()).collect(),
        }
    }
}

/// Why there is no assessment.
#[derive(Debug, thiserror::Error)]
pub enum AssessError {
    /// No framework was asked for.
    #[error("no framework is named, so there is nothing to assess against: name one with `framework`")]
    NoFramework,
    /// A framework was asked for more than once.
    #[error("the framework {0} is named twice: name each once")]
    FrameworkTwice(String),
    /// The framework is not in the catalog.
    #[error("there is no framework {framework}: the catalog has {}", known.join(", "))]
    UnknownFramework {
        /// What was asked for.
        framework: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Parameters that no check reads, or of the wrong type.
    #[error("the parameters in proofpack.toml are wrong:\n{}", .0.join("\n"))]
    Parameters(Vec<String>),
    /// Expressions or messages of checks that do not compile.
    #[error(
        "{} problem(s) in the catalog's checks (`proofpack catalog validate` shows each where it stands):\n{}",
        .0.len(),
        .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    )]
    Checks(Vec<Defect>),
    /// An exception for a check that the catalog does not have.
    #[error("an exception names the unknown check {0}; read the file again with `proofpack assess`")]
    UnknownCheck(String),
    /// The bundle has no record that anything could point at.
    #[error("the bundle has no records, so there is nothing to assess: collect again")]
    NoRecords,
    /// Resources could not be derived.
    #[error("the bundle's records could not be turned into resources: {0}")]
    Resources(#[from] resources::DeriveError),
    /// A finding without proof.
    #[error("an assessment cannot be made: {0}")]
    Proof(#[from] FindingError),
}

/// Derives a bundle's resources and judges them.
///
/// # Errors
/// As [`AssessError`] says.
pub fn assess(bundle: &Bundle, catalog: &Catalog, inputs: &Inputs) -> Result<Assessment, AssessError> {
    assess_resources(bundle, catalog, inputs, &resources::derive(catalog, bundle)?)
}

/// Judges a bundle whose resources are derived already.
///
/// # Errors
/// As [`AssessError`] says.
pub fn assess_resources(
    bundle: &Bundle,
    catalog: &Catalog,
    inputs: &Inputs,
    set: &ResourceSet,
) -> Result<Assessment, AssessError> {
    let frameworks = frameworks(catalog, &inputs.frameworks)?;
    if let Some(exception) = inputs.exceptions.iter().find(|e| !catalog.checks.contains_key(&e.check)) {
        return Err(AssessError::UnknownCheck(text::safe(&exception.check, 80)));
    }
    let unknown: Vec<String> =
        unknown_parameters(catalog, &inputs.parameters).iter().map(ToString::to_string).collect();
    if !unknown.is_empty() {
        return Err(AssessError::Parameters(unknown));
    }
    let engine = Engine::default();
    let compiled = checks::compile(catalog, &engine).map_err(AssessError::Checks)?;
    let controls = frameworks.iter().flat_map(|framework| &framework.controls);
    let mapped: BTreeSet<&str> = controls.flat_map(|control| &control.checks).map(String::as_str).collect();
    let checks: Vec<_> = compiled.values().filter(|c| mapped.contains(c.check.id.as_str())).collect();
    let parameters = parameters::values(checks.iter().map(|c| c.check), &inputs.parameters)
        .map_err(AssessError::Parameters)?;
    let fallback = fallback(bundle)?;

    let coverage = coverage::coverage(catalog, bundle, set);
    let world = Arc::new(World::new(Arc::clone(&set.resources), coverage, error_codes(bundle)));
    let court = Court { engine, world: Arc::clone(&world), parameters: &parameters, as_of: inputs.as_of };
    let (access_review, findings) = parallel::both(
        || access_review(set, &catalog.access, inputs.as_of),
        || parallel::each(&checks, |check| findings::of_check(&court, check, &fallback)),
    );
    let mut findings: Vec<Finding> =
        findings.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    let exceptions = exceptions::apply(
        &inputs.exceptions,
        findings.iter_mut(),
        |kind| world.resources_of(kind).collect(),
        |check| catalog.checks.get(check).map(|check| check.resource.as_str()),
        inputs.as_of,
    );
    let records = bundle.records.iter().map(|stored| (stored.id, &stored.record));
    let made = Attestations::new(records, inputs.as_of);
    let attestations = made.register(frameworks.iter().flat_map(|framework| &framework.attestations));
    let of_framework =
        |framework: &&Framework| rollup::framework(catalog, framework, bundle, &findings, &made);
    let frameworks = frameworks.iter().map(of_framework).collect();
    let used = parameters::used(checks.iter().map(|c| c.check), &parameters);
    let checks: Vec<AssessedCheck> = checks.iter().map(|check| assessed(catalog, check)).collect();
    deciding::add(&mut findings, &checks, bundle);
    let (imports, disagreements) = imports::hold(bundle, catalog, set, &checks, &findings)?;
    Ok(Assessment {
        version: Assessment::VERSION,
        tool: Tool::this(),
        as_of: inputs.as_of,
        bundle: bundle_reference(bundle),
        catalog_sha256: catalog.digest,
        parameters: used,
        frameworks,
        checks,
        findings,
        exceptions,
        attestations,
        imports,
        disagreements,
        resources: set.resources.iter().map(entry).collect(),
        access_review: access_review?,
        coverage: trail::coverage(bundle),
        trail_sources: trail::sources(bundle),
        evidence: bundle.records.iter().map(evidence).collect(),
    })
}

fn entry(resource: &Resource) -> ResourceEntry {
    ResourceEntry {
        kind: resource.kind.clone(),
        account: resource.account.clone(),
        region: resource.region.clone(),
        id: resource.id.clone(),
        arn: resource.arn.clone(),
        tags: resource.tags.clone(),
        record: resource.record,
    }
}

fn frameworks<'a>(catalog: &'a Catalog, ids: &[String]) -> Result<Vec<&'a Framework>, AssessError> {
    let mut seen = BTreeSet::new();
    if let Some(twice) = ids.iter().find(|id| !seen.insert(*id)) {
        return Err(AssessError::FrameworkTwice(text::safe(twice, 80)));
    }
    if ids.is_empty() {
        return Err(AssessError::NoFramework);
    }
    let framework = |id: &String| {
        catalog.frameworks.get(id).ok_or_else(|| AssessError::UnknownFramework {
            framework: text::safe(id, 80),
            known: catalog.frameworks.keys().cloned().collect(),
        })
    };
    ids.iter().map(framework).collect()
}

/// What findings point at that no record is about.
fn fallback(bundle: &Bundle) -> Result<Fallback, AssessError> {
    let mut by_account: BTreeMap<String, Vec<RecordId>> = BTreeMap::new();
    for stored in &bundle.records {
        let source = &stored.record.source;
        if source.service == "sts" && source.operation == "GetCallerIdentity" {
            by_account.entry(source.account.clone()).or_default().push(stored.id);
        }
    }
    let first = bundle.records.first().ok_or(AssessError::NoRecords)?;
    let mut all: Vec<RecordId> = by_account.values().flatten().copied().collect();
    if all.is_empty() {
        all.push(first.id);
    }
    Ok(Fallback { by_account, all })
}

fn error_codes(bundle: &Bundle) -> BTreeMap<RecordId, String> {
    bundle.records.iter().filter_map(|s| Some((s.id, text::safe(&s.record.gap()?.code, 80)))).collect()
}

fn bundle_reference(bundle: &Bundle) -> BundleReference {
    let manifest = &bundle.manifest;
    BundleReference {
        manifest_sha256: bundle.manifest_sha256,
        merkle_root: manifest.merkle_root,
        scope: manifest.scope.clone(),
        collection_started: manifest.collection_started,
        sealed_at: manifest.sealed_at,
        records: manifest.records,
    }
}

fn assessed(catalog: &Catalog, compiled: &checks::CompiledCheck<'_>) -> AssessedCheck {
    let check = compiled.check;
    AssessedCheck {
        reads: provenance::of_check(catalog, compiled),
        id: check.id.clone(),
        title: check.title.clone(),
        resource: check.resource.clone(),
        severity: check.severity,
        rationale: check.rationale.clone(),
        applies: check.applies.clone(),
        expression: check.expression.clone(),
        events: check.events.clone(),
        remediation: check.remediation.clone(),
        references: check.references.clone(),
    }
}

/// The most characters that the evidence index repeats of what a service said with an error; the record holds all.
const LONGEST_MESSAGE: usize = 240;

fn evidence(stored: &StoredRecord) -> EvidenceEntry {
    let record = &stored.record;
    let source = &record.source;
    let error = match &record.outcome {
        RecordOutcome::Error(error) => Some(error),
        RecordOutcome::Response(_) => None,
    };
    EvidenceEntry {
        id: stored.id,
        kind: record.kind,
        path: stored.path.clone(),
        line: stored.line,
        account: source.account.clone(),
        region: source.region.clone(),
        service: source.service.clone(),
        operation: source.operation.clone(),
        parameters: source.parameters.clone(),
        caller: source.caller.clone(),
        collected_at: record.collected_at,
        request_ids: record.exchanges.iter().filter_map(|exchange| exchange.request_id.clone()).collect(),
        error: error.map(|error| error.code.clone()),
        message: error
            .filter(|error| !error.message.is_empty())
            .map(|error| text::safe(&error.message, LONGEST_MESSAGE)),
        gap: record.gap().is_some(),
        reason: record.gap().map(|error| error.reason.unwrap_or(GapReason::Other)),
    }
}
