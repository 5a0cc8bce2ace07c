//! Schemas out of shapes: what AWS's codecs need to read and write a message, and what we need beside them.
//!
//! A schema refers to other schemas by plain references, and recursive shapes make the graph cyclic, so the schemas are
//! leaked: once per process, 352 bytes for each of the 17,000 members of all services. The tree of [`Structure`]s and
//! [`Member`]s beside them is ours: a schema of a structure's member does not know that structure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_smithy_schema::traits::{HttpTrait, TimestampFormat};
use aws_smithy_schema::{Schema, ShapeId, ShapeType, intern_header_name};

use super::source::{Reference, ShapeSource, Traits, XmlNamespace};
use crate::aws::protocol::Protocol;

/// The structures of a service, by index: shapes can contain themselves.
#[derive(Debug)]
pub(crate) struct Shapes(Vec<Structure>);

/// Which of [`Shapes`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct StructureIndex(usize);

/// A structure and its members, in the model's order.
#[derive(Debug)]
pub(crate) struct Structure {
    pub(crate) schema: &'static Schema<'static>,
    pub(crate) members: Vec<Member>,
}

/// A member of a structure, the element of a list, or the key or value of a map.
#[derive(Debug)]
pub(crate) struct Member {
    /// Name in the JSON that the AWS CLI prints.
    pub(crate) name: &'static str,
    pub(crate) schema: &'static Schema<'static>,
    pub(crate) kind: Kind,
    /// Name of the shape.
    pub(crate) shape: &'static str,
    /// The string holds JSON (headers of some services).
    pub(crate) holds_json: bool,
    /// Name of the element, where the member is a whole XML body.
    pub(crate) xml_root: &'static str,
    /// Read from a header or the status, not from the body.
    pub(crate) outside_body: bool,
    /// The member is the whole body.
    pub(crate) is_payload: bool,
    /// Name on the wire of the ec2 protocol's requests.
    pub(crate) ec2_name: &'static str,
    pub(crate) timestamp_format: Option<TimestampFormat>,
}

/// What a member is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Structure(StructureIndex),
    List(Arc<Member>),
    Map(Arc<Member>, Arc<Member>),
    Boolean,
    Integer,
    Float,
    String,
    Blob,
    Timestamp,
    Document,
}

impl Shapes {
    pub(crate) fn structure(&self, index: StructureIndex) -> &Structure {
        &self.0[index.0]
    }
}

/// The input or output of an operation.
pub(super) struct Root<'a> {
    pub(super) shape: Option<String>,
    /// Name where there is no shape.
    pub(super) fallback_name: String,
    /// Method and URI template of an input.
    pub(super) http: Option<(String, String)>,
    pub(super) traits: Option<&'a Traits>,
    /// The body is the member's content itself (S3 GetBucketLocation).
    pub(super) unwrapped: bool,
}

/// Builds the schemas of one service.
pub(super) struct Builder<'a> {
    protocol: Protocol,
    shapes: &'a BTreeMap<String, ShapeSource>,
    indices: BTreeMap<String, StructureIndex>,
    structures: Vec<Option<Structure>>,
    /// Lists and maps by name: many members are the same one.
    collections: BTreeMap<String, (Kind, ShapeType)>,
    names: Names,
}

/// Names that live as long as the schemas, each once: most recur hundreds of times in a service.
#[derive(Default)]
struct Names(BTreeSet<&'static str>);

impl Names {
    fn keep(&mut self, name: &str) -> &'static str {
        if let Some(kept) = self.0.get(name) {
            return kept;
        }
        let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
        self.0.insert(kept);
        kept
    }

    fn shape_id(&mut self, name: &str) -> ShapeId<'static> {
        ShapeId::from_parts(self.keep(&format!("aws#{name}")), "aws", self.keep(name))
    }
}

/// Where a member stands in its structure; elements of lists and maps have no such place.
#[derive(Clone, Copy)]
struct Place<'a> {
    name: &'a str,
    index: usize,
    is_payload: bool,
}

impl<'a> Builder<'a> {
    pub(super) fn new(protocol: Protocol, shapes: &'a BTreeMap<String, ShapeSource>) -> Self {
        Self {
            protocol,
            shapes,
            indices: BTreeMap::new(),
            structures: Vec::new(),
            collections: BTreeMap::new(),
            names: Names::default(),
        }
    }

    pub(super) fn protocol(&self) -> Protocol {
        self.protocol
    }

    pub(super) fn finish(self) -> Result<Shapes, String> {
        let structures: Option<Vec<Structure>> = self.structures.into_iter().collect();
        structures.map(Shapes).ok_or_else(|| "a structure was left unfinished".to_owned())
    }

