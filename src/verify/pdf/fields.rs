//! The signatures that a document's form leads to.

use std::collections::BTreeSet;

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::{PdfProblem, PdfVerdict};
use crate::sign::pades::visible::drawn;

/// The deepest tree of form fields that is followed.
const DEEPEST: usize = 16;
/// The most form fields that are looked at.
const MOST: usize = 10_000;

/// The most signatures and timestamps of one document.
const MOST_VALUES: usize = 256;

/// The value of a signature field.
pub(super) struct Value<'d> {
    /// The field's name.
    pub(super) field: String,
    /// What is drawn in its box.
    pub(super) drawn: Option<Vec<u8>>,
    pub(super) id: ObjectId,
    pub(super) dictionary: &'d Dictionary,
}

/// The values of all signature fields. What is not as it should be, and fields without a value, go into the verdict.
pub(super) fn values<'d>(document: &'d Document, verdict: &mut PdfVerdict) -> Vec<Value<'d>> {
    let mut walk = Walk { document, verdict, seen: 0, values: Vec::new() };
    let form = document.catalog().and_then(|catalog| catalog.get_deref(b"AcroForm", document));
    if let Ok(fields) = form.and_then(Object::as_dict).and_then(|form| form.get_deref(b"Fields", document)) {
        walk.follow(fields, DEEPEST);
    }
    let Walk { values, .. } = walk;
    let mut reached = BTreeSet::new();
    for value in &values {
        if !reached.insert(value.id) {
            verdict.problems.push(PdfProblem::SameRevision);
        }
    }
    for (id, object) in &document.objects {
        let is_signature = object.as_dict().is_ok_and(|dictionary| {
            dictionary.has_type(b"Sig")
                || dictionary.has_type(b"DocTimeStamp")
                || dictionary.has(b"ByteRange")
        });
        if is_signature && !reached.contains(id) {
            verdict.problems.push(PdfProblem::HiddenSignature(format!("{} {}", id.0, id.1)));
        }
    }
    // A timestamp says when a file existed, and not that anybody vouches for it.
    let is_signed = values.iter().any(|value| !value.dictionary.has_type(b"DocTimeStamp"));
    if !is_signed && !verdict.problems.contains(&PdfProblem::NotAPlainObject) {
        verdict.problems.push(PdfProblem::NotSigned);
    }
    values
}

struct Walk<'d, 'v> {
    document: &'d Document,
    verdict: &'v mut PdfVerdict,
    seen: usize,
    values: Vec<Value<'d>>,
}

impl<'d> Walk<'d, '_> {
    fn follow(&mut self, fields: &'d Object, depth: usize) {
        let document = self.document;
        let Ok(fields) = fields.as_array() else { return };
        for field in fields {
            self.seen += 1;
            let Ok((_, Object::Dictionary(field))) = document.dereference(field) else { continue };
            if depth == 0 || self.seen > MOST || self.values.len() > MOST_VALUES {
                if !self.verdict.problems.contains(&PdfProblem::TooManyFields) {
                    self.verdict.problems.push(PdfProblem::TooManyFields);
                }
                return;
            }
            if field.get_deref(b"FT", document).and_then(Object::as_name).ok() == Some(b"Sig") {
                self.add(field);
            }
            if let Ok(kids) = field.get_deref(b"Kids", document) {
                self.follow(kids, depth - 1);
            }
        }
    }

    fn add(&mut self, field: &'d Dictionary) {
        let name = field.get(b"T").and_then(lopdf::decode_text_string).unwrap_or_default();
        let Ok(value) = field.get(b"V") else { return self.verdict.unsigned_roles.push(name) };
        match value.as_reference().map(|id| (id, self.document.get_dictionary(id))) {
            Ok((id, Ok(dictionary))) => {
                let drawn = drawn(self.document, field);
                self.values.push(Value { field: name, drawn, id, dictionary });
            }
            _ => self.verdict.problems.push(PdfProblem::NotAPlainObject),
        }
    }
}
