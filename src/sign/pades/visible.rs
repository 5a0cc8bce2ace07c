//! Signatures that can be seen: boxes on a page of the report, found by name, and tagged so that reading aids find them too.

use lopdf::{Dictionary, Document, Object, ObjectId, Stream, dictionary};

use super::super::SignError;
use super::update::{Update, malformed};

/// The width of a signature's box, in points.
pub const WIDTH: i64 = 300;
/// The height of a signature's box, in points.
pub const HEIGHT: i64 = 60;
/// How far below the top of its heading the box begins, in points.
const BELOW_HEADING: f32 = 22.0;
/// How far above a heading its destination lies, in points (Typst leaves that room).
const ABOVE_HEADING: f32 = 10.0;
/// The most entries of the tree of destinations that are looked at, and its greatest depth.
const MOST_NAMES: usize = 1_000_000;
const DEEPEST: usize = 32;

/// Where a signature is seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) page: ObjectId,
    /// Left, bottom.
    corner: (f32, f32),
}

impl Place {
    /// The place that the document has for a role: below the destination `signature-<role>`.
    pub(super) fn of(document: &Document, role: &str) -> Option<Self> {
        let names = document.catalog().ok()?.get_deref(b"Names", document).ok()?.as_dict().ok()?;
        let tree = names.get_deref(b"Dests", document).ok()?.as_dict().ok()?;
        let destination = find(document, tree, format!("signature-{role}").as_bytes(), DEEPEST, &mut 0)?;
        let [page, kind, left, top, ..] = destination.as_slice() else { return None };
        if kind.as_name().ok()? != b"XYZ" {
            return None;
        }
        let top = top.as_float().ok()? - ABOVE_HEADING - BELOW_HEADING;
        #[allow(clippy::cast_precision_loss, reason = "sixty is exact")]
        let corner = (left.as_float().ok()?, top - HEIGHT as f32);
        Some(Self { page: page.as_reference().ok()?, corner })
    }

    /// The box, as a PDF rectangle.
    pub(super) fn rectangle(self) -> Vec<Object> {
        let (left, bottom) = self.corner;
        #[allow(clippy::cast_precision_loss, reason = "small numbers are exact")]
        let (right, top) = (left + WIDTH as f32, bottom + HEIGHT as f32);
        [left, bottom, right, top].map(Object::from).to_vec()
    }
}

/// What is drawn in a box.
pub(super) fn appearance(update: &mut Update, content: &[u8]) -> Result<Dictionary, SignError> {
    let form = dictionary! {
        "Type" => "XObject", "Subtype" => "Form", "Resources" => Dictionary::new(),
        "BBox" => vec![0.into(), 0.into(), WIDTH.into(), HEIGHT.into()],
    };
    let form = update.add(Stream::new(form, content.to_vec()).with_compression(false))?;
    Ok(dictionary! { "N" => form })
}

/// What is drawn in a field's box; `None` where the field has none, or what is there is more than lines and surfaces.
pub(crate) fn drawn(document: &Document, field: &Dictionary) -> Option<Vec<u8>> {
    let appearances = field.get_deref(b"AP", document).ok()?.as_dict().ok()?;
    let stream = appearances.get_deref(b"N", document).ok()?.as_stream().ok()?;
    is_drawing(&stream.content).then(|| stream.content.clone())
}

/// Whether this is nothing but shapes: numbers, and operators that make and fill paths. No text, picture or other content can be
/// brought in by it.
fn is_drawing(content: &[u8]) -> bool {
    const OPERATORS: [&str; 9] = ["q", "Q", "m", "l", "c", "h", "f", "g", "re"];
    str::from_utf8(content).is_ok_and(|text| {
        text.split_ascii_whitespace().all(|token| {
            OPERATORS.contains(&token)
                || token.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))
        })
    })
}

