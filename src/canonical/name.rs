//! Names of members: texts, and what serde_json makes texts of.

use serde::ser::{Impossible, Serialize, Serializer};

use super::CanonicalError;
use super::serializer::Text;

/// Writes the name of a member whose place in the text begins at `start`.
pub(super) struct Name<'a> {
    pub(super) text: &'a mut Text,
    pub(super) start: usize,
}

fn no_text() -> CanonicalError {
    serde::ser::Error::custom("the name of a member has to be a text")
}

macro_rules! written_out {
    ($($method:ident: $sort:ty),*) => {
        $(fn $method(self, value: $sort) -> Result<(), CanonicalError> {
            self.text.name(self.start, &value.to_string())
        })*
    };
}

macro_rules! refused {
    ($($method:ident($($argument:ty),*) -> $output:ty;)*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<$output, CanonicalError> {
            Err(no_text())
        })*
    };
}

type No = Impossible<(), CanonicalError>;

impl Serializer for Name<'_> {
    type Ok = ();
    type Error = CanonicalError;
    type SerializeSeq = No;
    type SerializeTuple = No;
    type SerializeTupleStruct = No;
    type SerializeTupleVariant = No;
    type SerializeMap = No;
    type SerializeStruct = No;
    type SerializeStructVariant = No;

    written_out! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_char: char
    }

    fn serialize_str(self, value: &str) -> Result<(), CanonicalError> {
        self.text.name(self.start, value)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), CanonicalError> {
        self.text.name(self.start, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), CanonicalError> {
        value.serialize(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), CanonicalError> {
        Err(no_text())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), CanonicalError> {
        Err(no_text())
    }

    refused! {
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> No;
        serialize_tuple(usize) -> No;
        serialize_tuple_struct(&'static str, usize) -> No;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> No;
        serialize_map(Option<usize>) -> No;
        serialize_struct(&'static str, usize) -> No;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> No;
    }
}
