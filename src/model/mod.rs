//! Plain data types, shared by all modules: what a record, a manifest, a resource, a finding and an
//! assessment are. No input or output, no AWS, no clock.

mod access;
mod assessment;
mod attestation;
mod catalog_files;
mod cell;
mod command;
mod comparison;
mod corroboration;
mod digest;
mod exception;
mod finding;
mod gap;
mod import;
mod manifest;
mod near;
mod problem;
mod record;
mod resource;
mod scope;
mod trail;
pub mod written_date;

pub use access::{
    AccessGap, AccessReview, AdminPath, AdminPathKind, Credential, PrincipalKind, ReviewedPrincipal,
    SharedResource,
};
pub use assessment::{
    AssessedCheck, Assessment, AttestationNeed, AttestationResult, BundleReference, ControlResult,
    ControlStatus, EvidenceEntry, ExcerptEvent, ExcerptResult, FrameworkAssessment, FrameworkReference,
    Obligation, PropertySource, ResourceEntry, StatusCount, UsedParameter,
};
pub use attestation::{AttachedFile, AttestationEntry, AttestationState, Statement};
pub use catalog_files::CatalogFiles;
pub use cell::spreadsheet_cell;
pub use command::aws_cli;
pub use comparison::{
    AttestationChange, AttestedState, Change, ChangedResource, ComparedSide, Comparison, ControlChange,
    Drift, ExceptionChange, ExceptionState, ExcerptChange, FindingChange, FindingState, FrameworkChange,
    RecordChange, RecordState, ResourceChanges,
};
pub use corroboration::{
    Confirmation, ConfirmingEvent, Corroboration, Difference, Mismatch, NotConfirmed, Open, ReadLogs,
};
pub use digest::{ParseDigestError, RecordId, Sha256Digest};
pub use exception::{Exception, ExceptionProblem, ExceptionReport};
pub use finding::{DecidingLine, Finding, FindingError, Outcome, Proof, Severity, Subject};
pub use gap::GapReason;
pub use import::{
    Disagreement, ImportComparison, ImportCounts, ImportFormat, ImportOrigin, ImportOutcome, ImportReport,
    ImportedFile, ImportedRule, ImportedSuppression, OtherSide,
};
pub use manifest::{GapSummary, Manifest, ManifestFile, Shard, Tool};
pub use near::{distance, nearest};
pub use problem::{Problem, ProblemCode, Problems, harmless};
pub use record::{ApiError, ErrorMeaning, Exchange, Record, RecordKind, RecordOutcome, Redaction, Source};
pub use resource::{KindSources, Property, Resource, ResourceSet};
pub use scope::{LeftOut, Period, Scope};
pub use trail::{CoverageEntry, FileCount, TrailCoverage, TrailProblem, TrailSource};
