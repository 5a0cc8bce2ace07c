//! Serde's data model written as canonical JSON at once, without a tree of values in between.
//!
//! Members are written in the order in which they come and put into their own at the end of the object, where they are
//! not in it already: what was read from a canonical text is.

use std::cmp::Ordering;

use serde::ser::{self, Serialize, Serializer};

use super::name::Name;
use super::{CanonicalError, LARGEST_EXACT_INTEGER};

/// A text while it is written.
#[derive(Default)]
pub(super) struct Text {
    out: Vec<u8>,
    /// The members of the objects that are open, those of the innermost last.
    members: Vec<Member>,
}

/// One member of an object, by where it stands in the text.
#[derive(Clone, Copy)]
struct Member {
    /// Where its name begins, with the quotation mark.
    start: usize,
    /// Where its name ends, behind the quotation mark.
    name_end: usize,
    /// Whether the name is ASCII without escapes, so that its bytes are in the order of its characters.
    plain: bool,
}

impl Text {
    /// The bytes that were written: UTF-8.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// What a value is written with.
    pub(super) fn writer(&mut self) -> Writer<'_> {
        Writer { text: self }
    }

    fn string(&mut self, value: &str) -> Result<(), CanonicalError> {
        if value.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
            // The escapes of RFC 8785 are those that serde_json writes.
            return Ok(serde_json::to_writer(&mut self.out, value)?);
        }
        self.out.reserve(value.len() + 2);
        self.out.push(b'"');
        self.out.extend_from_slice(value.as_bytes());
        self.out.push(b'"');
        Ok(())
    }

    fn integer(&mut self, magnitude: u64, negative: bool) -> Result<(), CanonicalError> {
        let text = if negative { format!("-{magnitude}") } else { magnitude.to_string() };
        if magnitude > LARGEST_EXACT_INTEGER {
            return Err(CanonicalError::InexactInteger(text));
        }
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// The name of a member whose place in the text begins at `start`.
    pub(super) fn name(&mut self, start: usize, name: &str) -> Result<(), CanonicalError> {
        self.string(name)?;
        let name_end = self.out.len();
        let plain = name.is_ascii() && name_end - start == name.len() + 2;
        self.members.push(Member { start, name_end, plain });
        self.out.push(b':');
        Ok(())
    }

    fn order(&self, one: &Member, other: &Member) -> Ordering {
        let name = |member: &Member| self.out.get(member.start..member.name_end).unwrap_or_default();
        if one.plain && other.plain {
            // Without the quotation marks: a name is before those that go on where it ends.
            let inside = |member: &Member| self.out.get(member.start + 1..member.name_end - 1);
            return inside(one).cmp(&inside(other));
        }
        let units = |member: &Member| -> Vec<u16> {
            let name: String = serde_json::from_slice(name(member)).unwrap_or_default();
            name.encode_utf16().collect()
        };
        units(one).cmp(&units(other))
    }
}

/// Writes one value.
pub(super) struct Writer<'a> {
    text: &'a mut Text,
}

/// Writes the elements of a list.
pub(super) struct Items<'a> {
    text: &'a mut Text,
    first: bool,
    /// What stands behind the list.
    close: &'static [u8],
}

/// Writes the members of an object.
pub(super) struct Members<'a> {
    text: &'a mut Text,
    /// Where the first member stands.
    begin: usize,
    /// How many members the objects around have.
    base: usize,
    sorted: bool,
    /// What stands behind the object.
    close: &'static [u8],
}

impl<'a> Writer<'a> {
    fn fixed(self, text: &str) -> Result<(), CanonicalError> {
        self.text.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn items(self, close: &'static [u8]) -> Items<'a> {
        self.text.out.push(b'[');
        Items { text: self.text, first: true, close }
    }

    fn members(self, close: &'static [u8]) -> Members<'a> {
        self.text.out.push(b'{');
        let (begin, base) = (self.text.out.len(), self.text.members.len());
        Members { text: self.text, begin, base, sorted: true, close }
    }

    /// The beginning of an object whose only member is named after a variant.
    fn variant(self, name: &'static str) -> Result<Self, CanonicalError> {
        self.text.out.push(b'{');
        self.text.string(name)?;
        self.text.out.push(b':');
        Ok(self)
    }
}

impl Items<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
        if !self.first {
            self.text.out.push(b',');
        }
        self.first = false;
        value.serialize(self.text.writer())
    }

    fn close(self) -> Result<(), CanonicalError> {
        self.text.out.extend_from_slice(self.close);
        Ok(())
    }
}

impl Members<'_> {
    /// Where the next member begins.
    fn next(&mut self) -> usize {
        if self.text.members.len() > self.base {
            self.text.out.push(b',');
        }
        self.text.out.len()
    }

    /// Compares the name that was written last with the one before it.
    fn named(&mut self) {
        if let Some([.., one, other]) = self.text.members.get(self.base..)
            && self.text.order(one, other) != Ordering::Less
        {
            self.sorted = false;
        }
    }

    fn close(self) -> Result<(), CanonicalError> {
        if !self.sorted {
            let sorted = self.in_order();
            self.text.out.truncate(self.begin);
            self.text.out.extend_from_slice(&sorted);
        }
        self.text.members.truncate(self.base);
        self.text.out.extend_from_slice(self.close);
        Ok(())
    }

