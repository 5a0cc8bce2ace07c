//! Answers into JSON, by schema. Members keep the model's order, as botocore does.

use aws_smithy_schema::serde::{SerdeError, ShapeDeserializer};
use aws_smithy_types::{Document, Number};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::timestamp::isoformat;
use crate::aws::model::{Kind, Member, Shapes, Structure};

/// Answers nested deeper are refused: shapes that contain themselves would exhaust the stack.
const DEEPEST: u32 = 64;

/// Reads one answer.
pub(in crate::aws) struct Reader<'a> {
    shapes: &'a Shapes,
    depth: u32,
}

impl<'a> Reader<'a> {
    pub(in crate::aws) fn new(shapes: &'a Shapes) -> Self {
        Self { shapes, depth: 0 }
    }

    pub(in crate::aws) fn structure(
        &mut self,
        structure: &Structure,
        deserializer: &mut dyn ShapeDeserializer,
    ) -> Result<Map<String, Value>, SerdeError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(SerdeError::custom(format!("the answer is nested deeper than {DEEPEST} structures")));
        }
        let mut slots: Vec<Option<Value>> = vec![None; structure.members.len()];
        deserializer.read_struct(structure.schema, &mut |schema, deserializer| {
            let index = schema.member_index().unwrap_or(usize::MAX);
            if let (Some(member), Some(slot)) = (structure.members.get(index), slots.get_mut(index)) {
                *slot = Some(self.member(member, deserializer)?);
            }
            Ok(())
        })?;
        self.depth -= 1;
        let named = structure.members.iter().zip(slots);
        // botocore reads headers before the body, and prints them first.
        let (outside, inside): (Vec<_>, Vec<_>) = named.partition(|(member, _)| member.outside_body);
        let named = outside.into_iter().chain(inside);
        Ok(named.filter_map(|(member, value)| Some((member.name.to_owned(), value?))).collect())
    }

    fn member(
        &mut self,
        member: &Member,
        deserializer: &mut dyn ShapeDeserializer,
    ) -> Result<Value, SerdeError> {
        let schema = member.schema;
        Ok(match &member.kind {
            Kind::Structure(index) => {
                let shapes = self.shapes;
                Value::Object(self.structure(shapes.structure(*index), deserializer)?)
            }
            Kind::List(element) => {
                let mut items = Vec::new();
                deserializer.read_list(schema, &mut |deserializer| {
                    items.push(self.element(element, deserializer)?);
                    Ok(())
                })?;
                Value::Array(items)
            }
            Kind::Map(_, element) => {
                let mut entries = Map::new();
                deserializer.read_map(schema, &mut |key, deserializer| {
                    let value = self.element(element, deserializer)?;
                    entries.insert(key, value);
                    Ok(())
                })?;
                Value::Object(entries)
            }
            Kind::Boolean => Value::Bool(deserializer.read_boolean(schema)?),
            // The status is read as an integer; every other width as the widest, so that none overflows.
            Kind::Integer if schema.http_response_code().is_some() => {
                json!(deserializer.read_integer(schema)?)
            }
            Kind::Integer => json!(deserializer.read_long(schema)?),
            Kind::Float => float(deserializer.read_double(schema)?),
            Kind::String => {
                let text = deserializer.read_string(schema)?;
                match serde_json::from_str(&text) {
                    Ok(value) if member.holds_json => value,
                    _ => Value::String(text),
                }
            }
            Kind::Blob => Value::String(STANDARD.encode(deserializer.read_blob(schema)?.as_ref())),
            Kind::Timestamp => Value::String(isoformat(&deserializer.read_timestamp(schema)?)?),
            Kind::Document => document(&deserializer.read_document(schema)?),
        })
    }

    fn element(
        &mut self,
        element: &Member,
        deserializer: &mut dyn ShapeDeserializer,
    ) -> Result<Value, SerdeError> {
        if deserializer.is_null() {
            deserializer.read_null()?;
            return Ok(Value::Null);
        }
        self.member(element, deserializer)
    }
}

/// JSON has no words for what is not finite; the CLI prints these.
fn float(number: f64) -> Value {
    if number.is_nan() {
        "NaN".into()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity".into() } else { "-Infinity".into() }
    } else {
        json!(number)
    }
}

fn document(document: &Document) -> Value {
    match document {
        Document::Null => Value::Null,
        Document::Bool(flag) => Value::Bool(*flag),
        Document::String(text) => Value::String(text.clone()),
        Document::Number(Number::PosInt(number)) => json!(number),
        Document::Number(Number::NegInt(number)) => json!(number),
        Document::Number(Number::Float(number)) => float(*number),
        Document::Array(items) => items.iter().map(self::document).collect(),
        Document::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|left, right| left.0.cmp(right.0)); // it comes out of a hash map
            members.into_iter().map(|(name, value)| (name.clone(), self::document(value))).collect()
        }
    }
}