    /// The members of a structure as the model has them.
    pub(super) fn references(&self, shape: Option<&str>) -> Result<Vec<(String, Reference)>, String> {
        let Some(shape) = shape else { return Ok(Vec::new()) };
        let members = &self.shape(shape)?.members;
        let read = |(name, value): (&String, &serde_json::Value)| {
            let reference = serde_json::from_value(value.clone());
            reference.map(|reference| (name.clone(), reference)).map_err(|error| format!("{shape}: {error}"))
        };
        members.iter().map(read).collect()
    }

    pub(super) fn root(&mut self, root: &Root<'_>) -> Result<Structure, String> {
        let name = root.shape.as_deref().unwrap_or(&root.fallback_name);
        let empty = ShapeSource::default();
        let source = if root.shape.is_some() { self.shape(name)? } else { &empty };
        let (mut schema, members) = self.structure_schema(name, source)?;
        if let Some((method, uri)) = &root.http {
            schema = schema.with_http(HttpTrait::new(self.names.keep(method), self.names.keep(uri), None));
        }
        if root.unwrapped {
            schema = schema.with_xml_unwrapped_output();
        }
        if let Some(traits) = root.traits {
            if let Some(name) = &traits.location_name {
                schema = schema.with_xml_name(self.names.keep(name));
            }
            schema = self.with_namespace(schema, traits.xml_namespace.as_ref());
        }
        Ok(Structure { schema: Box::leak(Box::new(schema)), members })
    }