/// Brings widgets into the structure of a tagged document, each as a form (ISO 14289-1, section 7.18.4).
pub(super) fn tag(update: &mut Update, widgets: &[(ObjectId, Place, String)]) -> Result<(), SignError> {
    let before = update.before();
    let catalog = before.catalog().map_err(malformed)?;
    let Ok(root) = catalog.get(b"StructTreeRoot").and_then(Object::as_reference) else { return Ok(()) };
    let tree = before.get_dictionary(root).map_err(malformed)?;
    let untagged = |what: &str| SignError::MalformedPdf(format!("its structure tree has no {what}"));
    let top = match tree.get_deref(b"K", before).map_err(malformed)? {
        Object::Array(kids) => kids.first().and_then(|kid| kid.as_reference().ok()),
        _ => tree.get(b"K").and_then(Object::as_reference).ok(),
    };
    let top = top.ok_or_else(|| untagged("top"))?;
    let mut parents =
        tree.get_deref(b"ParentTree", before).and_then(Object::as_dict).map_err(malformed)?.clone();
    let mut next = tree.get(b"ParentTreeNextKey").and_then(Object::as_i64).map_err(malformed)?;
    let mut numbers =
        parents.get(b"Nums").and_then(Object::as_array).map_err(|_| untagged("numbers"))?.clone();
    let kids = before.get_dictionary(top).map_err(malformed)?.get_deref(b"K", before).map_err(malformed)?;
    let mut kids = kids.as_array().map_err(malformed)?.clone();
    for (widget, place, words) in widgets {
        let object = dictionary! { "Type" => "OBJR", "Obj" => *widget, "Pg" => place.page };
        let form = update.add(dictionary! {
            "Type" => "StructElem", "S" => "Form", "P" => top, "Pg" => place.page,
            "Alt" => Object::string_literal(words.as_str()), "K" => object,
        })?;
        update.change(*widget)?.set("StructParent", next);
        numbers.extend([next.into(), form.into()]);
        kids.push(form.into());
        next += 1;
    }
    parents.set("Nums", numbers);
    let tree = update.change(root)?;
    tree.set("ParentTree", parents);
    tree.set("ParentTreeNextKey", next);
    update.change(top)?.set("K", kids);
    Ok(())
}

/// Looks a name up in a tree of names (ISO 32000-1, section 7.9.6).
fn find<'d>(
    document: &'d Document,
    node: &'d Dictionary,
    name: &[u8],
    depth: usize,
    seen: &mut usize,
) -> Option<&'d Vec<Object>> {
    if let Ok(names) = node.get_deref(b"Names", document).and_then(Object::as_array) {
        for pair in names.chunks_exact(2) {
            *seen += 1;
            if pair[0].as_str().ok() == Some(name) {
                let (_, target) = document.dereference(&pair[1]).ok()?;
                return match target {
                    Object::Dictionary(target) => target.get_deref(b"D", document).ok()?.as_array().ok(),
                    target => target.as_array().ok(),
                };
            }
        }
    }
    let kids = node.get_deref(b"Kids", document).and_then(Object::as_array).ok()?;
    kids.iter().filter(|_| depth > 0).find_map(|kid| {
        *seen += 1;
        let (_, kid) = document.dereference(kid).ok().filter(|_| *seen < MOST_NAMES)?;
        find(document, kid.as_dict().ok()?, name, depth - 1, seen)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shapes_are_drawings() {
        assert!(is_drawing(b"q 0.2 g 1 2 m 3.5 -4 l 1 2 3 4 5 6 c h f 0 0 240 60 re f Q"));
        assert!(is_drawing(b""));
        for other in [
            "BT /F1 9 Tf (x) Tj ET",
            "/Im1 Do",
            "1 0 0 1 0 0 cm",
            "BI ID EI",
            "(",
            "<41>",
            "\u{e9}",
            "1 0 0 rg",
        ] {
            assert!(!is_drawing(other.as_bytes()), "{other}");
        }
    }
}
