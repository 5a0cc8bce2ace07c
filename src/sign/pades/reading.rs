//! Reading a PDF, without what nobody looks at.
//!
//! Nine in ten objects of a tagged report are the elements of its structure tree, and an object takes some thirty times its bytes in
//! memory. What is left out is signed, compared and kept as bytes all the same: only nobody can ask the document for it.

use lopdf::{Document, LoadOptions, Object, ObjectId};

use super::LARGEST_STREAM;

/// How a PDF is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// A damaged file is repaired where that can be done, so that it can be described;
    /// [`Document::xref_recovery`] tells.
    Lenient,
    /// A damaged file is refused.
    Strict,
}

/// Reads a PDF without the elements of its structure tree below the top.
///
/// # Errors
/// When it is no PDF, or damaged beyond what `reading` accepts.
pub(crate) fn read(pdf: &[u8], reading: Reading) -> lopdf::Result<Document> {
    let options = LoadOptions {
        strict: reading == Reading::Strict,
        max_decompressed_size: Some(LARGEST_STREAM),
        filter: Some(without_structure),
        ..LoadOptions::default()
    };
    let document = Document::load_mem_with_options(pdf, options.clone())?;
    if reading == Reading::Strict || document.page_iter().next().is_some() {
        return Ok(document);
    }
    // With a filter, the library takes a missing page tree for the filter's doing, and repairs nothing.
    Document::load_mem_with_options(pdf, LoadOptions { filter: None, ..options })
}

/// Leaves out an element of the structure tree. What has a byte range is never left out, whatever it says that it is: a signature
/// that nothing leads to must be found.
fn without_structure(id: ObjectId, object: &mut Object) -> Option<(ObjectId, Object)> {
    match object {
        Object::Dictionary(dictionary)
            if dictionary.has_type(b"StructElem")
                && !dictionary.has(b"ByteRange")
                && dictionary.get(b"S").and_then(Object::as_name).ok() != Some(b"Document") =>
        {
            None
        }
        // The library takes what is given back only for members of object streams, which cannot be streams.
        Object::Stream(_) => Some((id, Object::Null)),
        other => Some((id, other.clone())),
    }
}

#[cfg(test)]
mod tests {
    use lopdf::dictionary;
    use lopdf::xref::XrefType;

    use super::*;

    fn document() -> Vec<u8> {
        let mut document = Document::with_version("1.7");
        let page = document.add_object(dictionary! { "Type" => "Page" });
        let pages =
            document.add_object(dictionary! { "Type" => "Pages", "Kids" => vec![page.into()], "Count" => 1 });
        document.add_object(dictionary! { "Type" => "StructElem", "S" => "Document" });
        document.add_object(dictionary! { "Type" => "StructElem", "S" => "P" });
        document
            .add_object(dictionary! { "Type" => "StructElem", "S" => "P", "ByteRange" => vec![0.into()] });
        let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
        document.trailer.set("Root", catalog);
        document.reference_table.cross_reference_type = XrefType::CrossReferenceTable;
        document.binary_mark.clear();
        let mut bytes = Vec::new();
        document.save_to(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn elements_below_the_top_are_left_out_unless_they_could_be_signatures() {
        let bytes = document();
        for reading in [Reading::Lenient, Reading::Strict] {
            let document = read(&bytes, reading).unwrap();
            assert_eq!(document.objects.keys().map(|id| id.0).collect::<Vec<_>>(), [1, 2, 3, 5, 6]);
            assert_eq!(document.max_id, 6, "new objects get numbers that no other has");
        }
    }

    #[test]
    fn a_file_without_its_page_tree_is_repaired_and_told_or_refused() {
        let bytes = String::from_utf8(document()).unwrap();
        let moved = bytes.replacen("1 0 obj", "     1 0 obj", 1).into_bytes();
        let document = read(&moved, Reading::Lenient).unwrap();
        assert!(document.xref_recovery.is_some());
        assert_eq!(document.page_iter().count(), 1);
        assert!(read(&moved, Reading::Strict).is_err());
    }
}