    fn shape(&self, name: &str) -> Result<&'a ShapeSource, String> {
        self.shapes.get(name).ok_or_else(|| format!("there is no shape {name}"))
    }

    fn structure(&mut self, name: &str) -> Result<StructureIndex, String> {
        if let Some(index) = self.indices.get(name) {
            return Ok(*index);
        }
        let source = self.shape(name)?;
        let index = StructureIndex(self.structures.len());
        self.structures.push(None);
        self.indices.insert(name.to_owned(), index); // before its members: they may be of the same shape
        let (schema, members) = self.structure_schema(name, source)?;
        self.structures[index.0] = Some(Structure { schema: Box::leak(Box::new(schema)), members });
        Ok(index)
    }

    fn structure_schema(
        &mut self,
        name: &str,
        source: &ShapeSource,
    ) -> Result<(Schema<'static>, Vec<Member>), String> {
        let references = if source.members.is_empty() { Vec::new() } else { self.references(Some(name))? };
        let mut members = Vec::with_capacity(references.len());
        for (index, (member, reference)) in references.iter().enumerate() {
            let is_payload = source.payload.as_ref() == Some(member);
            members.push(self.member(Some(Place { name: member, index, is_payload }), reference)?);
        }
        let schemas: Vec<&'static Schema<'static>> = members.iter().map(|member| member.schema).collect();
        let shape_type = if source.union { ShapeType::Union } else { ShapeType::Structure };
        let mut schema = Schema::new_struct(self.names.shape_id(name), shape_type, Vec::leak(schemas));
        if let Some(name) = &source.traits.location_name {
            schema = schema.with_xml_name(self.names.keep(name));
        }
        Ok((schema, members))
    }

    fn member(&mut self, place: Option<Place<'_>>, reference: &Reference) -> Result<Member, String> {
        let source = self.shape(&reference.shape)?;
        let (kind, shape_type) = self.kind(&reference.shape, source)?;
        let name = self.names.keep(place.map_or("member", |place| place.name));
        // Elements must not have a member name: the query protocol would lose their indices.
        let mut schema = match place {
            Some(place) => {
                Schema::new_member(self.names.shape_id(&reference.shape), shape_type, name, place.index)
            }
            None => Schema::new(self.names.shape_id(&reference.shape), shape_type),
        };
        match &kind {
            Kind::List(element) => schema = schema.with_list_member(element.schema),
            Kind::Map(key, value) => schema = schema.with_map_members(key.schema, value.schema),
            _ => {}
        }
        let (own, shape) = (&reference.traits, &source.traits);
        let timestamp_format = own.timestamp_format.as_deref().or(shape.timestamp_format.as_deref());
        let timestamp_format = timestamp_format.map(timestamp_format_of);
        if let Some(format) = timestamp_format {
            schema = schema.with_timestamp_format(format);
        }
        if own.flattened || shape.flattened {
            schema = schema.with_xml_flattened();
        }
        if own.xml_attribute || shape.xml_attribute {
            schema = schema.with_xml_attribute();
        }
        schema = self.with_namespace(schema, own.xml_namespace.as_ref().or(shape.xml_namespace.as_ref()));
        let wire_name = own.location_name.as_deref().or(shape.location_name.as_deref());
        schema = self.with_location(schema, reference.location.as_deref(), name, wire_name, &kind);
        let is_payload = place.is_some_and(|place| place.is_payload);
        if is_payload {
            schema = schema.with_http_payload();
        }
        Ok(Member {
            name,
            schema: Box::leak(Box::new(schema)),
            kind,
            shape: self.names.keep(&reference.shape),
            holds_json: own.jsonvalue || shape.jsonvalue,
            xml_root: self.names.keep(wire_name.unwrap_or(&reference.shape)),
            outside_body: reference.location.is_some(),
            is_payload,
            ec2_name: match &reference.query_name {
                Some(name) => self.names.keep(name),
                None => self.names.keep(&capitalized(wire_name.unwrap_or(name))),
            },
            timestamp_format,
        })
    }

    fn kind(&mut self, name: &str, source: &'a ShapeSource) -> Result<(Kind, ShapeType), String> {
        let part = |part: &'a Option<Reference>, what: &str| {
            part.as_ref().ok_or_else(|| format!("the shape {name} has no {what}"))
        };
        if let Some(known) = self.collections.get(name) {
            return Ok(known.clone());
        }
        Ok(match source.type_name.as_str() {
            _ if source.document => (Kind::Document, ShapeType::Document),
            "structure" => {
                let shape_type = if source.union { ShapeType::Union } else { ShapeType::Structure };
                (Kind::Structure(self.structure(name)?), shape_type)
            }
            "list" => {
                let element = self.member(None, part(&source.member, "member")?)?;
                self.collection(name, Kind::List(Arc::new(element)), ShapeType::List)
            }
            "map" => {
                let key = self.member(None, part(&source.key, "key")?)?;
                let value = self.member(None, part(&source.value, "value")?)?;
                self.collection(name, Kind::Map(Arc::new(key), Arc::new(value)), ShapeType::Map)
            }
            "boolean" => (Kind::Boolean, ShapeType::Boolean),
            "integer" => (Kind::Integer, ShapeType::Integer),
            "long" => (Kind::Integer, ShapeType::Long),
            "float" => (Kind::Float, ShapeType::Float),
            "double" => (Kind::Float, ShapeType::Double),
            "blob" => (Kind::Blob, ShapeType::Blob),
            "timestamp" => (Kind::Timestamp, ShapeType::Timestamp),
            "string" | "character" => (Kind::String, ShapeType::String),
            other => return Err(format!("the shape {name} is of the unknown type {other:?}")),
        })
    }

    fn collection(&mut self, name: &str, kind: Kind, shape_type: ShapeType) -> (Kind, ShapeType) {
        self.collections.insert(name.to_owned(), (kind.clone(), shape_type));
        (kind, shape_type)
    }

    fn with_location(
        &mut self,
        schema: Schema<'static>,
        location: Option<&str>,
        name: &'static str,
        wire_name: Option<&str>,
        kind: &Kind,
    ) -> Schema<'static> {
        match (location, wire_name) {
            (Some("header"), wire) => schema.with_http_header(intern_header_name(wire.unwrap_or(name))),
            (Some("headers"), wire) => {
                schema.with_http_prefix_headers(self.names.keep(wire.unwrap_or_default()))
            }
            (Some("statusCode"), _) => schema.with_http_response_code(),
            (Some("uri"), _) => schema.with_http_label(),
            (Some("querystring"), _) if matches!(kind, Kind::Map(..)) => schema.with_http_query_params(),
            (Some("querystring"), wire) => schema.with_http_query(self.names.keep(wire.unwrap_or(name))),
            (_, Some(wire)) if self.protocol.is_xml() => schema.with_xml_name(self.names.keep(wire)),
            (_, Some(wire)) => schema.with_json_name(self.names.keep(wire)),
            (_, None) => schema,
        }
    }

    fn with_namespace(
        &mut self,
        schema: Schema<'static>,
        namespace: Option<&XmlNamespace>,
    ) -> Schema<'static> {
        let (uri, prefix) = match namespace {
            Some(XmlNamespace::Uri(uri)) => (uri, None),
            Some(XmlNamespace::Full { uri, prefix }) => (uri, prefix.as_deref()),
            None => return schema,
        };
        schema.with_xml_namespace(self.names.keep(uri), prefix.map(|prefix| self.names.keep(prefix)))
    }
}

fn timestamp_format_of(name: &str) -> TimestampFormat {
    match name {
        "iso8601" => TimestampFormat::DateTime,
        "rfc822" => TimestampFormat::HttpDate,
        _ => TimestampFormat::EpochSeconds,
    }
}

fn capitalized(name: &str) -> String {
    let mut characters = name.chars();
    characters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + characters.as_str())
        .unwrap_or_default()
}
