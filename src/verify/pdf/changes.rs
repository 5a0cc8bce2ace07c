//! What a later revision of a PDF changes, in words: for the message that a signed report was altered.

use std::collections::{BTreeMap, BTreeSet};

use lopdf::{Document, Object, ObjectId};

/// The most changes that are told apart; a message is no list of objects.
const MOST_CHANGES: usize = 20;

/// What differs between the signed revision and the document as it is now.
pub(super) fn changes(signed: &Document, now: &Document) -> Vec<String> {
    let pages = |document: &Document| -> Vec<ObjectId> { document.page_iter().collect() };
    let (pages_before, pages_now) = (pages(signed), pages(now));
    let page_numbers: BTreeMap<ObjectId, usize> = pages_before.iter().copied().zip(1..).collect();
    let contents: BTreeMap<ObjectId, usize> = pages_before
        .iter()
        .zip(1..)
        .flat_map(|(page, number)| signed.get_page_contents(*page).into_iter().map(move |id| (id, number)))
        .collect();
    let mut found = BTreeSet::new();
    if pages_before != pages_now {
        found.insert(format!(
            "the pages are others ({} before, {} now)",
            pages_before.len(),
            pages_now.len()
        ));
    }
    for (id, object) in &now.objects {
        if found.len() >= MOST_CHANGES {
            break;
        }
        let before = signed.objects.get(id);
        if before.is_some_and(|before| same(before, object)) {
            continue;
        }
        let added = before.is_none();
        found.insert(match (page_numbers.get(id), contents.get(id), kind(object)) {
            (Some(number), _, _) => format!("page {number} was changed"),
            (_, Some(number), _) => format!("the content of page {number} was replaced"),
            (_, _, Some(kind)) if added => format!("{kind} was added"),
            (_, _, Some(kind)) => format!("{kind} was changed"),
            (_, _, None) if added => "an object was added".to_owned(),
            (_, _, None) => "an object was changed".to_owned(),
        });
    }
    found.into_iter().take(MOST_CHANGES).collect()
}

fn same(before: &Object, now: &Object) -> bool {
    match (before, now) {
        // Where a stream stands in the file is no part of what it says.
        (Object::Stream(before), Object::Stream(now)) => {
            before.dict == now.dict && before.content == now.content
        }
        _ => before == now,
    }
}

/// The kinds of objects that a reader of the message knows.
fn kind(object: &Object) -> Option<&'static str> {
    let dictionary = match object {
        Object::Dictionary(dictionary) => dictionary,
        Object::Stream(stream) => &stream.dict,
        _ => return None,
    };
    let name = |key: &[u8]| dictionary.get(key).and_then(Object::as_name).unwrap_or_default();
    match (name(b"Type"), name(b"Subtype")) {
        (b"Annot", _) | (_, b"FreeText" | b"Text" | b"Stamp" | b"Link" | b"Widget") => Some("an annotation"),
        (b"Page", _) => Some("a page"),
        (b"Catalog", _) => Some("the catalog"),
        (b"Font", _) => Some("a font"),
        (b"Filespec" | b"EmbeddedFile", _) => Some("an attachment"),
        (b"Sig" | b"DocTimeStamp", _) => Some("a signature"),
        (b"XObject", _) | (_, b"Image" | b"Form") => Some("an image or form"),
        (b"Metadata", _) => Some("the metadata"),
        _ => None,
    }
}
