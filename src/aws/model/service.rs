//! One service: its protocol, its endpoint rules and its operations with their schemas.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::schema::{Builder, Kind, Member, Root, Shapes, Structure};
use super::source::{Metadata, OperationSource, Paginator, Reference, ServiceSource};
use crate::aws::customization;
use crate::aws::endpoint::RuleSet;
use crate::aws::pagination;
use crate::aws::protocol::Protocol;

/// A service that can be called.
#[derive(Debug)]
pub(crate) struct Service {
    /// Name as the AWS CLI uses it.
    pub(crate) name: String,
    pub(crate) protocol: Protocol,
    pub(crate) api_version: String,
    /// Name in the credential scope of signatures, where the endpoint rules name no other.
    pub(crate) signing_name: String,
    /// `X-Amz-Target` prefix of the JSON protocols.
    pub(crate) target_prefix: String,
    pub(crate) operations: BTreeMap<String, Arc<Operation>>,
    pub(crate) shapes: Shapes,
    pub(crate) rules: RuleSet,
}

/// An operation that can be called.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) input: Structure,
    pub(crate) output: Structure,
    pub(crate) paginator: Option<Paginator>,
    /// Parameters of the endpoint rules that the operation fixes.
    pub(crate) endpoint_constants: BTreeMap<String, Value>,
    /// Parameters of the endpoint rules, and the input members that give them.
    pub(crate) endpoint_members: BTreeMap<String, String>,
}

impl Service {
    pub(super) fn read(name: &str, text: &[u8], rules: RuleSet) -> Result<Self, String> {
        let source: ServiceSource = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let protocol = protocol(&source.metadata)?;
        let mut builder = Builder::new(protocol, &source.shapes);
        let mut operations = BTreeMap::new();
        for (operation_name, operation) in &source.operations {
            let paginator = source.pagination.get(operation_name).cloned();
            if let Some(paginator) = &paginator {
                pagination::check(paginator).map_err(|problem| format!("{operation_name}: {problem}"))?;
            }
            let operation = read_operation(&mut builder, name, operation_name, operation, paginator)
                .map_err(|problem| format!("{operation_name}: {problem}"))?;
            operations.insert(operation_name.clone(), Arc::new(operation));
        }
        let shapes = builder.finish()?;
        let Metadata { api_version, endpoint_prefix, signing_name, target_prefix, .. } = source.metadata;
        Ok(Self {
            name: name.to_owned(),
            protocol,
            api_version,
            signing_name: signing_name.unwrap_or(endpoint_prefix),
            target_prefix: target_prefix.unwrap_or_default(),
            operations,
            shapes,
            rules,
        })
    }
}

fn read_operation(
    builder: &mut Builder<'_>,
    service: &str,
    name: &str,
    source: &OperationSource,
    paginator: Option<Paginator>,
) -> Result<Operation, String> {
    let shape = |reference: &Option<Reference>| reference.as_ref().map(|reference| reference.shape.clone());
    let input_members = builder.references(shape(&source.input).as_deref())?;
    let input = Root {
        shape: shape(&source.input),
        fallback_name: format!("{name}Input"),
        http: builder
            .protocol()
            .is_rest()
            .then(|| (source.http.method.clone(), uri_template(&source.http.request_uri, &input_members))),
        traits: source.input.as_ref().map(|reference| &reference.traits),
        unwrapped: false,
    };
    let output = Root {
        shape: shape(&source.output),
        fallback_name: format!("{name}Output"),
        http: None,
        traits: None,
        unwrapped: customization::has_unwrapped_output(service, name),
    };
    let endpoint_members = input_members.iter().filter_map(|(member, reference)| {
        let context = reference.context_param.as_ref()?;
        Some((context.name.clone(), member.clone()))
    });
    Ok(Operation {
        name: name.to_owned(),
        input: builder.root(&input)?,
        output: builder.root(&output)?,
        paginator,
        endpoint_constants: source
            .static_context_params
            .iter()
            .map(|(name, constant)| (name.clone(), constant.value.clone()))
            .collect(),
        endpoint_members: endpoint_members.collect(),
    })
}

/// botocore's templates name labels as on the wire, Smithy's name them by member.
fn uri_template(uri: &str, members: &[(String, Reference)]) -> String {
    let mut template = uri.to_owned();
    for (member, reference) in members {
        if reference.location.as_deref() == Some("uri") {
            let label = reference.traits.location_name.as_deref().unwrap_or(member);
            template = template
                .replace(&format!("{{{label}}}"), &format!("{{{member}}}"))
                .replace(&format!("{{{label}+}}"), &format!("{{{member}+}}"));
        }
    }
    template
}

fn protocol(metadata: &Metadata) -> Result<Protocol, String> {
    let offered: Vec<&str> = match metadata.protocols.as_slice() {
        [] => vec![&metadata.protocol],
        protocols => protocols.iter().map(String::as_str).collect(),
    };
    let json_version = metadata.json_version.as_deref();
    offered
        .iter()
        .find_map(|name| Protocol::of_model(name, json_version))
        .ok_or_else(|| format!("none of the protocols {offered:?} is known"))
}

impl Operation {
    /// The element that the body must begin with, where one structure is the whole body.
    pub(crate) fn payload_root(&self) -> Option<&str> {
        let payload = self.output.members.iter().find(|member| member.is_payload)?;
        matches!(payload.kind, Kind::Structure(_)).then(|| payload.xml_root)
    }

    /// Whether anything of the output is in the body.
    pub(crate) fn has_body(&self) -> bool {
        self.output.members.iter().any(|member| !member.outside_body)
    }

    /// Whether the whole body is a string or bytes.
    pub(crate) fn has_raw_payload(&self) -> bool {
        let raw = |member: &Member| member.is_payload && matches!(member.kind, Kind::String | Kind::Blob);
        self.output.members.iter().any(raw)
    }
}
