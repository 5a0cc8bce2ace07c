//! The form with its signature fields, one for each role.

use lopdf::{Dictionary, Document, Object, ObjectId, dictionary};

use super::super::SignError;
use super::update::{Update, malformed};
use super::{SignatureInfo, is_role};

/// A signature field.
pub(super) struct Field {
    id: ObjectId,
    role: String,
    is_signed: bool,
}

/// The values of the signature fields.
pub(super) fn values(document: &Document) -> Result<Vec<&Dictionary>, SignError> {
    let mut values = Vec::new();
    for field in fields(document)? {
        let dictionary = document.get_dictionary(field.id).map_err(malformed)?;
        if let Ok(value) = dictionary.get_deref(b"V", document).and_then(Object::as_dict) {
            values.push(value);
        }
    }
    Ok(values)
}

/// The fields of a document's form, those of other kinds too.
pub(super) fn fields(document: &Document) -> Result<Vec<Field>, SignError> {
    let catalog = document.catalog().map_err(malformed)?;
    let Ok(form) = catalog.get_deref(b"AcroForm", document).and_then(Object::as_dict) else {
        return Ok(Vec::new());
    };
    let Ok(fields) = form.get_deref(b"Fields", document).and_then(Object::as_array) else {
        return Ok(Vec::new());
    };
    let field = |field: &Object| {
        let id = field.as_reference().map_err(malformed)?;
        let dictionary = document.get_dictionary(id).map_err(malformed)?;
        let role = dictionary.get(b"T").and_then(lopdf::decode_text_string).map_err(malformed)?;
        Ok(Field { id, role, is_signed: dictionary.has(b"V") })
    };
    fields.iter().map(field).collect()
}

/// The field that is to be filled.
pub(super) fn field_to_fill(fields: Vec<Field>, role: &str) -> Result<ObjectId, SignError> {
    match fields.iter().find(|field| field.role == role) {
        Some(Field { is_signed: false, id, .. }) => Ok(*id),
        Some(_) => Err(SignError::AlreadySigned(role.to_owned())),
        None => {
            let fields = fields.into_iter().map(|field| field.role).collect();
            Err(SignError::NoFieldForRole { role: role.to_owned(), fields })
        }
    }
}

/// Makes the form with a field for each role; the one that signs has this signature, which certifies the document.
pub(super) fn create(
    update: &mut Update,
    info: &SignatureInfo,
    signature: ObjectId,
) -> Result<(), SignError> {
    let page = update.first_page()?;
    let mut roles: Vec<&String> = info.roles.iter().collect();
    if !info.roles.contains(&info.role) {
        roles.insert(0, &info.role);
    }
    let mut widgets = Vec::new();
    for role in roles {
        if !is_role(role) {
            return Err(SignError::RoleName(role.clone()));
        }
        let mut widget = widget(role, page);
        if *role == info.role {
            widget.set("V", signature);
        }
        let id = update.add(widget);
        update.add_annotation(page, id)?;
        widgets.push(id);
    }
    update.add_fields(&widgets)?;
    update.catalog()?.set("Perms", dictionary! { "DocMDP" => signature });
    Ok(())
}

/// Adds a field for a timestamp over the document.
pub(super) fn add_timestamp(update: &mut Update, number: usize, token: ObjectId) -> Result<(), SignError> {
    let page = update.first_page()?;
    let mut widget = widget(&format!("timestamp-{number}"), page);
    widget.set("TU", Object::string_literal("Timestamp over the document"));
    widget.set("V", token);
    let id = update.add(widget);
    update.add_annotation(page, id)?;
    update.add_fields(&[id])
}

/// A field that is its own widget: printed (4) and locked (128), without an area, which is what PDF/A-3a and PDF/UA-1 accept
/// without an appearance.
fn widget(name: &str, page: ObjectId) -> Dictionary {
    let nowhere: Vec<Object> = vec![0.into(), 0.into(), 0.into(), 0.into()];
    dictionary! {
        "Type" => "Annot", "Subtype" => "Widget", "FT" => "Sig",
        "T" => Object::string_literal(name), "TU" => Object::string_literal(format!("Signature of the {name}")),
        "P" => page, "F" => 132, "Rect" => nowhere,
    }
}
