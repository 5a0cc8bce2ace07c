//! The trimmed botocore model as it is written in `evidence-schemas/aws/<service>.json`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// One file.
#[derive(Debug, Deserialize)]
pub(super) struct ServiceSource {
    pub(super) metadata: Metadata,
    pub(super) operations: BTreeMap<String, OperationSource>,
    pub(super) pagination: BTreeMap<String, Paginator>,
    pub(super) shapes: BTreeMap<String, ShapeSource>,
}

/// `metadata`: what holds for the whole service.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) api_version: String,
    pub(super) endpoint_prefix: String,
    pub(super) json_version: Option<String>,
    pub(super) protocol: String,
    /// All protocols that the service speaks, in AWS's order of preference.
    #[serde(default)]
    pub(super) protocols: Vec<String>,
    pub(super) signing_name: Option<String>,
    pub(super) target_prefix: Option<String>,
}

/// One operation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OperationSource {
    pub(super) http: Http,
    pub(super) input: Option<Reference>,
    pub(super) output: Option<Reference>,
    /// Parameters of the endpoint rules that the operation fixes.
    #[serde(default)]
    pub(super) static_context_params: BTreeMap<String, ContextValue>,
}

/// Method and URI template.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Http {
    pub(super) method: String,
    pub(super) request_uri: String,
}

/// `{"value": …}`.
#[derive(Debug, Deserialize)]
pub(super) struct ContextValue {
    pub(super) value: Value,
}

/// `{"name": …}`: the endpoint parameter that a member gives.
#[derive(Debug, Deserialize)]
pub(super) struct ContextName {
    pub(super) name: String,
}

/// One shape.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ShapeSource {
    #[serde(rename = "type")]
    pub(super) type_name: String,
    /// Members of a structure, in the model's order; each is a [`Reference`].
    pub(super) members: Map<String, Value>,
    pub(super) member: Option<Reference>,
    pub(super) key: Option<Reference>,
    pub(super) value: Option<Reference>,
    pub(super) payload: Option<String>,
    pub(super) union: bool,
    pub(super) document: bool,
    #[serde(flatten)]
    pub(super) traits: Traits,
}

/// A use of a shape: by a member, a list, a map or an operation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reference {
    pub(super) shape: String,
    pub(super) location: Option<String>,
    pub(super) query_name: Option<String>,
    pub(super) context_param: Option<ContextName>,
    #[serde(flatten)]
    pub(super) traits: Traits,
}

/// What may be said of a shape and, overriding it, of its use.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Traits {
    pub(super) location_name: Option<String>,
    pub(super) timestamp_format: Option<String>,
    pub(super) flattened: bool,
    pub(super) jsonvalue: bool,
    pub(super) xml_attribute: bool,
    pub(super) xml_namespace: Option<XmlNamespace>,
}

/// A namespace: botocore writes its URI alone or with a prefix.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum XmlNamespace {
    Uri(String),
    Full { uri: String, prefix: Option<String> },
}

/// How the pages of an operation hang together (botocore's `paginators-1.json`).
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Paginator {
    /// Parameters that take the tokens.
    pub(crate) input_token: OneOrMany,
    /// Expressions that find the tokens in a page.
    pub(crate) output_token: OneOrMany,
    /// Members that are merged over all pages.
    #[serde(default)]
    pub(crate) result_key: OneOrMany,
    /// Members that are taken from the first page.
    #[serde(default)]
    pub(crate) non_aggregate_keys: OneOrMany,
    /// Expression that is true while there are more pages.
    pub(crate) more_results: Option<String>,
}

/// botocore writes lists of one as the item alone.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl OneOrMany {
    pub(crate) fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}
