//! JSON parameters into requests, by schema.

use aws_smithy_schema::Schema;
use aws_smithy_schema::serde::{SerdeError, SerializableStruct, ShapeSerializer};
use aws_smithy_types::{Blob, Document, Number};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::{parse_timestamp, unfit};
use crate::aws::model::{Kind, Member, Shapes, Structure};

/// Parameters (as `--cli-input-json` takes them) as a structure that AWS's codecs write.
pub(in crate::aws) struct InputStructure<'a> {
    shapes: &'a Shapes,
    structure: &'a Structure,
    parameters: &'a Map<String, Value>,
}

impl<'a> InputStructure<'a> {
    /// Refuses parameters that the operation does not have: a misspelled filter would widen the question.
    pub(in crate::aws) fn new(
        shapes: &'a Shapes,
        structure: &'a Structure,
        parameters: &'a Value,
    ) -> Result<Self, SerdeError> {
        static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
        let parameters = match parameters {
            Value::Null => &NONE,
            Value::Object(parameters) => parameters,
            _ => return Err(SerdeError::custom("the parameters are not a JSON object")),
        };
        let known = |name: &String| structure.members.iter().any(|member| member.name == name);
        if let Some(unknown) = parameters.keys().find(|name| !known(name)) {
            return Err(SerdeError::unknown_member(unknown.clone()));
        }
        Ok(Self { shapes, structure, parameters })
    }

    fn write(
        &self,
        member: &Member,
        value: &Value,
        serializer: &mut dyn ShapeSerializer,
    ) -> Result<(), SerdeError> {
        let schema = member.schema;
        match (&member.kind, value) {
            (_, Value::Null) => serializer.write_null(schema),
            (Kind::Structure(index), Value::Object(_)) => {
                let nested = InputStructure::new(self.shapes, self.shapes.structure(*index), value)?;
                serializer.write_struct(schema, &nested)
            }
            (Kind::List(element), Value::Array(items)) => {
                serializer.write_list_with_length(schema, items.len(), &|serializer| {
                    items.iter().try_for_each(|item| self.write(element, item, serializer))
                })
            }
            (Kind::Map(key, element), Value::Object(entries)) => {
                serializer.write_map_with_length(schema, entries.len(), &|serializer| {
                    entries.iter().try_for_each(|(name, item)| {
                        serializer.write_string(key.schema, name)?;
                        self.write(element, item, serializer)
                    })
                })
            }
            (Kind::Boolean, Value::Bool(flag)) => serializer.write_boolean(schema, *flag),
            (Kind::Integer, Value::Number(number)) => {
                serializer.write_long(schema, number.as_i64().ok_or_else(|| unfit(member, value))?)
            }
            (Kind::Float, Value::Number(number)) => {
                serializer.write_double(schema, number.as_f64().ok_or_else(|| unfit(member, value))?)
            }
            (Kind::String, _) if member.holds_json => serializer.write_string(schema, &value.to_string()),
            (Kind::String, Value::String(text)) => serializer.write_string(schema, text),
            (Kind::Blob, Value::String(text)) => {
                let bytes = STANDARD.decode(text).map_err(|_| unfit(member, value))?;
                serializer.write_blob(schema, Blob::new(bytes))
            }
            (Kind::Timestamp, _) => serializer.write_timestamp(schema, &parse_timestamp(member, value)?),
            (Kind::Document, _) => serializer.write_document(schema, &document(value)),
            _ => Err(unfit(member, value)),
        }
    }
}

impl SerializableStruct for InputStructure<'_> {
    fn schema(&self) -> &Schema<'_> {
        self.structure.schema
    }

    fn serialize_members(&self, serializer: &mut dyn ShapeSerializer) -> Result<(), SerdeError> {
        for member in &self.structure.members {
            match self.parameters.get(member.name) {
                None | Some(Value::Null) => {}
                Some(value) => self.write(member, value, serializer)?,
            }
        }
        Ok(())
    }
}

fn document(value: &Value) -> Document {
    match value {
        Value::Null => Document::Null,
        Value::Bool(flag) => Document::Bool(*flag),
        Value::String(text) => Document::String(text.clone()),
        Value::Number(number) => Document::Number(match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => Number::PosInt(number),
            (_, Some(number)) => Number::NegInt(number),
            _ => Number::Float(number.as_f64().unwrap_or_default()),
        }),
        Value::Array(items) => Document::Array(items.iter().map(document).collect()),
        Value::Object(members) => {
            Document::Object(members.iter().map(|(name, value)| (name.clone(), document(value))).collect())
        }
    }
}
