//! What an attacker does to a signed PDF: bytes replaced in place, revisions appended, signatures exchanged.

use lopdf::{Document, IncrementalDocument, Object, ObjectId};

/// A PDF with an incremental update.
pub(crate) fn updated(pdf: &[u8], change: impl FnOnce(&mut IncrementalDocument)) -> Vec<u8> {
    let document = Document::load_mem(pdf).unwrap();
    let mut update = IncrementalDocument::create_from(pdf.to_vec(), document);
    change(&mut update);
    let mut bytes = Vec::new();
    update.save_to(&mut bytes).unwrap();
    bytes
}

/// A PDF in whose last occurrence one text is replaced by another of the same length.
pub(crate) fn replaced(pdf: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "{from} {to}");
    let start = (0..pdf.len()).rev().find(|at| pdf[*at..].starts_with(from.as_bytes())).unwrap();
    let mut changed = pdf.to_vec();
    changed[start..start + to.len()].copy_from_slice(to.as_bytes());
    changed
}

/// The last signature's byte range: its text, and its numbers.
pub(crate) fn byte_range(pdf: &[u8]) -> (String, [usize; 4]) {
    let start = (0..pdf.len()).rev().find(|at| pdf[*at..].starts_with(b"/ByteRange[")).unwrap();
    let length = pdf[start..].iter().position(|byte| *byte == b']').unwrap();
    let text = String::from_utf8(pdf[start..=start + length].to_vec()).unwrap();
    let numbers: Vec<usize> = text["/ByteRange[".len()..text.len() - 1]
        .split_whitespace()
        .map(|number| number.parse().unwrap())
        .collect();
    (text, numbers.try_into().unwrap())
}

/// A PDF with another byte range in its last signature, as long as the one that was there.
pub(crate) fn with_byte_range(pdf: &[u8], range: &str) -> Vec<u8> {
    let (text, _) = byte_range(pdf);
    replaced(pdf, &text, &format!("{range:<width$}", width = text.len()))
}

/// The bytes that the last signature covers.
pub(crate) fn covered(pdf: &[u8]) -> Vec<u8> {
    let (_, [_, gap, end, _]) = byte_range(pdf);
    [&pdf[..gap], &pdf[end..]].concat()
}

/// A PDF with another CMS in the place of its last signature.
pub(crate) fn with_cms(pdf: &[u8], cms: &[u8]) -> Vec<u8> {
    let (_, [_, gap, end, _]) = byte_range(pdf);
    let digits: String = cms.iter().map(|byte| format!("{byte:02x}")).collect();
    let room = end - gap - 2;
    assert!(digits.len() <= room);
    [&pdf[..gap], format!("<{digits:0<room$}>").as_bytes(), &pdf[end..]].concat()
}

/// The CMS of the last signature.
pub(crate) fn cms(pdf: &[u8]) -> Vec<u8> {
    let (_, [_, gap, end, _]) = byte_range(pdf);
    let digits = std::str::from_utf8(&pdf[gap + 1..end - 1]).unwrap();
    let bytes: Vec<u8> =
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect();
    let length = 4 + usize::from(bytes[2]) * 256 + usize::from(bytes[3]);
    bytes[..length].to_vec()
}

/// The fields of the document's form.
pub(crate) fn fields(document: &Document) -> Vec<ObjectId> {
    let form = document.catalog().unwrap().get_deref(b"AcroForm", document).unwrap().as_dict().unwrap();
    form.get(b"Fields")
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field.as_reference().unwrap())
        .collect()
}

pub(crate) fn root(document: &Document) -> ObjectId {
    document.trailer.get(b"Root").and_then(Object::as_reference).unwrap()
}

