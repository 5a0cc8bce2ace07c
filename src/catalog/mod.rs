//! The catalog: what to collect, how records become resources, what to check, which control each
//! check proves, and which CloudTrail events a control asks for. All of it is data, compiled in.
//!
//! One file per service under `collectors/`, per check under `checks/`, per framework under
//! `frameworks/`, per excerpt rule under `excerpts/`. A file's stem is the id of what it holds. What is taken out of
//! answers before they are written is in `redactions.toml`.

mod access;
mod attestations;
mod check;
mod collector;
mod crosswalk;
mod defect;
mod documents;
mod excerpt;
mod fault;
mod filter;
mod framework;
mod functions;
mod gap_reasons;
mod load;
mod members;
mod parameter;
mod place;
mod query;
mod read;
mod redaction;
mod sources;
mod template;
mod validate;

pub use access::{AccessRules, EscalationRule, SharedKind};
pub use attestations::{attestation_template, attestation_templates};
pub use check::{Case, Check, RelatedResource};
pub use collector::{
    AbsentRule, Call, Collector, Cost, Decode, Each, Items, PropertyRule, ResourceRule, ServiceScope,
    TagsRule,
};
pub use crosswalk::{Crosswalk, LeftOutRule, Scheme, Target};
pub use defect::{Defect, meant};
pub use documents::documents;
pub use excerpt::{ExcerptCase, ExcerptRule, Lookup};
pub use fault::Fault;
pub use filter::{Filter, Literal, Operand, Path, Root, TextTest};
pub use framework::{Control, ControlKind, Framework};
pub use gap_reasons::GapReasons;
pub use load::{Catalog, CatalogError};
pub use parameter::Parameter;
pub use place::Place;
pub use query::{Query, context, elements, to_value, to_variable};
pub use redaction::{Detector, Kept, RedactionRule, Redactions, SecretNames, Sibling};
pub use sources::{SameName, Sources, SourcesError};
pub use template::{Template, TemplateError};
