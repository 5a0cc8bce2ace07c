//! The files attached to a PDF: the report carries the manifest that it was made from.

use std::collections::BTreeSet;
use std::io::Read;

use flate2::read::ZlibDecoder;
use lopdf::{Dictionary, Document, Object, Stream};

use super::pdf::PdfFile;

/// Longest attachment that is unpacked, in bytes.
const LONGEST: u64 = crate::bundle::LONGEST_MANIFEST;

/// The bytes of every attachment under the name `name`.
///
/// # Errors
/// A sentence on why they could not be read.
pub(crate) fn attached(file: &PdfFile<'_>, name: &str) -> Result<Vec<Vec<u8>>, String> {
    let document = file.document().map_err(|error| format!("the PDF cannot be read: {error}"))?;
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    for object in document.objects.values() {
        let Ok(specification) = object.as_dict() else { continue };
        let Ok(embedded) = specification.get(b"EF").and_then(|ef| resolve_dictionary(document, ef)) else {
            continue;
        };
        let named = |key: &[u8]| {
            specification.get(key).and_then(Object::as_str).is_ok_and(|text| text == name.as_bytes())
        };
        if !named(b"F") && !named(b"UF") {
            continue;
        }
        for key in [b"F".as_slice(), b"UF"] {
            let Ok(reference) = embedded.get(key) else { continue };
            // Both keys lead to one stream, which is unpacked once.
            if reference.as_reference().is_ok_and(|id| !seen.insert(id)) {
                continue;
            }
            let stream = document
                .dereference(reference)
                .and_then(|(_, object)| object.as_stream())
                .map_err(|error| format!("the attachment cannot be read: {error}"))?;
            found.push(unpack(stream)?);
        }
    }
    Ok(found)
}

fn resolve_dictionary<'a>(document: &'a Document, object: &'a Object) -> lopdf::Result<&'a Dictionary> {
    document.dereference(object)?.1.as_dict()
}

fn unpack(stream: &Stream) -> Result<Vec<u8>, String> {
    let filters = match stream.dict.get(b"Filter") {
        Err(_) => vec![],
        Ok(Object::Array(filters)) => filters.iter().filter_map(|filter| filter.as_name().ok()).collect(),
        Ok(filter) => filter.as_name().into_iter().collect(),
    };
    match filters.as_slice() {
        [] => Ok(stream.content.clone()),
        [b"FlateDecode"] => {
            let mut bytes = Vec::new();
            let mut decoder = ZlibDecoder::new(&stream.content[..]).take(LONGEST + 1);
            decoder
                .read_to_end(&mut bytes)
                .map_err(|error| format!("the attachment cannot be unpacked: {error}"))?;
            if bytes.len() as u64 > LONGEST {
                return Err("the attachment is larger than any manifest".to_owned());
            }
            Ok(bytes)
        }
        _ => Err("the attachment is encoded in a way that proofpack does not write".to_owned()),
    }
}