/// Signature wrapping (CCS'19): the signed tail moves to the end, and in the room between a new signature
/// dictionary with another byte range and a new cross-reference table take over. Every signed byte is
/// unchanged and verifies.
pub(crate) fn wrapped(pdf: &[u8]) -> Vec<u8> {
    let (text, [_, first, second, _]) = byte_range(pdf);
    let document = Document::load_mem(pdf).unwrap();
    let field = fields(&document)[0];
    let signature = document.get_object(field).unwrap().as_dict().unwrap().get(b"V").unwrap();
    let signature = signature.as_reference().unwrap();
    assert_eq!(field.0, signature.0 + 1);
    let object_of = |id: u32, ends_before: &[u8]| {
        let header = format!("\n{id} 0 obj\n");
        let start = (0..pdf.len()).rev().find(|at| pdf[*at..].starts_with(header.as_bytes())).unwrap() + 1;
        let length =
            pdf[start..].windows(ends_before.len()).position(|window| window == ends_before).unwrap();
        pdf[start..start + length + ends_before.len()].to_vec()
    };
    let dictionary = String::from_utf8(object_of(signature.0, b"endobj\n")).unwrap();
    let widget = object_of(field.0, b"endobj\n");
    let tail = &pdf[second..];

    // The signed tail says where the cross-reference table is; there, now, stands another.
    let table = document.xref_start;
    let objects = table + 400;
    let tail_start = objects + dictionary.len() + widget.len();
    let range = format!("/ByteRange[0 {first} {tail_start} {}]", tail.len());
    let dictionary = dictionary.replace(&text, &format!("{range:<width$}", width = text.len()));
    let fake = format!(
        "xref\n{} 2\n{:010} 00000 n \n{:010} 00000 n \ntrailer\n<</Size {}/Root {} 0 R/Prev {}>>\n",
        signature.0,
        objects,
        objects + dictionary.len(),
        document.max_id + 1,
        root(&document).0,
        table + tail_start - second,
    );
    let mut wrapped = pdf[..second].to_vec();
    wrapped.resize(table, b' ');
    wrapped.extend(fake.as_bytes());
    wrapped.resize(objects, b' ');
    wrapped.extend(dictionary.as_bytes());
    wrapped.extend(widget);
    wrapped.extend(tail);
    assert_eq!(wrapped[..first], pdf[..first]);
    assert_eq!(wrapped[tail_start..], pdf[second..]);
    wrapped
}

/// A revision whose objects lie in an object stream and whose cross-references in another (ISO 32000-1, sections 7.5.7, 7.5.8): a
/// reader that knows neither sees nothing new.
pub(crate) fn in_an_object_stream(pdf: &[u8], id: u32, object: &str) -> Vec<u8> {
    let document = Document::load_mem(pdf).unwrap();
    let (objects, references) = (document.max_id + 1, document.max_id + 2);
    let header = format!("{id} 0 ");
    let content = format!("{header}{object}");
    let mut bytes = pdf.to_vec();
    let objects_at = bytes.len();
    bytes.extend(
        format!(
            "{objects} 0 obj\n<</Type/ObjStm/N 1/First {}/Length {}>>\nstream\n{content}\nendstream\nendobj\n",
            header.len(),
            content.len()
        )
        .as_bytes(),
    );
    let references_at = bytes.len();
    let mut table = Vec::new();
    // An object in a stream (2), then the two streams (1); entries of one, four and two bytes.
    for (kind, place, index) in [(2u8, objects as usize, 0u16), (1, objects_at, 0), (1, references_at, 0)] {
        table.push(kind);
        table.extend(u32::try_from(place).unwrap().to_be_bytes());
        table.extend(index.to_be_bytes());
    }
    let Object::Array(identifier) = document.trailer.get(b"ID").unwrap() else { panic!() };
    let identifier: String = identifier
        .iter()
        .map(|one| one.as_str().unwrap().iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        .map(|digits| format!("<{digits}>"))
        .collect();
    bytes.extend(
        format!(
            "{references} 0 obj\n<</Type/XRef/Size {}/Root {} 0 R/ID[{identifier}]/Prev {}/Index[{id} 1 {objects} 2]/W[1 4 2]/Length {}>>\nstream\n",
            references + 1,
            root(&document).0,
            document.xref_start,
            table.len()
        )
        .as_bytes(),
    );
    bytes.extend(table);
    bytes.extend(format!("\nendstream\nendobj\nstartxref\n{references_at}\n%%EOF\n").as_bytes());
    bytes
}
