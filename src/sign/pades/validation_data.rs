//! The document security store (DSS, ETSI EN 319 142-1, section 5.4): certificates, OCSP responses and revocation lists with
//! which the signatures can still be checked when nobody answers any more.

use std::collections::BTreeSet;

use lopdf::{Dictionary, Document, Object, Stream};

use super::super::{Certificate, SignError};
use super::update::{Update, malformed};

/// The keys of the store, in the order of [`ValidationData`]'s fields.
const KEYS: [&str; 3] = ["Certs", "OCSPs", "CRLs"];
/// The most entries under one key that are read.
const MOST_ENTRIES: usize = 200;

/// The most bytes of all entries together, and of one that is no revocation list.
const MOST_BYTES: usize = 64 << 20;
const LARGEST_SMALL: usize = 64 << 10;

/// What is in the store: DER.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValidationData {
    /// Certificates.
    pub certificates: Vec<Vec<u8>>,
    /// `OCSPResponse`s (RFC 6960).
    pub responses: Vec<Vec<u8>>,
    /// `CertificateList`s (RFC 5280).
    pub lists: Vec<Vec<u8>>,
}

impl ValidationData {
    /// Everything in a document's store; nothing where it has none.
    ///
    /// # Errors
    /// When the store is not as we write it.
    pub(crate) fn of(document: &Document) -> Result<Self, SignError> {
        let Some(store) = store(document) else { return Ok(Self::default()) };
        let mut seen = BTreeSet::new();
        let mut room = MOST_BYTES;
        let mut read = |key: &str, most: usize| {
            let mut part = Vec::new();
            for entry in references(store, key).iter().take(MOST_ENTRIES) {
                let id = entry.as_reference().map_err(malformed)?;
                let content =
                    &document.get_object(id).and_then(Object::as_stream).map_err(malformed)?.content;
                if !seen.insert(id) || content.len() > most || content.len() > room {
                    return Err(SignError::MalformedPdf(
                        "an entry of its security store is repeated or too large".into(),
                    ));
                }
                room -= content.len();
                part.push(content.clone());
            }
            Ok(part)
        };
        let [certificates, responses, lists] = KEYS;
        Ok(Self {
            certificates: read(certificates, LARGEST_SMALL)?,
            responses: read(responses, LARGEST_SMALL)?,
            lists: read(lists, MOST_BYTES)?,
        })
    }

    /// Its certificates, those that can be read.
    pub(crate) fn readable_certificates(&self) -> Vec<Certificate> {
        self.certificates.iter().filter_map(|der| Certificate::from_der(der, 1).ok()).collect()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.parts().iter().all(|part| part.is_empty())
    }

    /// What is in `self` and not in `other`.
    fn beyond(&self, other: &Self) -> Self {
        let [certificates, responses, lists] = [0, 1, 2].map(|index| {
            let known = other.parts()[index];
            self.parts()[index].iter().filter(|one| !known.contains(one)).cloned().collect()
        });
        Self { certificates, responses, lists }
    }

    /// Appends a revision that adds these to the store of `pdf`, which is made if it has none. What is there already is not
    /// added again; `None` where all of it is.
    ///
    /// # Errors
    /// When the PDF cannot be read.
    pub fn append(&self, pdf: &[u8]) -> Result<Option<Vec<u8>>, SignError> {
        let mut update = Update::of(pdf)?;
        let new = self.beyond(&Self::of(update.before())?);
        if new.is_empty() {
            return Ok(None);
        }
        let mut entries = KEYS.map(|key| {
            store(update.before()).map(|store| references(store, key).to_vec()).unwrap_or_default()
        });
        for (entries, added) in entries.iter_mut().zip(new.parts()) {
            for der in added {
                let stream = Stream::new(Dictionary::new(), der.clone()).with_compression(false);
                entries.push(update.add(stream)?.into());
            }
        }
        let mut store = lopdf::dictionary! { "Type" => "DSS" };
        for (key, entries) in KEYS.into_iter().zip(entries).filter(|(_, entries)| !entries.is_empty()) {
            store.set(key, entries);
        }
        let store = update.add(store)?;
        update.catalog()?.set("DSS", store);
        let size = new.parts().iter().flat_map(|part| part.iter()).map(|der| der.len() + 100).sum::<usize>();
        update.into_bytes(size + 16 * 1024).map(Some)
    }

    fn parts(&self) -> [&Vec<Vec<u8>>; 3] {
        [&self.certificates, &self.responses, &self.lists]
    }
}

fn store(document: &Document) -> Option<&Dictionary> {
    document.catalog().ok()?.get_deref(b"DSS", document).ok()?.as_dict().ok()
}

fn references<'a>(store: &'a Dictionary, key: &str) -> &'a [Object] {
    store.get(key.as_bytes()).and_then(Object::as_array).map(Vec::as_slice).unwrap_or_default()
}
