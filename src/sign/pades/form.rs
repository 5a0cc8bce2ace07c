//! The form with its signature fields, one for each role.

use lopdf::{Dictionary, Document, Object, ObjectId, dictionary};

use super::super::SignError;
use super::update::{Update, malformed};
use super::visible::Place;
use super::{SignatureInfo, is_role, visible};

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

/// Puts a signature into its field, and what is drawn for it, if the field has a box.
pub(super) fn fill(
    update: &mut Update,
    field: ObjectId,
    signature: ObjectId,
    drawn: Option<&[u8]>,
) -> Result<(), SignError> {
    let has_box = update.before().get_dictionary(field).is_ok_and(|field| field.has(b"AP"));
    let appearance = drawn.filter(|_| has_box).map(|drawn| visible::appearance(update, drawn)).transpose()?;
    let field = update.change(field)?;
    field.set("V", signature);
    if let Some(appearance) = appearance {
        field.set("AP", appearance);
    }
    Ok(())
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
    let (mut widgets, mut seen) = (Vec::new(), Vec::new());
    for role in roles {
        if !is_role(role) {
            return Err(SignError::RoleName(role.clone()));
        }
        let place = Place::of(update.before(), role);
        let page = place.map_or(page, |place| place.page);
        let words = format!("Signature of the {role}");
        let mut widget = widget(role, &words, page);
        let is_this = *role == info.role;
        if is_this {
            widget.set("V", signature);
        }
        if let Some(place) = place {
            let drawn = info.appearance.as_deref().filter(|_| is_this).unwrap_or_default();
            widget.set("Rect", place.rectangle());
            widget.set("AP", visible::appearance(update, drawn)?);
        }
        let id = update.add(widget)?;
        update.add_annotation(page, id)?;
        widgets.push(id);
        seen.extend(place.map(|place| (id, place, words)));
    }
    update.add_fields(&widgets)?;
    visible::tag(update, &seen)?;
    update.catalog()?.set("Perms", dictionary! { "DocMDP" => signature });
    Ok(())
}

/// Adds a field for a timestamp over the document.
pub(super) fn add_timestamp(update: &mut Update, number: usize, token: ObjectId) -> Result<(), SignError> {
    let page = update.first_page()?;
    let mut widget = widget(&format!("timestamp-{number}"), "Timestamp over the document", page);
    widget.set("V", token);
    let id = update.add(widget)?;
    update.add_annotation(page, id)?;
    update.add_fields(&[id])
}

/// A field that is its own widget: printed (4) and locked (128), without an area, which is what PDF/A-3a and PDF/UA-1 accept
/// without an appearance.
fn widget(name: &str, words: &str, page: ObjectId) -> Dictionary {
    let nowhere: Vec<Object> = vec![0.into(), 0.into(), 0.into(), 0.into()];
    dictionary! {
        "Type" => "Annot", "Subtype" => "Widget", "FT" => "Sig",
        "T" => Object::string_literal(name), "TU" => Object::string_literal(words),
        "P" => page, "F" => 132, "Rect" => nowhere,
    }
}