    /// The members in the order of their names; of several with the same name the last.
    fn in_order(&self) -> Vec<u8> {
        let text = &*self.text;
        let members = text.members.get(self.base..).unwrap_or_default();
        let ends = members.iter().skip(1).map(|next| next.start - 1).chain([text.out.len()]);
        let mut members: Vec<(Member, usize)> = members.iter().copied().zip(ends).collect();
        members.sort_by(|(one, _), (other, _)| text.order(one, other));
        let mut sorted = Vec::with_capacity(text.out.len() - self.begin);
        for (place, (member, end)) in members.iter().enumerate() {
            let next = members.get(place + 1);
            if next.is_some_and(|(next, _)| text.order(member, next) == Ordering::Equal) {
                continue;
            }
            if !sorted.is_empty() {
                sorted.push(b',');
            }
            sorted.extend_from_slice(text.out.get(member.start..*end).unwrap_or_default());
        }
        sorted
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), CanonicalError> {
        let start = self.next();
        self.text.name(start, name)?;
        self.named();
        value.serialize(self.text.writer())
    }
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = CanonicalError;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = Items<'a>;
    type SerializeTupleVariant = Items<'a>;
    type SerializeMap = Members<'a>;
    type SerializeStruct = Members<'a>;
    type SerializeStructVariant = Members<'a>;

    fn serialize_bool(self, value: bool) -> Result<(), CanonicalError> {
        self.fixed(if value { "true" } else { "false" })
    }
    fn serialize_i8(self, value: i8) -> Result<(), CanonicalError> {
        self.serialize_i64(value.into())
    }
    fn serialize_i16(self, value: i16) -> Result<(), CanonicalError> {
        self.serialize_i64(value.into())
    }
    fn serialize_i32(self, value: i32) -> Result<(), CanonicalError> {
        self.serialize_i64(value.into())
    }
    fn serialize_i64(self, value: i64) -> Result<(), CanonicalError> {
        self.text.integer(value.unsigned_abs(), value < 0)
    }
    fn serialize_u8(self, value: u8) -> Result<(), CanonicalError> {
        self.serialize_u64(value.into())
    }
    fn serialize_u16(self, value: u16) -> Result<(), CanonicalError> {
        self.serialize_u64(value.into())
    }
    fn serialize_u32(self, value: u32) -> Result<(), CanonicalError> {
        self.serialize_u64(value.into())
    }
    fn serialize_u64(self, value: u64) -> Result<(), CanonicalError> {
        self.text.integer(value, false)
    }
    fn serialize_f32(self, value: f32) -> Result<(), CanonicalError> {
        self.serialize_f64(value.into())
    }
    fn serialize_f64(self, value: f64) -> Result<(), CanonicalError> {
        // As in serde_json's values: what is no number is null.
        if value.is_finite() {
            self.fixed(&serde_json_canonicalizer::to_string(&value)?)
        } else {
            self.fixed("null")
        }
    }
    fn serialize_char(self, value: char) -> Result<(), CanonicalError> {
        self.text.string(value.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, value: &str) -> Result<(), CanonicalError> {
        self.text.string(value)
    }
    fn serialize_bytes(self, value: &[u8]) -> Result<(), CanonicalError> {
        self.collect_seq(value)
    }
    fn serialize_none(self) -> Result<(), CanonicalError> {
        self.fixed("null")
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), CanonicalError> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), CanonicalError> {
        self.fixed("null")
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), CanonicalError> {
        self.fixed("null")
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), CanonicalError> {
        self.text.string(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), CanonicalError> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), CanonicalError> {
        let inner = self.variant(variant)?;
        value.serialize(inner.text.writer())?;
        inner.text.out.push(b'}');
        Ok(())
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'a>, CanonicalError> {
        Ok(self.items(b"]"))
    }
    fn serialize_tuple(self, _: usize) -> Result<Items<'a>, CanonicalError> {
        Ok(self.items(b"]"))
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items<'a>, CanonicalError> {
        Ok(self.items(b"]"))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items<'a>, CanonicalError> {
        Ok(self.variant(variant)?.items(b"]}"))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Members<'a>, CanonicalError> {
        Ok(self.members(b"}"))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members<'a>, CanonicalError> {
        Ok(self.members(b"}"))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'a>, CanonicalError> {
        Ok(self.variant(variant)?.members(b"}}"))
    }
}

impl ser::SerializeSeq for Items<'_> {
    type Ok = ();
    type Error = CanonicalError;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
        self.item(value)
    }
    fn end(self) -> Result<(), CanonicalError> {
        self.close()
    }
}

impl ser::SerializeTuple for Items<'_> {
    type Ok = ();
    type Error = CanonicalError;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
        self.item(value)
    }
    fn end(self) -> Result<(), CanonicalError> {
        self.close()
    }
}

impl ser::SerializeTupleStruct for Items<'_> {
    type Ok = ();
    type Error = CanonicalError;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
        self.item(value)
    }
    fn end(self) -> Result<(), CanonicalError> {
        self.close()
    }
}

impl ser::SerializeTupleVariant for Items<'_> {
    type Ok = ();
    type Error = CanonicalError;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
        self.item(value)
    }
    fn end(self) -> Result<(), CanonicalError> {
        self.close()
    }
}

impl ser::SerializeMap for Members<'_> {
    type Ok = ();
    type Error = CanonicalError;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, name: &T) -> Result<(), CanonicalError> {
        let start = self.next();
        name.serialize(Name { text: &mut *self.text, start })?;
        self.named();
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
        value.serialize(self.text.writer())
    }
    fn end(self) -> Result<(), CanonicalError> {
        self.close()
    }
}

impl ser::SerializeStruct for Members<'_> {
    type Ok = ();
    type Error = CanonicalError;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), CanonicalError> {
        self.member(name, value)
    }
    fn end(self) -> Result<(), CanonicalError> {
        self.close()
    }
}

impl ser::SerializeStructVariant for Members<'_> {
    type Ok = ();
    type Error = CanonicalError;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), CanonicalError> {
        self.member(name, value)
    }
    fn end(self) -> Result<(), CanonicalError> {
        self.close()
    }
}
