//! Resources: what the assessment derives from records.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::RecordId;

/// One AWS resource, with the properties that checks look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Kind, as the collectors name it: `s3-bucket`.
    pub kind: String,
    /// Name by which other resources refer to it within its kind: a bucket's name, a key's id.
    pub id: String,
    /// ARN (or, for what has none, a descriptive path such as `arn:aws:iam::123456789012:account-summary`).
    pub arn: String,
    /// Account id.
    pub account: String,
    /// Region, or `global`.
    pub region: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Properties by name.
    pub properties: BTreeMap<String, Property>,
    /// The record that says that the resource exists.
    pub record: RecordId,
}

/// One property of a resource and the records that it comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Property {
    /// The value is known.
    Known {
        /// The value.
        value: Value,
        /// The record that gave it.
        record: RecordId,
    },
    /// The value could not be seen: a gap, a record that was never made, or a member that AWS left out.
    Unknown {
        /// Why, in a sentence fit for the report.
        reason: String,
        /// The gap, or the record without the member; `None` where no record exists at all.
        record: Option<RecordId>,
    },
}

/// All resources of a bundle.
#[derive(Debug, Clone, Default)]
pub struct ResourceSet {
    /// Resources, sorted by kind, account, region and id.
    pub resources: Arc<Vec<Resource>>,
    /// For every kind that the catalog knows, the records that list it.
    pub sources: BTreeMap<String, KindSources>,
}

/// What a bundle says about one kind of resource as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KindSources {
    /// Records that listed the kind (a list with nothing in it is one).
    pub listed: Vec<RecordId>,
    /// Gaps that hide resources of the kind, with the account and region they hide.
    pub gaps: Vec<(RecordId, String, String)>,
    /// Accounts and regions in scope where the bundle holds neither: nobody asked.
    pub missing: Vec<(String, String)>,
}
