//! An incremental update of a PDF (ISO 32000-1, section 7.5.6): objects that are added or changed, behind the bytes that there are.
//!
//! The same bytes and the same changes give the same update: verification makes every update again that it finds.

use lopdf::{Dictionary, Document, IncrementalDocument, Object, ObjectId};

use super::super::SignError;
use super::name;
use super::reading::{self, Reading};

/// The objects that are added or changed.
pub(super) struct Update {
    document: IncrementalDocument,
    catalog: ObjectId,
}

impl Update {
    /// Begins an update of `pdf` that changes nothing.
    pub(super) fn of(pdf: &[u8]) -> Result<Self, SignError> {
        let document = reading::read(pdf, Reading::Strict).map_err(malformed)?;
        if document.is_encrypted() {
            return Err(SignError::EncryptedPdf);
        }
        let catalog = document.trailer.get(b"Root").and_then(Object::as_reference).map_err(malformed)?;
        // Only these belong into the trailer of an update; the rest describes the old cross-reference stream.
        let mut trailer = Dictionary::new();
        for key in ["Root", "Info", "ID"] {
            if let Ok(value) = document.trailer.get(key.as_bytes()) {
                trailer.set(key, value.clone());
            }
        }
        let previous = i64::try_from(document.xref_start)
            .ok()
            .filter(|offset| *offset > 0)
            .ok_or_else(|| SignError::MalformedPdf("its cross-reference table was not found".into()))?;
        trailer.set("Prev", previous);
        let mut document = IncrementalDocument::create_from(pdf.to_vec(), document);
        document.new_document.trailer = trailer;
        Ok(Self { document, catalog })
    }

    /// The document as it was before.
    pub(super) fn before(&self) -> &Document {
        self.document.get_prev_documents()
    }

    /// The first page.
    pub(super) fn first_page(&self) -> Result<ObjectId, SignError> {
        self.before().page_iter().next().ok_or_else(|| SignError::MalformedPdf("it has no page".into()))
    }

    /// Adds an object.
    pub(super) fn add(&mut self, object: impl Into<Object>) -> Result<ObjectId, SignError> {
        self.document.new_document.try_add_object(object).map_err(malformed)
    }

    /// The catalog, to be changed.
    pub(super) fn catalog(&mut self) -> Result<&mut Dictionary, SignError> {
        self.change(self.catalog)
    }

    /// A dictionary that there was, to be changed.
    pub(super) fn change(&mut self, id: ObjectId) -> Result<&mut Dictionary, SignError> {
        self.document.opt_clone_object_to_new_document(id).map_err(malformed)?;
        self.document.new_document.get_dictionary_mut(id).map_err(malformed)
    }

    /// Adds fields to the form, which is made if there is none.
    pub(super) fn add_fields(&mut self, widgets: &[ObjectId]) -> Result<(), SignError> {
        let before = self.before();
        let catalog = before.get_dictionary(self.catalog).map_err(malformed)?;
        let mut form = match catalog.get_deref(b"AcroForm", before) {
            Ok(form) => form.as_dict().map_err(malformed)?.clone(),
            Err(_) => Dictionary::new(),
        };
        let mut fields = match form.get_deref(b"Fields", before) {
            Ok(fields) => fields.as_array().map_err(malformed)?.clone(),
            Err(_) => Vec::new(),
        };
        fields.extend(widgets.iter().map(|widget| Object::from(*widget)));
        form.set("Fields", fields);
        form.set("SigFlags", 3); // signatures exist (1), append only (2)
        self.catalog()?.set("AcroForm", form);
        Ok(())
    }

    /// Adds an annotation to a page.
    pub(super) fn add_annotation(&mut self, page: ObjectId, widget: ObjectId) -> Result<(), SignError> {
        let annotations = {
            let before = self.before();
            // What this update has changed of the page counts.
            let now = self.document.new_document.get_dictionary(page);
            let page = now.or_else(|_| before.get_dictionary(page)).map_err(malformed)?;
            match page.get_deref(b"Annots", before) {
                Ok(annotations) => annotations.as_array().map_err(malformed)?.clone(),
                Err(_) => Vec::new(),
            }
        };
        let page = self.change(page)?;
        page.set("Annots", [annotations, vec![widget.into()]].concat());
        if !page.has(b"Tabs") {
            page.set("Tabs", name("S")); // PDF/UA-1, 7.18.3: pages with annotations follow the structure
        }
        Ok(())
    }

    /// The whole file: what there was, and the update.
    pub(super) fn into_bytes(mut self, reserve: usize) -> Result<Vec<u8>, SignError> {
        let mut bytes = Vec::with_capacity(self.document.get_prev_documents_bytes().len() + reserve);
        self.document.save_to(&mut bytes).map_err(|error| SignError::MalformedPdf(error.to_string()))?;
        if !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        Ok(bytes)
    }
}

pub(super) fn malformed(error: lopdf::Error) -> SignError {
    SignError::MalformedPdf(error.to_string())
}
