//! Signatures against their outside counterparts: openssl makes the keys and checks the CMS, pyHanko and
//! qpdf (through pikepdf) check the PDFs.

mod cms;
mod keys;
mod kms;
mod pdf;
pub(crate) mod pki;
mod strict_cms;
mod strict_pdf;
pub(crate) mod timestamp;
